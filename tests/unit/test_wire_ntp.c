/* The NTP codec on packets worked out by hand, and on hostile ones. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire_ntp.h"

#define SEC INT64_C(1000000000)
#define MS  INT64_C(1000000)

/* 2026-11-23 08:00:00 UTC, and the same in seconds since 1900. */
#define NOW INT64_C(1795420800)
#define ERA UINT64_C(4004409600)

/* A server of stratum 2: LI 0, VN 4, mode 4, poll 6, precision -24. */
static const uint8_t good[NTP_PACKET + 1] =
    "\x24\x02\x06\xe8"
    "\x00\x00\x80\x00" /* root delay 0.5 s */
    "\x00\x01\x00\x00" /* root dispersion 1 s */
    "\xc0\x00\x02\x7b"
    "\xee\xae\x75\x00\x00\x00\x00\x00"
    "NONCE-01"
    "\xee\xae\x75\x80\x40\x00\x00\x00"	/* receive: .25 s */
    "\xee\xae\x75\x80\x80\x00\x00\x00"; /* transmit: .5 s */

static int
parse(const uint8_t *bytes, size_t len, struct ntp_answer *a)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	rc = wire_ntp_parse(copy, len, a);
	free(copy);
	return rc;
}

static void
test_request(void **state)
{
	uint8_t out[NTP_PACKET], none[NTP_PACKET] = {0};

	memset(out, 0xff, sizeof(out));
	wire_ntp_request(out, (const uint8_t *)"NONCE-01");
	/* LI 0, version 4, mode 3; nothing else of us is in it. */
	assert_int_equal(out[0], 0x23);
	assert_memory_equal(out + 1, none, NTP_ID_AT - 1);
	assert_memory_equal(out + NTP_ID_AT, "NONCE-01", NTP_ID);
}

static void
test_answer(void **state)
{
	struct ntp_answer a;

	assert_int_equal(parse(good, NTP_PACKET, &a), 0);
	assert_int_equal(a.leap, NTP_LEAP_NONE);
	assert_int_equal(a.stratum, 2);
	assert_string_equal(a.kiss, "");
	assert_int_equal(a.root_delay_ns, 500 * MS);
	assert_int_equal(a.root_dispersion_ns, SEC);
	assert_int_equal(a.receive, UINT64_C(0xeeae758040000000));
	assert_int_equal(a.transmit, UINT64_C(0xeeae758080000000));
	assert_true(wire_ntp_synchronised(&a));
	assert_memory_equal(good + NTP_ORIGIN_AT, "NONCE-01", NTP_ID);
}

static void
test_timestamps(void **state)
{
	assert_int_equal(wire_ntp_timestamp(0), UINT64_C(2208988800) << 32);
	assert_int_equal(wire_ntp_timestamp(NOW * SEC), ERA << 32);
	assert_int_equal(
	    wire_ntp_timestamp(NOW * SEC + 750 * MS), ERA << 32 | 0xc0000000);
	/* Before 1970, and after the end of the era (2036-02-07 06:28:16). */
	assert_int_equal(wire_ntp_timestamp(-SEC / 4),
	    UINT64_C(2208988799) << 32 | 0xc0000000);
	assert_int_equal(
	    wire_ntp_timestamp(INT64_C(2085978496) * SEC + SEC / 2),
	    UINT64_C(0x80000000));
	assert_int_equal(wire_ntp_between(0, UINT64_C(1) << 32), SEC);
	assert_int_equal(wire_ntp_between(UINT64_C(1) << 32, 0), -SEC);
	assert_int_equal(wire_ntp_between(5, 5), 0);
	/* Over the end of the era it is a second, not 136 years. */
	assert_int_equal(
	    wire_ntp_between(UINT64_C(0xffffffff80000000), 0x80000000), SEC);
	/* The fraction's last bit is a quarter of a nanosecond. */
	assert_int_equal(wire_ntp_between(0, 4), 1);
	assert_int_equal(wire_ntp_between(0, 1), 0);
	/* As far apart as two timestamps can be: 2^31 s. */
	assert_int_equal(
	    wire_ntp_between(0, UINT64_C(1) << 63), -(INT64_C(1) << 31) * SEC);
	assert_int_equal(
	    wire_ntp_between(0, INT64_MAX), (INT64_C(1) << 31) * SEC);
}

/*
 * Sent at .0, there at 10.25 of their clock, answered at 10.5, back at 1.0:
 * offset ((10.25 - 0) + (10.5 - 1)) / 2 = 9.875, delay (1 - 0) - .25 = .75.
 */
static void
test_offset(void **state)
{
	struct ntp_answer a = {
	    .receive = (ERA + 10) << 32 | 0x40000000,
	    .transmit = (ERA + 10) << 32 | 0x80000000,
	};
	struct ntp_times t;

	wire_ntp_times(&a, NOW * SEC, (NOW + 1) * SEC, &t);
	assert_int_equal(t.offset_ns, 9875 * MS);
	assert_int_equal(t.delay_ns, 750 * MS);
	/* Our clock is fast: the offset is negative, the delay the same. */
	wire_ntp_times(&a, (NOW + 20) * SEC, (NOW + 21) * SEC, &t);
	assert_int_equal(t.offset_ns, -10125 * MS);
	assert_int_equal(t.delay_ns, 750 * MS);
}

/* The server is in the next era already, half a second ahead. */
static void
test_offset_over_era(void **state)
{
	int64_t sent = INT64_C(2085978495) * SEC + 750 * MS;
	struct ntp_answer a = {.receive = 0x60000000, .transmit = 0x60000000};
	struct ntp_times t;

	wire_ntp_times(&a, sent, sent + 250 * MS, &t);
	assert_int_equal(t.offset_ns, 500 * MS);
	assert_int_equal(t.delay_ns, 250 * MS);
}

