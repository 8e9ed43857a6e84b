/*
 * Clusters and verdicts from rows. The rows of a roster are read without
 * stopping their writers; what carries over from one second to the next
 * (ranks, preferred transports, egress addresses) lives in the last decision.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decide.h"
#include "decide_proxy.h"
#include "event.h"
#include "expiry.h"
#include "interception.h"

/* A mapping older than this says nothing of the NAT now. */
#define MAPPING_AGE (5 * 60 * CLOCK_SEC)
#define NO_CLUSTER  UINT32_MAX

enum { VERDICTS = 6 };

struct decide {
	struct store *store; /* borrowed */
	struct expiry *expiry;
	struct interception *interception;
	struct decide_proxy *proxies;
	uint32_t margin_ppm;
	bool link_down;
	uint32_t first[CLUSTER_CLASS_END]; /* index of the cluster, 0 */
	uint64_t rank_changes;
	struct site site;
	bool told[VERDICTS]; /* that it is so */
	/* of the last run, by cluster index */
	struct roster *roster; /* reference, the last one's */
	struct choose_cluster *cluster;
	uint64_t *changed_at;
	size_t clusters;
	uint32_t *member; /* by entry: row of its cluster, or NO_CLUSTER */
	/* scratch */
	struct choose_node *node;
	struct site_mapping *mapping;
	size_t nodes, mappings, room;
};

struct decide *
decide_new(struct store *s)
{
	struct decide *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->store = s;
	d->expiry = expiry_new();
	d->interception = interception_new();
	d->proxies = decide_proxy_new();
	if (d->expiry == NULL || d->interception == NULL ||
	    d->proxies == NULL) {
		decide_free(d);
		return NULL;
	}
	return d;
}

void
decide_free(struct decide *d)
{
	if (d == NULL)
		return;
	expiry_free(d->expiry);
	interception_free(d->interception);
	decide_proxy_free(d->proxies);
	roster_unref(d->roster);
	free(d->cluster);
	free(d->changed_at);
	free(d->member);
	free(d->node);
	free(d->mapping);
	free(d);
}

void
decide_configure(struct decide *d, uint32_t margin_ppm)
{
	d->margin_ppm = margin_ppm;
}

bool
decide_link(struct decide *d, bool down)
{
	bool news = d->link_down != down;

	d->link_down = down;
	return news;
}

/* ---- carrying over to another roster ---- */

static const struct roster_cluster *
cluster_find(const struct roster *r, uint32_t index)
{
	for (size_t i = 0; r != NULL && i < r->clusters; i++)
		if (r->cluster[i].index == index)
			return &r->cluster[i];
	return NULL;
}

static int
by_name(const void *key, const void *member)
{
	return strcmp(key, *(const char *const *)member);
}

static int
name_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Which cluster each target is of; NULL: no memory. */
static uint32_t *
members(const struct roster *r)
{
	const char **name = calloc(r->clusters + 1, sizeof(*name));
	uint32_t *member = calloc(r->entries + 1, sizeof(*member));

	if (name == NULL || member == NULL) {
		free(name);
		free(member);
		return NULL;
	}
	for (size_t i = 0; i < r->clusters; i++)
		name[i] = r->cluster[i].name;
	qsort(name, r->clusters, sizeof(*name), name_order);
	for (size_t i = 0; i < r->entries; i++) {
		const char **at = bsearch(r->entry[i].target->cluster, name,
		    r->clusters, sizeof(*name), by_name);

		/* The name lies within its cluster's struct. */
		member[i] = at == NULL
				? NO_CLUSTER
				: (uint32_t)((*at - (const char *)r->cluster) /
					     (ptrdiff_t)sizeof(*r->cluster));
	}
	free(name);
	return member;
}

