/* Sockets of the datagram carrier: their ports, ages, and what they hold. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rig_kind.h"

static uint16_t
port_of(struct rig_probe *t, struct rig_peer *peer)
{
	start(t);
	exchange(t, peer, 0);
	return t->end[0].a.local_port;
}

static void
test_rotation(void **state)
{
	struct collector_setup setup = {.rotate_ns = 0};
	struct rig_peer peer;
	struct rig_probe *t;
	uint16_t port, before;
	unsigned descriptors, alike = 0;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 1);
	port = port_of(t, &peer);
	rig_stop(t);
	assert_int_equal(port_of(t, &peer), port);
	rig_stop(t);
	descriptors = rig_descriptors();
	/* A new set-up: new sockets, and with 0 a new one for each probe. */
	collector.adjust(r.loop, &setup);
	for (unsigned i = 0; i < 20; i++) {
		before = port;
		port = port_of(t, &peer);
		alike += port == before;
		rig_stop(t);
		rig_tick(&r);
		assert_true(rig_descriptors() <= descriptors);
	}
	/* The kernel may draw the same port twice, hardly two times. */
	assert_true(alike <= 1);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* All requests of a probe go out by one port, whatever its age. */
static void
test_probe_keeps_its_port(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;
	uint16_t port;

	rig_open(&r, &collector, 0, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 5);
	port = port_of(t, &peer);
	for (unsigned i = 1; i < 5; i++) {
		exchange(t, &peer, i);
		assert_int_equal(t->end[i].a.local_port, port);
		rig_tick(&r);
	}
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* An old socket waits for its requests, but not for ever. */
static void
test_linger(void **state)
{
	unsigned before = rig_descriptors(), open;
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, 0, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 2);
	start(t);
	ask(t, 0);
	open = rig_descriptors();
	/* One request is still to come. */
	collector.tick(r.loop, clock_mono() + HOUR);
	assert_int_equal(rig_descriptors(), open);
	ask(t, 1);
	collector.tick(r.loop, clock_mono() + 10 * CLOCK_SEC);
	assert_int_equal(rig_descriptors(), open);
	collector.tick(r.loop, clock_mono() + 12 * CLOCK_SEC);
	assert_int_equal(rig_descriptors(), open - 1);
	assert_int_equal(rig_request(t, 0), -EINVAL);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
	assert_int_equal(rig_descriptors(), before);
}

/* No socket has more under way than its buffer is sure to hold. */
static void
test_slots(void **state)
{
	enum { PROBES = 300 };
	struct rig_probe *t[PROBES];
	struct rig_peer peer;
	struct rig r;
	unsigned ports = 0, before = rig_descriptors();

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	for (unsigned i = 0; i < PROBES; i++) {
		t[i] = rig_probe(&r, &peer.at, 1);
		start(t[i]);
		ask(t[i], 0);
	}
	/* Three of 128 slots, the peer, and the one that keeps stamps on. */
	assert_int_equal(rig_descriptors(), before + 3 + 2);
	for (unsigned i = 0; i < PROBES; i++) {
		rig_peer_take(&peer);
		answer(&peer, OUTCOME_ANSWERED);
	}
	for (unsigned i = 0; i < PROBES; i++) {
		assert_int_equal(rig_wait(t[i], 0)->a.stamp, STAMP_KERNEL);
		ports += i == 0 || t[i]->end[0].a.local_port !=
				       t[i - 1]->end[0].a.local_port;
	}
	assert_int_equal(ports, 3);
	/* Answered ones leave room, stopped or not. */
	for (unsigned i = 0; i < PROBES; i++) {
		start(t[i]);
		ask(t[i], 0);
	}
	assert_int_equal(rig_descriptors(), before + 3 + 2);
	for (unsigned i = 0; i < PROBES; i++)
		rig_drop(t[i]);
	rig_close(&r);
	close(peer.fd);
}

static void
test_probe_of_many(void **state)
{
	unsigned before = rig_descriptors();
	struct rig_probe *t[5];
	struct rig_peer peer;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	for (unsigned i = 0; i < 5; i++) {
		t[i] = rig_probe(&r, &peer.at, PROBE_REQUESTS_MAX);
		start(t[i]);
	}
	/* Four times 32 have their places on the first one. */
	assert_int_equal(rig_descriptors(), before + 2 + 2);
	ask(t[4], 31);
	assert_int_equal(rig_request(t[4], 31), -EINVAL);
	assert_int_equal(rig_request(t[4], 32), -EINVAL);
	for (unsigned i = 0; i < 31; i++)
		ask(t[4], i);
	for (unsigned i = 0; i < 5; i++)
		rig_drop(t[i]);
	t[0] = rig_probe(&r, &peer.at, PROBE_REQUESTS_MAX + 1);
	assert_int_equal(rig_start(t[0]), -EINVAL);
	rig_drop(t[0]);
	rig_close(&r);
	close(peer.fd);
}

/* What floods a socket is counted, read or lost. */
static void
test_drops(void **state)
{
	enum { FLOOD = 6000 };
	struct collector_setup setup = {.rotate_ns = HOUR};
	struct collector_counts c;
	struct rig_peer peer;
	struct rig_probe *t;
	uint8_t junk[1400] = {0};
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 1);
	start(t);
	ask(t, 0);
	rig_peer_take(&peer);
	for (unsigned i = 0; i < FLOOD; i++)
		rig_peer_send(&peer, junk, sizeof(junk));
	for (unsigned i = 0; i < 10; i++)
		rig_tick(&r);
	c = rig_counts(&r);
	assert_in_range(c.unmatched, 1, FLOOD - 1);
	/* The next one tells what became of the others. */
	rig_peer_send(&peer, junk, sizeof(junk));
	rig_wait_unmatched(&r, c.unmatched + 1);
	assert_int_equal(rig_counts(&r).drops, FLOOD - c.unmatched);
	for (unsigned i = 0; i < FLOOD; i++)
		rig_peer_send(&peer, junk, sizeof(junk));
	rig_stop(t);
	collector.adjust(r.loop, &setup);
	rig_tick(&r);
	c = rig_counts(&r);
	assert_int_equal(c.unmatched + c.drops, 2 * FLOOD + 1);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rotation),
	    cmocka_unit_test(test_probe_keeps_its_port),
	    cmocka_unit_test(test_linger),
	    cmocka_unit_test(test_slots),
	    cmocka_unit_test(test_probe_of_many),
	    cmocka_unit_test(test_drops),
	};

	return cmocka_run_group_tests_name("dgram_set", tests, NULL, NULL);
}
