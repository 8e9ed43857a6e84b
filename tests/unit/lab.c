/* The parts of the bench for collectors; see lab.h. */
#include "build.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "lab.h"
#include "wire_stun.h"

enum { DEADLINE_MS = 10000, TICK_MS = 5 };

struct bench {
	uv_loop_t loop;
	uv_timer_t deadline, ticker;
	void *collector_loop;
	unsigned users;
	bool expired;
};

static struct bench *
bench_of(const struct lab *lab)
{
	return lab->private;
}

/* ---- what the collector says ---- */

static struct lab *
lab_of(struct probe *p)
{
	return (struct lab *)((char *)p - offsetof(struct lab, probe));
}

static void
finish(struct lab *lab)
{
	lab->over = true;
	lab->ended_ns = clock_mono();
	if (!lab->patient)
		lab_stop(lab);
}

static void
on_ready(struct probe *p)
{
	struct lab *lab = lab_of(p);

	lab->readies++;
	if (lab->stops_when_ready) {
		lab->over = true;
		lab_stop(lab);
		return;
	}
	for (unsigned i = 0; !lab->manual && i < p->count; i++)
		assert_int_equal(lab->collector->request(p, i), 0);
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	struct lab *lab = lab_of(p);

	assert_true(seq < p->count);
	assert_false(lab->over && !lab->patient);
	lab->answer[seq] = *a;
	lab->answer[seq].mapped = NULL;
	if (a->mapped != NULL)
		lab->mapped = *a->mapped;
	lab->answered[seq]++;
	lab->outcome = a->outcome;
	lab->code = a->code;
	if (++lab->answers == p->count)
		finish(lab);
}

static void
on_fail(struct probe *p, enum outcome o, int code)
{
	struct lab *lab = lab_of(p);

	assert_false(lab->over && !lab->patient);
	lab->fails++;
	lab->outcome = o;
	lab->code = code;
	finish(lab);
}

static void
on_phase(struct probe *p, enum phase phase, uint64_t ns)
{
	lab_of(p)->phase[phase] = ns;
}

static void
on_tls(struct probe *p, const struct tls_facts *facts)
{
	lab_of(p)->handshakes++;
	lab_of(p)->facts = *facts;
}

static void
on_fact(struct probe *p, enum fact fact, int64_t value)
{
	lab_of(p)->fact[fact] = value;
}

static const struct probe_ops lab_ops = {
    .ready = on_ready,
    .answer = on_answer,
    .fail = on_fail,
    .phase = on_phase,
    .tls = on_tls,
    .fact = on_fact,
};

/* ---- the loop ---- */

static void
on_deadline(uv_timer_t *t)
{
	((struct bench *)t->data)->expired = true;
}

static void
on_tick(uv_timer_t *t)
{
	struct lab *lab = t->data;

	lab->collector->tick(bench_of(lab)->collector_loop, clock_mono());
}

static struct lab *
make(const struct collector *c, struct bench *b)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	lab->collector = c;
	lab->private = b;
	b->users++;
	lab->path.timeout_ns = 3 * CLOCK_SEC;
	lab->probe.path = &lab->path;
	lab->probe.loop = b->collector_loop;
	lab->probe.ops = &lab_ops;
	if (c != NULL) {
		lab->probe.state = calloc(1, c->state + 1);
		assert_non_null(lab->probe.state);
		lab->probe.memory = calloc(1, c->memory + 1);
		assert_non_null(lab->probe.memory);
	}
	return lab;
}

struct lab *
lab_new(const struct collector *c, const char *ca_file)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct collector_setup setup = {.ca_file = ca_file};
	struct lab *lab;

	assert_non_null(b);
	assert_int_equal(uv_loop_init(&b->loop), 0);
	uv_timer_init(&b->loop, &b->deadline);
	uv_timer_init(&b->loop, &b->ticker);
	b->deadline.data = b;
	setup.loop = &b->loop;
	if (c != NULL)
		assert_int_equal(c->open(&setup, &b->collector_loop), 0);
	lab = make(c, b);
	b->ticker.data = lab;
	return lab;
}

struct lab *
lab_sibling(struct lab *lab)
{
	return make(lab->collector, bench_of(lab));
}

