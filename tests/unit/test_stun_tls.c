/* STUN over TLS: what handshakes show, and servers of every kind. */
#include "build.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"
#include "manner.h"
#include "wire_stun.h"

enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_CERTIFICATE_REQUIRED = 116
};

/* A server; its fields are read by its thread. */
struct server {
	SSL_CTX *ctx;
	enum manner manner;
	bool raw;	      /* manner without TLS */
	bool refuses_unnamed; /* alert 112 without a name */
	bool refuses_all;
	bool hangs_when_named;
	bool talks_first; /* in one segment with its Finished */
	/* noted */
	unsigned unnamed, named, resumed;
	char name[64];
};

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (name == NULL)
		server->unnamed++;
	else
		server->named++;
	if (name != NULL)
		snprintf(server->name, sizeof(server->name), "%s", name);
	*alert = ALERT_UNRECOGNIZED_NAME;
	if (server->refuses_all || (name == NULL && server->refuses_unnamed))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static bool
ssl_read(SSL *ssl, void *buf, int len)
{
	int have = 0;

	while (have < len) {
		int n = SSL_read(ssl, (char *)buf + have, len - have);

		if (n <= 0)
			return false;
		have += n;
	}
	return true;
}

static void
serve_tls(struct server *server, SSL *ssl)
{
	uint8_t request[2 * STUN_REQUEST], out[512];
	int n;

	server->resumed += SSL_session_reused(ssl) != 0;
	if (server->manner == MANNER_IN_ONE_PIECE) {
		if (!ssl_read(ssl, request, sizeof(request)))
			return;
		n = (int)manner_answer(
		    MANNER_PLAIN, request + STUN_REQUEST, out);
		n += (int)manner_answer(MANNER_PLAIN, request, out + n);
		SSL_write(ssl, out, n);
		SSL_read(ssl, out, sizeof(out));
		return;
	}
	while (ssl_read(ssl, request, STUN_REQUEST)) {
		n = (int)manner_answer(server->manner, request, out);
		for (int i = 0; server->manner == MANNER_IN_BYTES && i < n; i++)
			SSL_write(ssl, out + i, 1);
		if (server->manner != MANNER_IN_BYTES &&
		    server->manner != MANNER_SILENT)
			SSL_write(ssl, out, n);
		if (server->manner == MANNER_HALF)
			return;
	}
}

/* Half a round trip early, as RFC 8446 section 2 lets a server do. */
static void
talk_first(SSL *ssl)
{
	int on = 1, off = 0, fd = SSL_get_fd(ssl);
	char early[16];
	size_t n;

	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	SSL_set_max_early_data(ssl, sizeof(early));
	SSL_read_early_data(ssl, early, sizeof(early), &n);
	SSL_write_early_data(ssl, "220 welcome\r\n", 13, &n);
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
}

