/* The steps of one inquiry. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aim.h"
#include "clock.h"
#include "collector.h"
#include "config.h"
#include "engine.h"
#include "inquiry_job.h"
#include "lookup.h"
#include "ration.h"
#include "store.h"

enum { REDIRECTS = 10 };

#define TIMEOUT_USUAL (15 * CLOCK_SEC)

struct inquiry_job {
	struct lookup lookup; /* first: it is cast to what it is in */
	struct inquiry_job_env *env;
	struct inquiry *q;	     /* NULL: answered */
	struct config_module module; /* a copy, with a reference of its ask */
	struct aim aim;
	uint64_t started, deadline, asked; /* monotonic */
	struct once *once;		   /* the loop's, while it is out */
};

/* ---- its end ---- */

static uint64_t
since(const struct inquiry_job *j)
{
	return clock_mono() - j->started;
}

static void
answer(struct inquiry_job *j, enum inquiry_end end)
{
	struct inquiry *q = j->q;

	j->q = NULL;
	lookup_forget(&j->lookup);
	q->end = end;
	j->env->answered(j->env, q);
}

static void
refuse(struct inquiry_job *j, enum inquiry_end end, const char *why)
{
	snprintf(j->q->why, sizeof(j->q->why), "%s", why);
	answer(j, end);
}

/* It ends without an answer, and that is what there is to tell. */
static void
fail(struct inquiry_job *j)
{
	j->q->success = false;
	inquiry_log(j->q, since(j), "Probe failed");
	answer(j, INQUIRY_PROBED);
}

/* ---- a probe ---- */

static struct target *
target_of(const struct inquiry_job *j, const struct addr *addr, uint64_t now)
{
	const struct config_target *c = &j->aim.t;
	struct target *t = target_new("", c->host);

	if (t == NULL)
		return NULL;
	t->probe = c->probe;
	t->count = 1;
	t->path = (struct path){.transport = c->transport,
	    .addr = *addr,
	    .source = c->probing.source,
	    .dscp = c->probing.dscp,
	    .host = t->host,
	    .timeout_ns = j->deadline - now};
	memcpy(
	    t->path.interface, c->probing.interface, sizeof(t->path.interface));
	t->ask = c->ask != NULL ? ask_ref(c->ask) : NULL;
	t->path.ask = t->ask;
	if (c->url == NULL)
		return t;
	t->url = strdup(c->url);
	t->path.url = t->url;
	if (t->url != NULL)
		return t;
	target_unref(t);
	return NULL;
}

/* What the targets leave of the limits. */
static bool
take_ration(struct inquiry_job *j, const struct addr *addr, uint64_t now)
{
	const struct config *c = j->env->config;
	struct roster *r = store_roster(j->env->store);
	uint64_t all = 0, each = 0, limit = c->requests_per_second;

	for (size_t i = 0; i < r->entries; i++) {
		const struct target *t = r->entry[i].target;
		uint64_t rate = t->count * (CLOCK_SEC * 1000 / t->interval_ns);

		all += rate;
		if (addr_same_host(&t->path.addr, addr))
			each += rate;
	}
	roster_unref(r);
	all = all / 1000 < limit ? limit - all / 1000 : 1;
	limit = c->requests_per_address;
	each = each / 1000 < limit ? limit - each / 1000 : 1;
	return ration_take(j->env->ration, addr, all, each, now);
}

static void
start(struct inquiry_job *j, const struct addr *addr)
{
	const struct collector *c =
	    collectors_find(j->aim.t.probe, j->aim.t.transport);
	uint64_t now = clock_mono();
	struct target *t = NULL;
	char text[ADDR_TEXT];

	if (!take_ration(j, addr, now)) {
		refuse(j, INQUIRY_LIMITED,
		    "limits.requests_per_second or "
		    "limits.requests_per_address do not allow more now");
		return;
	}
	if (c != NULL)
		t = target_of(j, addr, now);
	if (t != NULL)
		j->once = once_new(c, t, j->deadline, j);
	target_unref(t);
	if (j->once == NULL) {
		refuse(j, INQUIRY_BUSY, "out of memory");
		return;
	}
	inquiry_log(j->q, since(j), "Probing %s over %s", addr_text(addr, text),
	    word_label(WORD_TRANSPORT, j->aim.t.transport));
	j->q->transport = j->aim.t.transport;
	if (engine_once(j->env->engine[c->room], j->once))
		return;
	once_free(j->once);
	j->once = NULL;
	refuse(j, INQUIRY_BUSY, "too many probes are under way");
}

