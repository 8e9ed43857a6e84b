/*
 * Snapshots made by hand, and the few calls that the faces make on them: the
 * faces are tested without a store below them.
 */
#include "build.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock_snapshot.h"
#include "outcome.h"
#include "word.h"

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

static struct snapshot *published;

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

struct snapshot *
mock_snapshot(void)
{
	struct snapshot *s = must(calloc(1, sizeof(*s)));

	s->refs = 1;
	s->real = MOCK_NOW;
	s->windows = 3;
	s->window[0] = 60 * SEC;
	s->window[1] = 300 * SEC;
	s->window[2] = 900 * SEC;
	return s;
}

static void
blank(enum stats_scope scope, char *item)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];
		uint64_t none = STATS_NONE;
		const char *text = NULL;

		if (d->scope != scope)
			continue;
		if (d->nature == STATS_HISTOGRAM)
			memset(item + d->offset, 0, sizeof(struct snap_hist));
		else if (d->nature == STATS_INFO)
			memcpy(item + d->offset, &text, sizeof(text));
		else
			memcpy(item + d->offset, &none, sizeof(none));
	}
}

void *
mock_item(struct snapshot *s, enum stats_scope scope, const char *labels)
{
	struct stats_items *items = &s->scope[scope];
	size_t size = stats_scopes[scope].size;
	char *item;

	/* Room for 1, 2, 4, 8 and so on. */
	if ((items->count & (items->count - 1)) == 0)
		items->item = must(realloc(items->item,
		    (items->count > 0 ? 2 * items->count : 1) * size));
	item = (char *)items->item + items->count++ * size;
	memset(item, 0, size);
	blank(scope, item);
	*(const char **)(void *)item =
	    labels != NULL ? must(strdup(labels)) : NULL;
	return item;
}

static void
free_items(struct stats_items *items, size_t size)
{
	for (size_t i = 0; i < items->count; i++)
		free(*(char **)(void *)((char *)items->item + i * size));
	free(items->item);
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_ACQ_REL);
	return s;
}

void
snapshot_unref(struct snapshot *s)
{
	if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (int i = 0; i < STATS_SCOPES; i++)
		free_items(&s->scope[i], stats_scopes[i].size);
	free(s);
}

struct snapshot *
snapshot_get(struct snapshotter *from)
{
	(void)from;
	return published != NULL ? snapshot_ref(published) : NULL;
}

void
mock_publish(struct snapshot *s)
{
	snapshot_unref(published);
	published = s;
}

unsigned
mock_refs(void)
{
	return published != NULL
		   ? __atomic_load_n(&published->refs, __ATOMIC_ACQUIRE) - 1
		   : 0;
}

/* ---- the site ---- */

static const char *
text(const char *fmt, ...)
{
	static char out[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, sizeof(out), fmt, ap);
	va_end(ap);
	return out;
}

static void
put_windows(struct snapshot *s, const char *labels, uint64_t rtt, uint64_t loss)
{
	static const char *const names[] = {"1m", "5m", "15m"};

	for (unsigned i = 0; i < 3; i++) {
		struct snap_window *w =
		    MOCK(s, window, text("%s,window=\"%s\"", labels, names[i]));

		w->requests = 30 * s->window[i] / (60 * SEC);
		w->answers = w->requests * (1000000 - loss) / 1000000;
		w->loss = loss;
		w->burst = loss > 0 ? 2 : 0;
		if (w->answers == 0)
			continue;
		w->rtt_min = rtt * 9 / 10;
		w->rtt_mean = w->rtt_p50 = rtt;
		w->rtt_p95 = rtt * 12 / 10;
		w->rtt_p99 = rtt * 15 / 10;
		w->rtt_max = rtt * 2;
		w->rtt_stddev = rtt / 10;
		w->jitter = rtt / 20;
		w->mos = 4321;
	}
}

