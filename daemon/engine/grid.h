/*
 * The grid of time: when a target's rounds are regularly due, at which tick
 * something happens, and what became of rounds that did not start. Pure.
 */
#ifndef GRID_H
#define GRID_H

#include "clock.h"
#include "run.h"
#include "sched.h"

#define GRID_TICK (SCHED_TICK_MS * CLOCK_MS)

/* The first tick at or after that time. */
uint64_t grid_tick(uint64_t ns);
/* Likewise, of those at which the run's rounds start and its requests end. */
uint64_t grid_start(const struct run *u, uint64_t ns);
/* The first regular start of the target after now. */
uint64_t grid_due(const struct target *t, uint64_t now);

/*
 * When to look whether what times out then has done so. Not later than the
 * next regular start, if that comes within grid_slack() before.
 */
uint64_t grid_expiry(const struct run *u, uint64_t ns);
/*
 * Where the time-out fills the interval, requests would outlive it by the
 * microseconds that passed before they were sent, and each lost round would
 * delay the next: at the next start they are ended so much early.
 */
uint64_t grid_slack(const struct run *u, uint64_t now);

/* Ticks, both ends included; all zero: none. */
struct grid_span {
	uint64_t from, to;
};

/* Of n regular starts from due on, how many come within the span. */
uint64_t grid_within(const struct run *u, uint64_t due, uint64_t n,
    const struct grid_span *span);

/*
 * Takes account of the regular starts up to now: the wanted round stands for
 * one of them. If none is wanted, one is when the last start was at most
 * `most` ago. Returns how many were missed.
 */
uint64_t grid_account(struct run *u, uint64_t now, uint64_t most);

#endif
