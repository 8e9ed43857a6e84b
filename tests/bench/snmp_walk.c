/*
 * A manager that reads columns of a table side by side: GETBULK of all of
 * them until the rows end. Prints what came and how long it took.
 * usage: snmp_walk HOST:PORT REPETITIONS COLUMN...
 */
#include "build.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "clock.h"

enum { COLUMNS = 64 };

struct column {
	oid root[MAX_OID_LEN], at[MAX_OID_LEN];
	size_t root_len, at_len;
	bool ended;
};

static struct column column[COLUMNS];
static int columns;

static netsnmp_pdu *
request(long repetitions)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK);

	pdu->non_repeaters = 0;
	pdu->max_repetitions = repetitions;
	for (int i = 0; i < columns; i++)
		snmp_add_null_var(pdu, column[i].at, column[i].at_len);
	return pdu;
}

/* Rows are in step: all columns have the same instances. */
static unsigned long
take(const netsnmp_pdu *answer, bool *ended)
{
	unsigned long got = 0;
	int i = 0;

	for (netsnmp_variable_list *v = answer->variables; v != NULL;
	     v = v->next_variable, i = (i + 1) % columns) {
		struct column *c = &column[i];

		if (v->type == SNMP_ENDOFMIBVIEW ||
		    snmp_oidtree_compare(
			c->root, c->root_len, v->name, v->name_length) != 0) {
			*ended = true;
			continue;
		}
		got++;
		memcpy(c->at, v->name, v->name_length * sizeof(oid));
		c->at_len = v->name_length;
	}
	return got;
}

static bool
parse(char **names)
{
	for (; *names != NULL && columns < COLUMNS; names++, columns++) {
		struct column *c = &column[columns];

		c->root_len = MAX_OID_LEN;
		if (!read_objid(*names, c->root, &c->root_len))
			return false;
		memcpy(c->at, c->root, sizeof(c->at));
		c->at_len = c->root_len;
	}
	return columns > 0;
}

int
main(int argc, char **argv)
{
	netsnmp_session base, *s;
	unsigned long got = 0, answers = 0;
	bool ended = false;
	uint64_t began;

	setenv("MIBS", "", 1);
	init_snmp("snmp_walk");
	snmp_sess_init(&base);
	if (argc < 4 || !parse(argv + 3))
		return 2;
	base.peername = argv[1];
	base.version = SNMP_VERSION_2c;
	base.community = (u_char *)"public";
	base.community_len = 6;
	base.timeout = 10000000;
	s = snmp_open(&base);
	began = clock_mono();
	while (s != NULL && !ended) {
		netsnmp_pdu *answer = NULL;

		if (snmp_synch_response(s, request(strtol(argv[2], NULL, 10)),
			&answer) != STAT_SUCCESS)
			return 1;
		answers++;
		got += take(answer, &ended);
		snmp_free_pdu(answer);
	}
	printf("%lu %lu %.6f\n", got, answers,
	    (double)(clock_mono() - began) / 1e9);
	return s == NULL;
}