/* ---- its address ---- */

static void
forbid(struct inquiry_job *j, const struct addr *addr)
{
	const char *host = j->aim.lookup;
	char text[ADDR_TEXT], port[16] = "", is[ADDR_TEXT + 16] = "";
	struct inquiry *q = j->q;

	if (j->aim.t.port != 0)
		snprintf(port, sizeof(port), " port %u", j->aim.t.port);
	if (addr != NULL && strcmp(addr_host_text(addr, text), host) != 0)
		snprintf(is, sizeof(is), ", which is %s,", text);
	snprintf(q->why, sizeof(q->why),
	    "%.250s%s%s may not be probed: put it or its network into "
	    "probe.allow of the configuration",
	    host, port, is);
	if (q->redirects == 0) {
		answer(j, INQUIRY_FORBIDDEN);
		return;
	}
	/* Where an answer led to: it was probed, and that failed so. */
	inquiry_log(q, since(j), "%s", q->why);
	fail(j);
}

/* Of those found the first that is allowed; *first is the first of all. */
static bool
choose(const struct inquiry_job *j, struct addr *out, const struct addr **first)
{
	const struct config *c = j->env->config;
	const struct addr *a;

	*first = lookup_get(&j->lookup, 0);
	for (size_t n = 0; (a = lookup_get(&j->lookup, n)) != NULL; n++) {
		*out = *a;
		addr_set_port(out, j->aim.t.port);
		if (allow_address(c->allow, c->allows, j->aim.lookup, out))
			return true;
	}
	return false;
}

static void
add_lookup(struct inquiry_job *j, uint64_t now)
{
	j->q->lookup_ns += now - j->asked;
	j->q->took_ns += now - j->asked;
}

static void
on_looked_up(struct lookup *l)
{
	struct inquiry_job *j = (struct inquiry_job *)l;
	struct inquiry *q = j->q;
	const struct addr *first;
	char text[ADDR_TEXT];
	struct addr addr;

	add_lookup(j, clock_mono());
	if (choose(j, &addr, &first)) {
		inquiry_log(q, since(j), "Resolved %s to %s", j->aim.lookup,
		    addr_host_text(&addr, text));
		q->addr = addr;
		start(j, &addr);
	} else if (first != NULL) {
		forbid(j, first);
	} else {
		q->addr = (struct addr){0};
		for (unsigned i = 0; i < LOOKUP_HALVES; i++)
			if (l->half[i].why[0] != '\0')
				inquiry_log(q, since(j),
				    "Resolving %s failed: %s", j->aim.lookup,
				    l->half[i].why);
		fail(j);
	}
}

static void
look_up(struct inquiry_job *j)
{
	j->asked = clock_mono();
	inquiry_log(j->q, since(j), "Resolving %s", j->aim.lookup);
	lookup_start(&j->lookup, j->env->resolve, j->aim.lookup,
	    config_probing_family(&j->module.like.probing), on_looked_up);
}

/* Whether to look it up, or why not. */
static void
aimed(struct inquiry_job *j)
{
	const struct config *c = j->env->config;

	if (allow_host(c->allow, c->allows, j->aim.lookup, j->aim.t.port))
		look_up(j);
	else
		forbid(j, NULL);
}

/* ---- what a loop gives back ---- */

/* Whether an answer leads on, and it is followed. */
static bool
leads_on(struct inquiry_job *j)
{
	struct inquiry *q = j->q;
	int status = q->details.status;
	bool moved = q->details.location[0] != '\0' &&
		     (status == 301 || status == 302 || status == 303 ||
			 status == 307 || status == 308);

	if (!moved)
		return false;
	q->redirects++;
	return j->module.follow && q->redirects <= REDIRECTS &&
	       j->module.like.ask->http.method != ASK_POST;
}

static void
follow(struct inquiry_job *j)
{
	struct inquiry *q = j->q;
	char why[AIM_WHY];
	struct aim next;
	int err =
	    aim_follow(&next, &j->module, &j->aim, q->details.location, why);

	inquiry_log(q, since(j), "Redirected to %.400s", q->details.location);
	if (err < 0) {
		inquiry_log(
		    q, since(j), "%s", err == -EINVAL ? why : "out of memory");
		fail(j);
		return;
	}
	aim_clear(&j->aim);
	j->aim = next;
	aimed(j);
}

