/*
 * The schedule. Each target has its own phase within its interval, by a hash
 * of its name; rounds start on a grid of 100 ms and send on one of 20 ms, so
 * that one wakeup serves many targets (a wakeup costs ten times a datagram).
 * Datagrams are read at the tick, streams when the loop says so. Time-outs,
 * starts and sends are all items of one timing wheel, one per target.
 */
#include "build.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "grid.h"
#include "log.h"
#include "once.h"
#include "round.h"
#include "sched.h"

/* ---- the wheel turns ---- */

static void
lag_count(struct sched *s, uint64_t now)
{
	uint64_t due = s->armed * GRID_TICK;

	if (s->armed == 0 || s->armed == UINT64_MAX || now < due)
		return;
	round_bump(&s->count.lag[stats_bucket(now - due)], 1);
	round_bump(&s->count.lag_count, 1);
	round_bump(&s->count.lag_sum, now - due);
}

/* Rounds under way are told of the starts that they lost when they end. */
static void
note_stall(struct sched *s, uint64_t now)
{
	uint64_t tick = now / GRID_TICK;

	if (s->armed != 0 && s->armed != UINT64_MAX &&
	    tick > s->armed + SCHED_COARSE)
		s->stall = (struct grid_span){s->armed, tick};
}

/* The collectors' own counters, published for other threads. */
static void
publish(struct sched *s, uint64_t now)
{
	struct collector_counts c = {0};

	for (unsigned i = 0; i < s->kinds; i++)
		if (s->kind[i].open && s->kind[i].collector->counts != NULL)
			s->kind[i].collector->counts(s->kind[i].loop, &c);
	atomic_store_explicit(
	    &s->count.unmatched, c.unmatched, memory_order_relaxed);
	atomic_store_explicit(&s->count.drops, c.drops, memory_order_relaxed);
	for (unsigned i = 1; i < STAMP_END; i++)
		atomic_store_explicit(
		    &s->count.stamp[i], c.stamp[i], memory_order_relaxed);
	atomic_store_explicit(&s->count.beat, now, memory_order_relaxed);
}

void
sched_advance(struct sched *s)
{
	uint64_t now = clock_mono();
	struct wheel_item *i;

	round_bump(&s->count.wakeups, 1);
	lag_count(s, now);
	note_stall(s, now);
	s->advancing = true;
	/* Answers first, so that none is taken for lost that lay waiting. */
	for (unsigned k = 0; k < s->kinds; k++)
		if (s->kind[k].open && s->kind[k].collector->tick != NULL)
			s->kind[k].collector->tick(s->kind[k].loop, now);
	while ((i = wheel_take(&s->wheel, now / GRID_TICK)) != NULL)
		round_advance((struct run *)i, now);
	s->advancing = false;
	publish(s, now);
}

uint64_t
sched_next(struct sched *s)
{
	uint64_t tick = wheel_next(&s->wheel);

	/*
	 * Datagrams under way are read at the coarse grid at the latest; at
	 * each tick while somebody waits for one.
	 */
	if (s->polled > 0) {
		uint64_t step = s->onces > 0 ? 1 : SCHED_COARSE;
		uint64_t read = (clock_mono() / GRID_TICK / step + 1) * step;

		tick = read < tick ? read : tick;
	}
	s->armed = tick;
	return tick == UINT64_MAX ? UINT64_MAX : tick * GRID_TICK;
}

/* ---- membership ---- */

static struct sched_kind *
kind_of(struct sched *s, const struct target *t)
{
	for (unsigned i = 0; i < s->kinds; i++) {
		const struct collector *c = s->kind[i].collector;

		if (s->kind[i].open && strcmp(c->name, t->probe) == 0 &&
		    (c->transports & 1u << t->path.transport) != 0)
			return &s->kind[i];
	}
	return NULL;
}

static struct run *
run_make(struct sched *s, struct roster_entry *e, bool first_done)
{
	struct sched_kind *k = kind_of(s, e->target);
	struct run *u;

	if (k == NULL)
		return NULL;
	u = run_new(e->target, e->row, k->collector);
	if (u == NULL)
		return NULL;
	u->sched = s;
	u->kind = k;
	u->probe.loop = k->loop;
	u->probe.ops = &round_ops;
	u->probe.count = e->target->count;
	u->first_done = first_done;
	run_release(u, clock_mono());
	if (!first_done)
		round_bump(&s->count.first_pending, 1);
	row_set_owner(e->row, u);
	return u;
}

