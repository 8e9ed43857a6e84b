/* RFC 5246 and RFC 8446: a ClientHello, and the first flight of a server. */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "wire_tls.h"

enum record { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };

enum message {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	CERTIFICATE_REQUEST = 13,
	SERVER_HELLO_DONE = 14,
	CERTIFICATE_STATUS = 22
};

enum extension {
	EXT_SERVER_NAME = 0,
	EXT_STATUS_REQUEST = 5,
	EXT_GROUPS = 10,
	EXT_POINT_FORMATS = 11,
	EXT_SIGNATURES = 13,
	EXT_MASTER_SECRET = 23,
	EXT_VERSIONS = 43,
	EXT_KEY_SHARE = 51,
	EXT_RENEGOTIATION = 0xff01
};

enum {
	RECORD_HEADER = 5,
	/* RFC 5246, section 6.2.3: what is not compressed is never longer. */
	RECORD_MOST = 16384,
	MESSAGE_HEADER = 4,
	ALERT = 2,
	ALERT_WARNING = 1,
	ALERT_CLOSE = 0,
	RANDOM = 32,
	GROUP_X25519 = 29,
	STATUS_OCSP = 1
};

/* What the library's own client offers, and what old servers have left. */
static const uint16_t suites_1_3[] = {0x1302, 0x1303, 0x1301};
static const uint16_t suites[] = {0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc02b,
    0xc02f, 0x009e, 0x009f, 0xc024, 0xc028, 0xc023, 0xc027, 0xc00a, 0xc014,
    0xc009, 0xc013, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f};
static const uint16_t groups[] = {GROUP_X25519, 23, 24, 25};
static const uint16_t signatures[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0804,
    0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601, 0x0203,
    0x0201};

/* ---- the hello ---- */

struct writer {
	uint8_t *at;
};

static void
put8(struct writer *w, unsigned n)
{
	*w->at++ = (uint8_t)n;
}

static void
put16(struct writer *w, unsigned n)
{
	put8(w, n >> 8);
	put8(w, n & 0xff);
}

static void
put_bytes(struct writer *w, const void *bytes, size_t len)
{
	memcpy(w->at, bytes, len);
	w->at += len;
}

/* Two bytes for a length that is known when what it counts is written. */
static uint8_t *
open_length(struct writer *w)
{
	put16(w, 0);
	return w->at;
}

static void
close_length(const struct writer *w, uint8_t *from)
{
	size_t len = (size_t)(w->at - from);

	from[-2] = (uint8_t)(len >> 8);
	from[-1] = (uint8_t)len;
}

