/* Notices as notifications to the master. SNMP thread only. */
#ifndef AGENTX_SEND_H
#define AGENTX_SEND_H

#include <stdbool.h>
#include <stdint.h>

struct agentx_table;
struct agentx_trap_notice;
struct snapshot;

/* With the row that it is about, if the table has it. */
void agentx_send(
    const struct agentx_trap_notice *n, const struct agentx_table *rows);
/*
 * A notification of DISMAN-PING-MIB on the target of that index, as the
 * snapshot has it. False: it is gone.
 */
bool agentx_send_test(
    const struct snapshot *s, uint32_t index, unsigned number);

#endif
