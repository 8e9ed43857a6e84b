/* Order statistics of 64-bit numbers, in place, without sorting them all. */
#ifndef QUANTILE_H
#define QUANTILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The values at the given quantiles (in thousandths, ascending: 500, 950,
 * 990) by the nearest-rank definition: the least value with at least q * n
 * values not above it. Reorders v. n > 0.
 */
void quantile_select(uint64_t *v, size_t n, const unsigned *permille,
    size_t count, uint64_t *out);

#endif
