/*
 * A target's question to a name server, and what an answer to it means: the
 * same over UDP and TCP.
 */
#ifndef DNS_ASK_H
#define DNS_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "probe.h"
#include "wire_dns.h"

/* Writes what the probe's path asks; its length, 0: that is no name. */
size_t dns_ask_write(
    const struct path *path, uint8_t out[DNS_QUERY], const uint8_t id[DNS_ID]);

/*
 * Judges a message with the id of a request of the probe, from whom it asked:
 * outcome and code of *a, and the facts. An answer is ANSWERED when it is
 * what the target expects, or was truncated; ERROR_RESPONSE with its response
 * code when it is not; PROTOCOL when it is no answer to the question.
 */
void dns_ask_judge(
    struct probe *p, const uint8_t *bytes, size_t len, struct answer *a);

#endif
