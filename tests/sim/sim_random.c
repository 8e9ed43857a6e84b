/*
 * Anything at any time: targets come, go and change, loops stall, clocks are
 * set, peers misbehave. What the fake peers know must be what was counted.
 */
#include "build.h"

#include <errno.h>

#include "clock.h"
#include "world.h"

enum { TARGETS = 40, CASES = 60, STEPS = 60 };

/* What stays the same of a target throughout a case. */
struct fixed {
	bool stream;
	uint64_t timeout;
};

struct scene {
	struct world *w;
	struct dice dice;
	struct fixed fixed[TARGETS];
	bool present[TARGETS];
	unsigned count[TARGETS];
	uint64_t forgotten[TARGETS]; /* requests that went with a reload */
	bool unlinked[TARGETS];	     /* its link was down at some time */
};

/* Answers come well before the time-out or after it. */
static void
make_script(struct scene *s, unsigned n)
{
	struct script *c = &s->w->peer[n].script;
	struct dice *d = &s->dice;
	uint64_t timeout = s->fixed[n].timeout;

	*c = (struct script){
	    .delay = dice_below(d, timeout / 2),
	    .jitter = dice_below(d, timeout / 4),
	    .loss = dice_chance(d, 50) ? (unsigned)dice_below(d, 101) : 0,
	    .twice = dice_chance(d, 30) ? 30 : 0,
	};
	if (dice_chance(d, 15))
		c->delay += timeout + 1;
	if (s->fixed[n].stream)
		c->setup = 1 + dice_below(d, timeout / 2);
	switch (dice_below(d, 12)) {
	case 0:
		c->refuse = OUTCOME_REFUSED;
		break;
	case 1:
		c->start_error = -ENETUNREACH;
		break;
	case 2:
		c->in_start = SYNC_FAIL;
		break;
	case 3:
		c->in_request = (uint8_t)(1 + dice_below(d, 3));
		break;
	case 4:
		c->never_ready = true;
		break;
	default:
		break;
	}
}

/* The targets that are here, at random intervals or at this one. */
static void
adopt(struct scene *s, uint64_t interval)
{
	static const uint64_t intervals[] = {300 * CLOCK_MS, CLOCK_SEC,
	    2500 * CLOCK_MS, 10 * CLOCK_SEC, 40 * CLOCK_SEC};
	struct inventory inv = {0};

	for (unsigned i = 0; i < TARGETS; i++) {
		const struct fixed *f = &s->fixed[i];
		struct fleet_spec spec = {.number = i,
		    .probe = f->stream ? "tcp" : "stun",
		    .transport = f->stream ? TRANSPORT_TCP : TRANSPORT_UDP,
		    .interval = interval,
		    .timeout = f->timeout,
		    .count = s->count[i],
		    .ring = 1 + dice_below(&s->dice, 900 * CLOCK_SEC)};

		if (interval == 0)
			spec.interval = intervals[dice_below(&s->dice, 5)];
		if (s->present[i])
			fleet_add(&inv, &spec);
	}
	world_adopt(s->w, &inv);
}

static void
reload(struct scene *s, unsigned percent)
{
	for (unsigned i = 0; i < TARGETS; i++) {
		bool here = dice_chance(&s->dice, percent);

		/* Another count is another run: what is under way ends. */
		if (dice_chance(&s->dice, 10)) {
			s->forgotten[i] += s->count[i];
			s->count[i] = 1 + (unsigned)dice_below(&s->dice, 5);
		}
		/* A new row: whatever was before is forgotten. */
		if (here && !s->present[i]) {
			s->w->peer[i].in_time = s->w->peer[i].late = 0;
			s->w->peer[i].requests = s->forgotten[i] = 0;
		}
		s->present[i] = here;
	}
	adopt(s, 0);
}

static void
act(struct scene *s)
{
	struct world *w = s->w;
	struct dice *d = &s->dice;
	unsigned n = (unsigned)dice_below(d, TARGETS);

	switch (dice_below(d, 10)) {
	case 0:
		reload(s, 80);
		break;
	case 1:
		sched_trigger(w->sched, TRIGGER_NETWORK, 0);
		break;
	case 2:
		if (s->present[n])
			assert_int_equal(
			    sched_trigger(
				w->sched, TRIGGER_REQUEST, w->target[n]->index),
			    0);
		break;
	case 3:
		world_stall(w, dice_below(d, 6 * CLOCK_SEC));
		break;
	case 4:
		world_step(w, (int64_t)dice_below(d, 52 * 3600 * CLOCK_SEC) -
				  26 * 3600 * (int64_t)CLOCK_SEC);
		break;
	case 5:
	case 6:
		make_script(s, n);
		break;
	case 7:
		if (s->present[n])
			row_set_link(w->row[n], s->unlinked[n], w->now);
		s->unlinked[n] = true;
		break;
	default:
		break;
	}
	world_run_for(w, dice_below(d, 8 * CLOCK_SEC));
}

