/* Native buckets: against the formula, at every bound, and beyond both ends. */
#include "build.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"
#include "dice.h"
#include "native.h"

/* ceil(log2(s) * 8), as the specification says it; -1 below the first. */
static int
by_formula(uint64_t ns)
{
	long double i =
	    ceill(log2l((long double)ns / CLOCK_SEC) * 8) - STATS_NATIVE_FIRST;

	if (i < 0)
		return -1;
	return i < STATS_NATIVE ? (int)i : STATS_NATIVE - 1;
}

static void
test_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < STATS_NATIVE; i++) {
		long double s =
		    exp2l((long double)(i + STATS_NATIVE_FIRST) / 8);
		uint64_t ns = (uint64_t)(s * CLOCK_SEC);

		/* The bound is not a whole number of ns, or a power of two. */
		assert_int_equal(native_bucket(ns), i);
		if (i < STATS_NATIVE - 1)
			assert_int_equal(native_bucket(ns + 1), i + 1);
	}
	assert_int_equal(native_bucket(0), -1);
	assert_int_equal(native_bucket(1), -1);
	assert_int_equal(native_bucket(30517), -1); /* below 2^-15 s */
	assert_int_equal(native_bucket(30518), 0);
	assert_int_equal(native_bucket(CLOCK_SEC), -STATS_NATIVE_FIRST);
	assert_int_equal(native_bucket(64 * CLOCK_SEC), STATS_NATIVE - 1);
	assert_int_equal(native_bucket(65 * CLOCK_SEC), STATS_NATIVE - 1);
	assert_int_equal(native_bucket(UINT64_MAX), STATS_NATIVE - 1);
}

static void
test_against_the_formula(void **state)
{
	struct dice dice = dice_case(7);

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t ns = dice_next(&dice) >> (dice_next(&dice) % 50 + 14);

		if (ns > 0 && native_bucket(ns) != by_formula(ns))
			fail_msg("%llu ns: %d, not %d", (unsigned long long)ns,
			    native_bucket(ns), by_formula(ns));
	}
}

static void
test_counts(void **state)
{
	struct native *n = native_new();
	uint64_t zero, count[STATS_NATIVE], sum = 0;

	(void)state;
	native_add(n, 10);
	native_add(n, CLOCK_SEC);
	native_add(n, CLOCK_SEC);
	native_add_many(n, -1, 5);
	native_add_many(n, 3, 7);
	native_read(n, &zero, count);
	assert_int_equal(zero, 6);
	assert_int_equal(count[-STATS_NATIVE_FIRST], 2);
	assert_int_equal(count[3], 7);
	for (unsigned i = 0; i < STATS_NATIVE; i++)
		sum += count[i];
	assert_int_equal(sum, 9);
	native_free(n);
	native_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_against_the_formula),
	    cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
