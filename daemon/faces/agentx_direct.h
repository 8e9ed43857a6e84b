/*
 * The session with the master: GET and GETNEXT are answered on it. The
 * library would hand each on, through pipes, to an agent within the process
 * and take its answer back the same way: ten system calls where four do.
 */
#ifndef AGENTX_DIRECT_H
#define AGENTX_DIRECT_H

#include "agentx_serve.h"

struct snmp_session;

/*
 * From now on, until the session ends. The trees are in the order of their
 * roots, have one before(), and are kept by the caller until the end of the
 * agent.
 */
void agentx_direct(struct snmp_session *session,
    const struct agentx_serve *serve, unsigned trees);

#endif
