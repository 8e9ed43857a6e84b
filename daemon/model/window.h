/*
 * Exact statistics of a rolling window over raw samples. Pure: time is an
 * argument. A sample belongs to the window (now - length, now] by the time
 * its request was sent.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"

/* A request that ended, as the ring keeps it: 16 bytes. */
struct sample {
	uint64_t sent_ns;	/* CLOCK_MONOTONIC */
	uint64_t rest;		/* rtt << 24 | outcome << 16 | flags << 8 */
};

enum {
	SAMPLE_LAST = 1,	/* last request of its probe */
	SAMPLE_PROBE_OK = 2	/* with LAST: some request of it was answered */
};

#define SAMPLE_RTT_MAX ((UINT64_C(1) << 40) - 1)	/* ns: 18 minutes */

struct sample sample_make(uint64_t sent_ns, uint64_t rtt_ns,
    enum outcome outcome, unsigned flags);
uint64_t sample_rtt(const struct sample *s);
enum outcome sample_outcome(const struct sample *s);
unsigned sample_flags(const struct sample *s);

/*
 * What a window holds; times in ns, STATS_NONE where nothing was answered.
 * Local samples are left out as if they were not there. Means and ratios are
 * rounded to the nearest, halves up, from exact sums.
 */
struct window {
	uint64_t requests;	/* without local ones */
	uint64_t answers;
	uint64_t loss_ppm;	/* STATS_NONE without requests; rounded */
	uint64_t rtt_min, rtt_mean, rtt_max;
	uint64_t rtt_stddev;	/* of the population */
	uint64_t rtt_p50, rtt_p95, rtt_p99;	/* nearest rank */
	/*
	 * Mean |RTT(i) - RTT(i-1)| over neighbours that were both answered
	 * (with nothing lost between them): RFC 3550's D without its decay.
	 */
	uint64_t jitter;	/* STATS_NONE without such neighbours */
	uint64_t burst;		/* longest run of lost requests */
	uint64_t mos;		/* thousandths; STATS_NONE without requests */
};

/* The time that a window covers: (now - length, now]. */
struct window_span {
	uint64_t now, length;
};

/*
 * The samples stand in the order in which they were sent: the ends of the
 * window are found by bisection. n is at most 2^23; scratch holds at least n
 * words; nothing is allocated. Windows are computed from longest to shortest
 * by calling it with the same array.
 */
void window_compute(struct window *out, const struct sample *s, size_t n,
    struct window_span span, uint64_t *scratch);

/*
 * The same sums kept up as samples come and go, for the judge: amortised O(1)
 * per sample, exact, over the shortest window only.
 */
struct window_sums {
	uint64_t requests, answers, rtt_sum;
};

void window_sums_add(struct window_sums *w, const struct sample *s);
void window_sums_remove(struct window_sums *w, const struct sample *s);
uint64_t window_sums_loss(const struct window_sums *w);	/* ppm or STATS_NONE */
uint64_t window_sums_mean(const struct window_sums *w);	/* ns or STATS_NONE */

#endif
