/*
 * Requests that wait for another part of the daemon, such as a reload: done
 * one after the other by a thread that lives only while there are any, so
 * that scrapes go on meanwhile.
 */
#ifndef HTTP_JOB_H
#define HTTP_JOB_H

#include <stdbool.h>

struct http_job {
	void (*run)(void *arg); /* in the thread of the jobs */
	void *arg;
	struct http_job *next; /* the list's */
	bool dropped;	       /* it will not run */
};

struct http_jobs;

/*
 * done() is called in the thread of the jobs when there are any to collect;
 * and by http_job_add() when it fails.
 */
struct http_jobs *http_job_new(void (*done)(void *arg), void *arg);
/* Waits for what is under way; what is queued still runs. NULL is fine. */
void http_job_free(struct http_jobs *jobs);

/* Lends the job until it is collected. 0 or -errno: it will not run. */
int http_job_add(struct http_jobs *jobs, struct http_job *job);
/* Lends one to who says himself that it has ended, from any thread. */
void http_job_lend(struct http_jobs *jobs);
void http_job_return(struct http_jobs *jobs, struct http_job *job);
/* How many are lent so. */
unsigned http_job_lent(struct http_jobs *jobs);
/* One that has run or was dropped, or NULL. */
struct http_job *http_job_collect(struct http_jobs *jobs);
/*
 * Those that wait are collected as dropped; waits for the one that runs, and
 * for those that were lent.
 */
void http_job_drop(struct http_jobs *jobs);

#endif
