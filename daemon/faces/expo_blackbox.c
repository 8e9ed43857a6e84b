/*
 * A row for each family, in the order of their names: which modules tell it,
 * and who writes its samples. One that writes none is left out.
 */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "expo_blackbox.h"
#include "inquiry.h"
#include "target.h"

#define OF(prober) (1u << PROBER_##prober)
#define ANY	   (~0u)

/* A family while it is written. */
struct writer {
	struct buf *b;
	const struct family *family;
	const struct inquiry *q;
	bool begun;
};

struct family {
	const char *name;
	unsigned probers; /* 1 << enum config_prober */
	void (*write)(struct writer *w);
	const char *help;
};

/* ---- samples ---- */

/* Up to where its value stands; labels without braces, or NULL. */
static void
sample(struct writer *w, const char *labels)
{
	const struct family *f = w->family;

	if (!w->begun)
		buf_printf(w->b, "# HELP %s %s\n# TYPE %s gauge\n", f->name,
		    f->help, f->name);
	w->begun = true;
	buf_puts(w->b, f->name);
	if (labels != NULL)
		buf_printf(w->b, "{%s}", labels);
	buf_putc(w->b, ' ');
}

/* v * 10^-digits. */
static void
number_of(struct writer *w, int64_t v, unsigned digits)
{
	sample(w, NULL);
	if (v < 0)
		buf_putc(w->b, '-');
	buf_decimal(w->b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, digits);
	buf_putc(w->b, '\n');
}

static void
number(struct writer *w, int64_t v)
{
	number_of(w, v, 0);
}

static void
seconds(struct writer *w, const char *labels, uint64_t ns)
{
	sample(w, labels);
	buf_decimal(w->b, ns, 9);
	buf_putc(w->b, '\n');
}

static void
phase(struct writer *w, const char *name, uint64_t ns)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "phase=\"%s\"", name);
	seconds(w, labels, ns);
}

static void
info(struct writer *w, struct buf *labels)
{
	sample(w, buf_str(labels));
	buf_puts(w->b, "1\n");
	buf_free(labels);
}

/* ---- of every probe ---- */

static void
put_success(struct writer *w)
{
	number(w, w->q->success);
}

static void
put_duration(struct writer *w)
{
	seconds(w, NULL, w->q->took_ns);
}

static void
put_lookup(struct writer *w)
{
	seconds(w, NULL, w->q->lookup_ns);
}

static void
put_protocol(struct writer *w)
{
	int family = addr_family(&w->q->addr);

	number(w, family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0);
}

/* FNV-1a, 32 bits, as it is there. */
static void
put_hash(struct writer *w)
{
	unsigned len = 0;
	const uint8_t *bytes = addr_bytes(&w->q->addr, &len);
	uint32_t h = bytes != NULL ? UINT32_C(0x811c9dc5) : 0;

	for (unsigned i = 0; bytes != NULL && i < len; i++)
		h = (h ^ bytes[i]) * UINT32_C(0x01000193);
	number(w, h);
}

static void
put_zero(struct writer *w)
{
	number(w, 0);
}

static void
put_outcome(struct writer *w)
{
	struct buf labels = BUF_INIT;
	enum outcome o = w->q->probed ? w->q->result.outcome : OUTCOME_DNS;

	target_label_pair(&labels, "outcome", outcome_label(o));
	info(w, &labels);
}

/* ---- HTTP ---- */

static void
put_http_length(struct writer *w)
{
	const struct details *d = &w->q->details;

	number(w, d->status != 0 ? d->length : 0);
}

static void
put_http_phases(struct writer *w)
{
	const uint64_t *p = w->q->phase_ns;

	phase(w, "connect", p[PHASE_CONNECT]);
	phase(w, "processing", p[PHASE_REQUEST] + p[PHASE_RESPONSE]);
	phase(w, "resolve", w->q->lookup_ns);
	phase(w, "tls", p[PHASE_TLS]);
	phase(w, "transfer", w->q->transfer_ns);
}

static void
put_http_modified(struct writer *w)
{
	if (w->q->details.modified > 0)
		number(w, w->q->details.modified);
}

static void
put_http_redirects(struct writer *w)
{
	number(w, w->q->redirects);
}

static void
put_http_ssl(struct writer *w)
{
	number(
	    w, w->q->details.status != 0 && w->q->transport == TRANSPORT_HTTPS);
}

static void
put_http_status(struct writer *w)
{
	number(w, w->q->details.status);
}

static void
put_http_body(struct writer *w)
{
	number(w, (int64_t)w->q->details.body);
}

static void
put_http_version(struct writer *w)
{
	number_of(w, w->q->details.version, 1);
}

/* ---- TLS ---- */

static bool
has_certificate(const struct writer *w)
{
	return w->q->result.has_tls && w->q->result.tls.have_cert;
}

