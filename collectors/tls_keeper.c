/* Reading what TLS needs beside the loop, and keeping it. */
#include "build.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "anchors.h"
#include "clock.h"
#include "file.h"
#include "identity.h"
#include "log.h"
#include "tls_keeper.h"

/* Files that could not be used, and those that may have changed. */
#define LOOK_AGAIN (10 * CLOCK_SEC)

/* A pair of files that some target names. */
struct kept {
	struct kept *next;
	char *cert_file, *key_file;
	struct identity *id; /* NULL: not read */
	int err;	     /* of the last try; 0: none, or it worked */
	uint64_t looked_ns;  /* when the last job was begun; 0: never */
	bool busy;	     /* a job is under way */
};

/* What a worker thread does; it touches nothing but what is in here. */
struct job {
	uv_work_t work;
	struct tls_keeper *keeper; /* NULL once that is gone */
	struct job *next;
	struct anchors *anchors; /* reference: to be read; NULL: an identity */
	char *cert_file, *key_file;
	struct identity *old; /* reference; NULL: read in any case */
	struct identity *fresh;
	const char *why;
	int err;
};

struct tls_keeper {
	struct tls_keeper_setup setup;
	struct anchors *anchors; /* reference */
	struct job *jobs;
	struct kept *kept;
	int anchors_err;
	uint64_t anchors_ns; /* when they were last asked for */
	bool anchors_busy;
};

/* ---- jobs ---- */

static void
job_free(struct job *j)
{
	anchors_unref(j->anchors);
	identity_unref(j->old);
	identity_unref(j->fresh);
	free(j->cert_file);
	free(j->key_file);
	free(j);
}

static void
job_work(uv_work_t *work)
{
	struct job *j = work->data;

	if (j->anchors != NULL)
		j->err = anchors_load(j->anchors);
	else if (j->old == NULL || !identity_fresh(j->old))
		j->err = identity_read(
		    j->cert_file, j->key_file, &j->fresh, &j->why);
	/* The pool's threads do other things: leave nothing in them. */
	OPENSSL_thread_stop();
}

static struct kept *
find_kept(struct tls_keeper *k, const char *cert_file, const char *key_file)
{
	struct kept *p = k->kept;

	while (p != NULL && (strcmp(p->cert_file, cert_file) != 0 ||
				strcmp(p->key_file, key_file) != 0))
		p = p->next;
	return p;
}

static void
take_identity(struct tls_keeper *k, struct job *j)
{
	struct kept *p = find_kept(k, j->cert_file, j->key_file);
	bool all_said = j->err == -EINVAL;

	p->busy = false;
	if (j->err < 0 && j->err != p->err)
		log_error("tls", "%s with %s: %s%s%s", j->cert_file,
		    j->key_file, j->why, all_said ? "" : ": ",
		    all_said ? "" : file_why(j->err));
	p->err = j->err;
	if (j->fresh == NULL)
		return;
	identity_unref(p->id);
	p->id = j->fresh;
	j->fresh = NULL;
}

static void
job_done(uv_work_t *work, int status)
{
	struct job *j = work->data;
	struct tls_keeper *k = j->keeper;
	struct job **at;

	if (k == NULL) {
		job_free(j);
		return;
	}
	for (at = &k->jobs; *at != j; at = &(*at)->next)
		;
	*at = j->next;
	if (status < 0)
		j->err = -EIO;
	if (j->anchors == NULL) {
		take_identity(k, j);
	} else {
		k->anchors_busy = false;
		k->anchors_err = j->err;
	}
	job_free(j);
	k->setup.ready(k->setup.arg);
}

/* Takes j over, also when it cannot be queued. */
static int
job_start(struct tls_keeper *k, struct job *j)
{
	int err;

	j->work.data = j;
	j->keeper = k;
	err = uv_queue_work(k->setup.loop, &j->work, job_work, job_done);
	if (err < 0) {
		job_free(j);
		return err;
	}
	j->next = k->jobs;
	k->jobs = j;
	return 0;
}

