/* Requests that block, in a thread of their own. */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "http_job.h"

struct http_jobs {
	pthread_mutex_t lock;
	pthread_cond_t idle;	 /* the thread has ended its work */
	struct http_job *queued; /* newest last */
	struct http_job *ended;
	pthread_t thread;
	bool running, made; /* it works; it must be joined */
	unsigned lent;
	void (*done)(void *arg);
	void *arg;
};

struct http_jobs *
http_job_new(void (*done)(void *arg), void *arg)
{
	struct http_jobs *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->idle, NULL);
	j->done = done;
	j->arg = arg;
	return j;
}

static void
wait_for_all(struct http_jobs *j)
{
	pthread_mutex_lock(&j->lock);
	while (j->running || j->lent > 0)
		pthread_cond_wait(&j->idle, &j->lock);
	pthread_mutex_unlock(&j->lock);
}

void
http_job_free(struct http_jobs *j)
{
	if (j == NULL)
		return;
	wait_for_all(j);
	if (j->made)
		pthread_join(j->thread, NULL);
	pthread_cond_destroy(&j->idle);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

static void
append(struct http_job **list, struct http_job *job)
{
	job->next = NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = job;
}

static struct http_job *
take(struct http_job **list)
{
	struct http_job *job = *list;

	if (job != NULL)
		*list = job->next;
	return job;
}

void
http_job_drop(struct http_jobs *j)
{
	struct http_job *job;

	pthread_mutex_lock(&j->lock);
	while ((job = take(&j->queued)) != NULL) {
		job->dropped = true;
		append(&j->ended, job);
	}
	pthread_mutex_unlock(&j->lock);
	wait_for_all(j);
}

static void *
work(void *arg)
{
	struct http_jobs *j = arg;
	struct http_job *job;

	pthread_mutex_lock(&j->lock);
	while ((job = take(&j->queued)) != NULL) {
		pthread_mutex_unlock(&j->lock);
		job->run(job->arg);
		pthread_mutex_lock(&j->lock);
		append(&j->ended, job);
		j->done(j->arg);
	}
	j->running = false;
	pthread_cond_broadcast(&j->idle);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* With the lock held. Signals are for the main thread. 0 or -errno. */
static int
start(struct http_jobs *j)
{
	sigset_t all, before;
	int err;

	/* One that ran before has let go of the lock for the last time. */
	if (j->made)
		pthread_join(j->thread, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&j->thread, NULL, work, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	j->made = err == 0;
	return -err;
}

int
http_job_add(struct http_jobs *j, struct http_job *job)
{
	int err = 0;

	pthread_mutex_lock(&j->lock);
	append(&j->queued, job);
	if (!j->running) {
		err = start(j);
		if (err < 0)
			take(&j->queued);
		j->running = err == 0;
	}
	pthread_mutex_unlock(&j->lock);
	/* Who has gone to sleep for it must look again. */
	if (err < 0)
		j->done(j->arg);
	return err;
}

void
http_job_lend(struct http_jobs *j)
{
	pthread_mutex_lock(&j->lock);
	j->lent++;
	pthread_mutex_unlock(&j->lock);
}

void
http_job_return(struct http_jobs *j, struct http_job *job)
{
	pthread_mutex_lock(&j->lock);
	append(&j->ended, job);
	j->lent--;
	j->done(j->arg);
	pthread_cond_broadcast(&j->idle);
	pthread_mutex_unlock(&j->lock);
}

unsigned
http_job_lent(struct http_jobs *j)
{
	unsigned n;

	pthread_mutex_lock(&j->lock);
	n = j->lent;
	pthread_mutex_unlock(&j->lock);
	return n;
}

struct http_job *
http_job_collect(struct http_jobs *j)
{
	struct http_job *job;

	pthread_mutex_lock(&j->lock);
	job = take(&j->ended);
	pthread_mutex_unlock(&j->lock);
	return job;
}
