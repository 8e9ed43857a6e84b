/* The TCP carrier against peers on loopback. */
#include "build.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "lab.h"
#include "stream.h"

/* What happened to one connection; its owner. */
struct seen {
	unsigned connected, failed, io;
	enum outcome outcome;
	bool changed; /* wakes the loop's runner */
	bool closes;  /* in its first call, it and `other` */
	struct stream *other;
	struct stream *opened; /* opened in place of it */
	struct stream_pool *pool;
	const struct path *path;
	struct seen *next;
	/* what to read */
	size_t bytes;
	ssize_t end;
	enum stamp stamp;
	uint64_t received_ns;
	uint64_t connect_ns;
};

static void
on_connected(struct stream *s)
{
	struct seen *seen = stream_owner(s);

	seen->connected++;
	seen->connect_ns = stream_connect_time(s, &seen->stamp);
	seen->changed = true;
	if (seen->closes) {
		stream_close(s);
		stream_close(seen->other);
		assert_int_equal(stream_open(seen->pool, seen->path, seen->next,
				     &seen->opened),
		    0);
	}
}

static void
on_failed(struct stream *s, enum outcome o)
{
	struct seen *seen = stream_owner(s);

	seen->failed++;
	seen->outcome = o;
	seen->changed = true;
}

static void
on_io(struct stream *s)
{
	struct seen *seen = stream_owner(s);
	char buf[4096];
	ssize_t n;

	seen->io++;
	while ((n = stream_read(s, buf, sizeof(buf))) > 0) {
		seen->bytes += (size_t)n;
		seen->received_ns = stream_received(s, &seen->stamp);
	}
	if (n != -EAGAIN)
		seen->end = n;
	seen->changed = n != -EAGAIN || seen->bytes > 0;
}

static const struct stream_ops test_ops = {
    .connected = on_connected, .failed = on_failed, .io = on_io};

struct fixture {
	struct lab *lab; /* for its loop and deadline only */
	struct stream_pool *pool;
	struct path path;
	struct seen seen;
	struct stream *stream;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct stream_setup s = {
	    .ops = &test_ops, .room = 100, .payload = true};

	f->lab = lab_new(NULL, NULL);
	s.loop = lab_loop(f->lab);
	assert_int_equal(stream_pool_new(&s, &f->pool), 0);
	f->seen.end = 1;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	stream_pool_free(f->pool);
	lab_free(f->lab);
	free(f);
	return 0;
}

static void
aim(struct fixture *f, int family, uint16_t port)
{
	lab_aim(f->lab, family, port);
	f->path.addr = f->lab->path.addr;
}

/* Opens and waits for the first thing that happens. */
static void
open_and_wait(struct fixture *f)
{
	f->seen.changed = false;
	assert_int_equal(
	    stream_open(f->pool, &f->path, &f->seen, &f->stream), 0);
	lab_until(f->lab, &f->seen.changed);
}

static void
script_hold(struct peer *peer, int fd)
{
	bool *reset = peer->arg;

	*reset = peer_wait_closed(fd);
}

static void
connects(struct fixture *f, int family)
{
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	uint64_t before = clock_mono();

	peer_start(&peer, family);
	aim(f, family, peer.port);
	open_and_wait(f);
	assert_int_equal(f->seen.connected, 1);
	assert_int_equal(f->seen.failed, 0);
	assert_int_equal(f->seen.stamp, STAMP_TCP_INFO);
	assert_true(f->seen.connect_ns > 0);
	assert_true(f->seen.connect_ns <= clock_mono() - before);
	assert_true(stream_started(f->stream) >= before);
	peer_wait(&peer);
	stream_close(f->stream);
	peer_stop(&peer);
	/* Nothing is left in TIME_WAIT. */
	assert_true(reset);
	assert_int_equal(peer.connections, 1);
}

static void
test_connects(void **state)
{
	connects(*state, AF_INET);
}

static void
test_connects_ipv6(void **state)
{
	connects(*state, AF_INET6);
}

static void
test_refused(void **state)
{
	struct fixture *f = *state;

	aim(f, AF_INET, peer_dead_port(AF_INET));
	open_and_wait(f);
	assert_int_equal(f->seen.failed, 1);
	assert_int_equal(f->seen.outcome, OUTCOME_REFUSED);
	assert_int_equal(stream_error(f->stream), ECONNREFUSED);
	assert_int_equal(f->seen.connected, 0);
	stream_close(f->stream);

	aim(f, AF_INET6, peer_dead_port(AF_INET6));
	open_and_wait(f);
	assert_int_equal(f->seen.failed, 2);
	assert_int_equal(f->seen.outcome, OUTCOME_REFUSED);
}

