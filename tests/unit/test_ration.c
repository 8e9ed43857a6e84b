/* A second's requests, in all and to one address. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "addr.h"
#include "clock.h"
#include "ration.h"

#define T0 (1000 * CLOCK_SEC)

static struct addr
host(unsigned n)
{
	uint8_t bytes[4] = {198, 18, (uint8_t)(n >> 8), (uint8_t)n};
	struct addr a;

	addr_from_bytes(&a, AF_INET, bytes, 80);
	return a;
}

static unsigned
taken(struct ration *r, unsigned n, unsigned tries, uint64_t now)
{
	struct addr a = host(n);
	unsigned got = 0;

	for (unsigned i = 0; i < tries; i++)
		got += ration_take(r, &a, 1000000, 50, now);
	return got;
}

static void
test_each(void **state)
{
	struct ration *r = ration_new();

	assert_int_equal(taken(r, 1, 60, T0), 50);
	assert_int_equal(taken(r, 1, 1, T0 + 19 * CLOCK_MS), 0);
	assert_int_equal(taken(r, 1, 5, T0 + 20 * CLOCK_MS), 1);
	assert_int_equal(taken(r, 2, 60, T0 + 20 * CLOCK_MS), 50);
	/* Idle for half a second, it has half of them again. */
	assert_int_equal(taken(r, 1, 60, T0 + 520 * CLOCK_MS), 25);
	assert_int_equal(taken(r, 1, 60, T0 + 5 * CLOCK_SEC), 50);
	ration_free(r);
}

/* In all, over many addresses; what was refused has taken nothing. */
static void
test_all(void **state)
{
	struct ration *r = ration_new();
	unsigned got = 0;
	struct addr a = host(7);

	for (unsigned i = 0; i < 500; i++) {
		struct addr to = host(i);

		got += ration_take(r, &to, 100, 50, T0);
	}
	assert_int_equal(got, 100);
	assert_false(ration_take(r, &a, 100, 50, T0));
	got = 0;
	for (unsigned i = 0; i < 500; i++) {
		struct addr to = host(1000 + i % 10);

		got += ration_take(r, &to, 100, 1, T0 + 2 * CLOCK_SEC);
	}
	assert_int_equal(got, 10);
	got = 0;
	for (unsigned i = 0; i < 500; i++) {
		struct addr to = host(2000 + i);

		got += ration_take(r, &to, 100, 1, T0 + 2 * CLOCK_SEC);
	}
	assert_int_equal(got, 90);
	ration_free(r);
}

/* More addresses than are remembered are refused, never let through. */
static void
test_full(void **state)
{
	struct ration *r = ration_new();
	unsigned got = 0;
	struct addr first;

	for (unsigned i = 0; i < 65536; i++) {
		struct addr to = host(i);

		if (ration_take(r, &to, 1000000000, 1, T0) && got++ == 0)
			first = to;
	}
	assert_in_range(got, 2048, 4096);
	assert_false(ration_take(r, &first, 1000000000, 1, T0));
	assert_true(ration_take(r, &first, 1000000000, 1, T0 + CLOCK_SEC));
	ration_free(r);
	ration_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
