/*
 * A snapshot: all statistics at one moment, immutable, counted, shared by all
 * faces. It is computed from the store by the thread that asks, at most once
 * a second: windows are exact as of the read.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "stats.h"
#include "store.h"

struct snapshot {
	unsigned refs;			/* atomic */
	uint64_t mono;			/* when it was taken */
	int64_t real;
	uint64_t generation;		/* of the roster */
	struct roster *roster;		/* reference: names, paths */
	struct decision *decision;	/* reference or NULL */
	struct stats_items scope[STATS_SCOPES];
	unsigned windows;
	uint64_t window[4];		/* ns */
	void *memory;			/* owned: labels and items */
};

/* Items of a scope, typed: SNAP(s, target)[i].requests. */
#define SNAP(s, name) ((struct snap_##name *)(s)->scope[SCOPE_##name].item)
#define SNAP_COUNT(s, name) ((s)->scope[SCOPE_##name].count)

/*
 * What the snapshot needs beside the store: everything that is not per
 * target. Filled by main's wiring; each call is made by the reading thread
 * and must be safe there (atomics or its own lock).
 */
struct snapshot_sources;

struct snapshotter;

/* Owned by the caller; sources are borrowed and outlive it. */
struct snapshotter *snapshotter_new(struct store *store,
    const struct snapshot_sources *sources);
void snapshotter_free(struct snapshotter *s);

/* A reference to a snapshot at most a second old. NULL: no memory. */
struct snapshot *snapshot_get(struct snapshotter *s);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);

/*
 * Sources: one function per scope that adds its items. A source appends
 * through snapshot_items(); labels are copied.
 */
struct snapshot_builder;
struct snapshot_sources {
	void (*fill)(void *arg, struct snapshot_builder *b);
	void *arg;
	/* settings that shape the snapshot; read under the builder's lock */
	const uint64_t *window;
	unsigned windows;
	int histograms;		/* enum config_histograms */
	int rolling;
};

/*
 * Room for one more item of the scope (zeroed, labels set to a copy), valid
 * until the next call for the same scope. NULL: no memory.
 */
void *snapshot_item(struct snapshot_builder *b, enum stats_scope scope,
    const char *labels);
/* A copy of a label text that lives as long as the snapshot. */
const char *snapshot_text(struct snapshot_builder *b, const char *text);

#endif
