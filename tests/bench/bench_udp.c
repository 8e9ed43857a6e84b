/*
 * What a UDP request costs: the stun collector, as an engine drives it, beside
 * the least that sends and receives. Interleaved; CPU time of this process,
 * so the answering child is not in it.
 *
 *	bench_udp [ROUNDS [REQUESTS]]
 */
#include "build.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "collectors.h"
#include "probe.h"
#include "stats.h"
#include "wire_stun.h"

enum {
	WINDOW = 512, /* requests under way at once */
	BATCH = 64,
	ROUNDS = 7,
	ROUNDS_MAX = 101,
	REQUESTS = 100000,
	ANSWER = STUN_HEADER + 12, /* with an IPv4 address */
	BUFFER = 4 << 20
};

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* One processor only is no reason to stop. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static int
open_socket(struct addr *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = BUFFER;
	socklen_t len = sizeof(*at);

	addr_parse_host(at, "127.0.0.1");
	if (fd < 0 || bind(fd, &at->sa, addr_len(at)) < 0 ||
	    getsockname(fd, &at->sa, &len) < 0)
		die("socket");
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

static _Noreturn void
answer_all(int fd)
{
	static struct many m;

	stay_on(1);
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
			_exit(1);
	}
}

/* ---- one way of asking ---- */

struct way {
	const char *name;
	double goal; /* of the ratio; 0: it is the measure itself */
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
			die("sendto");
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
		die("an outcome");
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
			die("collector");
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
		die("collector");
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

static double
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Microseconds of a request. All wait the same for the child to answer. */
static double
run(struct way *w, uint64_t requests)
{
	const struct timespec nap = {0, 2000000};
	uint64_t until = w->answered + requests;
	double began = cpu_now();

	while (w->answered < until) {
		w->send(w);
		nanosleep(&nap, NULL);
		w->take(w);
	}
	return (cpu_now() - began) * 1e6 / (double)requests;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void
report(const struct way *w, double *us, double *ratio, unsigned rounds)
{
	const struct driven *d = w->private;

	printf("%-34s %6.2f us", w->name, median(us, rounds));
	if (w->goal > 0) {
		double r = median(ratio, rounds);

		printf("  %.2f of the least (%.2f-%.2f), goal %.2f: %s", r,
		    ratio[0], ratio[rounds - 1], w->goal,
		    r <= w->goal ? "met" : "not met");
	}
	printf("\n");
	if (w->goal > 0)
		for (unsigned i = 1; i < STAMP_END; i++)
			if (d->stamp[i] > 0)
				printf("    %s %.3f %%\n",
				    word_label(WORD_STAMP, i),
				    100 * (double)d->stamp[i] /
					(double)d->rtt.count);
}

int
main(int argc, char **argv)
{
	enum { WAYS = 3 };
	static struct bare bare;
	static struct way way[WAYS] = {
	    {.name = "sendto and recvmmsg",
		.send = bare_send,
		.take = bare_take,
		.private = &bare},
	    {.name = "collector",
		.goal = 1.25,
		.send = driven_send,
		.take = driven_take},
	    {.name = "collector with transmit stamps",
		.goal = 1.7,
		.send = driven_send,
		.take = driven_take},
	};
	static double us[WAYS][ROUNDS_MAX], ratio[WAYS][ROUNDS_MAX];
	unsigned rounds =
	    argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : ROUNDS;
	uint64_t requests = argc > 2 ? strtoull(argv[2], NULL, 0) : REQUESTS;
	struct addr at, own;
	int fd = open_socket(&at);
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0)
		answer_all(fd);
	stay_on(0);
	close(fd);
	if (rounds == 0 || rounds > ROUNDS_MAX)
		rounds = ROUNDS;
	bare.fd = open_socket(&own);
	many_init(&bare.m);
	for (unsigned i = 0; i < WAYS; i++) {
		way[i].to = at;
		if (i > 0)
			driven_init(&way[i], i == 2);
		run(&way[i], requests / 10 + 1);
	}
	for (unsigned k = 0; k < rounds; k++) {
		for (unsigned i = 0; i < WAYS; i++) {
			us[i][k] = run(&way[i], requests);
			ratio[i][k] = us[i][k] / us[0][k];
		}
	}
	printf("%u rounds of %llu requests, %u at once\n", rounds,
	    (unsigned long long)requests, WINDOW);
	for (unsigned i = 0; i < WAYS; i++)
		report(&way[i], us[i], ratio[i], rounds);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
