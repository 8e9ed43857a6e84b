/*
 * Another list of targets while all goes on: what has not changed does not
 * notice, what has changed keeps its numbers, what is gone ends at once.
 */
#include "build.h"

#include "clock.h"
#include "world.h"

#define T0     (5000 * CLOCK_SEC)
#define MINUTE (60 * CLOCK_SEC)
#define HOUR   (3600 * CLOCK_SEC)

enum { MANY = 5000, COUNT = 5, MOST = 8192 };

static struct sample sample[MOST];

/* How the targets of an inventory are. */
struct shape {
	uint64_t interval, ring;
	unsigned count;
	uint16_t down_after;
	const char *suffix; /* of their names */
};

static void
adopt(struct world *w, unsigned first, unsigned n, struct shape shape)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < first + n; i++) {
		struct fleet_spec f = {.number = i,
		    .interval = shape.interval,
		    .timeout = 800 * CLOCK_MS,
		    .ring = shape.ring,
		    .count = shape.count};
		char name[TARGET_NAME + 1];

		f.thresholds = (struct thresholds){
		    .down_after = shape.down_after, .up_after = 2};
		snprintf(name, sizeof(name), "target-%u%s", i,
		    shape.suffix != NULL ? shape.suffix : "");
		f.name = name;
		fleet_add(&inv, &f);
	}
	world_adopt(w, &inv);
}

static struct world *
world_of(unsigned n, uint64_t now)
{
	struct world *w = world_new(now, n);

	w->settings.rate = 5000;
	for (unsigned i = 0; i < n; i++)
		w->peer[i].script = (struct script){.delay = 300 * CLOCK_MS,
		    .jitter = 200 * CLOCK_MS,
		    .loss = 10};
	return w;
}

/* Everything that is counted of a row and all of its samples. */
static uint64_t
digest(struct world *w, unsigned n)
{
	uint64_t words[TALLY_WORDS], h = 0;
	size_t samples = row_read_samples(w->row[n], 0, sample, MOST);

	for (size_t i = 0; i < samples; i++)
		h = h * 31 + sample[i].sent_ns * 7 + sample[i].rest;
	row_read(w->row[n], words);
	for (unsigned i = 0; i < TALLY_WORDS; i++)
		h = h * 31 + words[i];
	return h;
}

/* ---- nothing changed ---- */

