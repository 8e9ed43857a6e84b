/*
 * A timing wheel of 1,024 slots. Items further away than a turn stay in their
 * slot and are passed over until their tick comes.
 */
#include "build.h"

#include <stddef.h>

#include "wheel.h"

void
wheel_remove(struct wheel *w, struct wheel_item *i)
{
	unsigned s = i->tick % WHEEL_SLOTS;

	if (i->link == NULL)
		return;
	*i->link = i->next;
	if (i->next != NULL)
		i->next->link = i->link;
	i->link = NULL;
	if (w->slot[s] == NULL)
		w->bits[s / 64] &= ~(UINT64_C(1) << s % 64);
}

void
wheel_put(struct wheel *w, struct wheel_item *i, uint64_t tick)
{
	unsigned s;

	wheel_remove(w, i);
	if (tick <= w->done)
		tick = w->done + 1;
	s = tick % WHEEL_SLOTS;
	i->tick = tick;
	i->next = w->slot[s];
	i->link = &w->slot[s];
	if (i->next != NULL)
		i->next->link = &i->next;
	w->slot[s] = i;
	w->bits[s / 64] |= UINT64_C(1) << s % 64;
}

struct wheel_item *
wheel_take(struct wheel *w, uint64_t now)
{
	/* After a long stall one turn visits every slot. */
	if (now > w->done + WHEEL_SLOTS)
		w->done = now - WHEEL_SLOTS;
	while (w->done < now) {
		struct wheel_item *i = w->slot[(w->done + 1) % WHEEL_SLOTS];

		while (i != NULL && i->tick > now)
			i = i->next;
		if (i != NULL) {
			wheel_remove(w, i);
			return i;
		}
		w->done++;
	}
	return NULL;
}

/* The first set bit at or after `from` in a word, 64 when there is none. */
static unsigned
bit_from(uint64_t word, unsigned from)
{
	word &= ~UINT64_C(0) << from;
	return word == 0 ? 64 : (unsigned)__builtin_ctzll(word);
}

uint64_t
wheel_next(const struct wheel *w)
{
	unsigned start = (w->done + 1) % WHEEL_SLOTS;

	/* One word more than there are: the first is looked at in two parts. */
	for (unsigned k = 0; k <= WHEEL_SLOTS / 64; k++) {
		unsigned word = (start / 64 + k) % (WHEEL_SLOTS / 64);
		unsigned bit = bit_from(w->bits[word], k == 0 ? start % 64 : 0);

		if (bit < 64) {
			unsigned s = word * 64 + bit;

			return w->done + 1 + (s - start) % WHEEL_SLOTS;
		}
	}
	return UINT64_MAX;
}
