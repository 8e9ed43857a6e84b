/*
 * How many requests may still go out within a second, in all and to one
 * address. It remembers of each only when it will have been idle for long
 * enough. Pure: the time is an argument.
 */
#ifndef RATION_H
#define RATION_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct ration;

struct ration *ration_new(void); /* NULL: no memory */
void ration_free(struct ration *r);

/*
 * Takes one for that host at monotonic `now`, where so many a second are
 * allowed (at least 1 of each); false: it would be one too many. Up to a
 * second's may come at once.
 */
bool ration_take(struct ration *r, const struct addr *host, uint64_t all,
    uint64_t each, uint64_t now);

#endif
