/*
 * The hello against OpenSSL's own server, whose answers are what it says they
 * are; and flights by hand that no server should send.
 */
#include "build.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab.h"
#include "wire_tls.h"

enum { ROOM = 32768, ALERT_HANDSHAKE = 40, ALERT_VERSION = 70 };

static const uint8_t dice[WIRE_TLS_RANDOM] = {7, 1, 2, 3, [32] = 4, [64] = 5};

/* ---- against a server ---- */

struct server {
	struct lab_cert root, leaf;
	SSL_CTX *ctx;
	SSL *ssl;
	const char *staple; /* NULL: it has none */
	char name[WIRE_TLS_NAME + 1];
	uint8_t said[ROOM];
	size_t said_len;
};

static int
on_status(SSL *ssl, void *arg)
{
	const struct server *s = arg;

	if (s->staple == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(
	    ssl, OPENSSL_strdup(s->staple), (long)strlen(s->staple));
	return SSL_TLSEXT_ERR_OK;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	snprintf(s->name, sizeof(s->name), "%s", name != NULL ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static void
server_up(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->root =
	    (struct lab_cert){.subject = "Root", .days = 9, .is_ca = true};
	s->leaf = (struct lab_cert){
	    .subject = "www.example.net", .days = 9, .issuer = &s->root};
	lab_cert_make(&s->root);
	lab_cert_make(&s->leaf);
	s->ctx = lab_server(&s->leaf);
	SSL_CTX_set_tlsext_status_cb(s->ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(s->ctx, s);
	SSL_CTX_set_tlsext_servername_callback(s->ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(s->ctx, s);
}

static void
server_down(struct server *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	lab_cert_free(&s->leaf);
	lab_cert_free(&s->root);
}

/* What it says to a hello is in said. */
static void
greet(struct server *s, const char *name, uint16_t newest)
{
	struct wire_tls_hello h = {
	    .name = name, .random = dice, .newest = newest};
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	uint8_t hello[WIRE_TLS_HELLO];
	size_t len = wire_tls_hello(&h, hello);

	assert_in_range(len, 100, WIRE_TLS_HELLO);
	SSL_free(s->ssl);
	s->ssl = SSL_new(s->ctx);
	SSL_set_bio(s->ssl, in, out);
	BIO_write(in, hello, (int)len);
	SSL_accept(s->ssl);
	s->said_len = (size_t)BIO_read(out, s->said, sizeof(s->said));
	assert_in_range(s->said_len, 7, sizeof(s->said) - 1);
}

/* The same, given in pieces; returns what the last call did. */
static int
hear(const uint8_t *bytes, size_t len, size_t piece, uint16_t newest,
    struct wire_tls_input *in, struct wire_tls_flight *f)
{
	static uint8_t room[ROOM];
	int done = 0;

	*in = (struct wire_tls_input){.bytes = room, .alert = -1};
	for (size_t at = 0; at < len && done == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		memcpy(in->bytes + in->len, bytes + at, n);
		in->len += n;
		done = wire_tls_join(in);
		if (done == 0)
			done = wire_tls_flight(in, newest, f);
	}
	return done;
}

static void
expect_leaf(const struct server *s, const struct wire_tls_flight *f)
{
	uint8_t *der = NULL;
	int len = i2d_X509(s->leaf.x509, &der);

	assert_int_equal(f->leaf_len, len);
	assert_memory_equal(f->leaf, der, f->leaf_len);
	OPENSSL_free(der);
}

static void
expect_flight(const struct server *s, uint16_t newest, uint16_t version)
{
	static const size_t pieces[] = {1, 3, 5, 100, ROOM};
	struct wire_tls_input in;
	struct wire_tls_flight f;

	for (unsigned i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(
		    hear(s->said, s->said_len, pieces[i], newest, &in, &f), 1);
		assert_int_equal(f.version, version);
		assert_int_equal(in.alert, -1);
		if (version == WIRE_TLS_1_3) {
			assert_null(f.leaf);
			continue;
		}
		assert_int_equal(f.cipher,
		    SSL_CIPHER_get_protocol_id(SSL_get_pending_cipher(s->ssl)));
		expect_leaf(s, &f);
		assert_int_equal(
		    f.staple_len, s->staple != NULL ? strlen(s->staple) : 0);
		if (s->staple != NULL)
			assert_memory_equal(f.staple, s->staple, f.staple_len);
	}
}

static void
test_certificate_in_clear(void **state)
{
	struct server s;

	server_up(&s);
	greet(&s, "www.example.net", WIRE_TLS_1_2);
	assert_string_equal(s.name, "www.example.net");
	expect_flight(&s, WIRE_TLS_1_2, WIRE_TLS_1_2);
	s.staple = "a response of any bytes";
	greet(&s, NULL, WIRE_TLS_1_2);
	assert_string_equal(s.name, "");
	expect_flight(&s, WIRE_TLS_1_2, WIRE_TLS_1_2);
	server_down(&s);
}

/* Messages in more records than one, and more than one in a record. */
static void
test_fragments(void **state)
{
	struct server s;

	server_up(&s);
	SSL_CTX_set_max_send_fragment(s.ctx, 512);
	s.staple = "a response of any bytes";
	greet(&s, "www.example.net", WIRE_TLS_1_2);
	expect_flight(&s, WIRE_TLS_1_2, WIRE_TLS_1_2);
	server_down(&s);
}

static void
test_newest(void **state)
{
	struct server s;
	struct wire_tls_input in;
	struct wire_tls_flight f;

	server_up(&s);
	greet(&s, "www.example.net", WIRE_TLS_1_3);
	expect_flight(&s, WIRE_TLS_1_3, WIRE_TLS_1_3);
	/* Wants another group: that is its first flight. */
	SSL_CTX_set1_groups_list(s.ctx, "P-384");
	greet(&s, "www.example.net", WIRE_TLS_1_3);
	expect_flight(&s, WIRE_TLS_1_3, WIRE_TLS_1_3);
	/* The older one of those offered. */
	SSL_CTX_set1_groups_list(s.ctx, "P-256");
	SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION);
	greet(&s, "www.example.net", WIRE_TLS_1_3);
	expect_flight(&s, WIRE_TLS_1_3, WIRE_TLS_1_2);
	/* None of those offered. */
	SSL_CTX_set_max_proto_version(s.ctx, TLS1_3_VERSION);
	SSL_CTX_set_min_proto_version(s.ctx, TLS1_3_VERSION);
	greet(&s, "www.example.net", WIRE_TLS_1_2);
	assert_int_equal(
	    hear(s.said, s.said_len, 1, WIRE_TLS_1_2, &in, &f), -EPROTO);
	assert_int_equal(in.alert, ALERT_VERSION);
	server_down(&s);
}

/* A suite that only old servers have left, and one that nobody offers. */
static void
test_suites(void **state)
{
	struct server s;
	struct wire_tls_input in;
	struct wire_tls_flight f;

	server_up(&s);
	SSL_CTX_set_cipher_list(s.ctx, "ECDHE-ECDSA-AES256-SHA");
	greet(&s, "www.example.net", WIRE_TLS_1_2);
	expect_flight(&s, WIRE_TLS_1_2, WIRE_TLS_1_2);
	SSL_CTX_set_cipher_list(s.ctx, "ECDHE-ECDSA-CAMELLIA128-SHA256");
	greet(&s, "www.example.net", WIRE_TLS_1_2);
	assert_int_equal(
	    hear(s.said, s.said_len, ROOM, WIRE_TLS_1_2, &in, &f), -EPROTO);
	assert_int_equal(in.alert, ALERT_HANDSHAKE);
	server_down(&s);
}

static void
test_hello(void **state)
{
	char name[WIRE_TLS_NAME + 2];
	uint8_t a[WIRE_TLS_HELLO], b[WIRE_TLS_HELLO];
	struct wire_tls_hello h = {
	    .name = name, .random = dice, .newest = WIRE_TLS_1_3};
	size_t len;

	memset(name, 'n', sizeof(name));
	name[WIRE_TLS_NAME + 1] = '\0';
	assert_int_equal(wire_tls_hello(&h, a), 0);
	name[WIRE_TLS_NAME] = '\0';
	len = wire_tls_hello(&h, a);
	assert_in_range(len, WIRE_TLS_NAME, WIRE_TLS_HELLO);
	assert_memory_equal(a + 11, dice, 32);
	/* The older one is the same without what is new. */
	h.newest = WIRE_TLS_1_2;
	assert_in_range(wire_tls_hello(&h, b), 1, len - 1);
	assert_int_equal(a[10], 3);
	assert_int_equal(b[10], 3);
}

/* ---- by hand ---- */

/* Handshake messages, each after its type and length. */
#define HELLO_HEAD                 \
	"\x02\x00\x00\x26\x03\x03" \
	"RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00"
#define HELLO  HELLO_HEAD "\xc0\x2f\x00"
#define LEAF   "\x0b\x00\x00\x08\x00\x00\x05\x00\x00\x02\xd1\xd2"
#define STAPLE "\x16\x00\x00\x05\x01\x00\x00\x01\xee"
#define DONE   "\x0e\x00\x00\x00"

struct row {
	const char *what;
	const char *bytes; /* of one handshake record */
	size_t len;
	int result;
};

#define ROW(what, text, result)                      \
	{                                            \
		what, text, sizeof(text) - 1, result \
	}

static const struct row rows[] = {
    ROW("all of it", HELLO LEAF STAPLE DONE, 1),
    ROW("no staple", HELLO LEAF DONE, 1),
    ROW("key exchange next", HELLO LEAF "\x0c\x00\x00\x01\x00", 1),
    ROW("certificate request next", HELLO LEAF "\x0d\x00\x00\x01\x00", 1),
    ROW("a hello alone", HELLO, 0),
    ROW("the staple may come", HELLO LEAF, 0),
    ROW("part of a message", HELLO "\x0b\x00\x00\x08\x00\x00", 0),
    ROW("no hello first", LEAF DONE, -EPROTO),
    ROW("two hellos", HELLO HELLO, -EPROTO),
    ROW("a client's hello", "\x01\x00\x00\x01\x00", -EPROTO),
    ROW("no certificate", HELLO DONE, -EPROTO),
    ROW("two certificates", HELLO LEAF LEAF, -EPROTO),
    ROW("a staple of nothing", HELLO STAPLE, -EPROTO),
    ROW("two staples", HELLO LEAF STAPLE STAPLE, -EPROTO),
    ROW("an empty staple", HELLO LEAF "\x16\x00\x00\x04\x01\x00\x00\x00",
	-EPROTO),
    ROW("a staple of another kind",
	HELLO LEAF "\x16\x00\x00\x05\x02\x00\x00\x01\xee", -EPROTO),
    ROW("a short staple", HELLO LEAF "\x16\x00\x00\x05\x01\x00\x00\x02\xee",
	-EPROTO),
    ROW("an empty list", HELLO "\x0b\x00\x00\x03\x00\x00\x00", -EPROTO),
    ROW("an empty leaf", HELLO "\x0b\x00\x00\x06\x00\x00\x03\x00\x00\x00",
	-EPROTO),
    ROW("a leaf longer than its list",
	HELLO "\x0b\x00\x00\x08\x00\x00\x05\x00\x00\x03\xd1\xd2", -EPROTO),
    ROW("a list longer than its message",
	HELLO "\x0b\x00\x00\x08\x00\x00\x06\x00\x00\x02\xd1\xd2", -EPROTO),
    ROW("a suite that was not offered", HELLO_HEAD "\x00\x05\x00", -EPROTO),
    ROW("one of another version", HELLO_HEAD "\x13\x01\x00", -EPROTO),
    ROW("compression", HELLO_HEAD "\xc0\x2f\x01", -EPROTO),
    ROW("a short hello", "\x02\x00\x00\x02\x03\x03", -EPROTO),
    ROW("a hello without a choice",
	"\x02\x00\x00\x23\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00",
	-EPROTO),
    ROW("SSL 3",
	"\x02\x00\x00\x26\x03\x00RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00\xc0\x2f"
	"\x00",
	-EPROTO),
    ROW("extensions that do not end where they say",
	"\x02\x00\x00\x28\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00\xc0\x2f"
	"\x00\x00\x01",
	-EPROTO),
    ROW("half an extension",
	"\x02\x00\x00\x2b\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00\xc0\x2f"
	"\x00\x00\x03\x00\x17\x00",
	-EPROTO),
    ROW("a version of one byte",
	"\x02\x00\x00\x2d\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00\xc0\x2f"
	"\x00\x00\x05\x00\x2b\x00\x01\x03",
	-EPROTO),
    ROW("a version that was not offered",
	"\x02\x00\x00\x2e\x03\x03RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\x00\x13\x01"
	"\x00\x00\x06\x00\x2b\x00\x02\x03\x04",
	-EPROTO),
    ROW("a finished", HELLO LEAF "\x14\x00\x00\x01\x00", -EPROTO),
};

static size_t
record(uint8_t *out, uint8_t type, const void *bytes, size_t len)
{
	out[0] = type;
	out[1] = 3;
	out[2] = 3;
	out[3] = (uint8_t)(len >> 8);
	out[4] = (uint8_t)len;
	memcpy(out + 5, bytes, len);
	return len + 5;
}

static void
test_messages(void **state)
{
	static const size_t pieces[] = {1, ROOM};
	uint8_t bytes[ROOM];
	struct wire_tls_input in;
	struct wire_tls_flight f;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		const struct row *r = &rows[i / 2];
		size_t len = record(bytes, 22, r->bytes, r->len);
		int result =
		    hear(bytes, len, pieces[i % 2], WIRE_TLS_1_2, &in, &f);

		if (result != r->result)
			fail_msg("%s: %d", r->what, result);
		/* What does not go on is none. */
		if (result == 0) {
			in.ended = true;
			assert_int_equal(
			    wire_tls_flight(&in, WIRE_TLS_1_2, &f), -EPROTO);
		}
	}
	hear(bytes, record(bytes, 22, rows[0].bytes, rows[0].len), 1,
	    WIRE_TLS_1_2, &in, &f);
	assert_int_equal(f.leaf_len, 2);
	assert_memory_equal(f.leaf, "\xd1\xd2", 2);
	assert_int_equal(f.staple_len, 1);
	assert_int_equal(f.staple[0], 0xee);
}

static void
test_records(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int result, alert;
		bool ended;
	} r[] = {
	    {"HTTP/1.1 400 Bad Request\r\n", 26, -EPROTO, -1, false},
	    {"\x16\x03\x03\x40\x01", 5, -EPROTO, -1, false},
	    {"\x16\x02\x00\x00\x01\x02", 6, -EPROTO, -1, false},
	    {"\x16\x03\x03\x00\x00", 5, -EPROTO, -1, false},
	    {"\x18\x03\x03\x00\x01\x00", 6, -EPROTO, -1, false},
	    {"\x15\x03\x03\x00\x01\x02", 6, -EPROTO, -1, false},
	    {"\x15\x03\x03\x00\x02\x02\x28", 7, 0, 40, true},
	    {"\x15\x03\x03\x00\x02\x01\x00", 7, 0, 0, true},
	    /* A warning, as of a name that it does not know. */
	    {"\x15\x03\x03\x00\x02\x01\x70", 7, 0, -1, false},
	    {"\x17\x03\x03\x00\x01\x00", 6, 0, -1, true},
	    {"\x14\x03\x03\x00\x01\x01", 6, 0, -1, true},
	    {"\x16\x03", 2, 0, -1, false},
	};

	for (unsigned i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		uint8_t room[64];
		struct wire_tls_input in = {.bytes = room, .alert = -1};

		memcpy(room, r[i].bytes, r[i].len);
		in.len = r[i].len;
		assert_int_equal(wire_tls_join(&in), r[i].result);
		assert_int_equal(in.alert, r[i].alert);
		assert_int_equal(in.ended, r[i].ended);
	}
}

/* A warning between the records of a flight takes nothing of it. */
static void
test_warning(void **state)
{
	uint8_t bytes[ROOM];
	struct wire_tls_input in;
	struct wire_tls_flight f;
	size_t len = record(bytes, 21, "\x01\x70", 2);

	len += record(bytes + len, 22, HELLO, sizeof(HELLO) - 1);
	len += record(bytes + len, 21, "\x01\x70", 2);
	len += record(bytes + len, 22, LEAF DONE, sizeof(LEAF DONE) - 1);
	assert_int_equal(hear(bytes, len, 1, WIRE_TLS_1_2, &in, &f), 1);
	assert_int_equal(f.leaf_len, 2);
	assert_int_equal(in.alert, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificate_in_clear),
	    cmocka_unit_test(test_fragments),
	    cmocka_unit_test(test_newest),
	    cmocka_unit_test(test_suites),
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_messages),
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
