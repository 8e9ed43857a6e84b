/*
 * Order statistics by quickselect. The pivot is a median of three at first;
 * should that go wrong for long (it can be provoked), the range of values is
 * halved instead, which ends after 64 rounds whatever the input is.
 */
#include "build.h"

#include <assert.h>

#include "quantile.h"

enum {
	FEW = 12,	 /* sorted by insertion */
	GOOD_ROUNDS = 24 /* before the pivots are distrusted */
};

static void
sort_few(uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t x = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static uint64_t
median_of_three(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t low = a < b ? a : b, high = a < b ? b : a;

	if (c <= low)
		return low;
	return c < high ? c : high;
}

/*
 * Brings the values below the pivot to the front and returns how many they
 * are. There is no branch in it, for none could be predicted.
 */
static size_t
partition(uint64_t *v, size_t n, uint64_t pivot)
{
	size_t below = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = v[i];

		v[i] = v[below];
		v[below] = x;
		below += x < pivot;
	}
	return below;
}

/* One above the middle of the values: both sides get some, or all are equal. */
static uint64_t
halving_pivot(const uint64_t *v, size_t n)
{
	uint64_t low = v[0], high = v[0];

	for (size_t i = 1; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	return low == high ? low : low + (high - low) / 2 + 1;
}

/* Puts the value of rank k (from 0) at v[k], none less than it after it. */
static void
select_rank(uint64_t *v, size_t n, size_t k)
{
	for (unsigned round = 0; n > FEW; round++) {
		uint64_t pivot = round < GOOD_ROUNDS
				     ? median_of_three(v[0], v[n / 2], v[n - 1])
				     : halving_pivot(v, n);
		size_t below = partition(v, n, pivot);

		if (k < below) {
			n = below;
			continue;
		}
		/* The pivot is the least: step over all that equal it. */
		if (below == 0) {
			below = pivot == UINT64_MAX
				    ? n
				    : partition(v, n, pivot + 1);
			if (k < below)
				return;
		}
		v += below;
		n -= below;
		k -= below;
	}
	sort_few(v, n);
}

void
quantile_select(uint64_t *v, size_t n, const unsigned *permille, size_t count,
    uint64_t *out)
{
	size_t done = 0; /* so many are in place, none above what follows */

	for (size_t i = 0; i < count; i++) {
		size_t rank =
		    (size_t)(((uint64_t)n * permille[i] + 999) / 1000);
		size_t k = rank > 0 ? rank - 1 : 0;

		assert(k < n);
		if (k >= done) {
			select_rank(v + done, n - done, k - done);
			done = k + 1;
		}
		out[i] = v[k];
	}
}