void
lab_free(struct lab *lab)
{
	struct bench *b = bench_of(lab);

	if (lab->collector != NULL)
		lab_stop(lab);
	if (--b->users == 0) {
		if (lab->collector != NULL)
			lab->collector->close(b->collector_loop);
		uv_close((uv_handle_t *)&b->deadline, NULL);
		uv_close((uv_handle_t *)&b->ticker, NULL);
		uv_run(&b->loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&b->loop), 0);
		free(b);
	}
	free(lab->probe.state);
	free(lab->probe.memory);
	free(lab);
}

static void
loopback(struct addr *a, int family, uint16_t port)
{
	static const uint8_t v4[4] = {127, 0, 0, 1};

	addr_from_bytes(a, family,
	    family == AF_INET ? (const void *)v4 : &in6addr_loopback, port);
}

void
lab_aim(struct lab *lab, int family, uint16_t port)
{
	loopback(&lab->path.addr, family, port);
}

int
lab_start(struct lab *lab, unsigned count)
{
	assert_int_equal(lab->path.addr.sa.sa_family == AF_INET ||
			     lab->path.addr.sa.sa_family == AF_INET6,
	    1);
	lab->probe.count = count;
	lab->probe.round++;
	lab->over = false;
	lab->readies = lab->fails = lab->answers = 0;
	lab->handshakes = 0;
	lab->outcome = OUTCOME_NONE;
	lab->code = 0;
	memset(lab->phase, 0, sizeof(lab->phase));
	memset(lab->answer, 0, sizeof(lab->answer));
	memset(lab->answered, 0, sizeof(lab->answered));
	memset(&lab->mapped, 0, sizeof(lab->mapped));
	memset(&lab->facts, 0, sizeof(lab->facts));
	memset(lab->probe.state, 0, lab->collector->state);
	lab->started_ns = clock_mono();
	return lab->collector->start(&lab->probe);
}

void
lab_stop(struct lab *lab)
{
	lab->collector->stop(&lab->probe);
}

void
lab_until(struct lab *lab, const bool *what)
{
	struct bench *b = bench_of(lab);

	b->expired = false;
	uv_update_time(&b->loop);
	uv_timer_start(&b->deadline, on_deadline, DEADLINE_MS, 0);
	if (lab->collector != NULL && lab->collector->tick != NULL)
		uv_timer_start(&b->ticker, on_tick, TICK_MS, TICK_MS);
	while (!*what && !b->expired)
		uv_run(&b->loop, UV_RUN_ONCE);
	uv_timer_stop(&b->deadline);
	uv_timer_stop(&b->ticker);
	assert_false(b->expired);
}

void
lab_probe(struct lab *lab, unsigned count)
{
	assert_int_equal(lab_start(lab, count), 0);
	lab_until(lab, &lab->over);
}

struct collector_counts
lab_counts(struct lab *lab)
{
	struct collector_counts counts = {0};

	lab->collector->counts(bench_of(lab)->collector_loop, &counts);
	return counts;
}

struct uv_loop_s *
lab_loop(struct lab *lab)
{
	return &bench_of(lab)->loop;
}

/* ---- peers ---- */

struct peer_thread {
	pthread_t thread;
	int fd;
	sem_t accepted;
	_Atomic uint16_t last; /* port of the connection that ends it */
};

static uint16_t
port_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct addr a;
	socklen_t len = sizeof(a);

	return ask(fd, &a.sa, &len) == 0 ? addr_port(&a) : 0;
}

static void *
peer_main(void *arg)
{
	struct peer *peer = arg;
	bool more = true;

	while (more) {
		int fd = accept(peer->thread->fd, NULL, NULL);
		uint16_t port;

		assert_true(fd >= 0);
		/* 0: it was reset before it was accepted. */
		port = port_of(fd, getpeername);
		more = port == 0 || port != peer->thread->last;
		if (more) {
			peer->connections++;
			sem_post(&peer->thread->accepted);
			peer->script(peer, fd);
		}
		close(fd);
	}
	return NULL;
}

static int
bound_socket(int family, uint16_t *port)
{
	struct addr a;
	socklen_t len;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	assert_true(fd >= 0);
	loopback(&a, family, 0);
	len = addr_len(&a);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(bind(fd, &a.sa, len), 0);
	assert_int_equal(getsockname(fd, &a.sa, &len), 0);
	*port = addr_port(&a);
	return fd;
}

