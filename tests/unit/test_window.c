/* Windows: worked out by hand, and against the definitions taken literally. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "dice.h"
#include "mos.h"
#include "stats.h"
#include "window.h"

#define MS CLOCK_MS

enum { MOST = 160 };

static struct sample
at(uint64_t sent, uint64_t rtt, enum outcome o)
{
	return sample_make(sent, rtt, o, 0);
}

static struct window
compute(const struct sample *s, size_t n, uint64_t now, uint64_t length)
{
	uint64_t scratch[MOST];
	struct window w;

	window_compute(&w, s, n, (struct window_span){now, length}, scratch);
	return w;
}

static void
test_sample(void **state)
{
	struct sample s = sample_make(
	    42, 1234567, OUTCOME_ERROR_RESPONSE, SAMPLE_LAST | SAMPLE_PROBE_OK);

	assert_int_equal(sizeof(s), 16);
	assert_int_equal(s.sent_ns, 42);
	assert_int_equal(sample_rtt(&s), 1234567);
	assert_int_equal(sample_outcome(&s), OUTCOME_ERROR_RESPONSE);
	assert_int_equal(sample_flags(&s), SAMPLE_LAST | SAMPLE_PROBE_OK);
	s = sample_make(UINT64_MAX, SAMPLE_RTT_MAX, OUTCOME_OTHER, 0xff);
	assert_true(sample_rtt(&s) == SAMPLE_RTT_MAX);
	assert_int_equal(sample_outcome(&s), OUTCOME_OTHER);
	assert_int_equal(sample_flags(&s), 0xff);
	s = sample_make(0, SAMPLE_RTT_MAX + 1, OUTCOME_ANSWERED, 0);
	assert_true(sample_rtt(&s) == SAMPLE_RTT_MAX);
	assert_int_equal(sample_outcome(&s), OUTCOME_ANSWERED);
}

/* Round-trip times 10 20 - 40 (local) 30 30 ms, the last an error code. */
static void
test_worked_out(void **state)
{
	const struct sample s[] = {
	    at(1 * MS, 10 * MS, OUTCOME_ANSWERED),
	    at(2 * MS, 20 * MS, OUTCOME_ANSWERED),
	    at(3 * MS, 0, OUTCOME_TIMEOUT),
	    at(4 * MS, 40 * MS, OUTCOME_ANSWERED),
	    at(5 * MS, 0, OUTCOME_LOCAL),
	    at(6 * MS, 30 * MS, OUTCOME_ANSWERED),
	    at(7 * MS, 30 * MS, OUTCOME_ERROR_RESPONSE),
	};
	struct window w = compute(s, 7, 7 * MS, CLOCK_SEC);

	assert_int_equal(w.requests, 6);
	assert_int_equal(w.answers, 5);
	assert_int_equal(w.loss_ppm, 166667);
	assert_int_equal(w.rtt_min, 10 * MS);
	assert_int_equal(w.rtt_max, 40 * MS);
	assert_int_equal(w.rtt_mean, 26 * MS);
	/* (100 + 400 + 1600 + 900 + 900) / 5 - 26^2 = 104 */
	assert_int_equal(w.rtt_stddev, 10198039);
	assert_int_equal(w.rtt_p50, 30 * MS);
	assert_int_equal(w.rtt_p95, 40 * MS);
	assert_int_equal(w.rtt_p99, 40 * MS);
	/* |20 - 10|, |30 - 40| past the local one, |30 - 30| */
	assert_int_equal(w.jitter, 6666667);
	assert_int_equal(w.burst, 1);
	/* R = 54.419 of 26 ms, 6.67 ms, 16.67 % */
	assert_int_equal(w.mos, 2808);
}

static void
assert_no_times(const struct window *w)
{
	assert_true(w->rtt_min == STATS_NONE && w->rtt_mean == STATS_NONE &&
		    w->rtt_max == STATS_NONE && w->rtt_stddev == STATS_NONE &&
		    w->rtt_p50 == STATS_NONE && w->rtt_p95 == STATS_NONE &&
		    w->rtt_p99 == STATS_NONE && w->jitter == STATS_NONE);
}

