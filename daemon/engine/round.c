/*
 * A round from its start to its end. A collector may call back from within
 * start(), request() or the loop, and stop() may be called from within such a
 * call; so the phase is looked at again after each.
 */
#include "build.h"

#include <stddef.h>
#include <string.h>

#include "grid.h"
#include "once.h"
#include "round.h"

void
round_bump(_Atomic uint64_t *p, uint64_t v)
{
	atomic_store_explicit(p,
	    atomic_load_explicit(p, memory_order_relaxed) + v,
	    memory_order_relaxed);
}

void
round_put(struct run *u, uint64_t tick)
{
	struct sched *s = u->sched;

	wheel_put(&s->wheel, &u->item, tick);
	if (!s->advancing && u->item.tick < s->armed)
		s->setup.rearm(s->setup.arg);
}

static void
missed(struct run *u, enum missed why, uint64_t n)
{
	if (n > 0)
		round_bump(&u->sched->count.missed[why], n);
}

/*
 * Regular starts up to now that the run was not free for. Those that fell
 * into a time when the loop stood still are its fault: it stands so now, or
 * did so since the round began.
 */
static void
account(struct run *u, enum missed why, uint64_t now, uint64_t most)
{
	const struct sched *s = u->sched;
	uint64_t due = u->due_ns;
	bool still = s->armed != 0 && due / GRID_TICK >= s->armed;
	uint64_t n = grid_account(u, now, most);
	uint64_t stalled = still ? n : grid_within(u, due, n, &s->stall);

	missed(u, MISSED_STALL, stalled);
	missed(u, why, n - stalled);
}

static void start_round(struct run *u);

/* ---- a round from its start to its end ---- */

static void
dequeue(struct run *u)
{
	struct sched_kind *k = u->kind;

	for (struct run **p = &k->first; *p != NULL; p = &(*p)->queued) {
		if (*p != u)
			continue;
		*p = u->queued;
		if (k->last == &u->queued)
			k->last = p;
		return;
	}
}

void
round_kick(struct sched_kind *k)
{
	if (k->kicking)
		return;
	k->kicking = true;
	while (k->first != NULL && k->active < k->collector->concurrent) {
		struct run *u = k->first;

		k->first = u->queued;
		if (k->first == NULL)
			k->last = &k->first;
		u->phase = RUN_IDLE;
		start_round(u);
	}
	k->kicking = false;
}

static void
stop(struct run *u)
{
	bool owed = u->started;

	u->started = false;
	if (owed)
		u->kind->collector->stop(&u->probe);
}

/* The next time that the wheel is turned. */
static uint64_t
soon(const struct run *u, uint64_t now)
{
	return now / GRID_TICK + (u->sched->advancing ? 0 : 1);
}

/* A round that was to start meanwhile does so at once, if it is not too late.
 */
static void
schedule_next(struct run *u, uint64_t now)
{
	account(u, MISSED_OVERRUN, now, run_coming(u)->interval_ns / 2);
	round_put(u, u->again != 0 ? soon(u, now) : grid_start(u, u->due_ns));
}

/* One out of no schedule is its asker's again; nothing knows it any more. */
static void
hand_over(struct run *u)
{
	struct sched *s = u->sched;

	stop(u);
	once_unlink(u->once);
	s->onces--;
	s->setup.done(s->setup.arg, u->once);
}

/* The collector that calls us may look at it until it has returned. */
static void
end_once(struct run *u, uint64_t now)
{
	u->once->ended = now;
	round_put(u, soon(u, now));
}

/* When its time is up, at the latest. */
static uint64_t
or_deadline(const struct run *u, uint64_t ns)
{
	return u->once != NULL && u->once->deadline < ns ? u->once->deadline
							 : ns;
}

/*
 * The target may have changed: that is known the sooner, the sooner it is
 * probed again. Credentials that were refused are not tried again before time.
 */
static void
retry_soon(struct run *u, uint64_t now)
{
	uint64_t retry = run_coming(u)->retry_ns, tick;

	if (retry == 0 || u->again != 0 || !run_is_turning(u))
		return;
	tick = grid_start(u, now + retry);
	if (tick >= u->item.tick)
		return;
	u->again = TRIGGER_RETRY;
	round_put(u, tick);
}

static void
leave(struct run *u)
{
	u->phase = RUN_IDLE;
	u->kind->active--;
	if (u->kind->collector->tick != NULL)
		u->sched->polled--;
	round_bump(&u->sched->count.in_flight, (uint64_t)-1);
	if (!u->kind->collector->lingers)
		stop(u);
}

