/*
 * A proxy that probes go through: where it is and who we are to it, immutable
 * once read; and what was counted of it, by one thread, for all to read.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "word.h"

enum { PROXY_NAME = 20 }; /* so that "NAME@proxy" leaves room for a name */

/* How it refused, as far as codes are told apart. */
enum proxy_code {
	PROXY_CODE_403,
	PROXY_CODE_407,
	PROXY_CODE_502,
	PROXY_CODE_503,
	PROXY_CODE_504,
	PROXY_CODE_OTHER,
	PROXY_CODE_NONE, /* it gave no answer */
	PROXY_CODES
};

/* What was counted; kept by name over reload. */
struct proxy_tally {
	_Atomic uint64_t connects; /* requests that it was asked to pass on */
	_Atomic uint64_t failures[PROXY_CODES]; /* those that it refused */
	_Atomic uint64_t auth_failures;
	unsigned refs; /* atomic */
};

struct proxy {
	unsigned refs;		/* atomic; proxy_ref/unref only */
	char name[PROXY_NAME + 1];
	char *url;		/* "http://host:port", no credentials; owned */
	char *host;		/* owned */
	uint16_t port;
	bool tls;		/* it is spoken to over TLS */
	enum proxy_auth auth;
	char *username;		/* owned, or NULL */
	char *password_file;	/* owned, absolute, or NULL */
	char *password;		/* from the environment; wiped; or NULL */
	uint64_t retry_ns;	/* between two tries with credentials that
				   it refused */
	_Atomic uint64_t refused_at; /* monotonic: when it did last; 0 */
	/* Of the loop's thread: one at a time asks it, these wait. */
	bool asking;
	void *queue;
	int said; /* why its password could not be read, last time; 0 */
	struct proxy_tally *tally; /* reference; set once by the store */
};

/* Zeroed, one reference. NULL: no memory. */
struct proxy *proxy_new(void);
/* NULL is fine for both. */
struct proxy *proxy_ref(struct proxy *p);
void proxy_unref(struct proxy *p);

/* NULL: no memory. */
struct proxy_tally *proxy_tally_new(void);
struct proxy_tally *proxy_tally_ref(struct proxy_tally *t);
void proxy_tally_unref(struct proxy_tally *t);

/*
 * Counts what came of one request through it: the status it gave, 0 when it
 * let it pass, -1 when it gave no answer at all. 407 holds back credentials
 * that it was shown; one that is shown none is asked on for every path.
 */
void proxy_count(struct proxy *p, int status);
/* From now on it counts as one that refused our credentials. */
void proxy_hold(struct proxy *p);
/* Whether credentials that it refused must wait still. */
bool proxy_held(const struct proxy *p, uint64_t now);

/* The code under which a status is counted. */
enum proxy_code proxy_code_of(int status);
/* "403", "other". */
const char *proxy_code_label(enum proxy_code code);

#endif
