/*
 * Ticks of 20 ms. Starts and time-outs gather at every fifth, unless the
 * target is probed more than once a second. Each target has its own phase
 * within its interval, counted from the origin of the monotonic clock.
 */
#include "build.h"

#include "grid.h"

uint64_t
grid_tick(uint64_t ns)
{
	return (ns + GRID_TICK - 1) / GRID_TICK;
}

static uint64_t
grain(const struct run *u)
{
	return run_coming(u)->interval_ns < CLOCK_SEC ? 1 : SCHED_COARSE;
}

uint64_t
grid_start(const struct run *u, uint64_t ns)
{
	uint64_t g = grain(u);

	return (grid_tick(ns) + g - 1) / g * g;
}

uint64_t
grid_due(const struct target *t, uint64_t now)
{
	uint64_t phase =
	    (uint64_t)(((unsigned __int128)t->phase * t->interval_ns) >> 32);
	uint64_t n = now >= phase ? (now - phase) / t->interval_ns + 1 : 0;

	return phase + n * t->interval_ns;
}

uint64_t
grid_expiry(const struct run *u, uint64_t ns)
{
	uint64_t tick = grid_start(u, ns), due = grid_start(u, u->due_ns);

	if (tick <= due)
		return tick;
	return ns <= due * GRID_TICK + GRID_TICK ? due : grid_tick(ns);
}

uint64_t
grid_slack(const struct run *u, uint64_t now)
{
	return now >= grid_start(u, u->due_ns) * GRID_TICK ? GRID_TICK : 0;
}

uint64_t
grid_account(struct run *u, uint64_t now, uint64_t most)
{
	uint64_t interval = run_coming(u)->interval_ns;
	uint64_t step = grain(u) * GRID_TICK, last, missed;

	/* Those up to here have had their tick. */
	if (u->due_ns > now / step * step)
		return 0;
	missed = (now / step * step - u->due_ns) / interval;
	last = u->due_ns + missed * interval;
	u->due_ns = last + interval;
	if (u->again == 0 && now - last > most + step)
		return missed + 1;
	if (u->again == 0)
		u->again = TRIGGER_INTERVAL;
	else if (u->owed)
		missed++;
	u->owed = true;
	return missed;
}

uint64_t
grid_within(
    const struct run *u, uint64_t due, uint64_t n, const struct grid_span *span)
{
	uint64_t interval = run_coming(u)->interval_ns;
	uint64_t from = span->from * GRID_TICK, to = span->to * GRID_TICK;
	uint64_t before, upto;

	if (to < due)
		return 0;
	before = from > due ? (from - due + interval - 1) / interval : 0;
	upto = (to - due) / interval + 1;
	if (upto > n)
		upto = n;
	return upto > before ? upto - before : 0;
}
