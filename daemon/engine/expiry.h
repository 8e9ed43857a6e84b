/*
 * Certificates that expire soon, as the targets' handshakes showed them: told
 * once when it comes within the threshold, and once when it was renewed.
 * Control thread only.
 */
#ifndef EXPIRY_H
#define EXPIRY_H

#include <stdint.h>

#include "store.h"

struct expiry;

struct expiry *expiry_new(void); /* NULL: no memory */
void expiry_free(struct expiry *x);

/*
 * Looks at every target, but only some seconds after it last did; real is
 * ns since 1970, now is monotonic.
 */
void expiry_run(
    struct expiry *x, const struct roster *r, int64_t real, uint64_t now);

#endif
