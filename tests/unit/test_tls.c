/* Handshakes with servers of every kind, and what is made of them. */
#include "build.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"

enum { ALERT_UNKNOWN_CA = 48, ALERT_CERTIFICATE_REQUIRED = 116 };

struct server {
	SSL_CTX *ctx;
	bool hasty;  /* closes after the handshake */
	bool chatty; /* greets, as a mail server does */
	/* noted */
	char name[64];
	bool shown; /* a certificate of ours */
};

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	snprintf(
	    server->name, sizeof(server->name), "%s", name != NULL ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static void
script(struct peer *peer, int fd)
{
	struct server *server = peer->arg;
	SSL *ssl = SSL_new(server->ctx);
	char byte;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		server->shown = SSL_get0_peer_certificate(ssl) != NULL;
		if (server->chatty)
			SSL_write(ssl, "220 hello\r\n", 11);
		if (server->hasty)
			SSL_shutdown(ssl);
		else
			SSL_read(ssl, &byte, 1);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

struct stage {
	struct lab *lab;
	struct peer peer;
	struct server server;
	struct lab_cert root, middle, leaf;
	struct ask ask;
	char *ca_file;
};

static void
up(struct stage *s, int days, const char *san)
{
	memset(s, 0, sizeof(*s));
	s->root = (struct lab_cert){
	    .subject = "Lab Root", .days = 900, .is_ca = true};
	s->middle = (struct lab_cert){.subject = "Lab Issuing",
	    .days = 50,
	    .is_ca = true,
	    .issuer = &s->root};
	s->leaf = (struct lab_cert){.subject = "www.example.net",
	    .days = days,
	    .issuer = &s->middle,
	    .ext = {{NID_subject_alt_name, san}}};
	lab_cert_make(&s->root);
	lab_cert_make(&s->middle);
	lab_cert_make(&s->leaf);
	s->ca_file = lab_cert_file(&s->root);
	s->server.ctx = lab_server(&s->leaf);
	SSL_CTX_set_tlsext_servername_callback(s->server.ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(s->server.ctx, &s->server);
	s->peer.script = script;
	s->peer.arg = &s->server;
	peer_start(&s->peer, AF_INET);
	s->lab = lab_new(&collector_tls, s->ca_file);
	s->lab->path.transport = TRANSPORT_TLS;
	s->lab->path.host = "www.example.net";
	s->lab->path.timeout_ns = 3 * CLOCK_SEC;
	s->lab->path.ask = &s->ask;
	lab_aim(s->lab, AF_INET, s->peer.port);
}

static void
down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
	SSL_CTX_free(s->server.ctx);
	lab_cert_free(&s->leaf);
	lab_cert_free(&s->middle);
	lab_cert_free(&s->root);
	unlink(s->ca_file);
	free(s->ca_file);
}

static void
expect_answered(struct lab *lab)
{
	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->answers, 1);
	assert_int_equal(lab->outcome, OUTCOME_ANSWERED);
	assert_true(lab->answer[0].rtt_ns > 0);
	assert_true(lab->phase[PHASE_TLS] > 0);
}

static void
expect_failed(struct lab *lab, enum outcome o, int code)
{
	assert_int_equal(lab->answers, 0);
	assert_int_equal(lab->fails, 1);
	assert_int_equal(lab->outcome, o);
	assert_int_equal(lab->code, code);
}

static void
test_answered(void **state)
{
	struct stage s;
	const struct tls_facts *f;

	up(&s, 90, "DNS:www.example.net,IP:127.0.0.1");
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	/* The round trip is the connect's, the handshake a phase. */
	assert_int_equal(s.lab->answer[0].rtt_ns, s.lab->phase[PHASE_CONNECT]);
	assert_int_equal(s.lab->answer[0].stamp, STAMP_TCP_INFO);
	assert_true(s.lab->phase[PHASE_TLS] > s.lab->phase[PHASE_CONNECT]);
	assert_int_equal(lab_counts(s.lab).stamp[STAMP_TCP_INFO], 1);
	assert_string_equal(s.server.name, "www.example.net");
	f = &s.lab->facts;
	assert_int_equal(f->verify_error, X509_V_OK);
	assert_int_equal(f->chain, CHAIN_VALID);
	assert_string_equal(f->root, "CN=Lab Root");
	assert_int_equal(f->for_host, 2);
	assert_int_equal(f->sni_required, 0);
	assert_int_equal(f->staple, STAPLE_ABSENT);
	assert_int_equal(f->policy, 0);
	assert_int_equal(f->intercepted, 0);
	/* By its address: no name is asked for. */
	s.lab->path.host = "127.0.0.1";
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	assert_string_equal(s.server.name, "");
	/* By another name than the host's. */
	s.ask.tls.server_name = "www.example.net";
	s.lab->path.host = "elsewhere.example.net";
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	assert_string_equal(s.server.name, "www.example.net");
	down(&s);
}

static void
test_names(void **state)
{
	static const struct {
		const char *san, *host;
		bool good;
	} rows[] = {
	    {"DNS:www.example.net", "www.example.net", true},
	    {"DNS:www.example.net", "WWW.Example.NET", true},
	    {"DNS:*.example.net", "www.example.net", true},
	    {"DNS:*.example.net", "example.net", false},
	    {"DNS:*.example.net", "a.www.example.net", false},
	    {"DNS:w*.example.net", "www.example.net", false},
	    {"DNS:mail.example.net", "www.example.net", false},
	    {"IP:127.0.0.1", "127.0.0.1", true},
	    {"IP:127.0.0.2", "127.0.0.1", false},
	    {"DNS:127.0.0.1", "127.0.0.1", false},
	    /* The subject's common name is no name of a host any more. */
	    {NULL, "www.example.net", false},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		up(&s, 90, rows[i].san);
		s.lab->path.host = rows[i].host;
		lab_probe(s.lab, 1);
		if (rows[i].good)
			expect_answered(s.lab);
		else
			expect_failed(s.lab, OUTCOME_TLS_CERTIFICATE,
			    X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(s.lab->facts.for_host, rows[i].good ? 2 : 1);
		/* The chain is another matter. */
		assert_int_equal(s.lab->facts.chain, CHAIN_VALID);
		down(&s);
	}
}

/* A certificate that will not do fails the probe, and is told of. */
static void
test_certificates(void **state)
{
	struct stage s;
	struct lab_cert own = {.subject = "own",
	    .days = 9,
	    .ext = {{NID_subject_alt_name, "DNS:www.example.net"}}};

	up(&s, -3, "DNS:www.example.net");
	lab_probe(s.lab, 1);
	expect_failed(
	    s.lab, OUTCOME_TLS_CERTIFICATE, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_int_equal(s.lab->handshakes, 1);
	assert_int_equal(s.lab->facts.chain, CHAIN_EXPIRED);
	assert_true(s.lab->phase[PHASE_TLS] > 0);
	/* Unless it is not to be judged. */
	s.ask.tls.verify = ASK_VERIFY_NO;
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	assert_int_equal(s.lab->facts.chain, CHAIN_EXPIRED);
	s.ask.tls.verify = ASK_VERIFY_USUAL;
	lab_cert_make(&own);
	SSL_CTX_free(s.server.ctx);
	s.server.ctx = lab_server(&own);
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_TLS_CERTIFICATE,
	    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	assert_int_equal(s.lab->facts.chain, CHAIN_SELF_SIGNED);
	assert_string_equal(s.lab->facts.root, "CN=own");
	down(&s);
	lab_cert_free(&own);
}

/* The server sends no intermediate: who signed the leaf is not known. */
static void
test_incomplete(void **state)
{
	struct stage s;

	up(&s, 90, "DNS:www.example.net");
	SSL_CTX_clear_extra_chain_certs(s.server.ctx);
	SSL_CTX_clear_chain_certs(s.server.ctx);
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_TLS_CERTIFICATE,
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(s.lab->facts.chain, CHAIN_UNKNOWN_ISSUER);
	assert_string_equal(s.lab->facts.root, "CN=Lab Issuing");
	down(&s);
}

static void
test_no_anchors(void **state)
{
	struct stage s;

	up(&s, 90, "DNS:www.example.net");
	lab_free(s.lab);
	s.lab = lab_new(&collector_tls, "/nonexistent/ca.pem");
	s.lab->path.host = "www.example.net";
	s.lab->path.timeout_ns = CLOCK_SEC;
	lab_aim(s.lab, AF_INET, s.peer.port);
	/* Whoever is at fault, it is not the server. */
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_LOCAL, 0);
	assert_int_equal(s.lab->facts.have_cert, 1);
	down(&s);
}

static void
test_issuers(void **state)
{
	static const struct {
		char *issuers;
		bool expected;
	} rows[] = {
	    {"CN=Lab Root\n", true},
	    {"lab*\n", true},
	    {"Some Authority\nLab R?ot\n", true},
	    {"Lab Issuing\n", false}, /* not the top */
	    {"Some Authority\n", false},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		up(&s, 90, "DNS:www.example.net");
		s.ask.tls.issuers = rows[i].issuers;
		lab_probe(s.lab, 1);
		if (rows[i].expected)
			expect_answered(s.lab);
		else
			expect_failed(s.lab, OUTCOME_TLS_INTERCEPTED, 0);
		assert_int_equal(
		    s.lab->facts.intercepted, rows[i].expected ? 1 : 2);
		down(&s);
	}
}

static void
test_policy(void **state)
{
	static const struct {
		int most;
		uint16_t least;
		char *ciphers;
		uint8_t met;
		const char *version;
	} rows[] = {
	    {TLS1_3_VERSION, 0, NULL, 0, "TLSv1.3"},
	    {TLS1_3_VERSION, TLS1_2_VERSION, NULL, 2, "TLSv1.3"},
	    {TLS1_2_VERSION, TLS1_2_VERSION, NULL, 2, "TLSv1.2"},
	    {TLS1_2_VERSION, TLS1_3_VERSION, NULL, 1, "TLSv1.2"},
	    {TLS1_3_VERSION, 0, "TLS_AES_*\n", 2, "TLSv1.3"},
	    {TLS1_3_VERSION, 0, "TLS_CHACHA*\n*_CCM\n", 1, "TLSv1.3"},
	    {TLS1_2_VERSION, TLS1_2_VERSION, "TLS_ECDHE_*_GCM_*\n", 2,
		"TLSv1.2"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		up(&s, 90, "DNS:www.example.net");
		SSL_CTX_set_max_proto_version(s.server.ctx, rows[i].most);
		s.ask.tls.least = rows[i].least;
		s.ask.tls.ciphers = rows[i].ciphers;
		lab_probe(s.lab, 1);
		expect_answered(s.lab);
		assert_string_equal(s.lab->facts.version, rows[i].version);
		assert_int_equal(s.lab->facts.policy, rows[i].met);
		down(&s);
	}
}

/* A server of the last decade: its version is known, and is too old. */
static void
test_old_version(void **state)
{
	struct stage s;

	up(&s, 90, "DNS:www.example.net");
	SSL_CTX_set_min_proto_version(s.server.ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(s.server.ctx, TLS1_VERSION);
	SSL_CTX_set_cipher_list(s.server.ctx, "ALL:@SECLEVEL=0");
	s.ask.tls.least = TLS1_2_VERSION;
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(s.lab->facts.policy, 0);
	/* Who asks for it speaks with it. */
	s.ask.tls.least = TLS1_VERSION;
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	assert_string_equal(s.lab->facts.version, "TLSv1");
	assert_int_equal(s.lab->facts.policy, 2);
	down(&s);
}

/* Bytes that are no response at all, in the place of one. */
static int
on_status(SSL *ssl, void *arg)
{
	const char *bytes = arg;
	size_t len = strlen(bytes);
	unsigned char *copy = OPENSSL_memdup(bytes, len + 1);

	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)len);
	return SSL_TLSEXT_ERR_OK;
}

static void
test_staple_of_junk(void **state)
{
	static char *const rows[] = {
	    "junk", "0", "\x30\x03\x0a\x01\x03", "\x30\x84\xff\xff\xff\xff"};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		up(&s, 90, "DNS:www.example.net");
		SSL_CTX_set_tlsext_status_cb(s.server.ctx, on_status);
		SSL_CTX_set_tlsext_status_arg(s.server.ctx, rows[i]);
		lab_probe(s.lab, 1);
		expect_answered(s.lab);
		assert_int_equal(s.lab->facts.staple, STAPLE_INVALID);
		s.ask.tls.staple = true;
		lab_probe(s.lab, 1);
		expect_failed(s.lab, OUTCOME_TLS_CERTIFICATE,
		    X509_V_ERR_OCSP_VERIFY_FAILED);
		down(&s);
	}
}

/* ---- who we are ---- */

struct client {
	struct lab_cert cert, other;
	char *cert_file, *key_file, *other_key;
};

static void
client_make(struct client *c, struct lab_cert *issuer)
{
	memset(c, 0, sizeof(*c));
	c->cert =
	    (struct lab_cert){.subject = "client", .days = 9, .issuer = issuer};
	c->other = (struct lab_cert){.subject = "other", .days = 9};
	lab_cert_make(&c->cert);
	lab_cert_make(&c->other);
	c->cert_file = lab_cert_file(&c->cert);
	c->key_file = lab_key_file(&c->cert);
	c->other_key = lab_key_file(&c->other);
}

static void
client_free(struct client *c)
{
	char *files[] = {c->cert_file, c->key_file, c->other_key};

	for (unsigned i = 0; i < 3; i++) {
		unlink(files[i]);
		free(files[i]);
	}
	lab_cert_free(&c->cert);
	lab_cert_free(&c->other);
}

/* TLS 1.2 tells in the handshake, TLS 1.3 after it, and with no ticket never.
 */
static void
test_mutual(void **state)
{
	static const struct {
		int version;
		unsigned tickets;
	} rows[] = {
	    {TLS1_2_VERSION, 0},
	    {TLS1_3_VERSION, 2},
	    {TLS1_3_VERSION, 0},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;
		struct client c;

		up(&s, 90, "DNS:www.example.net");
		client_make(&c, &s.root);
		SSL_CTX_set_max_proto_version(s.server.ctx, rows[i].version);
		SSL_CTX_set_num_tickets(s.server.ctx, rows[i].tickets);
		SSL_CTX_load_verify_file(s.server.ctx, s.ca_file);
		SSL_CTX_set_verify(s.server.ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		/* Nothing to show. */
		lab_probe(s.lab, 1);
		assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
		if (rows[i].version == TLS1_3_VERSION)
			assert_int_equal(
			    s.lab->code, ALERT_CERTIFICATE_REQUIRED);
		assert_int_equal(s.lab->facts.chain, CHAIN_VALID);
		/* The right thing. */
		s.ask.tls.client_cert = c.cert_file;
		s.ask.tls.client_key = c.key_file;
		lab_probe(s.lab, 1);
		expect_answered(s.lab);
		lab_stop(s.lab);
		down(&s);
		assert_true(s.server.shown);
		client_free(&c);
	}
}

/* A server that likes us, and has no time. */
static void
test_mutual_hasty(void **state)
{
	struct stage s;
	struct client c;

	up(&s, 90, "DNS:www.example.net");
	client_make(&c, &s.root);
	SSL_CTX_load_verify_file(s.server.ctx, s.ca_file);
	SSL_CTX_set_verify(s.server.ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	s.server.hasty = true;
	s.ask.tls.client_cert = c.cert_file;
	s.ask.tls.client_key = c.key_file;
	for (unsigned i = 0; i < 20; i++) {
		lab_probe(s.lab, 1);
		expect_answered(s.lab);
	}
	down(&s);
	client_free(&c);
}

static void
test_mutual_stranger(void **state)
{
	struct stage s;
	struct client c;

	up(&s, 90, "DNS:www.example.net");
	client_make(&c, NULL);
	SSL_CTX_load_verify_file(s.server.ctx, s.ca_file);
	SSL_CTX_set_verify(s.server.ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	s.ask.tls.client_cert = c.cert_file;
	s.ask.tls.client_key = c.key_file;
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_TLS_HANDSHAKE, ALERT_UNKNOWN_CA);
	down(&s);
	client_free(&c);
}

/* It is our files that are at fault, and nothing is sent. */
static void
test_identity_errors(void **state)
{
	struct stage s;
	struct client c;

	up(&s, 90, "DNS:www.example.net");
	client_make(&c, &s.root);
	s.ask.tls.client_cert = "/nonexistent/cert.pem";
	s.ask.tls.client_key = c.key_file;
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_LOCAL, 0);
	s.ask.tls.client_cert = c.cert_file;
	s.ask.tls.client_key = c.other_key;
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_LOCAL, 0);
	s.ask.tls.client_key = c.cert_file;
	lab_probe(s.lab, 1);
	expect_failed(s.lab, OUTCOME_LOCAL, 0);
	assert_int_equal(s.lab->handshakes, 0);
	down(&s);
	client_free(&c);
}

static void
test_chatty(void **state)
{
	struct stage s;

	up(&s, 90, "DNS:www.example.net");
	s.server.chatty = true;
	lab_probe(s.lab, 1);
	expect_answered(s.lab);
	down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_incomplete),
	    cmocka_unit_test(test_no_anchors),
	    cmocka_unit_test(test_issuers),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_old_version),
	    cmocka_unit_test(test_staple_of_junk),
	    cmocka_unit_test(test_mutual),
	    cmocka_unit_test(test_mutual_hasty),
	    cmocka_unit_test(test_mutual_stranger),
	    cmocka_unit_test(test_identity_errors),
	    cmocka_unit_test(test_chatty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
