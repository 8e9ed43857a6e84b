/*
 * The list of targets that a configuration, the lists of nodes and the
 * addresses of names make together. Pure: the same input gives the same list,
 * with the same names, in any process.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include <stddef.h>

#include "config.h"
#include "shard.h"

/* What the resolver knows of a name; addresses without port, sorted. */
struct inventory_name {
	const char *host;
	const struct addr *addr;
	size_t addrs;
	uint64_t took_ns;	/* how long that took; 0: no time */
};

struct inventory_cluster {
	char name[CLUSTER_NAME + 1];
	enum cluster_class class;
	struct cluster_about about;
	bool has[TRANSPORT_TLS + 1];	/* configured with such nodes */
};

struct inventory_input {
	const struct config *config;
	const struct nodelist *const *list;	/* NULL entries are skipped */
	size_t lists;
	const struct config_target *const *file_target;	/* arrays, one a file */
	const size_t *file_targets;
	size_t files;
	/* needs that were learned; they are numbered after the others */
	const struct config_target *learned;
	size_t learnt;
	struct shard shard;		/* what of it is made */
	/*
	 * Addresses of a name; 0 addresses while it was never resolved. NULL:
	 * the name servers that this host asks, with their ports.
	 */
	void (*resolve)(void *arg, const char *host,
	    struct inventory_name *out);
	void *arg;
};

struct inventory {
	struct target **target;		/* owned references, sorted by name */
	size_t targets;
	struct inventory_cluster *cluster;	/* sorted by name */
	size_t clusters;
	/* What the configuration's needs became, by need. */
	struct inventory_link {
		uint32_t need;		/* its number, from 0 on */
		struct target *target;	/* owned reference */
	} *link;
	size_t links;
	char *warnings;			/* a line each, or NULL */
};

/* NULL: no memory. */
struct inventory *inventory_build(const struct inventory_input *in);
void inventory_free(struct inventory *i);
/* The shortest interval of its targets, or `most` where that is shorter. */
uint64_t inventory_shortest(const struct inventory *i, uint64_t most);

/* The names that need resolving, each once, sorted; *n of them, owned. */
char **inventory_names(const struct inventory_input *in, size_t *n);

#endif
