/*
 * Names kept fresh. A round of a name is one question per family, asked
 * before the TTL ends; what the round showed is judged when both have ended.
 * Only so many names are asked for at once, in turn, so that a dead name
 * server neither floods the network nor starves the names at the end.
 */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "clock.h"
#include "event.h"
#include "file.h"
#include "hosts.h"
#include "log.h"
#include "name.h"
#include "resolve.h"
#include "stub.h"
#include "watch.h"

enum {
	ASKING_MOST = 32, /* names at once */
	TRIES = 2,
	FORGET_S = 600,
	CONF_MOST = 4 << 20
};

#define BATCH (200 * CLOCK_MS)
#define GRID  (100 * CLOCK_MS)

struct resolve {
	struct resolve_setup setup;
	struct name_policy policy;
	uv_timer_t timer;
	struct stub *stub;
	struct hosts *hosts;
	struct watch *hosts_watch, *conf_watch;
	char *hosts_file, *conf_file;
	struct addr server[STUB_SERVERS];
	size_t servers;
	struct name **name; /* sorted */
	size_t names, cursor;
	unsigned asking;
	uint64_t tell_at;	    /* 0: nothing to tell */
	void (*renewed)(void *arg); /* or NULL */
	void *renewed_arg;
	/* Names that began to fail, or ended it, since the last telling. */
	struct event failed, mended;
};

static void on_tick(uv_timer_t *h);

/* ---- names ---- */

static int
by_host(const void *a, const void *b)
{
	const struct name *const *x = a, *const *y = b;
	return strcasecmp((*x)->host, (*y)->host);
}

/* Among the first n, which are sorted. */
static struct name *
find(const struct resolve *r, size_t n, const char *host)
{
	struct name key = {.host = (char *)host}, *at = &key, **found;
	if (!n)
		return NULL;
	found = bsearch(&at, r->name, n, sizeof(*r->name), by_host);
	return found ? *found : NULL;
}

/* ---- rounds ---- */

static void
tell(struct resolve *r, uint64_t now)
{
	if (!r->tell_at)
		r->tell_at = now + BATCH;
}

/* Of names that fare alike together the first is named, all are counted. */
static void
note(struct event *e, const struct name *n)
{
	if (e->value++)
		return;
	snprintf(e->subject, sizeof(e->subject), "%s", n->host);
	snprintf(e->cause, sizeof(e->cause), "%s", n->why ? n->why : "");
}

static void
conclude(struct name *n)
{
	struct resolve *r = n->resolve;
	uint64_t now = clock_mono();
	bool failed = n->failures;
	enum name_news news = name_conclude(n, &r->policy, now);
	r->asking--;
	if (!n->failures)
		n->took = now - n->asked;
	if (n->again)
		n->due = now;
	n->again = false;
	if (news != NAME_SAME)
		tell(r, now);
	if (news == NAME_BROKE)
		note(&r->failed, n);
	else if (failed && !n->failures)
		note(&r->mended, n);
}

static void
on_answer(void *arg, const struct stub_answer *a)
{
	struct name_half *h = arg;
	struct name *n = h->name;
	struct resolve *r = n->resolve;
	name_answer(h, &r->policy, a);
	if (--n->pending)
		return;
	conclude(n);
	uv_timer_start(&r->timer, on_tick, 1, 0);
}

static void
ask_half(struct name_half *h, int family)
{
	struct name *n = h->name;
	struct stub *stub = n->resolve->stub;
	h->why = "no name server";
	if (!stub)
		return;
	n->pending++;
	h->why = NULL;
	if (!stub_ask(stub, n->host, family, on_answer, h))
		return;
	n->pending--;
	h->why = "out of memory";
}

static void
start_round(struct name *n, uint64_t now)
{
	struct resolve *r = n->resolve;
	bool changed;
	if (name_know(n, &r->policy, r->hosts, &changed)) {
		if (changed)
			tell(r, now);
		return;
	}
	r->asking++;
	n->pending = 1; /* keeps the round open until all were asked */
	n->asked = now;
	name_begin(n, &r->policy);
	for (unsigned i = 0; i < NAME_HALVES; i++)
		if (name_wants(&r->policy, i))
			ask_half(
			    &n->half[i], i == NAME_V6 ? AF_INET6 : AF_INET);
	if (!--n->pending)
		conclude(n);
}