static void
test_not_an_answer(void **state)
{
	uint8_t p[NTP_PACKET + 8];
	struct ntp_answer a;

	for (size_t n = 0; n < NTP_PACKET; n++)
		assert_int_equal(parse(good, n, &a), -EBADMSG);
	memset(p, 0, sizeof(p));
	memcpy(p, good, NTP_PACKET);
	/* Words may follow, halves of them not. */
	assert_int_equal(parse(p, NTP_PACKET + 8, &a), 0);
	assert_int_equal(parse(p, NTP_PACKET + 2, &a), -EBADMSG);
	for (unsigned first = 0; first < 256; first++) {
		unsigned mode = first & 7, version = first >> 3 & 7;
		bool fine = mode == 4 && version >= 1 && version <= 4;

		p[0] = (uint8_t)first;
		assert_int_equal(parse(p, NTP_PACKET, &a), fine ? 0 : -EBADMSG);
	}
	p[0] = good[0];
	memset(p + 32, 0, 8); /* never received */
	assert_int_equal(parse(p, NTP_PACKET, &a), -EBADMSG);
	memcpy(p + 32, good + 32, 8);
	memset(p + 40, 0, 8); /* never sent */
	assert_int_equal(parse(p, NTP_PACKET, &a), -EBADMSG);
	memcpy(p + 32, good + 40, 8);
	memcpy(p + 40, good + 32, 8); /* sent before it was received */
	assert_int_equal(parse(p, NTP_PACKET, &a), -EBADMSG);
}

static void
test_unsynchronised(void **state)
{
	uint8_t p[NTP_PACKET];
	struct ntp_answer a;

	memcpy(p, good, NTP_PACKET);
	for (unsigned stratum = 0; stratum < 256; stratum++) {
		p[1] = (uint8_t)stratum;
		memset(p + 12, 0, 4);
		assert_int_equal(parse(p, NTP_PACKET, &a), 0);
		assert_int_equal(
		    wire_ntp_synchronised(&a), stratum >= 1 && stratum <= 15);
	}
	p[1] = 2;
	p[0] |= 0xc0;
	assert_int_equal(parse(p, NTP_PACKET, &a), 0);
	assert_int_equal(a.leap, NTP_LEAP_UNSYNC);
	assert_false(wire_ntp_synchronised(&a));
	/* 15 s of dispersion and 2 s of delay are 16 s from the root. */
	p[0] = good[0];
	memcpy(p + 4, "\x00\x02\x00\x00\x00\x0f\x00\x00", 8);
	assert_int_equal(parse(p, NTP_PACKET, &a), 0);
	assert_false(wire_ntp_synchronised(&a));
	p[5] = 1;
	assert_int_equal(parse(p, NTP_PACKET, &a), 0);
	assert_true(wire_ntp_synchronised(&a));
	/* The most that can be said. */
	memset(p + 4, 0xff, 8);
	assert_int_equal(parse(p, NTP_PACKET, &a), 0);
	assert_int_equal(a.root_delay_ns, INT64_C(65535999984741));
	assert_false(wire_ntp_synchronised(&a));
}

static void
test_kisses(void **state)
{
	static const struct {
		const char *refid, *kiss;
	} rows[] = {
	    {"RATE", "RATE"},
	    {"DENY", "DENY"},
	    {"RSTR", "RSTR"},
	    {"X\0\0\0", "X"},
	    {"\0\0\0\0", ""},
	    {"\0ATE", ""},
	    {"RA\0E", ""},
	    {"RA\xff"
	     "E",
		""},
	    {"\x7f\x00\x00\x01", ""},
	    {"R\x01\x02\x03", ""},
	};
	uint8_t p[NTP_PACKET];
	struct ntp_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(p, good, NTP_PACKET);
		p[0] = 0xe4;
		p[1] = 0;
		memcpy(p + 12, rows[i].refid, 4);
		assert_int_equal(parse(p, NTP_PACKET, &a), 0);
		assert_string_equal(a.kiss, rows[i].kiss);
		assert_false(wire_ntp_synchronised(&a));
		/* With any other stratum it is an address. */
		p[1] = 1;
		assert_int_equal(parse(p, NTP_PACKET, &a), 0);
		assert_string_equal(a.kiss, "");
		/* One without times is a kiss all the same, or nothing. */
		p[1] = 0;
		memset(p + 32, 0, 16);
		assert_int_equal(parse(p, NTP_PACKET, &a),
		    rows[i].kiss[0] != '\0' ? 0 : -EBADMSG);
	}
}

static void
test_every_bit(void **state)
{
	uint8_t p[NTP_PACKET];
	struct ntp_answer a;
	struct ntp_times t;

	for (size_t bit = 0; bit < 8 * NTP_PACKET; bit++) {
		memcpy(p, good, NTP_PACKET);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (parse(p, NTP_PACKET, &a) < 0)
			continue;
		wire_ntp_times(&a, NOW * SEC, (NOW + 1) * SEC, &t);
		/* Nothing that was taken says that it took back time. */
		assert_true(t.delay_ns <= SEC);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_timestamps),
	    cmocka_unit_test(test_offset),
	    cmocka_unit_test(test_offset_over_era),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_unsynchronised),
	    cmocka_unit_test(test_kisses),
	    cmocka_unit_test(test_every_bit),
	};

	return cmocka_run_group_tests_name("wire_ntp", tests, NULL, NULL);
}
