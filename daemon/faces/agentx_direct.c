/* What a master asks, answered where it comes in. */
#include "build.h"

#include <stdlib.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "agentx_direct.h"

/* RFC 2741 §6.1, as the library has them in pdu->command. */
enum { AGENTX_GET = 5, AGENTX_GETNEXT = 6, AGENTX_RESPONSE = 18 };

/* Library glue: the session's own argument is the library's. */
static struct {
	const struct agentx_serve *serve;
	unsigned trees;
	netsnmp_callback handed_on; /* what the library does with the rest */
} direct;

static void
get(netsnmp_variable_list *vb)
{
	for (unsigned i = 0; i < direct.trees; i++)
		if (agentx_serve_get(&direct.serve[i], vb))
			return;
	snmp_set_var_typed_value(vb, SNMP_NOSUCHINSTANCE, NULL, 0);
}

static void
get_next(netsnmp_variable_list *vb)
{
	bool inclusive = vb->type == ASN_PRIV_INCL_RANGE;

	for (unsigned i = 0; i < direct.trees; i++)
		if (agentx_serve_next(&direct.serve[i], vb, inclusive, true))
			return;
	/* RFC 2741 §7.2.3.2 */
	snmp_set_var_typed_value(vb, SNMP_ENDOFMIBVIEW, NULL, 0);
}

/* It takes the variables over. NULL: no memory. */
static netsnmp_pdu *
response_to(netsnmp_pdu *request, long version)
{
	netsnmp_pdu *r = snmp_pdu_create(AGENTX_RESPONSE);

	if (r == NULL)
		return NULL;
	r->version = version;
	r->flags = request->flags; /* the order of octets is one of them */
	r->sessid = request->sessid;
	r->transid = request->transid;
	r->reqid = request->reqid;
	r->errstat = r->errindex = 0;
	r->variables = request->variables;
	request->variables = NULL;
	return r;
}

static bool
is_ours(int operation, const netsnmp_pdu *request)
{
	return operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE &&
	       (request->command == AGENTX_GET ||
		   request->command == AGENTX_GETNEXT) &&
	       request->community_len == 0; /* a context */
}

static int
on_packet(int operation, netsnmp_session *session, int id, netsnmp_pdu *request,
    void *magic)
{
	netsnmp_variable_list *vb;
	netsnmp_pdu *r;
	unsigned n = 0;

	if (!is_ours(operation, request))
		return direct.handed_on(operation, session, id, request, magic);
	for (vb = request->variables; vb != NULL; vb = vb->next_variable)
		n++;
	direct.serve->before(direct.serve->arg, n);
	r = response_to(request, session->version);
	if (r == NULL)
		return 1;
	for (vb = r->variables; vb != NULL; vb = vb->next_variable)
		if (request->command == AGENTX_GET)
			get(vb);
		else
			get_next(vb);
	if (!snmp_send(session, r))
		snmp_free_pdu(r);
	return 1;
}

void
agentx_direct(struct snmp_session *session, const struct agentx_serve *serve,
    unsigned trees)
{
	direct.serve = serve;
	direct.trees = trees;
	if (session->callback == on_packet)
		return;
	direct.handed_on = session->callback;
	session->callback = on_packet;
}
