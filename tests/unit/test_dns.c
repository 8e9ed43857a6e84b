/* The DNS collector over UDP, against servers played by hand. */
#include "build.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collectors.h"
#include "dnsmsg.h"
#include "rig.h"

#define HOUR (3600 * CLOCK_SEC)

enum { RESPONSE = 0x8180, TRUNCATED = 0x8380, REQUESTS = 32 };

/* One probe, its loop and its server. */
struct scene {
	struct rig r;
	struct rig_peer peer;
	struct rig_probe *t;
	struct ask ask;
	unsigned seq;
};

static struct dnsmsg m;

static void
scene_open(struct scene *s, const char *host)
{
	*s = (struct scene){.ask.dns = {.query = (char *)"www.example.net",
				.type = DNS_A,
				.least = 1,
				.recursion = true,
				.edns = true}};
	rig_open(&s->r, &collector_dns, HOUR, true);
	rig_peer_open(&s->peer, host);
	s->t = rig_probe(&s->r, &s->peer.at, REQUESTS);
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

/* The next request; the answer to it is written to m after its header. */
static void
ask(struct scene *s, unsigned flags, unsigned answers)
{
	assert_int_equal(rig_request(s->t, s->seq), 0);
	rig_peer_take(&s->peer);
	dnsmsg_begin(&m, flags, answers, 0, 0);
	memcpy(m.bytes, s->peer.bytes, DNS_ID);
	dnsmsg_question(&m, "www.example.net", s->ask.dns.type);
}

static const struct rig_end *
reply(struct scene *s)
{
	rig_peer_send(&s->peer, m.bytes, m.len);
	return rig_wait(s->t, s->seq++);
}

static void
put_a(const char *owner, uint32_t ttl, uint32_t addr)
{
	dnsmsg_a(&m, owner, ttl, addr);
}

static void
answered(const char *host)
{
	struct scene s;
	const struct rig_end *e;

	scene_open(&s, host);
	for (unsigned i = 0; i < 3; i++) {
		ask(&s, RESPONSE, 2);
		put_a("www.example.net", 300, 0xc0000201);
		put_a("www.example.net", 60, 0xc0000202);
		e = reply(&s);
		assert_int_equal(e->a.outcome, OUTCOME_ANSWERED);
		assert_int_equal(e->a.code, 0);
		assert_int_equal(e->a.stamp, STAMP_KERNEL);
		assert_in_range(e->a.rtt_ns, 1, CLOCK_SEC);
	}
	assert_int_equal(s.t->fact[FACT_DNS_RCODE], 0);
	assert_int_equal(s.t->fact[FACT_DNS_ANSWERS], 2);
	assert_int_equal(s.t->fact[FACT_DNS_TTL], 60 * CLOCK_SEC);
	assert_int_equal(s.t->fact[FACT_DNS_TRUNCATED], 0);
	assert_int_equal(s.t->fact[FACT_DNS_EXPECTED], 1);
	scene_close(&s);
}

static void
test_answered(void **state)
{
	answered("127.0.0.1");
	answered("::1");
}

/* What goes out: as the target says, and an id that is new each time. */
static void
test_query(void **state)
{
	struct scene s;
	uint16_t seen[REQUESTS];
	unsigned same = 0;

	scene_open(&s, "127.0.0.1");
	for (unsigned i = 0; i < REQUESTS; i++) {
		s.ask.dns.edns = i % 2 == 0;
		s.ask.dns.recursion = i % 3 == 0;
		ask(&s, RESPONSE, 0);
		assert_int_equal(s.peer.len, 12 + 17 + 4 + (i % 2 ? 0 : 11));
		assert_int_equal(s.peer.bytes[2], i % 3 == 0 ? 1 : 0);
		assert_memory_equal(s.peer.bytes + 12,
		    "\x03www\x07"
		    "example\x03net\x00\x00\x01\x00\x01",
		    21);
		memcpy(&seen[i], s.peer.bytes, 2);
		for (unsigned k = 0; k < i; k++)
			same += seen[k] == seen[i];
		s.seq++;
	}
	/* Requests under way never share one. */
	assert_int_equal(same, 0);
	scene_close(&s);
}

/* Rows of an answer to www.example.net, and what it is taken for. */
static enum outcome
judged(struct scene *s, unsigned flags, unsigned records)
{
	const struct rig_end *e;

	ask(s, flags, records);
	for (unsigned i = 0; i < records; i++)
		put_a("www.example.net", 60, 0xc0000201 + i);
	e = reply(s);
	assert_int_equal(e->a.rtt_ns > 0,
	    outcome_class(e->a.outcome) == OUTCOME_CLASS_ANSWER);
	assert_int_equal(
	    s->t->fact[FACT_DNS_EXPECTED], e->a.outcome != OUTCOME_ANSWERED ? 0
					   : (flags & 0x0200) != 0	    ? -1
								   : 1);
	return e->a.outcome;
}

static void
test_rcodes(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	for (unsigned rcode = 1; rcode < 16; rcode++) {
		assert_int_equal(
		    judged(&s, RESPONSE | rcode, 0), OUTCOME_ERROR_RESPONSE);
		assert_int_equal(s.t->end[s.seq - 1].a.code, rcode);
		assert_int_equal(s.t->fact[FACT_DNS_RCODE], rcode);
		assert_int_equal(s.t->fact[FACT_DNS_TTL], -1);
	}
	/* One that is expected, and then one that is not. */
	s.ask.dns.rcode = DNS_NXDOMAIN;
	s.ask.dns.least = 0;
	assert_int_equal(
	    judged(&s, RESPONSE | DNS_NXDOMAIN, 0), OUTCOME_ANSWERED);
	assert_int_equal(s.t->end[s.seq - 1].a.code, 0);
	assert_int_equal(judged(&s, RESPONSE, 1), OUTCOME_ERROR_RESPONSE);
	assert_int_equal(s.t->end[s.seq - 1].a.code, 0);
	scene_close(&s);
}

static void
test_least(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	assert_int_equal(judged(&s, RESPONSE, 0), OUTCOME_ERROR_RESPONSE);
	assert_int_equal(judged(&s, RESPONSE, 1), OUTCOME_ANSWERED);
	s.ask.dns.least = 3;
	assert_int_equal(judged(&s, RESPONSE, 2), OUTCOME_ERROR_RESPONSE);
	assert_int_equal(judged(&s, RESPONSE, 3), OUTCOME_ANSWERED);
	s.ask.dns.least = 0;
	assert_int_equal(judged(&s, RESPONSE, 0), OUTCOME_ANSWERED);
	/* Of what was cut nobody knows how much it was. */
	s.ask.dns.least = 3;
	assert_int_equal(judged(&s, TRUNCATED, 1), OUTCOME_ANSWERED);
	assert_int_equal(s.t->fact[FACT_DNS_TRUNCATED], 1);
	assert_int_equal(judged(&s, TRUNCATED | 2, 0), OUTCOME_ERROR_RESPONSE);
	scene_close(&s);
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *patterns;
		bool fits;
	} rows[] = {
	    {"192.0.2.1", true},
	    {"192.0.2.2", true},
	    {"192.0.2.3", false},
	    {"192.0.2.", false},
	    {"192.0.2", false},
	    {"*", true},
	    {"**", true},
	    {"192.*", true},
	    {"*.1", true},
	    {"*.9", false},
	    {"192.0.2.?", true},
	    {"192.0.2.1?", false},
	    {"?92*2", true},
	    {"1*9*2*0*2*2", true},
	    {"1*9*2*0*2*2*3", false},
	    {"10.0.0.1\n192.0.2.2\n", true},
	    {"10.0.0.1\n10.0.0.2", false},
	    {"\n", false},
	};
	struct scene s;

	scene_open(&s, "127.0.0.1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.ask.dns.answer = (char *)rows[i].patterns;
		if (judged(&s, RESPONSE, 2) !=
		    (rows[i].fits ? OUTCOME_ANSWERED : OUTCOME_ERROR_RESPONSE))
			fail_msg("'%s'", rows[i].patterns);
	}
	scene_close(&s);
}