/* Errors of our own calls are the caller's at once; nothing is told. */
static void
test_local_errors(void **state)
{
	struct fixture *f = *state;
	struct stream *s = NULL;

	aim(f, AF_INET, 9);
	assert_int_equal(addr_parse_host(&f->path.source, "192.0.2.77"), 0);
	assert_int_equal(
	    stream_open(f->pool, &f->path, &f->seen, &s), -EADDRNOTAVAIL);
	f->path.source.sa.sa_family = AF_UNSPEC;
	snprintf(f->path.interface, IFNAMSIZ, "nosuch0");
	assert_int_equal(stream_open(f->pool, &f->path, &f->seen, &s), -ENODEV);
	f->path.interface[0] = '\0';
	addr_from_bytes(&f->path.addr, AF_INET, "\xff\xff\xff\xff", 9);
	assert_true(stream_open(f->pool, &f->path, &f->seen, &s) < 0);
	uv_run(lab_loop(f->lab), UV_RUN_NOWAIT);
	assert_int_equal(f->seen.connected + f->seen.failed + f->seen.io, 0);
	assert_null(s);
}

/* Keeps the headers of the SYN. */
static void
script_syn(struct peer *peer, int fd)
{
	socklen_t len = 256;

	getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, peer->arg, &len);
	peer_wait_closed(fd);
}

/* The very first packet carries the class, from the address asked for. */
static void
test_dscp_and_source(void **state)
{
	struct fixture *f = *state;
	uint8_t syn[256] = {0};
	struct peer peer = {.script = script_syn, .arg = syn};

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	f->path.dscp = 46;
	assert_int_equal(addr_parse_host(&f->path.source, "127.0.0.77"), 0);
	snprintf(f->path.interface, IFNAMSIZ, "lo");
	open_and_wait(f);
	assert_int_equal(f->seen.connected, 1);
	peer_wait(&peer);
	stream_close(f->stream);
	peer_stop(&peer);
	assert_int_equal(syn[1], 46 << 2);
	assert_memory_equal(syn + 12, "\x7f\0\0\x4d", 4);
}

static void
test_dscp_ipv6(void **state)
{
	struct fixture *f = *state;
	uint8_t syn[256] = {0};
	struct peer peer = {.script = script_syn, .arg = syn};

	peer_start(&peer, AF_INET6);
	aim(f, AF_INET6, peer.port);
	f->path.dscp = 34;
	open_and_wait(f);
	peer_wait(&peer);
	stream_close(f->stream);
	peer_stop(&peer);
	/* Version 6, the traffic class, 20 bits of flow label. */
	assert_int_equal(
	    (syn[0] << 8 | syn[1]) & 0xfff0, 6 << 12 | 34 << 2 << 4);
}

static void
script_greet(struct peer *peer, int fd)
{
	char byte;

	if (!peer_read(fd, &byte, 1))
		return;
	peer_write(fd, "hello", 5);
	peer_wait_closed(fd);
}

/* One exchange of bytes; returns how long after writing they were received. */
static uint64_t
exchange(struct fixture *f)
{
	struct peer peer = {.script = script_greet};
	uint64_t sent;

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	open_and_wait(f);
	assert_int_equal(f->seen.connected, 1);
	f->seen.changed = false;
	f->seen.bytes = 0;
	sent = clock_mono();
	assert_int_equal(stream_write(f->stream, "?", 1), 1);
	while (f->seen.bytes < 5) {
		f->seen.changed = false;
		lab_until(f->lab, &f->seen.changed);
	}
	stream_close(f->stream);
	peer_stop(&peer);
	f->seen.connected = 0;
	return f->seen.received_ns - sent;
}

static void
test_receive_time(void **state)
{
	struct fixture *f = *state;
	uint64_t before = clock_mono();

	/* The kernel may need a moment to begin with its stamps. */
	for (int i = 0; i < 1000; i++) {
		exchange(f);
		if (f->seen.stamp == STAMP_KERNEL_RX)
			break;
		assert_int_equal(f->seen.stamp, STAMP_USER);
	}
	assert_int_equal(f->seen.stamp, STAMP_KERNEL_RX);
	assert_true(exchange(f) < clock_mono() - before);
}

/*
 * The wall clock is stepped by 10 ms between the connect and the answer: the
 * kernel's time would still look plausible, and must not be taken.
 */
