/*
 * What a kind of packets may ask of the datagram carrier: an id that it finds
 * itself, our own address in a request, and answers that are not the last.
 */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "dgram.h"
#include "rig.h"

/*
 * A request is text as SIP's is, the id in the middle of it, and of any
 * length; an answer is the id and a byte, its outcome.
 */
enum { ID = DGRAM_ID, ANSWER = ID + 1, HEAD = 100 };

static bool too_long; /* for encode() */

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	char local[ADDR_TEXT];

	if (too_long)
		return 0;
	memset(out, '.', DGRAM_PACKET);
	addr_text(&talk->local, local);
	memcpy(out, local, strlen(local) + 1);
	memcpy(out + HEAD, talk->id, ID);
	return DGRAM_PACKET;
}

static bool
identify(const uint8_t *bytes, size_t len, bool quoted, uint8_t id[DGRAM_ID])
{
	if (len < (quoted ? HEAD + ID : ANSWER))
		return false;
	memcpy(id, quoted ? bytes + HEAD : bytes, ID);
	return true;
}

static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	assert_memory_equal(bytes, talk->id, ID);
	assert_int_equal(talk->seq, 0);
	assert_int_not_equal(addr_port(&talk->local), 0);
	assert_non_null(talk->probe->path);
	a->outcome = (enum outcome)bytes[ID];
}

static const struct dgram_kind kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .local = true,
    .id_len = ID,
    .identify = identify,
    .answer_max = 64,
    .encode = encode,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&kind, setup, out);
}

static const struct collector collector = {
    .state = sizeof(struct dgram_probe),
    .open = open_loop,
    .tick = dgram_tick,
    .counts = dgram_counts,
    .close = dgram_close,
    .start = dgram_start,
    .request = dgram_request,
    .stop = dgram_stop,
};

static void
answer(struct rig_peer *peer, enum outcome o)
{
	uint8_t bytes[ANSWER];

	memcpy(bytes, peer->bytes + HEAD, ID);
	bytes[ID] = (uint8_t)o;
	rig_peer_send(peer, bytes, sizeof(bytes));
}

/* The request names the very address and port that it comes from. */
static void
exchange(const char *host, const char *source)
{
	char local[ADDR_TEXT];
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, CLOCK_SEC, true);
	rig_peer_open(&peer, host);
	t = rig_probe(&r, &peer.at, 1);
	if (source != NULL)
		t->path.source = rig_addr(source, 0);
	assert_int_equal(rig_start(t), 0);
	assert_int_equal(rig_request(t, 0), 0);
	rig_peer_take(&peer);
	assert_int_equal(peer.len, DGRAM_PACKET);
	assert_string_equal((char *)peer.bytes, addr_text(&peer.from, local));
	/* NONE ends nothing; with the last bit of the id changed: nobody's. */
	answer(&peer, OUTCOME_NONE);
	peer.bytes[HEAD + ID - 1] ^= 1;
	answer(&peer, OUTCOME_REFUSED);
	rig_wait_unmatched(&r, 1);
	assert_int_equal(t->end[0].times, 0);
	peer.bytes[HEAD + ID - 1] ^= 1;
	answer(&peer, OUTCOME_ANSWERED);
	assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_ANSWERED);
	assert_int_equal(t->end[0].a.stamp, STAMP_KERNEL);
	assert_int_equal(t->end[0].times, 1);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

static void
test_own_address(void **state)
{
	exchange("127.0.0.1", NULL);
	exchange("::1", NULL);
	exchange("127.0.0.2", "127.0.0.7");
}

/* The id is looked for in what the error quotes, where a request has it. */
static void
test_refused(void **state)
{
	struct addr closed = rig_closed("127.0.0.1");
	struct rig_peer peer;
	struct rig_probe *t, *other;
	struct rig r;

	rig_open(&r, &collector, CLOCK_SEC, true);
	rig_peer_open(&peer, "127.0.0.1");
	other = rig_probe(&r, &peer.at, 1);
	t = rig_probe(&r, &closed, 1);
	assert_int_equal(rig_start(other), 0);
	assert_int_equal(rig_start(t), 0);
	assert_int_equal(rig_request(other, 0), 0);
	assert_int_equal(rig_request(t, 0), 0);
	assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_REFUSED);
	assert_int_equal(other->end[0].times, 0);
	rig_drop(t);
	rig_drop(other);
	rig_close(&r);
	close(peer.fd);
}

static void
test_not_sent(void **state)
{
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, CLOCK_SEC, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 2);
	assert_int_equal(rig_start(t), 0);
	too_long = true;
	assert_int_equal(rig_request(t, 0), -EMSGSIZE);
	too_long = false;
	assert_int_equal(rig_request(t, 0), 0);
	rig_drop(t);
	/* A source that is not ours: the request says so, nothing is sent. */
	t = rig_probe(&r, &peer.at, 1);
	t->path.source = rig_addr("192.0.2.1", 0);
	assert_int_equal(rig_start(t), -EADDRNOTAVAIL);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* Nothing stays open: the address is asked for with a socket each time. */
static void
test_descriptors(void **state)
{
	unsigned before = rig_descriptors(), during;
	struct rig_peer peer;
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector, CLOCK_SEC, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, 1);
	assert_int_equal(rig_start(t), 0);
	during = rig_descriptors();
	for (unsigned i = 0; i < 20; i++) {
		if (i > 0)
			assert_int_equal(rig_start(t), 0);
		assert_int_equal(rig_request(t, 0), 0);
		rig_stop(t);
	}
	assert_int_equal(rig_descriptors(), during);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
	assert_int_equal(rig_descriptors(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own_address),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_not_sent),
	    cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
