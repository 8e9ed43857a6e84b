/* The tcp collector: each request a connection of its own. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"

/* The linker sends every allocation of this program through here. */
static unsigned allocations;
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *
__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	allocations++;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

static void
script_hold(struct peer *peer, int fd)
{
	peer_wait_closed(fd);
}

static void
check_answered(const struct lab *lab, unsigned count)
{
	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->answers, count);
	for (unsigned i = 0; i < count; i++) {
		const struct answer *a = &lab->answer[i];

		assert_int_equal(lab->answered[i], 1);
		assert_int_equal(a->outcome, OUTCOME_ANSWERED);
		assert_int_equal(a->stamp, STAMP_TCP_INFO);
		assert_true(a->rtt_ns > 0);
		/* The kernel's time, however late the tick looked. */
		assert_true(a->rtt_ns < 100 * CLOCK_MS);
	}
	assert_true(lab->phase[PHASE_CONNECT] > 0);
}

static void
answered(int family, unsigned count)
{
	struct peer peer = {.script = script_hold};
	struct lab *lab = lab_new(&collector_tcp, NULL);

	peer_start(&peer, family);
	lab_aim(lab, family, peer.port);
	lab_probe(lab, count);
	check_answered(lab, count);
	assert_int_equal(lab_counts(lab).stamp[STAMP_TCP_INFO], count);
	lab_free(lab);
	peer_stop(&peer);
	assert_int_equal(peer.connections, count);
}

static void
test_answered(void **state)
{
	answered(AF_INET, 1);
	answered(AF_INET6, 1);
}

static void
test_many_requests(void **state)
{
	answered(AF_INET, 7);
}

static void
test_refused(void **state)
{
	struct lab *lab = lab_new(&collector_tcp, NULL);

	lab_aim(lab, AF_INET, peer_dead_port(AF_INET));
	lab_probe(lab, 3);
	assert_int_equal(lab->answers, 3);
	assert_int_equal(lab->fails, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(lab->answer[i].outcome, OUTCOME_REFUSED);
		assert_int_equal(lab->answer[i].rtt_ns, 0);
	}
	assert_int_equal(lab_counts(lab).stamp[STAMP_TCP_INFO], 0);
	lab_free(lab);
}

static void
test_local_error(void **state)
{
	struct lab *lab = lab_new(&collector_tcp, NULL);

	lab_aim(lab, AF_INET, 9);
	lab->manual = true;
	snprintf(lab->path.interface, sizeof(lab->path.interface), "nosuch0");
	assert_int_equal(lab_start(lab, 1), 0);
	assert_int_equal(lab->readies, 1);
	assert_int_equal(lab->collector->request(&lab->probe, 0), -ENODEV);
	assert_int_equal(lab->answers + lab->fails, 0);
	lab_free(lab);
}

/* Stopped with connections under way, and with some already answered. */
static void
test_stop(void **state)
{
	struct peer peer = {.script = script_hold};
	struct lab *lab = lab_new(&collector_tcp, NULL);

	peer_start(&peer, AF_INET);
	lab_aim(lab, AF_INET, peer.port);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lab_start(lab, 5), 0);
		lab_stop(lab);
		lab->collector->tick(lab->probe.loop, clock_mono());
		assert_int_equal(lab->answers + lab->fails, 0);
	}
	lab->stops_when_ready = true;
	lab_probe(lab, 1);
	lab->stops_when_ready = false;
	lab_probe(lab, 2);
	check_answered(lab, 2);
	lab_free(lab);
	peer_stop(&peer);
}

/* Once its memory is there, a probe allocates nothing. */
static void
test_no_allocation(void **state)
{
	struct peer peer = {.script = script_hold};
	struct lab *lab = lab_new(&collector_tcp, NULL);
	uint64_t end = clock_mono() + 10 * CLOCK_SEC;

	peer_start(&peer, AF_INET);
	lab_aim(lab, AF_INET, peer.port);
	lab_probe(lab, 4);
	assert_true(allocations > 0);
	allocations = 0;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(lab_start(lab, 4), 0);
		while (!lab->over && clock_mono() < end)
			lab->collector->tick(lab->probe.loop, clock_mono());
		assert_true(lab->over);
	}
	assert_int_equal(allocations, 0);
	lab_free(lab);
	peer_stop(&peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_many_requests),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_local_error),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_no_allocation),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
