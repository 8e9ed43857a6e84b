/* What a configuration costs: time series and memory, by the tables. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "check_config.h"
#include "inventory.h"
#include "kind.h"
#include "log.h"
#include "outcome.h"
#include "proxy.h"
#include "stats.h"
#include "store.h"

enum {
	PROCESS_BYTES = 6 << 20, /* with its libraries, and no target */
	TEXT_BYTES = 768,	 /* of a target: labels, host, schedule */
	LABEL_BYTES = 96,	 /* of an item of a snapshot */
	SNAPSHOTS = 2,		 /* one is read while the next is made */
	HTTP_SERIES = 16,	 /* pairs of handler and code seen in time */
	LOOPS = 2
};

static int
compare_name(const void *name, const void *cluster)
{
	return strcmp(name, ((const struct inventory_cluster *)cluster)->name);
}

/* Targets of one transport and media cluster are one group of counters. */
static size_t
count_groups(const struct inventory *i)
{
	uint32_t *seen = calloc(i->clusters + 1, sizeof(*seen));
	size_t groups = 0;

	for (size_t k = 0; seen != NULL && k < i->targets; k++) {
		const struct target *t = i->target[k];
		const struct inventory_cluster *c = bsearch(t->cluster,
		    i->cluster, i->clusters, sizeof(*c), compare_name);
		uint32_t *mask =
		    &seen[c != NULL ? (size_t)(c - i->cluster) : i->clusters];
		uint32_t bit = UINT32_C(1) << t->path.transport;

		groups += (*mask & bit) == 0;
		*mask |= bit;
	}
	free(seen);
	return groups;
}

/* Phases that a probe over the transport shows: connect, TLS. */
static size_t
count_phases(const struct inventory *i)
{
	size_t n = 0;

	for (size_t k = 0; k < i->targets; k++) {
		if (i->target[k]->path.transport == TRANSPORT_TCP)
			n += 1;
		else if (i->target[k]->path.transport == TRANSPORT_TLS)
			n += 2;
	}
	return n;
}

/* Targets whose kind shows one of these things (kind.h). */
static size_t
count_shown(const struct inventory *i, unsigned shows)
{
	size_t n = 0;

	for (size_t k = 0; k < i->targets; k++) {
		const struct target *t = i->target[k];

		n += (kind_find(t->probe, t->path.transport)->shows & shows) !=
		     0;
	}
	return n;
}

static int
compare_hosts(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that are asked for, each once. */
static size_t
count_names(const struct inventory *i)
{
	const char **host = calloc(i->targets + 1, sizeof(*host));
	size_t n = 0, names = 0;
	struct addr a;

	for (size_t k = 0; k < i->targets && host != NULL; k++)
		if (i->target[k]->host[0] != '\0' &&
		    addr_parse_host(&a, i->target[k]->host) < 0)
			host[n++] = i->target[k]->host;
	if (n > 0)
		qsort(host, n, sizeof(*host), compare_hosts);
	for (size_t k = 0; k < n; k++)
		names += k == 0 || strcasecmp(host[k - 1], host[k]) != 0;
	free(host);
	return names;
}

static size_t
count_subnets(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->profiles; i++)
		n += c->profile[i]->subnets;
	return n;
}

static size_t
count_requirements(const struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->profiles; i++)
		n += c->profile[i]->rows;
	return n;
}

/* How many items each scope of a snapshot will have. */
static void
count_items(const struct config *c, const struct inventory *i,
    size_t items[STATS_SCOPES])
{
	size_t groups = count_groups(i);

	for (unsigned s = 0; s < STATS_SCOPES; s++)
		items[s] = 1;
	items[SCOPE_missed] = MISSED_END - 1;
	items[SCOPE_log] = LOG_LEVELS;
	items[SCOPE_http] = HTTP_SERIES;
	items[SCOPE_netchange] = NETCHANGE_END - 1;
	items[SCOPE_stamp] = STAMP_END - 1;
	items[SCOPE_lag] = LOOPS;
	items[SCOPE_source] = 1 + c->discoveries + c->target_files;
	items[SCOPE_name] = count_names(i);
	items[SCOPE_target] = i->targets;
	items[SCOPE_phase] = count_phases(i);
	items[SCOPE_window] = c->rolling ? i->targets * c->windows : 0;
	items[SCOPE_failure] = groups * (OUTCOME_END - 2);
	items[SCOPE_rtt] =
	    c->histograms == HISTOGRAMS_TARGET ? i->targets : groups;
	items[SCOPE_tls] = count_shown(i, SHOWS_TLS);
	items[SCOPE_fact] = count_shown(i, SHOWS_FACTS);
	items[SCOPE_proxy] = c->proxies;
	items[SCOPE_proxy_failure] = c->proxies * PROXY_CODES;
	items[SCOPE_cluster] = i->clusters;
	items[SCOPE_link] = i->clusters * CHOOSE_TRANSPORTS;
	items[SCOPE_subnet] = count_subnets(c);
	items[SCOPE_requirement] = count_requirements(c);
	items[SCOPE_need] = i->links;
}

/* Samples that one value of the row makes in a scrape. */
static size_t
series_of(const struct stats_desc *d)
{
	if (d->family[0] == '\0')
		return 0;
	if (d->nature == STATS_HISTOGRAM)
		return STATS_BUCKETS + 2;
	if (d->nature == STATS_STATESET)
		return word_end(stats_units[d->unit].words) - 1;
	return 1;
}

size_t
check_config_series(const struct config *c, const struct inventory *i)
{
	size_t items[STATS_SCOPES], n = 0;

	count_items(c, i, items);
	for (unsigned k = 0; k < stats_rows; k++)
		n += items[stats_table[k].scope] * series_of(&stats_table[k]);
	return n;
}

struct check_config_memory
check_config_memory(const struct config *c, const struct inventory *i)
{
	struct check_config_memory m = {0};
	size_t items[STATS_SCOPES];

	count_items(c, i, items);
	for (size_t k = 0; k < i->targets; k++)
		m.samples +=
		    target_ring_size(i->target[k]) * sizeof(struct sample);
	m.all = PROCESS_BYTES + m.samples;
	m.all += i->targets * (sizeof(struct target) + TEXT_BYTES +
				  TALLY_WORDS * sizeof(uint64_t));
	m.all += items[SCOPE_tls] * sizeof(struct tls_facts);
	for (unsigned s = 0; s < STATS_SCOPES; s++)
		m.all +=
		    SNAPSHOTS * items[s] * (stats_scopes[s].size + LABEL_BYTES);
	return m;
}
