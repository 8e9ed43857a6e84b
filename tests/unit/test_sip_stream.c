/* The SIP collector over TCP, against servers that follow a script. */
#include "build.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

#include "collectors.h"
#include "lab.h"
#include "sip_replies.h"
#include "wire_sip.h"

/* How a reply is sent. */
enum pieces { WHOLE, BYTES, HALVES };

struct stage {
	struct lab *lab;
	struct peer peer;
	struct ask ask;
	const char *text; /* NULL: never a reply */
	const char *then; /* after it; NULL: the end of the connection */
	enum pieces pieces;
	unsigned batch; /* requests that are waited for before a reply */
};

/* Up to the empty line at its end; as text. */
static bool
read_request(int fd, char out[SIP_REQUEST_MAX + 1])
{
	unsigned n = 0;

	while (n < SIP_REQUEST_MAX && peer_read(fd, out + n, 1)) {
		out[++n] = '\0';
		if (n >= 4 && strcmp(out + n - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static void
write_reply(struct stage *s, int fd, const char *request, const char *text)
{
	size_t len, n, step;
	char *all = sip_reply_to(request, text, &len);

	/* The parts of a datagram one after the other. */
	for (n = 0; n < len; n++) {
		char *end = memchr(all, '\1', len);

		if (end == NULL)
			break;
		memmove(end, end + 1, len - (size_t)(end + 1 - all));
		len--;
	}
	step = s->pieces == WHOLE ? len : s->pieces == BYTES ? 1 : len / 2;
	for (n = 0; n < len; n += step)
		peer_write(
		    fd, all + n, (unsigned)(len - n < step ? len - n : step));
	free(all);
}

static void
script(struct peer *peer, int fd)
{
	struct stage *s = peer->arg;
	char request[PROBE_REQUESTS_MAX][SIP_REQUEST_MAX + 1];
	unsigned n = 0;

	while (read_request(fd, request[n])) {
		if (s->text == NULL || ++n < s->batch)
			continue;
		/* The last one is answered first. */
		while (n-- > 0) {
			write_reply(s, fd, request[n], s->text);
			if (s->then == NULL)
				return;
			write_reply(s, fd, request[n], s->then);
		}
		n = 0;
	}
}

static void
stage_up(struct stage *s, int family, const char *text)
{
	memset(s, 0, sizeof(*s));
	s->text = text;
	s->then = "";
	s->batch = 1;
	s->peer.script = script;
	s->peer.arg = s;
	peer_start(&s->peer, family);
	s->lab = lab_new(&collector_sip_stream, NULL);
	lab_aim(s->lab, family, s->peer.port);
	s->lab->path.transport = TRANSPORT_SIP_TCP;
	s->lab->path.host = "sip.example.com";
	s->lab->path.ask = &s->ask;
}

static void
stage_down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
}

static void
check_answered(const struct stage *s, unsigned count)
{
	const struct lab *lab = s->lab;

	assert_int_equal(lab->answers, count);
	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->fact[FACT_SIP_STATUS], 200);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(lab->answered[i], 1);
		assert_int_equal(lab->answer[i].outcome, OUTCOME_ANSWERED);
		assert_in_range(
		    lab->answer[i].rtt_ns, 1, lab->ended_ns - lab->started_ns);
		assert_true(lab->answer[i].stamp == STAMP_KERNEL_RX ||
			    lab->answer[i].stamp == STAMP_USER);
	}
	assert_true(lab->phase[PHASE_CONNECT] > 0);
	assert_true(lab->phase[PHASE_RESPONSE] > 0);
	assert_int_equal(lab->phase[PHASE_TLS], 0);
}

static void
answered(int family, enum pieces pieces, unsigned count, unsigned batch)
{
	struct stage s;

	stage_up(&s, family, SIP_GOOD);
	s.pieces = pieces;
	s.batch = batch;
	lab_probe(s.lab, count);
	check_answered(&s, count);
	assert_int_equal(lab_counts(s.lab).unmatched, 0);
	stage_down(&s);
}

static void
test_answered(void **state)
{
	answered(AF_INET, WHOLE, 1, 1);
	answered(AF_INET6, WHOLE, 1, 1);
}

static void
test_pieces(void **state)
{
	answered(AF_INET, BYTES, 1, 1);
	answered(AF_INET, HALVES, 3, 1);
}

/* More than wait to be written at once are not asked for; some are. */
static void
test_many_requests(void **state)
{
	answered(AF_INET, WHOLE, 20, 1);
	answered(AF_INET, WHOLE, 3, 3);
	answered(AF_INET6, HALVES, 3, 3);
}

/* What goes over the wire names the very socket that it comes from. */
static void
note_request(struct peer *peer, int fd)
{
	char request[SIP_REQUEST_MAX + 1], line[128], text[ADDR_TEXT];
	struct addr from;
	socklen_t len = sizeof(from);

	assert_true(read_request(fd, request));
	assert_int_equal(getpeername(fd, &from.sa, &len), 0);
	snprintf(line, sizeof(line),
	    "\r\nVia: SIP/2.0/TCP %s;rport;branch=", addr_text(&from, text));
	*(bool *)peer->arg =
	    strstr(request, line) != NULL &&
	    strncmp(request, "OPTIONS sip:ping@sip.example.com:", 33) == 0 &&
	    strstr(request, ";transport=tcp SIP/2.0\r\n") != NULL;
}

static void
request_of(int family)
{
	struct stage s;
	bool right = false;

	stage_up(&s, family, NULL);
	peer_stop(&s.peer);
	s.peer = (struct peer){.script = note_request, .arg = &right};
	peer_start(&s.peer, family);
	lab_aim(s.lab, family, s.peer.port);
	s.ask.sip.user = "ping";
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_RESET);
	stage_down(&s);
	assert_true(right);
}

