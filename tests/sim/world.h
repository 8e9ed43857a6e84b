/*
 * A world for one schedule: a clock that is turned by hand, and peers that do
 * what a script says. The fake collectors hold the engine to the contract of
 * probe.h: whatever it may not do fails the test at once.
 *
 * "stun" (UDP) is read at the tick and lingers, as datagrams are; "tcp" (TCP)
 * has its events come in at any time, as streams do, and a bound on how many
 * run at once.
 */
#ifndef WORLD_H
#define WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dice.h"
#include "fleet.h"
#include "row.h"
#include "sched.h"
#include "store.h"

enum { SYNC_NONE, SYNC_ANSWER, SYNC_FAIL, SYNC_ERROR };

/* What a peer does. All zero: it answers at once, at the next look. */
struct script {
	uint64_t setup;	      /* until ready; streams only */
	uint64_t delay;	      /* round-trip time */
	uint64_t jitter;      /* more, up to this, at random */
	unsigned loss;	      /* percent of requests without an answer */
	unsigned twice;	      /* percent of answers that come twice */
	bool never_ready;     /* streams only */
	bool backwards;	      /* the later the request, the sooner its answer */
	enum outcome refuse;  /* ends the probe when it would be ready */
	enum outcome answer;  /* what an answer is; 0: ANSWERED */
	int start_error;      /* -errno of start() */
	uint8_t in_start;     /* SYNC_*: FAIL calls probe_fail() */
	uint8_t in_request;   /* likewise; ERROR returns one */
	enum outcome failure; /* of these; 0: REFUSED */
};

/* A target as its peer sees it. */
struct peer {
	struct script script;
	/* what happened; each request's first answer counts */
	uint64_t starts, stops, requests, in_time, late, copies;
	uint64_t first_start, last_start, last_request;
	uint64_t gap_least, gap_most;	      /* between starts */
	uint64_t spacing_least, spacing_most; /* between requests of a probe */
	enum trigger last_trigger;
	uint64_t queued_at; /* order of start, for FIFO */
	/* the probe under way */
	struct script playing; /* the script as it was at its start */
	struct probe *probe;
	const struct path *path;
	uint32_t use; /* events of other uses are void */
	unsigned asked;
	uint32_t answered; /* requests, a bit each */
	bool open, ready;
};

struct world {
	uint64_t now, wake; /* wake: when the engine's timer fires */
	int64_t real_offset;
	uint64_t late_least, late_most; /* the timer is late by this much */
	uint64_t cost;			/* of sending one request */
	struct dice dice;
	struct store *store;
	struct sched *sched;
	struct sched_settings settings;
	struct peer *peer; /* by number; number is in the address */
	size_t peers;
	struct row **row; /* by number, of the last adopted; borrowed */
	struct target **target;
	struct heap {
		struct moment *item; /* what peers will do; earliest first */
		size_t items, room;
	} datagrams, streams;
	uint64_t order;		      /* of moments, and of starts */
	unsigned active, active_most; /* streams */
	uint64_t busiest;	      /* most starts in one 100 ms */
	uint64_t slot, slot_starts;
	uint64_t note[64]; /* by event kind */
	struct sched_note last_note;
	struct once *done[64]; /* out of no schedule, as they ended */
	unsigned dones;
	void (*started)(struct world *w, struct peer *p, unsigned number);
};

/* At that monotonic time, with room for so many peers. */
struct world *world_new(uint64_t now, size_t peers);
void world_free(struct world *w);
/* How many streams may be under way at once; before world_new(). */
void world_concurrent(unsigned most);

/* Adopts an inventory and clears it. */
void world_adopt(struct world *w, struct inventory *inv);
/* A probe out of no schedule, of the peer with that number. */
struct once *world_once(
    struct world *w, unsigned number, bool stream, uint64_t within);
/* Turns time forward to then. */
void world_run(struct world *w, uint64_t until);
void world_run_for(struct world *w, uint64_t ns);
/* Time passes, and the loop does not turn. */
void world_stall(struct world *w, uint64_t ns);
/* The wall clock is set. */
void world_step(struct world *w, int64_t by);

struct sched_counts world_counts(struct world *w);
uint64_t world_missed(struct world *w);
/* No probe of the target is under way. */
bool world_idle(struct world *w, unsigned number);
uint64_t world_tally(struct world *w, unsigned number, unsigned word);
uint64_t world_ended(struct world *w, unsigned number, enum outcome o);

#endif
