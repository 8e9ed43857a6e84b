/* The datagram carrier on the loopback: whose answer it is, and its time. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "rig_kind.h"

/* ---- what the linker puts in place of libc's and clock.c's ---- */

static unsigned allocations;
static unsigned failing; /* the allocation that fails, counted down; 0: none */
static int64_t offset_bias;
static const struct addr *sink; /* sendings end there, and fail */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int64_t __real_clock_offset(void);
ssize_t __real_sendto(int fd, const void *bytes, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
int64_t __wrap_clock_offset(void);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len);

static bool
fails(void)
{
	allocations++;
	return failing > 0 && --failing == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

int64_t
__wrap_clock_offset(void)
{
	return __real_clock_offset() + offset_bias;
}

ssize_t
__wrap_sendto(int fd, const void *bytes, size_t len, int flags,
    const struct sockaddr *to, socklen_t to_len)
{
	if (sink == NULL)
		return __real_sendto(fd, bytes, len, flags, to, to_len);
	__real_sendto(fd, bytes, len, flags, &sink->sa, addr_len(sink));
	errno = ENOBUFS;
	return -1;
}

/* ---- tests ---- */

static void
answered(const char *host)
{
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, host);
	t = rig_probe(&r, &peer.at, 2);
	start(t);
	assert_int_equal(t->ready, 1);
	assert_int_equal(exchange(t, &peer, 0), STAMP_KERNEL);
	assert_int_equal(t->end[0].a.local_port, addr_port(&peer.from));
	ask(t, 1);
	rig_peer_take(&peer);
	peer.bytes[2] = 42;
	answer(&peer, OUTCOME_PROTOCOL);
	/* What is no answer has no time. */
	assert_int_equal(rig_wait(t, 1)->a.outcome, OUTCOME_PROTOCOL);
	assert_int_equal(t->end[1].a.rtt_ns, 0);
	assert_int_equal(t->end[1].a.code, 42);
	assert_int_equal(rig_counts(&r).stamp[STAMP_KERNEL], 1);
	assert_int_equal(rig_counts(&r).unmatched, 0);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

static void
test_answered(void **state)
{
	answered("127.0.0.1");
	answered("::1");
}

static void
test_without_transmit_stamps(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, HOUR, false);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 1);
	start(t);
	assert_int_equal(exchange(t, &peer, 0), STAMP_KERNEL_RX);
	assert_int_equal(rig_counts(&r).stamp[STAMP_KERNEL_RX], 1);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* Wrong id, short, from another port, from another host: then the right. */
static void
test_unmatched(void **state)
{
	struct rig_peer peer, port, host;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	rig_peer_open(&port, "127.0.0.1");
	rig_peer_open(&host, "127.0.0.2");
	t = rig_probe(&r, &peer.at, 1);
	start(t);
	ask(t, 0);
	rig_peer_take(&peer);
	port.from = host.from = peer.from;
	peer.bytes[0] = OUTCOME_ANSWERED;
	peer.bytes[ID_AT + 11] ^= 1;
	rig_peer_send(&peer, peer.bytes, peer.len);
	peer.bytes[ID_AT + 11] ^= 1;
	peer.bytes[ID_AT] ^= 1;
	rig_peer_send(&peer, peer.bytes, peer.len);
	peer.bytes[ID_AT] ^= 1;
	for (size_t n = 0; n < LENGTH; n++)
		rig_peer_send(&peer, peer.bytes, n);
	rig_peer_send(&port, peer.bytes, peer.len);
	rig_peer_send(&host, peer.bytes, peer.len);
	rig_wait_unmatched(&r, 2 + LENGTH + 2);
	assert_int_equal(t->end[0].times, 0);
	answer(&peer, OUTCOME_ANSWERED);
	assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_ANSWERED);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
	close(port.fd);
	close(host.fd);
}

static void
test_duplicate(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 2);
	start(t);
	ask(t, 0);
	rig_peer_take(&peer);
	for (unsigned i = 0; i < 3; i++)
		answer(&peer, OUTCOME_ANSWERED);
	rig_wait_unmatched(&r, 2);
	assert_int_equal(t->end[0].times, 1);
	/* An answer to a stopped probe is nobody's. */
	ask(t, 1);
	rig_peer_take(&peer);
	rig_stop(t);
	answer(&peer, OUTCOME_ANSWERED);
	rig_wait_unmatched(&r, 3);
	assert_int_equal(t->end[1].times, 0);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* The engine's time-out is no concern of ours: the answer is told, in order. */