static int
load_anchors(struct tls_keeper *k, uint64_t now)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return -ENOMEM;
	j->anchors = anchors_ref(k->anchors);
	k->anchors_busy = job_start(k, j) == 0;
	k->anchors_ns = now;
	return k->anchors_busy ? 0 : -ENOMEM;
}

static int
load_identity(struct tls_keeper *k, struct kept *p, uint64_t now)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return -ENOMEM;
	j->cert_file = strdup(p->cert_file);
	j->key_file = strdup(p->key_file);
	j->old = identity_ref(p->id);
	if (j->cert_file == NULL || j->key_file == NULL) {
		job_free(j);
		return -ENOMEM;
	}
	p->busy = job_start(k, j) == 0;
	p->looked_ns = now;
	return p->busy ? 0 : -ENOMEM;
}

/* ---- the keeper ---- */

struct tls_keeper *
tls_keeper_new(const struct tls_keeper_setup *setup)
{
	struct tls_keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->setup = *setup;
	k->anchors = setup->anchors != NULL ? anchors_ref(setup->anchors)
					    : anchors_new();
	if (k->anchors == NULL ||
	    anchors_want(k->anchors, setup->ca_file) < 0) {
		anchors_unref(k->anchors);
		free(k);
		return NULL;
	}
	return k;
}

void
tls_keeper_free(struct tls_keeper *k)
{
	if (k == NULL)
		return;
	for (struct job *j = k->jobs; j != NULL; j = j->next) {
		j->keeper = NULL;
		uv_cancel((uv_req_t *)&j->work);
	}
	while (k->kept != NULL) {
		struct kept *p = k->kept;

		k->kept = p->next;
		identity_unref(p->id);
		free(p->cert_file);
		free(p->key_file);
		free(p);
	}
	anchors_unref(k->anchors);
	free(k);
}

void
tls_keeper_adjust(struct tls_keeper *k, const char *ca_file)
{
	if (anchors_want(k->anchors, ca_file) < 0)
		return;
	/* The next session tries what could not be used. */
	k->anchors_ns = 0;
	for (struct kept *p = k->kept; p != NULL; p = p->next)
		p->looked_ns = 0;
	if (anchors_version(k->anchors) > 0 && !anchors_fresh(k->anchors))
		load_anchors(k, clock_mono());
}

int
tls_keeper_anchors(struct tls_keeper *k, X509_STORE **store, unsigned *version)
{
	uint64_t now;

	*store = NULL;
	if (anchors_version(k->anchors) > 0) {
		if (anchors_version(k->anchors) != *version)
			*store = anchors_store(k->anchors, version);
		return 0;
	}
	now = clock_mono();
	if (!k->anchors_busy &&
	    (k->anchors_ns == 0 || now - k->anchors_ns >= LOOK_AGAIN) &&
	    load_anchors(k, now) < 0)
		return -ENOMEM;
	return k->anchors_busy ? -EAGAIN : k->anchors_err;
}

static struct kept *
keep(struct tls_keeper *k, const char *cert_file, const char *key_file)
{
	struct kept *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->cert_file = strdup(cert_file);
	p->key_file = strdup(key_file);
	if (p->cert_file == NULL || p->key_file == NULL) {
		free(p->cert_file);
		free(p->key_file);
		free(p);
		return NULL;
	}
	p->next = k->kept;
	k->kept = p;
	return p;
}

int
tls_keeper_identity(struct tls_keeper *k, const char *cert_file,
    const char *key_file, const struct identity **id)
{
	struct kept *p = find_kept(k, cert_file, key_file);
	uint64_t now = clock_mono();

	if (p == NULL)
		p = keep(k, cert_file, key_file);
	if (p == NULL)
		return -ENOMEM;
	if (!p->busy &&
	    (p->looked_ns == 0 || now - p->looked_ns >= LOOK_AGAIN) &&
	    load_identity(k, p, now) < 0)
		return -ENOMEM;
	*id = p->id;
	if (p->id != NULL)
		return 0;
	return p->busy ? -EAGAIN : p->err;
}
