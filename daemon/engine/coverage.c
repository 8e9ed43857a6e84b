/* Judging the requirements' rows from the rows of targets. */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "coverage.h"
#include "coverage_sheet.h"
#include "event.h"
#include "inventory.h"
#include "learned.h"
#include "profile.h"
#include "proxy.h"
#include "requirement.h"
#include "resolve.h"

/* A target that was not probed for so long is no evidence. */
enum { INTERVALS_MOST = 3 };
#define SLACK (2 * CLOCK_SEC)

struct coverage {
	struct store *store; /* borrowed */
	bool watched;
	const struct config *config; /* borrowed */
	const struct resolve *names; /* during coverage_run() */
	pthread_mutex_t lock;	     /* the sheet, against its readers */
	struct coverage_sheet *sheet;
	struct learned *learned;
	bool active; /* some row is taken: there is something to judge by */
	/* of the roster that was adopted */
	uint64_t generation;
	struct requirement_need *need; /* of rows, then those learned */
	size_t learnt;
	struct requirement_link *link;
	size_t links;
	struct requirement_path *path; /* by entry */
	size_t paths;
	struct tls_facts *facts; /* by entry, where some are wanted */
	bool *has_facts;
	struct requirement_cluster *cluster; /* by name */
	size_t *cluster_row;		     /* their rows in the roster */
	size_t clusters;
	struct requirement_count *subnet;
};

struct coverage *
coverage_new(struct store *s, bool watched)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->store = s;
	c->watched = watched;
	c->learned = learned_new();
	if (c->learned == NULL) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void
let_go(struct coverage *c)
{
	free(c->need);
	free(c->link);
	free(c->path);
	free(c->facts);
	free(c->has_facts);
	free(c->cluster);
	free(c->cluster_row);
	c->need = NULL;
	c->link = NULL;
	c->path = NULL;
	c->facts = NULL;
	c->has_facts = NULL;
	c->cluster = NULL;
	c->cluster_row = NULL;
	c->links = c->paths = c->clusters = 0;
	c->generation = 0;
}