static void
test_empty_and_local(void **state)
{
	const struct sample s[] = {
	    at(1, 0, OUTCOME_LOCAL),
	    at(2, 0, OUTCOME_LOCAL),
	};

	for (size_t n = 0; n <= 2; n++) {
		struct window w = compute(s, n, 10, 100);

		assert_int_equal(w.requests, 0);
		assert_int_equal(w.answers, 0);
		assert_int_equal(w.burst, 0);
		assert_true(w.loss_ppm == STATS_NONE);
		assert_true(w.mos == STATS_NONE);
		assert_no_times(&w);
	}
}

static void
test_all_lost(void **state)
{
	const struct sample s[] = {
	    at(1, 0, OUTCOME_TIMEOUT),
	    at(2, 0, OUTCOME_LOCAL),
	    at(3, 0, OUTCOME_REFUSED),
	    at(4, 0, OUTCOME_DNS),
	};
	struct window w = compute(s, 4, 10, 100);

	assert_int_equal(w.requests, 3);
	assert_int_equal(w.answers, 0);
	assert_int_equal(w.loss_ppm, 1000000);
	/* the local one between them does not end the run */
	assert_int_equal(w.burst, 3);
	assert_int_equal(w.mos, 1000);
	assert_no_times(&w);
}

static void
test_one(void **state)
{
	const struct sample s = at(5, 7 * MS, OUTCOME_ANSWERED);
	struct window w = compute(&s, 1, 5, 1);

	assert_int_equal(w.requests, 1);
	assert_int_equal(w.loss_ppm, 0);
	assert_int_equal(w.rtt_min, 7 * MS);
	assert_int_equal(w.rtt_mean, 7 * MS);
	assert_int_equal(w.rtt_max, 7 * MS);
	assert_int_equal(w.rtt_stddev, 0);
	assert_int_equal(w.rtt_p50, 7 * MS);
	assert_int_equal(w.rtt_p99, 7 * MS);
	assert_true(w.jitter == STATS_NONE);
	assert_int_equal(w.mos, mos_estimate(7 * MS, 0, 0));
}

/* (now - length, now]: the beginning is out, the end is in. */
static void
test_borders(void **state)
{
	const struct sample s[] = {
	    at(0, 1, OUTCOME_ANSWERED),
	    at(10, 2, OUTCOME_ANSWERED),
	    at(20, 3, OUTCOME_ANSWERED),
	    at(20, 4, OUTCOME_ANSWERED),
	    at(30, 5, OUTCOME_ANSWERED),
	};

	assert_int_equal(compute(s, 5, 30, 20).requests, 3);
	assert_int_equal(compute(s, 5, 30, 21).requests, 4);
	assert_int_equal(compute(s, 5, 29, 20).requests, 3);
	assert_int_equal(compute(s, 5, 29, 9).requests, 0);
	assert_int_equal(compute(s, 5, 30, 1).requests, 1);
	assert_int_equal(compute(s, 5, 30, 0).requests, 0);
	assert_int_equal(compute(s, 5, 0, 0).requests, 0);
	/* a window that begins before time does */
	assert_int_equal(compute(s, 5, 30, 30).requests, 4);
	assert_int_equal(compute(s, 5, 30, 31).requests, 5);
	assert_int_equal(compute(s, 5, 30, UINT64_MAX).requests, 5);
	assert_int_equal(compute(s, 5, UINT64_MAX, UINT64_MAX).requests, 4);
	/* all in the future, and all long gone */
	assert_int_equal(compute(s + 1, 4, 9, 100).requests, 0);
	assert_int_equal(compute(s, 5, 1000, 100).requests, 0);
}