/* Names whatever their case, with the dot that people write or without. */
static void
test_name_patterns(void **state)
{
	static const char *const patterns[] = {"10 mx.example.net",
	    "10 MX.example.net.", "* mx.*", "10 mx.example.net.\n"};
	struct scene s;

	scene_open(&s, "127.0.0.1");
	s.ask.dns.type = DNS_MX;
	for (size_t i = 0; i < 4; i++) {
		s.ask.dns.answer = (char *)patterns[i];
		ask(&s, RESPONSE, 1);
		dnsmsg_name(&m, "www.example.net");
		dnsmsg_record(&m, DNS_MX, 60);
		dnsmsg_16(&m, 10);
		dnsmsg_name(&m, "Mx.example.net");
		dnsmsg_end(&m);
		assert_int_equal(reply(&s)->a.outcome, OUTCOME_ANSWERED);
	}
	scene_close(&s);
}

/* A pattern and a text that keep a careless matcher busy for hours. */
static void
test_greedy_pattern(void **state)
{
	struct scene s;
	uint64_t start = clock_mono();

	scene_open(&s, "127.0.0.1");
	s.ask.dns.type = DNS_TXT;
	s.ask.dns.answer = (char *)"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	ask(&s, RESPONSE, 1);
	dnsmsg_name(&m, "www.example.net");
	dnsmsg_record(&m, DNS_TXT, 60);
	for (unsigned i = 0; i < 4; i++) {
		dnsmsg_8(&m, 250);
		memset(m.bytes + m.len, 'a', 250);
		m.len += 250;
	}
	dnsmsg_end(&m);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_ERROR_RESPONSE);
	assert_true(clock_mono() - start < 3 * CLOCK_SEC);
	scene_close(&s);
}

