/* The queue of notifications, and what they say. */
#include "build.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agentx_trap.h"
#include "buf.h"
#include "clock.h"

struct agentx_trap {
	pthread_mutex_t lock;
	struct agentx_trap_notice ring[AGENTX_TRAP_QUEUE];
	unsigned first, count;
	uint32_t sequence;
	bool outage;	    /* of the site's own link */
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
	free(t);
}

/* Events of the site and the daemon have no index: they always count. */
static bool
is_hidden(struct agentx_trap *t, const struct event *e)
{
	if (e->kind == EVENT_SITE_LOCAL_OUTAGE)
		t->outage = true;
	else if (e->kind == EVENT_SITE_LOCAL_OK)
		t->outage = false;
	return t->outage && e->index != 0;
}

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
	/* What tells of the whole site is never left out. */
	kept = !is_hidden(t, e) && (has_credit(t, now) || e->index == 0);
	if (kept)
		push(t, e);
	else
		t->counts.suppressed++;
	pthread_mutex_unlock(&t->lock);
	return kept;
}

bool
agentx_trap_take(struct agentx_trap *t, struct agentx_trap_notice *out)
{
	bool some;

	pthread_mutex_lock(&t->lock);
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
