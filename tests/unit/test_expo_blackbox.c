/* One probe as metrics: names, labels, values; and the words of requests. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "expo_blackbox.h"
#include "http_ask.h"
#include "inquiry.h"

static struct inquiry q;
static struct buf out;

static int
set_up(void **state)
{
	const uint8_t bytes[4] = {127, 0, 0, 1};

	buf_reset(&out);
	q = (struct inquiry){.probed = true,
	    .lookup_ns = 1500,
	    .took_ns = 2500000,
	    .details = {.length = -1}};
	addr_from_bytes(&q.addr, AF_INET, bytes, 80);
	q.result.outcome = OUTCOME_ANSWERED;
	q.result.rtt_ns = 2 * CLOCK_MS;
	return 0;
}

static int
tear_down(void **state)
{
	inquiry_clear(&q);
	buf_free(&out);
	return 0;
}

static const char *
text(enum config_prober p)
{
	q.prober = (uint8_t)p;
	buf_reset(&out);
	expo_blackbox_text(&out, &q);
	return buf_str(&out);
}

static void
has(const char *line)
{
	const char *p = strstr(buf_str(&out), line);

	if (p == NULL || (p != buf_str(&out) && p[-1] != '\n') ||
	    p[strlen(line)] != '\n')
		fail_msg("no line %s in\n%s", line, buf_str(&out));
}

static void
has_not(const char *part)
{
	if (strstr(buf_str(&out), part) != NULL)
		fail_msg("%s in\n%s", part, buf_str(&out));
}

/* How many families it has: each with a help before it, sorted by name. */
static unsigned
families(const char *at)
{
	char last[128] = "", name[128];
	unsigned n = 0;

	for (; *at != '\0'; at = strchr(at, '\n') + 1) {
		if (sscanf(at, "# HELP %127s ", name) != 1) {
			assert_true(at[0] == '#' ||
				    strncmp(at, last, strlen(last)) == 0);
			continue;
		}
		assert_true(strcmp(last, name) < 0);
		memcpy(last, name, sizeof(last));
		n++;
	}
	return n;
}

static void
test_form(void **state)
{
	unsigned n = 0;

	for (enum config_prober p = 0; p < PROBERS; p++)
		n += families(text(p));
	assert_true(n > 60);
}

static void
test_every_probe(void **state)
{
	for (enum config_prober p = 0; p < PROBERS; p++) {
		q.success = true;
		text(p);
		has("probe_success 1");
		has("probe_duration_seconds 0.0025");
		has("probe_dns_lookup_time_seconds 0.0000015");
		has("probe_ip_protocol 4");
		/* as blackbox_exporter has it of 127.0.0.1 */
		has("probe_ip_addr_hash 3668918509");
		has("probe_outcome_info{outcome=\"answered\"} 1");
		q.success = false;
		text(p);
		has("probe_success 0");
	}
}

/* A name that did not resolve: nothing was probed. */
static void
test_unresolved(void **state)
{
	q.addr = (struct addr){0};
	q.probed = false;
	q.result = (struct once_result){0};
	for (enum config_prober p = 0; p < PROBERS; p++) {
		text(p);
		has("probe_ip_protocol 0");
		has("probe_ip_addr_hash 0");
		has("probe_outcome_info{outcome=\"dns\"} 1");
		has_not("mapped");
		has_not("probe_ssl");
	}
	text(PROBER_HTTP);
	has("probe_http_status_code 0");
	has("probe_http_content_length 0");
	has("probe_http_version 0");
	has_not("last_modified");
	text(PROBER_DNS);
	has("probe_dns_query_succeeded 0");
	has_not("probe_dns_serial");
	text(PROBER_ICMP);
	has("probe_icmp_duration_seconds{phase=\"rtt\"} 0");
	has_not("hop_limit");
}

static void
test_http(void **state)
{
	q.transport = TRANSPORT_HTTPS;
	q.redirects = 2;
	q.phase_ns[PHASE_CONNECT] = 1 * CLOCK_MS;
	q.phase_ns[PHASE_TLS] = 2 * CLOCK_MS;
	q.phase_ns[PHASE_REQUEST] = 3 * CLOCK_MS;
	q.phase_ns[PHASE_RESPONSE] = 4 * CLOCK_MS;
	q.transfer_ns = 5 * CLOCK_MS;
	q.details = (struct details){.status = 404,
	    .version = 10,
	    .length = -1,
	    .body = 12345,
	    .modified = 1606132800};
	text(PROBER_HTTP);
	has("probe_http_status_code 404");
	has("probe_http_version 1");
	has("probe_http_content_length -1");
	has("probe_http_uncompressed_body_length 12345");
	has("probe_http_last_modified_timestamp_seconds 1606132800");
	has("probe_http_redirects 2");
	has("probe_http_ssl 1");
	has("probe_http_duration_seconds{phase=\"connect\"} 0.001");
	has("probe_http_duration_seconds{phase=\"tls\"} 0.002");
	has("probe_http_duration_seconds{phase=\"processing\"} 0.007");
	has("probe_http_duration_seconds{phase=\"transfer\"} 0.005");
	has("probe_http_duration_seconds{phase=\"resolve\"} 0.0000015");
	has("probe_failed_due_to_regex 0");
	q.details.version = 11;
	q.transport = TRANSPORT_HTTP;
	text(PROBER_HTTP);
	has("probe_http_version 1.1");
	has("probe_http_ssl 0");
}