static void
test_nothing_changed(void **state)
{
	static uint64_t before[MANY], starts[MANY], stops[MANY];
	static struct row *row[MANY];
	struct shape shape = {10 * CLOCK_SEC, MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(MANY, T0);
	uint64_t flying;

	adopt(w, 0, MANY, shape);
	world_run_for(w, 30 * CLOCK_SEC);
	flying = world_counts(w).in_flight;
	assert_true(flying > 100);
	for (unsigned i = 0; i < MANY; i++) {
		before[i] = digest(w, i);
		row[i] = w->row[i];
		starts[i] = w->peer[i].starts;
		stops[i] = w->peer[i].stops;
	}
	adopt(w, 0, MANY, shape);
	assert_int_equal(world_counts(w).in_flight, flying);
	for (unsigned i = 0; i < MANY; i++) {
		assert_ptr_equal(w->row[i], row[i]);
		assert_int_equal(w->target[i]->index, i + 1);
		assert_true(digest(w, i) == before[i]);
		assert_int_equal(w->peer[i].stops, stops[i]);
	}
	/* An interval later each was probed once, at its time. */
	for (unsigned i = 0; i < MANY; i++)
		w->peer[i].gap_most = 0;
	world_run_for(w, 10 * CLOCK_SEC);
	for (unsigned i = 0; i < MANY; i++) {
		assert_in_range(w->peer[i].starts - starts[i], 1, 1);
		assert_in_range(
		    w->peer[i].gap_most, 9900 * CLOCK_MS, 10100 * CLOCK_MS);
	}
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* However often. */
static void
test_reload_all_the_time(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(100, T0);

	adopt(w, 0, 100, shape);
	for (unsigned i = 0; i < 1200; i++) {
		world_run_for(w, 50 * CLOCK_MS);
		adopt(w, 0, 100, shape);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_in_range(w->peer[i].starts, 6, 8);
	for (unsigned i = 0; i < 100; i++) {
		const struct peer *p = &w->peer[i];

		while (!world_idle(w, i))
			world_run_for(w, 20 * CLOCK_MS);
		assert_int_equal(
		    world_ended(w, i, OUTCOME_ANSWERED), p->in_time);
		assert_int_equal(
		    world_tally(w, i, TALLY_REQUESTS), p->requests);
	}
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* ---- something changed ---- */

static const struct {
	uint64_t from, to;
} change[] = {{10 * CLOCK_SEC, 4 * CLOCK_SEC}, {HOUR, CLOCK_SEC},
    {CLOCK_SEC, MINUTE}, {2 * CLOCK_SEC, 30 * CLOCK_SEC}};

static void
test_interval_changed(void **state)
{
	for (unsigned k = 0; k < 4; k++) {
		struct shape shape = {change[k].from, 10 * MINUTE, 1, 3, NULL};
		struct world *w = world_of(400, T0);
		uint64_t before[400], at;

		adopt(w, 0, 400, shape);
		/* some have never begun, some are under way */
		world_run_for(w, 700 * CLOCK_MS);
		assert_true(world_counts(w).in_flight > 0);
		assert_true(
		    world_counts(w).first_pending > world_counts(w).in_flight);
		for (unsigned i = 0; i < 400; i++)
			before[i] = world_tally(w, i, TALLY_REQUESTS);
		shape.interval = change[k].to;
		adopt(w, 0, 400, shape);
		at = w->now;
		for (unsigned i = 0; i < 400; i++) {
			assert_int_equal(
			    world_tally(w, i, TALLY_REQUESTS), before[i]);
			w->peer[i].starts = 0;
		}
		world_run_for(w, 10 * change[k].to);
		for (unsigned i = 0; i < 400; i++) {
			assert_in_range(w->peer[i].starts, 9, 12);
			assert_in_range(world_tally(w, i, TALLY_REQUESTS),
			    before[i] + 9, before[i] + 13);
			assert_true(
			    w->peer[i].last_start >= at + 8 * change[k].to);
		}
		world_free(w);
	}
}

/* The ring grows and shrinks: what fits is kept. */
static void
test_window_changed(void **state)
{
	static const uint64_t ring[] = {MINUTE, HOUR, 10 * MINUTE, MINUTE};
	struct shape shape = {CLOCK_SEC, 0, COUNT, 3, NULL};
	struct world *w = world_of(20, T0);
	static struct sample before[MOST];
	size_t all, n, kept;

	for (unsigned k = 0; k < 4; k++) {
		shape.ring = ring[k];
		if (k == 0)
			adopt(w, 0, 20, shape);
		n = all = row_read_samples(w->row[7], 0, before, MOST);
		adopt(w, 0, 20, shape);
		kept = row_read_samples(w->row[7], 0, sample, MOST);
		/* One more is to be had where its place is not needed next. */
		assert_in_range(kept, n < 319 ? n : 319, n + 1);
		n = n < kept ? n : kept;
		assert_memory_equal(
		    sample + kept - n, before + all - n, n * sizeof(*sample));
		assert_int_equal(
		    row_capacity(w->row[7]), target_ring_size(w->target[7]));
		world_run_for(w, 20 * MINUTE);
		n = row_read_samples(w->row[7], w->now - ring[k], before, MOST);
		assert_in_range(n,
		    (ring[k] < 20 * MINUTE ? ring[k] / CLOCK_SEC : 1200) *
			    COUNT -
			2 * COUNT,
		    ring[k] / CLOCK_SEC * COUNT);
	}
	world_free(w);
}

/* Another number of requests: the probe under way counts as nothing. */
static void
test_count_changed(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, 10 * MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(200, T0);
	uint64_t before[200];
	unsigned under_way = 0;

	adopt(w, 0, 200, shape);
	world_run_for(w, 30 * CLOCK_SEC);
	for (unsigned i = 0; i < 200; i++) {
		before[i] = world_tally(w, i, TALLY_REQUESTS);
		under_way += world_counts(w).in_flight > 0;
		w->peer[i].starts = 0;
	}
	assert_true(under_way > 0);
	shape.count = 2;
	adopt(w, 0, 200, shape);
	assert_int_equal(world_counts(w).in_flight, 0);
	assert_int_equal(world_counts(w).first_pending, 0);
	world_run_for(w, 9 * CLOCK_SEC);
	for (unsigned i = 0; i < 200; i++) {
		/* one soon, which may stand for the regular one */
		assert_in_range(w->peer[i].starts, 1, 2);
		assert_in_range(world_tally(w, i, TALLY_REQUESTS), before[i],
		    before[i] + 4);
	}
	world_run_for(w, MINUTE);
	for (unsigned i = 0; i < 200; i++)
		assert_in_range(w->peer[i].starts, 6, 9);
	world_free(w);
}

static void
test_thresholds_changed(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, 10 * MINUTE, 1, 1000, NULL};
	struct world *w = world_of(20, T0);

	for (unsigned i = 0; i < 20; i++)
		w->peer[i].script.loss = 100;
	adopt(w, 0, 20, shape);
	world_run_for(w, 2 * MINUTE);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(world_tally(w, i, TALLY_STATE), STATE_UNKNOWN);
	shape.down_after = 14;
	adopt(w, 0, 20, shape);
	/* Failures from before are failures in a row, too. */
	world_run_for(w, 40 * CLOCK_SEC);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(world_tally(w, i, TALLY_STATE), STATE_DOWN);
	world_free(w);
}

/* The same path under another name: its samples go on, its index is new. */
static void
test_name_changed(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, 10 * MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(50, T0);
	uint64_t before[50];

	adopt(w, 0, 50, shape);
	world_run_for(w, MINUTE);
	for (unsigned i = 0; i < 50; i++) {
		before[i] = digest(w, i);
		w->peer[i].starts = 0;
	}
	shape.suffix = "-new";
	adopt(w, 0, 50, shape);
	for (unsigned i = 0; i < 50; i++) {
		assert_true(digest(w, i) == before[i]);
		assert_in_range(w->target[i]->index, 51, 100);
	}
	world_run_for(w, MINUTE);
	for (unsigned i = 0; i < 50; i++) {
		assert_in_range(w->peer[i].starts, 5, 7);
		assert_int_equal(sched_trigger(w->sched, TRIGGER_REQUEST,
				     w->target[i]->index),
		    0);
	}
	assert_int_equal(world_missed(w), 0);
	world_free(w);
}

/* ---- gone ---- */

static void
test_gone_while_under_way(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, 10 * MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(200, T0);
	uint64_t starts[200], gone;

	adopt(w, 0, 200, shape);
	world_run_for(w, MINUTE);
	gone = world_counts(w).in_flight;
	assert_true(gone > 0);
	for (unsigned i = 0; i < 200; i++)
		starts[i] = w->peer[i].starts;
	adopt(w, 200, 0, shape);
	assert_int_equal(world_counts(w).in_flight, 0);
	for (unsigned i = 0; i < 200; i++)
		assert_false(w->peer[i].open);
	world_run_for(w, MINUTE);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(w->peer[i].starts, starts[i]);
	/* Back again: the old index, new numbers. */
	adopt(w, 100, 100, shape);
	for (unsigned i = 100; i < 200; i++) {
		assert_in_range(w->target[i]->index, 101, 200);
		assert_int_equal(world_tally(w, i, TALLY_REQUESTS), 0);
	}
	assert_int_equal(world_counts(w).first_pending, 100);
	world_run_for(w, 12 * CLOCK_SEC);
	assert_int_equal(world_counts(w).first_pending, 0);
	for (unsigned i = 100; i < 200; i++)
		assert_true(w->peer[i].starts > starts[i]);
	world_free(w);
}

/* Before they ever began. */
static void
test_gone_before_the_start(void **state)
{
	struct shape shape = {10 * CLOCK_SEC, 10 * MINUTE, COUNT, 3, NULL};
	struct world *w = world_of(100, T0);

	adopt(w, 0, 100, shape);
	assert_int_equal(world_counts(w).first_pending, 100);
	adopt(w, 0, 10, shape);
	assert_int_equal(world_counts(w).first_pending, 10);
	world_run_for(w, MINUTE);
	for (unsigned i = 10; i < 100; i++)
		assert_int_equal(w->peer[i].starts, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_changed),
	    cmocka_unit_test(test_reload_all_the_time),
	    cmocka_unit_test(test_interval_changed),
	    cmocka_unit_test(test_window_changed),
	    cmocka_unit_test(test_count_changed),
	    cmocka_unit_test(test_thresholds_changed),
	    cmocka_unit_test(test_name_changed),
	    cmocka_unit_test(test_gone_while_under_way),
	    cmocka_unit_test(test_gone_before_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
