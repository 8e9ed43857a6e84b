/*
 * What the agent serves of both modules, as an SMIv2 module with an
 * AGENT-CAPABILITIES statement (RFC 2580 section 6), from the tables.
 */
#ifndef CAPABILITY_H
#define CAPABILITY_H

struct buf;

void capability_text(struct buf *out);

#endif
