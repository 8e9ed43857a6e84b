/*
 * The schedule of one loop: which probe is due, how many may run, when a
 * request has timed out; and what a finished probe means for its row. It
 * knows no event loop: the engine (or a simulation) calls sched_advance()
 * when sched_next() says so. All calls but sched_counts() from one thread.
 */
#ifndef SCHED_H
#define SCHED_H

#include <stdint.h>

#include "collector.h"
#include "event.h"
#include "stats.h"
#include "store.h"

enum { SCHED_TICK_MS = 20, SCHED_COARSE = 5 }; /* grid, in ticks */

struct once;

struct sched_settings {
	uint64_t short_ns; /* the shortest window: the judge's */
	uint64_t rate;	   /* requests per second over all, at least 1 */
	/* Of the configuration; each makes good what peers demanded. */
	uint64_t reloads;
};

/* Something changed; for the control thread to tell. */
/* What keeps a target from being up though it answers; the first that holds. */
enum sched_why { WHY_NONE, WHY_DAMPED, WHY_LOSS, WHY_LATENCY };

struct sched_note {
	uint64_t at;	  /* monotonic */
	uint32_t index;	  /* of the target */
	uint8_t kind;	  /* enum event_kind */
	uint8_t from, to; /* enum state */
	uint8_t outcome;  /* of the last request */
	uint32_t window_s;
	uint8_t why; /* of a state: enum sched_why */
	uint64_t value, threshold;
};

struct sched_counts {
	uint64_t in_flight, wakeups, unmatched, drops;
	uint64_t first_pending; /* targets whose first probe is not over */
	uint64_t missed[MISSED_END];
	uint64_t stamp[STAMP_END];
	struct snap_hist lag;
	uint64_t beat; /* monotonic time of the last advance */
};

struct sched_setup {
	const struct collector *const *collectors; /* NULL at its end */
	struct collector_setup collector;
	uint8_t loop; /* entries with this number are ours */
	/* The next wake is earlier than it was said to be. */
	void (*rearm)(void *arg);
	void (*note)(void *arg, const struct sched_note *n);
	/* One out of no schedule has ended; whose it is now. */
	void (*done)(void *arg, struct once *o);
	void *arg;
};

struct sched;

struct sched *sched_new(const struct sched_setup *setup);
/* Stops what is under way; requests that have not ended count as nothing. */
void sched_stop(struct sched *s);
void sched_free(struct sched *s);

/* The targets from now on; takes the reference over. */
void sched_adopt(
    struct sched *s, struct roster *r, const struct sched_settings *settings);
void sched_adjust(struct sched *s, const struct collector_setup *setup);

/*
 * A round out of turn: of one target by its index, or of all (0), spread so
 * that the rate is kept. -ENOENT when no such target is here.
 */
int sched_trigger(struct sched *s, enum trigger trigger, uint32_t index);

/*
 * Takes it over until done(), which comes from sched_advance() or, when it
 * cannot be, at once. Within its time-out and its deadline; it waits for a
 * place as the others of its kind do.
 */
void sched_once(struct sched *s, struct once *o);

/* Does all that is due by clock_mono(). */
void sched_advance(struct sched *s);
/* Monotonic time at which to call it next; UINT64_MAX for never. */
uint64_t sched_next(struct sched *s);

/* Adds what was counted; any thread. */
void sched_counts(const struct sched *s, struct sched_counts *add);

#endif