static void
test_request(void **state)
{
	request_of(AF_INET);
	request_of(AF_INET6);
}

/* ---- what servers reply ---- */

static void
check_reply(const struct sip_reply *r)
{
	struct stage s;
	enum outcome o =
	    r->stream != OUTCOME_NONE ? r->stream : OUTCOME_ANSWERED;

	print_message("%s\n", r->name);
	stage_up(&s, AF_INET, r->text);
	if (r->stream == OUTCOME_NONE)
		s.then = SIP_GOOD;
	else if (r->stream == OUTCOME_RESET)
		s.then = NULL;
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->outcome, o);
	assert_int_equal(s.lab->answers + s.lab->fails, 1);
	assert_int_equal(
	    s.lab->code, o == OUTCOME_ERROR_RESPONSE ? r->status : 0);
	if (outcome_class(o) == OUTCOME_CLASS_ANSWER) {
		assert_int_equal(s.lab->fact[FACT_SIP_STATUS],
		    r->stream != OUTCOME_NONE ? r->status : 200);
		assert_true(s.lab->answer[0].rtt_ns > 0);
	}
	/* And the next one is as good as if nothing had been. */
	s.text = SIP_GOOD;
	s.then = "";
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	stage_down(&s);
}

static void
test_replies(void **state)
{
	for (unsigned i = 0; i < SIP_REPLIES; i++)
		check_reply(&sip_replies[i]);
}

/* A hundred requests of theirs are let pass, and the connection is kept. */
static void
test_requests_of_theirs(void **state)
{
	static const char theirs[] =
	    "OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	    "f: sip:a;tag=1\r\nt: sip:b\r\ni: x\r\nCSeq: 7 OPTIONS\r\n" SIP_END;
	static char text[200 * sizeof(theirs)];
	struct stage s;
	size_t len = 0;

	for (unsigned i = 0; i < 100; i++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "%s\r\n\r\n", theirs);
	stage_up(&s, AF_INET, text);
	s.then = SIP_GOOD;
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	assert_int_equal(lab_counts(s.lab).unmatched, 100);
	stage_down(&s);
}

/* Bytes that never make a message: no more of them than one may have. */
static void
flood(struct peer *peer, int fd)
{
	static char header[64];
	char request[SIP_REQUEST_MAX + 1];

	memset(header, 'a', sizeof(header));
	if (!read_request(fd, request))
		return;
	peer_write(fd, "SIP/2.0 200 OK\r\nx: ", 19);
	while (send(fd, header, sizeof(header), MSG_NOSIGNAL) > 0)
		continue;
}

static void
test_flood(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, NULL);
	peer_stop(&s.peer);
	s.peer = (struct peer){.script = flood};
	peer_start(&s.peer, AF_INET);
	lab_aim(s.lab, AF_INET, s.peer.port);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_PROTOCOL);
	stage_down(&s);
}

/* ---- the life of a probe ---- */

