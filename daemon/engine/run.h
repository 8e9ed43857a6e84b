/*
 * A run: the life of one target in a schedule, probe after probe. sched.c
 * says when; run.c keeps the requests of a probe, and enters them into the
 * row in the order in which they were sent.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "collector.h"
#include "sched.h"
#include "store.h"
#include "wheel.h"

enum run_phase { RUN_IDLE, RUN_QUEUED, RUN_SETUP, RUN_SENDING };

struct once;

struct run_request {
	uint64_t sent_ns, rtt_ns;
	uint8_t outcome; /* 0: under way */
	int32_t code;
};

struct run {
	struct wheel_item item; /* first: the wheel gives it back */
	struct probe probe;	/* what the collector sees */
	struct sched *sched;
	struct sched_kind *kind;    /* its collector in this loop */
	struct run *queued;	    /* next in the kind's queue */
	struct target *target;	    /* reference */
	struct target *next;	    /* reference: from the next round on */
	struct row *row;	    /* reference */
	struct once *once;	    /* what it is the run of, or NULL */
	uint64_t generation;	    /* of the last roster that had it */
	uint64_t due_ns;	    /* the next regular start */
	uint64_t start_ns, send_ns; /* of the round; of its next request */
	uint64_t phase_ns[PHASE_END];
	struct window_sums sums; /* shortest window: samples from tail on */
	uint64_t tail;
	uint8_t phase;	 /* enum run_phase */
	uint8_t trigger; /* enum trigger, of the round */
	uint8_t again;	 /* that of a round which is wanted; 0: none is */
	bool owed;	 /* it stands for a regular one */
	bool started;	 /* stop() is owed */
	bool first_done;
	uint8_t sent, entered; /* requests sent; entered into the row */
	uint8_t total;	       /* requests of this round */
	uint8_t answered, errors, locals;
	uint8_t unsure;	  /* requests that say nothing of a wall */
	uint8_t open_by;  /* outcome of one that came through it; 0: none */
	bool stopped;	  /* the peer wants no more rounds */
	uint8_t slower;	  /* how often it wanted fewer of them */
	uint64_t wait_ns; /* until then there are none, therefore */
	uint32_t memory;  /* bytes of the collector's, across rounds */
	struct run_request request[]; /* target->count; state; memory */
};

/* NULL: no memory. References to both are taken. */
struct run *run_new(struct target *t, struct row *r, const struct collector *c);
void run_free(struct run *u);
/*
 * The target from now on: at once, or from the next start on when a collector
 * has hold of the present one. A reference is taken.
 */
void run_retarget(struct run *u, struct target *t);
/* The one that the next round will be of. */
const struct target *run_coming(const struct run *u);
/* No collector has hold of the present one any more. */
void run_take_next(struct run *u);
/* What the peer of a round under way demands. */
void run_hold(struct run *u, enum hold how);
/* Whether it has demanded that there be no round now. */
bool run_is_held(const struct run *u, uint64_t now);
/* What it demanded is forgotten. */
void run_release(struct run *u, uint64_t now);
/* A new round begins. */
void run_reset(struct run *u, uint64_t now, enum trigger trigger);

/*
 * Request seq ended. False when it had ended before: then a is a late answer
 * (counted here) or a duplicate.
 */
bool run_end(struct run *u, unsigned seq, const struct answer *a);
/* An answer to a request that had timed out: counted once. */
void run_late(struct run *u, unsigned seq);
/* Requests under way since before now - timeout end as timeouts. */
void run_expire(struct run *u, uint64_t now);
/* Every request that was sent and has not ended ends like this. */
void run_end_all(struct run *u, enum outcome o, int code);
/* Ended requests at the head go into the row. */
void run_enter(struct run *u, uint64_t now, uint64_t short_ns);
/* The oldest request under way was sent then; UINT64_MAX: none is. */
uint64_t run_oldest(const struct run *u);
/* All requests of the round have been entered. */
bool run_complete(const struct run *u);

/*
 * The round is over: its numbers, then the judge. What changed goes to note().
 */
void run_judge(struct run *u, uint64_t now, uint64_t short_ns,
    void (*note)(void *arg, const struct sched_note *n), void *arg);

/* Whether the judge would know more by another round soon. */
bool run_is_turning(const struct run *u);

/* The sums made anew, after a start, a reload or another shortest window. */
void run_sums_reset(struct run *u, uint64_t now, uint64_t short_ns);

#endif
