/*
 * One probe out of no schedule, for who asks for it: a run with a row that
 * nobody else sees. The control thread makes it and looks at its end; in
 * between it is a loop's.
 */
#ifndef ONCE_H
#define ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "details.h"
#include "outcome.h"
#include "probe.h"

struct collector;
struct run;
struct target;

struct once {
	struct run *run; /* owned */
	struct details details;
	uint64_t deadline;	 /* monotonic: it has ended by then */
	uint64_t ended;		 /* when the loop saw its end */
	bool begun;		 /* false: no place was free until then */
	void *arg;		 /* the asker's */
	struct once *next, **at; /* on the loop's list */
};

/* What became of it. */
struct once_result {
	enum outcome outcome; /* of its last request */
	int code;
	uint64_t rtt_ns;  /* of an answer; else 0 */
	uint64_t took_ns; /* from its start to its answer, or its end */
	uint64_t phase_ns[PHASE_END];
	bool has_tls;
	struct tls_facts tls;
	uint64_t known; /* 1 << FACT_x */
	int64_t fact[FACT_END];
	struct addr mapped; /* family 0: it was not told */
};

/*
 * With the collector of the target's kind, which the loop must have. The
 * target needs no seal, and has an address and an interval of no matter; a
 * reference is taken. NULL: no memory.
 */
struct once *once_new(
    const struct collector *c, struct target *t, uint64_t deadline, void *arg);
void once_free(struct once *o); /* NULL is fine */

/* After its end. */
void once_read(const struct once *o, struct once_result *out);

/* On and off the list of those that a loop has; off it is fine, too. */
void once_link(struct once **list, struct once *o);
void once_unlink(struct once *o);

#endif
