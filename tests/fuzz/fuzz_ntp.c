/*
 * Fuzzing the NTP codec. The first 16 bytes are our own times; besides memory
 * errors: the arithmetic is defined for whatever a server says, and offset and
 * delay are those of 128 bits.
 */
#include "build.h"

#include <assert.h>
#include <string.h>

#include "wire_ntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_times(const struct ntp_answer *a, int64_t sent, int64_t received)
{
	__int128 there, back;
	struct ntp_times t;

	wire_ntp_times(a, sent, received, &t);
	there = wire_ntp_between(wire_ntp_timestamp(sent), a->receive);
	back = wire_ntp_between(wire_ntp_timestamp(received), a->transmit);
	assert(t.offset_ns == (int64_t)((there + back) / 2));
	assert(t.delay_ns == (int64_t)(there - back));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ntp_answer a;
	int64_t own[2];

	if (len < sizeof(own))
		return 0;
	memcpy(own, bytes, sizeof(own));
	if (wire_ntp_parse(bytes + sizeof(own), len - sizeof(own), &a) < 0)
		return 0;
	assert(strlen(a.kiss) <= NTP_KISS);
	assert(a.kiss[0] == '\0' || a.stratum == 0);
	assert(!wire_ntp_synchronised(&a) || a.kiss[0] == '\0');
	/* Clocks do not go back beyond 1900. */
	check_times(&a, own[0] & INT64_MAX, own[1] & INT64_MAX);
	return 0;
}
