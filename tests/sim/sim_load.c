/*
 * More than there is room or time for: bounded concurrency, probes that take
 * longer than their interval, loops that stand still; and what a round costs.
 */
#include "build.h"

#include <stdlib.h>

#include "clock.h"
#include "world.h"

#define T0     (5000 * CLOCK_SEC)
#define MINUTE (60 * CLOCK_SEC)
#define HOUR   (3600 * CLOCK_SEC)

static void
add_streams(struct inventory *inv, unsigned n, uint64_t interval)
{
	for (unsigned i = 0; i < n; i++)
		fleet_add(inv, &(struct fleet_spec){.number = i,
				   .probe = "tcp",
				   .transport = TRANSPORT_TCP,
				   .interval = interval,
				   .timeout = 3 * CLOCK_SEC});
}

static struct world *
world_of_streams(
    unsigned n, unsigned concurrent, uint64_t interval, struct script script)
{
	struct world *w;
	struct inventory inv = {0};

	world_concurrent(concurrent);
	w = world_new(T0, n);
	for (unsigned i = 0; i < n; i++)
		w->peer[i].script = script;
	add_streams(&inv, n, interval);
	world_adopt(w, &inv);
	return w;
}

static uint64_t
all_starts(const struct world *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->peers; i++)
		n += w->peer[i].starts;
	return n;
}

/* ---- concurrency ---- */

/* Enough places over time, though not at every moment: nobody is left out. */
static void
test_bound(void **state)
{
	/* 50 starts a second that take 300 ms: 15 of 16 places */
	struct world *w = world_of_streams(500, 16, 10 * CLOCK_SEC,
	    (struct script){.setup = 200 * CLOCK_MS, .delay = 100 * CLOCK_MS});

	world_run_for(w, HOUR / 4);
	assert_int_equal(w->active_most, 16);
	assert_int_equal(world_missed(w), 0);
	for (unsigned i = 0; i < 500; i++)
		assert_in_range(w->peer[i].starts, 89, 92);
	sched_stop(w->sched);
	assert_int_equal(w->active, 0);
	world_free(w);
}

/* Half of what is due has no place: counted, and the load is shared. */
static void
test_overload(void **state)
{
	/* 50 starts a second that take 640 ms: 25 a second of 16 places */
	struct world *w = world_of_streams(500, 16, 10 * CLOCK_SEC,
	    (struct script){.setup = 600 * CLOCK_MS, .delay = 40 * CLOCK_MS});
	struct sched_counts c;
	uint64_t starts, missed, due;

	world_run_for(w, MINUTE);
	starts = all_starts(w);
	missed = world_missed(w);
	world_run_for(w, HOUR / 4);
	c = world_counts(w);
	assert_int_equal(w->active_most, 16);
	assert_int_equal(c.missed[MISSED_CONCURRENCY], world_missed(w));
	starts = all_starts(w) - starts;
	missed = world_missed(w) - missed;
	due = 500 * 90;
	/* What was due was started or counted; at most one each waits. */
	assert_in_range(starts + missed, due - 500, due + 500);
	assert_in_range(starts, due / 2 - 100, due / 2 + 100);
	for (unsigned i = 0; i < 500; i++)
		assert_in_range(w->peer[i].starts, 46, 52);
	world_free(w);
}

static uint64_t last_due, late_starts;

/* First come, first served: starts are in the order of the due times. */
static void
check_fifo(struct world *w, struct peer *p, unsigned number)
{
	const struct target *t = w->target[number];
	uint64_t phase =
	    (uint64_t)(((unsigned __int128)t->phase * t->interval_ns) >> 32);
	uint64_t due = w->now - (w->now - phase) % t->interval_ns;

	(void)p;
	/* Within one tick they may come in any order. */
	if (due + 100 * CLOCK_MS < last_due)
		late_starts++;
	last_due = due;
}

