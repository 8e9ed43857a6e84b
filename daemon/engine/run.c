/*
 * The requests of one probe, and what becomes of them. Requests are entered
 * into the row in the order in which they were sent, so that runs of loss and
 * jitter are exact: an answer waits for those sent before it, at most one
 * time-out.
 */
#include "build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "run.h"

/* The longest interval that demands lead to: that of ntpd and chronyd. */
#define HELD_MOST (1024 * CLOCK_SEC)

enum { SLOWER_MOST = 16 };

/* As any object may begin. */
static size_t
aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

struct run *
run_new(struct target *t, struct row *r, const struct collector *c)
{
	size_t head =
	    aligned(sizeof(struct run) + t->count * sizeof(struct run_request));
	struct run *u = calloc(1, head + aligned(c->state) + c->memory);

	if (u == NULL)
		return NULL;
	u->target = target_ref(t);
	u->row = row_ref(r);
	u->probe.path = &t->path;
	u->probe.state = (char *)u + head;
	u->probe.memory = (char *)u + head + aligned(c->state);
	u->memory = (uint32_t)c->memory;
	return u;
}

void
run_free(struct run *u)
{
	if (u == NULL)
		return;
	target_unref(u->target);
	target_unref(u->next);
	row_unref(u->row);
	free(u);
}

void
run_retarget(struct run *u, struct target *t)
{
	target_unref(u->next);
	u->next = target_ref(t);
	if (!u->started)
		run_take_next(u);
}

const struct target *
run_coming(const struct run *u)
{
	return u->next != NULL ? u->next : u->target;
}

void
run_take_next(struct run *u)
{
	if (u->next == NULL)
		return;
	target_unref(u->target);
	u->target = u->next;
	u->next = NULL;
	u->probe.path = &u->target->path;
	memset(u->probe.memory, 0, u->memory);
}

/* The interval that the peer's demands come to. */
static uint64_t
held_interval(const struct run *u)
{
	uint64_t interval = run_coming(u)->interval_ns;

	for (unsigned i = 0; i < u->slower && interval < HELD_MOST; i++)
		interval = 2 * interval < HELD_MOST ? 2 * interval : HELD_MOST;
	return interval;
}

static void
publish_interval(struct run *u, uint64_t ns)
{
	row_begin(u->row);
	row_set(u->row, TALLY_INTERVAL, ns);
	row_end(u->row);
}

void
run_hold(struct run *u, enum hold how)
{
	uint64_t interval;

	if (how == HOLD_STOP) {
		u->stopped = true;
		return;
	}
	if (u->slower < SLOWER_MOST)
		u->slower++;
	interval = held_interval(u);
	/* Half a regular one less: it is due at one of these. */
	u->wait_ns = u->start_ns + interval - run_coming(u)->interval_ns / 2;
	publish_interval(u, interval);
}

bool
run_is_held(const struct run *u, uint64_t now)
{
	return u->stopped || now < u->wait_ns;
}

void
run_release(struct run *u, uint64_t now)
{
	if (u->slower > 0 || row_get(u->row, TALLY_INTERVAL) != 0)
		publish_interval(u, 0);
	u->stopped = false;
	u->slower = 0;
	u->wait_ns = 0;
	if (!judge_resume(row_judge(u->row), now))
		return;
	row_begin(u->row);
	row_publish_judge(u->row);
	row_end(u->row);
}

void
run_reset(struct run *u, uint64_t now, enum trigger trigger)
{
	u->start_ns = u->send_ns = now;
	if (u->slower > 0)
		u->wait_ns =
		    now + held_interval(u) - run_coming(u)->interval_ns / 2;
	u->sent = u->entered = 0;
	u->total = (uint8_t)u->target->count;
	u->answered = u->errors = u->locals = 0;
	u->unsure = u->open_by = 0;
	u->trigger = trigger;
	memset(u->phase_ns, 0, sizeof(u->phase_ns));
}

