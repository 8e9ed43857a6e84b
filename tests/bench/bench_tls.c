/*
 * What a TLS handshake costs: the stun collector over TLS, stopped when it is
 * ready, beside the least that connects and shakes hands with a context that
 * is shared. Both verify the chain against one root and close with a reset.
 * Third, the tls collector with a look for nine probes of ten.
 *
 *	bench_tls [ROUNDS [HANDSHAKES]]
 */
#include "build.h"

#include <errno.h>
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
#include "tls_light.h"

enum { WINDOW = 4, EVERY = 10, ROUNDS = 7, HANDSHAKES = 300 };

static struct addr server;
static SSL_CTX *server_ctx, *client_ctx;

/* ---- the far side ---- */

/* Many: one that is looked at waits for us, and others must not. */
static void
shake_all(int listener)
{
	for (unsigned i = 1; i < 2 * EVERY; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			break;
		}
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		SSL *ssl = SSL_new(server_ctx);
		char byte;

		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			(void)!read(fd, &byte, 1);
		SSL_free(ssl);
		close(fd);
	}
}

/* ---- certificates: a root, and a leaf of it ---- */

/* What certificates have that are sold: names, and where to ask. */
static void
add_usual(X509 *x)
{
	static const struct {
		int nid;
		const char *value;
	} rows[] = {
	    {NID_subject_alt_name, "DNS:www.example.net,DNS:*.example.net"},
	    {NID_info_access, "OCSP;URI:http://ocsp.example.net/,"
			      "caIssuers;URI:http://ca.example.net/ca.crt"},
	    {NID_crl_distribution_points, "URI:http://crl.example.net/ca.crl"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509_EXTENSION *ext =
		    X509V3_EXT_conf_nid(NULL, NULL, rows[i].nid, rows[i].value);

		if (ext == NULL || X509_add_ext(x, ext, -1) != 1)
			duel_die("extension");
		X509_EXTENSION_free(ext);
	}
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
		add_usual(x);
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

/* Returns whether it is done. */
static bool
bare_step(SSL *ssl)
{
	int fd = SSL_get_fd(ssl), done = SSL_do_handshake(ssl);

	if (done != 1) {
		if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ)
			duel_die("handshake");
		return false;
	}
	if (SSL_get_verify_result(ssl) != X509_V_OK)
		duel_die("verify");
	SSL_free(ssl);
	close(fd);
	return true;
}

static void
run_bare(unsigned n)
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

/* ---- ours ---- */

static uv_loop_t loop;
static void *stun_loop, *tls_loop;
static unsigned started, ended, wanted;

/* What a way probes with. */
struct prober {
	const struct collector *collector;
	void *loop;
	unsigned window;
	struct ask ask;
};

static struct prober *prober;

static void
start_more(struct probe *p)
{
	if (started == wanted)
		return;
	started++;
	memset(p->state, 0, prober->collector->state);
	if (prober->collector->start(p) < 0)
		duel_die("start");
}

static void
end_one(struct probe *p)
{
	prober->collector->stop(p);
	ended++;
	start_more(p);
}

/* Of a STUN server the handshake is all that is wanted. */
static void
on_ready(struct probe *p)
{
	if (prober->collector == &collector_stun_stream_tls)
		end_one(p);
	else
		prober->collector->request(p, 0);
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	end_one(p);
}

static void
on_fail(struct probe *p, enum outcome o, int code)
{
	duel_die("fail");
}

static void
on_phase(struct probe *p, enum phase phase, uint64_t ns)
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
    .tls = on_tls};

static void
run_prober(unsigned n)
{
	static char state[2 * EVERY][64];
	static struct tls_light memory[2 * EVERY];
	static struct probe probe[2 * EVERY];
	static struct path path = {
	    .transport = TRANSPORT_TLS, .host = "127.0.0.1"};
	/* A tick serves many, and nobody sends faster than the far side. */
	const struct timespec tick = {.tv_nsec = 5000000};

	path.addr = server;
	path.timeout_ns = CLOCK_SEC;
	path.ask = &prober->ask;
	started = ended = 0;
	wanted = n;
	for (unsigned i = 0; i < prober->window && i < n; i++) {
		probe[i] = (struct probe){.path = &path,
		    .loop = prober->loop,
		    .state = state[i],
		    .memory = &memory[i],
		    .count = 1,
		    .ops = &ops};
		start_more(&probe[i]);
	}
	while (ended < n && prober->collector != &collector_tls)
		uv_run(&loop, UV_RUN_ONCE);
	while (ended < n) {
		nanosleep(&tick, NULL);
		uv_run(&loop, UV_RUN_NOWAIT);
		prober->collector->tick(prober->loop, clock_mono());
	}
}

static void
run_ours(unsigned n)
{
	static struct prober stun = {&collector_stun_stream_tls, NULL, WINDOW,
	    {.tls.verify = ASK_VERIFY_USUAL}};

	stun.loop = stun_loop;
	prober = &stun;
	run_prober(n);
}

static void
run_looks(unsigned n)
{
	static struct prober looks = {&collector_tls, NULL, 2 * EVERY,
	    {.tls.verify = ASK_VERIFY_NO, .light.full_every = EVERY}};

	looks.loop = tls_loop;
	prober = &looks;
	run_prober(n);
}

static void
fight(const char *unit, unsigned rounds, unsigned n)
{
	static const char *const way[] = {
	    "bare epoll", "stun collector", "tls collector, full_every: 10"};
	static void (*const run[])(unsigned) = {run_bare, run_ours, run_looks};
	const struct duel duel = {unit, way, run, 3};

	duel_far_side(shake_all, duel_listen(&server));
	duel_fight(&duel, rounds, n);
}

int
main(int argc, char **argv)
{
	struct collector_setup setup = {.loop = &loop};
	unsigned rounds =
	    argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS;
	unsigned n =
	    argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : HANDSHAKES;

	setup.ca_file = make_contexts();
	if (uv_loop_init(&loop) < 0 ||
	    collector_stun_stream_tls.open(&setup, &stun_loop) < 0 ||
	    collector_tls.open(&setup, &tls_loop) < 0)
		duel_die("open");
	fight("TLS 1.3 handshake", rounds, n);
	unlink(setup.ca_file);
	SSL_CTX_set_max_proto_version(server_ctx, TLS1_2_VERSION);
	fight("TLS 1.2 handshake", rounds, n);
	collector_stun_stream_tls.close(stun_loop);
	collector_tls.close(tls_loop);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) < 0;
}
