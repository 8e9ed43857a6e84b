/* Turning the clock, and peers that follow their scripts. */
#include "build.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "collector.h"
#include "once.h"
#include "probe.h"
#include "run.h"
#include "world.h"

enum moment_kind { READY, ANSWER, REFUSAL };

/* Something that a peer will do. */
struct moment {
	uint64_t at, order;
	struct peer *peer;
	uint32_t use;
	uint8_t kind;
	unsigned seq;
	uint64_t rtt;
};

/* The collectors get no other way to it. */
static struct world *world;
static struct collector stream_collector;

/* ---- the heap of moments ---- */

static bool
before(const struct moment *a, const struct moment *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
swap(struct moment *a, struct moment *b)
{
	struct moment t = *a;

	*a = *b;
	*b = t;
}

static void
push(struct heap *h, struct moment m)
{
	size_t i = h->items++;

	if (h->items > h->room) {
		h->room = h->room > 0 ? 2 * h->room : 1024;
		h->item = realloc(h->item, h->room * sizeof(*h->item));
		assert_non_null(h->item);
	}
	m.order = world->order++;
	h->item[i] = m;
	for (; i > 0 && before(&h->item[i], &h->item[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&h->item[i], &h->item[(i - 1) / 2]);
}

static struct moment
pop(struct heap *h)
{
	struct moment first = h->item[0];
	size_t i = 0;

	h->item[0] = h->item[--h->items];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < h->items &&
			    before(&h->item[c], &h->item[least]))
				least = c;
		if (least == i)
			return first;
		swap(&h->item[i], &h->item[least]);
		i = least;
	}
}

static struct heap *
heap_of(bool stream)
{
	return stream ? &world->streams : &world->datagrams;
}

/* ---- peers ---- */

static unsigned
number_of(const struct path *path)
{
	unsigned len;
	const uint8_t *b = addr_bytes(&path->addr, &len);

	assert_int_equal(len, 4);
	return (unsigned)(addr_port(&path->addr) - 5004) << 16 | b[2] << 8 |
	       b[3];
}

static struct peer *
peer_of(struct probe *p)
{
	unsigned n = number_of(p->path);

	assert_true(n < world->peers);
	return &world->peer[n];
}

static void
set_time(struct world *w, uint64_t now)
{
	assert_true(now >= w->now);
	w->now = now;
	clock_fake(now, (int64_t)now + w->real_offset);
}

static void
note_answer(struct peer *p, unsigned seq, uint64_t rtt)
{
	if ((p->answered >> seq & 1) == 0)
		++*(rtt > p->path->timeout_ns ? &p->late : &p->in_time);
	p->answered |= 1u << seq;
}

static void
play(struct world *w, const struct moment *m)
{
	struct peer *p = m->peer;
	struct answer a = {.outcome = p->playing.answer != 0 ? p->playing.answer
							     : OUTCOME_ANSWERED,
	    .stamp = STAMP_USER,
	    .rtt_ns = m->rtt};

	/* Its probe was stopped: nothing may be called for it. */
	if (m->use != p->use || !p->open)
		return;
	if (m->kind == READY) {
		p->ready = true;
		probe_ready(p->probe);
	} else if (m->kind == REFUSAL) {
		probe_fail(p->probe, p->playing.refuse, 0);
	} else {
		note_answer(p, m->seq, m->rtt);
		probe_answer(p->probe, m->seq, &a);
	}
}

static enum outcome
failure_of(const struct peer *p)
{
	return p->playing.failure != 0 ? p->playing.failure : OUTCOME_REFUSED;
}

static void
note_start(struct world *w, struct peer *p, unsigned number)
{
	uint64_t slot = w->now / (100 * CLOCK_MS);

	if (p->starts > 0) {
		uint64_t gap = w->now - p->last_start;

		if (p->gap_least == 0 || gap < p->gap_least)
			p->gap_least = gap;
		if (gap > p->gap_most)
			p->gap_most = gap;
	} else {
		p->first_start = w->now;
	}
	p->starts++;
	p->last_start = w->now;
	p->queued_at = w->order++;
	w->slot_starts = slot == w->slot ? w->slot_starts + 1 : 1;
	w->slot = slot;
	if (w->slot_starts > w->busiest)
		w->busiest = w->slot_starts;
	if (w->started != NULL)
		w->started(w, p, number);
}

static int
start(struct probe *probe, bool stream)
{
	struct world *w = world;
	struct peer *p = peer_of(probe);
	uint8_t *state = probe->state;
	struct moment m;

	/* The contract: stopped before, state zero, a valid path. */
	assert_false(p->open);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(state[i], 0);
	memset(state, 0xa5, 16);
	assert_string_equal(probe->path->host, "node.example.net");
	p->playing = p->script;
	note_start(w, p, number_of(probe->path));
	if (p->playing.start_error < 0)
		return p->playing.start_error;
	p->open = true;
	p->ready = false;
	p->probe = probe;
	p->path = probe->path;
	p->use++;
	p->asked = 0;
	p->answered = 0;
	if (stream && ++w->active > w->active_most)
		w->active_most = w->active;
	if (p->playing.in_start == SYNC_FAIL) {
		probe_fail(probe, failure_of(p), 0);
		return 0;
	}
	m = (struct moment){.at = w->now + p->playing.setup,
	    .peer = p,
	    .use = p->use,
	    .kind = p->playing.refuse != 0 ? REFUSAL : READY};
	if (p->playing.refuse != 0)
		m.at += p->playing.delay;
	if (p->playing.refuse != 0 ||
	    (p->playing.setup > 0 && !p->playing.never_ready))
		push(heap_of(stream), m);
	/* Datagrams need no setting up. */
	if (!stream || (p->playing.refuse == 0 && p->playing.setup == 0)) {
		p->ready = true;
		probe_ready(probe);
	}
	return 0;
}

static void
note_request(struct world *w, struct peer *p, unsigned seq)
{
	if (seq > 0) {
		uint64_t gap = w->now - p->last_request;

		if (p->spacing_least == 0 || gap < p->spacing_least)
			p->spacing_least = gap;
		if (gap > p->spacing_most)
			p->spacing_most = gap;
	}
	p->last_request = w->now;
	p->requests++;
}

static void
answer_later(struct world *w, struct peer *p, unsigned seq, bool stream)
{
	const struct script *s = &p->playing;
	struct moment m = {
	    .peer = p, .use = p->use, .kind = ANSWER, .seq = seq};

	m.rtt = s->delay + (s->backwards ? (10 - seq) * CLOCK_SEC / 10 : 0);
	if (s->jitter > 0)
		m.rtt += dice_below(&w->dice, s->jitter);
	m.at = w->now + m.rtt;
	if (s->refuse != 0 || (s->loss > 0 && dice_chance(&w->dice, s->loss)))
		return;
	push(heap_of(stream), m);
	if (s->twice > 0 && dice_chance(&w->dice, s->twice)) {
		p->copies++;
		m.at += dice_below(&w->dice, CLOCK_SEC);
		push(heap_of(stream), m);
	}
}

static int
request(struct probe *probe, unsigned seq, bool stream)
{
	struct world *w = world;
	struct peer *p = peer_of(probe);
	struct answer a = {.outcome = OUTCOME_ANSWERED,
	    .stamp = STAMP_USER,
	    .rtt_ns = 1 + p->playing.delay};

	assert_true(p->open && p->ready && p->probe == probe);
	assert_ptr_equal(probe->path, p->path);
	assert_int_equal(seq, p->asked);
	assert_true(seq < probe->count);
	p->asked++;
	note_request(w, p, seq);
	switch (p->playing.in_request) {
	case SYNC_ANSWER:
		note_answer(p, seq, a.rtt_ns);
		probe_answer(probe, seq, &a);
		break;
	case SYNC_FAIL:
		probe_fail(probe, failure_of(p), 0);
		break;
	case SYNC_ERROR:
		return -ENETUNREACH;
	default:
		answer_later(w, p, seq, stream);
	}
	set_time(w, w->now + w->cost);
	return 0;
}

static void
stop(struct probe *probe, bool stream)
{
	struct peer *p = peer_of(probe);

	assert_true(p->open);
	assert_ptr_equal(p->probe, probe);
	assert_ptr_equal(p->path, probe->path);
	p->open = false;
	p->probe = NULL;
	p->path = NULL;
	p->use++;
	p->stops++;
	if (stream)
		world->active--;
}

/* ---- the collectors ---- */

static int
start_datagram(struct probe *p)
{
	return start(p, false);
}

static int
request_datagram(struct probe *p, unsigned seq)
{
	return request(p, seq, false);
}

static void
stop_datagram(struct probe *p)
{
	stop(p, false);
}

/* What has come in by now is read at the tick. */
static void
tick_datagram(void *loop, uint64_t now)
{
	struct world *w = world;

	(void)loop;
	assert_true(now == w->now);
	while (w->datagrams.items > 0 && w->datagrams.item[0].at <= now) {
		struct moment m = pop(&w->datagrams);

		play(w, &m);
	}
}

static int
start_stream(struct probe *p)
{
	return start(p, true);
}

static int
request_stream(struct probe *p, unsigned seq)
{
	return request(p, seq, true);
}

static void
stop_stream(struct probe *p)
{
	stop(p, true);
}

static const struct collector datagram_collector = {
    .name = "stun",
    .transports = 1u << TRANSPORT_UDP,
    .count = 5,
    .lingers = true,
    .state = 16,
    .tick = tick_datagram,
    .start = start_datagram,
    .request = request_datagram,
    .stop = stop_datagram,
};

static struct collector stream_collector = {
    .name = "tcp",
    .transports = 1u << TRANSPORT_TCP,
    .count = 1,
    .concurrent = 0,
    .state = 16,
    .start = start_stream,
    .request = request_stream,
    .stop = stop_stream,
};

void
world_concurrent(unsigned most)
{
	stream_collector.concurrent = most;
}

/* ---- the world ---- */

/* The timer fires when the engine wants it, a bit later. */
static void
arm(struct world *w)
{
	uint64_t next = sched_next(w->sched);

	w->wake = next;
	if (next == UINT64_MAX)
		return;
	if (w->wake < w->now)
		w->wake = w->now;
	w->wake += w->late_least;
	if (w->late_most > w->late_least)
		w->wake += dice_below(&w->dice, w->late_most - w->late_least);
}

static void
on_rearm(void *arg)
{
	arm(arg);
}

static void
on_note(void *arg, const struct sched_note *n)
{
	struct world *w = arg;

	assert_true(n->kind < 64);
	w->note[n->kind]++;
	w->last_note = *n;
}

static void
on_done(void *arg, struct once *o)
{
	struct world *w = arg;

	assert_true(w->dones < 64);
	w->done[w->dones++] = o;
}

struct world *
world_new(uint64_t now, size_t peers)
{
	static const struct collector *const list[] = {
	    &datagram_collector, &stream_collector, NULL};
	struct world *w = calloc(1, sizeof(*w));
	struct sched_setup setup = {.collectors = list,
	    .rearm = on_rearm,
	    .note = on_note,
	    .done = on_done,
	    .arg = w};

	assert_non_null(w);
	world = w;
	w->dice = dice_case(now);
	w->real_offset = INT64_C(1684923072000000000) - (int64_t)now;
	w->settings =
	    (struct sched_settings){.short_ns = 60 * CLOCK_SEC, .rate = 1000};
	w->peer = calloc(peers, sizeof(*w->peer));
	w->peers = peers;
	w->row = calloc(peers, sizeof(*w->row));
	w->target = calloc(peers, sizeof(*w->target));
	assert_true(w->row != NULL && w->target != NULL);
	w->cost = 4000;
	w->wake = UINT64_MAX;
	set_time(w, now);
	w->store = store_new();
	w->sched = sched_new(&setup);
	assert_true(w->peer != NULL && w->store != NULL && w->sched != NULL);
	return w;
}

void
world_free(struct world *w)
{
	sched_free(w->sched);
	/* Every probe was stopped, once. */
	for (size_t i = 0; i < w->peers; i++)
		assert_false(w->peer[i].open);
	for (unsigned i = 0; i < w->dones; i++)
		once_free(w->done[i]);
	store_free(w->store);
	free(w->peer);
	free(w->row);
	free(w->target);
	free(w->datagrams.item);
	free(w->streams.item);
	free(w);
	world = NULL;
}

void
world_adopt(struct world *w, struct inventory *inv)
{
	struct roster *r = store_adopt(w->store, inv, fleet_loop);

	assert_non_null(r);
	fleet_clear(inv);
	memset(w->row, 0, w->peers * sizeof(*w->row));
	memset(w->target, 0, w->peers * sizeof(*w->target));
	for (size_t i = 0; i < r->entries; i++) {
		struct target *t = r->entry[i].target;
		unsigned n = (unsigned)strtoul(t->name + 7, NULL, 10);

		assert_true(n < w->peers);
		w->row[n] = r->entry[i].row;
		w->target[n] = t;
	}
	sched_adopt(w->sched, r, &w->settings);
	arm(w);
}

struct once *
world_once(struct world *w, unsigned number, bool stream, uint64_t within)
{
	struct fleet_spec f = {.number = number,
	    .probe = stream ? "tcp" : "stun",
	    .transport = stream ? TRANSPORT_TCP : TRANSPORT_UDP,
	    .timeout = within};
	struct target *t = fleet_target(&f);
	struct once *o =
	    once_new(stream ? &stream_collector : &datagram_collector, t,
		w->now + within, w);

	target_unref(t);
	assert_non_null(o);
	sched_once(w->sched, o);
	arm(w);
	return o;
}

static void
advance(struct world *w)
{
	sched_advance(w->sched);
	arm(w);
}

/* The next thing that happens by itself, if it does so before then. */
static bool
turn(struct world *w, uint64_t until)
{
	struct moment m;

	/* Datagrams wait to be read, however long; streams come first. */
	if (w->streams.items > 0 && w->streams.item[0].at <= until &&
	    (w->streams.item[0].at < w->wake ||
		w->streams.item[0].at <= w->now)) {
		m = pop(&w->streams);
		if (m.at > w->now)
			set_time(w, m.at);
		play(w, &m);
		return true;
	}
	if (w->wake > until)
		return false;
	if (w->wake > w->now)
		set_time(w, w->wake);
	advance(w);
	return true;
}

void
world_run(struct world *w, uint64_t until)
{
	while (turn(w, until))
		continue;
	if (until > w->now)
		set_time(w, until);
}

void
world_run_for(struct world *w, uint64_t ns)
{
	world_run(w, w->now + ns);
}

void
world_stall(struct world *w, uint64_t ns)
{
	set_time(w, w->now + ns);
}

void
world_step(struct world *w, int64_t by)
{
	w->real_offset += by;
	set_time(w, w->now);
}

struct sched_counts
world_counts(struct world *w)
{
	struct sched_counts c = {0};

	sched_counts(w->sched, &c);
	return c;
}

uint64_t
world_missed(struct world *w)
{
	struct sched_counts c = world_counts(w);
	uint64_t n = 0;

	for (unsigned i = 0; i < MISSED_END; i++)
		n += c.missed[i];
	return n;
}

bool
world_idle(struct world *w, unsigned number)
{
	const struct run *u = row_owner(w->row[number]);

	return u->phase == RUN_IDLE || u->phase == RUN_QUEUED;
}

uint64_t
world_tally(struct world *w, unsigned number, unsigned word)
{
	struct row *r = w->row[number];
	uint64_t words[TALLY_WORDS];

	assert_non_null(r);
	row_read(r, words);
	return words[word];
}

uint64_t
world_ended(struct world *w, unsigned number, enum outcome o)
{
	return world_tally(w, number, TALLY_ENDED + o - 1);
}
