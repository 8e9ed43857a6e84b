/* Native histograms: which bucket, and how many are in it. */
#include "build.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "native.h"

struct native {
	_Atomic uint64_t zero, count[STATS_NATIVE];
};

/* 2^(k/8 - 1): what an octave's fractions are compared with. */
static const double bounds[] = {0.5, 0.5452538663326288, 0.5946035575013605,
    0.6484197773255048, 0.7071067811865475, 0.7711054127039704,
    0.8408964152537144, 0.9170040432046711};

enum { PER_OCTAVE = sizeof(bounds) / sizeof(bounds[0]) };

struct native *
native_new(void)
{
	return calloc(1, sizeof(struct native));
}

void
native_free(struct native *n)
{
	free(n);
}

int
native_bucket(uint64_t ns)
{
	int octave, i = 0;
	double fraction = frexp((double)ns * 1e-9, &octave);

	for (unsigned k = 0; k < PER_OCTAVE; k++)
		i += fraction > bounds[k];
	i += (octave - 1) * PER_OCTAVE - STATS_NATIVE_FIRST;
	if (ns == 0 || i < 0)
		return -1;
	return i < STATS_NATIVE ? i : STATS_NATIVE - 1;
}

void
native_add_many(struct native *n, int bucket, uint64_t count)
{
	_Atomic uint64_t *at = bucket < 0 ? &n->zero : &n->count[bucket];

	atomic_fetch_add_explicit(at, count, memory_order_relaxed);
}

void
native_add(struct native *n, uint64_t ns)
{
	native_add_many(n, native_bucket(ns), 1);
}

void
native_read(
    const struct native *n, uint64_t *zero, uint64_t count[STATS_NATIVE])
{
	*zero = atomic_load_explicit(&n->zero, memory_order_relaxed);
	for (unsigned i = 0; i < STATS_NATIVE; i++)
		count[i] =
		    atomic_load_explicit(&n->count[i], memory_order_relaxed);
}