static void
put_list(struct writer *w, const uint16_t *list, size_t n)
{
	put16(w, (unsigned)n * 2);
	for (size_t i = 0; i < n; i++)
		put16(w, list[i]);
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* RFC 6066, sections 3 and 8. */
static void
put_name(struct writer *w, const char *name)
{
	size_t len = strlen(name);

	put16(w, EXT_SERVER_NAME);
	put16(w, (unsigned)len + 5);
	put16(w, (unsigned)len + 3);
	put8(w, 0); /* host_name */
	put16(w, (unsigned)len);
	put_bytes(w, name, len);
}

static void
put_status_request(struct writer *w)
{
	put16(w, EXT_STATUS_REQUEST);
	put16(w, 5);
	put8(w, STATUS_OCSP);
	put16(w, 0); /* responders */
	put16(w, 0); /* extensions */
}

static void
put_extension_list(
    struct writer *w, enum extension type, const uint16_t *list, size_t n)
{
	put16(w, type);
	put16(w, (unsigned)n * 2 + 2);
	put_list(w, list, n);
}

/* RFC 8446, sections 4.2.1 and 4.2.8: any 32 bytes are a share of X25519. */
static void
put_newest(struct writer *w, const uint8_t *share)
{
	put16(w, EXT_VERSIONS);
	put16(w, 5);
	put8(w, 4);
	put16(w, WIRE_TLS_1_3);
	put16(w, WIRE_TLS_1_2);
	put16(w, EXT_KEY_SHARE);
	put16(w, RANDOM + 6);
	put16(w, RANDOM + 4);
	put16(w, GROUP_X25519);
	put16(w, RANDOM);
	put_bytes(w, share, RANDOM);
}

static void
put_extensions(struct writer *w, const struct wire_tls_hello *h)
{
	uint8_t *length = open_length(w);

	if (h->name != NULL)
		put_name(w, h->name);
	put_status_request(w);
	put_extension_list(w, EXT_GROUPS, groups, COUNT(groups));
	put16(w, EXT_POINT_FORMATS);
	put16(w, 2);
	put16(w, 0x0100); /* one: uncompressed */
	put_extension_list(w, EXT_SIGNATURES, signatures, COUNT(signatures));
	put16(w, EXT_MASTER_SECRET);
	put16(w, 0);
	put16(w, EXT_RENEGOTIATION);
	put16(w, 1);
	put8(w, 0);
	if (h->newest == WIRE_TLS_1_3)
		put_newest(w, h->random + RANDOM + RANDOM);
	close_length(w, length);
}

static void
put_suites(struct writer *w, uint16_t newest)
{
	uint8_t *length = open_length(w);

	for (size_t i = 0; newest == WIRE_TLS_1_3 && i < COUNT(suites_1_3); i++)
		put16(w, suites_1_3[i]);
	for (size_t i = 0; i < COUNT(suites); i++)
		put16(w, suites[i]);
	close_length(w, length);
}

size_t
wire_tls_hello(const struct wire_tls_hello *h, uint8_t out[WIRE_TLS_HELLO])
{
	struct writer w = {out};
	uint8_t *record, *message;

	if (h->name != NULL && strlen(h->name) > WIRE_TLS_NAME)
		return 0;
	put8(&w, RECORD_HANDSHAKE);
	put16(&w, WIRE_TLS_1_0); /* RFC 5246, appendix E.1 */
	record = open_length(&w);
	put8(&w, CLIENT_HELLO);
	put8(&w, 0);
	message = open_length(&w);
	put16(&w, WIRE_TLS_1_2);
	put_bytes(&w, h->random, RANDOM);
	/* RFC 8446, appendix D.4: a session that there never was. */
	put8(&w, h->newest == WIRE_TLS_1_3 ? RANDOM : 0);
	if (h->newest == WIRE_TLS_1_3)
		put_bytes(&w, h->random + RANDOM, RANDOM);
	put_suites(&w, h->newest);
	put16(&w, 0x0100); /* one compression: none */
	put_extensions(&w, h);
	close_length(&w, message);
	close_length(&w, record);
	return (size_t)(w.at - out);
}

/* ---- records ---- */

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static size_t
get24(const uint8_t *p)
{
	return (size_t)p[0] << 16 | get16(p + 1);
}

/* Takes so many bytes out, in front of which the messages stand. */
static void
cut(struct wire_tls_input *in, size_t n)
{
	uint8_t *at = in->bytes + in->joined;

	in->len -= n;
	memmove(at, at + n, in->len - in->joined);
}

/* A whole record of len bytes behind its header. */
static int
take_record(struct wire_tls_input *in, const uint8_t *record, size_t len)
{
	const uint8_t *body = record + RECORD_HEADER;

	if (record[0] == RECORD_HANDSHAKE) {
		cut(in, RECORD_HEADER);
		in->joined += len;
		return len > 0 ? 0 : -EPROTO;
	}
	if (record[0] == RECORD_ALERT && len != ALERT)
		return -EPROTO;
	if (record[0] == RECORD_ALERT && body[0] == ALERT_WARNING &&
	    body[1] != ALERT_CLOSE) {
		cut(in, RECORD_HEADER + ALERT);
		return 0;
	}
	in->alert = record[0] == RECORD_ALERT ? body[1] : -1;
	in->ended = true;
	return 0;
}

int
wire_tls_join(struct wire_tls_input *in)
{
	int err = 0;

	while (
	    err == 0 && !in->ended && in->len - in->joined >= RECORD_HEADER) {
		const uint8_t *record = in->bytes + in->joined;
		size_t len = get16(record + 3);

		if (record[0] < RECORD_CCS || record[0] > RECORD_DATA ||
		    record[1] != 3 || len > RECORD_MOST)
			return -EPROTO;
		if (in->len - in->joined - RECORD_HEADER < len)
			return 0;
		err = take_record(in, record, len);
	}
	return err;
}

/* ---- the flight ---- */

/* What is left of a message. */
struct reader {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *
take(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (n > r->left)
		return NULL;
	r->at += n;
	r->left -= n;
	return at;
}

/* RFC 8446, section 4.2.1: which version it is stands in an extension. */
static int
read_extensions(struct reader *r, struct wire_tls_flight *out)
{
	while (r->left > 0) {
		const uint8_t *head = take(r, 4), *body;

		body = head != NULL ? take(r, get16(head + 2)) : NULL;
		if (body == NULL)
			return -EPROTO;
		if (get16(head) != EXT_VERSIONS)
			continue;
		if (get16(head + 2) != 2)
			return -EPROTO;
		out->version = (uint16_t)get16(body);
	}
	return 0;
}

static bool
is_offered(const struct wire_tls_flight *f, uint16_t newest)
{
	const uint16_t *list = suites;
	size_t n = COUNT(suites);

	if (f->version < WIRE_TLS_1_0 || f->version > newest)
		return false;
	if (f->version == WIRE_TLS_1_3) {
		list = suites_1_3;
		n = COUNT(suites_1_3);
	}
	for (size_t i = 0; i < n; i++)
		if (list[i] == f->cipher)
			return true;
	return false;
}

/* RFC 5246, section 7.4.1.3. */
static int
read_hello(struct reader r, uint16_t newest, struct wire_tls_flight *out)
{
	const uint8_t *head = take(&r, 2 + RANDOM + 1), *choice, *length;

	if (head == NULL || take(&r, head[2 + RANDOM]) == NULL)
		return -EPROTO;
	choice = take(&r, 3);
	if (choice == NULL || choice[2] != 0)
		return -EPROTO;
	out->version = (uint16_t)get16(head);
	out->cipher = (uint16_t)get16(choice);
	length = take(&r, 2);
	if (length != NULL &&
	    (get16(length) != r.left || read_extensions(&r, out) < 0))
		return -EPROTO;
	return is_offered(out, newest) ? 0 : -EPROTO;
}

/* RFC 5246, section 7.4.2: the first of the list is the server's own. */
static int
read_certificate(struct reader r, struct wire_tls_flight *out)
{
	const uint8_t *list = take(&r, 3), *leaf = NULL;

	if (list != NULL && get24(list) == r.left)
		leaf = take(&r, 3);
	if (leaf == NULL || get24(leaf) == 0)
		return -EPROTO;
	out->leaf_len = get24(leaf);
	out->leaf = take(&r, out->leaf_len);
	return out->leaf != NULL ? 0 : -EPROTO;
}

/* RFC 6066, section 8. */
static int
read_status(struct reader r, struct wire_tls_flight *out)
{
	const uint8_t *head = take(&r, 4);

	if (head == NULL || head[0] != STATUS_OCSP ||
	    get24(head + 1) != r.left || r.left == 0)
		return -EPROTO;
	out->staple = r.at;
	out->staple_len = r.left;
	return 0;
}

/* 1: nothing of interest will follow; 0; -EPROTO. */
static int
read_message(
    uint8_t type, struct reader r, uint16_t newest, struct wire_tls_flight *out)
{
	int err;

	if ((out->version == 0) != (type == SERVER_HELLO))
		return -EPROTO;
	switch (type) {
	case SERVER_HELLO:
		err = read_hello(r, newest, out);
		return err < 0 ? err : out->version == WIRE_TLS_1_3;
	case CERTIFICATE:
		return out->leaf == NULL ? read_certificate(r, out) : -EPROTO;
	case CERTIFICATE_STATUS:
		return out->leaf != NULL && out->staple == NULL
			   ? read_status(r, out)
			   : -EPROTO;
	case SERVER_KEY_EXCHANGE:
	case CERTIFICATE_REQUEST:
	case SERVER_HELLO_DONE:
		return out->leaf != NULL ? 1 : -EPROTO;
	default:
		return -EPROTO;
	}
}

int
wire_tls_flight(const struct wire_tls_input *in, uint16_t newest,
    struct wire_tls_flight *out)
{
	struct reader all = {in->bytes, in->joined};
	int done = 0;

	memset(out, 0, sizeof(*out));
	while (done == 0) {
		const uint8_t *head = take(&all, MESSAGE_HEADER), *body;

		body = head != NULL ? take(&all, get24(head + 1)) : NULL;
		if (body == NULL)
			return in->ended ? -EPROTO : 0;
		done = read_message(head[0],
		    (struct reader){body, get24(head + 1)}, newest, out);
	}
	return done;
}
