/*
 * A schedule on a libuv loop: one timer, one mailbox. Two of them run, one a
 * thread; a target belongs to one. What the control thread wants is left in
 * the mailbox and taken up at the loop's next turn; nobody waits.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>

#include "sched.h"

struct once;
struct uv_loop_s;
struct engine;

struct engine_setup {
	struct uv_loop_s *loop;
	uint8_t number; /* roster entries with it are ours */
	const struct collector *const *collectors;
	struct collector_setup collector; /* its loop is set here */
	/* There are notes, or once's, to fetch; in the engine's thread. */
	void (*notify)(void *arg);
	void *arg;
};

/* In the loop's thread, before it runs. NULL: no memory. */
struct engine *engine_new(const struct engine_setup *setup);
/* In the loop's thread: stops probing, closes its handles on the loop. */
void engine_close(struct engine *e);
/* When the loop has run out. */
void engine_free(struct engine *e);

/* The control thread's calls. */

/* Targets, settings and set-up from now on; takes the reference over. */
int engine_adopt(struct engine *e, struct roster *r,
    const struct sched_settings *settings,
    const struct collector_setup *collector);
/* A round out of turn: see sched_trigger(). False: too many are waiting. */
bool engine_trigger(struct engine *e, enum trigger trigger, uint32_t index);
/*
 * Takes the probe over; it comes back by engine_once_done(), also when the
 * loop has ended. False: too many are waiting, and it is still the caller's.
 */
bool engine_once(struct engine *e, struct once *o);
struct once *engine_once_done(struct engine *e); /* NULL: none (yet) */
bool engine_note(struct engine *e, struct sched_note *out);
/* Ends the loop's work from another thread: engine_close() there. */
void engine_stop(struct engine *e);

/* Any thread. */
void engine_counts(const struct engine *e, struct sched_counts *add);
uint64_t engine_notes_dropped(const struct engine *e);
/* How long its timer is overdue, in ns: a loop that does not turn. */
uint64_t engine_late(const struct engine *e);

#endif