static void
expect_samples(struct scene *s, unsigned n)
{
	static struct sample sample[1 << 14];
	uint64_t last = 0, lasts = 0;
	size_t count = row_read_samples(s->w->row[n], 0, sample, 1 << 14);

	for (size_t i = 0; i < count; i++) {
		DICE_EQUAL(&s->dice, sample[i].sent_ns >= last, true);
		last = sample[i].sent_ns;
		lasts += (sample_flags(&sample[i]) & SAMPLE_LAST) != 0;
	}
	/* All that there ever were, unless the ring was too small. */
	if (count == row_appended(s->w->row[n]))
		DICE_EQUAL(&s->dice, lasts, world_tally(s->w, n, TALLY_PROBES));
}

/* The same, but for what went with a probe that a reload ended. */
static void
expect_near(struct scene *s, unsigned n, uint64_t counted, uint64_t known)
{
	if (s->forgotten[n] == 0)
		DICE_EQUAL(&s->dice, counted, known);
	DICE_EQUAL(&s->dice, counted <= known, true);
	DICE_EQUAL(&s->dice, counted + s->forgotten[n] >= known, true);
}

static void
expect_target(struct scene *s, unsigned n)
{
	struct world *w = s->w;
	const struct peer *p = &w->peer[n];
	uint64_t ended = 0, answered, requests, lost, local;

	for (unsigned o = 1; o < OUTCOME_END; o++)
		ended += world_ended(w, n, o);
	answered = world_ended(w, n, OUTCOME_ANSWERED);
	requests = world_tally(w, n, TALLY_REQUESTS);
	lost = world_tally(w, n, TALLY_LOST);
	local = world_tally(w, n, TALLY_LOCAL);
	expect_near(s, n, answered, p->in_time);
	/* What was lost by our own link is not waited for. */
	if (!s->unlinked[n])
		expect_near(s, n, world_tally(w, n, TALLY_LATE), p->late);
	DICE_EQUAL(&s->dice, requests - lost, answered);
	DICE_EQUAL(&s->dice, ended, requests + local);
	DICE_EQUAL(&s->dice, row_appended(w->row[n]), ended);
	/* A probe that was never ready has a sample without a request. */
	DICE_EQUAL(&s->dice, p->requests <= ended + s->forgotten[n], true);
	expect_samples(s, n);
}

/* Nobody is forgotten: each is probed, whatever was done before. */
static void
expect_life(struct scene *s)
{
	for (unsigned i = 0; i < TARGETS; i++)
		s->w->peer[i].starts = 0;
	world_run_for(s->w, 370 * CLOCK_SEC);
	for (unsigned i = 0; i < TARGETS; i++)
		if (s->present[i])
			DICE_EQUAL(&s->dice, s->w->peer[i].starts >= 2, true);
}

static void
play_case(uint64_t number)
{
	struct scene s = {.dice = dice_case(number)};

	world_concurrent((unsigned)dice_below(&s.dice, 8));
	s.w = world_new(
	    (1 + dice_below(&s.dice, 1 << 20)) * CLOCK_SEC + number, TARGETS);
	s.w->late_most = dice_below(&s.dice, 30 * CLOCK_MS);
	s.w->settings.rate = 1 + dice_below(&s.dice, 200);
	s.w->settings.short_ns = (1 + dice_below(&s.dice, 100)) * CLOCK_SEC;
	for (unsigned i = 0; i < TARGETS; i++) {
		s.fixed[i].stream = dice_chance(&s.dice, 50);
		s.fixed[i].timeout =
		    100 * CLOCK_MS + dice_below(&s.dice, 3 * CLOCK_SEC);
		s.count[i] = 1 + (unsigned)dice_below(&s.dice, 5);
		make_script(&s, i);
	}
	reload(&s, 100);
	for (unsigned i = 0; i < STEPS; i++)
		act(&s);
	/* Long intervals, so that there are moments of rest. */
	adopt(&s, 120 * CLOCK_SEC);
	for (unsigned i = 0; i < TARGETS; i++) {
		while (s.present[i] && !world_idle(s.w, i))
			world_run_for(s.w, 50 * CLOCK_MS);
		if (s.present[i])
			expect_target(&s, i);
	}
	expect_life(&s);
	sched_stop(s.w->sched);
	DICE_EQUAL(&s.dice, world_counts(s.w).in_flight, 0);
	DICE_EQUAL(&s.dice, world_counts(s.w).first_pending, 0);
	DICE_EQUAL(&s.dice, s.w->active, 0);
	world_free(s.w);
}

static void
test_anything(void **state)
{
	for (uint64_t i = 0; i < CASES; i++)
		play_case(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
