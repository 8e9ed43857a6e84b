/* Values as the variables of net-snmp. */
#include "build.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "agentx_vb.h"

static void
set_oid(netsnmp_variable_list *vb, const struct agentx_value *v)
{
	oid sub[AGENTX_SUBS];

	for (size_t i = 0; i < v->len; i++)
		sub[i] = v->sub[i];
	snmp_set_var_typed_value(vb, ASN_OBJECT_ID, sub, v->len * sizeof(*sub));
}

static void
set_number(netsnmp_variable_list *vb, const struct agentx_value *v)
{
	static const u_char type[] = {
	    [AGENTX_INTEGER] = ASN_INTEGER,
	    [AGENTX_UNSIGNED] = ASN_UNSIGNED,
	    [AGENTX_TICKS] = ASN_TIMETICKS,
	};
	u_long n = (u_long)v->number;

	snmp_set_var_typed_value(vb, type[v->type], &n, sizeof(n));
}

void
agentx_vb_set(struct variable_list *vb, const struct agentx_value *v)
{
	struct counter64 c = {.high = (u_long)(v->number >> 32),
	    .low = (u_long)(v->number & UINT32_MAX)};

	switch (v->type) {
	case AGENTX_OCTETS:
		snmp_set_var_typed_value(vb, ASN_OCTET_STR, v->octets, v->len);
		break;
	case AGENTX_OID:
		set_oid(vb, v);
		break;
	case AGENTX_COUNTER64:
		snmp_set_var_typed_value(vb, ASN_COUNTER64, &c, sizeof(c));
		break;
	case AGENTX_INTEGER:
	case AGENTX_UNSIGNED:
	case AGENTX_TICKS:
		set_number(vb, v);
		break;
	}
}

void
agentx_vb_add(struct variable_list **list, const uint32_t *name, size_t n,
    const struct agentx_value *v)
{
	oid full[MAX_OID_LEN];
	netsnmp_variable_list *vb;

	for (size_t i = 0; i < n; i++)
		full[i] = name[i];
	vb = snmp_varlist_add_variable(list, full, n, ASN_NULL, NULL, 0);
	if (vb != NULL)
		agentx_vb_set(vb, v);
}
