/*
 * Events: what changed, when and why. They are emitted by the control thread
 * only; subscribers (log, event list, notifications) are called in it.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "stats.h"
#include "word.h"

enum event_kind {
	EVENT_NONE = 0,
#define EVENT(name, number, label, of, severity, words, unit, text)            \
	EVENT_##name = number,
#include "events.def"
	EVENT_KINDS
};

/* What the subject is the name of, and the index the number of. */
enum event_of {
	EVENT_OF_OTHER,
	EVENT_OF_TARGET,
	EVENT_OF_CLUSTER,
	EVENT_OF_PROXY,
	EVENT_OF_REQUIREMENT,
	EVENT_OFS
};

struct event {
	enum event_kind kind;
	int64_t at;		/* CLOCK_REALTIME ns */
	uint32_t index;		/* of what it is of; 0 for none */
	uint32_t window;	/* s, for loss and latency events */
	uint64_t value;		/* RTT in ns or loss in ppm, or 0 */
	uint64_t threshold;	/* that was crossed, same unit */
	unsigned from, to;	/* words of its set (state, transport) */
	char subject[80];	/* target, cluster, source; "" for the site */
	char cause[128];	/* for people; "" when the kind says it all */
};

const char *event_label(enum event_kind kind);
const char *event_text(enum event_kind kind);
enum log_level event_severity(enum event_kind kind);
enum event_of event_of(enum event_kind kind);
/* The set that from and to are words of, or WORD_SETS. */
enum word_set event_words(enum event_kind kind);
/* What value and threshold are counted in. */
enum stats_unit event_unit(enum event_kind kind);

/* Subscribers stay for the life of the process; at most 8. */
void event_subscribe(void (*on)(void *arg, const struct event *e), void *arg);
/* Fills in `at` if it is 0, tells every subscriber. Control thread only. */
void event_emit(const struct event *e);

/*
 * The last events, oldest first, copied into out. Any thread. Returns how
 * many were copied; *seq (may be NULL) is the number ever emitted.
 */
enum { EVENT_HISTORY = 256 };
size_t event_recent(struct event *out, size_t max, uint64_t *seq);

#endif
