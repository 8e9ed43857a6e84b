/*
 * DNS over TCP (RFC 7766): messages with their length before them (RFC 1035
 * section 4.2.2), all requests of a probe on one connection.
 */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "collectors.h"
#include "dns_ask.h"
#include "exchange.h"

enum {
	LENGTH = 2,
	/* Longer ones are signed zones' keys, and nobody's to probe. */
	ANSWER = 16 * 1024
};

static size_t
encode(uint8_t *out, size_t size, const struct exchange_talk *talk)
{
	size_t len = dns_ask_write(talk->probe->path, out + LENGTH, talk->id);

	if (len == 0)
		return 0;
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	return LENGTH + len;
}

static int
frame(const uint8_t *bytes, size_t len)
{
	int n;

	if (len < LENGTH)
		return 0;
	n = bytes[0] << 8 | bytes[1];
	return n < DNS_HEADER || n > ANSWER ? -EMSGSIZE : LENGTH + n;
}

static bool
identify(const uint8_t *bytes, size_t len, uint8_t id[EXCHANGE_ID])
{
	memcpy(id, bytes + LENGTH, DNS_ID);
	return true;
}

static void
accept_answer(const uint8_t *bytes, size_t len,
    const struct exchange_talk *talk, struct answer *a, struct addr *mapped)
{
	dns_ask_judge(talk->probe, bytes + LENGTH, len - LENGTH, a);
}

static const struct exchange_kind dns_kind = {
    .id_len = DNS_ID,
    .request_max = LENGTH + DNS_QUERY,
    .waiting = PROBE_REQUESTS_MAX,
    .message_max = LENGTH + ANSWER,
    .encode = encode,
    .frame = frame,
    .identify = identify,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return exchange_new(&dns_kind, setup, out);
}

const struct collector collector_dns_stream = {
    .name = "dns",
    .transports = UINT32_C(1) << TRANSPORT_DNS_TCP,
    .port = 53,
    .count = 1,
    /* Of 25 kB each; they wait for their time-out behind a firewall. */
    .concurrent = 128,
    .open = open_loop,
    EXCHANGE_CALLS,
};
