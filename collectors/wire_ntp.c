/*
 * NTP packets. Timestamps are differences modulo 2^64, so that the end of an
 * era (2036) is nothing special.
 */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "wire_ntp.h"

enum {
	CLIENT = 3, /* modes, section 7.3 */
	SERVER = 4,
	NTP_VERSION = 4,
	ROOT_MOST_S = 16 /* section 7.2: MAXDISP */
};

#define EPOCH INT64_C(2208988800) /* 1970 in seconds since 1900 */
#define SEC   INT64_C(1000000000)

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

/* What a client need not say, it leaves at 0. */
void
wire_ntp_request(uint8_t out[NTP_PACKET], const uint8_t id[NTP_ID])
{
	memset(out, 0, NTP_PACKET);
	out[0] = NTP_VERSION << 3 | CLIENT;
	memcpy(out + NTP_ID_AT, id, NTP_ID);
}

/* The short format, 16.16 s. */
static int64_t
short_ns(uint32_t v)
{
	return (int64_t)(((uint64_t)v * (uint64_t)SEC) >> 16);
}

/* Section 7.4: four letters or fewer, left justified. */
static bool
read_kiss(const uint8_t *p, char out[NTP_KISS + 1])
{
	unsigned n = 0;

	while (n < NTP_KISS && p[n] > ' ' && p[n] < 0x7f)
		n++;
	memcpy(out, p, n);
	out[n] = '\0';
	for (unsigned i = n; i < NTP_KISS; i++)
		if (p[i] != 0)
			out[0] = '\0';
	return out[0] != '\0';
}

int
wire_ntp_parse(const uint8_t *bytes, size_t len, struct ntp_answer *out)
{
	unsigned version;

	memset(out, 0, sizeof(*out));
	/* Extensions and a digest come in words; none was asked for. */
	if (len < NTP_PACKET || len % 4 != 0)
		return -EBADMSG;
	version = bytes[0] >> 3 & 7;
	if ((bytes[0] & 7) != SERVER || version == 0 || version > NTP_VERSION)
		return -EBADMSG;
	out->leap = bytes[0] >> 6;
	out->stratum = bytes[1];
	out->root_delay_ns = short_ns(get32(bytes + 4));
	out->root_dispersion_ns = short_ns(get32(bytes + 8));
	out->receive = get64(bytes + 32);
	out->transmit = get64(bytes + NTP_ID_AT);
	if (out->stratum == 0 && read_kiss(bytes + 12, out->kiss))
		return 0;
	if (out->receive == 0 || out->transmit == 0 ||
	    wire_ntp_between(out->receive, out->transmit) < 0)
		return -EBADMSG;
	return 0;
}

/* Section 11.2.1, as far as it is not about the local clock's own state. */
bool
wire_ntp_synchronised(const struct ntp_answer *a)
{
	return a->leap != NTP_LEAP_UNSYNC && a->stratum > 0 &&
	       a->stratum <= NTP_STRATUM_MOST &&
	       a->root_delay_ns / 2 + a->root_dispersion_ns < ROOT_MOST_S * SEC;
}

uint64_t
wire_ntp_timestamp(int64_t real_ns)
{
	int64_t s = real_ns / SEC, ns = real_ns % SEC;

	if (ns < 0) {
		ns += SEC;
		s--;
	}
	return (uint64_t)(s + EPOCH) << 32 |
	       ((uint64_t)ns << 32) / (uint64_t)SEC;
}

int64_t
wire_ntp_between(uint64_t from, uint64_t to)
{
	uint64_t d = to - from;
	bool negative = d >> 63 != 0;
	uint64_t v = negative ? 0 - d : d;
	/* To the nearest: a fraction is a quarter of a nanosecond. */
	int64_t ns = (int64_t)((v >> 32) * (uint64_t)SEC +
			       (((v & UINT32_MAX) * (uint64_t)SEC +
				    (UINT64_C(1) << 31)) >>
				   32));

	return negative ? -ns : ns;
}

void
wire_ntp_times(const struct ntp_answer *a, int64_t sent, int64_t received,
    struct ntp_times *out)
{
	int64_t there = wire_ntp_between(wire_ntp_timestamp(sent), a->receive);
	int64_t back =
	    wire_ntp_between(wire_ntp_timestamp(received), a->transmit);

	/* Each is below 2^61. */
	out->offset_ns = (there + back) / 2;
	out->delay_ns = there - back;
}
