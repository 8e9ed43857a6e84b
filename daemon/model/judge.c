/*
 * Judging. A probe is reduced to one signal; the state and the signal give
 * the next verdict by a table. Between verdict and state stands the damping:
 * a target that changes its verdict too often is held at degraded.
 */
#include "build.h"

#include <string.h>

#include "judge.h"
#include "stats.h"

/* What a probe says, with what came before it. */
enum signal {
	GOOD,	     /* as expected */
	GOOD_ENOUGH, /* up_after of them in a row */
	BAD,
	BAD_ENOUGH,   /* down_after of them in a row */
	LOCAL,	      /* our own fault */
	LOCAL_ENOUGH, /* down_after of them in a row */
	STOP,	      /* not to be asked */
	SIGNALS
};

/* What follows; ALIVE is up or degraded, as the thresholds have it. */
enum next { KEEP, ALIVE, DEAD, BLIND, OFF };

/* One good probe is enough where nothing was known. */
static const uint8_t next_of[STATE_END][SIGNALS] = {
    [STATE_UNKNOWN] = {ALIVE, ALIVE, KEEP, DEAD, KEEP, BLIND, OFF},
    [STATE_UP] = {ALIVE, ALIVE, ALIVE, DEAD, KEEP, BLIND, OFF},
    [STATE_DEGRADED] = {ALIVE, ALIVE, ALIVE, DEAD, KEEP, BLIND, OFF},
    [STATE_DOWN] = {KEEP, ALIVE, KEEP, KEEP, KEEP, BLIND, OFF},
    [STATE_DISABLED] = {KEEP, KEEP, KEEP, KEEP, KEEP, KEEP, KEEP},
};

void
judge_init(struct judge *j, enum state first, uint64_t now)
{
	memset(j, 0, sizeof(*j));
	j->state = j->verdict = (uint8_t)first;
	j->changed_ns = j->flap_from = now;
}

static void
saturate(uint16_t *n)
{
	if (*n < UINT16_MAX)
		(*n)++;
}

static bool
is_enough(uint16_t n, uint16_t needed)
{
	return n >= (needed > 0 ? needed : 1);
}

/*
 * Counts the probe. One that was our own fault is as if it had not been: it
 * ends no row of good or bad ones.
 */
static enum signal
signal_of(struct judge *j, const struct thresholds *t, enum expect expect,
    const struct judge_input *in)
{
	bool good = in->answered != (expect == EXPECT_BLOCKED);

	if (in->stop)
		return STOP;
	if (in->local) {
		saturate(&j->locals);
		return is_enough(j->locals, t->down_after) ? LOCAL_ENOUGH
							   : LOCAL;
	}
	j->locals = 0;
	if (good) {
		j->fails = 0;
		saturate(&j->oks);
		return is_enough(j->oks, t->up_after) ? GOOD_ENOUGH : GOOD;
	}
	j->oks = 0;
	saturate(&j->fails);
	return is_enough(j->fails, t->down_after) ? BAD_ENOUGH : BAD;
}

/*
 * Hysteresis: high above `raise`, normal again below `clear`. No value says
 * nothing. A `clear` that is not set, or above `raise`, is taken as `raise`.
 */
static bool
is_high(bool high, uint64_t value, uint64_t raise, uint64_t clear)
{
	if (raise == 0)
		return false;
	if (value == STATS_NONE)
		return high;
	if (!high || clear == 0 || clear > raise)
		return value > raise;
	return value >= clear;
}

static void
weigh(struct judge *j, const struct thresholds *t, enum expect expect,
    const struct judge_input *in)
{
	/* Where silence is wanted, neither loss nor delay is a fault. */
	if (expect == EXPECT_BLOCKED) {
		j->loss_high = j->rtt_high = j->error = false;
		return;
	}
	j->loss_high = is_high(
	    j->loss_high, in->loss_ppm, t->loss_degraded, t->loss_recovered);
	j->rtt_high =
	    is_high(j->rtt_high, in->rtt_ns, t->rtt_degraded, t->rtt_recovered);
	if (in->answered)
		j->error = in->error;
}

static enum state
verdict_of(const struct judge *j, enum signal signal)
{
	enum state now = j->verdict < STATE_END ? j->verdict : STATE_UNKNOWN;

	switch (next_of[now][signal]) {
	case ALIVE:
		return j->loss_high || j->rtt_high || j->error ? STATE_DEGRADED
							       : STATE_UP;
	case DEAD:
		return STATE_DOWN;
	case BLIND:
		return STATE_UNKNOWN;
	case OFF:
		return STATE_DISABLED;
	default:
		return now;
	}
}

static bool
is_known(enum state verdict)
{
	return verdict != STATE_UNKNOWN && verdict != STATE_DISABLED;
}

/*
 * flap_changes within flap_ns damp, flap_ns without any end it. Changes from
 * and to unknown are not the far side's and do not count.
 */
static void
damp(struct judge *j, const struct thresholds *t, enum state verdict,
    uint64_t now)
{
	bool counts =
	    verdict != j->verdict && is_known(verdict) && is_known(j->verdict);

	if (t->flap_changes == 0 || now - j->flap_from >= t->flap_ns) {
		j->damped = false;
		j->flap_count = 0;
	}
	if (!counts || t->flap_changes == 0)
		return;
	if (j->flap_count == 0)
		j->flap_from = now;
	if (j->flap_count < UINT32_MAX)
		j->flap_count++;
	if (j->flap_count < t->flap_changes)
		return;
	/* The quiet time begins anew with each change. */
	j->damped = true;
	j->flap_from = now;
}

static enum state
state_of(const struct judge *j)
{
	return j->damped && is_known(j->verdict) ? STATE_DEGRADED : j->verdict;
}

struct judge_change
judge_probe(struct judge *j, const struct thresholds *t, enum expect expect,
    const struct judge_input *in)
{
	struct judge before = *j;
	struct judge_change change;
	enum signal signal = signal_of(j, t, expect, in);
	enum state verdict;

	if (!in->local)
		weigh(j, t, expect, in);
	verdict = verdict_of(j, signal);
	/* What was before such a gap says nothing of what comes after it. */
	if (signal == LOCAL_ENOUGH)
		j->fails = j->oks = 0;
	damp(j, t, verdict, in->now);
	j->verdict = (uint8_t)verdict;
	j->state = (uint8_t)state_of(j);
	if (j->state != before.state) {
		j->changes++;
		j->changed_ns = in->now;
	}
	change.state = j->state != before.state;
	change.loss = j->loss_high != before.loss_high;
	change.rtt = j->rtt_high != before.rtt_high;
	change.from = before.state;
	change.to = j->state;
	return change;
}

bool
judge_is_turning(const struct judge *j)
{
	switch (j->verdict) {
	case STATE_UP:
	case STATE_DEGRADED:
		return j->fails > 0 || j->locals > 0;
	case STATE_DOWN:
		return j->oks > 0 || j->locals > 0;
	case STATE_UNKNOWN:
		return j->fails > 0;
	default:
		return false;
	}
}

bool
judge_resume(struct judge *j, uint64_t now)
{
	uint64_t changes = j->changes;

	if (j->state != STATE_DISABLED)
		return false;
	judge_init(j, STATE_UNKNOWN, now);
	j->changes = changes + 1;
	return true;
}