static void
test_fifo(void **state)
{
	struct world *w = world_of_streams(300, 4, 60 * CLOCK_SEC,
	    (struct script){.setup = 500 * CLOCK_MS, .delay = CLOCK_MS});

	world_run_for(w, 3 * MINUTE);
	last_due = late_starts = 0;
	w->started = check_fifo;
	world_run_for(w, 10 * MINUTE);
	assert_int_equal(late_starts, 0);
	assert_true(last_due > 0);
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* Those that run go away in a reload: those that wait get their places. */
static void
test_queue_after_reload(void **state)
{
	struct world *w = world_of_streams(40, 2, 30 * CLOCK_SEC,
	    (struct script){.setup = 1, .never_ready = true});
	struct inventory inv = {0};
	unsigned n = 0;

	world_run_for(w, 10 * CLOCK_SEC);
	assert_int_equal(w->active, 2);
	for (unsigned i = 0; i < 40; i++) {
		w->peer[i].script = (struct script){.delay = CLOCK_MS};
		/* all that wait */
		if (!w->peer[i].open && w->peer[i].starts == 0) {
			fleet_add(&inv, &(struct fleet_spec){.number = i,
					    .probe = "tcp",
					    .transport = TRANSPORT_TCP,
					    .interval = 30 * CLOCK_SEC,
					    .timeout = 3 * CLOCK_SEC});
			n++;
		}
	}
	assert_true(n > 20);
	world_adopt(w, &inv);
	world_run_for(w, CLOCK_SEC);
	for (unsigned i = 0; i < 40; i++)
		assert_true(w->target[i] == NULL || w->peer[i].starts == 1);
	world_run_for(w, 5 * MINUTE);
	for (unsigned i = 0; i < 40; i++)
		assert_true(w->target[i] == NULL || w->peer[i].starts >= 10);
	world_free(w);
}

/* Everything that waits fails at once: no recursion, nobody forgotten. */
static void
test_queue_of_failures(void **state)
{
	struct world *w = world_of_streams(
	    2000, 1, 600 * CLOCK_SEC, (struct script){.in_start = SYNC_FAIL});

	w->peer[0].script = (struct script){.setup = 1, .never_ready = true};
	world_run_for(w, 610 * CLOCK_SEC);
	for (unsigned i = 0; i < 2000; i++)
		assert_in_range(w->peer[i].starts, 1, 2);
	assert_int_equal(w->active_most, 1);
	assert_int_equal(world_counts(w).first_pending, 0);
	world_free(w);
}

/* ---- longer than the interval ---- */

static void
test_overrun(void **state)
{
	/*
	 * Setting up and answering take 4.6 s together, the interval is 4 s:
	 * three start late, the next is too late by then.
	 */
	struct world *w = world_of_streams(50, 0, 4 * CLOCK_SEC,
	    (struct script){
		.setup = 2300 * CLOCK_MS, .delay = 2300 * CLOCK_MS});
	struct sched_counts c;

	world_run_for(w, HOUR);
	c = world_counts(w);
	assert_int_equal(c.missed[MISSED_OVERRUN], world_missed(w));
	/* 900 were due; each was started or counted. */
	assert_in_range(
	    all_starts(w) + c.missed[MISSED_OVERRUN], 50 * 899, 50 * 902);
	/* Four of five. */
	for (unsigned i = 0; i < 50; i++)
		assert_in_range(w->peer[i].starts, 719, 722);
	world_free(w);
}

static const struct tight {
	uint64_t interval;
	unsigned count;
} tight[] = {
    {CLOCK_SEC, 5},
    {CLOCK_SEC, 1},
    {3 * CLOCK_SEC, 5},
    {500 * CLOCK_MS, 5},
    {200 * CLOCK_MS, 1},
    {1100 * CLOCK_MS, 3},
};

static void
run_tight(const struct tight *t)
{
	uint64_t sending = (t->count - 1) * 20 * CLOCK_MS;
	/* The first starts are the regular ones, too. */
	struct world *w = world_new(33000 * CLOCK_SEC, 20);
	struct fleet_spec f = {.interval = t->interval,
	    .timeout = t->interval - sending,
	    .count = t->count};
	struct inventory inv = {0};
	uint64_t rounds = HOUR / 4 / t->interval;

	w->settings.rate = 1;
	w->late_most = 5 * CLOCK_MS;
	for (f.number = 0; f.number < 20; f.number++) {
		w->peer[f.number].script.loss = 100;
		fleet_add(&inv, &f);
	}
	world_adopt(w, &inv);
	world_run_for(w, HOUR / 4);
	assert_int_equal(world_missed(w), 0);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t starts = w->peer[i].starts;

		assert_in_range(starts, rounds - 1, rounds + 2);
		assert_in_range(world_ended(w, i, OUTCOME_TIMEOUT),
		    (starts - 1) * t->count, starts * t->count);
	}
	world_free(w);
}

/*
 * The time-out leaves no room before the next probe, as it is where nothing
 * else is configured and the interval is short; and nothing ever answers.
 */
static void
test_no_false_overrun(void **state)
{
	for (unsigned k = 0; k < sizeof(tight) / sizeof(tight[0]); k++)
		run_tight(&tight[k]);
}

/* ---- the loop stands still ---- */

