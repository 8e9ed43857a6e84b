/*
 * What a window costs: nanoseconds of CPU time per sample, for rings as the
 * defaults make them. Prints a table; nothing is asserted.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "window.h"

enum { TARGETS = 64, ROUNDS = 7 };

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLOCK_SEC + (uint64_t)t.tv_nsec;
}

/* xorshift64: the same samples in every run */
static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* 20 ms with a tail, loss_percent lost, one a second. */
static void
fill(struct sample *s, size_t n, unsigned loss_percent)
{
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < n; i++) {
		uint64_t rtt = 20 * CLOCK_MS + next(&x) % CLOCK_MS;

		if (next(&x) % 50 == 0)
			rtt += next(&x) % (300 * CLOCK_MS);
		if (next(&x) % 100 < loss_percent)
			s[i] =
			    sample_make(i * CLOCK_SEC, 0, OUTCOME_TIMEOUT, 0);
		else
			s[i] = sample_make(
			    i * CLOCK_SEC, rtt, OUTCOME_ANSWERED, 0);
	}
}

static void
measure(size_t n, unsigned loss_percent)
{
	struct sample *s = calloc(n * TARGETS, sizeof(*s));
	uint64_t *scratch = calloc(n, sizeof(*scratch));
	size_t repeats = 2000000 / (n * TARGETS) + 1;
	uint64_t best = UINT64_MAX, sum = 0;
	struct window w;

	if (s == NULL || scratch == NULL)
		abort();
	fill(s, n * TARGETS, loss_percent);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = cpu_ns();

		for (size_t i = 0; i < repeats * TARGETS; i++) {
			const struct sample *from = s + i % TARGETS * n;

			window_compute(&w, from, n,
			    (struct window_span){from[n - 1].sent_ns,
				n * CLOCK_SEC},
			    scratch);
			sum += w.rtt_p95;
		}
		start = cpu_ns() - start;
		best = start < best ? start : best;
	}
	printf("%8zu %5u %% %10.2f %12.0f   %#jx\n", n, loss_percent,
	    (double)best / (double)(repeats * TARGETS * n),
	    (double)best / (double)(repeats * TARGETS), (uintmax_t)sum);
	free(s);
	free(scratch);
}

int
main(void)
{
	static const size_t sizes[] = {30, 150, 450, 4096};

	printf("%8s %7s %10s %12s   %s\n", "samples", "lost", "ns/sample",
	    "ns/window", "check");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		measure(sizes[i], 0);
		measure(sizes[i], 5);
	}
	return 0;
}
