/*
 * A datagram collector for tests of the carrier: an answer is what came with
 * its first byte changed to the outcome.
 */
#ifndef RIG_KIND_H
#define RIG_KIND_H

#include "dgram.h"
#include "rig.h"

enum { ID_AT = 4, ID = 12, LENGTH = 16 };

#define HOUR (3600 * CLOCK_SEC)

static inline size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	memset(out, 0, LENGTH);
	out[1] = (uint8_t)talk->seq;
	memcpy(out + ID_AT, talk->id, ID);
	return LENGTH;
}

static inline void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	a->outcome = len == LENGTH ? (enum outcome)bytes[0] : OUTCOME_PROTOCOL;
	a->code = bytes[2];
}

static const struct dgram_kind kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .id_len = ID,
    .id_at = ID_AT,
    .answer_max = 1500,
    .encode = encode,
    .accept = accept_answer,
};

static inline int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&kind, setup, out);
}

static const struct collector collector = {
    .state = sizeof(struct dgram_probe),
    .open = open_loop,
    .adjust = dgram_adjust,
    .tick = dgram_tick,
    .counts = dgram_counts,
    .close = dgram_close,
    .start = dgram_start,
    .request = dgram_request,
    .stop = dgram_stop,
};

static inline void
answer(struct rig_peer *peer, enum outcome o)
{
	peer->bytes[0] = (uint8_t)o;
	rig_peer_send(peer, peer->bytes, peer->len);
}

static inline void
ask(struct rig_probe *t, unsigned seq)
{
	assert_int_equal(rig_request(t, seq), 0);
}

static inline void
start(struct rig_probe *t)
{
	assert_int_equal(rig_start(t), 0);
}

/* One exchange; the stamp that it was measured by. */
static inline enum stamp
exchange(struct rig_probe *t, struct rig_peer *peer, unsigned seq)
{
	uint64_t before = clock_mono();
	const struct rig_end *e;

	ask(t, seq);
	rig_peer_take(peer);
	answer(peer, OUTCOME_ANSWERED);
	e = rig_wait(t, seq);
	assert_int_equal(e->times, 1);
	assert_int_equal(e->a.outcome, OUTCOME_ANSWERED);
	assert_in_range(e->a.rtt_ns, 1, clock_mono() - before);
	return e->a.stamp;
}

#endif
