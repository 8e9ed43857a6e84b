/*
 * What follows from the targets together: media clusters, their transports
 * and ranks, verdicts on the site; worked out once a second from the rows,
 * and told as events. Control thread only.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "sched.h"
#include "store.h"

struct decide;

struct decide *decide_new(struct store *s); /* NULL: no memory */
void decide_free(struct decide *d);

/* margin_ppm: how much better a rival must be; see choose.h. */
void decide_configure(struct decide *d, uint32_t margin_ppm);
/* Whether the link by which targets are reached is down (netwatch). True: that
 * is news, and what follows from it is to be worked out. */
bool decide_link(struct decide *d, bool down);
/* Works everything out, stores the decision, emits what changed. */
void decide_run(struct decide *d, uint64_t now);
/* Tells of a change of a target that a schedule noted. */
void decide_note(struct decide *d, const struct sched_note *n);

#endif