static void
put_tls_expiry(struct writer *w)
{
	if (has_certificate(w))
		number(w, w->q->result.tls.not_after);
}

static void
put_tls_chain_end(struct writer *w)
{
	if (w->q->details.chain_end != 0)
		number(w, w->q->details.chain_end);
}

static void
put_tls_chain(struct writer *w)
{
	const struct tls_facts *t = &w->q->result.tls;
	struct buf labels = BUF_INIT;
	char print[2 * sizeof(t->fingerprint) + 1];

	if (!has_certificate(w))
		return;
	for (size_t i = 0; i < sizeof(t->fingerprint); i++)
		snprintf(print + 2 * i, 3, "%02x", t->fingerprint[i]);
	target_label_pair(&labels, "fingerprint_sha256", print);
	target_label_pair(&labels, "issuer", w->q->details.issuer);
	target_label_pair(&labels, "subject", w->q->details.subject);
	target_label_pair(&labels, "subjectalternative", w->q->details.names);
	info(w, &labels);
}

/* "TLSv1.3" is "TLS 1.3" there. */
static void
put_tls_version(struct writer *w)
{
	const char *v = w->q->result.tls.version;
	struct buf labels = BUF_INIT;
	char text[sizeof(w->q->result.tls.version) + 2];

	if (!w->q->result.has_tls || strncmp(v, "TLSv1", 5) != 0)
		return;
	snprintf(text, sizeof(text), "TLS %s", v + strlen("TLSv"));
	if (v[5] == '\0')
		snprintf(text, sizeof(text), "TLS 1.0");
	target_label_pair(&labels, "version", text);
	info(w, &labels);
}

/* ---- ICMP ---- */

/* Sockets are shared: there is nothing to set up for one echo. */
static void
put_icmp_phases(struct writer *w)
{
	phase(w, "resolve", w->q->lookup_ns);
	phase(w, "rtt", w->q->result.rtt_ns);
	phase(w, "setup", 0);
}

static void
put_icmp_hops(struct writer *w)
{
	if (w->q->details.hop_limit > 0)
		number(w, w->q->details.hop_limit);
}

/* ---- name servers ---- */

static void
put_dns_answers(struct writer *w)
{
	number(w, w->q->details.answers);
}

static void
put_dns_authorities(struct writer *w)
{
	number(w, w->q->details.authorities);
}

static void
put_dns_additionals(struct writer *w)
{
	number(w, w->q->details.additionals);
}

static void
put_dns_phases(struct writer *w)
{
	phase(w, "connect", w->q->phase_ns[PHASE_CONNECT]);
	phase(w, "request", w->q->result.rtt_ns);
	phase(w, "resolve", w->q->lookup_ns);
}

static void
put_dns_succeeded(struct writer *w)
{
	number(w, w->q->details.dns);
}

static void
put_dns_serial(struct writer *w)
{
	if (w->q->details.has_serial)
		number(w, w->q->details.serial);
}

/* ---- what blackbox_exporter does not know ---- */

static void
put_phases(struct writer *w)
{
	phase(w, "connect", w->q->phase_ns[PHASE_CONNECT]);
	phase(w, "resolve", w->q->lookup_ns);
	phase(w, "rtt", w->q->result.rtt_ns);
	phase(w, "tls", w->q->phase_ns[PHASE_TLS]);
}

static void
put_mapped(struct writer *w)
{
	const struct addr *a = &w->q->result.mapped;
	struct buf labels = BUF_INIT;
	char text[ADDR_TEXT];

	if (!w->q->probed || addr_family(a) == 0)
		return;
	target_label_pair(&labels, "address", addr_host_text(a, text));
	snprintf(text, sizeof(text), "%u", addr_port(a));
	target_label_pair(&labels, "port", text);
	info(w, &labels);
}

static bool
fact(const struct writer *w, enum fact f, int64_t *out)
{
	*out = w->q->result.fact[f];
	return (w->q->result.known >> f & 1) != 0;
}

static void
put_sip_status(struct writer *w)
{
	int64_t v;

	number(w, fact(w, FACT_SIP_STATUS, &v) ? v : 0);
}

static void
put_ntp_offset(struct writer *w)
{
	int64_t v;

	if (fact(w, FACT_NTP_OFFSET, &v))
		number_of(w, v, 9);
}

static void
put_ntp_stratum(struct writer *w)
{
	int64_t v;

	if (fact(w, FACT_NTP_STRATUM, &v))
		number(w, v);
}

/* ---- the table ---- */

#define TLS (OF(HTTP) | OF(TLS) | OF(STUN) | OF(SIP))

