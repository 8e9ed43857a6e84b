/*
 * What is to be probed now: the inventory of the configuration, the lists of
 * nodes and what the resolver knows, less what cannot be said yet.
 */
#ifndef SUPPLY_H
#define SUPPLY_H

#include "config.h"
#include "discovery.h"
#include "inventory.h"
#include "resolve.h"
#include "telemetry.h"

struct supply {
	const struct config *config;
	struct discovery *discovery;
	struct resolve *resolve;
	struct telemetry *telemetry; /* is told the names */
	struct shard shard;
	const struct config_target *learned; /* needs that were learned */
	size_t learnt;
};

/* Asks for the names that are needed, and makes it. NULL: no memory. */
struct inventory *supply_build(const struct supply *s);

/* The loop (enum collector_room) that the target belongs to. */
uint8_t supply_loop(const struct target *t);

#endif