/* Arrays of the new roster's size, with what the old clusters carry over. */
static bool
follow(struct decide *d, struct roster *r)
{
	struct choose_cluster *c = calloc(r->clusters + 1, sizeof(*c));
	uint64_t *at = calloc(r->clusters + 1, sizeof(*at));
	uint32_t *member = members(r);

	if (c == NULL || at == NULL || member == NULL) {
		free(c);
		free(at);
		free(member);
		return false;
	}
	for (size_t i = 0; i < r->clusters; i++) {
		const struct roster_cluster *old =
		    cluster_find(d->roster, r->cluster[i].index);

		if (old != NULL) {
			c[i] = d->cluster[old - d->roster->cluster];
			at[i] = d->changed_at[old - d->roster->cluster];
		} else {
			c[i].state = STATE_UNKNOWN;
		}
		c[i].class = (uint8_t)r->cluster[i].class;
	}
	free(d->cluster);
	free(d->changed_at);
	free(d->member);
	d->member = member;
	d->cluster = c;
	d->changed_at = at;
	d->clusters = r->clusters;
	roster_unref(d->roster);
	d->roster = roster_ref(r);
	return true;
}

/* ---- reading the rows ---- */

static bool
room_for(struct decide *d, size_t n)
{
	struct choose_node *node;
	struct site_mapping *mapping;

	if (n <= d->room)
		return true;
	node = realloc(d->node, n * sizeof(*node));
	if (node != NULL)
		d->node = node;
	mapping = realloc(d->mapping, n * sizeof(*mapping));
	if (mapping != NULL)
		d->mapping = mapping;
	if (node == NULL || mapping == NULL)
		return false;
	d->room = n;
	return true;
}

static void
read_row(struct decide *d, const struct roster_entry *e, uint32_t cluster,
    const uint64_t w[TALLY_PHASE])
{
	const struct target *t = e->target;

	if (w[TALLY_MAPPED_AT] != 0) {
		struct site_mapping *m = &d->mapping[d->mappings++];

		m->server = t->path.addr;
		row_read_addr(w, TALLY_MAPPED, &m->mapped);
		m->local_port = (uint16_t)w[TALLY_LOCAL_PORT];
		m->at = w[TALLY_MAPPED_AT];
	}
	if (cluster == NO_CLUSTER || t->path.transport > TRANSPORT_TLS)
		return;
	/* Its state says that a wall holds, not that a client gets through. */
	if (t->expect == EXPECT_BLOCKED)
		return;
	d->node[d->nodes++] = (struct choose_node){
	    .cluster = cluster,
	    .transport = (uint8_t)t->path.transport,
	    .state = (uint8_t)w[TALLY_STATE],
	    .index = t->index,
	    .rtt_ns = w[TALLY_SHORT_RTT],
	};
}

static void
read_rows(struct decide *d)
{
	const struct roster *r = d->roster;
	uint64_t w[TALLY_PHASE];

	d->nodes = d->mappings = 0;
	for (size_t i = 0; i < r->entries; i++) {
		row_read_brief(r->entry[i].row, w);
		read_row(d, &r->entry[i], d->member[i], w);
	}
}

/* ---- telling ---- */

static void
tell_site(enum event_kind kind, const char *cause)
{
	struct event e = {.kind = kind};

	snprintf(e.cause, sizeof(e.cause), "%s", cause);
	event_emit(&e);
}

static void
tell_cluster(const struct decide *d, size_t i, enum event_kind kind,
    unsigned from, unsigned to)
{
	const struct choose_cluster *c = &d->cluster[i];
	struct event e = {.kind = kind,
	    .index = d->roster->cluster[i].index,
	    .from = from,
	    .to = to};
	unsigned best = c->preferred;

	snprintf(
	    e.subject, sizeof(e.subject), "%s", d->roster->cluster[i].name);
	snprintf(e.cause, sizeof(e.cause), "udp %s, tcp %s, tls %s",
	    word_label(WORD_REACH, c->link[0].reach),
	    word_label(WORD_REACH, c->link[1].reach),
	    word_label(WORD_REACH, c->link[2].reach));
	if (best != 0)
		e.value = c->link[best - 1].rtt_ns;
	event_emit(&e);
}

static void
tell_clusters(const struct decide *d, const struct choose_cluster *before)
{
	for (size_t i = 0; i < d->clusters; i++) {
		const struct choose_cluster *c = &d->cluster[i];

		if (c->state != before[i].state)
			tell_cluster(d, i, EVENT_CLUSTER_STATE, before[i].state,
			    c->state);
		/* The first choice is no change. */
		if (c->transport_changes != before[i].transport_changes)
			tell_cluster(d, i, EVENT_CLUSTER_TRANSPORT,
			    before[i].last, c->preferred);
	}
}

