/* The glue between a schedule and a libuv loop. */
#include "build.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "engine.h"
#include "once.h"
#include "queue.h"

enum { NOTES = 8192, TRIGGERS = 256, ONCES = 1024 };

/* A timer that fires so late has kept the sockets waiting, too. */
#define STALL (100 * CLOCK_MS)

/* What the control left: the newest replaces one not taken up yet. */
struct plan {
	struct roster *roster;
	struct sched_settings settings;
	struct collector_setup collector;
	char *ca_file; /* owned: the configuration may go before we read it */
};

struct order {
	enum trigger trigger;
	uint32_t index;
};

struct engine {
	struct engine_setup setup;
	struct sched *sched;
	uv_timer_t timer;
	uv_async_t mail;
	_Atomic(struct plan *) plan; /* owned by who takes it out */
	struct queue *orders, *notes;
	struct queue *asked, *done; /* of struct once *; owned */
	unsigned out;		    /* once's that are out: the control's */
	_Atomic uint64_t due;	    /* when the timer shall fire; UINT64_MAX */
	_Atomic bool stopping;
	bool closed;
	bool late; /* sockets are looked at before time-outs */
};

static void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	roster_unref(p->roster);
	free(p->ca_file);
	free(p);
}

static void on_timer(uv_timer_t *t);

/* uv counts whole ms of the clock that the schedule counts in: never early. */
static void
arm(struct engine *e)
{
	uint64_t next = sched_next(e->sched), due, now;

	if (e->closed)
		return;
	atomic_store(&e->due, next);
	if (next == UINT64_MAX) {
		uv_timer_stop(&e->timer);
		return;
	}
	uv_update_time(e->setup.loop);
	due = (next + CLOCK_MS - 1) / CLOCK_MS;
	now = uv_now(e->setup.loop);
	uv_timer_start(&e->timer, on_timer, due > now ? due - now : 1, 0);
}

/*
 * After a stall timers come before sockets: one more turn of the loop, so
 * that no answer is taken for lost that lay waiting.
 */
static bool
put_off(struct engine *e)
{
	e->late = !e->late && engine_late(e) > STALL;
	if (e->late) {
		uv_update_time(e->setup.loop);
		uv_timer_start(&e->timer, on_timer, 1, 0);
	}
	return e->late;
}

static void
on_timer(uv_timer_t *t)
{
	struct engine *e = t->data;

	if (put_off(e))
		return;
	sched_advance(e->sched);
	arm(e);
}

static void
on_rearm(void *arg)
{
	arm(arg);
}

static void
on_note(void *arg, const struct sched_note *n)
{
	struct engine *e = arg;

	queue_push(e->notes, n);
	e->setup.notify(e->setup.arg);
}

/* There is room: no more are out than it has. */
static void
on_done(void *arg, struct once *o)
{
	struct engine *e = arg;

	queue_push(e->done, &o);
	if (!e->closed)
		e->setup.notify(e->setup.arg);
}

static void
on_mail(uv_async_t *a)
{
	struct engine *e = a->data;
	struct plan *p = atomic_exchange(&e->plan, NULL);
	struct once *once;
	struct order o;

	if (p != NULL) {
		p->collector.loop = e->setup.loop;
		p->collector.anchors = e->setup.collector.anchors;
		p->collector.ca_file = p->ca_file;
		sched_adjust(e->sched, &p->collector);
		sched_adopt(e->sched, roster_ref(p->roster), &p->settings);
		plan_free(p);
	}
	while (queue_pop(e->orders, &o))
		sched_trigger(e->sched, o.trigger, o.index);
	while (queue_pop(e->asked, &once))
		sched_once(e->sched, once);
	if (atomic_load(&e->stopping))
		engine_close(e);
	else
		arm(e);
}

struct engine *
engine_new(const struct engine_setup *setup)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct sched_setup s = {.collectors = setup->collectors,
	    .collector = setup->collector,
	    .loop = setup->number,
	    .rearm = on_rearm,
	    .note = on_note,
	    .done = on_done,
	    .arg = e};

	if (e == NULL)
		return NULL;
	e->setup = *setup;
	s.collector.loop = setup->loop;
	e->orders = queue_new(sizeof(struct order), TRIGGERS);
	e->notes = queue_new(sizeof(struct sched_note), NOTES);
	e->asked = queue_new(sizeof(struct once *), ONCES);
	e->done = queue_new(sizeof(struct once *), ONCES);
	e->sched = sched_new(&s);
	if (e->orders == NULL || e->notes == NULL || e->asked == NULL ||
	    e->done == NULL || e->sched == NULL ||
	    uv_async_init(setup->loop, &e->mail, on_mail) < 0) {
		sched_free(e->sched);
		e->sched = NULL;
		engine_free(e);
		return NULL;
	}
	atomic_init(&e->due, UINT64_MAX);
	uv_timer_init(setup->loop, &e->timer);
	e->timer.data = e->mail.data = e;
	return e;
}

void
engine_close(struct engine *e)
{
	if (e->closed)
		return;
	e->closed = true;
	uv_close((uv_handle_t *)&e->timer, NULL);
	uv_close((uv_handle_t *)&e->mail, NULL);
	sched_stop(e->sched);
}

static void
drain(struct queue *q)
{
	struct once *o;

	while (q != NULL && queue_pop(q, &o))
		once_free(o);
	queue_free(q);
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	plan_free(atomic_exchange(&e->plan, NULL));
	sched_free(e->sched);
	queue_free(e->orders);
	queue_free(e->notes);
	drain(e->asked);
	drain(e->done);
	free(e);
}

int
engine_adopt(struct engine *e, struct roster *r,
    const struct sched_settings *settings,
    const struct collector_setup *collector)
{
	const char *ca = collector->ca_file;
	struct plan *p = malloc(sizeof(*p));

	if (p == NULL) {
		roster_unref(r);
		return -ENOMEM;
	}
	*p = (struct plan){.roster = r,
	    .settings = *settings,
	    .collector = *collector,
	    .ca_file = ca != NULL ? strdup(ca) : NULL};
	if (ca != NULL && p->ca_file == NULL) {
		plan_free(p);
		return -ENOMEM;
	}
	plan_free(atomic_exchange(&e->plan, p));
	uv_async_send(&e->mail);
	return 0;
}

bool
engine_trigger(struct engine *e, enum trigger trigger, uint32_t index)
{
	struct order o = {trigger, index};
	bool taken = queue_push(e->orders, &o);

	uv_async_send(&e->mail);
	return taken;
}

bool
engine_once(struct engine *e, struct once *o)
{
	if (e->out == ONCES)
		return false;
	e->out++;
	queue_push(e->asked, &o);
	uv_async_send(&e->mail);
	return true;
}

struct once *
engine_once_done(struct engine *e)
{
	struct once *o;

	if (!queue_pop(e->done, &o))
		return NULL;
	e->out--;
	return o;
}

bool
engine_note(struct engine *e, struct sched_note *out)
{
	return queue_pop(e->notes, out);
}

void
engine_stop(struct engine *e)
{
	atomic_store(&e->stopping, true);
	uv_async_send(&e->mail);
}

void
engine_counts(const struct engine *e, struct sched_counts *add)
{
	sched_counts(e->sched, add);
}

uint64_t
engine_notes_dropped(const struct engine *e)
{
	return queue_dropped(e->notes);
}

uint64_t
engine_late(const struct engine *e)
{
	uint64_t due = atomic_load(&e->due), now = clock_mono();

	return now > due ? now - due : 0;
}
