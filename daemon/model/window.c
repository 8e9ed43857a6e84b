/*
 * Rolling windows: one pass for sums, then the percentiles. All integers:
 * sums of up to 2^23 round-trip times of 40 bits fit 64 bits, and the terms
 * of the variance fit 128, so that nothing is rounded but the result.
 */
#include "build.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "mos.h"
#include "quantile.h"
#include "stats.h"
#include "window.h"

enum { SAMPLES_MOST = 1 << 23, RTT_SHIFT = 24, OUTCOME_SHIFT = 16 };

/*
 * outcome_class() as a table, for it is asked for each sample. Numbers that
 * are not in the list have 0 and count as lost.
 */
static const uint8_t classes[256] = {
#define OUTCOME(name, number, label, class, wall, meaning) \
	[number] = OUTCOME_CLASS_##class,
#include "outcomes.def"
};

/* What one pass over the samples finds. */
struct pass {
	uint64_t requests, answers;
	uint64_t sum, min, max;
	unsigned __int128 squares;
	uint64_t steps, step_sum; /* between neighbours that were answered */
	uint64_t run, longest;	  /* of lost ones */
	uint64_t previous;
	bool joined; /* the request before was answered, with `previous` */
};

struct sample
sample_make(
    uint64_t sent_ns, uint64_t rtt_ns, enum outcome outcome, unsigned flags)
{
	uint64_t rtt = rtt_ns < SAMPLE_RTT_MAX ? rtt_ns : SAMPLE_RTT_MAX;

	return (struct sample){sent_ns,
	    rtt << RTT_SHIFT | (uint64_t)(outcome & 0xff) << OUTCOME_SHIFT |
		(uint64_t)(flags & 0xff) << 8};
}

uint64_t
sample_rtt(const struct sample *s)
{
	return s->rest >> RTT_SHIFT;
}

enum outcome
sample_outcome(const struct sample *s)
{
	return (enum outcome)(s->rest >> OUTCOME_SHIFT & 0xff);
}

unsigned
sample_flags(const struct sample *s)
{
	return s->rest >> 8 & 0xff;
}

static unsigned
class_of(const struct sample *s)
{
	return classes[s->rest >> OUTCOME_SHIFT & 0xff];
}

/* The index of the first sample sent after t. */
static size_t
first_after(const struct sample *s, size_t n, uint64_t t)
{
	size_t begin = 0;

	while (begin < n) {
		size_t middle = begin + (n - begin) / 2;

		if (s[middle].sent_ns > t)
			n = middle;
		else
			begin = middle + 1;
	}
	return begin;
}

static inline void
pass_answer(struct pass *p, uint64_t rtt)
{
	uint64_t before = p->joined ? p->previous : rtt;

	p->steps += p->joined;
	p->step_sum += rtt > before ? rtt - before : before - rtt;
	p->previous = rtt;
	p->joined = true;
	p->run = 0;
	p->answers++;
	p->sum += rtt;
	p->squares += (unsigned __int128)rtt * rtt;
	p->min = rtt < p->min ? rtt : p->min;
	p->max = rtt > p->max ? rtt : p->max;
}

/* Round-trip times go to rtt[], which has room for n. */
static void
pass_over(struct pass *pass, const struct sample *s, size_t n, uint64_t *rtt)
{
	struct pass p = {.min = UINT64_MAX};

	for (size_t i = 0; i < n; i++) {
		unsigned class = class_of(&s[i]);

		if (class == OUTCOME_CLASS_ANSWER) {
			rtt[p.answers] = sample_rtt(&s[i]);
			pass_answer(&p, rtt[p.answers]);
		} else if (class != OUTCOME_CLASS_LOCAL) {
			p.requests++;
			p.run++;
			p.joined = false;
			p.longest = p.run > p.longest ? p.run : p.longest;
		}
	}
	p.requests += p.answers;
	*pass = p;
}

static uint64_t
divide_rounded(uint64_t a, uint64_t b)
{
	return (a + b / 2) / b;
}

/*
 * sqrt(squares / n - (sum / n)^2), rounded to the nearest integer r: the
 * greatest for which (2 r - 1) n <= 2 sqrt(n squares - sum^2). A floating
 * root finds where to begin, for it may be on the wrong side of a half.
 */
static uint64_t
deviation(const struct pass *p)
{
	typedef unsigned __int128 wide;
	wide n = p->answers;
	wide v = n * p->squares - (wide)p->sum * p->sum;
	uint64_t r = (uint64_t)(sqrt((double)v) / (double)p->answers);

	r -= r > 0;
	while ((wide)(2 * r + 1) * n * ((2 * r + 1) * n) <= 4 * v)
		r++;
	return r;
}

static void
set_times(struct window *w, const struct pass *p, uint64_t *rtt)
{
	static const unsigned ranks[] = {500, 950, 990};
	uint64_t at[3];

	quantile_select(rtt, p->answers, ranks, 3, at);
	w->rtt_min = p->min;
	w->rtt_mean = divide_rounded(p->sum, p->answers);
	w->rtt_max = p->max;
	w->rtt_stddev = deviation(p);
	w->rtt_p50 = at[0];
	w->rtt_p95 = at[1];
	w->rtt_p99 = at[2];
	if (p->steps > 0)
		w->jitter = divide_rounded(p->step_sum, p->steps);
}

static uint64_t
loss_of(uint64_t requests, uint64_t answers)
{
	if (requests == 0)
		return STATS_NONE;
	return divide_rounded((requests - answers) * 1000000, requests);
}

static uint64_t
mean_opinion(const struct window *w)
{
	if (w->requests == 0)
		return STATS_NONE;
	if (w->answers == 0)
		return mos_estimate(0, 0, w->loss_ppm);
	return mos_estimate(
	    w->rtt_mean, w->jitter == STATS_NONE ? 0 : w->jitter, w->loss_ppm);
}

void
window_compute(struct window *out, const struct sample *s, size_t n,
    struct window_span span, uint64_t *scratch)
{
	size_t begin = 0, count;
	struct pass p;

	assert(n <= SAMPLES_MOST);
	/* without an underflow just after boot */
	if (span.length <= span.now)
		begin = first_after(s, n, span.now - span.length);
	count = first_after(s + begin, n - begin, span.now);
	pass_over(&p, s + begin, count, scratch);
	memset(out, 0xff, sizeof(*out)); /* STATS_NONE */
	out->requests = p.requests;
	out->answers = p.answers;
	out->burst = p.longest;
	out->loss_ppm = loss_of(p.requests, p.answers);
	if (p.answers > 0)
		set_times(out, &p, scratch);
	out->mos = mean_opinion(out);
}

void
window_sums_add(struct window_sums *w, const struct sample *s)
{
	unsigned class = class_of(s);

	w->requests += class != OUTCOME_CLASS_LOCAL;
	if (class == OUTCOME_CLASS_ANSWER) {
		w->answers++;
		w->rtt_sum += sample_rtt(s);
	}
}

void
window_sums_remove(struct window_sums *w, const struct sample *s)
{
	unsigned class = class_of(s);

	w->requests -= class != OUTCOME_CLASS_LOCAL;
	if (class == OUTCOME_CLASS_ANSWER) {
		w->answers--;
		w->rtt_sum -= sample_rtt(s);
	}
}

uint64_t
window_sums_loss(const struct window_sums *w)
{
	return loss_of(w->requests, w->answers);
}

uint64_t
window_sums_mean(const struct window_sums *w)
{
	if (w->answers == 0)
		return STATS_NONE;
	return divide_rounded(w->rtt_sum, w->answers);
}