/* ---- the timer ---- */

/* Names are asked in turn, so that none waits for ever behind dead ones. */
static void
ask_due(struct resolve *r, uint64_t now)
{
	for (size_t i = 0; i < r->names && r->asking < ASKING_MOST; i++) {
		struct name *n = r->name[r->cursor++ % r->names];
		if (n->wanted && !n->pending && n->due <= now)
			start_round(n, now);
	}
	if (r->names)
		r->cursor %= r->names;
}

static void
forget(struct resolve *r, uint64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->names; i++) {
		struct name *n = r->name[i];
		if (!n->wanted && !n->pending && n->forget_at <= now)
			name_free(n);
		else
			r->name[kept++] = n;
	}
	r->names = kept;
}

static void
schedule(struct resolve *r, uint64_t now)
{
	uint64_t next = NAME_NEVER;
	for (size_t i = 0; i < r->names; i++) {
		const struct name *n = r->name[i];
		uint64_t at = n->wanted ? n->due : n->forget_at;
		if (!n->pending && at < next)
			next = at;
	}
	/* An answer that makes room wakes us, too. */
	if (next <= now && r->asking >= ASKING_MOST)
		next = NAME_NEVER;
	if (next != NAME_NEVER)
		next = next <= now ? now : next + GRID - next % GRID;
	if (r->tell_at && r->tell_at < next)
		next = r->tell_at;
	if (next == NAME_NEVER)
		uv_timer_stop(&r->timer);
	else
		uv_timer_start(&r->timer, on_tick,
		    next > now ? (next - now) / CLOCK_MS + 1 : 1, 0);
}

static void
emit(struct event *e, enum event_kind kind)
{
	e->kind = kind;
	if (e->value)
		event_emit(e);
	*e = (struct event){0};
}

/* One event for all names that began to fail together. */
static void
report(struct resolve *r)
{
	emit(&r->failed, EVENT_NAME_FAILED);
	emit(&r->mended, EVENT_NAME_RESOLVED);
}

static void
on_tick(uv_timer_t *h)
{
	struct resolve *r = h->data;
	uint64_t now = clock_mono();
	forget(r, now);
	ask_due(r, now);
	bool due = r->tell_at && (!r->asking || r->tell_at <= now);
	if (due)
		r->tell_at = 0;
	schedule(r, now);
	if (!due)
		return;
	report(r);
	r->setup.changed(r->setup.arg);
}

/* ---- the system's files ---- */

/* Everything is asked again soon. */
static void
refresh_all(struct resolve *r)
{
	uint64_t now = clock_mono();
	for (size_t i = 0; i < r->names; i++) {
		r->name[i]->due = now;
		r->name[i]->again = r->name[i]->pending > 0;
	}
	uv_timer_start(&r->timer, on_tick, 1, 0);
}

static void
load_hosts(struct resolve *r)
{
	char *text = NULL;
	size_t len = 0;
	int rc = file_read_regular(r->hosts_file, CONF_MOST, &text, &len);
	if (rc && rc != -ENOENT)
		log_warn("resolve", "%s: %s", r->hosts_file, file_why(rc));
	if (rc && rc != -ENOENT && r->hosts)
		return; /* what was known of it is better than nothing */
	hosts_free(r->hosts);
	r->hosts = hosts_parse(rc ? "" : text, len);
	free(text);
}

static void
on_hosts_changed(void *arg)
{
	struct resolve *r = arg;
	load_hosts(r);
	refresh_all(r);
}