/* Nothing overflows: the greatest times, and many of them. */
static void
test_greatest(void **state)
{
	enum { N = 1 << 18 };
	struct sample *s = calloc(N, sizeof(*s));
	uint64_t *scratch = calloc(N, sizeof(*scratch));
	struct window w;

	assert_true(s != NULL && scratch != NULL);
	for (unsigned i = 0; i < N; i++)
		s[i] = at(i, i % 2 ? SAMPLE_RTT_MAX : 0, OUTCOME_ANSWERED);
	window_compute(&w, s, N, (struct window_span){N, N + 1}, scratch);
	assert_int_equal(w.answers, N);
	/* half of 2^40 - 1, rounded up; all are so far from it */
	assert_true(w.rtt_mean == (SAMPLE_RTT_MAX + 1) / 2);
	assert_true(w.rtt_stddev == (SAMPLE_RTT_MAX + 1) / 2);
	assert_true(w.jitter == SAMPLE_RTT_MAX);
	assert_true(w.rtt_p50 == 0 && w.rtt_p95 == SAMPLE_RTT_MAX);
	free(s);
	free(scratch);
}

/*
 * 0, 2 k, 2 k^2, 2 k^2 + 2 k have the variance (d^2 - 1) / 4 with d = 2 k^2
 * + 1: their deviation is k^2 + 1/2 less 2^-41, which no double tells from
 * the half, and which is rounded down. That of 0 and d is the half itself.
 */
static void
test_deviation_beside_a_half(void **state)
{
	const uint64_t k = 1 << 19, d = 2 * k * k + 1;
	const struct sample below[] = {
	    at(1, 0, OUTCOME_ANSWERED),
	    at(2, 2 * k, OUTCOME_ANSWERED),
	    at(3, 2 * k * k, OUTCOME_ANSWERED),
	    at(4, 2 * k * k + 2 * k, OUTCOME_ANSWERED),
	};
	const struct sample half[] = {
	    at(1, 0, OUTCOME_ANSWERED),
	    at(2, d, OUTCOME_ANSWERED),
	};

	assert_true(compute(below, 4, 4, 9).rtt_stddev == k * k);
	assert_true(compute(half, 2, 4, 9).rtt_stddev == k * k + 1);
}

/* Samples that are not in order, or no outcome: wrong numbers, no crash. */
static void
test_disorder_is_harmless(void **state)
{
	for (uint64_t i = 0; i < 2000; i++) {
		struct dice d = dice_case(i);
		struct sample s[MOST];

		for (size_t k = 0; k < MOST; k++)
			s[k] =
			    (struct sample){dice_below(&d, 100), dice_next(&d)};
		compute(s, MOST, dice_below(&d, 120), dice_below(&d, 50));
	}
}

/* ---- the definitions, taken literally ---- */

/* The window's samples without local ones. */
struct literal {
	uint64_t rtt[MOST]; /* in the order sent */
	bool answered[MOST];
	size_t requests, answers;
	uint64_t least, greatest, sum;
};

static struct literal
literal_of(const struct sample *s, size_t n, uint64_t now, uint64_t length)
{
	struct literal l = {.least = UINT64_MAX};

	for (size_t i = 0; i < n; i++) {
		enum outcome_class c = outcome_class(sample_outcome(&s[i]));
		uint64_t rtt = sample_rtt(&s[i]);

		if (s[i].sent_ns > now || now - s[i].sent_ns >= length ||
		    c == OUTCOME_CLASS_LOCAL)
			continue;
		l.rtt[l.requests] = rtt;
		l.answered[l.requests++] = c == OUTCOME_CLASS_ANSWER;
		if (c != OUTCOME_CLASS_ANSWER)
			continue;
		l.answers++;
		l.sum += rtt;
		if (rtt < l.least)
			l.least = rtt;
		if (rtt > l.greatest)
			l.greatest = rtt;
	}
	return l;
}

static uint64_t
nearest(uint64_t a, uint64_t b)
{
	return a / b + (a % b * 2 >= b);
}

