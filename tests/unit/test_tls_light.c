/*
 * Looks between handshakes: what stays as it was is answered by a look, and
 * whatever is not is judged by a handshake in the same probe.
 */
#include "build.h"

#include <errno.h>
#include <openssl/err.h>
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
#include "tls_light.h"

enum { EVERY = 4 };

/* What the server does with the next connection. */
enum manner { SHAKES, CLOSES, TALKS, IS_SILENT };

struct stage {
	struct lab *lab;
	struct peer peer;
	SSL_CTX *ctx;
	enum manner manner;
	char staple[16]; /* "": none */
	struct lab_cert root, leaf, other;
	struct ask ask;
	char *ca_file;
};

static int
on_status(SSL *ssl, void *arg)
{
	const struct stage *s = arg;

	if (s->staple[0] == '\0')
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(
	    ssl, OPENSSL_strdup(s->staple), (long)strlen(s->staple));
	return SSL_TLSEXT_ERR_OK;
}

static void
script(struct peer *peer, int fd)
{
	struct stage *s = peer->arg;
	SSL *ssl = SSL_new(s->ctx);
	/* It holds for one connection. */
	enum manner manner =
	    __atomic_exchange_n(&s->manner, SHAKES, __ATOMIC_SEQ_CST);
	char byte;

	SSL_set_fd(ssl, fd);
	if (manner == TALKS) {
		peer_write(fd, "220 hello\r\n", 11);
		peer_wait_closed(fd);
	} else if (manner == IS_SILENT) {
		peer_wait_closed(fd);
	} else if (manner == SHAKES && SSL_accept(ssl) == 1) {
		SSL_read(ssl, &byte, 1);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

static void
serve(struct stage *s, const struct lab_cert *leaf)
{
	SSL_CTX_free(s->ctx);
	s->ctx = lab_server(leaf);
	SSL_CTX_set_tlsext_status_cb(s->ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(s->ctx, s);
}

static void
make_leaf(struct lab_cert *c, struct lab_cert *issuer, const char *san)
{
	*c = (struct lab_cert){.subject = "www.example.net",
	    .days = 20,
	    .issuer = issuer,
	    .ext = {{NID_subject_alt_name, san}}};
	lab_cert_make(c);
}

static void
up(struct stage *s)
{
	memset(s, 0, sizeof(*s));
	s->root = (struct lab_cert){
	    .subject = "Lab Root", .days = 900, .is_ca = true};
	lab_cert_make(&s->root);
	make_leaf(&s->leaf, &s->root, "DNS:www.example.net");
	make_leaf(&s->other, &s->root, "DNS:elsewhere.example.net");
	s->ca_file = lab_cert_file(&s->root);
	serve(s, &s->leaf);
	s->peer.script = script;
	s->peer.arg = s;
	peer_start(&s->peer, AF_INET);
	s->lab = lab_new(&collector_tls, s->ca_file);
	s->lab->path.transport = TRANSPORT_TLS;
	s->lab->path.host = "www.example.net";
	s->lab->path.timeout_ns = 3 * CLOCK_SEC;
	s->lab->path.ask = &s->ask;
	s->ask.light.full_every = EVERY;
	lab_aim(s->lab, AF_INET, s->peer.port);
}

static void
down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
	SSL_CTX_free(s->ctx);
	lab_cert_free(&s->other);
	lab_cert_free(&s->leaf);
	lab_cert_free(&s->root);
	unlink(s->ca_file);
	free(s->ca_file);
}

/* One more probe; whether a handshake was part of it. */
static bool
probe(struct stage *s)
{
	lab_probe(s->lab, 1);
	lab_stop(s->lab);
	return s->lab->handshakes > 0;
}

static void
expect_answered(const struct stage *s)
{
	const struct lab *lab = s->lab;

	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->answers, 1);
	assert_int_equal(lab->outcome, OUTCOME_ANSWERED);
	assert_true(lab->answer[0].rtt_ns > 0);
	assert_int_equal(lab->answer[0].rtt_ns, lab->phase[PHASE_CONNECT]);
	assert_int_equal(lab->answer[0].stamp, STAMP_TCP_INFO);
}

static void
expect_looks(struct stage *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (probe(s))
			fail_msg("look %u of %u was a handshake", i, n);
		expect_answered(s);
		/* It is no phase of a look. */
		assert_int_equal(s->lab->phase[PHASE_TLS], 0);
	}
}

static void
expect_handshakes(struct stage *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!probe(s))
			fail_msg("handshake %u of %u was a look", i, n);
		expect_answered(s);
		assert_true(s->lab->phase[PHASE_TLS] > 0);
	}
}

static void
test_every(void **state)
{
	struct stage s;

	up(&s);
	for (unsigned i = 0; i < 3; i++) {
		expect_handshakes(&s, 1);
		expect_looks(&s, EVERY - 1);
	}
	assert_int_equal(lab_counts(s.lab).stamp[STAMP_TCP_INFO], 3 * EVERY);
	/* Off: each is full. */
	s.ask.light.full_every = 1;
	expect_handshakes(&s, 3);
	down(&s);
}

/* Another certificate, and it will not do: found out in the same probe. */
static void
test_certificate(void **state)
{
	struct stage s;

	up(&s);
	expect_handshakes(&s, 1);
	expect_looks(&s, 1);
	serve(&s, &s.other);
	assert_true(probe(&s));
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_CERTIFICATE);
	assert_int_equal(s.lab->code, X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(s.lab->facts.for_host, 1);
	/* While it is bad there is nothing to be held against. */
	assert_true(probe(&s));
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_CERTIFICATE);
	/* Good again: some handshakes, then looks. */
	serve(&s, &s.leaf);
	expect_handshakes(&s, EVERY + 1);
	expect_looks(&s, EVERY - 1);
	expect_handshakes(&s, 1);
	down(&s);
}