static void
ended(struct inquiry_job *j)
{
	struct inquiry *q = j->q;
	const struct once_result *r = &q->result;

	inquiry_log(q, since(j), "Ended: %s, code %d, after %.6f s",
	    outcome_label(r->outcome), r->code, (double)r->took_ns / 1e9);
	if (r->has_tls)
		inquiry_log(q, since(j), "%s, %s, certificate of %s: %s",
		    r->tls.version, r->tls.cipher, r->tls.subject,
		    r->tls.chain != 0 ? word_label(WORD_CHAIN, r->tls.chain)
				      : "not judged");
	if (leads_on(j)) {
		follow(j);
		return;
	}
	q->success = r->outcome == OUTCOME_ANSWERED;
	inquiry_log(
	    q, since(j), "Probe %s", q->success ? "succeeded" : "failed");
	answer(j, INQUIRY_PROBED);
}

void
inquiry_job_collect(struct once *o)
{
	struct inquiry_job *j = o->arg;

	j->once = NULL;
	if (j->q == NULL) {
		once_free(o);
		return;
	}
	inquiry_add(j->q, o);
	if (!o->begun)
		refuse(j, INQUIRY_BUSY,
		    "too many probes of its kind are under way");
	else if (j->q->result.outcome == OUTCOME_NONE)
		refuse(j, INQUIRY_BUSY, "the daemon ends");
	else
		ended(j);
	once_free(o);
}

/* ---- time, and other name servers ---- */

/* A name that does not resolve in time does not resolve. */
void
inquiry_job_expire(struct inquiry_job *j, uint64_t now)
{
	if (!j->lookup.asking || now < j->deadline)
		return;
	add_lookup(j, now);
	inquiry_log(j->q, since(j), "Resolving %s timed out", j->aim.lookup);
	j->q->addr = (struct addr){0};
	fail(j);
}

void
inquiry_job_renew(struct inquiry_job *j, bool ask)
{
	lookup_lost(&j->lookup);
	if (ask && j->lookup.asking)
		look_up(j);
}

void
inquiry_job_stop(struct inquiry_job *j)
{
	if (j->q != NULL)
		refuse(j, INQUIRY_BUSY, "it was called off");
}

/* ---- its beginning ---- */

/* What holds for it, as it is written in the file. */
static void
tell_module(struct inquiry *q, const struct config_module *m)
{
	char text[32];

	buf_printf(&q->module_text, "probe: %s\n", m->like.probe);
	if (m->prober != PROBER_HTTP)
		buf_printf(&q->module_text, "transport: %s\n",
		    word_label(WORD_TRANSPORT, m->like.transport));
	if (m->timeout > 0)
		buf_printf(&q->module_text, "timeout: %s\n",
		    clock_duration_text(m->timeout, text));
	if (m->like.ask != NULL && m->like.ask->text[0] != '\0')
		buf_printf(&q->module_text, "asks: %s\n", m->like.ask->text);
}

static void
begin(struct inquiry_job *j)
{
	struct inquiry *q = j->q;
	const struct config_module *m = &j->module;
	uint64_t timeout = q->timeout_ns > 0 ? q->timeout_ns : TIMEOUT_USUAL;
	char why[AIM_WHY];
	int err;

	if (m->timeout > 0 && m->timeout < timeout)
		timeout = m->timeout;
	j->started = clock_mono();
	j->deadline = j->started + timeout;
	q->prober = m->prober;
	tell_module(q, m);
	inquiry_log(q, 0, "Beginning probe of %.256s by %s, at most %.3f s",
	    q->target, m->name, (double)timeout / 1e9);
	err = aim_at(&j->aim, m, q->target, q->hostname, why);
	if (err == 0)
		aimed(j);
	else if (err == -EINVAL)
		refuse(j, INQUIRY_BAD, why);
	else
		refuse(j, INQUIRY_BUSY, "out of memory");
}

struct inquiry_job *
inquiry_job_new(struct inquiry_job_env *env, const struct config_module *m,
    struct inquiry *q)
{
	struct inquiry_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->env = env;
	j->q = q;
	j->module = *m;
	if (m->like.ask != NULL)
		ask_ref(m->like.ask);
	begin(j);
	return j;
}

bool
inquiry_job_over(const struct inquiry_job *j)
{
	return j->q == NULL && j->once == NULL && !lookup_pending(&j->lookup);
}

void
inquiry_job_free(struct inquiry_job *j)
{
	aim_clear(&j->aim);
	ask_unref(j->module.like.ask);
	free(j);
}
