/*
 * SIP OPTIONS over TCP and over TLS (RFC 3261 section 18): requests on a
 * channel, each with its own time, and the answers in whatever pieces they
 * come. What the other side asks of us is let pass.
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
#include "sip_ask.h"
#include "wire_sip.h"

enum {
	OUT = 2 * SIP_REQUEST_MAX, /* bytes that may wait to be written */
	NO_SEQ = PROBE_REQUESTS_MAX
};

struct sip_loop {
	struct channel_pool *channels;
	struct collector_counts counts;
};

struct sip_state {
	struct channel *channel; /* NULL when closed */
};

/* The exchange, in the channel's room. */
struct sip_talk {
	uint64_t sent_ns[PROBE_REQUESTS_MAX]; /* 0: not under way */
	uint8_t id[PROBE_REQUESTS_MAX][SIP_ID];
	unsigned in_len, out_len;
	uint8_t out[OUT];
	uint8_t in[SIP_MAX];
};

/* Writes what waits; 0, also when some of it must wait longer, or -errno. */
static int
flush(struct channel *c)
{
	struct sip_talk *t = channel_room(c);

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
find_request(const struct sip_talk *t, const uint8_t *bytes, size_t len)
{
	uint8_t id[SIP_ID];

	if (!wire_sip_id(bytes, len, id))
		return NO_SEQ;
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++) {
		if (t->sent_ns[i] != 0 && memcmp(t->id[i], id, SIP_ID) == 0)
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
answer(struct channel *c, unsigned seq, struct answer *a)
{
	struct probe *p = channel_probe(c);
	struct sip_loop *loop = p->loop;
	struct sip_talk *t = channel_room(c);

	if (outcome_class(a->outcome) == OUTCOME_CLASS_ANSWER) {
		a->rtt_ns = round_trip(c, t->sent_ns[seq], &a->stamp);
		loop->counts.stamp[a->stamp]++;
		channel_end_gently(c);
		probe_phase(p, PHASE_RESPONSE, a->rtt_ns);
	}
	t->sent_ns[seq] = 0;
	probe_answer(p, seq, a);
}

/* A whole message. Requests of theirs, and answers to nobody, are let pass. */
static void
take_message(struct channel *c, const uint8_t *bytes, size_t len)
{
	struct probe *p = channel_probe(c);
	struct sip_talk *t = channel_room(c);
	struct sip_loop *loop = p->loop;
	struct answer a = {.outcome = OUTCOME_NONE};
	unsigned seq = find_request(t, bytes, len);

	if (seq == NO_SEQ) {
		loop->counts.unmatched++;
		return;
	}
	sip_ask_judge(bytes, len, p, t->id[seq], &a);
	if (a.outcome != OUTCOME_NONE)
		answer(c, seq, &a);
}

/*
 * Takes whole messages from what has come in. False: the channel is over, or
 * no longer this one.
 */
static bool
take_messages(struct channel *c)
{
	struct sip_talk *t = channel_room(c);
	uint32_t use = channel_use(c);
	unsigned at = 0;

	while (at < t->in_len) {
		int need = wire_sip_frame(t->in + at, t->in_len - at);

		if (need < 0) {
			channel_fail(c, OUTCOME_PROTOCOL, 0);
			return false;
		}
		if (need == 0 || (unsigned)need > t->in_len - at)
			break;
		if (need > SIP_CRLF)
			take_message(c, t->in + at, (size_t)need);
		if (channel_use(c) != use)
			return false;
		at += (unsigned)need;
	}
	t->in_len -= at;
	memmove(t->in, t->in + at, t->in_len);
	return true;
}

static void
on_io(struct channel *c)
{
	struct sip_talk *t = channel_room(c);
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

static const struct channel_ops sip_ops = {.ready = on_ready, .io = on_io};

static int
open_loop(const struct collector_setup *setup, bool tls, void **out)
{
	struct channel_setup channels = {.loop = setup->loop,
	    .ops = &sip_ops,
	    .room = sizeof(struct sip_talk),
	    .tls = tls,
	    .judged = true,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file};
	struct sip_loop *loop = calloc(1, sizeof(*loop));
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
sip_open(const struct collector_setup *setup, void **out)
{
	return open_loop(setup, false, out);
}

static int
sip_tls_open(const struct collector_setup *setup, void **out)
{
	return open_loop(setup, true, out);
}

static void
sip_adjust(void *arg, const struct collector_setup *setup)
{
	struct sip_loop *loop = arg;

	channel_pool_adjust(loop->channels, setup->ca_file);
}

static void
sip_tick(void *arg, uint64_t now)
{
	struct sip_loop *loop = arg;

	channel_pool_tick(loop->channels, now);
}

static void
sip_counts(const void *arg, struct collector_counts *add)
{
	const struct sip_loop *loop = arg;

	add->unmatched += loop->counts.unmatched;
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

static void
sip_close(void *arg)
{
	struct sip_loop *loop = arg;

	channel_pool_free(loop->channels);
	free(loop);
}

static int
sip_start(struct probe *p)
{
	struct sip_loop *loop = p->loop;
	struct sip_state *state = p->state;

	return channel_open(loop->channels, p, &state->channel);
}

/* Its bytes behind those that still wait; all that can be written is. */
static int
put_request(struct channel *c, const uint8_t *id)
{
	struct sip_talk *t = channel_room(c);
	struct addr local;
	size_t len;
	int err = channel_local(c, &local);

	if (err < 0)
		return err;
	len = sip_ask(t->out + t->out_len, sizeof(t->out) - t->out_len,
	    channel_probe(c)->path, &local, id);
	if (len == 0)
		return -ENOBUFS;
	t->out_len += (unsigned)len;
	return 0;
}

static int
sip_request(struct probe *p, unsigned seq)
{
	struct sip_state *state = p->state;
	struct sip_talk *t;
	int err;

	if (state->channel == NULL || seq >= PROBE_REQUESTS_MAX)
		return -ENOTCONN;
	t = channel_room(state->channel);
	if (getrandom(t->id[seq], SIP_ID, 0) != SIP_ID)
		return -EIO;
	err = put_request(state->channel, t->id[seq]);
	if (err < 0)
		return err;
	t->sent_ns[seq] = clock_mono();
	/* Why the channel is broken, if it is, reading will tell. */
	flush(state->channel);
	if (t->out_len == 0)
		probe_phase(p, PHASE_REQUEST, clock_mono() - t->sent_ns[seq]);
	return 0;
}

static void
sip_stop(struct probe *p)
{
	struct sip_state *state = p->state;

	channel_close(state->channel);
	state->channel = NULL;
}

const struct collector collector_sip_stream = {
    .name = "sip",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_SIP_TCP,
    .port = 5060,
    .count = 1,
    /* Each waits for its time-out when a firewall is silent. */
    .concurrent = 256,
    .state = sizeof(struct sip_state),
    .open = sip_open,
    .counts = sip_counts,
    .close = sip_close,
    .start = sip_start,
    .request = sip_request,
    .stop = sip_stop,
};

const struct collector collector_sip_stream_tls = {
    .name = "sip",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_SIP_TLS | UINT32_C(1)
							 << TRANSPORT_SIP_MTLS,
    .port = 5061,
    .count = 1,
    /* A handshake holds the loop for a millisecond, and 50 kB. */
    .concurrent = 16,
    .state = sizeof(struct sip_state),
    .open = sip_tls_open,
    .adjust = sip_adjust,
    .tick = sip_tick,
    .counts = sip_counts,
    .close = sip_close,
    .start = sip_start,
    .request = sip_request,
    .stop = sip_stop,
};