/* It changed just after the handshake, before the first look. */
static void
test_first_look(void **state)
{
	struct stage s;

	up(&s);
	expect_handshakes(&s, 1);
	serve(&s, &s.other);
	assert_true(probe(&s));
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_CERTIFICATE);
	down(&s);
}

static void
test_staple(void **state)
{
	struct stage s;

	up(&s);
	expect_handshakes(&s, 1);
	expect_looks(&s, 1);
	snprintf(s.staple, sizeof(s.staple), "one");
	expect_handshakes(&s, EVERY + 1);
	expect_looks(&s, 1);
	snprintf(s.staple, sizeof(s.staple), "two");
	expect_handshakes(&s, EVERY + 1);
	expect_looks(&s, EVERY - 1);
	expect_handshakes(&s, 1);
	down(&s);
}

/* It takes TLS 1.3 only: after a while it is looked at in its terms. */
static void
test_newest(void **state)
{
	struct stage s;

	up(&s);
	SSL_CTX_set_min_proto_version(s.ctx, TLS1_3_VERSION);
	expect_handshakes(&s, 1 + EVERY + 1);
	expect_looks(&s, EVERY - 1);
	/* What it shows then is not in clear. */
	serve(&s, &s.other);
	assert_true(probe(&s));
	assert_int_equal(s.lab->outcome, OUTCOME_TLS_CERTIFICATE);
	down(&s);
}

static void
test_odd_peers(void **state)
{
	static const enum manner manners[] = {CLOSES, TALKS};
	struct stage s;

	for (unsigned i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		up(&s);
		expect_handshakes(&s, 1);
		s.manner = manners[i];
		/* What a look runs into, a handshake does not. */
		expect_handshakes(&s, EVERY + 1);
		expect_looks(&s, EVERY - 1);
		down(&s);
	}
}

/* More than a flight can be: the handshake says what it is. */
static void
test_long_chain(void **state)
{
	enum { NAMES = 900 };
	struct stage s;
	struct lab_cert big = {.subject = "www.example.net", .days = 20};
	char *san = malloc(NAMES * 24), *at = san;

	for (unsigned i = 0; i < NAMES; i++)
		at += snprintf(
		    at, 24, "%sDNS:n%03u.example.net", i > 0 ? "," : "", i);
	up(&s);
	big.issuer = &s.root;
	big.ext[0].nid = NID_subject_alt_name;
	big.ext[0].value = san;
	lab_cert_make(&big);
	serve(&s, &big);
	s.lab->path.host = "n007.example.net";
	expect_handshakes(&s, 3 * EVERY);
	lab_cert_free(&big);
	free(san);
	down(&s);
}

/* One that says nothing: the next probe does not rely on a look. */
static void
test_silence(void **state)
{
	struct stage s;

	up(&s);
	expect_handshakes(&s, 1);
	s.manner = IS_SILENT;
	assert_int_equal(lab_start(s.lab, 1), 0);
	peer_wait(&s.peer);
	lab_stop(s.lab);
	assert_int_equal(s.lab->answers + s.lab->fails, 0);
	expect_handshakes(&s, 1);
	expect_looks(&s, EVERY - 1);
	down(&s);
}

static void
test_refused(void **state)
{
	struct stage s;

	up(&s);
	expect_handshakes(&s, 1);
	lab_aim(s.lab, AF_INET, peer_dead_port(AF_INET));
	assert_false(probe(&s));
	assert_int_equal(s.lab->outcome, OUTCOME_REFUSED);
	assert_int_equal(s.lab->fails, 1);
	lab_aim(s.lab, AF_INET, s.peer.port);
	expect_handshakes(&s, 1);
	expect_looks(&s, EVERY - 1);
	down(&s);
}

/* A server that may yet refuse us says so only to a whole handshake. */
static void
test_undecided(void **state)
{
	struct stage s;

	up(&s);
	SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER, NULL);
	expect_handshakes(&s, EVERY + 1);
	down(&s);
}

static void
test_due(void **state)
{
	struct tls_light m = {.left = 1, .not_after = INT64_MAX};
	struct ask ask = {.light.full_every = 2};
	struct path path = {.ask = &ask};
	struct probe p = {.path = &path, .memory = &m};

	assert_true(tls_light_due(&p));
	/* A certificate that has expired meanwhile. */
	m.not_after = clock_real() / (int64_t)CLOCK_SEC - 1;
	assert_false(tls_light_due(&p));
	m.not_after = INT64_MAX;
	m.left = 0;
	assert_false(tls_light_due(&p));
	m.left = 1;
	ask.light.full_every = 1;
	assert_false(tls_light_due(&p));
	ask.light.full_every = 2;
	path.ask = NULL;
	assert_false(tls_light_due(&p));
	/* One that stands alone has nothing to go by, and keeps nothing. */
	path.ask = &ask;
	p.memory = NULL;
	assert_false(tls_light_due(&p));
	tls_light_forget(&p);
	tls_light_learn(&p, &(struct tls_facts){.not_after = 1});
	tls_light_close(NULL);
	tls_light_pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every),
	    cmocka_unit_test(test_certificate),
	    cmocka_unit_test(test_first_look),
	    cmocka_unit_test(test_staple),
	    cmocka_unit_test(test_newest),
	    cmocka_unit_test(test_odd_peers),
	    cmocka_unit_test(test_long_chain),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_undecided),
	    cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
