/*
 * The objects of the MIB as a snapshot has them: GET and GETNEXT by binary
 * search over columns and rows, the same for every table; no column is named.
 * One thread.
 */
#ifndef AGENTX_TABLE_H
#define AGENTX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agentx_value.h"
#include "mib.h"

struct agentx_table;
struct snapshot;

/* OIDs are those below "objects" (mib.h). */
struct agentx_oid {
	uint32_t sub[MIB_PREFIX + MIB_INDEXES];
	size_t len;
};

struct agentx_instance {
	struct agentx_oid oid;
	struct agentx_value value;
};

/* Without a snapshot there are no instances. NULL: no memory. */
struct agentx_table *agentx_table_new(void);
void agentx_table_free(struct agentx_table *t);

/*
 * What is served from now on; a reference is taken. boot: when the agent's
 * sysUpTime was 0, ns since 1970.
 */
void agentx_table_show(
    struct agentx_table *t, struct snapshot *s, int64_t boot);

bool agentx_table_get(struct agentx_table *t, const uint32_t *sub, size_t n,
    struct agentx_value *out);
/* The first instance behind it; false at the end. */
bool agentx_table_next(struct agentx_table *t, const uint32_t *sub, size_t n,
    struct agentx_instance *out);

#endif