struct verdict {
	size_t offset; /* of the uint8_t in struct site */
	enum event_kind yes, no;
};

static const struct verdict verdicts[VERDICTS] = {
    {offsetof(struct site, media_unreachable), EVENT_SITE_MEDIA_UNREACHABLE,
	EVENT_SITE_MEDIA_REACHABLE},
    {offsetof(struct site, udp_blocked), EVENT_SITE_UDP_BLOCKED,
	EVENT_SITE_UDP_OPEN},
    {offsetof(struct site, local_outage), EVENT_SITE_LOCAL_OUTAGE,
	EVENT_SITE_LOCAL_OK},
    {offsetof(struct site, tls_intercepted), EVENT_SITE_TLS_INTERCEPTED,
	EVENT_SITE_TLS_DIRECT},
    {offsetof(struct site, nat_symmetric), EVENT_SITE_NAT_SYMMETRIC,
	EVENT_SITE_NAT_OK},
    {offsetof(struct site, proxy_refuses), EVENT_SITE_PROXY_REFUSES,
	EVENT_SITE_PROXY_PASSES},
};

/* What was said stays said while nothing is known, so that each yes has one
   no. */
static void
tell_verdicts(struct decide *d)
{
	for (size_t i = 0; i < VERDICTS; i++) {
		const struct verdict *v = &verdicts[i];
		uint8_t is = *((const uint8_t *)&d->site + v->offset);

		if (is == SITE_NOT_KNOWN || d->told[i] == (is == SITE_YES))
			continue;
		d->told[i] = is == SITE_YES;
		tell_site(d->told[i] ? v->yes : v->no, "");
	}
}

static void
tell_egress(const struct site *before, const struct site *after)
{
	char from[ADDR_TEXT], to[ADDR_TEXT], cause[128];

	for (unsigned i = 0; i < 2; i++) {
		if (addr_family(&before->egress[i]) == 0 ||
		    addr_same_host(&before->egress[i], &after->egress[i]))
			continue;
		snprintf(cause, sizeof(cause), "from %s to %s",
		    addr_host_text(&before->egress[i], from),
		    addr_host_text(&after->egress[i], to));
		tell_site(EVENT_SITE_EGRESS_CHANGED, cause);
	}
}

/* Who has rank 1 among the public ones, by cluster index; 0 for nobody. */
static void
tell_rank(struct decide *d, uint64_t changes_before)
{
	if (d->rank_changes == changes_before)
		return;
	for (size_t i = 0; i < d->clusters; i++)
		if (d->cluster[i].class == CLUSTER_CLASS_PUBLIC &&
		    d->cluster[i].rank == 1)
			tell_cluster(d, i, EVENT_CLUSTER_RANK, 0, 0);
}

/* ---- the decision ---- */

/* choose.c counts rows, which change with the roster; indexes do not. */
static void
choose(struct decide *d)
{
	struct choose_ranks ranks = {
	    .margin_ppm = d->margin_ppm, .changes = d->rank_changes};

	for (unsigned k = 0; k < CLUSTER_CLASS_END; k++) {
		const struct roster_cluster *c =
		    cluster_find(d->roster, d->first[k]);

		ranks.first[k] =
		    c != NULL ? (uint32_t)(c - d->roster->cluster) : UINT32_MAX;
	}
	choose_clusters(d->cluster, d->clusters, d->node, d->nodes, &ranks);
	for (unsigned k = 0; k < CLUSTER_CLASS_END; k++)
		if (ranks.first[k] != UINT32_MAX)
			d->first[k] = d->roster->cluster[ranks.first[k]].index;
	d->rank_changes = ranks.changes;
}

static void
note_changes(
    struct decide *d, const struct choose_cluster *before, uint64_t now)
{
	for (size_t i = 0; i < d->clusters; i++)
		if (d->cluster[i].state != before[i].state)
			d->changed_at[i] = now;
}

