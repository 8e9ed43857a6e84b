/* Notices as notifications, by way of net-snmp. */
#include "build.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <string.h>

#include "agentx_ping.h"
#include "agentx_send.h"
#include "agentx_table.h"
#include "agentx_trap.h"
#include "agentx_vb.h"
#include "snapshot.h"

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

/* What the row is called by. */
static void
add_row(netsnmp_variable_list **list, const struct event *e,
    const struct agentx_table *rows)
{
	uint32_t name[MIB_ROOT_MAX + 1 + AGENTX_PREFIX + AGENTX_KEY];
	unsigned root = mib_root(name);
	struct agentx_instance cell;
	const char *object;

	name[root++] = MIB_OBJECTS;
	for (unsigned i = 0; (object = mib_notify_row(e->kind, i)); i++) {
		if (!agentx_table_cell(rows, object, e->index, &cell))
			continue;
		memcpy(name + root, cell.oid.sub, cell.oid.len * sizeof(*name));
		agentx_vb_add(list, name, root + cell.oid.len, &cell.value);
	}
}

void
agentx_send(const struct agentx_trap_notice *n, const struct agentx_table *rows)
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
	add_row(&list, &n->event, rows);
	finish(list);
}

/* ---- DISMAN-PING-MIB ---- */

/* The entry of a target; false: it is gone. */
static bool
entry_of(const struct roster *r, uint32_t index, size_t *entry)
{
	size_t low = 0, high = r->entries;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->entry[mid].target->index < index)
			low = mid + 1;
		else
			high = mid;
	}
	*entry = low;
	return low < r->entries && r->entry[low].target->index == index;
}

static void
add_column(netsnmp_variable_list **list, const struct ping_column *c,
    const struct ping_row *row, const char *target)
{
	uint32_t name[MIB_ROOT_MAX + AGENTX_PREFIX + AGENTX_KEY];
	struct agentx_oid oid = {
	    .sub = {ping_tables[c->table].arc, 1, c->number}, .len = 3};
	unsigned root = agentx_ping_root(name);
	struct agentx_value v;

	agentx_ping_key(&oid, target);
	memcpy(name + root, oid.sub, oid.len * sizeof(*name));
	/* None may be left out: no moment yet is a moment of zeros. */
	if (!agentx_ping_value(&v, c, row))
		v = (struct agentx_value){.type = AGENTX_OCTETS, .len = 8};
	agentx_vb_add(list, name, root + oid.len, &v);
}

bool
agentx_send_test(const struct snapshot *s, uint32_t index, unsigned number)
{
	struct agentx_value kind = {.type = AGENTX_OID};
	struct ping_row row;
	netsnmp_variable_list *list;
	size_t i;

	if (!entry_of(s->roster, index, &i))
		return false;
	ping_control(&row, s, i, 0);
	ping_results(&row, s, i);
	/* pingNotifications stands beside pingObjects. */
	kind.len = agentx_ping_root(kind.sub);
	kind.sub[kind.len - 1] = 0;
	kind.sub[kind.len++] = number;
	list = begin(&kind);
	for (unsigned c = 0; c < ping_column_rows; c++)
		if (ping_is_notified(&ping_columns[c]))
			add_column(&list, &ping_columns[c], &row,
			    s->roster->entry[i].target->name);
	finish(list);
	return true;
}