static const struct family families[] = {
    {"probe_dns_additional_rrs", OF(DNS), put_dns_additionals,
	"Returns number of entries in the additional resource record list"},
    {"probe_dns_answer_rrs", OF(DNS), put_dns_answers,
	"Returns number of entries in the answer resource record list"},
    {"probe_dns_authority_rrs", OF(DNS), put_dns_authorities,
	"Returns number of entries in the authority resource record list"},
    {"probe_dns_duration_seconds", OF(DNS), put_dns_phases,
	"Duration of DNS request by phase"},
    {"probe_dns_lookup_time_seconds", ANY, put_lookup,
	"Returns the time taken for probe dns lookup in seconds"},
    {"probe_dns_query_succeeded", OF(DNS), put_dns_succeeded,
	"Displays whether or not the query was executed successfully"},
    {"probe_dns_serial", OF(DNS), put_dns_serial,
	"Returns the serial number of the zone"},
    {"probe_duration_seconds", ANY, put_duration,
	"Returns how long the probe took to complete in seconds"},
    {"probe_failed_due_to_regex", OF(HTTP) | OF(TCP) | OF(TLS), put_zero,
	"Indicates if probe failed due to regex"},
    {"probe_http_content_length", OF(HTTP), put_http_length,
	"Length of http content response"},
    {"probe_http_duration_seconds", OF(HTTP), put_http_phases,
	"Duration of http request by phase, summed over all redirects"},
    {"probe_http_last_modified_timestamp_seconds", OF(HTTP), put_http_modified,
	"Returns the Last-Modified HTTP response header in unixtime"},
    {"probe_http_redirects", OF(HTTP), put_http_redirects,
	"The number of redirects"},
    {"probe_http_ssl", OF(HTTP), put_http_ssl,
	"Indicates if SSL was used for the final redirect"},
    {"probe_http_status_code", OF(HTTP), put_http_status,
	"Response HTTP status code"},
    {"probe_http_uncompressed_body_length", OF(HTTP), put_http_body,
	"Length of uncompressed response body"},
    {"probe_http_version", OF(HTTP), put_http_version,
	"Returns the version of HTTP of the probe response"},
    {"probe_icmp_duration_seconds", OF(ICMP), put_icmp_phases,
	"Duration of icmp request by phase"},
    {"probe_icmp_reply_hop_limit", OF(ICMP), put_icmp_hops,
	"Replied packet hop limit (TTL for ipv4)"},
    {"probe_ip_addr_hash", ANY, put_hash,
	"Specifies the hash of IP address. It's useful to detect if the IP "
	"address changes."},
    {"probe_ip_protocol", ANY, put_protocol,
	"Specifies whether probe ip protocol is IP4 or IP6"},
    {"probe_ntp_drift_seconds", OF(NTP), put_ntp_offset,
	"Offset of the server's clock to this host's"},
    {"probe_ntp_duration_seconds", OF(NTP), put_phases,
	"Duration of NTP request by phase"},
    {"probe_ntp_stratum", OF(NTP), put_ntp_stratum,
	"Stratum of the time server"},
    {"probe_outcome_info", ANY, put_outcome,
	"How the probe ended, or why it failed"},
    {"probe_sip_duration_seconds", OF(SIP), put_phases,
	"Duration of SIP request by phase"},
    {"probe_sip_status_code", OF(SIP), put_sip_status,
	"Response SIP status code"},
    {"probe_ssl_earliest_cert_expiry", TLS, put_tls_expiry,
	"Returns last SSL chain expiry in unixtime"},
    {"probe_ssl_last_chain_expiry_timestamp_seconds", TLS, put_tls_chain_end,
	"Returns last SSL chain expiry in timestamp"},
    {"probe_ssl_last_chain_info", TLS, put_tls_chain,
	"Contains SSL leaf certificate information"},
    {"probe_stun_duration_seconds", OF(STUN), put_phases,
	"Duration of STUN request by phase"},
    {"probe_stun_mapped_info", OF(STUN), put_mapped,
	"Where the server saw the request come from"},
    {"probe_success", ANY, put_success,
	"Displays whether or not the probe was a success"},
    {"probe_tls_version_info", TLS, put_tls_version,
	"Returns the TLS version used or NaN when unknown"},
};

void
expo_blackbox_text(struct buf *b, const struct inquiry *q)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct writer w = {.b = b, .family = &families[i], .q = q};

		if ((families[i].probers >> q->prober & 1) != 0)
			families[i].write(&w);
	}
}

void
expo_blackbox_debug(struct buf *b, const struct inquiry *q)
{
	buf_puts(b, "Logs for the probe:\n");
	buf_put(b, q->log.data, q->log.len);
	buf_puts(b, "\n\n\nMetrics that would have been returned:\n");
	expo_blackbox_text(b, q);
	buf_puts(b, "\n\n\nModule configuration:\n");
	buf_put(b, q->module_text.data, q->module_text.len);
}
