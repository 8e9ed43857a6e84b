/*
 * A timing wheel: O(1) to put and take, one bit scan to find the next tick
 * that has work. Ticks are counted from any origin. Pure.
 */
#ifndef WHEEL_H
#define WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 1024 };

struct wheel_item {
	struct wheel_item *next;
	struct wheel_item **link; /* NULL: in no wheel */
	uint64_t tick;
};

struct wheel {
	struct wheel_item *slot[WHEEL_SLOTS];
	uint64_t bits[WHEEL_SLOTS / 64];
	uint64_t done; /* ticks up to here were taken */
};

/* An item that is in the wheel is moved; a tick that is over is the next. */
void wheel_put(struct wheel *w, struct wheel_item *i, uint64_t tick);
void wheel_remove(struct wheel *w, struct wheel_item *i);

/*
 * Takes out one item whose tick is at most now; NULL when there is none, and
 * only then is `now` done.
 */
struct wheel_item *wheel_take(struct wheel *w, uint64_t now);

/*
 * The first tick after `done` with a filled slot: no item is due before it.
 * UINT64_MAX when the wheel is empty.
 */
uint64_t wheel_next(const struct wheel *w);

#endif
