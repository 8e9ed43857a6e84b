/*
 * Seeded random numbers for tests on random input: the same in every run
 * unless SEED is set in the environment; a failure names the case's seed.
 */
#ifndef DICE_H
#define DICE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct dice {
	uint64_t seed, state;
};

static inline uint64_t
dice_next(struct dice *d)
{
	/* SplitMix64 */
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The dice of case number i of a test. */
static inline struct dice
dice_case(uint64_t i)
{
	const char *base = getenv("SEED");
	uint64_t seed = (base != NULL ? strtoull(base, NULL, 0) : 1) + i;

	return (struct dice){seed, seed * UINT64_C(0x2545f4914f6cdd1d)};
}

/* 0..n-1; n > 0 */
static inline uint64_t
dice_below(struct dice *d, uint64_t n)
{
	return dice_next(d) % n;
}

static inline bool
dice_chance(struct dice *d, unsigned percent)
{
	return dice_below(d, 100) < percent;
}

#define DICE_EQUAL(d, value, expected)                                 \
	do {                                                           \
		uint64_t dice_a = (value), dice_b = (expected);        \
		if (dice_a != dice_b)                                  \
			print_error("SEED=%" PRIu64 ": %s is %" PRIu64 \
				    ", not %" PRIu64 "\n",             \
			    (d)->seed, #value, dice_a, dice_b);        \
		assert_true(dice_a == dice_b);                         \
	} while (0)

#endif
