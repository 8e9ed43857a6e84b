/*
 * Notifications on their way to the master: a bounded queue between the
 * thread that has events and the one that may send. Pure but for its lock.
 *
 * While the site's own link is down, targets, media clusters and what else
 * follows from it are not spoken of: the outage is the one thing to know. What
 * comes faster than can be read is left out as well; both are counted as
 * suppressed. What is then still not as managers believe is told in the end:
 * a minute after the outage, and as fast as the rate allows
 * (agentx_pending.h). While there is no master the oldest make room for the
 * newest, and are counted as dropped.
 */
#ifndef AGENTX_TRAP_H
#define AGENTX_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "agentx_value.h"
#include "event.h"
#include "mib.h"

enum {
	AGENTX_TRAP_QUEUE = 256,
	AGENTX_TRAP_BURST = 100,
	AGENTX_TRAP_RATE = 10,
	AGENTX_TRAP_GRACE = 60 /* s after an outage */
};

struct agentx_trap_notice {
	uint32_t sequence;
	struct event event;
};

struct agentx_trap_counts {
	uint64_t queued, suppressed, dropped;
};

struct agentx_trap;

/* NULL: no memory. */
struct agentx_trap *agentx_trap_new(void);
void agentx_trap_free(struct agentx_trap *t);

/* Any thread; now is monotonic. True: it waits to be sent. */
bool agentx_trap_put(
    struct agentx_trap *t, const struct event *e, uint64_t now);
/* The oldest that waits; false: none. */
bool agentx_trap_take(
    struct agentx_trap *t, uint64_t now, struct agentx_trap_notice *out);
struct agentx_trap_counts agentx_trap_counts(struct agentx_trap *t);

/* The value of an object that notices of that kind have. */
void agentx_trap_value(const struct agentx_trap_notice *n,
    enum mib_notify which, struct agentx_value *out);

#endif
