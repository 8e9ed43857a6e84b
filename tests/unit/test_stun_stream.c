/* STUN over TCP against peers that behave and peers that do not. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <cmocka.h>

#include "collectors.h"
#include "lab.h"
#include "manner.h"
#include "wire_stun.h"

static void
script_tcp(struct peer *peer, int fd)
{
	enum manner manner = *(enum manner *)peer->arg;
	struct linger reset = {.l_onoff = 1};
	uint8_t request[2 * STUN_REQUEST], out[512];
	unsigned n;

	if (manner == MANNER_CLOSE_AT_ONCE)
		return;
	if (manner == MANNER_RESET_AT_ONCE) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return;
	}
	if (manner == MANNER_IN_ONE_PIECE) {
		if (!peer_read(fd, request, sizeof(request)))
			return;
		n = manner_answer(MANNER_PLAIN, request + STUN_REQUEST, out);
		n += manner_answer(MANNER_PLAIN, request, out + n);
		peer_write(fd, out, n);
		peer_wait_closed(fd);
		return;
	}
	while (
	    manner != MANNER_SILENT && peer_read(fd, request, STUN_REQUEST)) {
		n = manner_answer(manner, request, out);
		for (unsigned i = 0; manner == MANNER_IN_BYTES && i < n; i++)
			peer_write(fd, out + i, 1);
		if (manner != MANNER_IN_BYTES)
			peer_write(fd, out, n);
		if (manner == MANNER_HALF)
			return;
	}
	if (manner == MANNER_SILENT)
		peer_wait_closed(fd);
}

struct stage {
	struct lab *lab;
	struct peer peer;
	enum manner manner;
};

static void
stage_up(struct stage *s, int family, enum manner manner)
{
	memset(s, 0, sizeof(*s));
	s->manner = manner;
	s->peer.script = script_tcp;
	s->peer.arg = &s->manner;
	peer_start(&s->peer, family);
	s->lab = lab_new(&collector_stun_stream, NULL);
	lab_aim(s->lab, family, s->peer.port);
}

static void
stage_down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
}

static void
answered(int family, enum manner manner, unsigned count)
{
	struct stage s;
	struct collector_counts c;

	stage_up(&s, family, manner);
	lab_probe(s.lab, count);
	manner_check_answered(s.lab, count);
	assert_int_equal(s.lab->phase[PHASE_TLS], 0);
	c = lab_counts(s.lab);
	assert_int_equal(c.stamp[STAMP_KERNEL_RX] + c.stamp[STAMP_USER], count);
	assert_int_equal(
	    c.unmatched, manner == MANNER_WRONG_ID_FIRST ? count : 0);
	stage_down(&s);
}

static void
test_answered(void **state)
{
	answered(AF_INET, MANNER_PLAIN, 1);
	answered(AF_INET6, MANNER_PLAIN, 1);
}

static void
test_many_requests(void **state)
{
	answered(AF_INET, MANNER_PLAIN, PROBE_REQUESTS_MAX);
}

static void
test_byte_by_byte(void **state)
{
	answered(AF_INET, MANNER_IN_BYTES, 3);
}

static void
test_two_in_one(void **state)
{
	answered(AF_INET, MANNER_IN_ONE_PIECE, 2);
}

/* An answer to nobody is counted and passed over. */
static void
test_wrong_id(void **state)
{
	answered(AF_INET, MANNER_WRONG_ID_FIRST, 1);
}

static void
test_duplicate(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, MANNER_TWICE);
	/* The second probe reads what the first left: nothing. */
	for (int i = 0; i < 2; i++) {
		lab_probe(s.lab, 2);
		manner_check_answered(s.lab, 2);
	}
	/* The last duplicate may have come too late to be seen. */
	assert_in_range(lab_counts(s.lab).unmatched, 2, 4);
	stage_down(&s);
}

static void
test_error_response(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, MANNER_ERROR_401);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->answers, 1);
	assert_int_equal(s.lab->fails, 0);
	assert_int_equal(s.lab->outcome, OUTCOME_ERROR_RESPONSE);
	assert_int_equal(s.lab->code, 401);
	assert_true(s.lab->answer[0].rtt_ns > 0);
	stage_down(&s);
}

/* It has our id, so the request is over; it is no answer all the same. */
static void
not_an_answer(enum manner manner)
{
	struct stage s;

	stage_up(&s, AF_INET, manner);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->answers, 1);
	assert_int_equal(s.lab->outcome, OUTCOME_PROTOCOL);
	assert_int_equal(s.lab->answer[0].rtt_ns, 0);
	stage_down(&s);
}

static void
test_not_an_answer(void **state)
{
	not_an_answer(MANNER_NO_ADDRESS);
	not_an_answer(MANNER_ECHO);
}

static void
fails(enum manner manner, enum outcome want)
{
	struct stage s;

	stage_up(&s, AF_INET, manner);
	lab_probe(s.lab, 1);
	assert_int_equal(s.lab->fails, 1);
	assert_int_equal(s.lab->answers, 0);
	assert_int_equal(s.lab->outcome, want);
	stage_down(&s);
}

