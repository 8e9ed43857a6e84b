/*
 * Whether a web server answers: one request over HTTPS (or HTTP) on a
 * connection of its own, directly or through a proxy. Any status that is
 * below 500 shows that it is reached; of the answer only the head is read.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "collectors.h"
#include "probe.h"
#include "proxy.h"
#include "web.h"

/* A handshake holds the loop for a millisecond, and 100 kB. */
enum { CONCURRENT = 16 };

struct https_state {
	struct web *web; /* NULL when closed */
};

static void
close_web(struct probe *p)
{
	struct https_state *state = p->state;

	web_close(state->web);
	state->web = NULL;
}

static void
on_ready(struct web *w)
{
	probe_ready(web_probe(w));
}

static bool
is_right(const struct path *path, int status)
{
	const struct codes *c =
	    path->ask != NULL ? &path->ask->http.codes : NULL;

	if (c == NULL || c->ranges == 0)
		return status < 500;
	return codes_has(c, (unsigned)status);
}

/* The proxy's word counts for a request that is not tunnelled. */
static enum outcome
outcome_of(const struct path *path, const struct web_answer *a)
{
	if (a->by_proxy)
		return a->status == 407	  ? OUTCOME_PROXY_AUTH
		       : a->status >= 500 ? OUTCOME_PROXY_UPSTREAM
					  : OUTCOME_PROXY_REFUSED;
	return is_right(path, a->status) ? OUTCOME_ANSWERED
					 : OUTCOME_ERROR_RESPONSE;
}

static void
on_answered(struct web *w, const struct web_answer *answer)
{
	struct probe *p = web_probe(w);
	struct answer a = {
	    .outcome = outcome_of(p->path, answer), .code = answer->status};

	if (outcome_class(a.outcome) == OUTCOME_CLASS_ANSWER) {
		a.rtt_ns = answer->rtt_ns;
		a.stamp = answer->stamp;
		probe_fact(p, FACT_HTTP_STATUS, answer->status);
	}
	close_web(p);
	probe_answer(p, 0, &a);
}

static void
on_failed(struct web *w, enum outcome o, int code)
{
	struct probe *p = web_probe(w);

	close_web(p);
	probe_fail(p, o, code);
}

static const struct web_ops https_ops = {
    .ready = on_ready, .answered = on_answered, .failed = on_failed};

static int
https_open(const struct collector_setup *setup, void **out)
{
	struct web_setup web = {.collector = setup, .ops = &https_ops};
	struct web_pool *pool = NULL;
	int err = web_pool_new(&web, &pool);

	*out = pool;
	return err;
}

static void
https_adjust(void *loop, const struct collector_setup *setup)
{
	web_pool_adjust(loop, setup);
}

static void
https_counts(const void *loop, struct collector_counts *add)
{
	web_pool_counts(loop, add);
}

static void
https_close(void *loop)
{
	web_pool_free(loop);
}

static int
https_start(struct probe *p)
{
	struct https_state *state = p->state;

	/* An account must not be locked by a prober. */
	if (p->path->proxy != NULL &&
	    proxy_held(p->path->proxy, clock_mono())) {
		probe_fail(p, OUTCOME_PROXY_AUTH, 407);
		return 0;
	}
	if (web_open(p->loop, p, &state->web) < 0)
		probe_fail(p, OUTCOME_LOCAL, 0);
	return 0;
}

/* It goes out by itself. */
static int
https_request(struct probe *p, unsigned seq)
{
	struct https_state *state = p->state;

	(void)seq;
	return state->web != NULL ? 0 : -ENOTCONN;
}

#define HTTPS_COLLECTOR(t, usual)                                              \
	{                                                                      \
		.name = "https", .room = COLLECTOR_SIGNALLING,                 \
		.transports = UINT32_C(1) << (t), .port = (usual), .count = 1, \
		.concurrent = CONCURRENT, .state = sizeof(struct https_state), \
		.open = https_open, .adjust = https_adjust,                    \
		.counts = https_counts, .close = https_close,                  \
		.start = https_start, .request = https_request,                \
		.stop = close_web,                                             \
	}

const struct collector collector_https = HTTPS_COLLECTOR(TRANSPORT_HTTPS, 443);
const struct collector collector_http = HTTPS_COLLECTOR(TRANSPORT_HTTP, 80);
