/*
 * What a UDP request costs: the stun collector, as an engine drives it, beside
 * the least that sends and receives. Interleaved; CPU time of this process,
 * so the answering child is not in it.
 *
 *	bench_udp [ROUNDS [REQUESTS]]
 */
#include "build.h"

#include <netinet/in.h>
#include <string.h>

#include "clock.h"
#include "collectors.h"
#include "duel.h"
#include "probe.h"
#include "stats.h"
#include "wire_stun.h"

enum {
	WINDOW = 512, /* requests under way at once */
	BATCH = 64,
	ROUNDS = 7,
	REQUESTS = 100000,
	ANSWER = STUN_HEADER + 12, /* with an IPv4 address */
	BUFFER = 4 << 20
};

static int
open_socket(struct addr *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = BUFFER;
	socklen_t len = sizeof(*at);

	addr_parse_host(at, "127.0.0.1");
	if (fd < 0 || bind(fd, &at->sa, addr_len(at)) < 0 ||
	    getsockname(fd, &at->sa, &len) < 0)
		duel_die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* Datagrams of many at a time, as both sides use them. */
struct many {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct addr peer[BATCH];
	uint8_t bytes[BATCH][128];
};

static void
many_init(struct many *m)
{
	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < BATCH; i++) {
		m->msg[i].msg_hdr.msg_iov = &m->iov[i];
		m->msg[i].msg_hdr.msg_iovlen = 1;
		m->msg[i].msg_hdr.msg_name = &m->peer[i];
	}
}

static int
many_read(struct many *m, int fd, int flags)
{
	for (unsigned i = 0; i < BATCH; i++) {
		m->iov[i].iov_base = m->bytes[i];
		m->iov[i].iov_len = sizeof(m->bytes[i]);
		m->msg[i].msg_hdr.msg_namelen = sizeof(m->peer[i]);
	}
	return recvmmsg(fd, m->msg, BATCH, flags, NULL);
}

/* ---- the child that answers ---- */

static void
answer_all(int fd)
{
	static struct many m;

	many_init(&m);
	for (;;) {
		int n = many_read(&m, fd, MSG_WAITFORONE);

		for (int i = 0; i < n; i++) {
			struct stun_writer w;
			uint8_t id[STUN_ID];

			memcpy(id, m.bytes[i] + STUN_ID_AT, sizeof(id));
			wire_stun_begin(&w, m.bytes[i], sizeof(m.bytes[i]),
			    STUN_CLASS_SUCCESS, id);
			wire_stun_put_xor_mapped(&w, &m.peer[i]);
			m.iov[i].iov_len = wire_stun_end(&w, false);
		}
		if (n > 0 && sendmmsg(fd, m.msg, (unsigned)n, 0) < 0)
			return;
	}
}

/* ---- one way of asking ---- */

struct way {
	/* Sends what the window has room for; then takes what is there. */
	void (*send)(struct way *w);
	void (*take)(struct way *w);
	unsigned under_way;
	uint64_t sent, answered;
	struct addr to;
	void *private;
};

/* ---- the least ---- */

struct bare {
	int fd;
	uint64_t next;
	struct many m;
};

static void
bare_send(struct way *w)
{
	struct bare *b = w->private;

	for (; w->under_way < WINDOW; w->under_way++, w->sent++) {
		uint8_t request[STUN_HEADER] = {
		    0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};

		b->next++;
		memcpy(request + STUN_ID_AT, &b->next, sizeof(b->next));
		if (sendto(b->fd, request, sizeof(request), 0, &w->to.sa,
			addr_len(&w->to)) < 0)
			duel_die("sendto");
	}
}

static void
bare_take(struct way *w)
{
	struct bare *b = w->private;
	int n;

	do {
		n = many_read(&b->m, b->fd, MSG_DONTWAIT);
		for (int i = 0; i < n; i++) {
			if (b->m.msg[i].msg_len != ANSWER)
				continue;
			w->under_way--;
			w->answered++;
		}
	} while (n == BATCH);
}

/* ---- the collector ---- */

struct target {
	struct probe p; /* first: it is found by the probe */
	struct way *way;
	struct target *next; /* among the idle ones */
};

