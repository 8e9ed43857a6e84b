/*
 * Virtual scheduling (ITU-T I.371, GCRA): a moment for each that may take,
 * before which all that it took would have been spread evenly. An address
 * whose moment has passed is forgotten.
 */
#include "build.h"

#include <stdlib.h>

#include "addr.h"
#include "clock.h"
#include "ration.h"

/* Who may take a thousand a second fills no more than half of these. */
enum { SLOTS = 4096, TRIES = 32 };

struct slot {
	struct addr host;
	uint64_t until;
};

struct ration {
	uint64_t until; /* of all */
	struct slot slot[SLOTS];
};

struct ration *
ration_new(void)
{
	return calloc(1, sizeof(struct ration));
}

void
ration_free(struct ration *r)
{
	free(r);
}

static size_t
hash(const struct addr *host)
{
	unsigned len;
	const uint8_t *bytes = addr_bytes(host, &len);
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; bytes != NULL && i < len; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32) % SLOTS;
}

/* That of the host, else one that nobody needs; NULL: there is none. */
static struct slot *
slot_of(struct ration *r, const struct addr *host, uint64_t now)
{
	size_t at = hash(host);
	struct slot *idle = NULL;

	for (unsigned i = 0; i < TRIES; i++) {
		struct slot *s = &r->slot[(at + i) % SLOTS];

		if (s->until > now && addr_same_host(&s->host, host))
			return s;
		if (s->until <= now && idle == NULL)
			idle = s;
	}
	return idle;
}

/* The moment after one more, or 0: it would be more than a second away. */
static uint64_t
after(uint64_t until, uint64_t rate, uint64_t now)
{
	uint64_t from = until > now ? until : now;

	from += CLOCK_SEC / (rate > 0 ? rate : 1);
	return from - now <= CLOCK_SEC ? from : 0;
}

bool
ration_take(struct ration *r, const struct addr *host, uint64_t all,
    uint64_t each, uint64_t now)
{
	struct slot *s = slot_of(r, host, now);
	uint64_t next = after(r->until, all, now), own;

	if (s == NULL || next == 0)
		return false;
	own = after(s->until, each, now);
	if (own == 0)
		return false;
	r->until = next;
	s->host = *host;
	s->until = own;
	return true;
}