static void
test_refused(void **state)
{
	struct lab *lab = lab_new(&collector_sip_stream, NULL);

	lab_aim(lab, AF_INET, peer_dead_port(AF_INET));
	lab_probe(lab, 1);
	assert_int_equal(lab->fails, 1);
	assert_int_equal(lab->readies, 0);
	assert_int_equal(lab->outcome, OUTCOME_REFUSED);
	lab_free(lab);
}

/* Answers to nothing: the probe goes on until the engine stops it. */
static void
test_silent(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, NULL);
	assert_int_equal(lab_start(s.lab, 1), 0);
	peer_wait(&s.peer);
	while (s.lab->readies == 0)
		uv_run(lab_loop(s.lab), UV_RUN_ONCE);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	lab_stop(s.lab);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	assert_int_equal(s.lab->answers + s.lab->fails, 0);
	assert_int_equal(
	    s.lab->collector->request(&s.lab->probe, 0), -ENOTCONN);
	/* Its memory is used again at once, and the next probe is whole. */
	s.text = SIP_GOOD;
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	stage_down(&s);
}

static void
read_nothing(struct peer *peer, int fd)
{
	struct pollfd end = {fd, POLLRDHUP, 0};

	poll(&end, 1, -1);
}

static void
note_end(struct peer *peer, int fd)
{
	char request[SIP_REQUEST_MAX + 1], *good;
	bool *reset = peer->arg;
	size_t len;

	assert_true(read_request(fd, request));
	good = sip_reply_to(request, SIP_GOOD, &len);
	peer_write(fd, good, (unsigned)len);
	free(good);
	*reset = peer_wait_closed(fd);
}

/* Servers of SIP log a reset, and some do not survive it. */
static void
test_no_reset(void **state)
{
	struct stage s;
	bool reset = true;

	stage_up(&s, AF_INET, NULL);
	peer_stop(&s.peer);
	s.peer = (struct peer){.script = note_end, .arg = &reset};
	peer_start(&s.peer, AF_INET);
	lab_aim(s.lab, AF_INET, s.peer.port);
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	stage_down(&s);
	assert_false(reset);
}

/* Requests that cannot be written yet are so many, and no more. */
static void
test_room(void **state)
{
	struct stage s;
	int err = 0;

	stage_up(&s, AF_INET, NULL);
	peer_stop(&s.peer);
	s.peer = (struct peer){.script = read_nothing};
	peer_start(&s.peer, AF_INET);
	lab_aim(s.lab, AF_INET, s.peer.port);
	s.lab->manual = true;
	assert_int_equal(lab_start(s.lab, 1), 0);
	while (s.lab->readies == 0)
		uv_run(lab_loop(s.lab), UV_RUN_ONCE);
	assert_int_equal(
	    s.lab->collector->request(&s.lab->probe, PROBE_REQUESTS_MAX),
	    -ENOTCONN);
	for (unsigned i = 0; i < 100000 && err == 0; i++)
		err = s.lab->collector->request(&s.lab->probe, 0);
	assert_int_equal(err, -ENOBUFS);
	stage_down(&s);
}

static void
test_stop(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, SIP_GOOD);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lab_start(s.lab, 1), 0);
		lab_stop(s.lab);
		uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
		assert_int_equal(s.lab->readies + s.lab->fails, 0);
	}
	s.lab->stops_when_ready = true;
	lab_probe(s.lab, 1);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	assert_int_equal(s.lab->readies, 1);
	assert_int_equal(s.lab->answers + s.lab->fails, 0);
	stage_down(&s);
}

/* Two probes in one loop do not take each other's answers. */
static void
test_side_by_side(void **state)
{
	struct stage s, silent;
	struct lab *other;

	stage_up(&s, AF_INET, SIP_GOOD);
	stage_up(&silent, AF_INET, NULL);
	other = lab_sibling(s.lab);
	lab_aim(other, AF_INET, silent.peer.port);
	assert_int_equal(lab_start(other, 1), 0);
	for (int i = 0; i < 10; i++) {
		lab_probe(s.lab, 1);
		check_answered(&s, 1);
	}
	assert_int_equal(other->answers + other->fails, 0);
	lab_free(other);
	stage_down(&s);
	stage_down(&silent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_many_requests),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_requests_of_theirs),
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_no_reset),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_side_by_side),
	};

	return cmocka_run_group_tests_name("sip_stream", tests, NULL, NULL);
}
