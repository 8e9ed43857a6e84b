/* The NTP collector, against servers played by hand. */
#include "build.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collectors.h"
#include "rig.h"
#include "wire_ntp.h"

#define HOUR (3600 * CLOCK_SEC)
#define MS   INT64_C(1000000)

struct scene {
	struct rig r;
	struct rig_peer peer;
	struct rig_probe *t;
	struct ask ask;
	unsigned seq;
	int64_t ahead; /* of the server's clock, ns */
	uint8_t out[NTP_PACKET];
};

static void
put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void
scene_open(struct scene *s, const char *host)
{
	*s = (struct scene){.ask.ntp = {.stratum_most = 15}};
	rig_open(&s->r, &collector_ntp, HOUR, true);
	rig_peer_open(&s->peer, host);
	s->t = rig_probe(&s->r, &s->peer.at, PROBE_REQUESTS_MAX);
	s->t->path.ask = &s->ask;
	assert_int_equal(rig_start(s->t), 0);
}

static void
scene_close(struct scene *s)
{
	rig_drop(s->t);
	rig_close(&s->r);
	close(s->peer.fd);
}

/* A request comes, and a good answer of stratum 2 to it is in out. */
static void
ask(struct scene *s)
{
	uint64_t now;

	assert_int_equal(rig_request(s->t, s->seq), 0);
	rig_peer_take(&s->peer);
	assert_int_equal(s->peer.len, NTP_PACKET);
	assert_int_equal(s->peer.bytes[0], 0x23);
	now = wire_ntp_timestamp(clock_real() + s->ahead);
	memset(s->out, 0, sizeof(s->out));
	s->out[0] = 0x24;
	s->out[1] = 2;
	s->out[7] = 0x80;  /* root delay: 1.953125 ms */
	s->out[10] = 0x01; /* root dispersion: 3.90625 ms */
	memcpy(s->out + 12, "\xc0\x00\x02\x01", 4);
	memcpy(s->out + NTP_ORIGIN_AT, s->peer.bytes + NTP_ID_AT, NTP_ID);
	put64(s->out + 32, now);
	put64(s->out + 40, now);
}

static const struct rig_end *
reply(struct scene *s)
{
	rig_peer_send(&s->peer, s->out, sizeof(s->out));
	return rig_wait(s->t, s->seq++);
}

static void
offset(const char *host, int64_t ahead)
{
	struct scene s;
	const struct rig_end *e;
	int64_t half;

	scene_open(&s, host);
	s.ahead = ahead;
	ask(&s);
	e = reply(&s);
	assert_int_equal(e->a.outcome, OUTCOME_ANSWERED);
	assert_int_equal(e->a.stamp, STAMP_KERNEL);
	/* The server's moment lies within the round trip, somewhere. */
	half = (int64_t)e->a.rtt_ns / 2 + 1000;
	assert_in_range(s.t->fact[FACT_NTP_OFFSET] - ahead + half, 0, 2 * half);
	assert_in_range(
	    s.t->fact[FACT_NTP_DELAY], e->a.rtt_ns - 2, e->a.rtt_ns + 2);
	assert_int_equal(s.t->fact[FACT_NTP_STRATUM], 2);
	assert_int_equal(s.t->fact[FACT_NTP_LEAP], 0);
	assert_int_equal(s.t->fact[FACT_NTP_ROOT_DELAY], 1953125);
	assert_int_equal(s.t->fact[FACT_NTP_ROOT_DISPERSION], 3906250);
	scene_close(&s);
}

static void
test_offset(void **state)
{
	offset("127.0.0.1", 0);
	offset("::1", 0);
	offset("127.0.0.1", 250 * MS);
	offset("127.0.0.1", -3600 * 1000 * MS);
	/* Forty years on, in the next era. */
	offset("127.0.0.1", INT64_C(40) * 365 * 86400 * 1000 * MS);
}

/* Nothing of a request tells of this host, and none is like another. */
static void
test_requests(void **state)
{
	struct scene s;
	uint8_t ids[PROBE_REQUESTS_MAX][NTP_ID], none[NTP_ID_AT] = {0};

	scene_open(&s, "127.0.0.1");
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++) {
		ask(&s);
		assert_memory_equal(s.peer.bytes + 1, none, NTP_ID_AT - 1);
		memcpy(ids[i], s.peer.bytes + NTP_ID_AT, NTP_ID);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(ids[k], ids[i], NTP_ID);
		s.seq++;
	}
	scene_close(&s);
}

static void
errors(uint8_t first, uint8_t stratum, const char *refid, enum ntp_error error)
{
	struct scene s;
	const struct rig_end *e;

	scene_open(&s, "127.0.0.1");
	ask(&s);
	s.out[0] = first;
	s.out[1] = stratum;
	memcpy(s.out + 12, refid, 4);
	e = reply(&s);
	assert_int_equal(e->a.outcome, OUTCOME_ERROR_RESPONSE);
	assert_int_equal(e->a.code, error);
	assert_true(e->a.rtt_ns > 0);
	assert_int_equal(s.t->fact[FACT_NTP_STRATUM], stratum);
	/* Who does not know the time is not asked what it is. */
	assert_int_equal(s.t->fact[FACT_NTP_OFFSET], -1);
	assert_int_equal(s.t->fact[FACT_NTP_DELAY], -1);
	assert_int_equal(s.t->holds, error >= NTP_ERROR_RATE);
	if (error == NTP_ERROR_RATE)
		assert_int_equal(s.t->hold, HOLD_SLOWER);
	else if (error >= NTP_ERROR_RATE)
		assert_int_equal(s.t->hold, HOLD_STOP);
	scene_close(&s);
}

