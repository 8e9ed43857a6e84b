/* What handshakes showed: from a row's facts to the item of its target. */
#include "build.h"

#include "buf.h"
#include "clock.h"
#include "snapshot_rows.h"
#include "snapshot_tls.h"

static void
hex_text(char *out, const uint8_t *bytes, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[bytes[i] >> 4];
		out[2 * i + 1] = digit[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

/* A certificate for ever (RFC 5280 section 4.1.2.5) lasts as long as 64 bits
 * do. */
static uint64_t
moment_of(int64_t seconds)
{
	int64_t most = INT64_MAX / (int64_t)CLOCK_SEC;

	if (seconds < 0)
		return 0;
	return (uint64_t)(seconds < most ? seconds : most) * CLOCK_SEC;
}

/* A fact that is 0 when not known, 1 for no, 2 for yes. */
static uint64_t
fact_of(uint8_t v)
{
	return v == 0 ? STATS_NONE : v == 2;
}

static void
fill_cert(struct snapshot_builder *b, const struct tls_facts *f,
    struct snap_tls *o, struct buf *label)
{
	char hex[65];

	hex_text(hex, f->fingerprint, sizeof(f->fingerprint));
	buf_reset(label);
	target_label_pair(label, "fingerprint_sha256", hex);
	target_label_pair(label, "subject", f->subject);
	target_label_pair(label, "issuer", f->issuer);
	target_label_pair(label, "root", f->root);
	target_label_pair(label, "serial_number", f->serial);
	o->cert = snapshot_text(b, buf_str(label));
	o->not_after = moment_of(f->not_after);
	o->name_match = fact_of(f->for_host);
	o->intercepted = fact_of(f->intercepted);
	if (f->staple != 0)
		o->staple = f->staple;
	if (f->staple_next != 0)
		o->staple_next = moment_of(f->staple_next);
	if (f->verify_error < 0)
		return;
	o->chain = f->chain;
	o->chain_valid = f->verify_error == 0;
}

static void
fill(struct snapshot_builder *b, const struct tls_facts *f, struct snap_tls *o,
    struct buf *label)
{
	if (f->version[0] != '\0') {
		target_label_pair(label, "version", f->version);
		target_label_pair(label, "cipher", f->cipher);
		if (f->chain != 0)
			target_label_pair(
			    label, "chain", word_label(WORD_CHAIN, f->chain));
		o->info = snapshot_text(b, buf_str(label));
	}
	o->sni_required = fact_of(f->sni_required);
	o->policy = fact_of(f->policy);
	if (f->have_cert)
		fill_cert(b, f, o, label);
}

void
snapshot_tls_fill(struct snapshot_builder *b, const struct roster_entry *e,
    uint64_t handshake_ns)
{
	struct buf label = BUF_INIT;
	struct tls_facts f;
	struct snap_tls *o;

	if (!row_read_tls(e->row, &f))
		return;
	o = snapshot_item(b, SCOPE_tls, e->target->labels);
	if (o == NULL)
		return;
	o->changed_at = snapshot_time(b, row_tls_changed(e->row));
	if (handshake_ns != 0)
		o->handshake = handshake_ns;
	fill(b, &f, o, &label);
	b->err |= label.err;
	buf_free(&label);
}
