/* HTTPS and HTTP: times of a loop that stalls, ends at any moment, proxies. */
#include "build.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"
#include "proxy.h"

/* A server: what it says once it has a request, and over what. */
struct server {
	struct peer peer;
	SSL_CTX *ctx; /* NULL: in clear */
	const char *answer;
	bool keeps; /* the connection, without another word */
	char head[1024];
	_Atomic unsigned answers;
	uint64_t answered_ns; /* the last of them was out */
};

static bool
take_head(struct server *s, SSL *ssl, int fd)
{
	size_t have = 0;

	while (have < sizeof(s->head) - 1) {
		ssize_t n = ssl != NULL ? SSL_read(ssl, s->head + have, 1)
					: read(fd, s->head + have, 1);

		if (n <= 0)
			return false;
		s->head[++have] = '\0';
		if (have >= 4 && strcmp(s->head + have - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static void
script(struct peer *peer, int fd)
{
	struct server *s = peer->arg;
	SSL *ssl = s->ctx != NULL ? SSL_new(s->ctx) : NULL;
	int len = (int)strlen(s->answer);

	if (ssl != NULL)
		SSL_set_fd(ssl, fd);
	if ((ssl == NULL || SSL_accept(ssl) == 1) && take_head(s, ssl, fd)) {
		if (ssl != NULL)
			SSL_write(ssl, s->answer, len);
		else
			peer_write(fd, s->answer, (unsigned)len);
		s->answered_ns = clock_mono();
		atomic_fetch_add(&s->answers, 1);
		if (s->keeps)
			peer_wait_closed(fd);
	}
	SSL_free(ssl);
}

static void
serve(struct server *s)
{
	s->peer.script = script;
	s->peer.arg = s;
	peer_start(&s->peer, AF_INET);
}

static struct lab *
new_lab(const struct collector *c, enum transport t, uint16_t port,
    const char *ca_file)
{
	static char url[64];
	struct lab *lab = lab_new(c, ca_file);

	lab_aim(lab, AF_INET, port);
	snprintf(url, sizeof(url), "%s://127.0.0.1:%u/x",
	    word_label(WORD_TRANSPORT, t), port);
	lab->path.transport = t;
	lab->path.url = url;
	lab->path.host = "127.0.0.1";
	return lab;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void
test_statuses(void **state)
{
	static const struct {
		const char *answer;
		enum outcome outcome;
		int code;
	} rows[] = {
	    {OK, OUTCOME_ANSWERED, 200},
	    {"HTTP/1.0 404 No\r\n\r\n", OUTCOME_ANSWERED, 404},
	    {"HTTP/1.1 503 No\r\n\r\n", OUTCOME_ERROR_RESPONSE, 503},
	    {"HTTP/1.1 100 Wait\r\n\r\n" OK, OUTCOME_ANSWERED, 200},
	    {"HTTP/1.1 99999999999 X\r\n\r\n", OUTCOME_PROTOCOL, 0},
	    {"HTTP/1.1 099 X\r\n\r\n", OUTCOME_PROTOCOL, 0},
	    {"220 smtp\r\n", OUTCOME_PROTOCOL, 0},
	    {"", OUTCOME_RESET, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct server s = {.answer = rows[i].answer};
		struct lab *lab;

		serve(&s);
		lab =
		    new_lab(&collector_http, TRANSPORT_HTTP, s.peer.port, NULL);
		lab_probe(lab, 1);
		assert_string_equal(outcome_label(lab->outcome),
		    outcome_label(rows[i].outcome));
		assert_int_equal(lab->code, rows[i].code);
		assert_memory_equal(s.head, "GET /x HTTP/1.1\r\n", 17);
		if (lab->answers > 0)
			assert_int_equal(
			    lab->fact[FACT_HTTP_STATUS], rows[i].code);
		lab_free(lab);
		peer_stop(&s.peer);
	}
}

enum { STALL_MS = 60 };

/* A loop that does something else, for a while after the answer is there. */
struct stall {
	uv_idle_t idle;
	const struct lab *lab;
	struct server *server;
};

static void
on_idle(uv_idle_t *idle)
{
	struct stall *s = idle->data;

	if (s->lab->readies == 0)
		return;
	while (atomic_load(&s->server->answers) < 2 ||
	       clock_mono() < s->server->answered_ns + STALL_MS * CLOCK_MS)
		;
	uv_close((uv_handle_t *)idle, NULL);
}

static void
test_stalled_loop(void **state)
{
	struct server s = {.answer = OK, .keeps = true};
	struct stall stall = {.server = &s};
	struct lab *lab;
	uint64_t most;

	(void)state;
	serve(&s);
	lab = new_lab(&collector_http, TRANSPORT_HTTP, s.peer.port, NULL);
	/* The first packets after stamps are asked for have none. */
	lab_probe(lab, 1);
	stall.lab = lab;
	uv_idle_init(lab_loop(lab), &stall.idle);
	stall.idle.data = &stall;
	lab->readies = 0;
	uv_idle_start(&stall.idle, on_idle);
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_ANSWERED);
	assert_true(lab->ended_ns - s.answered_ns >= STALL_MS * CLOCK_MS);
	assert_int_equal(lab->answer[0].stamp, STAMP_KERNEL_RX);
	/* Clocks are turned into each other to less than a millisecond. */
	most = s.answered_ns - lab->started_ns + CLOCK_MS;
	assert_in_range(lab->answer[0].rtt_ns, 1, most);
	assert_in_range(lab->phase[PHASE_CONNECT], 1, most);
	lab_free(lab);
	peer_stop(&s.peer);
}

/* stop() comes when it likes. */
static void
test_stops(void **state)
{
	struct server s = {.answer = "HTTP/1.1 200 O", .keeps = true};
	struct lab *lab;

	(void)state;
	serve(&s);
	lab = new_lab(&collector_http, TRANSPORT_HTTP, s.peer.port, NULL);
	assert_int_equal(lab_start(lab, 1), 0);
	lab_stop(lab); /* not even connected */
	lab->stops_when_ready = true;
	lab_probe(lab, 1);
	assert_int_equal(lab->readies, 1);
	lab->stops_when_ready = false;
	assert_int_equal(lab_start(lab, 1), 0);
	while (lab->readies == 0)
		uv_run(lab_loop(lab), UV_RUN_ONCE);
	lab_stop(lab); /* half of the head has come, or not */
	assert_int_equal(lab->answers + lab->fails, 0);
	assert_int_equal(lab_start(lab, 1), 0);
	lab_free(lab); /* and under way */
	peer_stop(&s.peer);
}

static void
test_closed_port(void **state)
{
	struct lab *lab = new_lab(
	    &collector_http, TRANSPORT_HTTP, peer_dead_port(AF_INET), NULL);

	(void)state;
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_REFUSED);
	assert_int_equal(lab->readies, 0);
	/* An address that is not ours to send from. */
	addr_parse_host(&lab->path.source, "192.0.2.9");
	lab->over = false;
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_LOCAL);
	lab_free(lab);
}

static void
test_proxy(void **state)
{
	struct server s = {.answer = "HTTP/1.1 407 Who\r\n"
				     "Proxy-Authenticate: Basic realm=x\r\n"
				     "Content-Length: 0\r\n\r\n"};
	struct proxy *p = proxy_new();
	struct lab *lab;
	char url[64];

	(void)state;
	serve(&s);
	lab = new_lab(&collector_https, TRANSPORT_HTTPS, s.peer.port, NULL);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", s.peer.port);
	p->url = strdup(url);
	p->host = strdup("127.0.0.1");
	p->port = s.peer.port;
	p->auth = PROXY_AUTH_BASIC;
	p->username = strdup("me");
	p->password = strdup("s3cret");
	p->retry_ns = 3600 * CLOCK_SEC;
	p->tally = proxy_tally_new();
	lab->path.proxy = p;
	lab->path.url = "https://origin.test/";
	lab->path.host = "origin.test";
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_PROXY_AUTH);
	assert_int_equal(lab->code, 407);
	assert_memory_equal(s.head, "CONNECT origin.test:443 ", 24);
	assert_non_null(
	    strstr(s.head, "Proxy-Authorization: Basic bWU6czNjcmV0\r\n"));
	assert_int_equal(p->tally->connects, 1);
	assert_int_equal(p->tally->auth_failures, 1);
	/* Again at once: the proxy is not asked. */
	lab->over = false;
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_PROXY_AUTH);
	lab_free(lab);
	peer_stop(&s.peer);
	assert_int_equal(s.peer.connections, 1);
	assert_int_equal(p->tally->connects, 1);
	proxy_unref(p);
}

/* The certificate has no name at all: it is for nobody. */
static void
test_certificate(void **state)
{
	struct lab_cert root = {.subject = "Root", .days = 9, .is_ca = true};
	struct lab_cert leaf = {.subject = "Leaf", .days = 9, .issuer = &root};
	struct lab_cert other = {.subject = "Other", .days = 9, .is_ca = true};
	struct server s = {.answer = OK};
	struct ask *ask = calloc(1, sizeof(*ask));
	char *file, *other_file;
	struct lab *lab;

	(void)state;
	lab_cert_make(&root);
	lab_cert_make(&leaf);
	lab_cert_make(&other);
	file = lab_cert_file(&root);
	other_file = lab_cert_file(&other);
	s.ctx = lab_server(&leaf);
	serve(&s);
	lab = new_lab(&collector_https, TRANSPORT_HTTPS, s.peer.port, file);
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_TLS_CERTIFICATE);
	assert_int_equal(lab->code, X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(lab->handshakes, 1);
	assert_string_equal(lab->facts.subject, "CN=Leaf");
	assert_int_equal(lab->readies, 0);
	/* Unless nobody minds. */
	ask->tls.verify = ASK_VERIFY_NO;
	lab->path.ask = ask;
	lab->over = false;
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_ANSWERED);
	assert_int_equal(lab->facts.verify_error, 0);
	assert_int_equal(lab->facts.for_host, 1);
	assert_true(lab->phase[PHASE_TLS] > 0);
	lab_free(lab);
	lab =
	    new_lab(&collector_https, TRANSPORT_HTTPS, s.peer.port, other_file);
	lab_probe(lab, 1);
	assert_int_equal(lab->outcome, OUTCOME_TLS_CERTIFICATE);
	assert_int_equal(
	    lab->code, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	lab_free(lab);
	peer_stop(&s.peer);
	SSL_CTX_free(s.ctx);
	unlink(file);
	unlink(other_file);
	free(file);
	free(other_file);
	free(ask);
	lab_cert_free(&root);
	lab_cert_free(&leaf);
	lab_cert_free(&other);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_statuses),
	    cmocka_unit_test(test_stalled_loop),
	    cmocka_unit_test(test_stops),
	    cmocka_unit_test(test_closed_port),
	    cmocka_unit_test(test_proxy),
	    cmocka_unit_test(test_certificate),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