void
coverage_free(struct coverage *c)
{
	if (c == NULL)
		return;
	let_go(c);
	coverage_sheet_free(c->sheet);
	learned_free(c->learned);
	free(c->subnet);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- the configuration ---- */

static size_t
most_subnets(const struct config *config)
{
	size_t most = 0;

	for (size_t i = 0; i < config->profiles; i++)
		if (config->profile[i]->subnets > most)
			most = config->profile[i]->subnets;
	return most;
}

static bool
is_any_taken(const struct config *config)
{
	for (size_t i = 0; i < config->profiles; i++)
		for (size_t k = 0; k < config->profile[i]->rows; k++)
			if (config->profile[i]->row[k].left ==
			    REQUIREMENT_TAKEN)
				return true;
	return false;
}

int
coverage_configure(struct coverage *c, const struct config *config)
{
	struct coverage_sheet *sheet = coverage_sheet_new(config), *old;

	let_go(c);
	free(c->subnet);
	c->config = config;
	c->active = is_any_taken(config);
	learned_configure(c->learned, config);
	c->subnet = calloc(most_subnets(config) + 1, sizeof(*c->subnet));
	if (sheet != NULL)
		coverage_sheet_follow(sheet, c->sheet);
	pthread_mutex_lock(&c->lock);
	old = c->sheet;
	c->sheet = sheet;
	pthread_mutex_unlock(&c->lock);
	coverage_sheet_free(old);
	return sheet != NULL && c->subnet != NULL ? 0 : -ENOMEM;
}

const struct config_target *
coverage_learned(struct coverage *c, size_t *n)
{
	/* What is known of them would be borrowed from those before. */
	let_go(c);
	return learned_targets(c->learned, n);
}

/* ---- the roster ---- */

static struct requirement_need
need_of(const struct config_target *t, const struct requirement *row)
{
	return (struct requirement_need){.host = config_target_lookup(t),
	    .via = t->proxy != NULL ? t->proxy->name : NULL,
	    .scheme = t->proxy != NULL
			  ? word_label(WORD_PROXY_AUTH, t->proxy->auth)
			  : NULL,
	    .row = row};
}

/* Those of rows, those learned, and hosts that were named and not listed. */
static struct requirement_need *
make_needs(struct coverage *c)
{
	const struct config *config = c->config;
	const struct config_target *more;
	const struct learned_other *other;
	struct requirement_need *need;
	size_t learnt, others, n = config->needs;

	more = learned_targets(c->learned, &learnt);
	other = learned_others(c->learned, &others);
	c->learnt = learnt + others;
	need = calloc(n + c->learnt + 1, sizeof(*need));
	for (size_t i = 0; need != NULL && i < n; i++)
		need[i] = need_of(&config->need[i], NULL);
	for (size_t i = 0; need != NULL && i < learnt; i++)
		need[n + i] = need_of(&more[i], learned_row(c->learned, i));
	for (size_t i = 0; need != NULL && i < others; i++)
		need[n + learnt + i] = (struct requirement_need){
		    .host = other[i].host, .row = other[i].row};
	return need;
}

/* The entry of a target's index, or SIZE_MAX. */
static size_t
entry_of(const struct roster *r, uint32_t index)
{
	size_t low = 0, high = r->entries;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->entry[mid].target->index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->entries && r->entry[low].target->index == index
		   ? low
		   : SIZE_MAX;
}

static void
adopt_links(
    struct coverage *c, const struct inventory *inv, const struct roster *r)
{
	for (size_t i = 0; i < inv->links; i++) {
		size_t at = inv->link[i].target->index != 0
				? entry_of(r, inv->link[i].target->index)
				: SIZE_MAX;

		if (at == SIZE_MAX)
			continue;
		c->has_facts[at] = true;
		c->link[c->links++] =
		    (struct requirement_link){inv->link[i].need, (uint32_t)at};
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct requirement_cluster *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
is_media_tls(const struct target *t)
{
	return t->cluster[0] != '\0' && t->path.transport == TRANSPORT_TLS;
}

/* Clusters by name; `is` is found again through their rows. */
static void
adopt_clusters(struct coverage *c, const struct roster *r)
{
	for (size_t i = 0; i < r->clusters; i++)
		c->cluster[i].name = r->cluster[i].name;
	c->clusters = r->clusters;
	qsort(c->cluster, c->clusters, sizeof(*c->cluster), by_name);
	/* The name lies within its cluster's struct. */
	for (size_t i = 0; i < c->clusters; i++)
		c->cluster_row[i] =
		    (size_t)(c->cluster[i].name - (const char *)r->cluster) /
		    sizeof(*r->cluster);
}

/* Names of the targets that each row has. */
static void
adopt_targets(struct coverage *c, const struct roster *r)
{
	const char **name = calloc(c->links + 1, sizeof(*name));
	struct coverage_row *to = c->sheet->row;

	for (size_t i = 0; name != NULL && i < c->config->profiles; i++) {
		const struct profile *p = c->config->profile[i];

		for (size_t k = 0; k < p->rows; k++, to++) {
			size_t n = 0;

			for (size_t m = 0; m < p->row[k].needs; m++)
				for (size_t l = 0; l < c->links; l++)
					if (c->link[l].need ==
					    p->row[k].need[m])
						name[n++] =
						    r->entry[c->link[l].path]
							.target->name;
			coverage_sheet_targets(to, name, n);
		}
	}
	free(name);
}

void
coverage_adopt(
    struct coverage *c, const struct inventory *inv, const struct roster *r)
{
	let_go(c);
	if (c->sheet == NULL || c->sheet->rows == 0)
		return;
	c->need = make_needs(c);
	c->link = calloc(inv->links + 1, sizeof(*c->link));
	c->path = calloc(r->entries + 1, sizeof(*c->path));
	c->has_facts = calloc(r->entries + 1, sizeof(*c->has_facts));
	c->cluster = calloc(r->clusters + 1, sizeof(*c->cluster));
	c->cluster_row = calloc(r->clusters + 1, sizeof(*c->cluster_row));
	if (c->need == NULL || c->link == NULL || c->path == NULL ||
	    c->has_facts == NULL || c->cluster == NULL ||
	    c->cluster_row == NULL) {
		let_go(c);
		return;
	}
	adopt_links(c, inv, r);
	for (size_t i = 0; i < r->entries; i++)
		c->has_facts[i] |= is_media_tls(r->entry[i].target);
	adopt_clusters(c, r);
	for (size_t i = 0; i < r->entries; i++)
		requirement_path(
		    &c->path[i], r->entry[i].target, c->cluster, c->clusters);
	c->paths = r->entries;
	c->generation = r->generation;
	pthread_mutex_lock(&c->lock);
	adopt_targets(c, r);
	pthread_mutex_unlock(&c->lock);
}

/* ---- reading ---- */

/* Room for facts of those that have any, once one is seen. */
static struct tls_facts *
facts_at(struct coverage *c, size_t i)
{
	if (c->facts == NULL)
		c->facts = calloc(c->paths, sizeof(*c->facts));
	return c->facts != NULL ? &c->facts[i] : NULL;
}

static bool
read_path(
    struct coverage *c, const struct roster_entry *e, size_t i, uint64_t now)
{
	struct requirement_path *p = &c->path[i];
	const struct target *t = e->target;
	uint64_t w[TALLY_PHASE];
	int64_t value[FACT_END];
	struct tls_facts *f;

	row_read_brief(e->row, w);
	p->state = (uint8_t)w[TALLY_STATE];
	p->outcome = (uint8_t)w[TALLY_LAST_OUTCOME];
	p->probed = w[TALLY_PROBE_AT] != 0;
	p->fresh = p->probed &&
		   now - w[TALLY_PROBE_AT] < INTERVALS_MOST * t->interval_ns +
						 t->path.timeout_ns + SLACK;
	if (!c->has_facts[i])
		return false;
	row_read_facts(e->row, value);
	p->http_status = value[FACT_HTTP_STATUS];
	f = facts_at(c, i);
	p->tls = f != NULL && row_read_tls(e->row, f) ? f : NULL;
	return p->tls != NULL && learned_note(c->learned, f);
}

static enum requirement_name
on_name(void *arg, const char *host, const char **alias)
{
	const struct resolve *names = ((struct coverage *)arg)->names;
	const struct addr *addr;

	*alias = resolve_alias(names, host);
	if (resolve_failures(names, host, NULL) > 0)
		return REQUIREMENT_NAME_FAILS;
	return resolve_get(names, host, &addr) > 0 ? REQUIREMENT_NAME_FINE
						   : REQUIREMENT_NAME_UNKNOWN;
}

/* ---- judging ---- */

static void
tell(const struct coverage_row *row, size_t number, enum event_kind kind)
{
	struct event e = {.kind = kind, .index = (uint32_t)number + 1};

	snprintf(e.subject, sizeof(e.subject), "%s", row->name);
	snprintf(e.cause, sizeof(e.cause), "%.*s", (int)sizeof(e.cause) - 1,
	    row->verdict.why);
	event_emit(&e);
}

/* Of each failure and its end, once; what is unknown between is neither. */
static void
tell_row(struct coverage_row *row, size_t number)
{
	if (row->verdict.status == REQUIREMENT_STATUS_FAILED && !row->told) {
		row->told = true;
		tell(row, number, EVENT_REQUIREMENT_FAILED);
	} else if (row->verdict.status == REQUIREMENT_STATUS_MET && row->told) {
		row->told = false;
		tell(row, number, EVENT_REQUIREMENT_MET);
	}
}

static void
judge_row(struct coverage *c, const struct requirement_world *w,
    const struct requirement *row, struct coverage_row *to)
{
	struct requirement_verdict v = {0};
	uint64_t now = clock_mono();

	requirement_judge(w, row, &v);
	pthread_mutex_lock(&c->lock);
	if (v.status != to->verdict.status)
		to->changed_at = now;
	to->verdict = v;
	for (size_t i = 0, at = 0; i < row->needs; i++)
		for (size_t l = 0; l < w->links; l++)
			if (w->link[l].need == row->need[i] && at < to->targets)
				to->state[at++] =
				    w->path[w->link[l].path].state;
	pthread_mutex_unlock(&c->lock);
}

static void
judge_profiles(struct coverage *c, struct requirement_world *w)
{
	struct coverage_row *to = c->sheet->row;

	for (size_t i = 0; i < c->config->profiles; i++) {
		const struct profile *p = c->config->profile[i];

		w->profile = p;
		requirement_count(w);
		for (size_t k = 0; k < p->rows; k++)
			judge_row(c, w, &p->row[k], to++);
		w->subnet_base += (uint32_t)p->subnets;
	}
	/* Who is told looks it up, so it stands there first. */
	for (size_t i = 0; i < c->sheet->rows; i++)
		tell_row(&c->sheet->row[i], i);
}

static bool
judge(struct coverage *c, const struct roster *r, const struct decision *d,
    uint64_t now)
{
	bool learned = false;
	struct requirement_world w = {.need = c->need,
	    .needs = c->config->needs,
	    .learnt = c->learnt,
	    .link = c->link,
	    .links = c->links,
	    .path = c->path,
	    .paths = c->paths,
	    .cluster = c->cluster,
	    .clusters = c->clusters,
	    .site = &d->site,
	    .network_watched = c->watched,
	    .name = on_name,
	    .arg = c,
	    .subnet = c->subnet};

	/* Without products picked ten thousand targets are not worth a look. */
	if (!c->active)
		w.paths = w.links = 0;
	for (size_t i = 0; i < w.paths; i++)
		learned |= read_path(c, &r->entry[i], i, now);
	for (size_t i = 0; i < c->clusters; i++)
		c->cluster[i].is = &d->cluster[c->cluster_row[i]];
	judge_profiles(c, &w);
	return learned;
}

bool
coverage_run(struct coverage *c, const struct resolve *names, uint64_t now)
{
	struct roster *r = store_roster(c->store);
	struct decision *d = store_decision(c->store);
	bool learned = false;

	c->names = names;
	/* Without a decision on this roster there is nothing to go by. */
	if (c->generation != 0 && c->generation == r->generation && d != NULL &&
	    d->generation == r->generation && d->clusters == c->clusters)
		learned = judge(c, r, d, now);
	decision_unref(d);
	roster_unref(r);
	return learned;
}

/* ---- readers ---- */

static void
fill(void *arg, struct snapshot_builder *b)
{
	struct coverage *c = arg;

	pthread_mutex_lock(&c->lock);
	if (c->sheet != NULL)
		coverage_sheet_fill(c->sheet, b);
	pthread_mutex_unlock(&c->lock);
}

struct snapshot_source
coverage_source(struct coverage *c)
{
	return (struct snapshot_source){fill, c};
}