/* Whether the name servers are others now. */
static bool
load_servers(struct resolve *r)
{
	struct addr a[STUB_SERVERS];
	char *text = NULL;
	size_t len = 0, n = 0;
	int rc = file_read_regular(r->conf_file, CONF_MOST, &text, &len);
	if (!rc)
		n = hosts_nameservers(text, len, a, STUB_SERVERS);
	free(text);
	/* resolv.conf(5): without a line the server is on this machine. */
	if (!n && !addr_parse_host(&a[0], "127.0.0.1")) {
		addr_set_port(&a[0], 53);
		n = 1;
	}
	bool same = n == r->servers;
	for (size_t i = 0; same && i < n; i++)
		same = addr_equal(&a[i], &r->server[i]);
	memcpy(r->server, a, n * sizeof(*a));
	r->servers = n;
	return !same;
}

static uint64_t
or_default(uint64_t ns, uint64_t fallback)
{
	return ns ? ns : fallback;
}

static void
make_stub(struct resolve *r)
{
	struct stub_setup setup = {
	    .loop = r->setup.loop,
	    .server = r->server,
	    .servers = r->servers,
	    .timeout = or_default(r->setup.timeout, 2 * CLOCK_SEC),
	    .tries = TRIES,
	};
	stub_free(r->stub);
	r->stub = stub_new(&setup);
	r->asking = 0;
	for (size_t i = 0; i < r->names; i++)
		r->name[i]->pending = 0;
}

static void
on_conf_changed(void *arg)
{
	struct resolve *r = arg;
	if (!load_servers(r))
		return;
	log_info("resolve", "%s: %zu name servers, asking anew", r->conf_file,
	    r->servers);
	make_stub(r);
	if (r->renewed)
		r->renewed(r->renewed_arg);
	tell(r, clock_mono());
	refresh_all(r);
}

static int
watch_file(struct resolve *r, const char *path, void (*changed)(void *arg),
    struct watch **out)
{
	struct watch_setup setup = {
	    .loop = r->setup.loop,
	    .path = path,
	    .changed = changed,
	    .arg = r,
	};
	*out = watch_new(&setup);
	return *out ? 0 : -ENOMEM;
}

/* ---- exported ---- */

static void
set_policy(struct resolve *r, const struct resolve_setup *s)
{
	r->policy = (struct name_policy){
	    .family = s->family,
	    .max_addresses = s->max_addresses,
	    .ttl_least = or_default(s->ttl_least, 10 * CLOCK_SEC),
	    .ttl_most = or_default(s->ttl_most, 3600 * CLOCK_SEC),
	    .retry = or_default(s->retry, 10 * CLOCK_SEC),
	};
	if (!s->max_addresses || s->max_addresses > STUB_ADDRESSES)
		r->policy.max_addresses = STUB_ADDRESSES;
}

/* The server of the configuration, or those of the system. */
static int
set_servers(struct resolve *r, const char *server)
{
	char host[ADDR_TEXT];
	uint16_t port = 53;
	if (!server) {
		int rc = watch_file(
		    r, r->conf_file, on_conf_changed, &r->conf_watch);
		load_servers(r);
		return rc;
	}
	if (addr_split(server, host, sizeof(host), &port) ||
	    addr_parse_host(&r->server[0], host))
		return -EINVAL;
	addr_set_port(&r->server[0], port);
	r->servers = 1;
	return 0;
}

static int
open_all(struct resolve *r)
{
	const struct resolve_setup *setup = &r->setup;
	r->hosts_file =
	    strdup(setup->hosts_file ? setup->hosts_file : "/etc/hosts");
	r->conf_file = strdup(
	    setup->resolv_conf ? setup->resolv_conf : "/etc/resolv.conf");
	if (!r->hosts_file || !r->conf_file)
		return -ENOMEM;
	int rc =
	    watch_file(r, r->hosts_file, on_hosts_changed, &r->hosts_watch);
	if (rc)
		return rc;
	load_hosts(r);
	rc = set_servers(r, setup->server);
	if (rc)
		return rc;
	make_stub(r);
	return r->stub ? 0 : -ENOMEM;
}