/* How long a round of everything takes at the rate that is allowed. */
static uint64_t
spread(const struct sched *s)
{
	uint64_t n = 0, ns;

	for (size_t i = 0; i < s->runs; i++)
		n += run_coming(s->run[i])->count;
	ns = n * CLOCK_SEC / (s->settings.rate > 0 ? s->settings.rate : 1);
	return ns < CLOCK_SEC ? CLOCK_SEC : ns;
}

/* A round soon, spread like the regular ones; one that comes first will do. */
static void
start_soon(struct run *u, uint64_t now, uint64_t within, enum trigger t)
{
	const struct target *g = run_coming(u);
	uint64_t at, tick;

	if (within > g->interval_ns)
		within = g->interval_ns;
	at = now + (uint64_t)(((unsigned __int128)g->phase * within) >> 32);
	tick = grid_start(u, at);
	u->again = t;
	if (u->item.link == NULL || tick < u->item.tick)
		round_put(u, tick);
}

/* Whether the run can go on as it is with the new target. */
static bool
same_run(const struct run *u, const struct target *t)
{
	return u->target->count == t->count &&
	       strcmp(u->target->probe, t->probe) == 0;
}

/* The run goes on; with another interval or phase it has another grid. */
static void
go_on(struct run *u, struct target *t, uint64_t now)
{
	const struct target *old = run_coming(u);
	bool moved =
	    t->interval_ns != old->interval_ns || t->phase != old->phase;
	uint64_t tick;

	run_retarget(u, t);
	if (!moved)
		return;
	u->due_ns = grid_due(t, now);
	tick = grid_start(u, u->due_ns);
	if (u->phase == RUN_QUEUED || (u->phase == RUN_IDLE && u->again == 0))
		round_put(u, tick);
	else if (u->phase == RUN_IDLE && tick < u->item.tick)
		round_put(u, tick);
}

/* The run of an entry: the one it has, gone on with, or a new one. */
static struct run *
adopt_entry(struct sched *s, struct roster_entry *e, uint64_t generation)
{
	struct run *u = row_owner(e->row);

	row_adopt_ring(e->row);
	if (u != NULL && same_run(u, e->target)) {
		go_on(u, e->target, clock_mono());
	} else {
		bool first_done = u != NULL && u->first_done;

		if (u != NULL)
			round_abandon(u); /* freed with the others that go */
		u = run_make(s, e, first_done);
	}
	if (u != NULL)
		u->generation = generation;
	return u;
}

/* New runs get their start; sums fit the ring and the window again. */
static void
adopt_start(struct sched *s, const struct roster *old)
{
	uint64_t now = clock_mono(), within = spread(s);
	enum trigger t = old != NULL ? TRIGGER_RELOAD : TRIGGER_START;

	for (size_t i = 0; i < s->runs; i++) {
		struct run *u = s->run[i];

		run_sums_reset(u, now, s->settings.short_ns);
		if (u->due_ns != 0)
			continue;
		u->due_ns = grid_due(u->target, now);
		round_put(u, grid_start(u, u->due_ns));
		start_soon(u, now, within, t);
	}
}

/* Runs that the roster has not any more end. */
static void
let_go(struct sched *s, uint64_t generation)
{
	for (size_t i = 0; i < s->runs; i++) {
		struct run *u = s->run[i];

		if (u->generation == generation)
			continue;
		/* One whose row has another run was abandoned before. */
		if (row_owner(u->row) == u)
			round_abandon(u);
		run_free(u);
	}
}

void
sched_adopt(
    struct sched *s, struct roster *r, const struct sched_settings *settings)
{
	struct run **run = calloc(r->entries + 1, sizeof(*run));
	struct roster *old = s->roster;
	bool reloaded = settings->reloads != s->settings.reloads;
	size_t runs = 0, without = 0;

