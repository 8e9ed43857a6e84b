/* DNS over UDP: one question for each request, from ports that change. */
#include "build.h"

#include <netinet/in.h>

#include "collectors.h"
#include "dgram.h"
#include "dns_ask.h"
#include "probe.h"

_Static_assert((int)DNS_QUERY <= (int)DGRAM_PACKET, "a query has room");

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	return dns_ask_write(talk->probe->path, out, talk->id);
}

static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	dns_ask_judge(talk->probe, bytes, len, a);
}

static const struct dgram_kind dns_kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .id_len = DNS_ID,
    .id_at = 0,
    /* What servers send although they were asked for less. */
    .answer_max = 4096,
    .encode = encode,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&dns_kind, setup, out);
}

const struct collector collector_dns = {
    .name = "dns",
    .transports = UINT32_C(1) << TRANSPORT_DNS_UDP,
    .port = 53,
    .count = 1,
    .open = open_loop,
    DGRAM_CALLS,
};
