/*
 * SIP OPTIONS over TCP and over TLS (RFC 3261 section 18). What the other
 * side asks of us is let pass.
 */
#include "build.h"

#include "collectors.h"
#include "exchange.h"
#include "sip_ask.h"
#include "wire_sip.h"

_Static_assert((int)SIP_ID <= (int)EXCHANGE_ID, "an id has room");

static size_t
encode(uint8_t *out, size_t size, const struct exchange_talk *talk)
{
	return sip_ask(out, size, talk->probe->path, &talk->local, talk->id);
}

static void
accept_answer(const uint8_t *bytes, size_t len,
    const struct exchange_talk *talk, struct answer *a, struct addr *mapped)
{
	sip_ask_judge(bytes, len, talk->probe, talk->id, a);
}

/*
 * Servers of SIP log a reset as an error, and some do not survive it. Each
 * channel has 20 kB, for whole messages.
 */
#define COMMON                                                                \
	.local = true, .gentle = true, .id_len = SIP_ID,                      \
	.request_max = SIP_REQUEST_MAX, .waiting = 2, .message_max = SIP_MAX, \
	.idle = SIP_CRLF, .encode = encode, .frame = wire_sip_frame,          \
	.identify = wire_sip_id, .accept = accept_answer

static const struct exchange_kind tcp_kind = {COMMON};
static const struct exchange_kind tls_kind = {
    COMMON, .tls = true, .judged = true};

static int
open_tcp(const struct collector_setup *setup, void **out)
{
	return exchange_new(&tcp_kind, setup, out);
}

static int
open_tls(const struct collector_setup *setup, void **out)
{
	return exchange_new(&tls_kind, setup, out);
}

const struct collector collector_sip_stream = {
    .name = "sip",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_SIP_TCP,
    .port = 5060,
    .count = 1,
    /* Each waits for its time-out when a firewall is silent. */
    .concurrent = 256,
    .open = open_tcp,
    EXCHANGE_CALLS,
};

const struct collector collector_sip_stream_tls = {
    .name = "sip",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_SIP_TLS | UINT32_C(1)
							 << TRANSPORT_SIP_MTLS,
    .port = 5061,
    .count = 1,
    /* A handshake holds the loop for a millisecond, and 50 kB. */
    .concurrent = 16,
    .open = open_tls,
    EXCHANGE_CALLS_TLS,
};