static void
publish(struct decide *d)
{
	struct decision *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return;
	p->refs = 1;
	p->generation = d->roster->generation;
	p->clusters = d->clusters;
	p->site = d->site;
	p->rank_changes = d->rank_changes;
	p->cluster = calloc(d->clusters + 1, sizeof(*p->cluster));
	p->changed_at = calloc(d->clusters + 1, sizeof(*p->changed_at));
	if (p->cluster == NULL || p->changed_at == NULL ||
	    decide_proxy_copy(d->proxies, p) < 0) {
		decision_unref(p);
		return;
	}
	memcpy(p->cluster, d->cluster, d->clusters * sizeof(*p->cluster));
	memcpy(
	    p->changed_at, d->changed_at, d->clusters * sizeof(*p->changed_at));
	store_decide(d->store, p);
}

void
decide_run(struct decide *d, uint64_t now)
{
	struct roster *r = store_roster(d->store);
	struct choose_cluster *before = NULL;
	struct site site = d->site;
	uint64_t ranks = d->rank_changes;

	if (d->roster == NULL || d->roster->generation != r->generation)
		if (!follow(d, r))
			goto out;
	if (!room_for(d, r->entries + 1))
		goto out;
	before = calloc(d->clusters + 1, sizeof(*before));
	if (before == NULL)
		goto out;
	memcpy(before, d->cluster, d->clusters * sizeof(*before));
	read_rows(d);
	choose(d);
	site_judge(&d->site, d->cluster, d->clusters, d->link_down);
	site_mappings(&d->site, d->mapping, d->mappings, now, MAPPING_AGE);
	d->site.tls_intercepted =
	    (uint8_t)interception_run(d->interception, r, now);
	decide_proxy_run(d->proxies, r, now);
	d->site.proxy_refuses = (uint8_t)decide_proxy_refuses(d->proxies);
	/* Who is told looks it up, so it stands there first. */
	note_changes(d, before, now);
	publish(d);
	tell_clusters(d, before);
	tell_rank(d, ranks);
	tell_verdicts(d);
	tell_egress(&site, &d->site);
	decide_proxy_tell(d->proxies);
	expiry_run(d->expiry, r, clock_real(), now);
out:
	free(before);
	roster_unref(r);
}

static const struct target *
target_find(const struct roster *r, uint32_t index)
{
	size_t lo = 0, hi = r->entries;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r->entry[mid].target->index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->entries && r->entry[lo].target->index == index
		   ? r->entry[lo].target
		   : NULL;
}

/* Why it has the state that it changed to, for people. */
static const char *
state_cause(const struct sched_note *n)
{
	static const char *const why[] = {
	    [WHY_DAMPED] = "It changed too often and is held at degraded.",
	    [WHY_LOSS] = "Loss is high.",
	    [WHY_LATENCY] = "Latency is high.",
	};

	if (n->why != WHY_NONE)
		return why[n->why];
	return n->outcome != 0 ? outcome_meaning(n->outcome) : "";
}

/* What is said before the cause where a path must be blocked. */
static const char *
wall_text(const struct target *t, unsigned state)
{
	static const char *const says[STATE_END] = {
	    [STATE_UP] = "blocked, as expected: ",
	    [STATE_DEGRADED] = "expected blocked: ",
	    [STATE_DOWN] = "open, expected blocked: ",
	};

	if (t == NULL || t->expect != EXPECT_BLOCKED || state >= STATE_END ||
	    says[state] == NULL)
		return "";
	return says[state];
}

void
decide_note(struct decide *d, const struct sched_note *n)
{
	struct roster *r = store_roster(d->store);
	const struct target *t = target_find(r, n->index);
	struct event e = {.kind = n->kind,
	    .index = n->index,
	    .window = n->window_s,
	    .value = n->value,
	    .threshold = n->threshold,
	    .from = n->from,
	    .to = n->to};

	e.at = (int64_t)n->at + clock_offset();
	if (t != NULL)
		snprintf(e.subject, sizeof(e.subject), "%s", t->name);
	if (event_words(n->kind) == WORD_STATE)
		snprintf(e.cause, sizeof(e.cause), "%s%s", wall_text(t, n->to),
		    state_cause(n));
	event_emit(&e);
	roster_unref(r);
}
