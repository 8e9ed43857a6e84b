/*
 * Whether a server shakes hands over TLS, and whether its certificate will
 * do. The round-trip time is that of the connect, by the kernel: a handshake
 * is one or two more of them and the work of both sides, and is told as a
 * phase. A target may want most of its probes to be looks instead.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "channel.h"
#include "clock.h"
#include "collectors.h"
#include "probe.h"
#include "tls_light.h"

/* How long a refusal of our certificate may take beyond the network. */
#define REFUSAL (50 * CLOCK_MS)

struct tls_loop {
	struct channel_pool *channels;
	struct tls_light_pool *looks;
	struct probe *waiting; /* a list of those that may yet be refused */
	struct collector_counts counts;
};

struct tls_state {
	struct channel *channel; /* NULL when closed */
	struct stream *look;	 /* the same; one of both is open */
	struct probe *next;	 /* on the list */
	uint64_t until;		 /* 0: not on it */
};

static void
wait_no_more(struct probe *p)
{
	struct tls_loop *loop = p->loop;
	struct tls_state *state = p->state;
	struct probe **at = &loop->waiting;

	if (state->until == 0)
		return;
	while (*at != p)
		at = &((struct tls_state *)(*at)->state)->next;
	*at = state->next;
	state->until = 0;
}

static void
wait_until(struct probe *p, uint64_t until)
{
	struct tls_loop *loop = p->loop;
	struct tls_state *state = p->state;

	state->until = until;
	state->next = loop->waiting;
	loop->waiting = p;
}

static void
answer(struct probe *p)
{
	struct tls_loop *loop = p->loop;
	struct tls_state *state = p->state;
	struct answer a = {.outcome = OUTCOME_ANSWERED};

	/* What comes after a handshake cannot be seen by a look. */
	if (state->channel != NULL && state->until == 0)
		tls_light_learn(p, channel_facts(state->channel));
	wait_no_more(p);
	a.rtt_ns = state->look != NULL
		       ? tls_light_connect_time(state->look, &a.stamp)
		       : channel_connect_time(state->channel, &a.stamp);
	loop->counts.stamp[a.stamp]++;
	probe_answer(p, 0, &a);
}

static void
on_ready(struct channel *c)
{
	probe_ready(channel_probe(c));
}

/* What comes is of no use; but it tells that we are welcome, or not. */
static void
on_io(struct channel *c)
{
	struct probe *p = channel_probe(c);
	const struct tls_state *state = p->state;
	char bytes[4096];
	ssize_t n = channel_read(c, bytes, sizeof(bytes));

	/* It may say so and close, both at once. */
	if (state->until != 0 && (n > 0 || !channel_undecided(c))) {
		answer(p);
	} else if (n <= 0 && n != -EAGAIN) {
		wait_no_more(p);
		channel_end(c, n);
	}
}

static const struct channel_ops tls_ops = {.ready = on_ready, .io = on_io};

static int
shake(struct probe *p)
{
	struct tls_loop *loop = p->loop;
	struct tls_state *state = p->state;

	tls_light_forget(p);
	return channel_open(loop->channels, p, &state->channel);
}

static void
on_unlike(struct probe *p)
{
	struct tls_state *state = p->state;
	int err;

	tls_light_close(state->look);
	state->look = NULL;
	err = shake(p);
	if (err < 0)
		probe_fail(p, outcome_of_errno(-err, true), 0);
}

static void
on_look_failed(struct probe *p, enum outcome o)
{
	tls_light_forget(p);
	probe_fail(p, o, 0);
}

static const struct tls_light_ops look_ops = {
    .same = probe_ready, .unlike = on_unlike, .failed = on_look_failed};

static void
tls_close(void *arg)
{
	struct tls_loop *loop = arg;

	tls_light_pool_free(loop->looks);
	channel_pool_free(loop->channels);
	free(loop);
}

static int
tls_open(const struct collector_setup *setup, void **out)
{
	struct channel_setup channels = {.loop = setup->loop,
	    .ops = &tls_ops,
	    .tls = true,
	    .judged = true,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file};
	struct tls_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (loop == NULL)
		return -ENOMEM;
	err = channel_pool_new(&channels, &loop->channels);
	if (err == 0)
		err = tls_light_pool_new(setup->loop, &look_ops, &loop->looks);
	if (err < 0) {
		tls_close(loop);
		return err;
	}
	*out = loop;
	return 0;
}

static void
tls_adjust(void *arg, const struct collector_setup *setup)
{
	struct tls_loop *loop = arg;

	channel_pool_adjust(loop->channels, setup->ca_file);
}

/* Nothing was said against us for long enough. */
static void
tls_tick(void *arg, uint64_t now)
{
	struct tls_loop *loop = arg;
	struct probe *p = loop->waiting;

	tls_light_pool_tick(loop->looks);
	channel_pool_tick(loop->channels, now);
	while (p != NULL) {
		struct tls_state *state = p->state;
		struct probe *next = state->next;

		if (now >= state->until)
			answer(p);
		p = next;
	}
}

static void
tls_counts(const void *arg, struct collector_counts *add)
{
	const struct tls_loop *loop = arg;

	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

static int
tls_start(struct probe *p)
{
	struct tls_loop *loop = p->loop;
	struct tls_state *state = p->state;

	return tls_light_due(p) ? tls_light_open(loop->looks, p, &state->look)
				: shake(p);
}

static int
tls_request(struct probe *p, unsigned seq)
{
	struct tls_state *state = p->state;
	uint64_t wait, most = p->path->timeout_ns / 2;
	enum stamp stamp;

	if ((state->channel == NULL && state->look == NULL) || seq > 0)
		return -ENOTCONN;
	if (state->look != NULL || !channel_undecided(state->channel)) {
		answer(p);
		return 0;
	}
	wait = 3 * channel_connect_time(state->channel, &stamp) + REFUSAL;
	wait_until(p, clock_mono() + (wait < most ? wait : most));
	return 0;
}

static void
tls_stop(struct probe *p)
{
	struct tls_state *state = p->state;

	wait_no_more(p);
	/* A look that has come to no end: shake hands next time. */
	if (state->look != NULL && !tls_light_over(state->look))
		tls_light_forget(p);
	tls_light_close(state->look);
	channel_close(state->channel);
	state->look = NULL;
	state->channel = NULL;
}

const struct collector collector_tls = {
    .name = "tls",
    .transports = UINT32_C(1) << TRANSPORT_TLS,
    .port = 443,
    .count = 1,
    /* A handshake holds the loop for a millisecond, and 50 kB. */
    .concurrent = 16,
    .state = sizeof(struct tls_state),
    .memory = sizeof(struct tls_light),
    .open = tls_open,
    .adjust = tls_adjust,
    .tick = tls_tick,
    .counts = tls_counts,
    .close = tls_close,
    .start = tls_start,
    .request = tls_request,
    .stop = tls_stop,
};
