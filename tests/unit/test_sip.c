/* The SIP collector over UDP, against servers played by hand. */
#include "build.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ask.h"
#include "collectors.h"
#include "rig.h"
#include "sip_replies.h"

#define HOUR (3600 * CLOCK_SEC)

enum { REQUESTS = 5 };

/* One probe, its loop and its server. */
struct scene {
	struct rig r;
	struct rig_peer peer;
	struct rig_probe *t;
	struct ask ask;
};

static void
scene_open(struct scene *s, const char *host)
{
	memset(s, 0, sizeof(*s));
	rig_open(&s->r, &collector_sip, HOUR, true);
	rig_peer_open(&s->peer, host);
	s->t = rig_probe(&s->r, &s->peer.at, REQUESTS);
	s->t->path.transport = TRANSPORT_SIP_UDP;
	s->t->path.host = "sip.example.com";
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

/* A request goes and comes; it is text, and ends in a NUL. */
static char *
ask(struct scene *s, unsigned seq)
{
	assert_int_equal(rig_request(s->t, seq), 0);
	rig_peer_take(&s->peer);
	assert_in_range(s->peer.len, 1, sizeof(s->peer.bytes) - 1);
	s->peer.bytes[s->peer.len] = '\0';
	return (char *)s->peer.bytes;
}

static void
reply(struct scene *s, const char *text)
{
	size_t len;
	char *all = sip_reply_to((char *)s->peer.bytes, text, &len);

	for (size_t at = 0; at <= len;) {
		char *end = memchr(all + at, '\1', len - at);
		size_t n = end != NULL ? (size_t)(end - all) - at : len - at;

		rig_peer_send(&s->peer, all + at, n);
		at += n + 1;
	}
	free(all);
}

static void
check_request(const char *host, const char *address)
{
	struct scene s;
	char line[256], *text;

	scene_open(&s, host);
	text = ask(&s, 0);
	snprintf(line, sizeof(line),
	    "OPTIONS sip:sip.example.com:%u SIP/2.0\r\n",
	    (unsigned)addr_port(&s.peer.at));
	assert_memory_equal(text, line, strlen(line));
	/* Where the answer is to go is where it came from. */
	snprintf(line, sizeof(line),
	    "\r\nVia: SIP/2.0/UDP %s:%u;rport;branch=", address,
	    (unsigned)addr_port(&s.peer.from));
	assert_non_null(strstr(text, line));
	snprintf(line, sizeof(line), "\r\nFrom: <sip:reachd@%s>;tag=", address);
	assert_non_null(strstr(text, line));
	reply(&s, SIP_GOOD);
	assert_int_equal(rig_wait(s.t, 0)->a.outcome, OUTCOME_ANSWERED);
	assert_int_equal(s.t->end[0].a.code, 0);
	assert_int_equal(s.t->end[0].a.stamp, STAMP_KERNEL);
	assert_int_equal(s.t->end[0].a.local_port, addr_port(&s.peer.from));
	assert_int_equal(s.t->fact[FACT_SIP_STATUS], 200);
	scene_close(&s);
}

static void
test_request(void **state)
{
	check_request("127.0.0.1", "127.0.0.1");
	check_request("::1", "[::1]");
}

/* What is configured, and an address where a name would stand. */
static void
test_asked(void **state)
{
	struct scene s;
	char *text;

	scene_open(&s, "::1");
	s.ask.sip.user = "ping";
	s.ask.sip.from_domain = "edge.example.net";
	s.t->path.host = NULL;
	text = ask(&s, 0);
	assert_memory_equal(text, "OPTIONS sip:ping@[::1]:", 23);
	assert_non_null(
	    strstr(text, "\r\nFrom: <sip:reachd@edge.example.net>;"));
	s.t->path.ask = NULL;
	s.t->path.host = "2001:db8::5";
	text = ask(&s, 1);
	assert_memory_equal(text, "OPTIONS sip:[2001:db8::5]:", 26);
	assert_non_null(strstr(text, "\r\nFrom: <sip:reachd@[::1]>;"));
	scene_close(&s);
}

/* No two requests have a branch in common; the port stays for the probe. */
static void
test_ids(void **state)
{
	struct scene s;
	char branch[REQUESTS][33];
	uint16_t port = 0;

	scene_open(&s, "127.0.0.1");
	for (unsigned seq = 0; seq < REQUESTS; seq++) {
		char *at = strstr(ask(&s, seq), ";branch=z9hG4bK");

		assert_non_null(at);
		memcpy(branch[seq], at + 15, 32);
		branch[seq][32] = '\0';
		assert_int_equal(strspn(branch[seq], "0123456789abcdef"), 32);
		for (unsigned i = 0; i < seq; i++)
			assert_string_not_equal(branch[i], branch[seq]);
		assert_true(port == 0 || port == addr_port(&s.peer.from));
		port = addr_port(&s.peer.from);
	}
	scene_close(&s);
}

/* A reply from the table; what is let pass has the good one after it. */
static void
check_reply(const struct sip_reply *r)
{
	struct scene s;
	const struct rig_end *e;
	enum outcome o =
	    r->datagram != OUTCOME_NONE ? r->datagram : OUTCOME_ANSWERED;
	int status = r->datagram != OUTCOME_NONE ? r->status : 200;

	print_message("%s\n", r->name);
	scene_open(&s, "127.0.0.1");
	ask(&s, 0);
	reply(&s, r->text);
	if (r->datagram == OUTCOME_NONE)
		reply(&s, SIP_GOOD);
	e = rig_wait(s.t, 0);
	assert_int_equal(e->a.outcome, o);
	assert_int_equal(
	    e->a.code, o == OUTCOME_ERROR_RESPONSE ? r->status : 0);
	assert_int_equal(
	    e->a.rtt_ns != 0, outcome_class(o) == OUTCOME_CLASS_ANSWER);
	assert_int_equal(s.t->fact[FACT_SIP_STATUS], status);
	assert_int_equal(e->times, 1);
	/* And the next one is as good as if nothing had been. */
	ask(&s, 1);
	reply(&s, SIP_GOOD);
	assert_int_equal(rig_wait(s.t, 1)->a.outcome, OUTCOME_ANSWERED);
	assert_int_equal(s.t->failed, 0);
	scene_close(&s);
}

static void
test_replies(void **state)
{
	for (unsigned i = 0; i < SIP_REPLIES; i++)
		check_reply(&sip_replies[i]);
}

/* With codes only these are right, be they what they may. */
static void
test_codes(void **state)
{
	static const struct {
		const char *text;
		enum outcome outcome;
		int code;
	} cases[REQUESTS] = {
	    {"SIP/2.0 200 OK\r\n$A" SIP_END, OUTCOME_ANSWERED, 0},
	    {"SIP/2.0 404 No\r\n$A" SIP_END, OUTCOME_ERROR_RESPONSE, 404},
	    {"SIP/2.0 489 No\r\n$A" SIP_END, OUTCOME_ANSWERED, 0},
	    {"SIP/2.0 503 No\r\n$A" SIP_END, OUTCOME_ANSWERED, 0},
	    {"SIP/2.0 500 No\r\n$A" SIP_END, OUTCOME_ERROR_RESPONSE, 500},
	};
	struct scene s;

	scene_open(&s, "127.0.0.1");
	assert_int_equal(codes_add(&s.ask.sip.codes, "200"), 0);
	assert_int_equal(codes_add(&s.ask.sip.codes, "480-489"), 0);
	assert_int_equal(codes_add(&s.ask.sip.codes, "503"), 0);
	for (unsigned i = 0; i < REQUESTS; i++) {
		const struct rig_end *e;

		ask(&s, i);
		reply(&s, cases[i].text);
		e = rig_wait(s.t, i);
		assert_int_equal(e->a.outcome, cases[i].outcome);
		assert_int_equal(e->a.code, cases[i].code);
		assert_int_equal(s.t->fact[FACT_SIP_STATUS],
		    strtol(cases[i].text + 8, NULL, 10));
	}
	scene_close(&s);
}

/* Right in all but the place that it comes from. */
static void
test_forged(void **state)
{
	struct scene s;
	struct rig_peer other;
	size_t len;
	char *good;

	scene_open(&s, "127.0.0.1");
	rig_peer_open(&other, "127.0.0.1");
	good = sip_reply_to(ask(&s, 0), SIP_GOOD, &len);
	other.from = s.peer.from;
	rig_peer_send(&other, good, len);
	rig_wait_unmatched(&s.r, 1);
	assert_int_equal(s.t->end[0].times, 0);
	rig_peer_send(&s.peer, good, len);
	assert_int_equal(rig_wait(s.t, 0)->a.outcome, OUTCOME_ANSWERED);
	rig_peer_send(&s.peer, good, len);
	rig_wait_unmatched(&s.r, 2);
	assert_int_equal(s.t->end[0].times, 1);
	free(good);
	scene_close(&s);
	close(other.fd);
}

/* Each has its own answer, in whatever order. */
static void
test_reordered(void **state)
{
	struct scene s;
	char *good[REQUESTS];
	size_t len[REQUESTS];

	scene_open(&s, "127.0.0.1");
	for (unsigned i = 0; i < REQUESTS; i++)
		good[i] = sip_reply_to(ask(&s, i), SIP_GOOD, &len[i]);
	for (unsigned i = REQUESTS; i-- > 0;) {
		rig_peer_send(&s.peer, good[i], len[i]);
		assert_int_equal(rig_wait(s.t, i)->a.outcome, OUTCOME_ANSWERED);
		assert_int_equal(i > 0 ? s.t->end[i - 1].times : 0, 0);
		free(good[i]);
	}
	scene_close(&s);
}

/* The error brings the Via back: of two probes it is the right one's. */
static void
test_refused(void **state)
{
	struct addr closed = rig_closed("127.0.0.1");
	struct scene s;
	struct rig_probe *t;

	scene_open(&s, "127.0.0.1");
	t = rig_probe(&s.r, &closed, 1);
	t->path.transport = TRANSPORT_SIP_UDP;
	assert_int_equal(rig_start(t), 0);
	ask(&s, 0);
	assert_int_equal(rig_request(t, 0), 0);
	assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_REFUSED);
	assert_int_equal(s.t->end[0].times, 0);
	reply(&s, SIP_GOOD);
	assert_int_equal(rig_wait(s.t, 0)->a.outcome, OUTCOME_ANSWERED);
	rig_drop(t);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_asked),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_forged),
	    cmocka_unit_test(test_reordered),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
