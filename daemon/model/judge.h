/*
 * The state of one target, judged from the results of its probes with
 * hysteresis. Pure and table-driven; plain data, so that it can be stored.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "target.h"
#include "word.h"

struct judge {
	uint8_t state;		/* enum state: what the world sees */
	uint8_t verdict;	/* the same before damping */
	bool loss_high, rtt_high, error;	/* why it is degraded */
	bool damped;		/* changes too often: held at degraded */
	uint16_t fails, oks;	/* probes in a row, saturating */
	uint16_t locals;	/* likewise, since one that was not local */
	uint64_t changed_ns;	/* monotonic time of the last change */
	uint64_t changes;
	/* Changes of the verdict since flap_from; damped: the last one. */
	uint64_t flap_from;
	uint32_t flap_count;
};

/* One finished probe, and the shortest window as it is after it. */
struct judge_input {
	uint64_t now;		/* monotonic */
	/*
	 * Some request got a valid answer; with expect BLOCKED: something came
	 * through, valid or not.
	 */
	bool answered;
	bool error;		/* answered, but only with error codes */
	bool local;		/* our fault: says nothing of the far side */
	bool stop;		/* the peer wants not to be asked any more */
	uint64_t loss_ppm;	/* of the shortest window, or STATS_NONE */
	uint64_t rtt_ns;	/* mean over it, or STATS_NONE */
};

/* What changed, for events; several may be true at once. */
struct judge_change {
	bool state, loss, rtt;
	uint8_t from, to;
};

void judge_init(struct judge *j, enum state first, uint64_t now);

/*
 * Takes one finished probe in. down after down_after failures in a row, up
 * after up_after successes (one is enough out of unknown), degraded while
 * loss or RTT is above its threshold or the answers are errors, recovered
 * when below the lower threshold; local probes lead to unknown after
 * down_after in a row and count as neither: they do not end a row of others.
 * With expect BLOCKED an answer is the failure and silence the success, and
 * loss and RTT are not judged.
 * A peer that wants not to be asked is disabled, until judge_resume().
 * flap_changes changes between up, degraded and down within flap_ns damp: the
 * state is then degraded until flap_ns went by without a further one. A
 * disabled target stays so; numbers of 0 for down_after and up_after are 1.
 */
struct judge_change judge_probe(struct judge *j, const struct thresholds *t,
    enum expect expect, const struct judge_input *in);

/*
 * Whether the last probes speak for another state than it has, and are not
 * enough of them yet: then another one soon is worth more than one in time.
 */
bool judge_is_turning(const struct judge *j);

/* Of a disabled target nothing is known again. False: it is not disabled. */
bool judge_resume(struct judge *j, uint64_t now);

#endif
