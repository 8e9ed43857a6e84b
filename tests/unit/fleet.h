/*
 * Targets and inventories made by hand, for the tests of the engine. What a
 * spec does not say is as in a usual configuration.
 */
#ifndef FLEET_H
#define FLEET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "inventory.h"
#include "target.h"

struct fleet_spec {
	const char *name;	  /* NULL: "target-%u" of number */
	unsigned number;	  /* makes the address 198.18.x.y */
	const char *probe;	  /* NULL: "stun" */
	enum transport transport; /* 0: UDP */
	const char *cluster;	  /* NULL: none */
	enum cluster_class class;
	uint64_t interval, timeout, spacing, ring, retry;
	unsigned count;
	bool unresolved;
	struct thresholds thresholds; /* down_after 0: usual ones */
};

static inline uint64_t
fleet_or(uint64_t said, uint64_t usual)
{
	return said != 0 ? said : usual;
}

static inline struct target *
fleet_target(const struct fleet_spec *f)
{
	uint8_t bytes[4] = {
	    198, 18, (uint8_t)(f->number >> 8), (uint8_t)f->number};
	char name[TARGET_NAME + 1];
	struct target *t;

	snprintf(name, sizeof(name), "target-%u", f->number);
	t = target_new(f->name != NULL ? f->name : name, "node.example.net");
	assert_non_null(t);
	t->probe = f->probe != NULL ? f->probe : "stun";
	t->path.transport = f->transport != 0 ? f->transport : TRANSPORT_UDP;
	if (!f->unresolved)
		addr_from_bytes(&t->path.addr, AF_INET, bytes,
		    (uint16_t)(5004 + (f->number >> 16)));
	t->path.timeout_ns = fleet_or(f->timeout, 3 * CLOCK_SEC);
	if (f->cluster != NULL)
		snprintf(t->cluster, sizeof(t->cluster), "%s", f->cluster);
	t->class = f->class != 0 ? f->class : CLUSTER_CLASS_PUBLIC;
	t->port = 5004;
	t->interval_ns = fleet_or(f->interval, 10 * CLOCK_SEC);
	t->retry_ns = f->retry;
	t->spacing_ns = fleet_or(f->spacing, 20 * CLOCK_MS);
	t->ring_ns = fleet_or(f->ring, 900 * CLOCK_SEC);
	t->count = f->count != 0 ? f->count : 1;
	t->expect = EXPECT_REACHABLE;
	t->thresholds = f->thresholds;
	if (t->thresholds.down_after == 0)
		t->thresholds =
		    (struct thresholds){.down_after = 3, .up_after = 2};
	assert_int_equal(target_seal(t), 0);
	return t;
}

static inline struct target *
fleet_add(struct inventory *inv, const struct fleet_spec *f)
{
	struct target *t = fleet_target(f);

	inv->target =
	    realloc(inv->target, (inv->targets + 1) * sizeof(*inv->target));
	assert_non_null(inv->target);
	inv->target[inv->targets++] = t;
	return t;
}

static inline void
fleet_add_cluster(
    struct inventory *inv, const char *name, enum cluster_class class)
{
	struct inventory_cluster *c;

	inv->cluster =
	    realloc(inv->cluster, (inv->clusters + 1) * sizeof(*inv->cluster));
	assert_non_null(inv->cluster);
	c = &inv->cluster[inv->clusters++];
	*c = (struct inventory_cluster){.class = class};
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->has[TRANSPORT_UDP] = c->has[TRANSPORT_TCP] = true;
}

static inline void
fleet_clear(struct inventory *inv)
{
	for (size_t i = 0; i < inv->targets; i++)
		target_unref(inv->target[i]);
	free(inv->target);
	free(inv->cluster);
	*inv = (struct inventory){0};
}

static inline uint8_t
fleet_loop(const struct target *t)
{
	(void)t;
	return 0;
}

#endif
