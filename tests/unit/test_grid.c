/*
 * The grid, by numbers worked out by hand: a target of 10 s with its phase at
 * 2.55 s, so that its starts are at 2.6 s, 12.6 s and so on.
 */
#include "build.h"

#include "fleet.h"
#include "grid.h"
#include "row.h"

#define MS CLOCK_MS

static struct run *run;
static struct target *target;

/* 255/1000 of 2^32 */
#define PHASE 1095216660u

static int
set_up(void **state)
{
	struct fleet_spec f = {.number = 1};
	struct row *r = row_new(64, false);

	target = fleet_target(&f);
	target->phase = PHASE + 1;
	run = run_new(target, r, &(struct collector){0});
	row_unref(r);
	assert_non_null(run);
	run->due_ns = 12550 * MS;
	return 0;
}

static int
tear_down(void **state)
{
	run_free(run);
	target_unref(target);
	return 0;
}

static void
test_ticks(void **state)
{
	assert_int_equal(grid_tick(0), 0);
	assert_int_equal(grid_tick(1), 1);
	assert_int_equal(grid_tick(20 * MS), 1);
	assert_int_equal(grid_tick(20 * MS + 1), 2);
	/* Starts gather at every fifth, */
	assert_int_equal(grid_start(run, 1), 5);
	assert_int_equal(grid_start(run, 100 * MS), 5);
	assert_int_equal(grid_start(run, 100 * MS + 1), 10);
	/* but those of targets that are probed more than once a second. */
	target->interval_ns = 999 * MS;
	assert_int_equal(grid_start(run, 1), 1);
	assert_int_equal(grid_start(run, 100 * MS + 1), 6);
}

static void
test_due(void **state)
{
	uint64_t first = 2550 * MS;

	assert_int_equal(grid_due(target, 0) / MS, 2550);
	target->phase = 0;
	assert_int_equal(grid_due(target, 0), 10000 * MS);
	assert_int_equal(grid_due(target, 1), 10000 * MS);
	assert_int_equal(grid_due(target, 10000 * MS), 20000 * MS);
	target->phase = PHASE + 1;
	first = grid_due(target, 0);
	assert_int_equal(grid_due(target, first - 1), first);
	assert_int_equal(grid_due(target, first), first + 10000 * MS);
	assert_int_equal(grid_due(target, first + 1), first + 10000 * MS);
	/* The last phase there is, and centuries later. */
	target->phase = UINT32_MAX;
	assert_in_range(grid_due(target, 0), 9999 * MS, 10000 * MS - 1);
	assert_true(grid_due(target, UINT64_C(1) << 63) > UINT64_C(1) << 63);
	assert_true(grid_due(target, UINT64_C(1) << 63) <=
		    (UINT64_C(1) << 63) + 10000 * MS);
}

/* Nothing wanted: it is started if it is not too late. */
static void
test_account_idle(void **state)
{
	/* its tick has not come: 12.6 s */
	assert_int_equal(grid_account(run, 12599 * MS, 0), 0);
	assert_int_equal(run->again, 0);
	assert_int_equal(grid_account(run, 12600 * MS, 0), 0);
	assert_int_equal(run->again, TRIGGER_INTERVAL);
	assert_true(run->owed);
	assert_int_equal(run->due_ns, 22550 * MS);
	/* Three more, of which the last was just now. */
	run->again = 0;
	run->owed = false;
	assert_int_equal(grid_account(run, 42610 * MS, 1000 * MS), 2);
	assert_int_equal(run->again, TRIGGER_INTERVAL);
	assert_int_equal(run->due_ns, 52550 * MS);
	/* Two more, the last 3 s ago: too late. */
	run->again = 0;
	run->owed = false;
	assert_int_equal(grid_account(run, 65550 * MS, 1000 * MS), 2);
	assert_int_equal(run->again, 0);
	assert_false(run->owed);
	assert_int_equal(run->due_ns, 72550 * MS);
}

/* One is wanted: it stands for one, but not for two. */
static void
test_account_wanted(void **state)
{
	run->again = TRIGGER_NETWORK;
	assert_int_equal(grid_account(run, 12600 * MS, 0), 0);
	assert_int_equal(run->again, TRIGGER_NETWORK);
	assert_true(run->owed);
	assert_int_equal(grid_account(run, 22600 * MS, 0), 1);
	assert_int_equal(grid_account(run, 52600 * MS, 0), 3);
	assert_int_equal(run->due_ns, 62550 * MS);
	run->owed = false;
	assert_int_equal(grid_account(run, 92600 * MS, 0), 3);
	assert_true(run->owed);
}

static void
test_expiry(void **state)
{
	/* On the coarse grid as long as that is before the next start, */
	assert_int_equal(grid_expiry(run, 12310 * MS), 12400 / 20);
	assert_int_equal(grid_expiry(run, 12600 * MS), 12600 / 20);
	/* at it when it is a tick late, on the fine one after that. */
	assert_int_equal(grid_expiry(run, 12601 * MS), 12600 / 20);
	assert_int_equal(grid_expiry(run, 12620 * MS), 12600 / 20);
	assert_int_equal(grid_expiry(run, 12621 * MS), 12640 / 20);
	assert_int_equal(grid_slack(run, 12599 * MS), 0);
	assert_int_equal(grid_slack(run, 12600 * MS), 20 * MS);
}

/* Starts every 10 s from 12.55 s on, and a loop that stood still. */
static void
test_within(void **state)
{
	static const struct {
		uint64_t from_ms, to_ms, n, within;
	} rows[] = {
	    {0, 0, 5, 0},
	    {0, 12540, 5, 0},
	    {0, 12560, 5, 1},
	    {12540, 32560, 5, 3},
	    {12560, 32560, 5, 2},
	    {12560, 32540, 5, 1},
	    {12560, 22540, 5, 0},
	    {12540, 99000, 5, 5},
	    {32560, 99000, 5, 2},
	    {99000, 999000, 5, 0},
	    {0, 999000, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct grid_span span = {
		    rows[i].from_ms / 20, rows[i].to_ms / 20};

		if (grid_within(run, run->due_ns, rows[i].n, &span) !=
		    rows[i].within)
			fail_msg("row %u: %d", i,
			    (int)grid_within(
				run, run->due_ns, rows[i].n, &span));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_ticks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_due, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_account_idle, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_account_wanted, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_expiry, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_within, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
