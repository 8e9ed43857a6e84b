/* What a group's histogram has beside its buckets: native ones, exemplars. */
#ifndef SNAPSHOT_HIST_H
#define SNAPSHOT_HIST_H

#include <stdint.h>

#include "stats.h"

struct native;
struct snapshot_builder;
struct target;

/* The newest answer in a bucket; target NULL: none. */
struct snapshot_hist_shown {
	const struct target *target;
	uint64_t rtt, at; /* ns; monotonic */
};

struct snapshot_hist {
	const struct snap_native *native;
	struct snapshot_hist_shown shown[STATS_BUCKETS];
};

/* A copy of the counts as they are now. */
void snapshot_hist_native(struct snapshot_hist *h, struct snapshot_builder *b,
    const struct native *n);
/* The last answer of a target; at 0: it had none. */
void snapshot_hist_answer(
    struct snapshot_hist *h, const struct target *t, uint64_t rtt, uint64_t at);
void snapshot_hist_put(const struct snapshot_hist *h,
    struct snapshot_builder *b, struct snap_hist *out);

#endif
