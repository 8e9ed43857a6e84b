/*
 * MOS: figures worked out by hand from R = 93.2 - Id - Ie,eff, with
 * d = rtt / 2 + 2 jitter + 10 ms, Id = 0.024 d + 0.11 max(d - 177.3, 0),
 * Ie,eff = 95 Ppl / (Ppl + 25.1).
 */
#include "build.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "dice.h"
#include "mos.h"

static void
test_worked_out(void **state)
{
	static const struct {
		uint64_t rtt_us, jitter_us, ppm;
		uint64_t mos;
	} row[] = {
	    {0, 0, 0, 4405},		  /* R 92.960 */
	    {20000, 1000, 0, 4399},	  /* R 92.672 */
	    {100000, 5000, 0, 4374},	  /* R 91.520 */
	    {100000, 5000, 10000, 4284},  /* R 87.880 */
	    {100000, 5000, 20000, 4182},  /* R 84.509 */
	    {100000, 5000, 50000, 3853},  /* R 75.739 */
	    {100000, 5000, 200000, 2543}, /* R 49.391 */
	    {300000, 20000, 0, 4226},	  /* d 200, beyond the knee */
	    {334600, 0, 0, 4312},	  /* d 177.3, the knee itself */
	    {400000, 10000, 30000, 3678}, {600000, 0, 0, 3651},
	    {0, 0, 999999, 1171},
	    {1000000, 50000, 100000, 1000}, /* R 3.9: the polynomial dips */
	    {2000000, 0, 0, 1000},	    /* R below 0 */
	    {0, 0, 1000000, 1000},	    /* nothing comes through */
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(mos_estimate(row[i].rtt_us * 1000,
				     row[i].jitter_us * 1000, row[i].ppm),
		    row[i].mos);
}

static void
test_extremes(void **state)
{
	assert_int_equal(
	    mos_estimate(UINT64_MAX, UINT64_MAX, UINT64_MAX), 1000);
	assert_int_equal(mos_estimate(UINT64_MAX, 0, 0), 1000);
	assert_int_equal(mos_estimate(0, UINT64_MAX, 0), 1000);
	assert_int_equal(mos_estimate(0, 0, UINT64_MAX), 1000);
}

/* The same formula, as it is written, in floating point. */
static double
reference(double rtt, double jitter, double loss)
{
	double d = rtt / 2 + 2 * jitter + 10;
	double id = 0.024 * d + (d > 177.3 ? 0.11 * (d - 177.3) : 0);
	double r = 93.2 - id - 95 * loss / (loss + 25.1);
	double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;

	return r <= 0 || mos < 1 || loss >= 100 ? 1 : mos;
}

static void
test_random(void **state)
{
	for (uint64_t i = 0; i < 20000; i++) {
		struct dice d = dice_case(i);
		uint64_t rtt = dice_below(&d, 1500 * CLOCK_MS);
		uint64_t jitter = dice_below(&d, 60 * CLOCK_MS);
		uint64_t ppm =
		    dice_chance(&d, 50) ? 0 : dice_below(&d, 1000001);
		uint64_t mos = mos_estimate(rtt, jitter, ppm);
		double expected = reference(
		    (double)rtt / 1e6, (double)jitter / 1e6, (double)ppm / 1e4);

		assert_in_range(mos, 1000, 4500);
		if (fabs((double)mos - expected * 1000) > 0.51)
			print_error("SEED=%" PRIu64 ": %" PRIu64 ", not %f\n",
			    d.seed, mos, expected * 1000);
		assert_true(fabs((double)mos - expected * 1000) <= 0.51);
	}
}

/* Worse never scores better. */
static void
test_monotonic(void **state)
{
	for (uint64_t ms = 0; ms < 2000; ms++) {
		assert_true(mos_estimate((ms + 1) * CLOCK_MS, 0, 0) <=
			    mos_estimate(ms * CLOCK_MS, 0, 0));
		assert_true(mos_estimate(0, (ms + 1) * CLOCK_MS, 0) <=
			    mos_estimate(0, ms * CLOCK_MS, 0));
		assert_true(mos_estimate(0, 0, (ms + 1) * 500) <=
			    mos_estimate(0, 0, ms * 500));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worked_out),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_monotonic),
	};

	return cmocka_run_group_tests_name("mos", tests, NULL, NULL);
}
