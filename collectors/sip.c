/*
 * SIP OPTIONS over UDP: each request is its own sample. The retransmissions
 * of RFC 3261 section 17.1.2 would hide what is lost.
 */
#include "build.h"

#include <netinet/in.h>

#include "collectors.h"
#include "dgram.h"
#include "probe.h"
#include "sip_ask.h"
#include "wire_sip.h"

_Static_assert((int)SIP_ID <= (int)DGRAM_ID, "an id has room");
_Static_assert((int)SIP_REQUEST_MAX <= (int)DGRAM_PACKET, "a request has");

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	return sip_ask(
	    out, DGRAM_PACKET, talk->probe->path, &talk->local, talk->id);
}

static bool
identify(const uint8_t *bytes, size_t len, bool quoted, uint8_t id[DGRAM_ID])
{
	return wire_sip_id(bytes, len, id);
}

static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	sip_ask_judge(bytes, len, talk->probe, talk->id, a);
}

static const struct dgram_kind sip_kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .local = true,
    .id_len = SIP_ID,
    .identify = identify,
    .answer_max = SIP_MAX,
    .encode = encode,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&sip_kind, setup, out);
}

const struct collector collector_sip = {
    .name = "sip",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_SIP_UDP,
    .port = 5060,
    .count = 1,
    .open = open_loop,
    DGRAM_CALLS,
};
