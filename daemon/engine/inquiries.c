/*
 * The list of what is done for others, and the box that it comes in by. Who
 * asked is answered when its time is up, whatever is still under way for it:
 * the job is let go of when the last of that has come back.
 */
#include "build.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "clock.h"
#include "collector.h"
#include "config.h"
#include "engine.h"
#include "inquiries.h"
#include "inquiry_job.h"
#include "ration.h"
#include "resolve.h"

enum { LOOK_MS = 100 };

struct inquiries {
	struct inquiry_job_env env; /* first: it is cast to what it is in */
	struct inquiry_job *job[INQUIRIES_JOBS];
	unsigned jobs;
	uv_async_t mail;
	uv_timer_t timer; /* while any looks its name up */
	bool closed;
	pthread_mutex_t lock;  /* of what follows */
	struct inquiry *asked; /* not taken up yet; newest first */
	unsigned count;	       /* not answered */
	bool stopped, recalled;
};

static void
on_answered(struct inquiry_job_env *env, struct inquiry *q)
{
	struct inquiries *all = (struct inquiries *)env;

	pthread_mutex_lock(&all->lock);
	all->count--;
	pthread_mutex_unlock(&all->lock);
	q->done(q);
}

static void
refuse(struct inquiries *all, struct inquiry *q, enum inquiry_end end,
    const char *why)
{
	snprintf(q->why, sizeof(q->why), "%s", why);
	q->end = end;
	on_answered(&all->env, q);
}

/* Those that nothing is owed to and that owe nothing. */
static void
sweep(struct inquiries *all)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < all->jobs; i++)
		if (inquiry_job_over(all->job[i]))
			inquiry_job_free(all->job[i]);
		else
			all->job[kept++] = all->job[i];
	all->jobs = kept;
}

void
inquiries_collect(struct inquiries *all)
{
	struct once *o;

	if (all == NULL)
		return;
	for (unsigned i = 0; i < COLLECTOR_ROOMS; i++)
		while ((o = engine_once_done(all->env.engine[i])) != NULL)
			inquiry_job_collect(o);
	sweep(all);
}

/* ---- names ---- */

static void
on_timer(uv_timer_t *t)
{
	struct inquiries *all = t->data;
	uint64_t now = clock_mono();

	for (unsigned i = 0; i < all->jobs; i++)
		inquiry_job_expire(all->job[i], now);
	sweep(all);
	/* Answers come without a word: what they ended is swept here, too. */
	if (all->jobs == 0)
		uv_timer_stop(t);
}

static void
on_renewed(void *arg)
{
	struct inquiries *all = arg;

	for (unsigned i = 0; i < all->jobs; i++)
		inquiry_job_renew(all->job[i], !all->closed);
	sweep(all);
}

void
inquiries_configure(
    struct inquiries *all, const struct config *c, struct resolve *r)
{
	if (all == NULL)
		return;
	all->env.config = c;
	all->env.resolve = r;
	resolve_watch(r, on_renewed, all);
}

/* ---- what is asked ---- */

static void
begin(struct inquiries *all, struct inquiry *q)
{
	const struct config_module *m =
	    config_module_find(all->env.config, q->module);
	char text[MODULE_NAME + 32];
	struct inquiry_job *j;

	if (m == NULL) {
		/* Word for word as who is used to it knows it. */
		snprintf(text, sizeof(text), "Unknown module \"%.*s\"",
		    MODULE_NAME, q->module);
		refuse(all, q, INQUIRY_BAD, text);
		return;
	}
	if (all->jobs == INQUIRIES_JOBS) {
		refuse(all, q, INQUIRY_BUSY, "too many names are looked up");
		return;
	}
	j = inquiry_job_new(&all->env, m, q);
	if (j != NULL)
		all->job[all->jobs++] = j;
	else
		refuse(all, q, INQUIRY_BUSY, "out of memory");
}

/* In the order in which they came. */
static struct inquiry *
take_asked(struct inquiries *all)
{
	struct inquiry *q, *newest, *oldest = NULL;

	pthread_mutex_lock(&all->lock);
	newest = all->asked;
	all->asked = NULL;
	pthread_mutex_unlock(&all->lock);
	while ((q = newest) != NULL) {
		newest = q->next;
		q->next = oldest;
		oldest = q;
	}
	return oldest;
}

static bool
take_recall(struct inquiries *all)
{
	bool recalled;

	pthread_mutex_lock(&all->lock);
	recalled = all->recalled;
	all->recalled = false;
	pthread_mutex_unlock(&all->lock);
	return recalled;
}

static void
answer_all(struct inquiries *all)
{
	struct inquiry *q, *next;

	for (q = take_asked(all); q != NULL; q = next) {
		next = q->next;
		refuse(all, q, INQUIRY_BUSY, "it was called off");
	}
	for (unsigned i = 0; i < all->jobs; i++)
		inquiry_job_stop(all->job[i]);
}

static void
on_mail(uv_async_t *a)
{
	struct inquiries *all = a->data;
	struct inquiry *q, *next;

	if (take_recall(all))
		answer_all(all);
	q = take_asked(all);
	for (; q != NULL; q = next) {
		next = q->next;
		begin(all, q);
	}
	sweep(all);
	if (all->jobs > 0 && !uv_is_active((uv_handle_t *)&all->timer))
		uv_timer_start(&all->timer, on_timer, LOOK_MS, LOOK_MS);
}

bool
inquiries_ask(struct inquiries *all, struct inquiry *q)
{
	bool taken;

	if (all == NULL)
		return false;
	pthread_mutex_lock(&all->lock);
	taken = !all->stopped && all->count < INQUIRIES_MOST;
	if (taken) {
		q->next = all->asked;
		all->asked = q;
		all->count++;
		/* Within the lock: its handle is there until it is stopped. */
		uv_async_send(&all->mail);
	}
	pthread_mutex_unlock(&all->lock);
	return taken;
}

void
inquiries_recall(struct inquiries *all)
{
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	all->recalled = true;
	/* Once stopped all are answered, and its handle may be gone. */
	if (!all->stopped)
		uv_async_send(&all->mail);
	pthread_mutex_unlock(&all->lock);
}

/* ---- life ---- */

struct inquiries *
inquiries_new(const struct inquiries_setup *setup)
{
	struct inquiries *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->env = (struct inquiry_job_env){.engine = setup->engine,
	    .store = setup->store,
	    .ration = ration_new(),
	    .answered = on_answered};
	if (all->env.ration == NULL ||
	    uv_async_init(setup->loop, &all->mail, on_mail) < 0) {
		ration_free(all->env.ration);
		free(all);
		return NULL;
	}
	uv_timer_init(setup->loop, &all->timer);
	all->mail.data = all->timer.data = all;
	pthread_mutex_init(&all->lock, NULL);
	return all;
}

void
inquiries_stop(struct inquiries *all)
{
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->lock);
	all->stopped = true;
	pthread_mutex_unlock(&all->lock);
	answer_all(all);
	sweep(all);
}

void
inquiries_close(struct inquiries *all)
{
	if (all == NULL || all->closed)
		return;
	all->closed = true;
	inquiries_stop(all);
	uv_close((uv_handle_t *)&all->mail, NULL);
	uv_close((uv_handle_t *)&all->timer, NULL);
}

void
inquiries_free(struct inquiries *all)
{
	if (all == NULL)
		return;
	/* What loops had of them went with these. */
	for (unsigned i = 0; i < all->jobs; i++)
		inquiry_job_free(all->job[i]);
	ration_free(all->env.ration);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
