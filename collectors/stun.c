/* STUN Binding over UDP: each request is its own sample, none is sent twice. */
#include "build.h"

#include <netinet/in.h>

#include "collectors.h"
#include "dgram.h"
#include "probe.h"
#include "wire_stun.h"

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	wire_stun_request(out, talk->id);
	return STUN_REQUEST;
}

static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	struct stun_message m;

	a->outcome = OUTCOME_PROTOCOL;
	if (wire_stun_parse(bytes, len, &m) < 0)
		return;
	a->outcome = wire_stun_outcome(&m);
	if (a->outcome == OUTCOME_ERROR_RESPONSE)
		a->code = (int)m.code;
	if (a->outcome != OUTCOME_ANSWERED)
		return;
	*mapped = m.mapped;
	a->mapped = mapped;
}

static const struct dgram_kind stun_kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .id_len = STUN_ID,
    .id_at = STUN_ID_AT,
    .answer_max = 1472, /* in one Ethernet frame, section 6.1 */
    .encode = encode,
    .accept = accept_answer,
};

_Static_assert((int)STUN_ID <= (int)DGRAM_ID, "an id has room");

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&stun_kind, setup, out);
}

const struct collector collector_stun = {
    .name = "stun",
    .transports = 1u << TRANSPORT_UDP,
    .port = 3478,
    .count = 5,
    .open = open_loop,
    DGRAM_CALLS,
};
