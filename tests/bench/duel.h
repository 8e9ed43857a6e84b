/*
 * Two ways to do the same, run in turn by one process, compared by the CPU
 * time it spends; a child on the other processor plays the far side.
 */
#ifndef DUEL_H
#define DUEL_H

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"

enum { DUEL_ROUNDS_MAX = 101 };

struct duel {
	const char *unit;	/* what one of them is called */
	const char *const *way; /* their names; the first is the bare one */
	void (*const *run)(unsigned n);
	unsigned ways;
};

static inline void
duel_die(const char *what)
{
	perror(what);
	exit(1);
}

static inline void
duel_stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* One processor only is no reason to stop. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* A listening socket on loopback, at a port the kernel chooses. */
static inline int
duel_listen(struct addr *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*at);

	addr_parse_host(at, "127.0.0.1");
	if (fd < 0 || bind(fd, &at->sa, addr_len(at)) < 0 ||
	    listen(fd, 1024) < 0 || getsockname(fd, &at->sa, &len) < 0)
		duel_die("listen");
	return fd;
}

/* The far side: serve() never returns, and dies with us. */
static inline void
duel_far_side(void (*serve)(int fd), int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		duel_die("fork");
	if (pid > 0) {
		close(fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	duel_stay_on(1);
	serve(fd);
	_exit(1);
}

static inline double
duel_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int
duel_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline double
duel_median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), duel_compare);
	return v[n / 2];
}

/* Prints a line a way: median, and the median of its ratios to the bare one. */
static inline void
duel_fight(const struct duel *d, unsigned rounds, unsigned n)
{
	static double cost[8][DUEL_ROUNDS_MAX], ratio[8][DUEL_ROUNDS_MAX];

	duel_stay_on(0);
	if (rounds > DUEL_ROUNDS_MAX)
		rounds = DUEL_ROUNDS_MAX;
	/* Round 0 warms up. */
	for (unsigned r = 0; r <= rounds; r++) {
		for (unsigned i = 0; i < d->ways; i++) {
			/* To and fro: what one leaves behind meets each. */
			unsigned w = r % 2 == 0 ? i : d->ways - 1 - i;
			double start = duel_cpu_us();

			d->run[w](n);
			if (r > 0)
				cost[w][r - 1] = (duel_cpu_us() - start) / n;
		}
		for (unsigned w = 0; r > 0 && w < d->ways; w++)
			ratio[w][r - 1] = cost[w][r - 1] / cost[0][r - 1];
	}
	printf("%-34s %10s %7s  (%u rounds of %u)\n", d->unit, "us of CPU",
	    "ratio", rounds, n);
	for (unsigned w = 0; w < d->ways; w++)
		printf("%-34s %10.2f %7.2f\n", d->way[w],
		    duel_median(cost[w], rounds),
		    duel_median(ratio[w], rounds));
}

#endif
