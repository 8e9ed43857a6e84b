/* Alarms in a hash table, and in a list by the time that they have waited. */
#include "build.h"

#include <stdlib.h>

#include "agentx_pending.h"
#include "target.h"

enum { SLOTS = 1024 };

enum alarm {
	ALARM_NONE,
	ALARM_TARGET,
	ALARM_LATENCY,
	ALARM_LOSS,
	ALARM_CERTIFICATE,
	ALARM_CLUSTER,
	ALARM_TRANSPORT,
	ALARM_UDP,
	ALARM_MEDIA,
	ALARM_NAT,
	ALARM_DISCOVERY,
	ALARM_NAME,
	ALARM_INTERCEPTION,
	ALARM_SITE_INTERCEPTION,
	ALARM_PROXY,
	ALARM_SITE_PROXY,
	ALARM_REQUIREMENT
};

/* What an event makes of an alarm: raised, cleared, or what its words say. */
enum turn { TURN_WORDS, TURN_RAISED, TURN_CLEARED };

static const struct {
	uint8_t alarm, turn;
} kinds[EVENT_KINDS] = {
    [EVENT_TARGET_DOWN] = {ALARM_TARGET, TURN_WORDS},
    [EVENT_TARGET_UP] = {ALARM_TARGET, TURN_WORDS},
    [EVENT_TARGET_DEGRADED] = {ALARM_TARGET, TURN_WORDS},
    [EVENT_TARGET_UNKNOWN] = {ALARM_TARGET, TURN_WORDS},
    [EVENT_TARGET_DISABLED] = {ALARM_TARGET, TURN_WORDS},
    [EVENT_LATENCY_HIGH] = {ALARM_LATENCY, TURN_RAISED},
    [EVENT_LATENCY_NORMAL] = {ALARM_LATENCY, TURN_CLEARED},
    [EVENT_LOSS_HIGH] = {ALARM_LOSS, TURN_RAISED},
    [EVENT_LOSS_NORMAL] = {ALARM_LOSS, TURN_CLEARED},
    [EVENT_CERTIFICATE_EXPIRING] = {ALARM_CERTIFICATE, TURN_RAISED},
    [EVENT_CERTIFICATE_RENEWED] = {ALARM_CERTIFICATE, TURN_CLEARED},
    [EVENT_CLUSTER_STATE] = {ALARM_CLUSTER, TURN_WORDS},
    [EVENT_CLUSTER_TRANSPORT] = {ALARM_TRANSPORT, TURN_WORDS},
    [EVENT_SITE_UDP_BLOCKED] = {ALARM_UDP, TURN_RAISED},
    [EVENT_SITE_UDP_OPEN] = {ALARM_UDP, TURN_CLEARED},
    [EVENT_SITE_MEDIA_UNREACHABLE] = {ALARM_MEDIA, TURN_RAISED},
    [EVENT_SITE_MEDIA_REACHABLE] = {ALARM_MEDIA, TURN_CLEARED},
    [EVENT_SITE_NAT_SYMMETRIC] = {ALARM_NAT, TURN_RAISED},
    [EVENT_SITE_NAT_OK] = {ALARM_NAT, TURN_CLEARED},
    [EVENT_DISCOVERY_FAILED] = {ALARM_DISCOVERY, TURN_RAISED},
    [EVENT_DISCOVERY_OK] = {ALARM_DISCOVERY, TURN_CLEARED},
    [EVENT_NAME_FAILED] = {ALARM_NAME, TURN_RAISED},
    [EVENT_NAME_RESOLVED] = {ALARM_NAME, TURN_CLEARED},
    [EVENT_TLS_INTERCEPTION] = {ALARM_INTERCEPTION, TURN_RAISED},
    [EVENT_TLS_INTERCEPTION_OVER] = {ALARM_INTERCEPTION, TURN_CLEARED},
    [EVENT_SITE_TLS_INTERCEPTED] = {ALARM_SITE_INTERCEPTION, TURN_RAISED},
    [EVENT_SITE_TLS_DIRECT] = {ALARM_SITE_INTERCEPTION, TURN_CLEARED},
    [EVENT_PROXY_STATE] = {ALARM_PROXY, TURN_WORDS},
    [EVENT_SITE_PROXY_REFUSES] = {ALARM_SITE_PROXY, TURN_RAISED},
    [EVENT_SITE_PROXY_PASSES] = {ALARM_SITE_PROXY, TURN_CLEARED},
    [EVENT_REQUIREMENT_FAILED] = {ALARM_REQUIREMENT, TURN_RAISED},
    [EVENT_REQUIREMENT_MET] = {ALARM_REQUIREMENT, TURN_CLEARED},
};