static void
test_protocol(void **state)
{
	fails(MANNER_BAD_FINGERPRINT, OUTCOME_PROTOCOL);
	fails(MANNER_TOO_LONG, OUTCOME_PROTOCOL);
	fails(MANNER_JUNK, OUTCOME_PROTOCOL);
}

static void
test_reset(void **state)
{
	fails(MANNER_HALF, OUTCOME_RESET);
	fails(MANNER_CLOSE_AT_ONCE, OUTCOME_RESET);
	fails(MANNER_RESET_AT_ONCE, OUTCOME_RESET);
}

static void
test_refused(void **state)
{
	struct lab *lab = lab_new(&collector_stun_stream, NULL);

	lab_aim(lab, AF_INET, peer_dead_port(AF_INET));
	lab_probe(lab, 1);
	assert_int_equal(lab->fails, 1);
	assert_int_equal(lab->readies, 0);
	assert_int_equal(lab->outcome, OUTCOME_REFUSED);
	lab_free(lab);
}

static void
test_local_error(void **state)
{
	struct lab *lab = lab_new(&collector_stun_stream, NULL);

	lab_aim(lab, AF_INET, 9);
	snprintf(lab->path.interface, sizeof(lab->path.interface), "nosuch0");
	assert_int_equal(lab_start(lab, 1), -ENODEV);
	assert_int_equal(lab->readies + lab->fails + lab->answers, 0);
	lab_free(lab);
}

/* Answers to nothing: the probe goes on until the engine stops it. */
static void
test_silent(void **state)
{
	struct stage s;
	bool asked = false;

	stage_up(&s, AF_INET, MANNER_SILENT);
	s.lab->manual = true;
	assert_int_equal(lab_start(s.lab, 1), 0);
	peer_wait(&s.peer);
	while (s.lab->readies == 0)
		uv_run(lab_loop(s.lab), UV_RUN_ONCE);
	assert_int_equal(s.lab->collector->request(&s.lab->probe, 0), asked);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	lab_stop(s.lab);
	uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
	assert_int_equal(s.lab->answers + s.lab->fails, 0);
	/* Its memory is used again at once, and the next probe is whole. */
	s.manner = MANNER_PLAIN;
	s.lab->manual = false;
	lab_probe(s.lab, 1);
	manner_check_answered(s.lab, 1);
	stage_down(&s);
}

/* A connection that ended is not there to write to. */
static void
test_request_after_end(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, MANNER_PLAIN);
	lab_probe(s.lab, 1);
	assert_int_equal(
	    s.lab->collector->request(&s.lab->probe, 0), -ENOTCONN);
	stage_down(&s);
}

static void
test_stop_at_start(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, MANNER_PLAIN);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lab_start(s.lab, 1), 0);
		lab_stop(s.lab);
		uv_run(lab_loop(s.lab), UV_RUN_NOWAIT);
		assert_int_equal(s.lab->readies + s.lab->fails, 0);
	}
	stage_down(&s);
}

static void
test_stop_when_ready(void **state)
{
	struct stage s;

	stage_up(&s, AF_INET, MANNER_PLAIN);
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
	struct stage s;
	struct lab *other;
	struct peer silent = {.script = script_tcp};
	enum manner manner = MANNER_SILENT;

	stage_up(&s, AF_INET, MANNER_PLAIN);
	silent.arg = &manner;
	peer_start(&silent, AF_INET);
	other = lab_sibling(s.lab);
	lab_aim(other, AF_INET, silent.port);
	assert_int_equal(lab_start(other, 1), 0);
	for (int i = 0; i < 10; i++) {
		lab_probe(s.lab, 1);
		manner_check_answered(s.lab, 1);
	}
	assert_int_equal(other->answers + other->fails, 0);
	lab_free(other);
	stage_down(&s);
	peer_stop(&silent);
}

static void
test_list(void **state)
{
	assert_ptr_equal(
	    collectors_find("stun", TRANSPORT_TCP), &collector_stun_stream);
	assert_ptr_equal(
	    collectors_find("stun", TRANSPORT_TLS), &collector_stun_stream_tls);
	assert_ptr_equal(collectors_find("tcp", TRANSPORT_TCP), &collector_tcp);
	assert_null(collectors_find("tcp", TRANSPORT_UDP));
	assert_null(collectors_find("nosuch", TRANSPORT_TCP));
	assert_null(collectors_find("TCP", TRANSPORT_TCP));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_many_requests),
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_two_in_one),
	    cmocka_unit_test(test_wrong_id),
	    cmocka_unit_test(test_duplicate),
	    cmocka_unit_test(test_error_response),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_protocol),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_local_error),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_request_after_end),
	    cmocka_unit_test(test_stop_at_start),
	    cmocka_unit_test(test_stop_when_ready),
	    cmocka_unit_test(test_side_by_side),
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("stun_stream", tests, NULL, NULL);
}