static void
script_tls(struct peer *peer, int fd)
{
	struct server *server = peer->arg;
	SSL *ssl;

	if (server->raw) {
		char hello[64];

		if (!peer_read(fd, hello, sizeof(hello)))
			return;
		if (server->manner == MANNER_JUNK)
			peer_write(fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
		if (server->manner != MANNER_CLOSE_AT_ONCE)
			peer_wait_closed(fd);
		return;
	}
	if (server->hangs_when_named && peer->connections == 2) {
		peer_wait_closed(fd);
		return;
	}
	ssl = SSL_new(server->ctx);
	SSL_set_fd(ssl, fd);
	if (server->talks_first)
		talk_first(ssl);
	if (SSL_accept(ssl) == 1)
		serve_tls(server, ssl);
	SSL_free(ssl);
	ERR_clear_error();
}

struct tls_stage {
	struct lab *lab;
	struct peer peer;
	struct server server;
	struct lab_cert root, middle, leaf;
	char *ca_file;
};

/* A chain of three, the root trusted; its leaf expires in so many days. */
static void
tls_up(struct tls_stage *s, int leaf_days)
{
	memset(s, 0, sizeof(*s));
	s->root = (struct lab_cert){
	    .subject = "Lab Root", .days = 900, .is_ca = true};
	s->middle = (struct lab_cert){.subject = "Lab Issuing",
	    .days = 50,
	    .is_ca = true,
	    .issuer = &s->root};
	s->leaf = (struct lab_cert){.subject = "media.example.net",
	    .days = leaf_days,
	    .issuer = &s->middle};
	lab_cert_make(&s->root);
	lab_cert_make(&s->middle);
	lab_cert_make(&s->leaf);
	s->ca_file = lab_cert_file(&s->root);
	s->server.ctx = lab_server(&s->leaf);
	SSL_CTX_set_tlsext_servername_callback(s->server.ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(s->server.ctx, &s->server);
	s->peer.script = script_tls;
	s->peer.arg = &s->server;
	peer_start(&s->peer, AF_INET);
	s->lab = lab_new(&collector_stun_stream_tls, s->ca_file);
	s->lab->path.transport = TRANSPORT_TLS;
	s->lab->path.host = "127.0.0.1";
	lab_aim(s->lab, AF_INET, s->peer.port);
}

static void
tls_down(struct tls_stage *s)
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
test_tls_answered(void **state)
{
	struct tls_stage s;
	const struct tls_facts *f;

	tls_up(&s, 90);
	s.lab->path.host = "media.example.net";
	lab_probe(s.lab, 3);
	manner_check_answered(s.lab, 3);
	assert_true(s.lab->phase[PHASE_TLS] > s.lab->phase[PHASE_CONNECT]);
	assert_int_equal(s.lab->handshakes, 1);
	f = &s.lab->facts;
	assert_string_equal(f->version, "TLSv1.3");
	assert_string_equal(f->cipher, "TLS_AES_256_GCM_SHA384");
	assert_string_equal(f->subject, "CN=media.example.net");
	assert_string_equal(f->issuer, "CN=Lab Issuing");
	assert_int_equal(f->verify_error, X509_V_OK);
	assert_int_equal(f->have_cert, 1);
	assert_int_equal(f->sni_required, 1);
	/* The earliest of the chain, which is not the leaf. */
	assert_in_range((uint64_t)f->not_after,
	    (uint64_t)(clock_real() / 1000000000) + 49 * 86400,
	    (uint64_t)(clock_real() / 1000000000) + 51 * 86400);
	tls_down(&s);
	/* Media TLS names no server, though a name is configured. */
	assert_int_equal(s.server.unnamed, 1);
	assert_int_equal(s.server.named, 0);
	assert_int_equal(s.peer.connections, 1);
}

static void
test_tls_pieces(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.manner = MANNER_IN_BYTES;
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	tls_down(&s);

	tls_up(&s, 90);
	s.server.manner = MANNER_IN_ONE_PIECE;
	lab_probe(s.lab, 2);
	manner_check_answered(s.lab, 2);
	tls_down(&s);
}

static void
test_tls_1_2(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	SSL_CTX_set_max_proto_version(s.server.ctx, TLS1_2_VERSION);
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	assert_string_equal(s.lab->facts.version, "TLSv1.2");
	assert_string_equal(
	    s.lab->facts.cipher, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
	assert_string_equal(s.lab->facts.subject, "CN=media.example.net");
	tls_down(&s);
}

static void
test_tls_no_resumption(void **state)
{
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		struct tls_stage s;

		tls_up(&s, 90);
		SSL_CTX_set_max_proto_version(s.server.ctx, version);
		for (int i = 0; i < 4; i++) {
			lab_probe(s.lab, 1);
			manner_check_answered(s.lab, 1);
		}
		tls_down(&s);
		assert_int_equal(s.server.resumed, 0);
		assert_int_equal(s.peer.connections, 4);
	}
}

/* What is wrong with a certificate is said, and nothing is made of it. */
static void
test_tls_expired(void **state)
{
	struct tls_stage s;

	tls_up(&s, -2);
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	assert_int_equal(
	    s.lab->facts.verify_error, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_true(s.lab->facts.not_after < clock_real() / 1000000000);
	tls_down(&s);
}

static void
test_tls_self_signed(void **state)
{
	struct tls_stage s;
	struct lab_cert own = {.subject = "own", .days = 9};

	tls_up(&s, 90);
	lab_cert_make(&own);
	SSL_CTX_free(s.server.ctx);
	s.server.ctx = lab_server(&own);
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	assert_int_equal(
	    s.lab->facts.verify_error, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	assert_string_equal(s.lab->facts.issuer, "CN=own");
	tls_down(&s);
	lab_cert_free(&own);
}

/* Other trust anchors arrive from another thread while probes go on. */
static void
test_tls_adjust(void **state)
{
	struct tls_stage s;
	struct collector_setup setup = {0};
	struct lab_cert other = {
	    .subject = "Other Root", .days = 9, .is_ca = true};
	char *other_file;
	unsigned tries = 0;

	tls_up(&s, 90);
	lab_cert_make(&other);
	other_file = lab_cert_file(&other);
	setup.loop = lab_loop(s.lab);
	setup.ca_file = other_file;
	s.lab->collector->adjust(s.lab->probe.loop, &setup);
	do
		lab_probe(s.lab, 1);
	while (s.lab->facts.verify_error == 0 && ++tries < 2000);
	assert_int_equal(s.lab->facts.verify_error,
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	/* One that cannot be read changes nothing; the next is taken. */
	setup.ca_file = "/nonexistent/ca.pem";
	s.lab->collector->adjust(s.lab->probe.loop, &setup);
	setup.ca_file = s.ca_file;
	s.lab->collector->adjust(s.lab->probe.loop, &setup);
	do
		lab_probe(s.lab, 1);
	while (s.lab->facts.verify_error != 0 && ++tries < 4000);
	assert_int_equal(s.lab->facts.verify_error, 0);
	/* And one is under way at the end. */
	setup.ca_file = other_file;
	s.lab->collector->adjust(s.lab->probe.loop, &setup);
	unlink(other_file);
	free(other_file);
	lab_cert_free(&other);
	tls_down(&s);
}

/* Without trust anchors there is nothing to say of chains, but to probe. */
static void
test_tls_no_anchors(void **state)
{
	static const char *const files[] = {"/nonexistent/ca.pem", "/dev/null"};

	for (unsigned i = 0; i < 2; i++) {
		struct tls_stage s;

		tls_up(&s, 90);
		lab_free(s.lab);
		s.lab = lab_new(&collector_stun_stream_tls, files[i]);
		s.lab->path.host = "127.0.0.1";
		lab_aim(s.lab, AF_INET, s.peer.port);
		lab_probe(s.lab, 1);
		manner_check_answered(s.lab, 1);
		assert_int_equal(s.lab->facts.have_cert, 1);
		assert_int_equal(s.lab->facts.verify_error, -1);
		assert_int_equal(s.lab->facts.chain, 0);
		tls_down(&s);
	}
}

/* A server that demands a name is told from one that is broken. */
static void
test_sni_required(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.refuses_unnamed = true;
	s.lab->path.host = "media.example.net";
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->readies, 0);
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(s.lab->code, ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(s.lab->handshakes, 1);
	assert_int_equal(s.lab->facts.sni_required, 2);
	assert_int_equal(s.lab->facts.have_cert, 1);
	assert_string_equal(s.lab->facts.subject, "CN=media.example.net");
	assert_int_equal(s.lab->facts.verify_error, 0);
	tls_down(&s);
	assert_string_equal(s.server.name, "media.example.net");
	assert_int_equal(s.server.unnamed, 1);
	assert_int_equal(s.server.named, 1);
}

static void
test_sni_does_not_help(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.refuses_all = true;
	s.lab->path.host = "media.example.net";
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(s.lab->facts.sni_required, 0);
	assert_int_equal(s.lab->facts.have_cert, 0);
	tls_down(&s);
	assert_int_equal(s.peer.connections, 2);
}

/* An address is no name to ask for: one handshake only. */
static void
test_sni_not_for_addresses(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.refuses_unnamed = true;
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(s.lab->facts.sni_required, 0);
	tls_down(&s);
	assert_int_equal(s.peer.connections, 1);
}

/* The second handshake never takes the probe over its time. */
static void
test_sni_hangs(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.refuses_unnamed = true;
	s.server.hangs_when_named = true;
	s.lab->path.host = "media.example.net";
	s.lab->path.timeout_ns = 400 * CLOCK_MS;
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(s.lab->code, ALERT_UNRECOGNIZED_NAME);
	assert_int_equal(s.lab->facts.sni_required, 0);
	assert_true(s.lab->ended_ns - s.lab->started_ns >= 200 * CLOCK_MS);
	tls_down(&s);
}

/* Stopped, and everything closed, while the second handshake is under way. */
static void
test_sni_stop(void **state)
{
	struct tls_stage s;
	const volatile unsigned *connections = &s.peer.connections;

	tls_up(&s, 90);
	s.server.refuses_unnamed = true;
	s.server.hangs_when_named = true;
	s.lab->path.host = "media.example.net";
	assert_int_equal(lab_start(s.lab, 1), 0);
	while (*connections < 2)
		uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	lab_stop(s.lab);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	assert_int_equal(s.lab->fails + s.lab->handshakes, 0);
	tls_down(&s);
}

static void
test_tls_junk(void **state)
{
	static const enum manner manners[] = {
	    MANNER_JUNK, MANNER_CLOSE_AT_ONCE};

	for (unsigned i = 0; i < 2; i++) {
		struct tls_stage s;

		tls_up(&s, 90);
		s.server.raw = true;
		s.server.manner = manners[i];
		lab_probe(s.lab, 1);
		assert_int_equal(s.lab->fails, 1);
		assert_int_equal(s.lab->readies, 0);
		assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
		assert_int_equal(s.lab->code, 0);
		assert_string_equal(s.lab->facts.version, "");
		assert_int_equal(s.lab->facts.have_cert, 0);
		assert_true(s.lab->phase[PHASE_CONNECT] > 0);
		assert_int_equal(s.lab->phase[PHASE_TLS], 0);
		tls_down(&s);
	}
}

/*
 * A server that wants our certificate: TLS 1.2 says so in the handshake,
 * TLS 1.3 only after it. Either way we saw its own.
 */
static void
test_tls_client_certificate(void **state)
{
	static const struct {
		int version, alert;
	} rows[] = {
	    {TLS1_2_VERSION, ALERT_HANDSHAKE_FAILURE},
	    {TLS1_3_VERSION, ALERT_CERTIFICATE_REQUIRED},
	};

	for (unsigned i = 0; i < 2; i++) {
		struct tls_stage s;

		tls_up(&s, 90);
		SSL_CTX_set_max_proto_version(s.server.ctx, rows[i].version);
		SSL_CTX_set_verify(s.server.ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		lab_probe(s.lab, 1);
		assert_int_equal(s.lab->fails, 1);
		assert_int_equal(s.lab->outcome, OUTCOME_TLS_HANDSHAKE);
		assert_int_equal(s.lab->code, rows[i].alert);
		assert_int_equal(s.lab->facts.have_cert, 1);
		assert_string_equal(
		    s.lab->facts.subject, "CN=media.example.net");
		tls_down(&s);
	}
}

static void
test_tls_bad_answers(void **state)
{
	static const struct {
		enum manner manner;
		enum outcome outcome;
	} rows[] = {
	    {MANNER_JUNK, OUTCOME_PROTOCOL},
	    {MANNER_TOO_LONG, OUTCOME_PROTOCOL},
	    {MANNER_HALF, OUTCOME_RESET},
	};

	for (unsigned i = 0; i < 3; i++) {
		struct tls_stage s;

		tls_up(&s, 90);
		s.server.manner = rows[i].manner;
		lab_probe(s.lab, 1);
		assert_int_equal(s.lab->fails, 1);
		assert_int_equal(s.lab->readies, 1);
		assert_int_equal(s.lab->outcome, rows[i].outcome);
		assert_int_equal(s.lab->facts.have_cert, 1);
		tls_down(&s);
	}
}

/* What came with the end of the handshake is seen without more to come. */
static void
test_tls_talks_first(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	s.server.talks_first = true;
	/* Nothing follows that would wake us. */
	SSL_CTX_set_num_tickets(s.server.ctx, 0);
	s.lab->manual = true;
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->readies, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_PROTOCOL);
	tls_down(&s);
}

/* Stopped before, in and after the handshake, with the loop's next turn. */
static void
test_tls_stop(void **state)
{
	struct tls_stage s;

	tls_up(&s, 90);
	for (int turns = 0; turns < 12; turns++) {
		assert_int_equal(lab_start(s.lab, 1), 0);
		for (int i = 0; i < turns && !s.lab->over; i++)
			uv_run(lab_loop(s.lab), UV_RUN_ONCE);
		lab_stop(s.lab);
		uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	}
	s.lab->stops_when_ready = true;
	lab_probe(s.lab, 1);
	s.lab->stops_when_ready = false;
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	tls_down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls_answered),
	    cmocka_unit_test(test_tls_pieces),
	    cmocka_unit_test(test_tls_1_2),
	    cmocka_unit_test(test_tls_no_resumption),
	    cmocka_unit_test(test_tls_expired),
	    cmocka_unit_test(test_tls_self_signed),
	    cmocka_unit_test(test_tls_adjust),
	    cmocka_unit_test(test_tls_no_anchors),
	    cmocka_unit_test(test_sni_required),
	    cmocka_unit_test(test_sni_does_not_help),
	    cmocka_unit_test(test_sni_not_for_addresses),
	    cmocka_unit_test(test_sni_hangs),
	    cmocka_unit_test(test_sni_stop),
	    cmocka_unit_test(test_tls_junk),
	    cmocka_unit_test(test_tls_client_certificate),
	    cmocka_unit_test(test_tls_bad_answers),
	    cmocka_unit_test(test_tls_talks_first),
	    cmocka_unit_test(test_tls_stop),
	};

	return cmocka_run_group_tests_name("stun_tls", tests, NULL, NULL);
}
