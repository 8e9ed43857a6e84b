/* Requests of the master, as net-snmp hands them over. */
#include "build.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "agentx_serve.h"
#include "agentx_vb.h"

/* A request's OID below the root; true: it is there or before it. */
static bool
below_root(const struct agentx_serve *s, const netsnmp_variable_list *vb,
    uint32_t sub[MAX_OID_LEN], size_t *n)
{
	size_t len = vb->name_length;

	*n = 0;
	for (size_t i = 0; i < s->root_len; i++) {
		if (i == len || vb->name[i] < s->root[i])
			return true;
		if (vb->name[i] > s->root[i])
			return false;
	}
	for (size_t i = s->root_len; i < len && *n < MAX_OID_LEN; i++)
		sub[(*n)++] = (uint32_t)vb->name[i];
	return true;
}

static void
answer_get(struct agentx_serve *s, netsnmp_agent_request_info *info,
    netsnmp_request_info *r)
{
	uint32_t sub[MAX_OID_LEN];
	struct agentx_value v;
	size_t n;

	if (below_root(s, r->requestvb, sub, &n) &&
	    agentx_tree_get(s->tree, sub, n, &v))
		agentx_vb_set(r->requestvb, &v);
	else
		netsnmp_set_request_error(info, r, SNMP_NOSUCHINSTANCE);
}

/* What has nothing behind it stays as it is: the master goes on elsewhere. */
static void
answer_next(struct agentx_serve *s, netsnmp_request_info *r)
{
	oid name[MIB_ROOT_MAX + 1 + AGENTX_PREFIX + AGENTX_KEY];
	uint32_t sub[MAX_OID_LEN];
	struct agentx_instance next;
	size_t n, len = s->root_len;

	if (!below_root(s, r->requestvb, sub, &n))
		return;
	if (r->inclusive && agentx_tree_get(s->tree, sub, n, &next.value)) {
		agentx_vb_set(r->requestvb, &next.value);
		return;
	}
	if (!agentx_tree_next(s->tree, sub, n, &next))
		return;
	for (size_t i = 0; i < len; i++)
		name[i] = s->root[i];
	for (size_t i = 0; i < next.oid.len; i++)
		name[len++] = next.oid.sub[i];
	snmp_set_var_objid(r->requestvb, name, len);
	agentx_vb_set(r->requestvb, &next.value);
}

static unsigned
count(const netsnmp_request_info *requests)
{
	unsigned n = 0;

	for (; requests != NULL; requests = requests->next)
		n += !requests->processed;
	return n;
}

static int
on_request(netsnmp_mib_handler *handler, netsnmp_handler_registration *reg,
    netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
	struct agentx_serve *s = reg->my_reg_void;

	s->before(s->arg, count(requests));
	for (netsnmp_request_info *r = requests; r != NULL; r = r->next) {
		if (r->processed)
			continue;
		if (info->mode == MODE_GET)
			answer_get(s, info, r);
		else if (info->mode == MODE_GETNEXT)
			answer_next(s, r);
		else
			netsnmp_set_request_error(
			    info, r, SNMP_ERR_NOTWRITABLE);
	}
	return SNMP_ERR_NOERROR;
}

void
agentx_serve(struct agentx_serve *s)
{
	oid root[MIB_ROOT_MAX + 1];
	netsnmp_handler_registration *reg;

	for (size_t i = 0; i < s->root_len; i++)
		root[i] = s->root[i];
	reg = netsnmp_create_handler_registration(
	    s->name, on_request, root, s->root_len, HANDLER_CAN_RONLY);
	if (reg == NULL)
		return;
	reg->my_reg_void = s;
	netsnmp_register_handler(reg);
}
