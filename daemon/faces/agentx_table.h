/*
 * The objects of the MIB as a snapshot has them, the same for every table; no
 * column is named. One thread.
 */
#ifndef AGENTX_TABLE_H
#define AGENTX_TABLE_H

#include <stdint.h>

#include "agentx_tree.h"

struct agentx_table;
struct snapshot;

/* Without a snapshot there are no instances. NULL: no memory. */
struct agentx_table *agentx_table_new(void);
void agentx_table_free(struct agentx_table *t);

/*
 * What is served from now on, NULL for nothing; a reference is taken. boot:
 * when the agent's sysUpTime was 0, ns since 1970.
 */
void agentx_table_show(
    struct agentx_table *t, struct snapshot *s, int64_t boot);

/*
 * The cell of a column, by its name, in the row with that index. False: there
 * is none.
 */
bool agentx_table_cell(const struct agentx_table *t, const char *object,
    uint32_t index, struct agentx_instance *out);

/* Its instances; OIDs are those below "objects" (mib.h). */
const struct agentx_tree *agentx_table_tree(const struct agentx_table *t);

#endif