static void
finish(struct run *u, uint64_t now)
{
	struct sched *s = u->sched;

	leave(u);
	if (u->once != NULL) {
		end_once(u, now);
		round_kick(u->kind);
		return;
	}
	run_judge(u, now, s->settings.short_ns, s->setup.note, s->setup.arg);
	if (!u->first_done) {
		u->first_done = true;
		round_bump(&s->count.first_pending, (uint64_t)-1);
	}
	schedule_next(u, now);
	retry_soon(u, now);
	round_kick(u->kind);
}

/* Enters what has ended; the round goes on or is over. */
static void
settle(struct run *u)
{
	uint64_t now = clock_mono(), timeout = u->target->path.timeout_ns;
	uint64_t next = UINT64_MAX, oldest, send;

	run_enter(u, now, u->sched->settings.short_ns);
	if (run_complete(u)) {
		finish(u, now);
		return;
	}
	oldest = u->phase == RUN_SETUP ? u->start_ns : run_oldest(u);
	if (oldest != UINT64_MAX)
		next = grid_expiry(u, or_deadline(u, oldest + timeout));
	if (u->phase == RUN_SENDING && u->sent < u->total) {
		send = grid_tick(u->send_ns);
		next = send < next ? send : next;
	}
	round_put(u, next);
}

static void
send_one(struct run *u)
{
	unsigned seq = u->sent++;
	int err;

	u->request[seq] = (struct run_request){.sent_ns = clock_mono()};
	err = u->kind->collector->request(&u->probe, seq);
	if (err < 0) {
		struct answer a = {.outcome = outcome_of_errno(-err, true)};

		run_end(u, seq, &a);
	}
}

/*
 * When the request after the one that is sent now shall go. The first takes
 * the nearest tick as its own, so that the others keep their distance; after
 * a stall they do not go all at once.
 */
static uint64_t
paced(const struct run *u, uint64_t now)
{
	uint64_t spacing = u->target->spacing_ns, next;

	if (u->sent == 0)
		next = (now + GRID_TICK / 2) / GRID_TICK * GRID_TICK + spacing;
	else
		next = u->send_ns + spacing;
	if (spacing >= GRID_TICK && next < now + spacing / 2)
		next = now + spacing / 2;
	return next;
}

/* Sends what is due by the grid; may end the round. */
static void
send_due(struct run *u)
{
	uint64_t now = clock_mono();

	while (u->phase == RUN_SENDING && u->sent < u->total &&
	       now >= u->send_ns) {
		u->send_ns = paced(u, now);
		send_one(u);
	}
}

static void
fail(struct run *u, enum outcome o, int code)
{
	run_end_all(u, o, code);
	settle(u);
}

/* A name without an address: the sample says so, nothing is started. */
static void
start_unresolved(struct run *u)
{
	fail(u, OUTCOME_DNS, 0);
}

/* What the round stands for, and what it is of. */
static void
take_up(struct run *u, uint64_t now)
{
	uint64_t interval = run_coming(u)->interval_ns;

	/* A round out of turn soon before the regular one stands for it. */
	if (!u->owed && u->due_ns < now + interval / 2)
		u->due_ns += interval;
	stop(u);
	run_take_next(u);
	run_reset(u, now, u->again);
	u->again = 0;
	u->owed = false;
}

static void
enter(struct run *u)
{
	struct sched *s = u->sched;

	u->phase = RUN_SETUP;
	u->kind->active++;
	round_bump(&s->count.in_flight, 1);
	if (u->kind->collector->tick == NULL)
		return;
	/* From now on there is something to read at each tick. */
	if (s->polled++ == 0 && !s->advancing)
		s->setup.rearm(s->setup.arg);
}

static void
start_round(struct run *u)
{
	const struct collector *c = u->kind->collector;
	uint64_t now = clock_mono();
	int err;

	take_up(u, now);
	enter(u);
	if (u->once != NULL)
		u->once->begun = true;
	if (addr_family(&u->target->path.addr) == 0) {
		start_unresolved(u);
		return;
	}
	memset(u->probe.state, 0, c->state);
	u->probe.round++;
	u->started = true;
	round_put(u,
	    grid_expiry(u, or_deadline(u, now + u->target->path.timeout_ns)));
	err = c->start(&u->probe);
	if (err >= 0)
		return;
	u->started = false;
	if (u->phase != RUN_IDLE)
		fail(u, outcome_of_errno(-err, true), 0);
}

static void
enqueue(struct run *u)
{
	struct sched_kind *k = u->kind;

	u->phase = RUN_QUEUED;
	u->queued = NULL;
	*k->last = u;
	k->last = &u->queued;
	round_put(u, grid_start(u, or_deadline(u, u->due_ns)));
}

/* Now, or when a place is free; there is none while others wait. */
static void
start(struct run *u)
{
	struct sched_kind *k = u->kind;
	unsigned most = k->collector->concurrent;

	if (most > 0 && k->active >= most)
		enqueue(u);
	else
		start_round(u);
}

