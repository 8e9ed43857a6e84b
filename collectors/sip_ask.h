/*
 * What the sip probe asks and what it makes of an answer, whichever way they
 * go: OPTIONS (RFC 3261 section 11), to which any final response is one.
 */
#ifndef SIP_ASK_H
#define SIP_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "outcome.h"

struct addr;
struct answer;
struct path;
struct probe;

/*
 * Writes the request with the id (SIP_ID bytes) for the path; local is our
 * own address and port. Its length, 0: it does not fit.
 */
size_t sip_ask(uint8_t *out, size_t size, const struct path *path,
    const struct addr *local, const uint8_t *id);

/*
 * Judges a message for the request with the id: fills in outcome and code,
 * and tells the probe the status. Outcome NONE: it ends nothing; PROTOCOL
 * without a code: it is malformed, or our own request.
 */
void sip_ask_judge(const uint8_t *bytes, size_t len, struct probe *p,
    const uint8_t *id, struct answer *a);

#endif
