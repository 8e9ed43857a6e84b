/*
 * When targets are probed: once per interval, each at its own time, whatever
 * is done to the clocks, and out of turn when somebody wants it.
 */
#include "build.h"

#include <errno.h>

#include "clock.h"
#include "world.h"

#define T0     (5000 * CLOCK_SEC)
#define GRAIN  (100 * CLOCK_MS)
#define MINUTE (60 * CLOCK_SEC)
#define HOUR   (3600 * CLOCK_SEC)

static void
add_many(struct inventory *inv, unsigned n, uint64_t interval, unsigned count)
{
	for (unsigned i = 0; i < n; i++)
		fleet_add(inv,
		    &(struct fleet_spec){.number = i,
			.interval = interval,
			.timeout = interval < 4 * CLOCK_SEC ? interval / 2 : 0,
			.count = count});
}

static void
set_delay(struct world *w, uint64_t delay, uint64_t jitter, unsigned loss)
{
	for (size_t i = 0; i < w->peers; i++)
		w->peer[i].script = (struct script){
		    .delay = delay, .jitter = jitter, .loss = loss};
}

/* ---- once per interval ---- */

static const uint64_t intervals[] = {100 * CLOCK_MS, 250 * CLOCK_MS,
    999 * CLOCK_MS, CLOCK_SEC, 1001 * CLOCK_MS, 7 * CLOCK_SEC, 10 * CLOCK_SEC,
    33 * CLOCK_SEC, MINUTE, 600 * CLOCK_SEC, HOUR};

enum { INTERVALS = sizeof(intervals) / sizeof(intervals[0]), EACH = 20 };

static void
expect_regular(struct world *w, unsigned n, uint64_t ran)
{
	const struct peer *p = &w->peer[n];
	uint64_t interval = intervals[n / EACH];
	uint64_t grain = interval < CLOCK_SEC ? 20 * CLOCK_MS : GRAIN;
	uint64_t slack = grain + w->late_most + CLOCK_MS;

	/* One for the start, which may stand for the first regular one. */
	assert_in_range(
	    p->starts, ran / interval - (ran >= interval), ran / interval + 2);
	if (p->starts < 3)
		return;
	assert_true(p->gap_most <= interval + interval / 2 + slack);
	/* All but the one between the first and the second. */
	assert_true(
	    p->last_start - p->first_start >= (p->starts - 2) * interval);
}

static void
test_once_per_interval(void **state)
{
	struct world *w = world_new(T0, INTERVALS * EACH);
	struct inventory inv = {0};
	uint64_t ran = 0;

	w->late_most = 2 * CLOCK_MS;
	set_delay(w, 30 * CLOCK_MS, 10 * CLOCK_MS, 5);
	for (unsigned i = 0; i < INTERVALS * EACH; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .interval = intervals[i / EACH],
				    .timeout = intervals[i / EACH] / 2});
	world_adopt(w, &inv);
	for (unsigned hour = 0; hour < 3; hour++) {
		world_run_for(w, HOUR / 6);
		ran += HOUR / 6;
		for (unsigned i = 0; i < INTERVALS * EACH; i++)
			expect_regular(w, i, ran);
	}
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* From the second round on the distance is the interval, to the grid. */
static void
test_steady_distance(void **state)
{
	struct world *w = world_new(T0, 500);
	struct inventory inv = {0};

	set_delay(w, 30 * CLOCK_MS, 10 * CLOCK_MS, 0);
	w->late_most = 5 * CLOCK_MS;
	add_many(&inv, 500, 10 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 25 * CLOCK_SEC);
	for (unsigned i = 0; i < 500; i++)
		w->peer[i].gap_least = w->peer[i].gap_most = 0;
	world_run_for(w, HOUR);
	for (unsigned i = 0; i < 500; i++) {
		assert_in_range(
		    w->peer[i].gap_least, 9994 * CLOCK_MS, 10000 * CLOCK_MS);
		assert_in_range(
		    w->peer[i].gap_most, 10000 * CLOCK_MS, 10006 * CLOCK_MS);
	}
	world_free(w);
}

/* ---- spread ---- */