/* How we look from outside, as the peer saw it. */
static void
mapped_enter(struct run *u, const struct answer *a)
{
	uint64_t words[TALLY_WORDS];
	struct addr before;

	if (a->mapped == NULL || addr_family(a->mapped) == 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		words[TALLY_MAPPED + i] = row_get(u->row, TALLY_MAPPED + i);
	row_read_addr(words, TALLY_MAPPED, &before);
	row_begin(u->row);
	if (addr_family(&before) != 0 && !addr_same_host(&before, a->mapped))
		row_add(u->row, TALLY_MAPPED_CHANGES, 1);
	row_set_addr(u->row, TALLY_MAPPED, a->mapped);
	row_set(u->row, TALLY_MAPPED_AT, clock_mono());
	row_set(u->row, TALLY_LOCAL_PORT, a->local_port);
	row_end(u->row);
}

static void
count_late(struct run *u)
{
	row_begin(u->row);
	row_add(u->row, TALLY_LATE, 1);
	row_end(u->row);
}

void
run_late(struct run *u, unsigned seq)
{
	struct run_request *q;

	if (seq >= u->sent)
		return;
	q = &u->request[seq];
	/* Once is late; more of the same are duplicates. */
	if (q->outcome != OUTCOME_TIMEOUT || q->code != 0)
		return;
	q->code = -1;
	count_late(u);
}

bool
run_end(struct run *u, unsigned seq, const struct answer *a)
{
	bool answer = outcome_class(a->outcome) == OUTCOME_CLASS_ANSWER;
	struct run_request *q;

	if (seq >= u->sent)
		return false;
	q = &u->request[seq];
	if (q->outcome != 0) {
		if (answer)
			run_late(u, seq);
		return false;
	}
	if (answer && a->rtt_ns > u->target->path.timeout_ns) {
		q->outcome = OUTCOME_TIMEOUT;
		run_late(u, seq);
		return true;
	}
	q->outcome = (uint8_t)a->outcome;
	q->code = a->code;
	q->rtt_ns = answer ? a->rtt_ns : 0;
	if (answer)
		mapped_enter(u, a);
	return true;
}

void
run_expire(struct run *u, uint64_t now)
{
	for (unsigned i = u->entered; i < u->sent; i++) {
		struct run_request *q = &u->request[i];

		if (q->outcome == 0 &&
		    now >= q->sent_ns + u->target->path.timeout_ns) {
			q->outcome = OUTCOME_TIMEOUT;
			q->code = 0;
		}
	}
}

void
run_end_all(struct run *u, enum outcome o, int code)
{
	/* Nothing was sent yet: the set-up itself is the sample that failed. */
	if (u->sent == 0) {
		u->request[0] = (struct run_request){.sent_ns = u->start_ns};
		u->sent = 1;
	}
	for (unsigned i = u->entered; i < u->sent; i++)
		if (u->request[i].outcome == 0) {
			u->request[i].outcome = (uint8_t)o;
			u->request[i].code = code;
		}
	u->total = u->sent;
}

uint64_t
run_oldest(const struct run *u)
{
	for (unsigned i = u->entered; i < u->sent; i++)
		if (u->request[i].outcome == 0)
			return u->request[i].sent_ns;
	return UINT64_MAX;
}

bool
run_complete(const struct run *u)
{
	return u->entered == u->total;
}

/* The shortest window without what has left it. */
static void
sums_evict(struct run *u, uint64_t now, uint64_t short_ns)
{
	uint64_t end = row_appended(u->row), size = row_capacity(u->row);
	uint64_t from = now > short_ns ? now - short_ns : 0;

	assert(end - u->tail <= size);
	while (u->tail < end) {
		struct sample s = row_sample(u->row, u->tail);

		/* The ring is sized for the longest window, but be sure. */
		if (s.sent_ns > from && end - u->tail < size)
			break;
		window_sums_remove(&u->sums, &s);
		u->tail++;
	}
}

void
run_sums_reset(struct run *u, uint64_t now, uint64_t short_ns)
{
	uint64_t end = row_appended(u->row), size = row_capacity(u->row);
	uint64_t from = now > short_ns ? now - short_ns : 0;

	u->sums = (struct window_sums){0};
	u->tail = end;
	while (u->tail > 0 && end - u->tail < size - 1) {
		struct sample s = row_sample(u->row, u->tail - 1);

		if (s.sent_ns <= from)
			break;
		window_sums_add(&u->sums, &s);
		u->tail--;
	}
}

/* One ended request: the counters, within row_begin and row_end. */
static void
tally_enter(struct run *u, const struct run_request *q, uint64_t now)
{
	struct row *r = u->row;
	enum outcome o = q->outcome;

	row_add(r, TALLY_ENDED + o - 1, 1);
	row_set(r, TALLY_LAST_OUTCOME, o);
	row_set(r, TALLY_LAST_CODE, q->code > 0 ? (uint64_t)q->code : 0);
	if (outcome_wall(o) == OUTCOME_WALL_OPEN)
		u->open_by = (uint8_t)o;
	u->unsure += outcome_wall(o) == OUTCOME_WALL_NOTHING;
	switch (outcome_class(o)) {
	case OUTCOME_CLASS_LOCAL:
		row_add(r, TALLY_LOCAL, 1);
		u->locals++;
		return;
	case OUTCOME_CLASS_LOSS:
		row_add(r, TALLY_REQUESTS, 1);
		row_add(r, TALLY_LOST, 1);
		return;
	case OUTCOME_CLASS_ANSWER:
		break;
	}
	row_add(r, TALLY_REQUESTS, 1);
	row_add(r, TALLY_RTT_SUM, q->rtt_ns);
	row_add(r, TALLY_BUCKET + stats_bucket(q->rtt_ns), 1);
	row_add_native(r, q->rtt_ns);
	row_set(r, TALLY_LAST_RTT, q->rtt_ns);
	row_set(r, TALLY_SUCCESS_AT, now);
	u->answered++;
	u->errors += o == OUTCOME_ERROR_RESPONSE;
}

void
run_enter(struct run *u, uint64_t now, uint64_t short_ns)
{
	while (u->entered < u->sent && u->request[u->entered].outcome != 0) {
		struct run_request *q = &u->request[u->entered];
		unsigned flags = 0;
		struct sample s;

		/* While our own link was down nobody else is to blame. */
		if (outcome_class(q->outcome) == OUTCOME_CLASS_LOSS &&
		    row_link_was_down(u->row, q->sent_ns))
			q->outcome = OUTCOME_LOCAL;
		row_begin(u->row);
		tally_enter(u, q, now);
		row_end(u->row);
		u->entered++;
		if (run_complete(u))
			flags = SAMPLE_LAST |
				(u->answered > 0 ? SAMPLE_PROBE_OK : 0);
		s = sample_make(q->sent_ns, q->rtt_ns, q->outcome, flags);
		/* Room first: the ring overwrites its oldest. */
		sums_evict(u, now, short_ns);
		row_append(u->row, &s);
		window_sums_add(&u->sums, &s);
	}
}

static uint8_t
why_degraded(const struct run *u)
{
	const struct judge *j = row_judge(u->row);

	return j->damped      ? WHY_DAMPED
	       : j->loss_high ? WHY_LOSS
	       : j->rtt_high  ? WHY_LATENCY
			      : WHY_NONE;
}

static void
note_state(
    const struct run *u, struct sched_note *n, const struct judge_change *c)
{
	static const uint8_t kinds[STATE_END] = {
	    [STATE_UNKNOWN] = EVENT_TARGET_UNKNOWN,
	    [STATE_UP] = EVENT_TARGET_UP,
	    [STATE_DEGRADED] = EVENT_TARGET_DEGRADED,
	    [STATE_DOWN] = EVENT_TARGET_DOWN,
	    [STATE_DISABLED] = EVENT_TARGET_DISABLED,
	};

	n->kind = kinds[c->to];
	n->why = c->to == STATE_DEGRADED ? why_degraded(u) : WHY_NONE;
	n->from = c->from;
	n->to = c->to;
}

static void
judge_notes(const struct run *u, const struct judge_change *c,
    struct sched_note *n, void (*note)(void *, const struct sched_note *),
    void *arg)
{
	const struct judge *j = row_judge(u->row);
	const struct thresholds *t = &u->target->thresholds;

	if (c->loss) {
		n->kind = j->loss_high ? EVENT_LOSS_HIGH : EVENT_LOSS_NORMAL;
		n->value = window_sums_loss(&u->sums);
		n->threshold =
		    j->loss_high ? t->loss_degraded : t->loss_recovered;
		note(arg, n);
	}
	if (c->rtt) {
		n->kind =
		    j->rtt_high ? EVENT_LATENCY_HIGH : EVENT_LATENCY_NORMAL;
		n->value = window_sums_mean(&u->sums);
		n->threshold = j->rtt_high ? t->rtt_degraded : t->rtt_recovered;
		note(arg, n);
	}
	n->value = n->threshold = 0;
	if (c->state && c->to < STATE_END) {
		note_state(u, n, c);
		note(arg, n);
	}
}

static void
judge_row(struct run *u, const struct judge_input *in)
{
	struct row *r = u->row;

	row_begin(r);
	row_add(r, TALLY_PROBES, 1);
	if (u->answered == 0 && u->locals == 0)
		row_add(r, TALLY_PROBE_FAILURES, 1);
	row_set(r, TALLY_PROBE_AT, in->now);
	row_set(r, TALLY_TRIGGER, u->trigger);
	for (unsigned p = 1; p < PHASE_END; p++)
		row_set(r, TALLY_PHASE + p - 1, u->phase_ns[p]);
	row_set(r, TALLY_SUCCESS, u->answered > 0);
	row_publish_judge(r);
	row_set(r, TALLY_SHORT_LOSS, in->loss_ppm);
	row_set(r, TALLY_SHORT_RTT, in->rtt_ns);
	row_end(r);
}

/* What the round says: of a path, or of a wall. */
static void
weigh(const struct run *u, struct judge_input *in)
{
	bool wall = u->target->expect == EXPECT_BLOCKED;

	in->answered = wall ? u->open_by != 0 : u->answered > 0;
	in->error = u->answered > 0 && u->errors == u->answered;
	in->local = !in->answered && (wall ? u->unsure : u->locals) > 0;
	in->stop = u->stopped;
}

void
run_judge(struct run *u, uint64_t now, uint64_t short_ns,
    void (*note)(void *arg, const struct sched_note *n), void *arg)
{
	struct judge_input in = {.now = now};
	struct judge_change c;
	struct sched_note n = {.at = now,
	    .index = u->target->index,
	    .window_s = (uint32_t)(short_ns / CLOCK_SEC)};

	sums_evict(u, now, short_ns);
	weigh(u, &in);
	in.loss_ppm = window_sums_loss(&u->sums);
	in.rtt_ns = window_sums_mean(&u->sums);
	c = judge_probe(
	    row_judge(u->row), &u->target->thresholds, u->target->expect, &in);
	judge_row(u, &in);
	n.outcome = (uint8_t)row_get(u->row, TALLY_LAST_OUTCOME);
	if (u->target->expect == EXPECT_BLOCKED && u->open_by != 0)
		n.outcome = u->open_by;
	judge_notes(u, &c, &n, note, arg);
}

bool
run_is_turning(const struct run *u)
{
	if (row_get(u->row, TALLY_LAST_OUTCOME) == OUTCOME_PROXY_AUTH)
		return false;
	return judge_is_turning(row_judge(u->row));
}