static void
test_not_an_answer(void **state)
{
	struct scene s;
	struct rig_peer other;

	scene_open(&s, "127.0.0.1");
	/* Our own query comes back. */
	ask(&s, RESPONSE, 0);
	memcpy(m.bytes, s.peer.bytes, s.peer.len);
	m.len = s.peer.len;
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	assert_int_equal(s.t->end[0].a.rtt_ns, 0);
	/* Another question; a count of records that are not there. */
	ask(&s, RESPONSE, 0);
	m.bytes[13] = 'x';
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	ask(&s, RESPONSE, 1);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	/* A compression loop. */
	ask(&s, RESPONSE, 1);
	dnsmsg_pointer(&m, m.len);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_PROTOCOL);
	/* Another id, and no id at all: these answer nothing. */
	ask(&s, RESPONSE, 1);
	put_a("www.example.net", 60, 1);
	m.bytes[0] ^= 1;
	rig_peer_send(&s.peer, m.bytes, m.len);
	rig_peer_send(&s.peer, m.bytes, 1);
	rig_wait_unmatched(&s.r, 2);
	m.bytes[0] ^= 1;
	/* The right answer from somebody else. */
	rig_peer_open(&other, "127.0.0.1");
	other.from = s.peer.from;
	rig_peer_send(&other, m.bytes, m.len);
	rig_wait_unmatched(&s.r, 3);
	assert_int_equal(s.t->end[s.seq].times, 0);
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_ANSWERED);
	close(other.fd);
	scene_close(&s);
}

/* An alias that leads in a circle is an answer, and not the wanted one. */
static void
test_alias_loop(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	ask(&s, RESPONSE, 2);
	dnsmsg_cname(&m, "www.example.net", 5, "b.example.net");
	dnsmsg_cname(&m, "b.example.net", 5, "www.example.net");
	assert_int_equal(reply(&s)->a.outcome, OUTCOME_ERROR_RESPONSE);
	assert_int_equal(s.t->fact[FACT_DNS_ANSWERS], 0);
	scene_close(&s);
}

static void
test_refused(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	close(s.peer.fd);
	assert_int_equal(rig_request(s.t, 0), 0);
	assert_int_equal(rig_wait(s.t, 0)->a.outcome, OUTCOME_REFUSED);
	rig_peer_open(&s.peer, "127.0.0.1");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_rcodes),
	    cmocka_unit_test(test_least),
	    cmocka_unit_test(test_patterns),
	    cmocka_unit_test(test_name_patterns),
	    cmocka_unit_test(test_greedy_pattern),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_alias_loop),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
