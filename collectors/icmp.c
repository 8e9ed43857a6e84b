/*
 * ICMP echo on datagram sockets (ping(7) needs no privilege for these): the
 * path behind a silent node. The kernel writes the identifier and checksum.
 */
#include "build.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "collectors.h"
#include "details.h"
#include "dgram.h"
#include "probe.h"

/* RFC 792, RFC 4443 section 4: type, code, checksum, identifier, sequence. */
enum { HEADER = 8, ID = 12, PACKET = 64 };

_Static_assert((int)PACKET <= (int)DGRAM_PACKET, "an echo request fits");

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	memset(out, 0, PACKET);
	out[0] = talk->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	out[6] = (uint8_t)(talk->seq >> 8);
	out[7] = (uint8_t)talk->seq;
	memcpy(out + HEADER, talk->id, ID);
	return PACKET;
}

/* An echo must bring back all that was sent (RFC 1122 section 3.2.2.6). */
static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	bool reply = bytes[0] == ICMP_ECHOREPLY || bytes[0] == ICMP6_ECHO_REPLY;

	a->outcome = reply && bytes[1] == 0 && len == PACKET ? OUTCOME_ANSWERED
							     : OUTCOME_PROTOCOL;
	if (talk->probe->details != NULL)
		talk->probe->details->hop_limit = talk->hop_limit;
}

static const struct dgram_kind icmp_kind = {
    .protocol4 = IPPROTO_ICMP,
    .protocol6 = IPPROTO_ICMPV6,
    .ports = false,
    .id_len = ID,
    .id_at = HEADER,
    .answer_max = 2 * PACKET,
    .forbidden = "icmp: datagram sockets are forbidden to this group; set "
		 "net.ipv4.ping_group_range to include it",
    .encode = encode,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&icmp_kind, setup, out);
}

const struct collector collector_icmp = {
    .name = "icmp",
    .transports = 1u << TRANSPORT_ICMP,
    .port = 0,
    .count = 5,
    .open = open_loop,
    DGRAM_CALLS,
};