static void
test_errors(void **state)
{
	errors(0xe4, 0, "\0\0\0", NTP_ERROR_UNSYNCHRONISED); /* chronyd */
	errors(0xe4, 2, "\x7f\0\0\1", NTP_ERROR_UNSYNCHRONISED);
	errors(0x24, 16, "\0\0\0", NTP_ERROR_UNSYNCHRONISED);
	errors(0xe4, 0, "INIT", NTP_ERROR_UNSYNCHRONISED);
	errors(0xe4, 0, "STEP", NTP_ERROR_UNSYNCHRONISED);
	errors(0xe4, 0, "RATE", NTP_ERROR_RATE);
	errors(0xe4, 0, "DENY", NTP_ERROR_DENY);
	errors(0xe4, 0, "RSTR", NTP_ERROR_RSTR);
	errors(0x24, 0, "DENY", NTP_ERROR_DENY);
}

static void
test_bounds(void **state)
{
	static const struct {
		uint64_t offset_most;
		int64_t ahead;
		uint8_t stratum_most;
		int code;
	} rows[] = {
	    {0, 500 * MS, 2, 0},
	    {0, 500 * MS, 1, NTP_ERROR_STRATUM},
	    {400 * MS, 500 * MS, 15, NTP_ERROR_OFFSET},
	    {400 * MS, -500 * MS, 15, NTP_ERROR_OFFSET},
	    {600 * MS, 500 * MS, 15, 0},
	    {600 * MS, -500 * MS, 15, 0},
	};
	struct scene s;

	scene_open(&s, "127.0.0.1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rig_end *e;

		s.ask.ntp.offset_degraded = rows[i].offset_most;
		s.ask.ntp.stratum_most = rows[i].stratum_most;
		s.ahead = rows[i].ahead;
		ask(&s);
		e = reply(&s);
		assert_int_equal(e->a.code, rows[i].code);
		assert_int_equal(e->a.outcome, rows[i].code == 0
						   ? OUTCOME_ANSWERED
						   : OUTCOME_ERROR_RESPONSE);
		/* It is what makes it an error, so it is told. */
		assert_in_range(
		    s.t->fact[FACT_NTP_OFFSET] - rows[i].ahead + 100 * MS, 0,
		    200 * MS);
	}
	assert_int_equal(s.t->holds, 0);
	scene_close(&s);
}

static void
test_not_an_answer(void **state)
{
	struct scene s;
	struct rig_peer other;

	scene_open(&s, "127.0.0.1");
	ask(&s);
	memset(s.out + 40, 0, 8);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	ask(&s);
	s.out[0] = 0x23; /* mode 3: a request */
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	/*
	 * Not our origin: a forged answer, a forged kiss, our own request
	 * sent back. None of them ends anything.
	 */
	ask(&s);
	s.out[NTP_ORIGIN_AT] ^= 1;
	rig_peer_send(&s.peer, s.out, sizeof(s.out));
	rig_peer_send(&s.peer, s.peer.bytes, s.peer.len);
	rig_peer_send(&s.peer, s.out, 20);
	s.out[0] = 0xe4;
	s.out[1] = 0;
	memcpy(s.out + 12, "DENY", 4);
	rig_peer_send(&s.peer, s.out, sizeof(s.out));
	rig_wait_unmatched(&s.r, 4);
	assert_int_equal(s.t->holds, 0);
	/* From somebody else. */
	s.out[NTP_ORIGIN_AT] ^= 1;
	rig_peer_open(&other, "127.0.0.1");
	other.from = s.peer.from;
	rig_peer_send(&other, s.out, sizeof(s.out));
	rig_wait_unmatched(&s.r, 5);
	assert_int_equal(s.t->holds, 0);
	assert_int_equal(s.t->end[s.seq].times, 0);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_ERROR_RESPONSE);
	assert_int_equal(s.t->hold, HOLD_STOP);
	/* The same answer once more. */
	rig_peer_send(&s.peer, s.out, sizeof(s.out));
	rig_wait_unmatched(&s.r, 6);
	assert_int_equal(s.t->holds, 1);
	close(other.fd);
	scene_close(&s);
}

/* What an ICMP error quotes is a request: the id stands elsewhere in it. */
static void
test_refused(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	close(s.peer.fd);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_request(s.t, i), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig_wait(s.t, i)->a.outcome, OUTCOME_REFUSED);
	assert_int_equal(rig_counts(&s.r).unmatched, 0);
	rig_peer_open(&s.peer, "127.0.0.1");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_offset),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("ntp", tests, NULL, NULL);
}
