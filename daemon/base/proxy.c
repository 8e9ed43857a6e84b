/* The life of proxies, and their counters. */
#include "build.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "proxy.h"

struct proxy *
proxy_new(void)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->refs = 1;
	return p;
}

struct proxy *
proxy_ref(struct proxy *p)
{
	if (p != NULL)
		__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

void
proxy_unref(struct proxy *p)
{
	if (p == NULL || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (p->password != NULL)
		explicit_bzero(p->password, strlen(p->password));
	free(p->password);
	free(p->url);
	free(p->host);
	free(p->username);
	free(p->password_file);
	proxy_tally_unref(p->tally);
	free(p);
}

struct proxy_tally *
proxy_tally_new(void)
{
	struct proxy_tally *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->refs = 1;
	return t;
}

struct proxy_tally *
proxy_tally_ref(struct proxy_tally *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void
proxy_tally_unref(struct proxy_tally *t)
{
	if (t != NULL && __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(t);
}

static const struct code {
	int status; /* 0: has none */
	const char *label;
} codes[PROXY_CODES] = {
    [PROXY_CODE_403] = {403, "403"},
    [PROXY_CODE_407] = {407, "407"},
    [PROXY_CODE_502] = {502, "502"},
    [PROXY_CODE_503] = {503, "503"},
    [PROXY_CODE_504] = {504, "504"},
    [PROXY_CODE_OTHER] = {0, "other"},
    [PROXY_CODE_NONE] = {0, "none"},
};

enum proxy_code
proxy_code_of(int status)
{
	for (unsigned i = 0; status > 0 && i < PROXY_CODES; i++) {
		if (codes[i].status == status)
			return (enum proxy_code)i;
	}
	return status < 0 ? PROXY_CODE_NONE : PROXY_CODE_OTHER;
}

const char *
proxy_code_label(enum proxy_code code)
{
	return codes[code].label;
}

static void
bump(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

void
proxy_hold(struct proxy *p)
{
	atomic_store(&p->refused_at, clock_mono());
}

void
proxy_count(struct proxy *p, int status)
{
	/*
	 * Refused: again not before its time. A path that it lets pass
	 * proves nothing, for some pass whoever asks.
	 */
	if (status == 407 && p->auth != PROXY_AUTH_NONE)
		proxy_hold(p);
	if (p->tally == NULL)
		return;
	bump(&p->tally->connects);
	if (status == 0)
		return;
	bump(&p->tally->failures[proxy_code_of(status)]);
	if (status == 407)
		bump(&p->tally->auth_failures);
}

bool
proxy_held(const struct proxy *p, uint64_t now)
{
	uint64_t at = atomic_load(&p->refused_at);

	return at != 0 && now < at + p->retry_ns;
}
