/* Notices as notifications to the master. SNMP thread only. */
#ifndef AGENTX_SEND_H
#define AGENTX_SEND_H

struct agentx_trap_notice;

void agentx_send(const struct agentx_trap_notice *n);

#endif
