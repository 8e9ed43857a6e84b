/*
 * Trees of columns offered to the master: what it asks of them is answered
 * here. SNMP thread only.
 */
#ifndef AGENTX_SERVE_H
#define AGENTX_SERVE_H

#include "agentx_tree.h"
#include "mib.h"

/* Kept by the caller until the end of the agent. */
struct agentx_serve {
	const char *name; /* static */
	uint32_t root[MIB_ROOT_MAX + 1];
	size_t root_len;
	const struct agentx_tree *tree;
	/* Before so many variables are read. */
	void (*before)(void *arg, unsigned n);
	void *arg;
};

/* Once init_agent() has been called. */
void agentx_serve(struct agentx_serve *s);

struct variable_list;
/* Sets the value of the variable; false: the tree has no such instance. */
bool agentx_serve_get(const struct agentx_serve *s, struct variable_list *vb);
/*
 * Makes it the first instance behind it; inclusive: or itself. bounded: its
 * value is the OID before which that must be. False: there is none, and it is
 * as it was.
 */
bool agentx_serve_next(const struct agentx_serve *s, struct variable_list *vb,
    bool inclusive, bool bounded);

/* Says in sysORTable that the agent has what the OID stands for. */
void agentx_serve_tell(const uint32_t *id, size_t n, const char *what);

#endif