struct entry {
	struct entry *chain; /* of the same slot */
	struct entry *older, *newer;
	uint64_t key;
	unsigned believed; /* what was told last */
	struct event last;
};

struct agentx_pending {
	struct entry *slot[SLOTS];
	struct entry *oldest, *newest;
	size_t count;
};

struct agentx_pending *
agentx_pending_new(void)
{
	return calloc(1, sizeof(struct agentx_pending));
}

void
agentx_pending_free(struct agentx_pending *p)
{
	struct entry *e = p != NULL ? p->oldest : NULL;

	while (e != NULL) {
		struct entry *newer = e->newer;

		free(e);
		e = newer;
	}
	free(p);
}

size_t
agentx_pending_count(const struct agentx_pending *p)
{
	return p->count;
}

static bool
is_alarm(const struct event *e)
{
	return (unsigned)e->kind < EVENT_KINDS &&
	       kinds[e->kind].alarm != ALARM_NONE;
}

/* Which alarm, and of what: sources and names have no index. */
static uint64_t
key_of(const struct event *e)
{
	uint64_t of = e->index != 0 ? e->index : target_hash(e->subject, 0);

	return (uint64_t)kinds[e->kind].alarm << 32 | (of & UINT32_MAX);
}

static unsigned
before(const struct event *e)
{
	switch (kinds[e->kind].turn) {
	case TURN_RAISED:
		return TURN_CLEARED;
	case TURN_CLEARED:
		return TURN_RAISED;
	default:
		return e->from;
	}
}

static unsigned
after(const struct event *e)
{
	return kinds[e->kind].turn == TURN_WORDS ? e->to : kinds[e->kind].turn;
}

/* Where the alarm hangs, or would. */
static struct entry **
place(struct agentx_pending *p, uint64_t key)
{
	struct entry **at = &p->slot[key % SLOTS];

	while (*at != NULL && (*at)->key != key)
		at = &(*at)->chain;
	return at;
}

static void
drop(struct agentx_pending *p, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		p->oldest = e->newer;
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		p->newest = e->older;
	p->count--;
	free(e);
}

static void
add(struct agentx_pending *p, struct entry **at, const struct event *e)
{
	struct entry *n =
	    p->count < AGENTX_PENDING_MOST ? calloc(1, sizeof(*n)) : NULL;

	if (n == NULL)
		return;
	n->key = key_of(e);
	n->believed = before(e);
	n->last = *e;
	n->older = p->newest;
	if (p->newest != NULL)
		p->newest->newer = n;
	else
		p->oldest = n;
	p->newest = n;
	p->count++;
	*at = n;
}

void
agentx_pending_put(struct agentx_pending *p, const struct event *e)
{
	struct entry **at;

	if (!is_alarm(e))
		return;
	at = place(p, key_of(e));
	if (*at == NULL)
		add(p, at, e);
	else if ((*at)->believed == after(e))
		drop(p, at);
	else
		(*at)->last = *e;
}

bool
agentx_pending_settle(struct agentx_pending *p, const struct event *e)
{
	struct entry **at;
	bool news;

	if (!is_alarm(e))
		return true;
	at = place(p, key_of(e));
	if (*at == NULL)
		return true;
	news = (*at)->believed != after(e);
	drop(p, at);
	return news;
}

bool
agentx_pending_take(struct agentx_pending *p, struct event *out)
{
	if (p->oldest == NULL)
		return false;
	*out = p->oldest->last;
	drop(p, place(p, p->oldest->key));
	return true;
}
