/* DNS over TCP against servers that behave and servers that do not. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "dnsmsg.h"
#include "lab.h"

enum { RESPONSE = 0x8180, QUERY = 12 + 17 + 4 + 11, PIECE = 1400 };

enum manner {
	PLAIN,
	IN_BYTES,
	BACKWARDS, /* all queries first, then the answers, the last first */
	OTHER_ID_FIRST,
	LONG, /* 16 kB of records, in pieces */
	TOO_LONG,
	TOO_SHORT,
	OTHER_QUESTION,
	HALF,
	CLOSE,
	SILENT
};

struct stage {
	struct lab *lab;
	struct peer peer;
	struct ask ask;
	enum manner manner;
	unsigned count;
	struct dnsmsg m; /* the peer's thread's */
};

/* The message in m goes with its length before it. */
static void
send_message(struct stage *s, int fd, unsigned piece)
{
	uint8_t head[2] = {(uint8_t)(s->m.len >> 8), (uint8_t)s->m.len};

	peer_write(fd, head, 1);
	peer_write(fd, head + 1, 1);
	for (size_t at = 0; at < s->m.len; at += piece) {
		size_t left = s->m.len - at;

		peer_write(fd, s->m.bytes + at,
		    (unsigned)(left < piece ? left : piece));
	}
}

static void
write_answer(struct stage *s, const uint8_t *query, unsigned records)
{
	dnsmsg_begin(&s->m, RESPONSE, records, 0, 0);
	memcpy(s->m.bytes, query + 2, DNS_ID);
	dnsmsg_question(&s->m,
	    s->manner == OTHER_QUESTION ? "xww.example.net" : "www.example.net",
	    DNS_A);
	for (unsigned i = 0; i < records; i++) {
		dnsmsg_pointer(&s->m, 12);
		dnsmsg_record(&s->m, DNS_A, 60);
		dnsmsg_32(&s->m, i);
		dnsmsg_end(&s->m);
	}
}

static void
backwards(struct stage *s, int fd)
{
	uint8_t query[PROBE_REQUESTS_MAX][2 + QUERY];

	for (unsigned i = 0; i < s->count; i++)
		if (!peer_read(fd, query[i], sizeof(query[i])))
			return;
	for (unsigned i = s->count; i-- > 0;) {
		write_answer(s, query[i], 1);
		send_message(s, fd, PIECE);
	}
}

static void
answer(struct stage *s, int fd, const uint8_t *query)
{
	switch (s->manner) {
	case TOO_LONG:
		peer_write(fd, "\xff\xff", 2);
		break;
	case TOO_SHORT:
		peer_write(fd, "\x00\x0b-----------", 13);
		break;
	case OTHER_ID_FIRST:
		write_answer(s, query, 1);
		s->m.bytes[1] ^= 1;
		send_message(s, fd, PIECE);
		s->m.bytes[1] ^= 1;
		send_message(s, fd, PIECE);
		break;
	case HALF:
		write_answer(s, query, 1);
		peer_write(fd, "\x00\x31", 2);
		peer_write(fd, s->m.bytes, 20);
		break;
	default:
		/* 33 octets and 16 for each record. */
		write_answer(s, query, s->manner == LONG ? 1021 : 2);
		send_message(s, fd, s->manner == IN_BYTES ? 1 : PIECE);
	}
}

static void
script(struct peer *peer, int fd)
{
	struct stage *s = peer->arg;
	uint8_t query[2 + QUERY];

	if (s->manner == CLOSE)
		return;
	if (s->manner == BACKWARDS)
		backwards(s, fd);
	while (s->manner < HALF && s->manner != BACKWARDS &&
	       peer_read(fd, query, sizeof(query)))
		answer(s, fd, query);
	if (s->manner == HALF && peer_read(fd, query, sizeof(query)))
		answer(s, fd, query);
	else
		peer_wait_closed(fd);
}

static void
stage_up(struct stage *s, int family, enum manner manner, unsigned count)
{
	memset(s, 0, sizeof(*s));
	s->manner = manner;
	s->count = count;
	s->ask.dns = (struct ask_dns){.query = (char *)"www.example.net",
	    .type = DNS_A,
	    .least = 1,
	    .recursion = true,
	    .edns = true};
	s->peer.script = script;
	s->peer.arg = s;
	peer_start(&s->peer, family);
	s->lab = lab_new(&collector_dns_stream, NULL);
	lab_aim(s->lab, family, s->peer.port);
	s->lab->path.ask = &s->ask;
}

static void
stage_down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
}

static struct stage s;

static void
answered(int family, enum manner manner, unsigned count)
{
	stage_up(&s, family, manner, count);
	lab_probe(s.lab, count);
	assert_int_equal(s.lab->fails, 0);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(s.lab->answered[i], 1);
		assert_int_equal(s.lab->answer[i].outcome, OUTCOME_ANSWERED);
		assert_in_range(s.lab->answer[i].rtt_ns, 1, 10 * CLOCK_SEC);
	}
	assert_true(s.lab->phase[PHASE_CONNECT] > 0);
	assert_true(s.lab->phase[PHASE_RESPONSE] > 0);
	assert_int_equal(s.lab->fact[FACT_DNS_EXPECTED], 1);
	assert_int_equal(s.lab->fact[FACT_DNS_TTL], 60 * CLOCK_SEC);
	assert_int_equal(
	    lab_counts(s.lab).unmatched, manner == OTHER_ID_FIRST ? count : 0);
	stage_down(&s);
}

static void
test_answered(void **state)
{
	answered(AF_INET, PLAIN, 1);
	answered(AF_INET6, PLAIN, 3);
	answered(AF_INET, IN_BYTES, 2);
	answered(AF_INET, BACKWARDS, PROBE_REQUESTS_MAX);
	answered(AF_INET, OTHER_ID_FIRST, 1);
}

static void
test_long(void **state)
{
	answered(AF_INET, LONG, 2);
	assert_int_equal(s.m.len, 33 + 1021 * 16);
}

static void
failed(enum manner manner, enum outcome o)
{
	stage_up(&s, AF_INET, manner, 1);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->outcome, o);
	stage_down(&s);
}

static void
test_failed(void **state)
{
	failed(TOO_LONG, OUTCOME_PROTOCOL);
	failed(TOO_SHORT, OUTCOME_PROTOCOL);
	failed(HALF, OUTCOME_RESET);
	failed(CLOSE, OUTCOME_RESET);
}

static void
test_other_question(void **state)
{
	stage_up(&s, AF_INET, OTHER_QUESTION, 1);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->answer[0].outcome, OUTCOME_PROTOCOL);
	assert_int_equal(s.lab->answer[0].rtt_ns, 0);
	stage_down(&s);
}

static void
test_refused(void **state)
{
	stage_up(&s, AF_INET, SILENT, 1);
	lab_aim(s.lab, AF_INET, peer_dead_port(AF_INET));
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_REFUSED);
	lab_aim(s.lab, AF_INET, s.peer.port);
	lab_start(s.lab, 1);
	peer_wait(&s.peer);
	lab_stop(s.lab);
	stage_down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_failed),
	    cmocka_unit_test(test_other_question),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("dns_stream", tests, NULL, NULL);
}