struct driven {
	void *loop;
	struct path path;
	struct target target[WINDOW];
	struct target *idle;
	struct snap_hist rtt;
	uint64_t stamp[STAMP_END];
};

static void
on_ready(struct probe *p)
{
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	struct target *t = (struct target *)p;
	struct way *w = t->way;
	struct driven *d = w->private;

	if (a->outcome != OUTCOME_ANSWERED)
		duel_die("an outcome");
	d->rtt.bucket[stats_bucket(a->rtt_ns)]++;
	d->rtt.count++;
	d->rtt.sum += a->rtt_ns;
	d->stamp[a->stamp]++;
	t->next = d->idle;
	d->idle = t;
	w->under_way--;
	w->answered++;
}

static const struct probe_ops ops = {.ready = on_ready, .answer = on_answer};

static void
driven_send(struct way *w)
{
	struct driven *d = w->private;

	while (d->idle != NULL) {
		struct target *t = d->idle;

		d->idle = t->next;
		collector_stun.stop(&t->p);
		memset(t->p.state, 0, collector_stun.state);
		if (collector_stun.start(&t->p) < 0 ||
		    collector_stun.request(&t->p, 0) < 0)
			duel_die("collector");
		w->under_way++;
		w->sent++;
	}
}

static void
driven_take(struct way *w)
{
	struct driven *d = w->private;

	collector_stun.tick(d->loop, clock_mono());
}

static void
driven_init(struct way *w, bool transmit_stamps)
{
	struct driven *d = calloc(1, sizeof(*d));
	struct collector_setup setup = {
	    .rotate_ns = CLOCK_SEC, .transmit_stamps = transmit_stamps};

	if (d == NULL || collector_stun.open(&setup, &d->loop) < 0)
		duel_die("collector");
	w->private = d;
	d->path.addr = w->to;
	d->path.timeout_ns = CLOCK_SEC;
	for (unsigned i = 0; i < WINDOW; i++) {
		struct target *t = &d->target[i];

		t->p = (struct probe){.path = &d->path,
		    .loop = d->loop,
		    .state = calloc(1, collector_stun.state),
		    .count = 1,
		    .ops = &ops};
		t->way = w;
		t->next = d->idle;
		d->idle = t;
	}
}

/* ---- measuring ---- */

/* All wait the same for the child to answer. */
static void
run(struct way *w, unsigned requests)
{
	const struct timespec nap = {0, 2000000};
	uint64_t until = w->answered + requests;

	while (w->answered < until) {
		w->send(w);
		nanosleep(&nap, NULL);
		w->take(w);
	}
}

static struct bare bare;
static struct way least = {
    .send = bare_send, .take = bare_take, .private = &bare};
static struct way plain = {.send = driven_send, .take = driven_take};
static struct way stamped = {.send = driven_send, .take = driven_take};

static void
run_least(unsigned n)
{
	run(&least, n);
}

static void
run_plain(unsigned n)
{
	run(&plain, n);
}

static void
run_stamped(unsigned n)
{
	run(&stamped, n);
}

/* What its round-trip times are from; others than asked for are too cheap. */
static void
report(const char *name, const struct way *w)
{
	const struct driven *d = w->private;

	printf("%s:", name);
	for (unsigned i = 1; i < STAMP_END; i++)
		if (d->stamp[i] > 0)
			printf(" %.3f %% %s",
			    100 * (double)d->stamp[i] / (double)d->rtt.count,
			    word_label(WORD_STAMP, i));
	printf("\n");
}

int
main(int argc, char **argv)
{
	static const char *const way[] = {"sendto and recvmmsg",
	    "stun collector (goal 1.25)", "and transmit stamps (goal 1.70)"};
	static void (*const runs[])(unsigned) = {
	    run_least, run_plain, run_stamped};
	const struct duel duel = {"UDP request", way, runs, 3};
	struct addr at, own;

	duel_far_side(answer_all, open_socket(&at));
	least.to = plain.to = stamped.to = at;
	bare.fd = open_socket(&own);
	many_init(&bare.m);
	driven_init(&plain, false);
	driven_init(&stamped, true);
	duel_fight(&duel,
	    argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS,
	    argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : REQUESTS);
	report(way[1], &plain);
	report(way[2], &stamped);
	return 0;
}