static void
test_clock_stepped(void **state)
{
	struct fixture *f = *state;
	struct peer peer = {.script = script_greet};
	uint64_t mono;
	int64_t real;

	/* Not before the kernel gives its stamps at all. */
	for (int i = 0; i < 1000 && f->seen.stamp != STAMP_KERNEL_RX; i++)
		exchange(f);
	assert_int_equal(f->seen.stamp, STAMP_KERNEL_RX);
	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	mono = clock_mono();
	real = clock_real();
	clock_fake(mono, real - 10 * (int64_t)CLOCK_MS);
	open_and_wait(f);
	assert_int_equal(f->seen.connected, 1);
	clock_fake(mono + 2 * CLOCK_SEC, real + 2 * (int64_t)CLOCK_SEC);
	f->seen.bytes = 0;
	assert_int_equal(stream_write(f->stream, "?", 1), 1);
	while (f->seen.bytes < 5) {
		f->seen.changed = false;
		lab_until(f->lab, &f->seen.changed);
	}
	assert_int_equal(f->seen.stamp, STAMP_USER);
	assert_int_equal(f->seen.received_ns, mono + 2 * CLOCK_SEC);
	stream_close(f->stream);
	peer_stop(&peer);
}

static void
script_close(struct peer *peer, int fd)
{
	struct linger reset = {.l_onoff = peer->arg != NULL};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void
ends(struct fixture *f, void *with_reset, ssize_t want)
{
	struct peer peer = {.script = script_close, .arg = with_reset};

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	f->seen.end = 1;
	open_and_wait(f);
	while (f->seen.end == 1) {
		f->seen.changed = false;
		lab_until(f->lab, &f->seen.changed);
	}
	assert_int_equal(f->seen.end, want);
	assert_int_equal(stream_error(f->stream), ECONNRESET);
	stream_close(f->stream);
	peer_stop(&peer);
}

static void
test_closed_by_peer(void **state)
{
	ends(*state, NULL, 0);
}

static void
test_reset_by_peer(void **state)
{
	struct fixture *f = *state;

	/*
	 * A reset that comes before we look is an error of the connect; after
	 * it, of reading. Both end it as reset.
	 */
	struct peer peer = {.script = script_close, .arg = f};

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	open_and_wait(f);
	while (f->seen.end == 1 && f->seen.failed == 0) {
		f->seen.changed = false;
		lab_until(f->lab, &f->seen.changed);
	}
	if (f->seen.failed != 0)
		assert_int_equal(f->seen.outcome, OUTCOME_RESET);
	else
		assert_int_equal(f->seen.end, -ECONNRESET);
	peer_stop(&peer);
}

static void
script_flood(struct peer *peer, int fd)
{
	static char junk[65536];

	while (send(fd, junk, sizeof(junk), MSG_NOSIGNAL) > 0)
		;
}

static void
test_flood(void **state)
{
	struct fixture *f = *state;
	struct peer peer = {.script = script_flood};

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	open_and_wait(f);
	while (f->seen.end == 1) {
		f->seen.changed = false;
		lab_until(f->lab, &f->seen.changed);
	}
	assert_int_equal(f->seen.end, -EMSGSIZE);
	assert_true(f->seen.bytes <= 256 * 1024);
	stream_close(f->stream);
	peer_stop(&peer);
}

static void
test_partial_write(void **state)
{
	struct fixture *f = *state;
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	static char junk[1 << 20];
	ssize_t n;
	size_t total = 0;

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	open_and_wait(f);
	while ((n = stream_write(f->stream, junk, sizeof(junk))) > 0)
		total += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_true(total > 0);
	/* The peer reads on; room again is told. */
	f->seen.io = 0;
	do
		uv_run(lab_loop(f->lab), UV_RUN_ONCE);
	while (f->seen.io == 0);
	assert_true(stream_write(f->stream, junk, sizeof(junk)) > 0);
	stream_close(f->stream);
	peer_stop(&peer);
}

/*
 * Two connections are ready in one batch. The first call closes both and
 * opens a third, which gets the memory of one of them: it must not be told
 * what was meant for them.
 */
static void
test_stale_event(void **state)
{
	struct fixture *f = *state;
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	struct stream_setup setup = {
	    .loop = lab_loop(f->lab), .ops = &test_ops, .at_tick = true};
	struct stream_pool *pool;
	struct seen a = {0}, b = {0}, c = {0};
	struct stream *sa, *sb, *third;
	uint32_t use_a, use_b;

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	assert_int_equal(stream_pool_new(&setup, &pool), 0);
	a.closes = b.closes = true;
	a.pool = b.pool = pool;
	a.path = b.path = &f->path;
	a.next = b.next = &c;
	assert_int_equal(stream_open(pool, &f->path, &a, &sa), 0);
	assert_int_equal(stream_open(pool, &f->path, &b, &sb), 0);
	a.other = sb;
	b.other = sa;
	use_a = stream_use(sa);
	use_b = stream_use(sb);
	peer_wait(&peer);
	while (a.connected + b.connected == 0)
		stream_pool_run(pool);
	assert_int_equal(a.connected + b.connected, 1);
	assert_int_equal(c.connected + c.failed + c.io, 0);
	assert_int_not_equal(stream_use(sa), use_a);
	assert_int_not_equal(stream_use(sb), use_b);
	/* The pool made no third connection's memory. */
	third = a.opened != NULL ? a.opened : b.opened;
	assert_true(third == sa || third == sb);
	while (c.connected == 0)
		stream_pool_run(pool);
	assert_int_equal(a.failed + b.failed + c.failed, 0);
	stream_pool_free(pool);
	peer_stop(&peer);
}

/* In steady state the same memory serves one connection after the other. */
static void
test_memory_is_used_again(void **state)
{
	struct fixture *f = *state;
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	struct stream *first;

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	assert_int_equal(stream_open(f->pool, &f->path, &f->seen, &first), 0);
	for (int i = 0; i < 20; i++) {
		struct stream *again;

		memset(stream_room(first), 0xa5, 100);
		stream_close(first);
		assert_int_equal(
		    stream_open(f->pool, &f->path, &f->seen, &again), 0);
		assert_ptr_equal(again, first);
		for (int k = 0; k < 100; k++)
			assert_int_equal(((uint8_t *)stream_room(again))[k], 0);
	}
	stream_close(first);
	uv_run(lab_loop(f->lab), UV_RUN_NOWAIT);
	assert_int_equal(f->seen.connected + f->seen.failed + f->seen.io, 0);
	peer_stop(&peer);
}

/* The pool goes while connections are at every stage; teardown checks. */
static void
test_freed_while_open(void **state)
{
	struct fixture *f = *state;
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	struct stream *s;

	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	open_and_wait(f);
	assert_int_equal(stream_open(f->pool, &f->path, &f->seen, &s), 0);
	stream_pool_free(f->pool);
	f->pool = NULL;
	peer_stop(&peer);
}

/* Nothing happens in the loop; all of it in stream_pool_run(). */
static void
test_at_tick(void **state)
{
	struct fixture *f = *state;
	bool reset = false;
	struct peer peer = {.script = script_hold, .arg = &reset};
	struct stream_setup setup = {.loop = lab_loop(f->lab),
	    .ops = &test_ops,
	    .batch = 2,
	    .at_tick = true};
	struct stream_pool *pool;
	struct seen seen[9] = {0};
	struct stream *s[9];
	unsigned done = 0;
	uint64_t end = clock_mono() + 10 * CLOCK_SEC;

	stream_pool_free(f->pool);
	f->pool = NULL;
	uv_run(lab_loop(f->lab), UV_RUN_DEFAULT);
	peer_start(&peer, AF_INET);
	aim(f, AF_INET, peer.port);
	assert_int_equal(stream_pool_new(&setup, &pool), 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(
		    stream_open(pool, &f->path, &seen[i], &s[i]), 0);
	assert_int_equal(uv_loop_alive(lab_loop(f->lab)), 0);
	/* All are taken, though a batch is only two. */
	while (done < 9 && clock_mono() < end) {
		stream_pool_run(pool);
		done = 0;
		for (int i = 0; i < 9; i++)
			done += seen[i].connected;
	}
	assert_int_equal(done, 9);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(seen[i].connected, 1);
		assert_int_equal(seen[i].stamp, STAMP_TCP_INFO);
		assert_true(seen[i].connect_ns < CLOCK_SEC);
	}
	stream_pool_free(pool);
	peer_stop(&peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(connects),
	    TEST(connects_ipv6),
	    TEST(refused),
	    TEST(local_errors),
	    TEST(dscp_and_source),
	    TEST(dscp_ipv6),
	    TEST(receive_time),
	    TEST(closed_by_peer),
	    TEST(reset_by_peer),
	    TEST(flood),
	    TEST(partial_write),
	    TEST(stale_event),
	    TEST(memory_is_used_again),
	    TEST(freed_while_open),
	    TEST(at_tick),
	    /* Last: from here on the clock is a fake. */
	    TEST(clock_stepped),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
