/* The daemon's own numbers, and the roll-up of nodes by media subnet. */
#include "build.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "telemetry.h"

enum { SOURCES_MAX = 64 };

struct source_copy {
	char *name; /* owned */
	struct discovery_status status;
};

struct name_copy {
	char *host;   /* owned */
	bool settled; /* has had an answer or a failure */
	bool resolved;
	size_t addresses;
};

struct telemetry {
	struct engine *const *engine; /* borrowed */
	unsigned engines;
	struct shard shard;
	pthread_mutex_t lock;	    /* all below */
	char *config_file, *sha256; /* owned */
	uint64_t reloads, failures;
	bool reload_ok;
	int64_t reload_at, saved_at, netchange_at;
	uint64_t netchange[NETCHANGE_END];
	struct source_copy source[SOURCES_MAX];
	size_t sources;
	struct name_copy *name;
	size_t names;
	char **subnet; /* owned: label values, by target's row */
	size_t subnets;
	int64_t started;
	uint64_t began; /* the same, monotonic */
};

struct telemetry *
telemetry_new(struct engine *const *engine, unsigned engines)
{
	struct telemetry *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->engine = engine;
	t->engines = engines;
	t->started = clock_real();
	t->began = clock_mono();
	return t;
}

static void
subnets_free(struct telemetry *t)
{
	for (size_t i = 0; i < t->subnets; i++)
		free(t->subnet[i]);
	free(t->subnet);
	t->subnet = NULL;
	t->subnets = 0;
}

static void
sources_free(struct telemetry *t)
{
	for (size_t i = 0; i < t->sources; i++)
		free(t->source[i].name);
	t->sources = 0;
}

static void
names_free(struct telemetry *t)
{
	for (size_t i = 0; i < t->names; i++)
		free(t->name[i].host);
	free(t->name);
	t->name = NULL;
	t->names = 0;
}

