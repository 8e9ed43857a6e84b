/* What the status page says of the last request of a target. */
#ifndef PAGE_REASON_H
#define PAGE_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "stats.h"

struct buf;

/* Whether its path must be blocked: then losses are what is wanted. */
bool page_reason_is_wall(const struct snap_target *t);

/*
 * Why it failed and for how long there was no answer; nothing when it was
 * answered. Of a path that must be blocked, whether it is. now: ns since 1970.
 */
void page_reason(struct buf *out, const struct snap_target *t, int64_t now);

#endif
