/* A shard's part of what is to be probed. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inventory_plan.h"

/* A media cluster and a target may have one name. */
enum { SEED_CLUSTER = 1, SEED_TARGET = 2 };

static int
compare_name(const void *name, const void *cluster)
{
	return strcmp(name, ((const struct inventory_cluster *)cluster)->name);
}

/* Units are the clusters in their order, and then the wants in theirs. */
static size_t
unit_of(const struct plan *p, size_t want)
{
	const struct inventory_cluster *c = bsearch(p->want[want].cluster,
	    p->cluster, p->clusters, sizeof(*p->cluster), compare_name);

	return c != NULL ? (size_t)(c - p->cluster) : p->clusters + want;
}

/* Units without weight are nobody's: wants that are in a cluster. */
static struct shard_unit *
weigh(const struct plan *p)
{
	struct shard_unit *u = calloc(p->clusters + p->wants + 1, sizeof(*u));

	if (u == NULL)
		return NULL;
	for (size_t i = 0; i < p->clusters; i++)
		u[i].hash = target_hash(p->cluster[i].name, SEED_CLUSTER);
	for (size_t i = 0; i < p->wants; i++) {
		size_t k = unit_of(p, i);

		u[k].weight++;
		if (k >= p->clusters)
			u[k].hash = target_hash(p->want[i].name, SEED_TARGET);
	}
	return u;
}

int
inventory_shard(struct plan *p, const struct shard *shard)
{
	struct shard_unit *unit;
	size_t wants = 0, clusters = 0;

	if (shard->count < 2)
		return 0;
	unit = weigh(p);
	if (unit == NULL ||
	    shard_assign(unit, p->clusters + p->wants, shard->count) < 0) {
		free(unit);
		return -ENOMEM;
	}
	for (size_t i = 0; i < p->wants; i++) {
		if (unit[unit_of(p, i)].shard == shard->index)
			p->want[wants++] = p->want[i];
	}
	p->wants = wants;
	for (size_t i = 0; i < p->clusters; i++) {
		if (unit[i].shard == shard->index)
			p->cluster[clusters++] = p->cluster[i];
	}
	p->clusters = clusters;
	free(unit);
	return 0;
}