void
telemetry_free(struct telemetry *t)
{
	if (t == NULL)
		return;
	subnets_free(t);
	sources_free(t);
	names_free(t);
	free(t->config_file);
	free(t->sha256);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* ---- the control's side ---- */

void
telemetry_config(struct telemetry *t, const struct config *c)
{
	size_t n = 0;

	pthread_mutex_lock(&t->lock);
	subnets_free(t);
	for (size_t i = 0; i < c->profiles; i++)
		n += c->profile[i]->subnets;
	t->subnet = calloc(n + 1, sizeof(*t->subnet));
	for (size_t i = 0; i < c->profiles && t->subnet != NULL; i++)
		for (size_t k = 0; k < c->profile[i]->subnets; k++)
			t->subnet[t->subnets++] =
			    strdup(c->profile[i]->subnet[k].text);
	free(t->config_file);
	free(t->sha256);
	t->config_file = strdup(c->file);
	t->sha256 = strdup(c->sha256);
	t->reload_ok = true;
	t->reload_at = clock_real();
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_shard(struct telemetry *t, const struct shard *shard)
{
	t->shard = *shard;
}

void
telemetry_reload(struct telemetry *t, bool ok)
{
	pthread_mutex_lock(&t->lock);
	t->reloads++;
	t->failures += !ok;
	t->reload_ok = ok;
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_network(struct telemetry *t, unsigned kinds)
{
	pthread_mutex_lock(&t->lock);
	t->netchange_at = clock_real();
	for (unsigned k = 1; k < NETCHANGE_END; k++)
		t->netchange[k] += (kinds >> k) & 1;
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_sources(
    struct telemetry *t, const struct discovery_status *source, size_t n)
{
	pthread_mutex_lock(&t->lock);
	sources_free(t);
	for (size_t i = 0; i < n && i < SOURCES_MAX; i++) {
		char *name = strdup(source[i].name);

		if (name != NULL)
			t->source[t->sources++] =
			    (struct source_copy){name, source[i]};
	}
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_names(
    struct telemetry *t, const struct resolve *r, char *const *host, size_t n)
{
	const struct addr *none;

	pthread_mutex_lock(&t->lock);
	names_free(t);
	t->name = calloc(n + 1, sizeof(*t->name));
	for (size_t i = 0; i < n && t->name != NULL; i++) {
		struct name_copy *o = &t->name[t->names];

		o->addresses = resolve_get(r, host[i], &none);
		o->resolved = resolve_failures(r, host[i], NULL) == 0;
		o->settled = o->addresses > 0 || !o->resolved;
		o->host = strdup(host[i]);
		if (o->host != NULL)
			t->names++;
	}
	pthread_mutex_unlock(&t->lock);
}

void
telemetry_saved(struct telemetry *t)
{
	pthread_mutex_lock(&t->lock);
	t->saved_at = clock_real();
	pthread_mutex_unlock(&t->lock);
}

/* ---- the reading thread's side ---- */

static uint64_t
moment(int64_t real)
{
	return real == 0 ? STATS_NONE : (uint64_t)real;
}

/* name="value",name="value": pairs, NULL at the end. */
static const char *
labels(struct snapshot_builder *b, const char *const *pair)
{
	struct buf text = BUF_INIT;
	const char *copy;

	for (; pair[0] != NULL; pair += 2) {
		if (text.len > 0)
			buf_putc(&text, ',');
		buf_puts(&text, pair[0]);
		buf_puts(&text, "=\"");
		target_label_escape(&text, pair[1] != NULL ? pair[1] : "");
		buf_putc(&text, '"');
	}
	copy = snapshot_text(b, buf_str(&text));
	buf_free(&text);
	return copy;
}

static void *
labelled(struct snapshot_builder *b, enum stats_scope scope, const char *name,
    const char *value)
{
	const char *const pair[] = {name, value, NULL};
	const char *text = labels(b, pair);

	return text != NULL ? snapshot_item(b, scope, text) : NULL;
}

static void
fill_agent(struct telemetry *t, struct snapshot_builder *b,
    const struct sched_counts *c)
{
	struct snap_agent *a = snapshot_only(b, SCOPE_agent);
	struct utsname u;

	if (a == NULL)
		return;
	uname(&u);
	a->build =
	    labels(b, (const char *const[]){"version", PACKAGE_VERSION,
			  "revision", REACHD_REVISION, "compiler", __VERSION__,
			  "os", u.sysname, "arch", u.machine, NULL});
	a->config = labels(b, (const char *const[]){"sha256", t->sha256,
				  "source", t->config_file, NULL});
	a->reload_ok = t->reload_ok;
	a->reload_at = moment(t->reload_at);
	a->reloads = t->reloads;
	a->reload_failures = t->failures;
	a->shard = t->shard.index;
	a->shards = t->shard.count > 0 ? t->shard.count : 1;
	a->in_flight = c->in_flight;
	a->wakeups = c->wakeups;
	a->unmatched = c->unmatched;
	a->receive_drops = c->drops;
	a->started_at = snapshot_time(b, t->began);
	a->netchange_at = moment(t->netchange_at);
	a->state_saved_at = moment(t->saved_at);
	for (unsigned i = 0; i < t->engines; i++)
		a->events_dropped += engine_notes_dropped(t->engine[i]);
}

static void
fill_counts(struct telemetry *t, struct snapshot_builder *b,
    const struct sched_counts *c)
{
	for (unsigned i = 1; i < MISSED_END; i++) {
		struct snap_missed *o = labelled(
		    b, SCOPE_missed, "reason", word_label(WORD_MISSED, i));

		if (o != NULL)
			o->count = c->missed[i];
	}
	for (unsigned i = STAMP_KERNEL; i < STAMP_END; i++) {
		struct snap_stamp *o = labelled(
		    b, SCOPE_stamp, "source", word_label(WORD_STAMP, i));

		if (o != NULL)
			o->count = c->stamp[i];
	}
	for (unsigned i = 1; i < NETCHANGE_END; i++) {
		struct snap_netchange *o = labelled(
		    b, SCOPE_netchange, "kind", word_label(WORD_NETCHANGE, i));

		if (o != NULL)
			o->count = t->netchange[i];
	}
	for (unsigned i = 0; i < LOG_LEVELS; i++) {
		struct snap_log *o =
		    labelled(b, SCOPE_log, "level", log_level_name(i));

		if (o == NULL)
			return;
		o->count = log_count(i);
		o->left_out = log_left_out(i);
	}
}

static void
fill_lag(
    struct snapshot_builder *b, const char *loop, const struct sched_counts *c)
{
	struct snap_lag *o = labelled(b, SCOPE_lag, "loop", loop);

	if (o != NULL)
		o->lag = c->lag;
}

static void
fill_sources(struct telemetry *t, struct snapshot_builder *b)
{
	for (size_t i = 0; i < t->sources; i++) {
		const struct discovery_status *s = &t->source[i].status;
		const char *text = labels(
		    b, (const char *const[]){"source", t->source[i].name,
			   "kind", word_label(WORD_SOURCE, s->kind), NULL});
		struct snap_source *o =
		    text != NULL ? snapshot_item(b, SCOPE_source, text) : NULL;

		if (o == NULL)
			return;
		if (s->tried)
			o->readable = !s->failing;
		o->last_success = moment(s->last_success);
		o->failures = s->failures;
		o->nodes = s->nodes;
		o->rejected = s->rejected;
	}
}

static void
fill_names(struct telemetry *t, struct snapshot_builder *b)
{
	for (size_t i = 0; i < t->names; i++) {
		const struct name_copy *n = &t->name[i];
		struct snap_name *o;

		if (!n->settled)
			continue;
		o = labelled(b, SCOPE_name, "host", n->host);
		if (o == NULL)
			return;
		o->resolved = n->resolved;
		o->addresses = n->addresses;
	}
}

/* Nodes are counted as targets: a path each. */
static void
fill_subnets(
    struct telemetry *t, struct snapshot_builder *b, const struct snapshot *s)
{
	struct snap_site *site;
	uint64_t *nodes = calloc(2 * t->subnets + 2, sizeof(*nodes));
	uint64_t outside = 0;

	if (nodes == NULL || t->subnets == 0) {
		free(nodes);
		return;
	}
	for (size_t i = 0; i < s->roster->entries; i++) {
		const struct target *g = s->roster->entry[i].target;

		if (g->cluster[0] == '\0' || g->class != CLUSTER_CLASS_PUBLIC ||
		    addr_family(&g->path.addr) == 0)
			continue;
		if (g->subnet == 0 || g->subnet > t->subnets) {
			outside++;
			continue;
		}
		nodes[2 * (g->subnet - 1)]++;
		nodes[2 * (g->subnet - 1) + 1] += SNAP(s, target)[i].up == 1;
	}
	for (size_t i = 0; i < t->subnets; i++) {
		struct snap_subnet *o =
		    labelled(b, SCOPE_subnet, "subnet", t->subnet[i]);

		if (o == NULL)
			break;
		o->nodes = nodes[2 * i];
		o->nodes_up = nodes[2 * i + 1];
	}
	site = snapshot_only(b, SCOPE_site);
	if (site != NULL)
		site->outside_subnets = outside;
	free(nodes);
}

static uint64_t
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return STATS_NONE;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 3; /* ".", ".." and the one of the listing */
}

static void
fill_process(struct telemetry *t, struct snapshot_builder *b)
{
	struct snap_process *o = snapshot_only(b, SCOPE_process);
	unsigned long long vsize, rss;
	struct rusage u;
	struct rlimit l;
	FILE *f = fopen("/proc/self/statm", "re");

	if (o != NULL && getrusage(RUSAGE_SELF, &u) == 0)
		o->cpu =
		    (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) *
			CLOCK_SEC +
		    (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
	if (o != NULL && getrlimit(RLIMIT_NOFILE, &l) == 0)
		o->max_fds = l.rlim_cur;
	if (o != NULL) {
		o->start = (uint64_t)t->started;
		o->open_fds = count_fds();
	}
	if (f != NULL && o != NULL &&
	    fscanf(f, "%llu %llu", &vsize, &rss) == 2) {
		o->virtual = vsize * (uint64_t)sysconf(_SC_PAGESIZE);
		o->resident = rss * (uint64_t)sysconf(_SC_PAGESIZE);
	}
	if (f != NULL)
		fclose(f);
}

static void
fill(void *arg, struct snapshot_builder *b)
{
	static const char *const loop[] = {"media", "signalling"};
	struct telemetry *t = arg;
	struct sched_counts all = {0};

	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->engines; i++) {
		struct sched_counts c = {0};

		engine_counts(t->engine[i], &c);
		fill_lag(b, loop[i], &c);
		engine_counts(t->engine[i], &all);
	}
	fill_agent(t, b, &all);
	fill_counts(t, b, &all);
	fill_sources(t, b);
	fill_names(t, b);
	fill_subnets(t, b, snapshot_of(b));
	fill_process(t, b);
	pthread_mutex_unlock(&t->lock);
}

struct snapshot_source
telemetry_source(struct telemetry *t)
{
	return (struct snapshot_source){fill, t};
}