static void
test_late_and_reordered(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t;
	uint8_t first[LENGTH];
	uint64_t wait;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 3);
	t->path.timeout_ns = 1;
	start(t);
	ask(t, 0);
	rig_peer_take(&peer);
	memcpy(first, peer.bytes, LENGTH);
	wait = clock_mono();
	assert_int_equal(exchange(t, &peer, 1), STAMP_KERNEL);
	/* Other probes come and go meanwhile. */
	for (unsigned i = 0; i < 300; i++) {
		struct rig_probe *other = rig_probe(&r, &peer.at, 1);

		start(other);
		exchange(other, &peer, 0);
		rig_drop(other);
	}
	wait = clock_mono() - wait;
	first[0] = OUTCOME_ANSWERED;
	rig_peer_send(&peer, first, LENGTH);
	/* Longer than the other packets took, by the kernel's own time. */
	assert_in_range(rig_wait(t, 0)->a.rtt_ns, wait, clock_mono());
	assert_int_equal(t->end[0].a.stamp, STAMP_KERNEL);
	assert_int_equal(exchange(t, &peer, 2), STAMP_KERNEL);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/*
 * ICMP says that a port is closed; the error waits in the socket and fails
 * the next sending, to whomever: which must not show.
 */
static void
refused(const char *host)
{
	struct addr closed = rig_closed(host);
	struct rig_probe *bad, *good;
	struct rig_peer peer;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, host);
	bad = rig_probe(&r, &closed, 8);
	good = rig_probe(&r, &peer.at, 16);
	start(bad);
	start(good);
	for (unsigned i = 0; i < 8; i++) {
		ask(bad, i);
		ask(good, 2 * i);
		/* Nothing is told before the tick, not even what is known. */
		assert_int_equal(bad->end[i].times, 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(rig_wait(bad, i)->a.outcome, OUTCOME_REFUSED);
		assert_int_equal(bad->end[i].times, 1);
		assert_int_equal(bad->end[i].a.rtt_ns, 0);
		rig_peer_take(&peer);
		answer(&peer, OUTCOME_ANSWERED);
		assert_int_equal(
		    rig_wait(good, 2 * i)->a.outcome, OUTCOME_ANSWERED);
	}
	/* The numbers of packets, and so their stamps, are right again. */
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(
		    exchange(good, &peer, 2 * i + 1), STAMP_KERNEL);
	assert_int_equal(rig_counts(&r).unmatched, 0);
	rig_drop(bad);
	rig_drop(good);
	rig_close(&r);
	close(peer.fd);
}

static void
test_refused(void **state)
{
	refused("127.0.0.1");
	refused("::1");
}

/*
 * Some kernels give a packet its number and then do not send it, others do
 * not; both are played here. Stamps stay with their own packets.
 */
static void
test_numbers_after_failure(void **state)
{
	struct addr nowhere = rig_addr("255.255.255.255", 9);
	struct rig_probe *bad, *good;
	struct rig_peer peer, lost;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	rig_peer_open(&lost, "127.0.0.1");
	bad = rig_probe(&r, &nowhere, 1);
	good = rig_probe(&r, &peer.at, 32);
	start(good);
	for (unsigned i = 0; i < 32; i++) {
		sink = i % 2 == 0 ? &lost.at : NULL;
		start(bad);
		assert_int_equal(
		    rig_request(bad, 0), i % 2 == 0 ? -ENOBUFS : -EACCES);
		sink = NULL;
		assert_int_equal(exchange(good, &peer, i), STAMP_KERNEL);
		rig_stop(bad);
	}
	rig_drop(bad);
	rig_drop(good);
	rig_close(&r);
	close(peer.fd);
	close(lost.fd);
}