void
round_once(struct run *u)
{
	once_link(&u->sched->once, u->once);
	u->sched->onces++;
	start(u);
}

/* ---- what collectors say ---- */

static struct run *
run_of(struct probe *p)
{
	return (struct run *)((char *)p - offsetof(struct run, probe));
}

static void
on_ready(struct probe *p)
{
	struct run *u = run_of(p);

	if (u->phase != RUN_SETUP)
		return;
	u->phase = RUN_SENDING;
	u->send_ns = clock_mono();
	send_due(u);
	if (u->phase == RUN_SENDING)
		settle(u);
}

static void
on_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	struct run *u = run_of(p);

	if (run_end(u, seq, a) && u->phase == RUN_SENDING)
		settle(u);
}

static void
on_fail(struct probe *p, enum outcome o, int code)
{
	struct run *u = run_of(p);

	if (u->phase == RUN_SETUP || u->phase == RUN_SENDING)
		fail(u, o, code);
}

static void
on_phase(struct probe *p, enum phase phase, uint64_t ns)
{
	struct run *u = run_of(p);

	if (phase < PHASE_END &&
	    (u->phase == RUN_SETUP || u->phase == RUN_SENDING))
		u->phase_ns[phase] = ns;
}

static void
on_tls(struct probe *p, const struct tls_facts *facts)
{
	row_set_tls(run_of(p)->row, facts);
}

static void
on_fact(struct probe *p, enum fact fact, int64_t value)
{
	row_set_fact(run_of(p)->row, fact, value);
}

static void
on_hold(struct probe *p, enum hold how)
{
	struct run *u = run_of(p);

	if (u->phase == RUN_SETUP || u->phase == RUN_SENDING)
		run_hold(u, how);
}

const struct probe_ops round_ops = {
    .ready = on_ready,
    .answer = on_answer,
    .fail = on_fail,
    .phase = on_phase,
    .tls = on_tls,
    .fact = on_fact,
    .hold = on_hold,
};

/* ---- what the wheel says ---- */

/*
 * A start that comes later than this is not made up for: after a long stall
 * everybody would start at once.
 */
static uint64_t
late_most(const struct run *u)
{
	uint64_t half = run_coming(u)->interval_ns / 2;

	return half < CLOCK_SEC ? half : CLOCK_SEC;
}

static void
advance_idle(struct run *u, uint64_t now)
{
	if (u->once != NULL) {
		hand_over(u);
		return;
	}
	missed(u, MISSED_STALL, grid_account(u, now, late_most(u)));
	if (run_is_held(u, now)) {
		/* The peer wants it so: this is no round that was missed. */
		u->again = 0;
		u->owed = false;
	}
	if (u->again != 0)
		start(u);
	else
		round_put(u, grid_start(u, u->due_ns));
}

/* It waits on, and the next regular start has come. */
static void
advance_queued(struct run *u, uint64_t now)
{
	if (u->once != NULL) {
		dequeue(u);
		u->phase = RUN_IDLE;
		hand_over(u);
		return;
	}
	account(u, MISSED_CONCURRENCY, now, 0);
	round_put(u, grid_start(u, u->due_ns));
}

static void
advance_setup(struct run *u, uint64_t now)
{
	uint64_t end = or_deadline(u, u->start_ns + u->target->path.timeout_ns);

	if (now + grid_slack(u, now) >= end)
		fail(u, OUTCOME_TIMEOUT, 0);
	else
		settle(u);
}

static void
advance_sending(struct run *u, uint64_t now)
{
	run_expire(u, now + grid_slack(u, now));
	send_due(u);
	if (u->phase == RUN_SENDING && or_deadline(u, UINT64_MAX) <= now)
		fail(u, OUTCOME_TIMEOUT, 0);
	else if (u->phase == RUN_SENDING)
		settle(u);
}

void
round_advance(struct run *u, uint64_t now)
{
	switch ((enum run_phase)u->phase) {
	case RUN_IDLE:
		advance_idle(u, now);
		break;
	case RUN_QUEUED:
		advance_queued(u, now);
		break;
	case RUN_SETUP:
		advance_setup(u, now);
		break;
	case RUN_SENDING:
		advance_sending(u, now);
		break;
	}
}

/* Ends what the target is doing; requests under way count as nothing. */
void
round_abandon(struct run *u)
{
	wheel_remove(&u->sched->wheel, &u->item);
	if (u->phase == RUN_QUEUED)
		dequeue(u);
	else if (u->phase != RUN_IDLE)
		leave(u);
	stop(u);
	if (!u->first_done)
		round_bump(&u->sched->count.first_pending, (uint64_t)-1);
	row_set_owner(u->row, NULL);
}
