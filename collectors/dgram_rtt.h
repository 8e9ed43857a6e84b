/*
 * The round-trip time of one datagram from the times that are known of it.
 * Pure. The kernel's stamps are CLOCK_REALTIME and may be missing or taken
 * on either side of a clock step; a result outside of what the monotonic
 * clock allows is never used.
 */
#ifndef DGRAM_RTT_H
#define DGRAM_RTT_H

#include <stdbool.h>
#include <stdint.h>

#include "word.h"

/* When the clock was set, seen from the answer. */
enum dgram_step {
	DGRAM_STEP_NONE,    /* not while the request was under way */
	DGRAM_STEP_NOW,	    /* since the socket was read the last time */
	DGRAM_STEP_EARLIER, /* before that, so the answer came after it */
};

struct dgram_times {
	uint64_t sent;	/* monotonic, just before sendto() */
	uint64_t now;	/* monotonic, after the answer was read */
	int64_t tx, rx; /* the kernel's, real; 0: none */
	int64_t offset; /* real minus monotonic, now */
	int64_t before; /* and before the last step */
	enum dgram_step step;
};

/* Nanoseconds, never 0; *stamp says what they are from. */
uint64_t dgram_rtt(const struct dgram_times *t, enum stamp *stamp);

/*
 * When it left and when its answer came by the real clock, in ns since 1970.
 * False: not known well enough to compare it with another clock, for the
 * kernel did not stamp the answer, or the clock was set meanwhile.
 */
bool dgram_rtt_real(
    const struct dgram_times *t, int64_t *sent, int64_t *received);

#endif
