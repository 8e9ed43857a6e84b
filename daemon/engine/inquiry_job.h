/*
 * What is done for one inquiry: its name is looked up, what was found is held
 * against what is allowed, and a probe is lent to a loop; where an answer
 * leads on to is the same again. Control's thread only.
 */
#ifndef INQUIRY_JOB_H
#define INQUIRY_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "inquiry.h"

struct config;
struct config_module;
struct engine;
struct inquiry_job;
struct once;
struct ration;
struct resolve;
struct store;

/* What jobs need; all borrowed. */
struct inquiry_job_env {
	const struct config *config; /* that in effect */
	struct resolve *resolve;
	struct ration *ration;
	struct store *store;
	struct engine *const *engine; /* by enum collector_room */
	/* q has its end: it is its asker's again. */
	void (*answered)(struct inquiry_job_env *env, struct inquiry *q);
};

/* Begins; what it takes of the module is a copy. NULL: no memory. */
struct inquiry_job *inquiry_job_new(struct inquiry_job_env *env,
    const struct config_module *m, struct inquiry *q);
/* It was answered, and nothing of it is out any more. */
bool inquiry_job_over(const struct inquiry_job *j);
/* Once it is over, or all is. */
void inquiry_job_free(struct inquiry_job *j);

/* Ends one that has waited for that for too long. */
void inquiry_job_expire(struct inquiry_job *j, uint64_t now);
/* The resolver has lost its questions: they are asked again, if ask. */
void inquiry_job_renew(struct inquiry_job *j, bool ask);
/* Answers it unless it was: there is no more time. */
void inquiry_job_stop(struct inquiry_job *j);
/* A probe comes back from a loop; takes it over. */
void inquiry_job_collect(struct once *o);

#endif