static void
test_no_thundering_start(void **state)
{
	struct world *w = world_new(T0, 4000);
	struct inventory inv = {0};

	set_delay(w, 30 * CLOCK_MS, 0, 0);
	add_many(&inv, 4000, 20 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	/* 4 s at 1,000 a second: 100 a tick, and 20 regular ones. */
	world_run_for(w, 6 * CLOCK_SEC);
	assert_int_equal(world_counts(w).first_pending, 0);
	assert_in_range(w->busiest, 100, 120 + 5 * 11);
	/* 20 a tick: five standard deviations more at most. */
	world_run_for(w, 60 * CLOCK_SEC);
	w->busiest = w->slot_starts = 0;
	world_run_for(w, 600 * CLOCK_SEC);
	assert_in_range(w->busiest, 20, 20 + 5 * 4.5);
	world_free(w);
}

/* Names that differ in one digit only, as they do. */
static void
test_phases_fill_the_interval(void **state)
{
	struct world *w = world_new(T0, 1000);
	struct inventory inv = {0};
	unsigned tenth[10] = {0};

	add_many(&inv, 1000, 10 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 100 * CLOCK_SEC);
	for (unsigned i = 0; i < 1000; i++)
		tenth[w->peer[i].last_start / CLOCK_SEC % 10]++;
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(tenth[i], 60, 145);
	world_free(w);
}

/* ---- clocks ---- */

/* What there is to see of a target, in one number. */
static uint64_t
digest(struct world *w, uint64_t origin)
{
	static struct sample s[8192];
	uint64_t h = 0;

	for (size_t i = 0; i < w->peers; i++) {
		uint64_t words[TALLY_WORDS];
		size_t n = row_read_samples(w->row[i], 0, s, 8192);

		for (size_t k = 0; k < n; k++)
			h = h * 31 + (s[k].sent_ns - origin) * 7 + s[k].rest;
		row_read(w->row[i], words);
		for (unsigned k = TALLY_ENDED; k < TALLY_WORDS; k++)
			h = h * 31 + words[k];
		h = h * 31 + words[TALLY_STATE];
		h = h * 31 + words[TALLY_PROBES];
		h = h * 31 + words[TALLY_SHORT_RTT] + words[TALLY_SHORT_LOSS];
	}
	return h + world_missed(w);
}

static uint64_t
run_an_hour(uint64_t start, bool steps)
{
	struct world *w = world_new(start, 60);
	struct inventory inv = {0};
	uint64_t h;

	w->dice = dice_case(7);
	w->late_most = CLOCK_MS;
	set_delay(w, 30 * CLOCK_MS, 200 * CLOCK_MS, 10);
	add_many(&inv, 60, 10 * CLOCK_SEC, 5);
	world_adopt(w, &inv);
	for (unsigned i = 0; i < 60; i++) {
		world_run_for(w, MINUTE);
		if (steps)
			world_step(w, (i % 2 == 0 ? 26 : -26) * (int64_t)HOUR);
	}
	h = digest(w, start);
	assert_int_equal(world_missed(w), 0);
	for (unsigned i = 0; i < 60; i++)
		assert_in_range(w->peer[i].starts, 360, 362);
	world_free(w);
	return h;
}

static void
test_wall_clock_is_not_looked_at(void **state)
{
	assert_true(run_an_hour(T0, false) == run_an_hour(T0, true));
}

/* 2^32 ms, and where the tick's number and the ns need one bit more. */
static void
test_long_uptime(void **state)
{
	/* multiples of all intervals, so that the phases are the same */
	static const uint64_t start[] = {(UINT64_C(1) << 32) * CLOCK_MS,
	    (UINT64_C(1) << 53), (UINT64_C(1) << 62)};
	uint64_t usual = run_an_hour(0, false);

	for (unsigned i = 0; i < 3; i++) {
		uint64_t from = (start[i] - HOUR / 2) / HOUR * HOUR;

		assert_true(run_an_hour(from, false) == usual);
	}
}

/* ---- triggers ---- */

static uint64_t off_grid, triggered;

/* Starts of the interval are where they would be without triggers. */
static void
check_start(struct world *w, struct peer *p, unsigned number)
{
	const struct target *t = w->target[number];
	uint64_t phase =
	    (uint64_t)(((unsigned __int128)t->phase * t->interval_ns) >> 32);
	uint64_t since = (w->now - phase) % t->interval_ns;

	(void)p;
	if (since > GRAIN + CLOCK_MS)
		off_grid++;
}

static void
test_one_by_request(void **state)
{
	struct world *w = world_new(T0, 100);
	struct inventory inv = {0};
	uint64_t before, at;

	add_many(&inv, 100, 10 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 61 * CLOCK_SEC);
	before = w->peer[40].starts;
	/* three seconds after its last: nothing regular is near */
	at = w->peer[40].last_start + 3 * CLOCK_SEC;
	world_run(w, at < w->now ? at + 10 * CLOCK_SEC : at);
	before = w->peer[40].starts;
	at = w->now;
	assert_int_equal(
	    sched_trigger(w->sched, TRIGGER_REQUEST, w->target[40]->index), 0);
	world_run_for(w, 200 * CLOCK_MS);
	assert_int_equal(w->peer[40].starts, before + 1);
	assert_true(w->peer[40].last_start - at <= GRAIN);
	assert_int_equal(world_tally(w, 40, TALLY_TRIGGER), TRIGGER_REQUEST);
	assert_int_equal(
	    sched_trigger(w->sched, TRIGGER_REQUEST, 4711), -ENOENT);
	world_free(w);
}

static void
test_all_by_network(void **state)
{
	struct world *w = world_new(T0, 1000);
	struct inventory inv = {0};
	uint64_t starts[1000];

	w->settings.rate = 500;
	set_delay(w, 30 * CLOCK_MS, 0, 0);
	add_many(&inv, 1000, 60 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 200 * CLOCK_SEC);
	for (unsigned i = 0; i < 1000; i++)
		starts[i] = w->peer[i].starts;
	w->busiest = w->slot_starts = 0;
	assert_int_equal(sched_trigger(w->sched, TRIGGER_NETWORK, 0), 0);
	world_run_for(w, 2200 * CLOCK_MS);
	/* Everybody within 2 s, at 50 a tick and a few regular ones. */
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(w->peer[i].starts > starts[i]);
		assert_true(w->peer[i].starts <= starts[i] + 2);
	}
	assert_in_range(w->busiest, 40, 52 + 5 * 7.2);
	/* From the next but one on they are where they were. */
	world_run_for(w, 130 * CLOCK_SEC);
	off_grid = 0;
	w->started = check_start;
	world_run_for(w, 600 * CLOCK_SEC);
	assert_int_equal(off_grid, 0);
	assert_int_equal(world_missed(w), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(
		    w->peer[i].gap_most <= 90 * CLOCK_SEC + GRAIN + CLOCK_MS);
	world_free(w);
}

/* However often somebody asks, nobody is put off for it. */
static void
test_asked_all_the_time(void **state)
{
	struct world *w = world_new(T0, 500);
	struct inventory inv = {0};

	w->settings.rate = 50; /* a round of all takes the interval */
	add_many(&inv, 500, 10 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 30 * CLOCK_SEC);
	for (unsigned i = 0; i < 100; i++) {
		sched_trigger(w->sched, TRIGGER_NETWORK, 0);
		world_run_for(w, 2 * CLOCK_SEC);
	}
	for (unsigned i = 0; i < 500; i++)
		assert_true(w->now - w->peer[i].last_start <= 15 * CLOCK_SEC);
	for (unsigned i = 0; i < 500; i++)
		assert_true(
		    w->peer[i].gap_most <= 15 * CLOCK_SEC + GRAIN + CLOCK_MS);
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

static void
count_trigger(struct world *w, struct peer *p, unsigned number)
{
	(void)w;
	(void)p;
	(void)number;
	triggered++;
}

/* What was under way when the network changed is tried once more. */
static void
test_trigger_while_under_way(void **state)
{
	struct world *w = world_new(T0, 1);
	struct inventory inv = {0};
	uint64_t at;

	set_delay(w, 30 * CLOCK_MS, 0, 100);
	add_many(&inv, 1, 60 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 2 * CLOCK_SEC);
	assert_int_equal(w->peer[0].starts, 1);
	w->started = count_trigger;
	triggered = 0;
	at = w->peer[0].last_start;
	sched_trigger(w->sched, TRIGGER_NETWORK, 0);
	sched_trigger(w->sched, TRIGGER_NETWORK, 0);
	world_run_for(w, CLOCK_SEC / 2);
	assert_int_equal(triggered, 0);
	world_run(w, at + 3 * CLOCK_SEC + 2 * GRAIN);
	assert_int_equal(triggered, 1);
	world_run(w, at + 7 * CLOCK_SEC);
	assert_int_equal(world_tally(w, 0, TALLY_TRIGGER), TRIGGER_NETWORK);
	assert_int_equal(triggered, 1);
	world_free(w);
}

/* ---- before its time, when something seems to have changed ---- */

static struct world *
with_retry(uint64_t retry, unsigned loss)
{
	struct world *w = world_new(T0, 1);
	struct inventory inv = {0};

	set_delay(w, 30 * CLOCK_MS, 0, loss);
	fleet_add(
	    &inv, &(struct fleet_spec){.interval = MINUTE, .retry = retry});
	world_adopt(w, &inv);
	return w;
}

/* How long it takes to run until the state is that one. */
static uint64_t
until_state(struct world *w, uint64_t state)
{
	uint64_t from = w->now;

	while (world_tally(w, 0, TALLY_STATE) != state &&
	       w->now < from + 10 * MINUTE)
		world_run_for(w, CLOCK_SEC / 10);
	return w->now - from;
}

/*
 * Down after three probes of 3 s each, up after two: ten seconds apart
 * instead of a minute. Then the interval is what it was.
 */
static void
test_retry(void **state)
{
	struct world *w = with_retry(10 * CLOCK_SEC, 0);
	uint64_t starts;

	world_run_for(w, 3 * MINUTE);
	world_run(w, w->peer[0].last_start + MINUTE - CLOCK_SEC);
	set_delay(w, 30 * CLOCK_MS, 0, 100);
	assert_in_range(until_state(w, STATE_DOWN), 30 * CLOCK_SEC,
	    30 * CLOCK_SEC + CLOCK_SEC / 2);
	assert_int_equal(world_tally(w, 0, TALLY_TRIGGER), TRIGGER_RETRY);
	starts = w->peer[0].starts;
	world_run_for(w, 10 * MINUTE);
	assert_in_range(w->peer[0].starts - starts, 10, 11);
	world_run(w, w->peer[0].last_start + MINUTE - CLOCK_SEC);
	set_delay(w, 30 * CLOCK_MS, 0, 0);
	assert_in_range(until_state(w, STATE_UP), 11 * CLOCK_SEC,
	    11 * CLOCK_SEC + CLOCK_SEC / 2);
	starts = w->peer[0].starts;
	world_run_for(w, 10 * MINUTE);
	assert_in_range(w->peer[0].starts - starts, 10, 11);
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* One that is lost now and then costs one more each, and no regular one. */
static void
test_retry_of_a_single_loss(void **state)
{
	struct world *w = with_retry(10 * CLOCK_SEC, 10);

	world_run_for(w, 100 * HOUR);
	assert_in_range(w->peer[0].starts, 6000 + 500, 6000 + 900);
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* Who was refused by a proxy does not try again before time. */
static void
test_no_retry_of_credentials(void **state)
{
	struct world *w = with_retry(10 * CLOCK_SEC, 0);

	w->peer[0].script.answer = OUTCOME_PROXY_AUTH;
	world_run_for(w, 10 * MINUTE);
	assert_in_range(w->peer[0].starts, 10, 11);
	assert_int_equal(world_tally(w, 0, TALLY_STATE), STATE_DOWN);
	world_free(w);
}

/* ---- what a quiet daemon costs ---- */

static void
test_wakeups(void **state)
{
	struct world *w = world_new(T0, 1000);
	struct inventory inv = {0};
	uint64_t before;

	set_delay(w, 30 * CLOCK_MS, 20 * CLOCK_MS, 2);
	add_many(&inv, 1000, 10 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 30 * CLOCK_SEC);
	before = world_counts(w).wakeups;
	world_run_for(w, 600 * CLOCK_SEC);
	assert_in_range(world_counts(w).wakeups - before, 5000, 6000);
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* One target, long intervals: hardly any. */
static void
test_wakeups_of_one(void **state)
{
	struct world *w = world_new(T0, 1);
	struct inventory inv = {0};

	set_delay(w, 30 * CLOCK_MS, 0, 0);
	add_many(&inv, 1, 600 * CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, HOUR);
	/* a start and an answer each, and a turn of the wheel each 20 s */
	assert_in_range(world_counts(w).wakeups, 12, 220);
	world_free(w);
}

static void
test_ten_thousand_a_second(void **state)
{
	struct world *w = world_new(T0, 10000);
	struct inventory inv = {0};
	uint64_t before;

	w->settings.rate = 20000;
	w->late_most = CLOCK_MS;
	set_delay(w, 30 * CLOCK_MS, 20 * CLOCK_MS, 1);
	add_many(&inv, 10000, CLOCK_SEC, 1);
	world_adopt(w, &inv);
	world_run_for(w, 5 * CLOCK_SEC);
	for (unsigned i = 0; i < 10000; i++)
		w->peer[i].gap_most = w->peer[i].starts = 0;
	before = world_counts(w).wakeups;
	world_run_for(w, 30 * CLOCK_SEC);
	for (unsigned i = 0; i < 10000; i++) {
		/* All that were sent cost some of the tick. */
		assert_true(w->peer[i].gap_most <= CLOCK_SEC + 10 * CLOCK_MS);
		assert_in_range(w->peer[i].starts, 30, 30);
	}
	assert_int_equal(world_missed(w), 0);
	assert_in_range(world_counts(w).wakeups - before, 290, 305);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_once_per_interval),
	    cmocka_unit_test(test_steady_distance),
	    cmocka_unit_test(test_no_thundering_start),
	    cmocka_unit_test(test_phases_fill_the_interval),
	    cmocka_unit_test(test_wall_clock_is_not_looked_at),
	    cmocka_unit_test(test_long_uptime),
	    cmocka_unit_test(test_one_by_request),
	    cmocka_unit_test(test_all_by_network),
	    cmocka_unit_test(test_asked_all_the_time),
	    cmocka_unit_test(test_trigger_while_under_way),
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_retry_of_a_single_loss),
	    cmocka_unit_test(test_no_retry_of_credentials),
	    cmocka_unit_test(test_wakeups),
	    cmocka_unit_test(test_wakeups_of_one),
	    cmocka_unit_test(test_ten_thousand_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