	if (run == NULL) {
		log_error("sched", "no memory for %zu targets", r->entries);
		roster_unref(r);
		return;
	}
	s->settings = *settings;
	for (size_t i = 0; i < r->entries; i++) {
		struct run *u;

		if (r->entry[i].loop != s->setup.loop)
			continue;
		u = adopt_entry(s, &r->entry[i], r->generation);
		if (u != NULL)
			run[runs++] = u;
		else
			without++;
		/* The operator has looked into it. */
		if (u != NULL && reloaded)
			run_release(u, clock_mono());
	}
	if (without > 0)
		log_error("sched",
		    "%zu targets are not probed, for want of "
		    "a collector or of memory",
		    without);
	let_go(s, r->generation);
	free(s->run);
	s->run = run;
	s->runs = runs;
	s->roster = r;
	adopt_start(s, old);
	for (unsigned i = 0; i < s->kinds; i++)
		round_kick(&s->kind[i]);
	roster_unref(old);
}

int
sched_trigger(struct sched *s, enum trigger trigger, uint32_t index)
{
	uint64_t now = clock_mono(), within = index != 0 ? 1 : spread(s);
	int found = -ENOENT;

	for (size_t i = 0; i < s->runs; i++) {
		struct run *u = s->run[i];

		if (index != 0 && run_coming(u)->index != index)
			continue;
		found = 0;
		/* One under way may have begun before what is the matter. */
		if (u->phase == RUN_IDLE)
			start_soon(u, now, within, trigger);
		else
			u->again = trigger;
	}
	return index == 0 ? 0 : found;
}

void
sched_once(struct sched *s, struct once *o)
{
	struct run *u = o->run;

	u->sched = s;
	u->kind = kind_of(s, u->target);
	if (u->kind == NULL) {
		s->setup.done(s->setup.arg, o);
		return;
	}
	u->probe.loop = u->kind->loop;
	u->probe.ops = &round_ops;
	round_once(u);
}

/* ---- life ---- */

struct sched *
sched_new(const struct sched_setup *setup)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->setup = *setup;
	s->armed = UINT64_MAX;
	s->wheel.done = clock_mono() / GRID_TICK;
	atomic_init(&s->count.beat, clock_mono());
	for (unsigned i = 0; setup->collectors[i] != NULL && i < KINDS_MAX;
	     i++) {
		struct sched_kind *k = &s->kind[s->kinds++];
		int err;

		k->collector = setup->collectors[i];
		k->last = &k->first;
		err = k->collector->open == NULL
			  ? 0
			  : k->collector->open(&setup->collector, &k->loop);
		k->open = err == 0;
		if (err < 0)
			log_error("sched", "collector %s: %s",
			    k->collector->name, strerror(-err));
	}
	return s;
}

void
sched_adjust(struct sched *s, const struct collector_setup *setup)
{
	for (unsigned i = 0; i < s->kinds; i++)
		if (s->kind[i].open && s->kind[i].collector->adjust != NULL)
			s->kind[i].collector->adjust(s->kind[i].loop, setup);
}

void
sched_stop(struct sched *s)
{
	while (s->once != NULL) {
		struct once *o = s->once;

		round_abandon(o->run);
		once_unlink(o);
		s->setup.done(s->setup.arg, o);
	}
	s->onces = 0;
	for (size_t i = 0; i < s->runs; i++) {
		round_abandon(s->run[i]);
		run_free(s->run[i]);
	}
	s->runs = 0;
	for (unsigned i = 0; i < s->kinds; i++) {
		struct sched_kind *k = &s->kind[i];

		if (k->open && k->collector->close != NULL)
			k->collector->close(k->loop);
		k->open = false;
	}
}

void
sched_free(struct sched *s)
{
	if (s == NULL)
		return;
	sched_stop(s);
	roster_unref(s->roster);
	free(s->run);
	free(s);
}

static uint64_t
get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

void
sched_counts(const struct sched *s, struct sched_counts *add)
{
	const struct counters *c = &s->count;

	add->in_flight += get(&c->in_flight);
	add->wakeups += get(&c->wakeups);
	add->unmatched += get(&c->unmatched);
	add->drops += get(&c->drops);
	add->first_pending += get(&c->first_pending);
	for (unsigned i = 0; i < MISSED_END; i++)
		add->missed[i] += get(&c->missed[i]);
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += get(&c->stamp[i]);
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		add->lag.bucket[i] += get(&c->lag[i]);
	add->lag.count += get(&c->lag_count);
	add->lag.sum += get(&c->lag_sum);
	add->beat = get(&c->beat);
}
