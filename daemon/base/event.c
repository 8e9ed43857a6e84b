/* Events, from events.def: the recent ones, and who is told of new ones. */
#include "build.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "clock.h"
#include "event.h"

enum { EVENT_SUBSCRIBERS = 8 };

static const struct {
	const char *label, *text;
	enum event_of of;
	enum log_level severity;
	enum word_set words;
	enum stats_unit unit;
} kinds[EVENT_KINDS] = {
#define EVENT(name, number, label, of, severity, words, unit, text)         \
	[EVENT_##name] = {label, text, EVENT_OF_##of, LOG_LEVEL_##severity, \
	    WORD_##words, UNIT_##unit},
#include "events.def"
};

/* The process has one history; the mutex guards the ring, not the list. */
static struct {
	pthread_mutex_t mutex;
	struct event ring[EVENT_HISTORY];
	uint64_t seq;
	struct {
		void (*on)(void *arg, const struct event *e);
		void *arg;
	} subscriber[EVENT_SUBSCRIBERS];
	unsigned subscribers;
} events = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int
is_known(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS && kinds[kind].label != NULL;
}

const char *
event_label(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].label : "none";
}

const char *
event_text(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].text : "";
}

enum event_of
event_of(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].of : EVENT_OF_OTHER;
}

enum log_level
event_severity(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].severity : LOG_LEVEL_DEBUG;
}

enum word_set
event_words(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].words : WORD_SETS;
}

enum stats_unit
event_unit(enum event_kind kind)
{
	return is_known(kind) ? kinds[kind].unit : UNIT_COUNT;
}

void
event_subscribe(void (*on)(void *arg, const struct event *e), void *arg)
{
	assert(events.subscribers < EVENT_SUBSCRIBERS);
	events.subscriber[events.subscribers].on = on;
	events.subscriber[events.subscribers].arg = arg;
	events.subscribers++;
}

void
event_emit(const struct event *e)
{
	struct event copy = *e;

	if (copy.at == 0)
		copy.at = clock_real();
	pthread_mutex_lock(&events.mutex);
	events.ring[events.seq++ % EVENT_HISTORY] = copy;
	pthread_mutex_unlock(&events.mutex);
	/* Outside the lock: a subscriber may take its time, or look back. */
	for (unsigned i = 0; i < events.subscribers; i++)
		events.subscriber[i].on(events.subscriber[i].arg, &copy);
}

size_t
event_recent(struct event *out, size_t max, uint64_t *seq)
{
	uint64_t n;

	pthread_mutex_lock(&events.mutex);
	n = events.seq < EVENT_HISTORY ? events.seq : EVENT_HISTORY;
	if (n > max)
		n = max;
	for (uint64_t i = 0; i < n; i++)
		out[i] = events.ring[(events.seq - n + i) % EVENT_HISTORY];
	if (seq != NULL)
		*seq = events.seq;
	pthread_mutex_unlock(&events.mutex);
	return (size_t)n;
}
