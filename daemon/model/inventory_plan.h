/*
 * What is to be probed before names are addresses: every node and target of
 * all sources, in an order that depends on nothing but the input.
 */
#ifndef INVENTORY_PLAN_H
#define INVENTORY_PLAN_H

#include "inventory.h"

struct buf;

/* One node of a media cluster, or one target of its own. */
struct want {
	const char *name;	/* of a target; NULL: a node of the cluster */
	const char *cluster;	/* "" for none */
	const char *probe;
	enum transport transport;
	const char *host;
	uint16_t port;
	struct ask *ask;	/* NULL: asks nothing */
	const char *url;	/* NULL: has none */
	struct proxy *proxy;	/* NULL: direct */
	const struct config_probing *probing;
	size_t order;		/* sources in order: the first one wins */
	uint32_t need;		/* 1 + number of the need; 0: it is none */
};

struct plan {
	struct want *want;	/* targets first, then nodes, sorted */
	size_t wants;
	struct inventory_cluster *cluster;	/* sorted by name */
	size_t clusters;
};

/* Everything is borrowed from the input. 0 or -ENOMEM. */
int inventory_plan(const struct inventory_input *in, struct plan *out,
    struct buf *warnings);
void inventory_plan_free(struct plan *p);

/*
 * Leaves the shard's part of a plan: whole media clusters, and targets that
 * are in none by their names. Weighed are nodes and targets, not addresses,
 * since those are not the same for every process. 0 or -ENOMEM.
 */
int inventory_shard(struct plan *p, const struct shard *shard);

/* Lengthens intervals until the limits of the configuration hold. */
int inventory_limit(struct inventory *i, const struct config *c,
    struct buf *warnings);

/* Needs and the keys of the targets that they became, as they are made. */
struct inventory_links {
	struct inventory_key {
		uint32_t need;
		char *key;	/* owned */
	} *item;
	size_t items, room;
};

/* 0 or -ENOMEM. */
int inventory_link_add(
    struct inventory_links *l, uint32_t need, const char *key);
/* Makes link and links of the inventory. 0 or -ENOMEM. */
int inventory_link_make(struct inventory *i, struct inventory_links *l);
void inventory_link_free(struct inventory_links *l);

#endif
