/*
 * A round: one probe of a target from its start to its end, and what the
 * collectors say meanwhile. sched.c turns the wheel and keeps membership.
 */
#ifndef ROUND_H
#define ROUND_H

#include <stdatomic.h>

#include "grid.h"
#include "run.h"
#include "sched.h"

enum { KINDS_MAX = 16 };

/* One collector in this loop. */
struct sched_kind {
	const struct collector *collector;
	void *loop;		   /* from its open() */
	unsigned active;	   /* probes under way */
	struct run *first, **last; /* queue for a free place */
	bool kicking;
	bool open;
};

/* Written by the loop's thread, read by any. */
struct counters {
	_Atomic uint64_t in_flight, wakeups, unmatched, drops, first_pending;
	_Atomic uint64_t missed[MISSED_END], stamp[STAMP_END];
	_Atomic uint64_t lag[STATS_BUCKETS], lag_count, lag_sum, beat;
};

struct sched {
	struct sched_setup setup;
	struct sched_settings settings;
	struct wheel wheel;
	struct sched_kind kind[KINDS_MAX];
	unsigned kinds;
	struct roster *roster; /* reference */
	struct run **run;      /* all of them; owned */
	size_t runs;
	struct once *once; /* those out of no schedule */
	unsigned onces;
	unsigned polled;	/* active probes that the tick reads */
	uint64_t armed;		/* tick that sched_next() promised */
	struct grid_span stall; /* ticks that the loop last stood still */
	bool advancing;
	struct counters count;
};

extern const struct probe_ops round_ops; /* what a probe calls */

/* Into the wheel, at that tick. */
void round_put(struct run *u, uint64_t tick);
/* One writer: a plain add, seen by readers. */
void round_bump(_Atomic uint64_t *p, uint64_t v);

/* Its time came up: a start, sends, time-outs. */
void round_advance(struct run *u, uint64_t now);
/* The one round of a run that is in no schedule: now, or when it may be. */
void round_once(struct run *u);
/* Places of the kind may have become free: who waits for one starts. */
void round_kick(struct sched_kind *k);
/* Ends what the target is doing; requests under way count as nothing. */
void round_abandon(struct run *u);

#endif