/* The least value with at least q n values not above it. */
static uint64_t
literal_rank(const struct literal *l, unsigned permille)
{
	uint64_t best = UINT64_MAX;

	for (size_t i = 0; i < l->requests; i++) {
		size_t not_above = 0;

		if (!l->answered[i] || l->rtt[i] >= best)
			continue;
		for (size_t k = 0; k < l->requests; k++)
			not_above += l->answered[k] && l->rtt[k] <= l->rtt[i];
		if (not_above * 1000 >= l->answers * permille)
			best = l->rtt[i];
	}
	return best;
}

/*
 * n^2 variance is the sum of squared differences over all pairs; r is its
 * root over n, rounded, if (2 r - 1)^2 n^2 <= 4 n^2 variance < (2 r + 1)^2 n^2.
 */
static bool
literal_is_deviation(const struct literal *l, uint64_t r)
{
	unsigned __int128 pairs = 0, n = l->answers;

	for (size_t i = 0; i < l->requests; i++) {
		for (size_t k = 0; k < i; k++) {
			__int128 d = (__int128)l->rtt[i] - l->rtt[k];

			if (l->answered[i] && l->answered[k])
				pairs += (unsigned __int128)(d * d);
		}
	}
	if (r > 0 && (2 * r - 1) * n * ((2 * r - 1) * n) > 4 * pairs)
		return false;
	return 4 * pairs < (2 * r + 1) * n * ((2 * r + 1) * n);
}

static uint64_t
literal_jitter(const struct literal *l)
{
	uint64_t sum = 0, steps = 0;

	for (size_t i = 1; i < l->requests; i++) {
		uint64_t a = l->rtt[i - 1], b = l->rtt[i];

		if (!l->answered[i - 1] || !l->answered[i])
			continue;
		sum += a < b ? b - a : a - b;
		steps++;
	}
	return steps > 0 ? nearest(sum, steps) : STATS_NONE;
}

static uint64_t
literal_burst(const struct literal *l)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < l->requests; i++) {
		size_t k = i;

		while (k < l->requests && !l->answered[k])
			k++;
		if (k - i > longest)
			longest = k - i;
	}
	return longest;
}

static void
check(const struct dice *d, const struct window *w, const struct literal *l)
{
	DICE_EQUAL(d, w->requests, l->requests);
	DICE_EQUAL(d, w->answers, l->answers);
	DICE_EQUAL(d, w->burst, literal_burst(l));
	DICE_EQUAL(d, w->jitter, literal_jitter(l));
	DICE_EQUAL(d, w->loss_ppm,
	    l->requests == 0
		? STATS_NONE
		: nearest((l->requests - l->answers) * 1000000, l->requests));
	if (l->answers == 0) {
		assert_no_times(w);
		return;
	}
	DICE_EQUAL(d, w->rtt_min, l->least);
	DICE_EQUAL(d, w->rtt_max, l->greatest);
	DICE_EQUAL(d, w->rtt_mean, nearest(l->sum, l->answers));
	DICE_EQUAL(d, literal_is_deviation(l, w->rtt_stddev), true);
	DICE_EQUAL(d, w->rtt_p50, literal_rank(l, 500));
	DICE_EQUAL(d, w->rtt_p95, literal_rank(l, 950));
	DICE_EQUAL(d, w->rtt_p99, literal_rank(l, 990));
	DICE_EQUAL(d, w->mos,
	    mos_estimate(w->rtt_mean,
		l->answers > 1 && w->jitter != STATS_NONE ? w->jitter : 0,
		w->loss_ppm));
}

static uint64_t
random_rtt(struct dice *d, unsigned shape)
{
	switch (shape) {
	case 0:
		return 20 * MS;
	case 1:
		return dice_below(d, 3);
	case 2:
		return 20 * MS + dice_below(d, MS);
	case 3:
		return dice_chance(d, 5) ? SAMPLE_RTT_MAX : dice_below(d, MS);
	default:
		return dice_next(d) & SAMPLE_RTT_MAX;
	}
}