/* A target; rtt 0: nothing comes back. */
static struct snap_target *
put_target(struct snapshot *s, const char *name, enum transport transport,
    const char *cluster, uint64_t rtt, uint64_t loss)
{
	char labels[256];
	struct snap_target *t;

	snprintf(labels, sizeof(labels),
	    "target=\"%s\",transport=\"%s\",media_cluster=\"%s\"", name,
	    word_label(WORD_TRANSPORT, transport), cluster);
	put_windows(s, labels, rtt, rtt > 0 ? loss : 1000000);
	if (rtt > 0 && transport == TRANSPORT_TLS)
		MOCK(s, phase, text("%s,phase=\"connect\"", labels))->duration =
		    rtt;
	if (rtt > 0 && transport == TRANSPORT_TLS) {
		struct snap_tls *tls = MOCK(s, tls, labels);

		tls->info = "version=\"TLSv1.3\","
			    "cipher=\"TLS_AES_256_GCM_SHA384\"";
		tls->not_after = MOCK_NOW + 40 * 86400 * SEC;
		tls->chain_valid = 1;
	}
	t = MOCK(s, target, labels);
	t->info = "host=\"198.51.100.7\",address=\"198.51.100.7\","
		  "port=\"5004\"";
	t->up = rtt > 0;
	t->state = rtt > 0 ? STATE_UP : STATE_DOWN;
	t->changed_at = MOCK_NOW - 7500 * SEC;
	t->changes = 3;
	t->interval = 10 * SEC;
	t->probes = 1000;
	t->probe_failures = rtt > 0 ? 2 : 700;
	t->requests = 5000;
	t->lost = rtt > 0 ? 12 : 3500;
	t->late = t->local = 0;
	t->success = rtt > 0;
	t->probe_at = MOCK_NOW - 3 * SEC;
	t->success_at = rtt > 0 ? t->probe_at : MOCK_NOW - 7520 * SEC;
	if (rtt > 0)
		t->last_rtt = rtt + 123456;
	t->last_outcome = rtt > 0 ? OUTCOME_ANSWERED : OUTCOME_TIMEOUT;
	t->last_code = 0;
	t->fails = rtt > 0 ? 0 : 700;
	t->trigger = TRIGGER_INTERVAL;
	t->mapped_changes = 0;
	return t;
}

static void
put_link(struct snapshot *s, const char *cluster, enum transport transport,
    uint64_t rtt, bool preferred)
{
	struct snap_link *l = MOCK(s, link,
	    text("media_cluster=\"%s\",transport=\"%s\"", cluster,
		word_label(WORD_TRANSPORT, transport)));

	l->reach = rtt > 0 ? REACH_REACHABLE : REACH_UNREACHABLE;
	l->preferred = preferred;
	l->nodes_up = rtt > 0 ? 2 : 0;
	if (rtt > 0)
		l->rtt = rtt;
}

static struct snap_cluster *
put_cluster(struct snapshot *s, const char *name, const char *class,
    enum state state, enum transport preferred, uint64_t rank)
{
	struct snap_cluster *c =
	    MOCK(s, cluster, text("media_cluster=\"%s\"", name));

	c->info = class;
	c->state = state;
	c->changed_at = MOCK_NOW - 7480 * SEC;
	c->preferred = preferred;
	c->rank = rank;
	c->nodes = 2;
	c->transport_changes = 1;
	return c;
}

