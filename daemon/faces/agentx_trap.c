/* The queue of notifications, and what they say. */
#include "build.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agentx_pending.h"
#include "agentx_trap.h"
#include "buf.h"
#include "clock.h"

struct agentx_trap {
	pthread_mutex_t lock;
	struct agentx_trap_notice ring[AGENTX_TRAP_QUEUE];
	unsigned first, count;
	uint32_t sequence;
	struct agentx_pending *pending; /* not told; owned */
	bool outage;			/* of the site's own link */
	uint64_t outage_end;		/* monotonic; 0: never */
	uint64_t tokens;    /* ns of credit: a notice costs 1 s / rate */
	uint64_t filled_at; /* monotonic */
	struct agentx_trap_counts counts;
};

#define COST (CLOCK_SEC / AGENTX_TRAP_RATE)

struct agentx_trap *
agentx_trap_new(void)
{
	struct agentx_trap *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->pending = agentx_pending_new();
	if (t->pending == NULL) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	t->tokens = AGENTX_TRAP_BURST * COST;
	return t;
}

void
agentx_trap_free(struct agentx_trap *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	agentx_pending_free(t->pending);
	free(t);
}

/* What does not follow from an outage of the site's own link. */
static bool
stands_alone(enum event_kind kind)
{
	switch (kind) {
	case EVENT_SITE_LOCAL_OUTAGE:
	case EVENT_SITE_LOCAL_OK:
	case EVENT_CONFIG_RELOADED:
	case EVENT_CONFIG_RELOAD_FAILED:
		return true;
	default:
		return false;
	}
}

static bool
is_hidden(struct agentx_trap *t, const struct event *e, uint64_t now)
{
	if (e->kind == EVENT_SITE_LOCAL_OUTAGE) {
		t->outage = true;
	} else if (e->kind == EVENT_SITE_LOCAL_OK) {
		t->outage = false;
		t->outage_end = now;
	}
	return t->outage && !stands_alone(e->kind);
}

/* Takes one from what may be sent now. */
static bool
has_credit(struct agentx_trap *t, uint64_t now)
{
	uint64_t most = AGENTX_TRAP_BURST * COST;

	if (t->filled_at != 0 && now > t->filled_at)
		t->tokens += now - t->filled_at;
	t->filled_at = now;
	if (t->tokens > most)
		t->tokens = most;
	if (t->tokens < COST)
		return false;
	t->tokens -= COST;
	return true;
}

static void
push(struct agentx_trap *t, const struct event *e)
{
	unsigned at;

	if (t->count == AGENTX_TRAP_QUEUE) {
		t->first = (t->first + 1) % AGENTX_TRAP_QUEUE;
		t->count--;
		t->counts.dropped++;
	}
	at = (t->first + t->count++) % AGENTX_TRAP_QUEUE;
	t->ring[at] = (struct agentx_trap_notice){++t->sequence, *e};
	t->counts.queued++;
}

bool
agentx_trap_put(struct agentx_trap *t, const struct event *e, uint64_t now)
{
	bool kept;

	pthread_mutex_lock(&t->lock);
	/* What tells of the whole site waits for no credit. */
	kept = !is_hidden(t, e, now) && (has_credit(t, now) || e->index == 0);
	if (!kept)
		agentx_pending_put(t->pending, e);
	else
		kept = agentx_pending_settle(t->pending, e);
	if (kept)
		push(t, e);
	else
		t->counts.suppressed++;
	pthread_mutex_unlock(&t->lock);
	return kept;
}

/* What was left out and is still news, once there is room for it. */
static void
fetch_pending(struct agentx_trap *t, uint64_t now)
{
	struct event e;

	if (agentx_pending_count(t->pending) == 0 || t->outage ||
	    (t->outage_end != 0 &&
		now - t->outage_end < AGENTX_TRAP_GRACE * CLOCK_SEC))
		return;
	if (has_credit(t, now) && agentx_pending_take(t->pending, &e))
		push(t, &e);
}

bool
agentx_trap_take(
    struct agentx_trap *t, uint64_t now, struct agentx_trap_notice *out)
{
	bool some;

	pthread_mutex_lock(&t->lock);
	if (t->count == 0)
		fetch_pending(t, now);
	some = t->count > 0;
	if (some) {
		*out = t->ring[t->first];
		t->first = (t->first + 1) % AGENTX_TRAP_QUEUE;
		t->count--;
	}
	pthread_mutex_unlock(&t->lock);
	return some;
}

struct agentx_trap_counts
agentx_trap_counts(struct agentx_trap *t)
{
	struct agentx_trap_counts c;

	pthread_mutex_lock(&t->lock);
	c = t->counts;
	pthread_mutex_unlock(&t->lock);
	return c;
}

/* ---- what it says ---- */

static void
put_message(const struct event *e, struct agentx_value *out)
{
	struct buf b = BUF_INIT;

	if (e->subject[0] != '\0')
		buf_printf(&b, "%s: ", e->subject);
	buf_puts(&b, event_text(e->kind));
	if (e->cause[0] != '\0')
		buf_printf(&b, " (%s)", e->cause);
	agentx_value_text(out, MIB_FORM_TEXT, buf_str(&b));
	buf_free(&b);
}

static void
put_number(struct agentx_value *out, enum agentx_type type, uint64_t v)
{
	out->type = type;
	out->number = v;
}

void
agentx_trap_value(const struct agentx_trap_notice *n, enum mib_notify which,
    struct agentx_value *out)
{
	const struct event *e = &n->event;
	enum stats_unit unit = event_unit(e->kind);

	switch (which) {
	case MIB_NOTIFY_SEQUENCE:
		put_number(out, AGENTX_UNSIGNED, n->sequence);
		break;
	case MIB_NOTIFY_TIME:
		out->type = AGENTX_OCTETS;
		out->len = AGENTX_DATE;
		agentx_value_date(out->octets, e->at);
		break;
	case MIB_NOTIFY_SUBJECT:
		agentx_value_text(out, MIB_FORM_TEXT, e->subject);
		break;
	case MIB_NOTIFY_INDEX:
		put_number(out, AGENTX_UNSIGNED, e->index);
		break;
	case MIB_NOTIFY_OLD_STATE:
	case MIB_NOTIFY_OLD_TRANSPORT:
		put_number(out, AGENTX_INTEGER, e->from);
		break;
	case MIB_NOTIFY_STATE:
	case MIB_NOTIFY_TRANSPORT:
		put_number(out, AGENTX_INTEGER, e->to);
		break;
	case MIB_NOTIFY_RTT:
	case MIB_NOTIFY_LOSS:
	case MIB_NOTIFY_DAYS_LEFT:
		put_number(
		    out, AGENTX_UNSIGNED, agentx_value_gauge(unit, e->value));
		break;
	case MIB_NOTIFY_RTT_THRESHOLD:
	case MIB_NOTIFY_LOSS_THRESHOLD:
	case MIB_NOTIFY_DAYS_THRESHOLD:
		put_number(out, AGENTX_UNSIGNED,
		    agentx_value_gauge(unit, e->threshold));
		break;
	case MIB_NOTIFY_WINDOW:
		put_number(out, AGENTX_UNSIGNED, e->window);
		break;
	case MIB_NOTIFY_MESSAGE:
	case MIB_NOTIFY_NONE:
	case MIB_NOTIFIES:
		put_message(e, out);
		break;
	}
}
