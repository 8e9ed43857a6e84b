/*
 * A round from its start to its end. A collector may call back from within
 * start(), request() or the loop, and stop() may be called from within such a
 * call; so the phase is looked at again after each.
 */
#include "build.h"

#include <stddef.h>
#include <string.h>

#include "round.h"

void
round_bump(_Atomic uint64_t *p, uint64_t v)
{
	atomic_store_explicit(p,
	    atomic_load_explicit(p, memory_order_relaxed) + v,
	    memory_order_relaxed);
}

static uint64_t
tick_of(uint64_t ns)
{
	return (ns + TICK - 1) / TICK;
}

/*
 * Starts and time-outs gather on the coarse grid; those of targets that are
 * probed more than once a second on the fine one.
 */
static uint64_t
grain(const struct run *u)
{
	return u->target->interval_ns < CLOCK_SEC ? 1 : SCHED_COARSE;
}

uint64_t
round_tick(const struct run *u, uint64_t ns)
{
	uint64_t t = tick_of(ns), g = grain(u);

	return (t + g - 1) / g * g;
}

void
round_put(struct run *u, uint64_t tick)
{
	struct sched *s = u->sched;

	wheel_put(&s->wheel, &u->item, tick);
	if (!s->advancing && u->item.tick < s->armed)
		s->setup.rearm(s->setup.arg);
}

/* The first regular due time of the target after t. */
uint64_t
round_due(const struct target *t, uint64_t now)
{
	uint64_t phase =
	    (uint64_t)(((unsigned __int128)t->phase * t->interval_ns) >> 32);
	uint64_t n = now > phase ? (now - phase) / t->interval_ns + 1 : 0;

	return phase + n * t->interval_ns;
}

void
round_missed(struct run *u, enum missed why, uint64_t n)
{
	round_bump(&u->sched->count.missed[why], n);
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

/* Places have become free: those that wait start, in their order. */
static void
kick(struct sched_kind *k)
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
	if (u->started)
		u->kind->collector->stop(&u->probe);
	u->started = false;
}

/* What the triggered round left over of the regular ones. */
static void
schedule_next(struct run *u, uint64_t now)
{
	uint64_t interval = u->target->interval_ns;
	uint64_t start = round_tick(u, u->due_ns) + grain(u);

	/* A round that ends where the next begins is not late for it. */
	if (now >= start * TICK) {
		round_missed(
		    u, MISSED_OVERRUN, (now - u->due_ns) / interval + 1);
		u->due_ns = round_due(u->target, now);
	}
	round_put(u, round_tick(u, u->again != 0 ? now : u->due_ns));
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
	run_judge(u, now, s->settings.short_ns, s->setup.note, s->setup.arg);
	if (!u->first_done) {
		u->first_done = true;
		round_bump(&s->count.first_pending, (uint64_t)-1);
	}
	schedule_next(u, now);
	kick(u->kind);
}

/* Enters what has ended; the round goes on or is over. */
static void
settle(struct run *u)
{
	uint64_t now = clock_mono(), next, oldest;

	run_enter(u, now, u->sched->settings.short_ns);
	if (run_complete(u)) {
		finish(u, now);
		return;
	}
	next = round_tick(u, u->start_ns + u->target->path.timeout_ns);
	if (u->phase == RUN_SENDING) {
		oldest = run_oldest(u);
		next = oldest == UINT64_MAX
			   ? UINT64_MAX
			   : round_tick(u, oldest + u->target->path.timeout_ns);
		if (u->sent < u->total) {
			uint64_t send = tick_of(
			    u->first_ns + u->sent * u->target->spacing_ns);

			next = send < next ? send : next;
		}
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
		struct answer a = {
		    .outcome = outcome_of_errno(-err, true), .code = -err};

		run_end(u, seq, &a);
	}
}

/* Sends what is due by the grid; may end the round. */
static void
send_due(struct run *u)
{
	uint64_t now = clock_mono();

	while (u->phase == RUN_SENDING && u->sent < u->total &&
	       now >= u->first_ns + u->sent * u->target->spacing_ns)
		send_one(u);
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
	u->first_ns = u->start_ns;
	u->request[0] = (struct run_request){.sent_ns = u->start_ns};
	u->sent = 1;
	fail(u, OUTCOME_DNS, 0);
}

static void
start_round(struct run *u)
{
	struct sched_kind *k = u->kind;
	uint64_t now = clock_mono();
	enum trigger t = u->again != 0 ? u->again : TRIGGER_INTERVAL;
	int err;

	u->again = 0;
	stop(u);
	/* A round out of turn soon before the regular one stands for it. */
	if (u->due_ns < now + u->target->interval_ns / 2)
		u->due_ns =
		    round_due(u->target, now + u->target->interval_ns / 2);
	u->phase = RUN_SETUP;
	k->active++;
	if (k->collector->tick != NULL)
		u->sched->polled++;
	round_bump(&u->sched->count.in_flight, 1);
	run_reset(u, now, t);
	if (addr_family(&u->target->path.addr) == 0) {
		start_unresolved(u);
		return;
	}
	memset(u->probe.state, 0, k->collector->state);
	u->probe.round++;
	u->started = true;
	round_put(u, round_tick(u, now + u->target->path.timeout_ns));
	err = k->collector->start(&u->probe);
	if (err < 0) {
		u->started = false;
		fail(u, outcome_of_errno(-err, true), -err);
	}
}

static void
enqueue(struct run *u)
{
	struct sched_kind *k = u->kind;

	u->phase = RUN_QUEUED;
	u->queued = NULL;
	*k->last = u;
	k->last = &u->queued;
	u->due_ns = round_due(u->target, clock_mono());
	round_put(u, round_tick(u, u->due_ns));
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
	u->first_ns = clock_mono();
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
on_late(struct probe *p, unsigned seq)
{
	struct run *u = run_of(p);

	row_begin(u->row);
	row_add(u->row, TALLY_LATE, 1);
	row_end(u->row);
}

static void
on_phase(struct probe *p, enum phase phase, uint64_t ns)
{
	struct run *u = run_of(p);

	row_begin(u->row);
	row_set(u->row, TALLY_PHASE + phase - 1, ns);
	row_end(u->row);
}

static void
on_tls(struct probe *p, const struct tls_facts *facts)
{
	row_set_tls(run_of(p)->row, facts);
}

const struct probe_ops round_ops = {
    .ready = on_ready,
    .answer = on_answer,
    .fail = on_fail,
    .late = on_late,
    .phase = on_phase,
    .tls = on_tls,
};

/* ---- what the wheel says ---- */

void
round_start(struct run *u)
{
	struct sched_kind *k = u->kind;

	if (k->collector->concurrent > 0 &&
	    k->active >= k->collector->concurrent)
		enqueue(u);
	else
		start_round(u);
}

void
round_advance(struct run *u, uint64_t now)
{
	if (u->phase == RUN_SENDING) {
		run_expire(u, now);
		send_due(u);
	} else if (now >= u->start_ns + u->target->path.timeout_ns) {
		fail(u, OUTCOME_TIMEOUT, 0);
		return;
	}
	if (u->phase == RUN_SETUP || u->phase == RUN_SENDING)
		settle(u);
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