struct resolve *
resolve_new(const struct resolve_setup *setup)
{
	struct resolve *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->setup = *setup;
	set_policy(r, setup);
	uv_timer_init(setup->loop, &r->timer);
	r->timer.data = r;
	if (!open_all(r))
		return r;
	resolve_free(r);
	return NULL;
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

void
resolve_free(struct resolve *r)
{
	if (!r)
		return;
	stub_free(r->stub);
	r->stub = NULL;
	if (r->renewed)
		r->renewed(r->renewed_arg);
	watch_free(r->hosts_watch);
	watch_free(r->conf_watch);
	hosts_free(r->hosts);
	free(r->hosts_file);
	free(r->conf_file);
	for (size_t i = 0; i < r->names; i++)
		name_free(r->name[i]);
	free(r->name);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

/* Adds the name, known at once or due now; the caller sorts. */
static void
add_name(struct resolve *r, const char *host)
{
	struct name *n = name_new(host);
	if (!n)
		return;
	n->resolve = r;
	n->wanted = true;
	name_know(n, &r->policy, r->hosts, NULL);
	r->name[r->names++] = n;
}

/* Sorts, and drops a name that came twice. */
static void
settle_names(struct resolve *r)
{
	size_t kept = 0;
	if (r->names)
		qsort(r->name, r->names, sizeof(*r->name), by_host);
	for (size_t i = 0; i < r->names; i++)
		if (kept && !by_host(&r->name[kept - 1], &r->name[i]))
			name_free(r->name[i]);
		else
			r->name[kept++] = r->name[i];
	r->names = kept;
	r->cursor = 0;
}

void
resolve_want(struct resolve *r, char *const *host, size_t n)
{
	uint64_t now = clock_mono();
	size_t old = r->names;
	struct name **more =
	    realloc(r->name, (r->names + n + 1) * sizeof(*more));
	if (!more)
		return;
	r->name = more;
	for (size_t i = 0; i < old; i++) {
		if (r->name[i]->wanted)
			r->name[i]->forget_at = now + FORGET_S * CLOCK_SEC;
		r->name[i]->wanted = false;
	}
	for (size_t i = 0; i < n; i++) {
		struct name *known = find(r, old, host[i]);
		if (known)
			known->wanted = true;
		else
			add_name(r, host[i]);
	}
	settle_names(r);
	uv_timer_start(&r->timer, on_tick, 1, 0);
}

size_t
resolve_get(const struct resolve *r, const char *host, const struct addr **out)
{
	const struct name *n = find(r, r->names, host);
	*out = n ? n->addr : NULL;
	return n ? n->addrs : 0;
}

size_t
resolve_servers(const struct resolve *r, const struct addr **out)
{
	*out = r->server;
	return r->servers;
}

uint64_t
resolve_took(const struct resolve *r, const char *host)
{
	const struct name *n = find(r, r->names, host);
	return n ? n->took : 0;
}

unsigned
resolve_failures(const struct resolve *r, const char *host, const char **why)
{
	const struct name *n = find(r, r->names, host);
	if (why)
		*why = n && n->failures ? n->why : "";
	return n ? n->failures : 0;
}

const char *
resolve_alias(const struct resolve *r, const char *host)
{
	const struct name *n = find(r, r->names, host);

	if (!n)
		return NULL;
	return n->half[NAME_V4].alias ? n->half[NAME_V4].alias
				      : n->half[NAME_V6].alias;
}

int
resolve_settled(const struct resolve *r)
{
	for (size_t i = 0; i < r->names; i++)
		if (r->name[i]->wanted && !r->name[i]->settled)
			return 0;
	return 1;
}

void
resolve_watch(struct resolve *r, void (*renewed)(void *arg), void *arg)
{
	r->renewed = renewed;
	r->renewed_arg = arg;
}

int
resolve_ask(struct resolve *r, const char *host, int family,
    void (*done)(void *arg, const struct stub_answer *a), void *arg)
{
	struct addr known[STUB_ADDRESSES];
	struct stub_answer a = {.addr = known};
	a.addrs = hosts_find(r->hosts, host, family, known, STUB_ADDRESSES);
	/* A name of the file has there all that it has. */
	if (!a.addrs && !hosts_find(r->hosts, host, AF_UNSPEC, known, 1))
		return r->stub ? stub_ask(r->stub, host, family, done, arg)
			       : -ENOMEM;
	if (!a.addrs)
		a.why = "none of this family in the hosts file";
	done(arg, &a);
	return 0;
}