/* Names that a certificate has may be anything. */
static void
test_tls(void **state)
{
	struct tls_facts *t = &q.result.tls;

	text(PROBER_TLS);
	has_not("probe_ssl");
	has_not("probe_tls");
	q.result.has_tls = true;
	snprintf(t->version, sizeof(t->version), "TLSv1.3");
	t->have_cert = 1;
	t->not_after = 1798028900;
	memset(t->fingerprint, 0xa5, sizeof(t->fingerprint));
	snprintf(
	    q.details.subject, sizeof(q.details.subject), "CN=a\\,b\"c\nd");
	snprintf(q.details.issuer, sizeof(q.details.issuer), "CN=x,O=y");
	snprintf(q.details.names, sizeof(q.details.names), "a.test,b.test");
	text(PROBER_TLS);
	has("probe_tls_version_info{version=\"TLS 1.3\"} 1");
	has("probe_ssl_earliest_cert_expiry 1798028900");
	has("probe_ssl_last_chain_info{fingerprint_sha256=\""
	    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
	    "\",issuer=\"CN=x,O=y\",subject=\"CN=a\\\\,b\\\"c\\nd\","
	    "subjectalternative=\"a.test,b.test\"} 1");
	has_not("probe_ssl_last_chain_expiry");
	q.details.chain_end = 1700000000;
	text(PROBER_STUN);
	has("probe_ssl_last_chain_expiry_timestamp_seconds 1700000000");
	snprintf(t->version, sizeof(t->version), "TLSv1");
	text(PROBER_TLS);
	has("probe_tls_version_info{version=\"TLS 1.0\"} 1");
	/* Kinds without TLS tell nothing of it. */
	text(PROBER_TCP);
	has_not("probe_ssl");
	has_not("probe_tls");
}

static void
test_others(void **state)
{
	const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	q.details.hop_limit = 57;
	text(PROBER_ICMP);
	has("probe_icmp_reply_hop_limit 57");
	has("probe_icmp_duration_seconds{phase=\"rtt\"} 0.002");
	q.details = (struct details){.dns = true,
	    .answers = 1,
	    .authorities = 2,
	    .additionals = 3,
	    .has_serial = true,
	    .serial = 4026531840};
	text(PROBER_DNS);
	has("probe_dns_answer_rrs 1");
	has("probe_dns_authority_rrs 2");
	has("probe_dns_additional_rrs 3");
	has("probe_dns_serial 4026531840");
	has("probe_dns_query_succeeded 1");
	has("probe_dns_duration_seconds{phase=\"request\"} 0.002");
	addr_from_bytes(&q.addr, AF_INET6, six, 3478);
	q.result.mapped = q.addr;
	text(PROBER_STUN);
	has("probe_ip_protocol 6");
	has("probe_stun_mapped_info{address=\"2001:db8::1\",port=\"3478\"} 1");
	q.result.known = 1u << FACT_SIP_STATUS | 1u << FACT_NTP_OFFSET |
			 1u << FACT_NTP_STRATUM;
	q.result.fact[FACT_SIP_STATUS] = 486;
	q.result.fact[FACT_NTP_OFFSET] = -1500000;
	q.result.fact[FACT_NTP_STRATUM] = 3;
	text(PROBER_SIP);
	has("probe_sip_status_code 486");
	text(PROBER_NTP);
	has("probe_ntp_drift_seconds -0.0015");
	has("probe_ntp_stratum 3");
}

static void
test_debug(void **state)
{
	inquiry_log(&q, 1500 * CLOCK_MS + 7000, "went to %s", "a\tb\x1b[1m");
	buf_puts(&q.module_text, "probe: https\n");
	buf_reset(&out);
	q.prober = PROBER_TCP;
	expo_blackbox_debug(&out, &q);
	has("Logs for the probe:");
	has("1.500007 went to a?b?[1m");
	has("Metrics that would have been returned:");
	has("probe_success 0");
	has("Module configuration:");
	has("probe: https");
}

static const struct {
	const char *text;
	uint64_t ns;
} timeouts[] = {
    {"10", 9500 * CLOCK_MS},
    {"1.5", CLOCK_SEC},
    {"1", 500 * CLOCK_MS},
    {"0.2", 100 * CLOCK_MS},
    {"1e1", 9500 * CLOCK_MS},
    {"600", 60 * CLOCK_SEC},
    {"1e300", 60 * CLOCK_SEC},
    {"1e-300", 1},
    {"0", 0},
    {"-1", 0},
    {"", 0},
    {"x", 0},
    {"10s", 0},
    {"nan", 0},
    {"inf", 0},
};

static void
test_timeouts(void **state)
{
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		assert_int_equal(
		    http_ask_timeout(timeouts[i].text), timeouts[i].ns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_form, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_every_probe, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_unresolved, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_http, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_tls, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_debug, set_up, tear_down),
	    cmocka_unit_test(test_timeouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
