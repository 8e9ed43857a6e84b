/*
 * What stands around a datagram collector in its tests: probes that write
 * down what they are told, and a peer driven by hand on the loopback.
 */
#ifndef RIG_H
#define RIG_H

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "collector.h"
#include "probe.h"

enum { RIG_PATIENCE_MS = 5000 };

struct rig {
	const struct collector *c;
	void *loop;
};

/* How a request ended, and how often it was said to. */
struct rig_end {
	unsigned times;
	struct answer a;
	struct addr mapped;
};

struct rig_probe {
	struct probe p; /* first: a probe is found by its address */
	struct path path;
	struct rig *rig;
	unsigned ready, failed;
	enum outcome fail;
	int64_t fact[FACT_END];
	unsigned holds;
	enum hold hold;
	struct rig_end end[PROBE_REQUESTS_MAX];
	void *state;
};

struct rig_peer {
	int fd;
	struct addr at;
	/* What came last. */
	struct addr from;
	uint8_t bytes[2048];
	size_t len;
};

static inline void
rig_on_ready(struct probe *p)
{
	((struct rig_probe *)p)->ready++;
}

static inline void
rig_on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	struct rig_end *e = &((struct rig_probe *)p)->end[seq];

	e->times++;
	e->a = *a;
	if (a->mapped != NULL)
		e->mapped = *a->mapped;
}

static inline void
rig_on_fail(struct probe *p, enum outcome o, int code)
{
	((struct rig_probe *)p)->failed++;
	((struct rig_probe *)p)->fail = o;
}

static inline void
rig_on_fact(struct probe *p, enum fact fact, int64_t value)
{
	((struct rig_probe *)p)->fact[fact] = value;
}

static inline void
rig_on_hold(struct probe *p, enum hold how)
{
	((struct rig_probe *)p)->holds++;
	((struct rig_probe *)p)->hold = how;
}

static const struct probe_ops rig_ops = {
    .ready = rig_on_ready,
    .answer = rig_on_answer,
    .fail = rig_on_fail,
    .fact = rig_on_fact,
    .hold = rig_on_hold,
};

static inline void
rig_open(struct rig *r, const struct collector *c, uint64_t rotate_ns, bool tx)
{
	struct collector_setup setup = {
	    .rotate_ns = rotate_ns, .transmit_stamps = tx};

	r->c = c;
	assert_int_equal(c->open(&setup, &r->loop), 0);
}

static inline void
rig_close(struct rig *r)
{
	r->c->close(r->loop);
}

static inline struct rig_probe *
rig_probe(struct rig *r, const struct addr *to, unsigned count)
{
	struct rig_probe *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->state = calloc(1, r->c->state);
	assert_non_null(t->state);
	t->rig = r;
	t->path.addr = *to;
	t->path.timeout_ns = CLOCK_SEC;
	t->p = (struct probe){.path = &t->path,
	    .loop = r->loop,
	    .state = t->state,
	    .count = count,
	    .ops = &rig_ops};
	return t;
}

static inline int
rig_start(struct rig_probe *t)
{
	memset(t->state, 0, t->rig->c->state);
	memset(t->end, 0, sizeof(t->end));
	return t->rig->c->start(&t->p);
}

static inline int
rig_request(struct rig_probe *t, unsigned seq)
{
	return t->rig->c->request(&t->p, seq);
}

static inline void
rig_stop(struct rig_probe *t)
{
	t->rig->c->stop(&t->p);
}

static inline void
rig_drop(struct rig_probe *t)
{
	rig_stop(t);
	free(t->state);
	free(t);
}

static inline void
rig_tick(struct rig *r)
{
	r->c->tick(r->loop, clock_mono());
}

static inline struct collector_counts
rig_counts(const struct rig *r)
{
	struct collector_counts c = {0};

	r->c->counts(r->loop, &c);
	return c;
}

/* Ticks until the request has ended; then how. */
static inline const struct rig_end *
rig_wait(struct rig_probe *t, unsigned seq)
{
	for (unsigned ms = 0; ms < RIG_PATIENCE_MS; ms++) {
		rig_tick(t->rig);
		if (t->end[seq].times > 0)
			return &t->end[seq];
		poll(NULL, 0, 1);
	}
	fail_msg("request %u did not end", seq);
	return NULL;
}

/* Ticks until that many datagrams were unmatched. */
static inline void
rig_wait_unmatched(struct rig *r, uint64_t n)
{
	for (unsigned ms = 0; ms < RIG_PATIENCE_MS; ms++) {
		rig_tick(r);
		if (rig_counts(r).unmatched >= n)
			break;
		poll(NULL, 0, 1);
	}
	assert_int_equal(rig_counts(r).unmatched, n);
}

static inline struct addr
rig_addr(const char *host, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host), 0);
	addr_set_port(&a, port);
	return a;
}

/* A peer on a port that the kernel chooses. */
static inline void
rig_peer_open(struct rig_peer *peer, const char *host)
{
	socklen_t len = sizeof(peer->at);
	int room = 1 << 20;

	peer->at = rig_addr(host, 0);
	peer->fd = socket(addr_family(&peer->at), SOCK_DGRAM, 0);
	assert_true(peer->fd >= 0);
	setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	assert_int_equal(bind(peer->fd, &peer->at.sa, addr_len(&peer->at)), 0);
	assert_int_equal(getsockname(peer->fd, &peer->at.sa, &len), 0);
}

/* The next request, which must come. */
static inline void
rig_peer_take(struct rig_peer *peer)
{
	struct pollfd wait = {peer->fd, POLLIN, 0};
	socklen_t len = sizeof(peer->from);
	ssize_t n;

	assert_int_equal(poll(&wait, 1, RIG_PATIENCE_MS), 1);
	n = recvfrom(peer->fd, peer->bytes, sizeof(peer->bytes), 0,
	    &peer->from.sa, &len);
	assert_true(n >= 0);
	peer->len = (size_t)n;
}

static inline void
rig_peer_send(struct rig_peer *peer, const void *bytes, size_t len)
{
	assert_int_equal(sendto(peer->fd, bytes, len, 0, &peer->from.sa,
			     addr_len(&peer->from)),
	    len);
}

/* An address at which nobody listens. */
static inline struct addr
rig_closed(const char *host)
{
	struct rig_peer peer;

	rig_peer_open(&peer, host);
	close(peer.fd);
	return peer.at;
}

/* Descriptors that this process has open. */
static inline unsigned
rig_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

#endif
