/*
 * What a TCP connect costs: the tcp collector, as an engine drives it, beside
 * the least that connects with epoll and closes with a reset. And what it
 * tells of the time that takes, alone and with many under way.
 *
 *	bench_tcp [ROUNDS [CONNECTS]]
 */
#include "build.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <uv.h>

#include "clock.h"
#include "collectors.h"
#include "duel.h"
#include "probe.h"

enum { WINDOW = 64, ROUNDS = 21, CONNECTS = 3000, BACKLOG = 800 };

static struct addr server;
/* Shared with the far side: connections made and taken since the start. */
static _Atomic unsigned *taken;
static unsigned made;

/* ---- the far side ---- */

/* Takes connections; each is let go when the client has long reset it. */
static void
take_all(int listener)
{
	int held[4 * WINDOW];

	memset(held, -1, sizeof(held));
	for (unsigned i = 0;; i = (i + 1) % (4 * WINDOW)) {
		if (held[i] >= 0)
			close(held[i]);
		held[i] = accept(listener, NULL, NULL);
		++*taken;
	}
}

/* A far side that lags must not drop connections; sleep costs no CPU time. */
static void
wait_for_room(void)
{
	while (made - *taken >= BACKLOG)
		usleep(100);
	made++;
}

/* ---- the bare way ---- */

static void
bare_open(int epoll)
{
	struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = {.events = EPOLLOUT, .data.fd = fd};

	wait_for_room();
	if (fd < 0)
		duel_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, &server.sa, addr_len(&server)) < 0 &&
	    errno != EINPROGRESS)
		duel_die("connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		duel_die("epoll_ctl");
}

static void
run_bare(unsigned n)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	unsigned opened = 0, done = 0;
	struct epoll_event ev[WINDOW];

	while (done < n) {
		int k;

		while (opened < n && opened - done < WINDOW) {
			bare_open(epoll);
			opened++;
		}
		k = epoll_wait(epoll, ev, WINDOW, -1);
		for (int i = 0; i < k; i++) {
			int err = 0;
			socklen_t len = sizeof(err);

			getsockopt(
			    ev[i].data.fd, SOL_SOCKET, SO_ERROR, &err, &len);
			if (err != 0)
				duel_die("connect");
			close(ev[i].data.fd);
			done++;
		}
	}
	close(epoll);
}

/* ---- ours ---- */

static uv_loop_t loop;
static void *tcp_loop;
static unsigned started, ended, wanted;
/* At once, and the times that were told. */
static unsigned window = WINDOW, told_most;
static double *told;

static void start_more(struct probe *p);

static void
on_ready(struct probe *p)
{
	collector_tcp.request(p, 0);
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	if (a->outcome != OUTCOME_ANSWERED || a->stamp != STAMP_TCP_INFO)
		duel_die("answer");
	collector_tcp.stop(p);
	if (ended < told_most)
		told[ended] = (double)a->rtt_ns / 1e3;
	ended++;
	start_more(p);
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

static const struct probe_ops ops = {
    .ready = on_ready, .answer = on_answer, .fail = on_fail, .phase = on_phase};

static void
start_more(struct probe *p)
{
	if (started == wanted)
		return;
	started++;
	wait_for_room();
	memset(p->state, 0, collector_tcp.state);
	if (collector_tcp.start(p) < 0)
		duel_die("start");
}

static void
run_ours(unsigned n)
{
	static char state[WINDOW][512];
	static struct probe probe[WINDOW];
	static struct path path = {.transport = TRANSPORT_TCP};

	path.addr = server;
	path.timeout_ns = CLOCK_SEC;
	started = ended = 0;
	wanted = n;
	for (unsigned i = 0; i < window && i < n; i++) {
		probe[i] = (struct probe){.path = &path,
		    .loop = tcp_loop,
		    .state = state[i],
		    .count = 1,
		    .ops = &ops};
		start_more(&probe[i]);
	}
	while (ended < n) {
		unsigned before = ended;

		collector_tcp.tick(tcp_loop, clock_mono());
		/* An engine's ticks are 20 ms apart and more. */
		if (ended == before)
			usleep(1000);
	}
}

static void
tell_times(unsigned at_once, unsigned n)
{
	window = at_once;
	told_most = n;
	told = calloc(n, sizeof(*told));
	if (told == NULL)
		duel_die("calloc");
	run_ours(n);
	printf("connect times told, %2u under way     %8.1f us", at_once,
	    duel_median(told, n));
	printf("  (p99 %.1f us)\n", told[n - n / 100 - 1]);
	free(told);
	told_most = 0;
}

int
main(int argc, char **argv)
{
	static const char *const way[] = {"bare epoll", "tcp collector"};
	static void (*const run[])(unsigned) = {run_bare, run_ours};
	const struct duel duel = {"TCP connect and reset", way, run, 2};
	const struct collector_setup setup = {.loop = &loop};

	taken = mmap(NULL, sizeof(*taken), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (taken == MAP_FAILED)
		duel_die("mmap");
	duel_far_side(take_all, duel_listen(&server));
	if (uv_loop_init(&loop) < 0 ||
	    collector_tcp.open(&setup, &tcp_loop) < 0)
		duel_die("open");
	duel_fight(&duel,
	    argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS,
	    argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : CONNECTS);
	tell_times(1, 300);
	tell_times(WINDOW, 3000);
	collector_tcp.close(tcp_loop);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) < 0;
}