/* The clock is set while a request is under way, and stays so. */
static void
test_clock_step(void **state)
{
	static const int64_t steps[] = {
	    26 * (int64_t)HOUR, -26 * (int64_t)HOUR, 5000000, -5000000, 0};
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t before = clock_mono();

		offset_bias = 0;
		rig_open(&r, &collector, HOUR, true);
		rig_peer_open(&peer, "127.0.0.1");
		t = rig_probe(&r, &peer.at, 3);
		start(t);
		ask(t, 0);
		ask(t, 1);
		rig_peer_take(&peer);
		answer(&peer, OUTCOME_ANSWERED);
		offset_bias = steps[i];
		/* In the tick that notices: the pair of stamps is right. */
		assert_int_equal(rig_wait(t, 0)->a.stamp, STAMP_KERNEL);
		assert_in_range(t->end[0].a.rtt_ns, 1, clock_mono() - before);
		/*
		 * Here the stamps are of the clock as it was, which cannot be
		 * after an earlier step: what is left is our own time.
		 */
		rig_peer_take(&peer);
		answer(&peer, OUTCOME_ANSWERED);
		rig_wait(t, 1);
		assert_in_range(t->end[1].a.rtt_ns, 1, clock_mono() - before);
		assert_int_equal(t->end[1].a.stamp, STAMP_KERNEL);
		/* A clock that is not ours at all agrees with itself. */
		ask(t, 2);
		rig_peer_take(&peer);
		answer(&peer, OUTCOME_ANSWERED);
		rig_wait(t, 2);
		assert_in_range(t->end[2].a.rtt_ns, 1, clock_mono() - before);
		assert_int_equal(t->end[2].a.stamp, STAMP_KERNEL);
		rig_drop(t);
		rig_close(&r);
		close(peer.fd);
	}
	offset_bias = 0;
}

static void
test_nothing_is_allocated(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t[20];
	unsigned before;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	for (unsigned i = 0; i < 20; i++)
		t[i] = rig_probe(&r, &peer.at, 5);
	start(t[0]);
	exchange(t[0], &peer, 0);
	rig_stop(t[0]);
	before = allocations;
	assert_in_range(before, 1, UINT32_MAX);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 20; i++) {
			start(t[i]);
			for (unsigned seq = 0; seq < 5; seq++)
				ask(t[i], seq);
		}
		for (unsigned i = 0; i < 20 * 5; i++) {
			rig_peer_take(&peer);
			if (i % 7 != 0)
				answer(&peer, OUTCOME_ANSWERED);
		}
		rig_tick(&r);
		for (unsigned i = 0; i < 20; i++)
			rig_stop(t[i]);
	}
	assert_int_equal(allocations, before);
	for (unsigned i = 0; i < 20; i++)
		rig_drop(t[i]);
	rig_close(&r);
	close(peer.fd);
}

/* Each allocation fails in its turn; what follows is as if it had not. */
static void
test_no_memory(void **state)
{
	struct collector_setup setup = {.rotate_ns = HOUR};
	struct rig_peer peer;
	struct rig_probe *t;
	void *loop;
	struct rig r;

	for (unsigned i = 1; i <= 3; i++) {
		failing = i;
		assert_int_equal(collector.open(&setup, &loop), -ENOMEM);
		assert_int_equal(failing, 0);
	}
	rig_open(&r, &collector, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 1);
	failing = 1;
	assert_int_equal(rig_start(t), -ENOMEM);
	start(t);
	ask(t, 0);
	rig_peer_take(&peer);
	answer(&peer, OUTCOME_ANSWERED);
	/* Without room for the list the tick reads nothing, and loses nothing.
	 */
	for (unsigned i = 1; i <= 2; i++) {
		failing = i;
		rig_tick(&r);
		assert_int_equal(failing, 0);
		assert_int_equal(t->end[0].times, 0);
	}
	assert_int_equal(rig_wait(t, 0)->a.stamp, STAMP_KERNEL);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

static void
test_no_address(void **state)
{
	struct addr none = {0};
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, HOUR, true);
	t = rig_probe(&r, &none, 1);
	assert_int_equal(rig_start(t), -EDESTADDRREQ);
	rig_drop(t);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_without_transmit_stamps),
	    cmocka_unit_test(test_unmatched),
	    cmocka_unit_test(test_duplicate),
	    cmocka_unit_test(test_late_and_reordered),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_numbers_after_failure),
	    cmocka_unit_test(test_clock_step),
	    cmocka_unit_test(test_nothing_is_allocated),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_no_address),
	};

	return cmocka_run_group_tests_name("dgram", tests, NULL, NULL);
}
