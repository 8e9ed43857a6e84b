/* Which request a message answers, and when it was asked; see exchange.h. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "channel.h"
#include "clock.h"
#include "exchange.h"

enum {
	POOL = 252, /* random bytes: what getrandom() gives at once */
	NO_SEQ = PROBE_REQUESTS_MAX
};

struct loop {
	const struct exchange_kind *kind; /* borrowed */
	struct channel_pool *channels;
	struct collector_counts counts;
	unsigned pool_left;
	uint8_t pool[POOL];
};

/* What goes on on a channel, in its room. */
struct exchange {
	uint64_t sent_ns[PROBE_REQUESTS_MAX]; /* 0: not under way */
	uint8_t id[PROBE_REQUESTS_MAX][EXCHANGE_ID];
	size_t in_len, out_len;
	uint8_t bytes[]; /* out, then in */
};

static const struct loop *
loop_of(const struct channel *c)
{
	return channel_probe(c)->loop;
}

static size_t
out_size(const struct exchange_kind *kind)
{
	return kind->request_max * kind->waiting;
}

static uint8_t *
in_of(struct channel *c)
{
	struct exchange *e = channel_room(c);

	return e->bytes + out_size(loop_of(c)->kind);
}

/* Writes what waits; 0, also when some of it must wait longer, or -errno. */
static int
flush(struct channel *c)
{
	struct exchange *e = channel_room(c);

	while (e->out_len > 0) {
		ssize_t n = channel_write(c, e->bytes, e->out_len);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		e->out_len -= (size_t)n;
		memmove(e->bytes, e->bytes + n, e->out_len);
	}
	return 0;
}

/* ---- answers ---- */

static unsigned
find_id(const struct exchange *e, const uint8_t id[EXCHANGE_ID])
{
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++) {
		if (e->sent_ns[i] != 0 &&
		    memcmp(e->id[i], id, EXCHANGE_ID) == 0)
			return i;
	}
	return NO_SEQ;
}

static unsigned
find_request(struct channel *c, const uint8_t *bytes, size_t len)
{
	uint8_t id[EXCHANGE_ID] = {0};

	if (!loop_of(c)->kind->identify(bytes, len, id))
		return NO_SEQ;
	return find_id(channel_room(c), id);
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
	struct loop *loop = p->loop;
	struct exchange *e = channel_room(c);

	if (outcome_class(a->outcome) == OUTCOME_CLASS_ANSWER) {
		a->rtt_ns = round_trip(c, e->sent_ns[seq], &a->stamp);
		loop->counts.stamp[a->stamp]++;
		if (loop->kind->gentle)
			channel_end_gently(c);
		probe_phase(p, PHASE_RESPONSE, a->rtt_ns);
	}
	e->sent_ns[seq] = 0;
	probe_answer(p, seq, a);
}

static void
take_message(struct channel *c, const uint8_t *bytes, size_t len)
{
	struct probe *p = channel_probe(c);
	struct loop *loop = p->loop;
	struct exchange *e = channel_room(c);
	struct answer a = {.outcome = OUTCOME_NONE};
	unsigned seq = find_request(c, bytes, len);
	struct exchange_talk talk;
	struct addr mapped;

	if (seq == NO_SEQ) {
		loop->counts.unmatched++;
		return;
	}
	talk = (struct exchange_talk){.probe = p, .id = e->id[seq], .seq = seq};
	loop->kind->accept(bytes, len, &talk, &a, &mapped);
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
	const struct exchange_kind *kind = loop_of(c)->kind;
	struct exchange *e = channel_room(c);
	uint8_t *in = in_of(c);
	uint32_t use = channel_use(c);
	size_t at = 0;

	while (at < e->in_len) {
		int need = kind->frame(in + at, e->in_len - at);

		if (need < 0 || (size_t)need > kind->message_max) {
			channel_fail(c, OUTCOME_PROTOCOL, 0);
			return false;
		}
		if (need == 0 || (size_t)need > e->in_len - at)
			break;
		if ((unsigned)need != kind->idle)
			take_message(c, in + at, (size_t)need);
		if (channel_use(c) != use)
			return false;
		at += (size_t)need;
	}
	e->in_len -= at;
	memmove(in, in + at, e->in_len);
	return true;
}

