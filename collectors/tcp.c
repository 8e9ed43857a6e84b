/*
 * Whether a TCP port takes connections. Each request is a connection of its
 * own, timed by the kernel; so they are read at the tick and wake nobody.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "collectors.h"
#include "probe.h"
#include "stream.h"

struct tcp_loop {
	struct stream_pool *pool;
	struct collector_counts counts;
};

struct tcp_state {
	struct stream *first; /* connections under way */
};

/* Beside each connection. */
struct tcp_try {
	struct stream *next;
	unsigned seq;
};

static struct tcp_try *
try_of(struct stream *s)
{
	return stream_room(s);
}

/* Closes it and takes it off its probe's list; returns its request. */
static unsigned
drop(struct probe *p, struct stream *s)
{
	struct tcp_state *state = p->state;
	struct stream **at = &state->first;
	unsigned seq = try_of(s)->seq;

	while (*at != s)
		at = &try_of(*at)->next;
	*at = try_of(s)->next;
	stream_close(s);
	return seq;
}

static void
on_connected(struct stream *s)
{
	struct probe *p = stream_owner(s);
	struct tcp_loop *loop = p->loop;
	struct answer a = {.outcome = OUTCOME_ANSWERED};
	unsigned seq;

	a.rtt_ns = stream_connect_time(s, &a.stamp);
	loop->counts.stamp[a.stamp]++;
	seq = drop(p, s);
	probe_phase(p, PHASE_CONNECT, a.rtt_ns);
	probe_answer(p, seq, &a);
}

static void
on_failed(struct stream *s, enum outcome o)
{
	struct probe *p = stream_owner(s);
	struct answer a = {.outcome = o};

	probe_answer(p, drop(p, s), &a);
}

/* Not called: on_connected() closes. */
static void
on_io(struct stream *s)
{
	(void)s;
}

static const struct stream_ops tcp_ops = {
    .connected = on_connected, .failed = on_failed, .io = on_io};

static int
tcp_open(const struct collector_setup *setup, void **out)
{
	struct stream_setup stream = {.loop = setup->loop,
	    .ops = &tcp_ops,
	    .room = sizeof(struct tcp_try),
	    .at_tick = true};
	struct tcp_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (loop == NULL)
		return -ENOMEM;
	err = stream_pool_new(&stream, &loop->pool);
	if (err < 0) {
		free(loop);
		return err;
	}
	*out = loop;
	return 0;
}

static void
tcp_tick(void *arg, uint64_t now)
{
	struct tcp_loop *loop = arg;

	(void)now;
	stream_pool_run(loop->pool);
}

static void
tcp_counts(const void *arg, struct collector_counts *add)
{
	const struct tcp_loop *loop = arg;

	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += loop->counts.stamp[i];
}

static void
tcp_close(void *arg)
{
	struct tcp_loop *loop = arg;

	stream_pool_free(loop->pool);
	free(loop);
}

static int
tcp_start(struct probe *p)
{
	probe_ready(p);
	return 0;
}

static int
tcp_request(struct probe *p, unsigned seq)
{
	struct tcp_loop *loop = p->loop;
	struct tcp_state *state = p->state;
	struct stream *s;
	int err = stream_open(loop->pool, p->path, p, &s);

	if (err < 0)
		return err;
	*try_of(s) = (struct tcp_try){.next = state->first, .seq = seq};
	state->first = s;
	return 0;
}

static void
tcp_stop(struct probe *p)
{
	struct tcp_state *state = p->state;

	while (state->first != NULL)
		drop(p, state->first);
}

const struct collector collector_tcp = {
    .name = "tcp",
    .transports = UINT32_C(1) << TRANSPORT_TCP,
    .count = 1,
    /* Each waits for its time-out when a firewall is silent. */
    .concurrent = 512,
    .state = sizeof(struct tcp_state),
    .open = tcp_open,
    .tick = tcp_tick,
    .counts = tcp_counts,
    .close = tcp_close,
    .start = tcp_start,
    .request = tcp_request,
    .stop = tcp_stop,
};
