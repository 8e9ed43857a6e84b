/* How often a kind of line is written; worked out by hand. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "log_limit.h"

static const char a[] = "a", b[] = "b";

static unsigned
passed(struct log_limit *l, const char *text, unsigned n, uint64_t now)
{
	unsigned ok = 0;

	for (unsigned i = 0; i < n; i++)
		ok += log_limit_pass(l, LOG_LEVEL_WARN, "c", text, now);
	return ok;
}

static void
a_burst_and_then_a_rate(void **state)
{
	struct log_limit l = {0};
	uint64_t now = 5 * CLOCK_SEC;

	assert_int_equal(passed(&l, a, 1000, now), 200);
	/* 10 a second: none in 99 ms, one at 100, 25 in 2.5 s. */
	assert_int_equal(passed(&l, a, 10, now + 99 * CLOCK_MS), 0);
	assert_int_equal(passed(&l, a, 10, now + 100 * CLOCK_MS), 1);
	assert_int_equal(passed(&l, a, 100, now + 2600 * CLOCK_MS), 25);
	/* Never more than a burst, however long it was quiet. */
	assert_int_equal(passed(&l, a, 1000, now + 1000000 * CLOCK_SEC), 200);
	/* A clock that stands still or goes back gives nothing. */
	assert_int_equal(passed(&l, a, 10, now), 0);
}

static void
kinds_are_apart(void **state)
{
	struct log_limit l = {0};

	assert_int_equal(passed(&l, a, 300, 1), 200);
	assert_int_equal(passed(&l, b, 10, 1), 10);
	assert_true(log_limit_pass(&l, LOG_LEVEL_ERROR, "c", a, 1));
	assert_false(log_limit_pass(&l, LOG_LEVEL_WARN, "c", a, 1));
}

static void
what_was_left_out_is_told(void **state)
{
	struct log_limit l = {0};
	struct log_limit_row row;
	uint64_t now = CLOCK_SEC;

	assert_false(log_limit_take(&l, now, &row));
	passed(&l, b, 3, now);
	passed(&l, a, 1000, now);
	assert_true(log_limit_take(&l, now, &row));
	assert_int_equal(row.left_out, 800);
	assert_ptr_equal(row.text, a);
	assert_int_equal(row.level, LOG_LEVEL_WARN);
	assert_string_equal(row.component, "c");
	assert_false(log_limit_take(&l, now, &row));
	/* Further ones: once in 10 s. */
	passed(&l, a, 5, now);
	assert_false(log_limit_take(&l, now + 9999 * CLOCK_MS, &row));
	assert_true(log_limit_take(&l, now + 10 * CLOCK_SEC, &row));
	assert_int_equal(row.left_out, 5);
	assert_false(log_limit_take(&l, now + 100 * CLOCK_SEC, &row));
}

static void
more_kinds_than_rows(void **state)
{
	static const char text[LOG_LIMIT_ROWS + 10];
	struct log_limit l = {0};

	for (unsigned i = 0; i < LOG_LIMIT_ROWS; i++)
		assert_int_equal(passed(&l, &text[i], 201, 1), 200);
	for (unsigned i = LOG_LIMIT_ROWS; i < sizeof(text); i++)
		assert_int_equal(passed(&l, &text[i], 300, 1), 300);
	assert_int_equal(passed(&l, &text[5], 1, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_burst_and_then_a_rate),
	    cmocka_unit_test(kinds_are_apart),
	    cmocka_unit_test(what_was_left_out_is_told),
	    cmocka_unit_test(more_kinds_than_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
