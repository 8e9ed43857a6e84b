/* Order statistics against sorting. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "quantile.h"

enum { MOST = 3000 };

static const unsigned usual[] = {500, 950, 990};

static void
test_worked_out(void **state)
{
	uint64_t v[100], out[3];

	for (unsigned i = 0; i < 100; i++)
		v[i] = 100 - i; /* 100..1 */
	quantile_select(v, 100, usual, 3, out);
	assert_int_equal(out[0], 50);
	assert_int_equal(out[1], 95);
	assert_int_equal(out[2], 99);
	/* of five: ranks ceil(2.5), ceil(4.75), ceil(4.95) */
	memcpy(v, (uint64_t[]){30, 10, 50, 20, 40}, 5 * sizeof(*v));
	quantile_select(v, 5, usual, 3, out);
	assert_int_equal(out[0], 30);
	assert_int_equal(out[1], 50);
	assert_int_equal(out[2], 50);
	/* of four the median is the second */
	memcpy(v, (uint64_t[]){4, 3, 2, 1}, 4 * sizeof(*v));
	quantile_select(v, 4, usual, 1, out);
	assert_int_equal(out[0], 2);
	v[0] = 7;
	quantile_select(v, 1, usual, 3, out);
	assert_int_equal(out[0], 7);
	assert_int_equal(out[2], 7);
}

static void
test_ends(void **state)
{
	static const unsigned ends[] = {0, 0, 1, 1000, 1000};
	uint64_t v[] = {5, UINT64_MAX, 3, 0, UINT64_MAX - 1}, out[5];

	quantile_select(v, 5, ends, 5, out);
	assert_true(out[0] == 0 && out[1] == 0 && out[2] == 0);
	assert_true(out[3] == UINT64_MAX && out[4] == UINT64_MAX);
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The definition: the least value with at least q n values not above it. */
static uint64_t
reference(const uint64_t *sorted, size_t n, unsigned permille)
{
	size_t i = 0;

	while (i + 1 < n && (i + 1) * 1000 < n * permille)
		i++;
	return sorted[i];
}

/* v is an input of any kind; it must come out as a permutation of itself. */
static void
check(const struct dice *d, const uint64_t *v, size_t n)
{
	static const unsigned many[] = {1, 250, 500, 501, 750, 950, 990, 999};
	static uint64_t sorted[MOST], copy[MOST];
	uint64_t out[8];

	memcpy(sorted, v, n * sizeof(*v));
	memcpy(copy, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*v), compare);
	quantile_select(copy, n, many, 8, out);
	for (int i = 0; i < 8; i++)
		DICE_EQUAL(d, out[i], reference(sorted, n, many[i]));
	qsort(copy, n, sizeof(*v), compare);
	assert_memory_equal(copy, sorted, n * sizeof(*v));
}

/* Values of one of some shapes that have troubled quickselects. */
static uint64_t
value(struct dice *d, unsigned shape, size_t i, size_t n)
{
	switch (shape) {
	case 0: /* all equal, and the greatest there is */
		return UINT64_MAX;
	case 1: /* few different ones */
		return dice_below(d, 3);
	case 2: /* rising */
		return i;
	case 3: /* falling */
		return n - i;
	case 4: /* organ pipe */
		return i < n / 2 ? i : n - i;
	case 5: /* a bulk and far outliers */
		return dice_chance(d, 5) ? UINT64_MAX - dice_below(d, 9)
					 : 20000000 + dice_below(d, 1000);
	case 6: /* saw */
		return i % 7;
	default:
		return dice_next(d) >> dice_below(d, 64);
	}
}

static void
test_random(void **state)
{
	static uint64_t v[MOST];

	for (uint64_t i = 0; i < 8000; i++) {
		struct dice d = dice_case(i);
		unsigned shape = (unsigned)dice_below(&d, 8);
		size_t n = 1 + dice_below(&d, dice_chance(&d, 3) ? MOST : 90);

		for (size_t k = 0; k < n; k++)
			v[k] = value(&d, shape, k, n);
		check(&d, v, n);
	}
}

/*
 * An adversary (after McIlroy 1999): plays quickselect with a median of
 * three and gives a value to a place only once the place becomes a pivot,
 * always the least left, so that a round throws out a value or two.
 */
static void
make_bad(uint64_t *v, uint32_t *place, size_t n)
{
	uint64_t next = 1;
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		place[i] = (uint32_t)i;
		v[i] = UINT64_MAX;
	}
	while (from + 2000 < n / 2) {
		size_t middle = from + (n - from) / 2, below = from;

		if (v[place[from]] == UINT64_MAX)
			v[place[from]] = next++;
		if (v[place[middle]] == UINT64_MAX)
			v[place[middle]] = next++;
		uint64_t pivot = v[place[middle]] > v[place[from]]
				     ? v[place[middle]]
				     : v[place[from]];

		for (size_t i = from; i < n; i++) {
			uint32_t x = place[i];

			place[i] = place[below];
			place[below] = x;
			below += v[x] < pivot;
		}
		assert_in_range(below, from + 1, from + 2);
		from = below;
	}
	for (size_t i = 0; i < n; i++)
		if (v[i] == UINT64_MAX)
			v[i] = next++;
}

/* Wrong only if the way round the bad pivots is wrong; slow without it. */
static void
test_bad_pivots(void **state)
{
	enum { N = 5000 };
	static uint64_t v[N];
	static uint32_t place[N];
	uint64_t out[3];

	make_bad(v, place, N);
	quantile_select(v, N, usual, 3, out);
	assert_int_equal(out[0], N / 2);
	assert_int_equal(out[1], N * 95 / 100);
	assert_int_equal(out[2], N * 99 / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worked_out),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_bad_pivots),
	};

	return cmocka_run_group_tests_name("quantile", tests, NULL, NULL);
}
