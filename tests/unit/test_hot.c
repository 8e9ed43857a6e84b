/*
 * The whole path of a UDP round, from the wheel to the row, on the loopback:
 * it allocates nothing. A new socket is one allocation, and is shared by all
 * the rounds that it carries.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collectors.h"
#include "fleet.h"
#include "rig.h"
#include "sched.h"
#include "wire_stun.h"

enum { TARGETS = 100, WARM = 3, ROUNDS = 12 };

#define INTERVAL (100 * CLOCK_MS)

/* ---- what the linker puts in place of libc's ---- */

static unsigned allocations, sockets;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
int __real_socket(int family, int type, int protocol);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
int __wrap_socket(int family, int type, int protocol);

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

int
__wrap_socket(int family, int type, int protocol)
{
	sockets++;
	return __real_socket(family, type, protocol);
}

/* ---- the schedule and its peer ---- */

struct bed {
	struct store *store;
	struct sched *sched;
	struct rig_peer peer;
	struct row *row[TARGETS]; /* borrowed */
};

static void
on_rearm(void *arg)
{
}

static void
on_note(void *arg, const struct sched_note *n)
{
}

static void
adopt(struct bed *b)
{
	const struct sched_settings set = {
	    .short_ns = 60 * CLOCK_SEC, .rate = 1000000};
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = 0; i < TARGETS; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .interval = INTERVAL,
				    .timeout = INTERVAL / 2});
	for (unsigned i = 0; i < TARGETS; i++)
		inv.target[i]->path.addr = b->peer.at;
	r = store_adopt(b->store, &inv, fleet_loop);
	assert_non_null(r);
	for (unsigned i = 0; i < TARGETS; i++)
		b->row[i] = r->entry[i].row;
	sched_adopt(b->sched, r, &set);
	fleet_clear(&inv);
}

static void
open_bed(struct bed *b)
{
	static const struct collector *const only[] = {&collector_stun, NULL};
	const struct sched_setup setup = {.collectors = only,
	    .collector = {.rotate_ns = INTERVAL, .transmit_stamps = true},
	    .rearm = on_rearm,
	    .note = on_note};

	rig_peer_open(&b->peer, "127.0.0.1");
	b->store = store_new();
	b->sched = sched_new(&setup);
	assert_non_null(b->store);
	assert_non_null(b->sched);
	adopt(b);
}

static void
close_bed(struct bed *b)
{
	sched_free(b->sched);
	store_free(b->store);
	close(b->peer.fd);
}

static void
answer(struct bed *b)
{
	struct stun_writer w;
	uint8_t id[STUN_ID];

	rig_peer_take(&b->peer);
	memcpy(id, b->peer.bytes + STUN_ID_AT, sizeof(id));
	wire_stun_begin(
	    &w, b->peer.bytes, sizeof(b->peer.bytes), STUN_CLASS_SUCCESS, id);
	wire_stun_put_xor_mapped(&w, &b->peer.from);
	rig_peer_send(&b->peer, b->peer.bytes, wire_stun_end(&w, false));
}

static uint64_t
tally(const struct bed *b, unsigned word)
{
	uint64_t words[TALLY_WORDS], n = 0;

	for (unsigned i = 0; i < TARGETS; i++) {
		row_read(b->row[i], words);
		n += words[word];
	}
	return n;
}

/* Answers what is asked, and turns the wheel when it is time. */
static void
run_until(struct bed *b, uint64_t requests)
{
	while (tally(b, TALLY_REQUESTS) < requests) {
		uint64_t next = sched_next(b->sched), now = clock_mono();
		struct pollfd wait = {b->peer.fd, POLLIN, 0};
		int ms = next > now ? (int)((next - now) / CLOCK_MS) + 1 : 0;

		if (poll(&wait, 1, ms) > 0)
			answer(b);
		else
			sched_advance(b->sched);
	}
}

static void
test_no_allocation(void **state)
{
	struct bed b;

	open_bed(&b);
	run_until(&b, TARGETS * WARM);
	allocations = sockets = 0;
	run_until(&b, TARGETS * (WARM + ROUNDS));
	assert_in_range(sockets, 1, 4 * ROUNDS);
	/* The lists of sockets may grow once more, should a tick be late. */
	assert_in_range(allocations, sockets, sockets + 2);
	/* They were rounds with all there is to them. */
	assert_true(tally(&b, TALLY_ENDED + OUTCOME_ANSWERED - 1) >=
		    TARGETS * ROUNDS / 2);
	assert_true(tally(&b, TALLY_MAPPED_AT) > 0);
	close_bed(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
