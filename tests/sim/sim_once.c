/*
 * Probes out of no schedule: they end by their deadline whatever the peer
 * does, wait for a place as all others do, and nobody else notices them.
 */
#include "build.h"

#include "clock.h"
#include "once.h"
#include "run.h"
#include "world.h"

#define T0 (5000 * CLOCK_SEC)

static struct once_result
result(const struct once *o)
{
	struct once_result r;

	once_read(o, &r);
	return r;
}

static void
adopt(struct world *w, unsigned n, bool stream)
{
	struct inventory inv = {0};

	for (unsigned i = 0; i < n; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .probe = stream ? "tcp" : NULL,
				    .transport = stream ? TRANSPORT_TCP : 0});
	world_adopt(w, &inv);
}

/* Read within a tick of its coming, though all others wait for the fifth. */
static void
test_answered(void **state)
{
	struct world *w = world_new(T0, 2);
	struct once *o;

	w->peer[1].script = (struct script){.delay = 30 * CLOCK_MS};
	o = world_once(w, 1, false, 2 * CLOCK_SEC);
	assert_int_equal(w->peer[1].starts, 1);
	assert_int_equal(world_counts(w).in_flight, 1);
	world_run_for(w, 29 * CLOCK_MS);
	assert_int_equal(w->dones, 0);
	world_run_for(w, 31 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	assert_ptr_equal(w->done[0], o);
	assert_int_equal(world_counts(w).in_flight, 0);
	assert_int_equal(w->peer[1].stops, 1);
	assert_true(o->begun);
	assert_int_equal(result(o).outcome, OUTCOME_ANSWERED);
	assert_int_equal(result(o).rtt_ns, 30 * CLOCK_MS);
	assert_int_equal(result(o).took_ns, 30 * CLOCK_MS);
	/* It is of no target, and it wakes nobody any more. */
	assert_int_equal(sched_next(w->sched), UINT64_MAX);
	world_free(w);
}

static void
test_silent(void **state)
{
	struct world *w = world_new(T0, 3);
	const struct once *o;

	w->peer[0].script.loss = 100;
	w->peer[1].script = (struct script){.never_ready = true, .setup = 1};
	w->peer[2].script =
	    (struct script){.refuse = OUTCOME_REFUSED, .delay = CLOCK_MS};
	world_once(w, 0, false, 300 * CLOCK_MS);
	world_once(w, 1, true, 500 * CLOCK_MS);
	world_once(w, 2, true, 700 * CLOCK_MS);
	world_run_for(w, 40 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	assert_int_equal(result(w->done[0]).outcome, OUTCOME_REFUSED);
	world_run_for(w, 240 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	world_run_for(w, 60 * CLOCK_MS);
	assert_int_equal(w->dones, 2);
	o = w->done[1];
	assert_int_equal(result(o).outcome, OUTCOME_TIMEOUT);
	assert_int_equal(result(o).rtt_ns, 0);
	assert_in_range(result(o).took_ns, 300 * CLOCK_MS, 320 * CLOCK_MS);
	world_run_for(w, 200 * CLOCK_MS);
	assert_int_equal(w->dones, 3);
	assert_int_equal(result(w->done[2]).outcome, OUTCOME_TIMEOUT);
	assert_int_equal(w->peer[1].stops, 1);
	world_free(w);
}

/* Set up late, a request has what is left of the time. */
static void
test_deadline(void **state)
{
	struct world *w = world_new(T0, 1);

	w->peer[0].script =
	    (struct script){.setup = 400 * CLOCK_MS, .delay = CLOCK_SEC};
	world_once(w, 0, true, 500 * CLOCK_MS);
	world_run_for(w, 540 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	assert_int_equal(result(w->done[0]).outcome, OUTCOME_TIMEOUT);
	world_free(w);
}

/* A place that does not become free is told apart from a failure. */
static void
test_no_place(void **state)
{
	struct world *w;

	world_concurrent(1);
	w = world_new(T0, 3);
	for (unsigned i = 0; i < 3; i++)
		w->peer[i].script =
		    (struct script){.never_ready = true, .setup = 1};
	world_once(w, 0, true, 400 * CLOCK_MS);
	world_once(w, 1, true, 200 * CLOCK_MS);
	world_once(w, 2, true, 600 * CLOCK_MS);
	assert_int_equal(w->active_most, 1);
	world_run_for(w, 240 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	assert_false(w->done[0]->begun);
	assert_int_equal(w->peer[1].starts, 0);
	world_run_for(w, 200 * CLOCK_MS);
	/* The first has made room for the third, which has its turn. */
	assert_int_equal(w->dones, 2);
	assert_true(w->done[1]->begun);
	assert_int_equal(w->peer[2].starts, 1);
	world_run_for(w, 200 * CLOCK_MS);
	assert_int_equal(w->dones, 3);
	assert_int_equal(result(w->done[2]).outcome, OUTCOME_TIMEOUT);
	assert_int_equal(w->active_most, 1);
	world_concurrent(64);
	world_free(w);
}

static int64_t
samples_of(struct world *w, unsigned peers)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < peers; i++)
		sum += (int64_t)world_tally(w, i, TALLY_REQUESTS) * 1000 +
		       (int64_t)world_tally(w, i, TALLY_RTT_SUM);
	return sum;
}

/* Targets with the same clock, with and without such probes between. */
static int64_t
minute(bool with, uint64_t *missed)
{
	enum { TARGETS = 50 };
	struct world *w = world_new(T0, TARGETS + 20);
	int64_t sum;

	w->cost = 0;
	for (unsigned i = 0; i < TARGETS + 20; i++)
		w->peer[i].script = (struct script){.delay = 5 * CLOCK_MS};
	adopt(w, TARGETS, false);
	for (unsigned i = 0; i < 60; i++) {
		if (with)
			world_once(w, TARGETS + i % 20, false, CLOCK_SEC / 2);
		world_run_for(w, CLOCK_SEC);
	}
	sum = samples_of(w, TARGETS);
	*missed = world_missed(w);
	assert_int_equal(w->dones, with ? 60 : 0);
	assert_int_equal(w->note[EVENT_TARGET_UP], TARGETS);
	world_free(w);
	return sum;
}

static void
test_unnoticed(void **state)
{
	uint64_t missed, without;

	assert_int_equal(minute(true, &missed), minute(false, &without));
	assert_int_equal(missed, 0);
	assert_int_equal(without, 0);
}

/* Another list of targets, and then the end, find some under way. */
static void
test_reload_and_end(void **state)
{
	struct world *w = world_new(T0, 4);
	struct once_result r;

	for (unsigned i = 0; i < 4; i++)
		w->peer[i].script = (struct script){.delay = 200 * CLOCK_MS};
	w->peer[3].script.loss = 100;
	adopt(w, 2, false);
	world_run_for(w, 15 * CLOCK_SEC);
	world_once(w, 2, false, CLOCK_SEC);
	adopt(w, 1, false);
	world_run_for(w, 240 * CLOCK_MS);
	assert_int_equal(w->dones, 1);
	assert_int_equal(result(w->done[0]).outcome, OUTCOME_ANSWERED);
	world_once(w, 3, false, CLOCK_SEC);
	sched_stop(w->sched);
	assert_int_equal(w->dones, 2);
	r = result(w->done[1]);
	assert_int_equal(r.outcome, OUTCOME_NONE);
	assert_int_equal(w->peer[3].starts, 1);
	assert_int_equal(w->peer[3].stops, 1);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_no_place),
	    cmocka_unit_test(test_unnoticed),
	    cmocka_unit_test(test_reload_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
