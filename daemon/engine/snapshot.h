/*
 * A snapshot: all statistics at one moment, immutable, counted, shared by all
 * faces. It is computed from the store by the thread that asks, at most once
 * a second: windows are exact as of the read. Items that have more labels
 * than another scope's (windows, phases, links) stand in the order of those.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "stats.h"
#include "store.h"

/* The newest requests of a target, oldest first. */
struct snapshot_history {
	const struct sample *sample; /* the snapshot's */
	size_t samples;
	uint64_t last; /* number of the last one, from 1 on */
};

struct snapshot {
	unsigned refs; /* atomic */
	uint64_t mono; /* when it was taken */
	int64_t real;
	int64_t offset;	       /* real minus monotonic, for times of samples */
	uint64_t generation;   /* of the roster */
	struct roster *roster; /* reference: names, paths */
	struct decision *decision; /* reference or NULL */
	struct stats_items scope[STATS_SCOPES];
	unsigned windows;
	uint64_t window[4]; /* ns */
	bool restored;	    /* some counts began in an earlier process */
	/* One per entry of the roster; NULL unless they are kept. */
	struct snapshot_history *history;
	void *memory; /* owned: labels, items, samples */
};

/* Items of a scope, typed: SNAP(s, target)[i].requests. */
#define SNAP(s, name) ((struct snap_##name *)(s)->scope[SCOPE_##name].item)
#define SNAP_COUNT(s, name) ((s)->scope[SCOPE_##name].count)

/* What of it is computed; the configuration's. */
struct snapshot_settings {
	uint64_t window[4]; /* ns, ascending */
	unsigned windows;   /* 0: rolling statistics are off */
	bool per_target;    /* histograms per target, not per cluster */
};

/*
 * Everything that is not in the store is added by whoever has it: fill() is
 * called by the thread that takes the snapshot, so it reads atomics or takes
 * its own lock. Fixed before the first snapshot is taken.
 */
struct snapshot_builder;
struct snapshot_source {
	void (*fill)(void *arg, struct snapshot_builder *b);
	void *arg;
};

struct snapshotter;

/* Owned by the caller; the store is borrowed and outlives it. */
struct snapshotter *snapshot_new(struct store *store);
void snapshot_free(struct snapshotter *s);
/* At most 8; not once snapshots are taken. */
void snapshot_add_source(struct snapshotter *s, struct snapshot_source source);
void snapshot_configure(
    struct snapshotter *s, const struct snapshot_settings *settings);
/* So many samples of each target; not once snapshots are taken. At most
 * SNAPSHOT_HISTORY. */
enum { SNAPSHOT_HISTORY = 64 };
void snapshot_keep_history(struct snapshotter *s, unsigned samples);

/* Something happened that the next reader must see. */
void snapshot_expire(struct snapshotter *s);

/* A reference to a snapshot at most a second old. NULL: no memory. */
struct snapshot *snapshot_get(struct snapshotter *s);
/* The same, but taken now. */
struct snapshot *snapshot_take(struct snapshotter *s);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);

/* For sources. */

/*
 * Room for one more item of the scope: gauges STATS_NONE, counters 0, labels
 * set to a copy. Valid until the next call for the same scope. NULL: no
 * memory, and the snapshot will not come about.
 */
void *snapshot_item(
    struct snapshot_builder *b, enum stats_scope scope, const char *labels);
/* The item of a scope that has but one, without labels; made when asked for. */
void *snapshot_only(struct snapshot_builder *b, enum stats_scope scope);
/* A copy of a label text that lives as long as the snapshot; NULL: no memory.
 */
const char *snapshot_text(struct snapshot_builder *b, const char *text);
/* What has been filled in so far: roster and rows come first. */
const struct snapshot *snapshot_of(const struct snapshot_builder *b);
/* Seconds since 1970, as ns, of a monotonic time; STATS_NONE for 0. */
uint64_t snapshot_time(const struct snapshot_builder *b, uint64_t mono);

#endif