static void
put_media(struct snapshot *s)
{
	struct snap_failure *f;

	put_cluster(s, "fra1", "class=\"public\"", STATE_UP, TRANSPORT_UDP, 1);
	put_link(s, "fra1", TRANSPORT_UDP, 12 * MS, true);
	put_link(s, "fra1", TRANSPORT_TCP, 13 * MS, false);
	put_link(s, "fra1", TRANSPORT_TLS, 14 * MS, false);
	put_cluster(
	    s, "lon2", "class=\"public\"", STATE_DEGRADED, TRANSPORT_TCP, 2);
	put_link(s, "lon2", TRANSPORT_UDP, 0, false);
	put_link(s, "lon2", TRANSPORT_TCP, 21 * MS, true);
	put_link(s, "lon2", TRANSPORT_TLS, 22 * MS, false);
	put_cluster(
	    s, "mesh-<hq>", "class=\"video_mesh\"", STATE_UP, TRANSPORT_UDP, 1);
	put_link(s, "mesh-<hq>", TRANSPORT_UDP, 800000, true);
	put_target(s, "fra1-udp-5004-a", TRANSPORT_UDP, "fra1", 12 * MS, 4000);
	put_target(s, "fra1-tcp-5004-a", TRANSPORT_TCP, "fra1", 13 * MS, 0);
	put_target(s, "fra1-tls-443-a", TRANSPORT_TLS, "fra1", 14 * MS, 0);
	put_target(s, "lon2-udp-5004-b", TRANSPORT_UDP, "lon2", 0, 0);
	put_target(s, "lon2-tcp-5004-b", TRANSPORT_TCP, "lon2", 21 * MS, 61000)
	    ->state = STATE_DEGRADED;
	put_target(s, "lon2-tls-443-b", TRANSPORT_TLS, "lon2", 22 * MS, 0);
	put_target(s, "hq-udp-5004-c", TRANSPORT_UDP, "mesh-<hq>", 800000, 0);
	for (int o = OUTCOME_TIMEOUT; o <= OUTCOME_REFUSED; o++) {
		f = MOCK(s, failure,
		    text("transport=\"udp\",media_cluster=\"lon2\","
			 "reason=\"%s\"",
			outcome_label((enum outcome)o)));
		f->count = o == OUTCOME_TIMEOUT ? 3500 : 0;
	}
}

static void
put_daemon(struct snapshot *s)
{
	struct snap_agent *a = MOCK(s, agent, "");
	struct snap_process *p = MOCK(s, process, "");
	struct snap_lag *l = MOCK(s, lag, "loop=\"media\"");
	struct snap_source *d =
	    MOCK(s, source, "source=\"clusters.json\",kind=\"discovery_file\"");

	a->build = "version=\"0.1.0\",revision=\"abc\"";
	a->config = "sha256=\"00ff\"";
	a->reload_ok = 1;
	a->reload_at = MOCK_NOW - 3600 * SEC;
	a->reloads = 2;
	a->reload_failures = 0;
	a->targets = 8;
	a->targets_down = 1;
	a->in_flight = 3;
	a->wakeups = 987654;
	p->cpu = 1234567890;
	p->open_fds = 23;
	p->resident = 9 << 20;
	p->start = MOCK_NOW - 86400 * SEC;
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		l->lag.bucket[i] = i < 3 ? 100 : 0;
	l->lag.count = 300;
	l->lag.sum = 45 * MS;
	d->readable = 1;
	d->last_success = MOCK_NOW - 60 * SEC;
	d->failures = 0;
	d->nodes = 6;
	d->rejected = 1;
}

struct snapshot *
mock_site(void)
{
	struct snapshot *s = mock_snapshot();
	struct snap_site *site = MOCK(s, site, "");
	struct snap_target *t;

	site->info = "ipv4=\"203.0.113.9\"";
	site->rank_changes = 4;
	site->media_unreachable = 0;
	site->udp_blocked = 0;
	site->local_outage = 0;
	site->egress_changes = 1;
	site->outside_subnets = 0;
	put_daemon(s);
	put_media(s);
	/* Asked for a moment ago: nothing is known of it yet. */
	t = MOCK(s, target,
	    "target=\"new \\\"one\\\"\",transport=\"icmp\",media_cluster=\"\"");
	t->state = STATE_UNKNOWN;
	t->up = 0;
	t->probes = t->requests = 0;
	return s;
}

struct snapshot *
mock_many(size_t n)
{
	struct snapshot *s = mock_snapshot();
	char name[32], cluster[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "fra%zu-udp-5004-%06zx", i % 50,
		    i * 7919 % 0xffffff);
		snprintf(cluster, sizeof(cluster), "fra%zu", i % 50);
		put_target(s, name, TRANSPORT_UDP, cluster,
		    12345678 + i * 97531 % 100000000, i % 3 * 4000);
	}
	return s;
}
