/*
 * DNS over TCP (RFC 7766): messages with their length before them (RFC 1035
 * section 4.2.2), all requests of a probe on one connection.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "channel.h"
#include "clock.h"
#include "collectors.h"
#include "dns_ask.h"
#include "probe.h"

enum {
	LENGTH = 2,
	/* Longer ones are signed zones' keys, and nobody's to probe. */
	ANSWER = 16 * 1024,
	NO_SEQ = PROBE_REQUESTS_MAX
};

struct dns_loop {
	struct channel_pool *channels;
	struct collector_counts counts;
};

struct dns_state {
	struct channel *channel; /* NULL when closed */
};

/* The exchange, in the channel's room. */
struct dns_talk {
	uint64_t sent_ns[PROBE_REQUESTS_MAX]; /* 0: not under way */
	uint8_t id[PROBE_REQUESTS_MAX][DNS_ID];
	unsigned in_len, out_len;
	uint8_t out[PROBE_REQUESTS_MAX * (LENGTH + DNS_QUERY)];
	uint8_t in[LENGTH + ANSWER];
};

/* Writes what waits; 0, also when some of it must wait longer, or -errno. */
static int
flush(struct channel *c)
{
	struct dns_talk *t = channel_room(c);

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
find_request(const struct dns_talk *t, const uint8_t id[DNS_ID])
{
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++)
		if (t->sent_ns[i] != 0 && memcmp(t->id[i], id, DNS_ID) == 0)
			return i;
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
answer(struct channel *c, unsigned seq, const uint8_t *bytes, size_t len)
{
	struct probe *p = channel_probe(c);
	struct dns_loop *loop = p->loop;
	struct dns_talk *t = channel_room(c);
	struct answer a = {.stamp = STAMP_NONE};

	dns_ask_judge(p, bytes, len, &a);
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
	struct dns_talk *t = channel_room(c);
	struct dns_loop *loop = channel_probe(c)->loop;
	uint32_t use = channel_use(c);
	unsigned at = 0;

	while (t->in_len - at >= LENGTH) {
		const uint8_t *message = t->in + at + LENGTH;
		unsigned len = (unsigned)t->in[at] << 8 | t->in[at + 1], seq;

		if (len < DNS_HEADER || len > ANSWER) {
			channel_fail(c, OUTCOME_PROTOCOL, 0);
			return false;
		}
		if (t->in_len - at - LENGTH < len)
			break;
		at += LENGTH + len;
		seq = find_request(t, message);
		if (seq == NO_SEQ) {
			loop->counts.unmatched++;
			continue;
		}
		answer(c, seq, message, len);
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
	struct dns_talk *t = channel_room(c);
	int broken = flush(c);

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

static const struct channel_ops dns_ops = {.ready = on_ready, .io = on_io};

static int
dns_open(const struct collector_setup *setup, void **out)
{
	struct channel_setup channels = {.loop = setup->loop,
	    .ops = &dns_ops,
	    .room = sizeof(struct dns_talk)};
	struct dns_loop *loop = calloc(1, sizeof(*loop));
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

static void
dns_counts(const void *arg, struct collector_counts *add)
{
	const struct dns_loop *loop = arg;

	add->unmatched += loop->counts.unmatched;
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

static void
dns_close(void *arg)
{
	struct dns_loop *loop = arg;

	channel_pool_free(loop->channels);
	free(loop);
}

static int
dns_start(struct probe *p)
{
	struct dns_loop *loop = p->loop;
	struct dns_state *state = p->state;

	return channel_open(loop->channels, p, &state->channel);
}

/* A random id that no request under way has. */
static int
new_id(const struct dns_talk *t, uint8_t id[DNS_ID])
{
	do {
		if (getrandom(id, DNS_ID, 0) != DNS_ID)
			return -EIO;
	} while (find_request(t, id) != NO_SEQ);
	return 0;
}

static int
dns_request(struct probe *p, unsigned seq)
{
	struct dns_state *state = p->state;
	struct dns_talk *t;
	uint8_t *out;
	size_t len;
	int err;

	if (state->channel == NULL || seq >= PROBE_REQUESTS_MAX)
		return -ENOTCONN;
	t = channel_room(state->channel);
	if (t->out_len + LENGTH + DNS_QUERY > sizeof(t->out))
		return -ENOBUFS;
	err = new_id(t, t->id[seq]);
	if (err < 0)
		return err;
	out = t->out + t->out_len;
	len = dns_ask_write(p->path, out + LENGTH, t->id[seq]);
	if (len == 0)
		return -EINVAL;
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	t->out_len += LENGTH + (unsigned)len;
	t->sent_ns[seq] = clock_mono();
	/* Why the channel is broken, if it is, reading will tell. */
	flush(state->channel);
	return 0;
}

static void
dns_stop(struct probe *p)
{
	struct dns_state *state = p->state;

	channel_close(state->channel);
	state->channel = NULL;
}

const struct collector collector_dns_stream = {
    .name = "dns",
    .transports = UINT32_C(1) << TRANSPORT_DNS_TCP,
    .port = 53,
    .count = 1,
    /* Of 25 kB each; they wait for their time-out behind a firewall. */
    .concurrent = 128,
    .state = sizeof(struct dns_state),
    .open = dns_open,
    .counts = dns_counts,
    .close = dns_close,
    .start = dns_start,
    .request = dns_request,
    .stop = dns_stop,
};