static size_t
random_samples(struct dice *d, struct sample s[MOST])
{
	static const unsigned losses[] = {0, 2, 20, 50, 100};
	static const unsigned locals[] = {0, 0, 5, 50, 100};
	size_t n = dice_below(d, dice_chance(d, 80) ? 40 : MOST);
	unsigned lost = losses[dice_below(d, 5)];
	unsigned local = locals[dice_below(d, 5)];
	unsigned shape = (unsigned)dice_below(d, 5);
	uint64_t t = dice_below(d, 50);

	for (size_t i = 0; i < n; i++) {
		enum outcome o = dice_chance(d, 90) ? OUTCOME_ANSWERED
						    : OUTCOME_ERROR_RESPONSE;

		if (dice_chance(d, local))
			o = OUTCOME_LOCAL;
		else if (dice_chance(d, lost))
			o = (enum outcome)(OUTCOME_TIMEOUT + dice_below(d, 13));
		t += dice_below(d, 4);
		s[i] = sample_make(
		    t, random_rtt(d, shape), o, (unsigned)dice_below(d, 256));
	}
	return n;
}

static void
test_random(void **state)
{
	for (uint64_t i = 0; i < 20000; i++) {
		struct dice d = dice_case(i);
		struct sample s[MOST];
		size_t n = random_samples(&d, s);
		uint64_t now = n > 0 ? s[dice_below(&d, n)].sent_ns : 5;

		/* Times are small, so that borders meet samples often. */
		now += dice_below(&d, 3);
		for (uint64_t length = 0; length < 200;
		     length = length * 2 + dice_below(&d, 5)) {
			struct window w = compute(s, n, now, length);
			struct literal l = literal_of(s, n, now, length);

			check(&d, &w, &l);
			if (length == 0)
				length = 1;
		}
	}
}

/* Each outcome there is, and each number that is none. */
static void
test_classes(void **state)
{
	for (unsigned o = 0; o < 256; o++) {
		const struct sample s = at(1, 5, (enum outcome)o);
		enum outcome_class c = outcome_class((enum outcome)o);
		struct window w = compute(&s, 1, 1, 1);

		assert_int_equal(w.requests, c != OUTCOME_CLASS_LOCAL);
		assert_int_equal(w.answers, c == OUTCOME_CLASS_ANSWER);
	}
}

/* Sums over a sliding window are those of the window computed anew. */
static void
test_sums(void **state)
{
	struct window_sums none = {0, 0, 0};

	assert_true(window_sums_loss(&none) == STATS_NONE);
	assert_true(window_sums_mean(&none) == STATS_NONE);
	for (uint64_t i = 0; i < 3000; i++) {
		struct dice d = dice_case(i);
		struct window_sums sums = {0, 0, 0};
		struct sample s[MOST];
		size_t n = random_samples(&d, s), from = 0;
		uint64_t length = 1 + dice_below(&d, 60);

		for (size_t k = 0; k < n; k++) {
			struct window w =
			    compute(s, k + 1, s[k].sent_ns, length);

			window_sums_add(&sums, &s[k]);
			while (s[k].sent_ns - s[from].sent_ns >= length)
				window_sums_remove(&sums, &s[from++]);
			DICE_EQUAL(&d, sums.requests, w.requests);
			DICE_EQUAL(&d, sums.answers, w.answers);
			DICE_EQUAL(&d, window_sums_loss(&sums), w.loss_ppm);
			DICE_EQUAL(&d, window_sums_mean(&sums), w.rtt_mean);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sample),
	    cmocka_unit_test(test_worked_out),
	    cmocka_unit_test(test_empty_and_local),
	    cmocka_unit_test(test_all_lost),
	    cmocka_unit_test(test_one),
	    cmocka_unit_test(test_borders),
	    cmocka_unit_test(test_greatest),
	    cmocka_unit_test(test_deviation_beside_a_half),
	    cmocka_unit_test(test_disorder_is_harmless),
	    cmocka_unit_test(test_classes),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
