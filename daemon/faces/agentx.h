/*
 * The AgentX subagent (RFC 2741): a thread of its own in which every call of
 * net-snmp is made, as with a stopped master they block for seconds and
 * longer. It serves the MIB from snapshots and connects again by itself.
 */
#ifndef AGENTX_H
#define AGENTX_H

#include <stdbool.h>
#include "ping.h"
#include "snapshot.h"

struct agentx;

/* Samples of each target that a snapshot must keep for it. */
enum { AGENTX_HISTORY = PING_KEPT };

/*
 * socket: path of the master's socket; copied. traps: notifications of
 * DISMAN-PING-MIB, 1 << enum ping_notification. snapshots is borrowed. Nothing
 * is done before agentx_start(). NULL: no memory.
 */
struct agentx *agentx_new(
    const char *socket, unsigned traps, struct snapshotter *snapshots);
/* What it says of itself. */
struct snapshot_source agentx_source(struct agentx *a);
/*
 * Notifies the master's managers of what happened; what cannot be sent now
 * waits (agentx_trap.h). Any thread, but not once agentx_stop() is called.
 */
struct event;
void agentx_tell(struct agentx *a, const struct event *e);
/* 0 or -errno. */
int agentx_start(struct agentx *a);
/*
 * Ends the thread and frees it; NULL is fine. A thread that hangs in a call
 * to the master is left alone after a second: it touches nothing of ours any
 * more, but the process must end without its exit handlers. False then.
 */
bool agentx_stop(struct agentx *a);

#endif
