/*
 * STUN over TCP and over TLS (RFC 8489 section 6.2.2): Binding requests on a
 * channel, each with its own time, and the answers in whatever pieces they
 * come.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "channel.h"
#include "clock.h"
#include "collectors.h"
#include "probe.h"
#include "wire_stun.h"

enum {
	RANDOM = 85 * STUN_ID, /* bytes fetched at once */
	NO_SEQ = PROBE_REQUESTS_MAX
};

struct stun_loop {
	struct channel_pool *channels;
	struct collector_counts counts;
	unsigned random_left;
	uint8_t random[RANDOM];
};

struct stun_state {
	struct channel *channel; /* NULL when closed */
};

/* The exchange, in the channel's room. */
struct stun_talk {
	uint64_t sent_ns[PROBE_REQUESTS_MAX]; /* 0: not under way */
	uint8_t id[PROBE_REQUESTS_MAX][STUN_ID];
	unsigned in_len, out_len;
	uint8_t out[PROBE_REQUESTS_MAX * STUN_REQUEST];
	uint8_t in[STUN_MAX];
};

/* Writes what waits; 0, also when some of it must wait longer, or -errno. */
static int
flush(struct channel *c)
{
	struct stun_talk *t = channel_room(c);

	while (t->out_len > 0) {
		ssize_t n = channel_write(c, t->out, t->out_len);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		t->out_len -= (unsigned)n;
		memmove(t->out, t->out + n, t->out_len);
	}
	return 0;
}

static unsigned
find_request(const struct stun_talk *t, const uint8_t id[STUN_ID])
{
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++) {
		if (t->sent_ns[i] != 0 && memcmp(t->id[i], id, STUN_ID) == 0)
			return i;
	}
	return NO_SEQ;
}

/* By when the kernel took the answer in, if that is after it was asked for. */
static uint64_t
round_trip(const struct channel *c, uint64_t sent_ns, enum stamp *stamp)
{
	uint64_t at = channel_received(c, stamp);

	if (*stamp != STAMP_NONE && at >= sent_ns)
		return at - sent_ns;
	*stamp = STAMP_USER;
	return clock_mono() - sent_ns;
}

static void
answer(struct channel *c, unsigned seq, const struct stun_message *m)
{
	struct probe *p = channel_probe(c);
	struct stun_loop *loop = p->loop;
	struct stun_talk *t = channel_room(c);
	struct answer a = {.outcome = wire_stun_outcome(m)};

	a.code = (int)m->code;
	a.mapped = addr_family(&m->mapped) != 0 ? &m->mapped : NULL;
	if (outcome_class(a.outcome) == OUTCOME_CLASS_ANSWER) {
		a.rtt_ns = round_trip(c, t->sent_ns[seq], &a.stamp);
		loop->counts.stamp[a.stamp]++;
		probe_phase(p, PHASE_RESPONSE, a.rtt_ns);
	}
	t->sent_ns[seq] = 0;
	probe_answer(p, seq, &a);
}

/*
 * Takes whole messages from what has come in. False: the channel is over, or
 * no longer this one.
 */
static bool
take_messages(struct channel *c)
{
	struct stun_talk *t = channel_room(c);
	struct stun_loop *loop = channel_probe(c)->loop;
	uint32_t use = channel_use(c);
	unsigned at = 0;

	while (at < t->in_len) {
		int need = wire_stun_frame(t->in + at, t->in_len - at);
		struct stun_message m;
		unsigned seq;

		if (need > 0 && (unsigned)need > t->in_len - at)
			break;
		if (need < 0 ||
		    wire_stun_parse(t->in + at, (size_t)need, &m) < 0) {
			channel_fail(c, OUTCOME_PROTOCOL, 0);
			return false;
		}
		at += (unsigned)need;
		seq = find_request(t, m.id);
		if (seq == NO_SEQ) {
			loop->counts.unmatched++;
			continue;
		}
		answer(c, seq, &m);
		if (channel_use(c) != use)
			return false;
	}
	t->in_len -= at;
	memmove(t->in, t->in + at, t->in_len);
	return true;
}

static void
on_io(struct channel *c)
{
	struct stun_talk *t = channel_room(c);
	int broken = flush(c);

	/* Reading first: an alert says more than the reset after it. */
	for (;;) {
		ssize_t n = channel_read(
		    c, t->in + t->in_len, sizeof(t->in) - t->in_len);

		if (n == -EAGAIN && broken == 0)
			return;
		if (n <= 0) {
			channel_end(c, n != -EAGAIN ? n : broken);
			return;
		}
		t->in_len += (unsigned)n;
		if (!take_messages(c))
			return;
	}
}