static void
test_stall(void **state)
{
	struct world *w = world_new(T0, 1000);
	struct inventory inv = {0};
	struct sched_counts c;
	uint64_t starts;

	for (unsigned i = 0; i < 1000; i++) {
		w->peer[i].script.delay = 30 * CLOCK_MS;
		fleet_add(&inv, &(struct fleet_spec){.number = i});
	}
	world_adopt(w, &inv);
	world_run_for(w, MINUTE);
	assert_int_equal(world_missed(w), 0);
	starts = all_starts(w);
	w->busiest = w->slot_starts = 0;
	world_stall(w, 35 * CLOCK_SEC);
	world_run_for(w, 65 * CLOCK_SEC);
	c = world_counts(w);
	/* 100 s of 100 a second: each was started or counted. */
	starts = all_starts(w) - starts;
	assert_in_range(starts + world_missed(w), 9990, 10010);
	/* Those that were under way did not take too long: we did. */
	assert_int_equal(c.missed[MISSED_OVERRUN], 0);
	assert_int_equal(c.missed[MISSED_STALL], world_missed(w));
	/* of 35 s, but for what is made up for */
	assert_in_range(c.missed[MISSED_STALL], 3300, 3450);
	/* That is of the last second, not everybody at once. */
	assert_in_range(w->busiest, 50, 160);
	world_free(w);
}

/* Short ones are made up for. */
static void
test_hiccups(void **state)
{
	struct world *w = world_new(T0, 1000);
	struct inventory inv = {0};
	uint64_t starts;

	for (unsigned i = 0; i < 1000; i++) {
		w->peer[i].script.delay = 30 * CLOCK_MS;
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .interval = CLOCK_SEC,
				    .timeout = CLOCK_SEC / 2});
	}
	world_adopt(w, &inv);
	world_run_for(w, 5 * CLOCK_SEC);
	starts = all_starts(w);
	for (unsigned i = 0; i < 60; i++) {
		world_stall(w, 400 * CLOCK_MS);
		world_run_for(w, 600 * CLOCK_MS);
	}
	assert_int_equal(world_missed(w), 0);
	assert_in_range(all_starts(w) - starts, 59900, 60100);
	world_free(w);
}

/* How late the timer fires is in the histogram. */
static void
test_lag(void **state)
{
	struct world *w = world_new(T0, 10);
	struct inventory inv = {0};
	struct sched_counts c;

	w->late_least = 7 * CLOCK_MS;
	for (unsigned i = 0; i < 10; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i});
	world_adopt(w, &inv);
	world_run_for(w, 10 * MINUTE);
	c = world_counts(w);
	assert_true(c.lag.count > 600 && c.lag.count <= c.wakeups);
	assert_int_equal(c.lag.bucket[stats_bucket(7 * CLOCK_MS)], c.lag.count);
	assert_in_range(
	    c.lag.sum / c.lag.count, 7 * CLOCK_MS, 7 * CLOCK_MS + 100000);
	assert_in_range(c.beat, w->now - 11 * CLOCK_SEC, w->now);
	world_free(w);
}

/* ---- what a round costs ---- */

static uint64_t allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *
__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	allocations++;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

static void
test_no_allocations(void **state)
{
	struct world *w;
	struct inventory inv = {0};

	world_concurrent(8);
	w = world_new(T0, 400);
	for (unsigned i = 0; i < 400; i++)
		w->peer[i].script = (struct script){.delay = 30 * CLOCK_MS,
		    .jitter = CLOCK_SEC,
		    .loss = i % 3 == 0 ? 40 : 0,
		    .setup = 10 * CLOCK_MS,
		    .twice = 10,
		    .refuse = i % 10 == 0 ? OUTCOME_REFUSED : 0};
	for (unsigned i = 0; i < 400; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .count = i % 2 == 0 ? 5 : 1,
				    .probe = i % 2 == 0 ? "stun" : "tcp",
				    .transport = i % 2 == 0 ? TRANSPORT_UDP
							    : TRANSPORT_TCP});
	world_adopt(w, &inv);
	assert_true(allocations > 400);
	/* The world's own heaps grow until they are large enough. */
	world_run_for(w, 5 * MINUTE);
	allocations = 0;
	world_run_for(w, HOUR);
	assert_int_equal(allocations, 0);
	assert_true(world_missed(w) > 0);
	world_free(w);
}

static int
tear_down(void **state)
{
	world_concurrent(0);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_bound, tear_down),
	    cmocka_unit_test_teardown(test_overload, tear_down),
	    cmocka_unit_test_teardown(test_fifo, tear_down),
	    cmocka_unit_test_teardown(test_queue_after_reload, tear_down),
	    cmocka_unit_test_teardown(test_queue_of_failures, tear_down),
	    cmocka_unit_test_teardown(test_overrun, tear_down),
	    cmocka_unit_test_teardown(test_no_false_overrun, tear_down),
	    cmocka_unit_test_teardown(test_stall, tear_down),
	    cmocka_unit_test_teardown(test_hiccups, tear_down),
	    cmocka_unit_test_teardown(test_lag, tear_down),
	    cmocka_unit_test_teardown(test_no_allocations, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
