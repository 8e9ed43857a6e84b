/*
 * DISMAN-PING-MIB over a snapshot, as a tree of columns. A row of a target is
 * found by the name of the target, behind the owner "reachd". One thread.
 */
#ifndef AGENTX_PING_H
#define AGENTX_PING_H

#include "agentx_tree.h"
#include "mib.h"
#include "ping.h"

struct agentx_ping;
struct snapshot;

/* traps: bits 1 << enum ping_notification. NULL: no memory. */
struct agentx_ping *agentx_ping_new(unsigned traps);
void agentx_ping_free(struct agentx_ping *p);
/* What is served from now on; a reference is taken. */
void agentx_ping_show(struct agentx_ping *p, struct snapshot *s);

/* pingObjects; returns its length. */
unsigned agentx_ping_root(uint32_t out[MIB_ROOT_MAX]);
const struct agentx_tree *agentx_ping_tree(const struct agentx_ping *p);

/* The value of a column in a row. False: it has none now. */
bool agentx_ping_value(struct agentx_value *out, const struct ping_column *c,
    const struct ping_row *row);
/* The index of a target, as its rows of pingCtlTable have it. */
void agentx_ping_key(struct agentx_oid *oid, const char *name);

#endif
