/* Requests on the session with the master; what is sent is caught. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "agentx_direct.h"

enum { GET = 5, GETNEXT = 6, TESTSET = 8, RESPONSE = 18 };

/* Rows 2, 4, 6 of one column: 1.K is 100 + K. */
static const uint32_t keys[] = {2, 4, 6};
static const struct agentx_branch branch = {{1}, 1};

static size_t
rows(void *owner, size_t b)
{
	return 3;
}

static int
compare(void *owner, struct agentx_cell at, const uint32_t *sub, size_t n)
{
	return agentx_tree_compare(&keys[at.row], 1, sub, n);
}

static void
key(void *owner, struct agentx_cell at, struct agentx_oid *oid)
{
	oid->sub[oid->len++] = keys[at.row];
}

static bool
cell(void *owner, struct agentx_cell at, struct agentx_value *out)
{
	out->type = AGENTX_UNSIGNED;
	out->number = 100 + keys[at.row];
	return true;
}

static size_t hint;
static const struct agentx_tree tree = {
    &branch, 1, rows, compare, key, cell, NULL, &hint};
static unsigned asked;

static void
before(void *arg, unsigned n)
{
	asked += n;
}

static const struct agentx_serve serve[] = {
    {"a", {1, 3, 5}, 3, &tree, before, NULL},
    {"b", {1, 3, 7}, 3, &tree, before, NULL},
};

static netsnmp_pdu *sent;
static bool sending_fails;
static int handed_on;

int __wrap_snmp_send(netsnmp_session *s, netsnmp_pdu *pdu);
int
__wrap_snmp_send(netsnmp_session *s, netsnmp_pdu *pdu)
{
	if (sending_fails)
		return 0;
	sent = pdu;
	return 1;
}

static int
library(int op, netsnmp_session *s, int id, netsnmp_pdu *pdu, void *magic)
{
	handed_on++;
	return 7;
}

static netsnmp_session session;

static int
setup(void **state)
{
	memset(&session, 0, sizeof(session));
	session.version = 192;
	session.callback = library;
	agentx_direct(&session, serve, 2);
	/* A second time does not make it its own successor. */
	agentx_direct(&session, serve, 2);
	asked = 0;
	handed_on = 0;
	sending_fails = false;
	sent = NULL;
	return 0;
}

static netsnmp_pdu *
request(int command)
{
	netsnmp_pdu *pdu = snmp_pdu_create(command);

	pdu->sessid = 11;
	pdu->transid = 12;
	pdu->reqid = 13;
	pdu->flags = 0x10;
	return pdu;
}

/* name: 1.3.A.1.K, of fewer parts as n says. */
static void
add(netsnmp_pdu *pdu, unsigned a, unsigned k, unsigned n)
{
	oid name[] = {1, 3, a, 1, k};

	snmp_pdu_add_variable(pdu, name, n, ASN_NULL, NULL, 0);
}

/* The same for GETNEXT, up to 1.3.END; 0: without an end. */
static void
add_range(
    netsnmp_pdu *pdu, unsigned a, unsigned k, bool inclusive, unsigned end)
{
	oid name[] = {1, 3, a, 1, k}, null[] = {0, 0}, to[] = {1, 3, end};

	snmp_pdu_add_variable(pdu, name, 5,
	    inclusive ? ASN_PRIV_INCL_RANGE : ASN_PRIV_EXCL_RANGE,
	    end != 0 ? to : null, end != 0 ? sizeof(to) : sizeof(null));
}

static int
give(int op, netsnmp_pdu *pdu)
{
	int got = session.callback(op, &session, 13, pdu, NULL);

	snmp_free_pdu(pdu);
	return got;
}

static void
answered(unsigned n)
{
	assert_non_null(sent);
	assert_int_equal(sent->command, RESPONSE);
	assert_int_equal(sent->version, 192);
	assert_int_equal(sent->sessid, 11);
	assert_int_equal(sent->transid, 12);
	assert_int_equal(sent->reqid, 13);
	assert_int_equal(sent->flags, 0x10);
	assert_int_equal(sent->errstat, 0);
	assert_int_equal(sent->errindex, 0);
	assert_int_equal(asked, n);
	assert_int_equal(handed_on, 0);
}

