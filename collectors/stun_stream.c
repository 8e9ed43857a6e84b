/* STUN over TCP and over TLS (RFC 8489 section 6.2.2): Binding requests. */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "collectors.h"
#include "exchange.h"
#include "wire_stun.h"

_Static_assert((int)STUN_ID <= (int)EXCHANGE_ID, "an id has room");

static size_t
encode(uint8_t *out, size_t size, const struct exchange_talk *talk)
{
	wire_stun_request(out, talk->id);
	return STUN_REQUEST;
}

/* One that is there as a whole must be well-formed, whosever it is. */
static int
frame(const uint8_t *bytes, size_t len)
{
	int need = wire_stun_frame(bytes, len);
	struct stun_message m;

	if (need > 0 && (size_t)need <= len &&
	    wire_stun_parse(bytes, (size_t)need, &m) < 0)
		return -EBADMSG;
	return need;
}

static bool
identify(const uint8_t *bytes, size_t len, uint8_t id[EXCHANGE_ID])
{
	memcpy(id, bytes + STUN_ID_AT, STUN_ID);
	return true;
}

static void
accept_answer(const uint8_t *bytes, size_t len,
    const struct exchange_talk *talk, struct answer *a, struct addr *mapped)
{
	struct stun_message m;

	a->outcome = OUTCOME_PROTOCOL;
	if (wire_stun_parse(bytes, len, &m) < 0)
		return;
	a->outcome = wire_stun_outcome(&m);
	a->code = (int)m.code;
	if (addr_family(&m.mapped) == 0)
		return;
	*mapped = m.mapped;
	a->mapped = mapped;
}

#define COMMON                                                  \
	.id_len = STUN_ID, .request_max = STUN_REQUEST,         \
	.waiting = PROBE_REQUESTS_MAX, .message_max = STUN_MAX, \
	.encode = encode, .frame = frame, .identify = identify, \
	.accept = accept_answer

static const struct exchange_kind tcp_kind = {COMMON};
/* Media TLS names no server, and its certificate is not judged. */
static const struct exchange_kind tls_kind = {
    COMMON, .tls = true, .unnamed = true};

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

const struct collector collector_stun_stream = {
    .name = "stun",
    .transports = UINT32_C(1) << TRANSPORT_TCP,
    .port = 3478,
    .count = 1,
    /* Each waits for its time-out when a firewall is silent. */
    .concurrent = 512,
    .open = open_tcp,
    EXCHANGE_CALLS,
};

const struct collector collector_stun_stream_tls = {
    .name = "stun",
    .transports = UINT32_C(1) << TRANSPORT_TLS,
    .port = 5349,
    .count = 1,
    /* A handshake holds the loop for a millisecond, and 50 kB. */
    .concurrent = 16,
    .open = open_tls,
    EXCHANGE_CALLS_TLS,
};