static void
on_io(struct channel *c)
{
	struct exchange *e = channel_room(c);
	size_t size = loop_of(c)->kind->message_max;
	int broken = flush(c);

	/* Reading first: an alert says more than the reset after it. */
	for (;;) {
		ssize_t n =
		    channel_read(c, in_of(c) + e->in_len, size - e->in_len);

		if (n == -EAGAIN && broken == 0)
			return;
		if (n <= 0) {
			channel_end(c, n != -EAGAIN ? n : broken);
			return;
		}
		e->in_len += (size_t)n;
		if (!take_messages(c))
			return;
		if (e->in_len == size) {
			channel_fail(c, OUTCOME_PROTOCOL, 0);
			return;
		}
	}
}

static void
on_ready(struct channel *c)
{
	probe_ready(channel_probe(c));
}

static const struct channel_ops exchange_ops = {.ready = on_ready, .io = on_io};

/* ---- requests ---- */

/* Random, and that of no other request under way. */
static int
new_id(struct loop *loop, const struct exchange *e, uint8_t id[EXCHANGE_ID])
{
	unsigned len = loop->kind->id_len;

	do {
		if (loop->pool_left < len) {
			if (getrandom(loop->pool, POOL, 0) != POOL)
				return -EIO;
			loop->pool_left = POOL;
		}
		loop->pool_left -= len;
		memset(id, 0, EXCHANGE_ID);
		memcpy(id, loop->pool + loop->pool_left, len);
	} while (find_id(e, id) != NO_SEQ);
	return 0;
}

/* Puts its bytes behind those that still wait. */
static int
put_request(struct channel *c, unsigned seq)
{
	const struct exchange_kind *kind = loop_of(c)->kind;
	struct exchange *e = channel_room(c);
	struct exchange_talk talk = {
	    .probe = channel_probe(c), .id = e->id[seq], .seq = seq};
	size_t len;
	int err = 0;

	if (out_size(kind) - e->out_len < kind->request_max)
		return -ENOBUFS;
	if (kind->local)
		err = channel_local(c, &talk.local);
	if (err < 0)
		return err;
	len = kind->encode(e->bytes + e->out_len, kind->request_max, &talk);
	if (len == 0)
		return -EMSGSIZE;
	e->out_len += len;
	return 0;
}

int
exchange_request(struct probe *p, unsigned seq)
{
	struct exchange_probe *state = p->state;
	struct exchange *e;
	int err;

	if (state->channel == NULL || seq >= PROBE_REQUESTS_MAX)
		return -ENOTCONN;
	e = channel_room(state->channel);
	e->sent_ns[seq] = 0;
	err = new_id(p->loop, e, e->id[seq]);
	if (err == 0)
		err = put_request(state->channel, seq);
	if (err < 0)
		return err;
	e->sent_ns[seq] = clock_mono();
	/* Why the channel is broken, if it is, reading will tell. */
	flush(state->channel);
	return 0;
}

int
exchange_start(struct probe *p)
{
	struct loop *loop = p->loop;
	struct exchange_probe *state = p->state;

	return channel_open(loop->channels, p, &state->channel);
}

void
exchange_stop(struct probe *p)
{
	struct exchange_probe *state = p->state;

	channel_close(state->channel);
	state->channel = NULL;
}

/* ---- life ---- */

int
exchange_new(const struct exchange_kind *kind,
    const struct collector_setup *setup, void **out)
{
	struct channel_setup channels = {.loop = setup->loop,
	    .ops = &exchange_ops,
	    .room =
		sizeof(struct exchange) + out_size(kind) + kind->message_max,
	    .tls = kind->tls,
	    .unnamed = kind->unnamed,
	    .judged = kind->judged,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file};
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (loop == NULL)
		return -ENOMEM;
	loop->kind = kind;
	err = channel_pool_new(&channels, &loop->channels);
	if (err < 0) {
		free(loop);
		return err;
	}
	*out = loop;
	return 0;
}

void
exchange_adjust(void *arg, const struct collector_setup *setup)
{
	struct loop *loop = arg;

	channel_pool_adjust(loop->channels, setup->ca_file);
}

void
exchange_tick(void *arg, uint64_t now)
{
	struct loop *loop = arg;

	channel_pool_tick(loop->channels, now);
}

void
exchange_counts(const void *arg, struct collector_counts *add)
{
	const struct loop *loop = arg;

	add->unmatched += loop->counts.unmatched;
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

void
exchange_close(void *arg)
{
	struct loop *loop = arg;

	channel_pool_free(loop->channels);
	free(loop);
}
