/* Notices as notifications, by way of net-snmp. */
#include "build.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "agentx_send.h"
#include "agentx_trap.h"
#include "agentx_vb.h"

/* SNMPv2-MIB::snmpTrapOID.0 (RFC 3416 section 4.2.6) */
static const uint32_t trap_oid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};

enum { TRAP_OID_LEN = sizeof(trap_oid) / sizeof(trap_oid[0]) };

static netsnmp_variable_list *
begin(const struct agentx_value *kind)
{
	netsnmp_variable_list *list = NULL;

	agentx_vb_add(&list, trap_oid, TRAP_OID_LEN, kind);
	return list;
}

static void
finish(netsnmp_variable_list *list)
{
	send_v2trap(list);
	snmp_free_varbind(list);
}

void
agentx_send(const struct agentx_trap_notice *n)
{
	struct agentx_value v = {.type = AGENTX_OID};
	uint32_t name[MIB_ROOT_MAX + 4];
	const struct mib_notify_object *o;
	unsigned root = mib_root(name);
	netsnmp_variable_list *list;

	mib_root(v.sub);
	v.sub[root] = MIB_NOTIFICATIONS;
	v.sub[root + 1] = n->event.kind;
	v.len = root + 2;
	list = begin(&v);
	/* ROOT.OBJECTS.7.WHICH.0 */
	name[root] = MIB_OBJECTS;
	name[root + 1] = MIB_NOTIFY_GROUP;
	name[root + 3] = 0;
	for (unsigned i = 0; (o = mib_notify_at(i)) != NULL; i++) {
		if (!mib_notify_has(n->event.kind, o->which))
			continue;
		name[root + 2] = o->which;
		agentx_trap_value(n, o->which, &v);
		agentx_vb_add(&list, name, root + 4, &v);
	}
	finish(list);
}
