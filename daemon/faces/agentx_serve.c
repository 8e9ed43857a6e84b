/* Requests of the master, as net-snmp hands them over. */
#include "build.h"

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/sysORTable.h>

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

bool
agentx_serve_get(const struct agentx_serve *s, struct variable_list *vb)
{
	uint32_t sub[MAX_OID_LEN];
	struct agentx_value v;
	size_t n;

	if (!below_root(s, vb, sub, &n) ||
	    !agentx_tree_get(s->tree, sub, n, &v))
		return false;
	agentx_vb_set(vb, &v);
	return true;
}

/* Whether it is before the end that the variable's value is (RFC 2741 §5.2). */
static bool
is_before_end(const netsnmp_variable_list *vb, const oid *name, size_t len)
{
	size_t n = vb->val_len / sizeof(oid);

	/* 0.0 stands for no end. */
	if (n == 2 && vb->val.objid[0] == 0 && vb->val.objid[1] == 0)
		return true;
	return snmp_oid_compare(name, len, vb->val.objid, n) < 0;
}

bool
agentx_serve_next(const struct agentx_serve *s, struct variable_list *vb,
    bool inclusive, bool bounded)
{
	oid name[MIB_ROOT_MAX + 1 + AGENTX_PREFIX + AGENTX_KEY];
	uint32_t sub[MAX_OID_LEN];
	struct agentx_instance next;
	size_t n, len = s->root_len;

	if (!below_root(s, vb, sub, &n))
		return false;
	if (inclusive && agentx_tree_get(s->tree, sub, n, &next.value)) {
		agentx_vb_set(vb, &next.value);
		return true;
	}
	if (!agentx_tree_next(s->tree, sub, n, &next))
		return false;
	for (size_t i = 0; i < len; i++)
		name[i] = s->root[i];
	for (size_t i = 0; i < next.oid.len; i++)
		name[len++] = next.oid.sub[i];
	if (bounded && !is_before_end(vb, name, len))
		return false;
	snmp_set_var_objid(vb, name, len);
	agentx_vb_set(vb, &next.value);
	return true;
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
		/* What has nothing behind it stays as it is. */
		if (info->mode == MODE_GETNEXT)
			agentx_serve_next(s, r->requestvb, r->inclusive, false);
		else if (info->mode != MODE_GET)
			netsnmp_set_request_error(
			    info, r, SNMP_ERR_NOTWRITABLE);
		else if (!agentx_serve_get(s, r->requestvb))
			netsnmp_set_request_error(info, r, SNMP_NOSUCHINSTANCE);
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

void
agentx_serve_tell(const uint32_t *id, size_t n, const char *what)
{
	oid name[MIB_ROOT_MAX + 2];

	for (size_t i = 0; i < n; i++)
		name[i] = id[i];
	REGISTER_SYSOR_TABLE(name, n, what);
}
