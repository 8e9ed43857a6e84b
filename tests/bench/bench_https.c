/*
 * What an HTTPS probe costs: the collector beside the least that connects and
 * shakes hands with a context that is shared, with and without a request and
 * its answer. All verify the chain against one root and close.
 *
 *	bench_https [ROUNDS [PROBES]]
 */
#include "build.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/epoll.h>
#include <uv.h>

#include "clock.h"
#include "collectors.h"
#include "duel.h"
#include "probe.h"

enum { WINDOW = 4, ROUNDS = 7, PROBES = 300 };

static struct addr server;
static SSL_CTX *server_ctx, *client_ctx;

/* ---- the far side ---- */

static void
serve_all(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nServer: bench\r\n"
				     "Content-Length: 2\r\n\r\nok";

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		SSL *ssl = SSL_new(server_ctx);
		char request[4096];

		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1 &&
		    SSL_read(ssl, request, sizeof(request)) > 0) {
			SSL_write(ssl, answer, sizeof(answer) - 1);
			SSL_read(ssl, request, sizeof(request));
		}
		ERR_clear_error();
		SSL_free(ssl);
		close(fd);
	}
}

/* ---- certificates: a root, and a leaf of it ---- */

/* Its certificate is for 127.0.0.1. */
static void
add_address(X509 *x)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

	if (e == NULL || X509_add_ext(x, e, -1) != 1)
		duel_die("extension");
	X509_EXTENSION_free(e);
}

static X509 *
certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *signer)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    x, issuer != NULL ? X509_get_subject_name(issuer) : n);
	X509_set_pubkey(x, key);
	if (issuer == NULL)
		X509_add1_ext_i2d(x, NID_basic_constraints,
		    &(BASIC_CONSTRAINTS){.ca = 1}, 1, 0);
	else
		add_address(x);
	if (X509_sign(x, signer, EVP_sha256()) <= 0)
		duel_die("certificate");
	return x;
}

/* Makes both contexts; returns the name of a file with the root. */
static const char *
make_contexts(void)
{
	static char file[] = "/tmp/reachd-bench-XXXXXX";
	EVP_PKEY *root_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *root = certificate("root", root_key, NULL, root_key);
	X509 *leaf = certificate("leaf", key, root, root_key);
	FILE *f = fdopen(mkstemp(file), "w");

	server_ctx = SSL_CTX_new(TLS_server_method());
	client_ctx = SSL_CTX_new(TLS_client_method());
	if (f == NULL || PEM_write_X509(f, root) != 1 || fclose(f) != 0 ||
	    SSL_CTX_use_certificate(server_ctx, leaf) != 1 ||
	    SSL_CTX_use_PrivateKey(server_ctx, key) != 1 ||
	    SSL_CTX_load_verify_file(client_ctx, file) != 1)
		duel_die("contexts");
	SSL_CTX_set_num_tickets(server_ctx, 0);
	SSL_CTX_set_session_cache_mode(client_ctx, SSL_SESS_CACHE_OFF);
	X509_free(root);
	X509_free(leaf);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(key);
	return file;
}

/* ---- the bare way ---- */

static int epoll;

static void
bare_open(void)
{
	struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(client_ctx);
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = ssl};

	if (fd < 0 || ssl == NULL)
		duel_die("open");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	if (connect(fd, &server.sa, addr_len(&server)) < 0 &&
	    errno != EINPROGRESS)
		duel_die("connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		duel_die("epoll_ctl");
}

static bool with_request;

