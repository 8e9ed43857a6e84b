/* Clocks, and times and durations as text. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "clock.h"

static void
test_read(void **state)
{
	uint64_t last = clock_mono();

	assert_true(last > 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_mono();

		assert_true(now >= last);
		last = now;
	}
}

/* The offset lies between what reads in the two wrong orders give. */
static void
test_offset(void **state)
{
	int64_t real = clock_real();
	int64_t mono = (int64_t)clock_mono();
	int64_t offset = clock_offset();
	int64_t mono_after = (int64_t)clock_mono();
	int64_t real_after = clock_real();

	assert_true(offset >= real - mono_after);
	assert_true(offset <= real_after - mono);
}

static void
test_fake(void **state)
{
	clock_fake(5, 1000);
	assert_int_equal(clock_mono(), 5);
	assert_int_equal(clock_real(), 1000);
	assert_int_equal(clock_offset(), 995);
	clock_fake(0, -7);
	assert_int_equal(clock_mono(), 1);
	assert_int_equal(clock_real(), -7);
}

static void
test_text(void **state)
{
	static const struct {
		int64_t real;
		const char *text;
	} v[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {999999, "1970-01-01T00:00:00.000Z"},
	    {1000000, "1970-01-01T00:00:00.001Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {-1000000000, "1969-12-31T23:59:59.000Z"},
	    {INT64_C(1684923072123456789), "2023-05-24T10:11:12.123Z"},
	    {INT64_C(1709164800000000000), "2024-02-29T00:00:00.000Z"},
	    {INT64_MAX, "2262-04-11T23:47:16.854Z"},
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_string_equal(clock_text(v[i].real, buf), v[i].text);
}

static const struct {
	const char *text;
	uint64_t ns;
	const char *shortest;
} durations[] = {
    {"0", 0, "0s"},
    {"0s", 0, "0s"},
    {"1ns", 1, "1ns"},
    {"20us", 20000, "20us"},
    {"250ms", 250000000, "250ms"},
    {"1000ms", CLOCK_SEC, "1s"},
    {"10s", 10 * CLOCK_SEC, "10s"},
    {"90s", 90 * CLOCK_SEC, "1m30s"},
    {"5m", 300 * CLOCK_SEC, "5m"},
    {"1h30m", 5400 * CLOCK_SEC, "1h30m"},
    {"1s500ms", 1500 * CLOCK_MS, "1s500ms"},
    {"24h", 86400 * CLOCK_SEC, "1d"},
    {"2w", 14 * 86400 * CLOCK_SEC, "14d"},
    {"18446744073709551615ns", UINT64_MAX, "213503d23h34m33s709ms551us615ns"},
};

static void
test_durations(void **state)
{
	char buf[32];
	uint64_t ns;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		ns = 1;
		assert_int_equal(
		    clock_duration_parse(durations[i].text, &ns), 0);
		assert_int_equal(ns, durations[i].ns);
		assert_string_equal(
		    clock_duration_text(ns, buf), durations[i].shortest);
	}
}

static void
test_bad_durations(void **state)
{
	static const char *const bad[] = {"", "10", "s", "1x", "1.5s", "-1s",
	    "+1s", " 1s", "1s ", "1 s", "1m1h", "1s1s", "1S", "1msx", "1h30",
	    "18446744073709551616ns", "18446744074s",
	    "99999999999999999999999s", "213504d", "00:10", "0x1s"};
	uint64_t ns = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clock_duration_parse(bad[i], &ns), -EINVAL);
	assert_int_equal(ns, 42);
}

/* Any number of nanoseconds comes back from its text, and fits. */
static void
test_round_trip(void **state)
{
	uint64_t v = 88172645463325252, back;
	char buf[32];

	for (int i = 0; i < 20000; i++) {
		uint64_t ns;

		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		ns = v >> (i % 64);
		clock_duration_text(ns, buf);
		assert_true(strlen(buf) < sizeof(buf));
		assert_int_equal(clock_duration_parse(buf, &back), 0);
		assert_int_equal(back, ns);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_offset),
	    cmocka_unit_test(test_fake),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_bad_durations),
	    cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
