/*
 * Connections that somebody intercepts, as the targets' handshakes showed:
 * told once when an issuer comes that is not expected, and once when an
 * expected one is back. Control thread only.
 */
#ifndef INTERCEPTION_H
#define INTERCEPTION_H

#include <stdint.h>

#include "site.h"
#include "store.h"

struct interception;

struct interception *interception_new(void); /* NULL: no memory */
void interception_free(struct interception *x);

/*
 * Looks at every target, but only a second after it last did; now is
 * monotonic. The verdict on all of them: that some are, that none is, or
 * that nobody knows whom to expect.
 */
enum site_verdict interception_run(
    struct interception *x, const struct roster *r, uint64_t now);

#endif