/* Returns whether it is done. */
static bool
bare_step(SSL *ssl)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				      "User-Agent: bench\r\n"
				      "Accept: */*\r\n\r\n";
	char answer[4096];
	int fd = SSL_get_fd(ssl), n;

	if (!SSL_is_init_finished(ssl)) {
		n = SSL_do_handshake(ssl);
		if (n != 1 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
			duel_die("handshake");
		if (n != 1)
			return false;
		if (SSL_get_verify_result(ssl) != X509_V_OK)
			duel_die("verify");
		if (with_request &&
		    SSL_write(ssl, request, sizeof(request) - 1) <= 0)
			duel_die("request");
	}
	if (with_request) {
		n = SSL_read(ssl, answer, sizeof(answer));
		if (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
			duel_die("answer");
		if (n <= 0)
			return false;
	}
	SSL_free(ssl);
	close(fd);
	return true;
}

static void
run_loop(unsigned n)
{
	unsigned opened = 0, done = 0;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	while (done < n) {
		struct epoll_event ev[WINDOW];
		int k;

		for (; opened < n && opened - done < WINDOW; opened++)
			bare_open();
		k = epoll_wait(epoll, ev, WINDOW, -1);
		for (int i = 0; i < k; i++)
			done += bare_step(ev[i].data.ptr);
	}
	close(epoll);
}

static void
run_bare(unsigned n)
{
	with_request = false;
	run_loop(n);
}

static void
run_request(unsigned n)
{
	with_request = true;
	run_loop(n);
}

/* ---- ours ---- */

static const struct collector *const collector = &collector_https;
static uv_loop_t loop;
static void *https_loop;
static unsigned started, ended, wanted;

static void
start_more(struct probe *p)
{
	if (started == wanted)
		return;
	started++;
	memset(p->state, 0, collector->state);
	if (collector->start(p) < 0)
		duel_die("start");
}

static void
on_ready(struct probe *p)
{
	if (collector->request(p, 0) < 0)
		duel_die("request");
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	if (a->outcome != OUTCOME_ANSWERED || a->code != 200)
		duel_die("answer");
	collector->stop(p);
	ended++;
	start_more(p);
}

static void
on_fail(struct probe *p, enum outcome o, int code)
{
	fprintf(stderr, "%s %d\n", outcome_label(o), code);
	duel_die("fail");
}

static void
on_phase(struct probe *p, enum phase phase, uint64_t ns)
{
}

static void
on_fact(struct probe *p, enum fact fact, int64_t value)
{
}

static void
on_tls(struct probe *p, const struct tls_facts *facts)
{
	if (facts->verify_error != 0 || !facts->have_cert)
		duel_die("facts");
}

static const struct probe_ops ops = {.ready = on_ready,
    .answer = on_answer,
    .fail = on_fail,
    .phase = on_phase,
    .fact = on_fact,
    .tls = on_tls};

static void
run_ours(unsigned n)
{
	static uint64_t state[WINDOW][64];
	static struct probe probe[WINDOW];
	static char url[64];
	static struct path path = {
	    .transport = TRANSPORT_HTTPS, .host = "127.0.0.1", .url = url};

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", addr_port(&server));
	path.addr = server;
	path.timeout_ns = CLOCK_SEC;
	started = ended = 0;
	wanted = n;
	for (unsigned i = 0; i < WINDOW && i < n; i++) {
		probe[i] = (struct probe){.path = &path,
		    .loop = https_loop,
		    .state = state[i],
		    .count = 1,
		    .ops = &ops};
		start_more(&probe[i]);
	}
	while (ended < n)
		uv_run(&loop, UV_RUN_ONCE);
}

static void
fight(const char *unit, unsigned rounds, unsigned n)
{
	static const char *const way[] = {
	    "bare TLS", "bare TLS and HTTP", "https collector"};
	static void (*const run[])(unsigned) = {
	    run_bare, run_request, run_ours};
	const struct duel duel = {unit, way, run, 3};

	duel_far_side(serve_all, duel_listen(&server));
	duel_fight(&duel, rounds, n);
}

int
main(int argc, char **argv)
{
	struct collector_setup setup = {.loop = &loop};
	unsigned rounds =
	    argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : PROBES;

	signal(SIGPIPE, SIG_IGN);
	setup.ca_file = make_contexts();
	if (uv_loop_init(&loop) < 0 || collector->open(&setup, &https_loop) < 0)
		duel_die("open");
	fight("HTTPS over TLS 1.3", rounds, n);
	SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
	fight("HTTPS over TLS 1.2", rounds, n);
	unlink(setup.ca_file);
	collector->close(https_loop);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) < 0;
}
