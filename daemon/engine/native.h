/*
 * Counts of round-trip times in exponential buckets, eight to an octave: what
 * Prometheus calls a native histogram of schema 3. Any thread may add; a
 * reader sees each count as it is at that moment.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdint.h>

#include "stats.h"

struct native;

struct native *native_new(void); /* NULL: no memory */
void native_free(struct native *n);

/* One more of so many ns. */
void native_add(struct native *n, uint64_t ns);
/* So many more at once, from the state file; bucket -1: the zero bucket. */
void native_add_many(struct native *n, int bucket, uint64_t count);
void native_read(
    const struct native *n, uint64_t *zero, uint64_t count[STATS_NATIVE]);

/*
 * The bucket of a time, 0 to STATS_NATIVE - 1: bucket i holds what is above
 * 2^((i - 1 + FIRST)/8) s and up to 2^((i + FIRST)/8) s, FIRST being
 * STATS_NATIVE_FIRST; the last one also what is beyond. -1: less than that.
 */
int native_bucket(uint64_t ns);

#endif
