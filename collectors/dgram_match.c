/* Telling requests apart: by their random bytes, and by whom they asked. */
#include "build.h"

#include <string.h>

#include "dgram.h"
#include "dgram_batch.h"
#include "dgram_match.h"

static bool
is_from(const struct dgram_kind *kind, const struct probe *p,
    const struct addr *peer)
{
	const struct dgram_probe *dp = p->state;

	if (peer->sa.sa_family == AF_INET && dp->to.sa.sa_family == AF_INET)
		return peer->in.sin_addr.s_addr == dp->to.in.sin_addr.s_addr &&
		       (!kind->ports ||
			   peer->in.sin_port == dp->to.in.sin_port);
	return kind->ports ? addr_equal(peer, &dp->to)
			   : addr_same_host(peer, &dp->to);
}

static bool
read_id(const struct dgram_kind *kind, const struct dgram_item *item,
    bool quoted, uint8_t id[DGRAM_ID])
{
	memset(id, 0, DGRAM_ID);
	if (kind->identify != NULL)
		return kind->identify(item->bytes, item->len, quoted, id);
	if (item->len < kind->id_at + kind->id_len)
		return false;
	memcpy(id, item->bytes + kind->id_at, kind->id_len);
	return true;
}

static unsigned
find(const struct dgram_kind *kind, const struct dgram_socket *s,
    const struct dgram_item *item, const uint8_t id[DGRAM_ID])
{
	unsigned slot = dgram_socket_find(s, id);

	if (slot != 0 && !is_from(kind, s->slot[slot].probe, item->peer))
		return 0;
	return slot;
}

unsigned
dgram_match_data(const struct dgram_kind *kind, const struct dgram_socket *s,
    const struct dgram_item *item)
{
	uint8_t id[DGRAM_ID];

	return read_id(kind, item, false, id) ? find(kind, s, item, id) : 0;
}

unsigned
dgram_match_quoted(const struct dgram_kind *kind, const struct dgram_socket *s,
    const struct dgram_item *item)
{
	uint8_t id[DGRAM_ID];
	unsigned found = 0;

	if (read_id(kind, item, true, id))
		return find(kind, s, item, id);
	for (unsigned i = 1; i <= DGRAM_SLOTS; i++) {
		const struct dgram_request *r = &s->slot[i];

		if (r->probe == NULL || r->outcome != 0 ||
		    !is_from(kind, r->probe, item->peer))
			continue;
		if (found == 0 || r->sent < s->slot[found].sent)
			found = i;
	}
	return found;
}