static void
on_ready(struct channel *c)
{
	probe_ready(channel_probe(c));
}

static const struct channel_ops stun_ops = {.ready = on_ready, .io = on_io};

static int
open_loop(const struct collector_setup *setup, bool tls, void **out)
{
	struct channel_setup channels = {.loop = setup->loop,
	    .ops = &stun_ops,
	    .room = sizeof(struct stun_talk),
	    .tls = tls,
	    .unnamed = true,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file};
	struct stun_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (loop == NULL)
		return -ENOMEM;
	err = channel_pool_new(&channels, &loop->channels);
	if (err < 0) {
		free(loop);
		return err;
	}
	*out = loop;
	return 0;
}

static int
stun_open(const struct collector_setup *setup, void **out)
{
	return open_loop(setup, false, out);
}

static int
stun_tls_open(const struct collector_setup *setup, void **out)
{
	return open_loop(setup, true, out);
}

static void
stun_adjust(void *arg, const struct collector_setup *setup)
{
	struct stun_loop *loop = arg;

	channel_pool_adjust(loop->channels, setup->ca_file);
}

static void
stun_tick(void *arg, uint64_t now)
{
	struct stun_loop *loop = arg;

	channel_pool_tick(loop->channels, now);
}

static void
stun_counts(const void *arg, struct collector_counts *add)
{
	const struct stun_loop *loop = arg;

	add->unmatched += loop->counts.unmatched;
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

static void
stun_close(void *arg)
{
	struct stun_loop *loop = arg;

	channel_pool_free(loop->channels);
	free(loop);
}

static int
stun_start(struct probe *p)
{
	struct stun_loop *loop = p->loop;
	struct stun_state *state = p->state;

	return channel_open(loop->channels, p, &state->channel);
}

/* A new transaction id: uniformly random, RFC 8489 section 5. */
static int
new_id(struct stun_loop *loop, uint8_t id[STUN_ID])
{
	if (loop->random_left == 0) {
		if (getrandom(loop->random, RANDOM, 0) != RANDOM)
			return -EIO;
		loop->random_left = RANDOM;
	}
	loop->random_left -= STUN_ID;
	memcpy(id, loop->random + loop->random_left, STUN_ID);
	return 0;
}

static int
stun_request(struct probe *p, unsigned seq)
{
	struct stun_state *state = p->state;
	struct stun_talk *t;
	int err;

	if (state->channel == NULL || seq >= PROBE_REQUESTS_MAX)
		return -ENOTCONN;
	t = channel_room(state->channel);
	if (t->out_len + STUN_REQUEST > sizeof(t->out))
		return -ENOBUFS;
	err = new_id(p->loop, t->id[seq]);
	if (err < 0)
		return err;
	wire_stun_request(t->out + t->out_len, t->id[seq]);
	t->out_len += STUN_REQUEST;
	t->sent_ns[seq] = clock_mono();
	/* Why the channel is broken, if it is, reading will tell. */
	flush(state->channel);
	return 0;
}

static void
stun_stop(struct probe *p)
{
	struct stun_state *state = p->state;

	channel_close(state->channel);
	state->channel = NULL;
}

const struct collector collector_stun_stream = {
    .name = "stun",
    .transports = UINT32_C(1) << TRANSPORT_TCP,
    .port = 3478,
    .count = 1,
    /* Each waits for its time-out when a firewall is silent. */
    .concurrent = 512,
    .state = sizeof(struct stun_state),
    .open = stun_open,
    .counts = stun_counts,
    .close = stun_close,
    .start = stun_start,
    .request = stun_request,
    .stop = stun_stop,
};

const struct collector collector_stun_stream_tls = {
    .name = "stun",
    .transports = UINT32_C(1) << TRANSPORT_TLS,
    .port = 5349,
    .count = 1,
    /* A handshake holds the loop for a millisecond, and 50 kB. */
    .concurrent = 16,
    .state = sizeof(struct stun_state),
    .open = stun_tls_open,
    .adjust = stun_adjust,
    .tick = stun_tick,
    .counts = stun_counts,
    .close = stun_close,
    .start = stun_start,
    .request = stun_request,
    .stop = stun_stop,
};
