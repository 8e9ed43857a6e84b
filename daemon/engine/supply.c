/* From every source of targets to one inventory. */
#include "build.h"

#include <stdlib.h>

#include "collector.h"
#include "supply.h"

static void
on_resolve(void *arg, const char *host, struct inventory_name *out)
{
	const struct supply *s = arg;

	out->host = host;
	out->addrs = host != NULL ? resolve_get(s->resolve, host, &out->addr)
				  : resolve_servers(s->resolve, &out->addr);
	out->took_ns = host != NULL ? resolve_took(s->resolve, host) : 0;
}

static struct inventory_input
input(const struct supply *s)
{
	struct inventory_input in = {.config = s->config,
	    .shard = s->shard,
	    .learned = s->learned,
	    .learnt = s->learnt,
	    .resolve = on_resolve,
	    .arg = (void *)s};

	in.lists = discovery_lists(s->discovery, &in.list);
	in.files =
	    discovery_targets(s->discovery, &in.file_target, &in.file_targets);
	return in;
}

/*
 * A name that was asked for and has neither answered nor failed yet makes no
 * target: "dns" would be a lie.
 */
static void
drop_pending(const struct supply *s, struct inventory *inv)
{
	size_t kept = 0;

	for (size_t i = 0; i < inv->targets; i++) {
		struct target *t = inv->target[i];

		const struct addr *none;

		if (addr_family(&t->path.addr) == 0 &&
		    resolve_get(s->resolve, target_next_hop(t), &none) == 0 &&
		    resolve_failures(s->resolve, target_next_hop(t), NULL) == 0)
			target_unref(t);
		else
			inv->target[kept++] = t;
	}
	inv->targets = kept;
}

static void
want_names(const struct supply *s, const struct inventory_input *in)
{
	size_t names;
	char **name = inventory_names(in, &names);

	resolve_want(s->resolve, name, names);
	telemetry_names(s->telemetry, s->resolve, name, names);
	for (size_t i = 0; i < names; i++)
		free(name[i]);
	free(name);
}

struct inventory *
supply_build(const struct supply *s)
{
	struct inventory_input in = input(s);
	struct inventory *inv;

	want_names(s, &in);
	inv = inventory_build(&in);
	if (inv != NULL)
		drop_pending(s, inv);
	return inv;
}

uint8_t
supply_loop(const struct target *t)
{
	const struct collector *c =
	    collectors_find(t->probe, t->path.transport);

	return c != NULL ? (uint8_t)c->room : COLLECTOR_MEDIA;
}