/* Variable number i of what was sent is 1.3.A.1.K with its value. */
static void
is(unsigned i, unsigned a, unsigned k)
{
	netsnmp_variable_list *vb = sent->variables;
	oid name[] = {1, 3, a, 1, k};

	while (i-- > 0)
		vb = vb->next_variable;
	assert_int_equal(
	    snmp_oid_compare(vb->name, vb->name_length, name, 5), 0);
	assert_int_equal(vb->type, ASN_UNSIGNED);
	assert_int_equal(*vb->val.integer, 100 + k);
}

static void
is_none(unsigned i, int type, unsigned a, unsigned k)
{
	netsnmp_variable_list *vb = sent->variables;
	oid name[] = {1, 3, a, 1, k};

	while (i-- > 0)
		vb = vb->next_variable;
	assert_int_equal(vb->type, type);
	assert_int_equal(
	    snmp_oid_compare(vb->name, vb->name_length, name, 5), 0);
}

static void
test_get(void **state)
{
	netsnmp_pdu *pdu = request(GET);

	add(pdu, 5, 4, 5);
	add(pdu, 7, 6, 5);
	add(pdu, 5, 3, 5);
	add(pdu, 6, 4, 5);
	assert_int_equal(give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu), 1);
	answered(4);
	is(0, 5, 4);
	is(1, 7, 6);
	is_none(2, SNMP_NOSUCHINSTANCE, 5, 3);
	is_none(3, SNMP_NOSUCHINSTANCE, 6, 4);
	snmp_free_pdu(sent);
}

static void
test_get_next(void **state)
{
	netsnmp_pdu *pdu = request(GETNEXT);

	add_range(pdu, 5, 1, false, 6);
	add_range(pdu, 5, 2, false, 6);
	add_range(pdu, 5, 2, true, 6);
	add_range(pdu, 5, 3, true, 6);
	add_range(pdu, 5, 6, false, 6); /* its last */
	add_range(pdu, 5, 6, false, 0); /* and on to the other */
	add_range(pdu, 6, 9, false, 0);
	add_range(pdu, 7, 6, false, 0);
	give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu);
	answered(8);
	is(0, 5, 2);
	is(1, 5, 4);
	is(2, 5, 2);
	is(3, 5, 4);
	is_none(4, SNMP_ENDOFMIBVIEW, 5, 6);
	is(5, 7, 2);
	is(6, 7, 2);
	is_none(7, SNMP_ENDOFMIBVIEW, 7, 6);
	snmp_free_pdu(sent);
}

/* The end of a range is not of it. */
static void
test_an_end_between_rows(void **state)
{
	oid name[] = {1, 3, 5, 1, 2}, at[] = {1, 3, 5, 1, 4},
	    behind[] = {1, 3, 5, 1, 4, 0};
	netsnmp_pdu *pdu = request(GETNEXT);

	snmp_pdu_add_variable(
	    pdu, name, 5, ASN_PRIV_EXCL_RANGE, at, sizeof(at));
	snmp_pdu_add_variable(
	    pdu, name, 5, ASN_PRIV_EXCL_RANGE, behind, sizeof(behind));
	give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu);
	is_none(0, SNMP_ENDOFMIBVIEW, 5, 2);
	is(1, 5, 4);
	snmp_free_pdu(sent);
}

static void
test_the_rest_is_the_librarys(void **state)
{
	netsnmp_pdu *pdu = request(TESTSET);

	assert_int_equal(give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu), 7);
	assert_int_equal(give(NETSNMP_CALLBACK_OP_DISCONNECT, request(GET)), 7);
	assert_int_equal(session.callback(NETSNMP_CALLBACK_OP_DISCONNECT,
			     &session, 0, NULL, NULL),
	    7);
	/* Of a context: nothing is registered in one. */
	pdu = request(GET);
	pdu->community = (u_char *)strdup("ctx");
	pdu->community_len = 3;
	assert_int_equal(give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu), 7);
	assert_int_equal(handed_on, 4);
	assert_null(sent);
}

/* Freed in either case: AddressSanitizer tells. */
static void
test_what_cannot_be_sent(void **state)
{
	netsnmp_pdu *pdu = request(GET);

	sending_fails = true;
	add(pdu, 5, 4, 5);
	assert_int_equal(give(NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE, pdu), 1);
	assert_null(sent);
	assert_int_equal(handed_on, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_get, setup),
	    cmocka_unit_test_setup(test_get_next, setup),
	    cmocka_unit_test_setup(test_an_end_between_rows, setup),
	    cmocka_unit_test_setup(test_the_rest_is_the_librarys, setup),
	    cmocka_unit_test_setup(test_what_cannot_be_sent, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