void
peer_start(struct peer *peer, int family)
{
	int on = 1;

	/* OpenSSL's own writes know no MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	peer->thread = calloc(1, sizeof(*peer->thread));
	assert_non_null(peer->thread);
	peer->connections = 0;
	sem_init(&peer->thread->accepted, 0, 0);
	peer->thread->fd = bound_socket(family, &peer->port);
	setsockopt(
	    peer->thread->fd, IPPROTO_TCP, TCP_SAVE_SYN, &on, sizeof(on));
	assert_int_equal(listen(peer->thread->fd, 64), 0);
	assert_int_equal(
	    pthread_create(&peer->thread->thread, NULL, peer_main, peer), 0);
}

void
peer_wait(struct peer *peer)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEADLINE_MS / 1000;
	assert_int_equal(sem_timedwait(&peer->thread->accepted, &end), 0);
}

void
peer_stop(struct peer *peer)
{
	struct addr a;
	socklen_t len = sizeof(a);
	uint16_t port;
	int fd;

	/* One more connection, served after all that wait already. */
	assert_int_equal(getsockname(peer->thread->fd, &a.sa, &len), 0);
	fd = bound_socket(addr_family(&a), &port);
	peer->thread->last = port;
	assert_int_equal(connect(fd, &a.sa, len), 0);
	pthread_join(peer->thread->thread, NULL);
	sem_destroy(&peer->thread->accepted);
	close(fd);
	close(peer->thread->fd);
	free(peer->thread);
	peer->thread = NULL;
}

bool
peer_read(int fd, void *buf, unsigned len)
{
	unsigned have = 0;

	while (have < len) {
		ssize_t n = recv(fd, (char *)buf + have, len - have, 0);

		if (n <= 0)
			return false;
		have += (unsigned)n;
	}
	return true;
}

void
peer_write(int fd, const void *buf, unsigned len)
{
	unsigned done = 0;

	while (done < len) {
		ssize_t n = send(
		    fd, (const char *)buf + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (unsigned)n;
	}
}

bool
peer_wait_closed(int fd)
{
	char buf[4096];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0);
	return n < 0 && errno == ECONNRESET;
}

unsigned
peer_answer(const uint8_t request[28], uint8_t out[128])
{
	struct stun_writer w;
	struct addr from;

	loopback(&from, AF_INET, 4242);
	wire_stun_begin(&w, out, 128, STUN_CLASS_SUCCESS, request + STUN_ID_AT);
	wire_stun_put_xor_mapped(&w, &from);
	return (unsigned)wire_stun_end(&w, true);
}

uint16_t
peer_dead_port(int family)
{
	uint16_t port;

	/* Kept, or the next one to ask the kernel for a port would listen. */
	bound_socket(family, &port);
	return port;
}

/* ---- certificates ---- */

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

void
lab_cert_make(struct lab_cert *c)
{
	static long serial = 1000;
	const struct lab_cert *issuer = c->issuer != NULL ? c->issuer : c;
	X509_NAME *name;

	c->key = EVP_EC_gen("P-256");
	c->x509 = X509_new();
	assert_non_null(c->key);
	assert_non_null(c->x509);
	X509_set_version(c->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c->x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(c->x509), -86400L * 400);
	X509_gmtime_adj(X509_getm_notAfter(c->x509), 86400L * c->days);
	X509_set_pubkey(c->x509, c->key);
	name = X509_get_subject_name(c->x509);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)c->subject, -1, -1, 0);
	X509_set_issuer_name(c->x509, X509_get_subject_name(issuer->x509));
	if (c->is_ca)
		add_extension(
		    c->x509, NID_basic_constraints, "critical,CA:TRUE");
	for (unsigned i = 0; i < 4 && c->ext[i].value != NULL; i++)
		add_extension(c->x509, c->ext[i].nid, c->ext[i].value);
	assert_true(X509_sign(c->x509, issuer->key, EVP_sha256()) > 0);
}

void
lab_cert_free(struct lab_cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	c->x509 = NULL;
	c->key = NULL;
}

char *
lab_key_file(const struct lab_cert *c)
{
	char *name = strdup("/tmp/reachd-test-XXXXXX");
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	return name;
}

char *
lab_cert_file(const struct lab_cert *c)
{
	char *name = strdup("/tmp/reachd-test-XXXXXX");
	int fd = mkstemp(name);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->x509), 1);
	fclose(f);
	return name;
}

struct ssl_ctx_st *
lab_server(const struct lab_cert *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate(ctx, c->x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, c->key), 1);
	for (const struct lab_cert *i = c->issuer;
	     i != NULL && i->issuer != NULL; i = i->issuer)
		assert_int_equal(SSL_CTX_add1_chain_cert(ctx, i->x509), 1);
	return ctx;
}
