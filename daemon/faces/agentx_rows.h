/*
 * The items of a scope as rows of a table: each with its index, in the order
 * of GETNEXT.
 */
#ifndef AGENTX_ROWS_H
#define AGENTX_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "mib.h"

struct index;
struct snapshot;

struct agentx_row {
	uint32_t key[MIB_INDEXES];
	const char *item; /* the snapshot's */
	unsigned bucket;  /* of a histogram */
};

struct agentx_rows {
	struct agentx_row *row; /* owned */
	size_t rows, room;
};

/*
 * Fills it anew. clusters: names to indexes, as agentx_rows_clusters() made
 * them. Items of a media cluster that is not configured any more have no row.
 * 0 or -ENOMEM, then without rows.
 */
int agentx_rows_make(struct agentx_rows *r, const struct mib_table *t,
    const struct snapshot *s, const struct index *clusters);
void agentx_rows_free(struct agentx_rows *r); /* the contents */

/* The indexes of the roster's media clusters by name. 0 or -ENOMEM. */
int agentx_rows_clusters(struct index *out, const struct snapshot *s);
/* That of a name; 0 for "", UINT32_MAX when there is none. */
uint32_t agentx_rows_cluster(const struct index *clusters, const char *name);
/* The index of a proxy by its name; 0 for "", UINT32_MAX for none. */
uint32_t agentx_rows_proxy(const struct snapshot *s, const char *name);

#endif
