/* Events as lines of the log. */
#include "build.h"

#include "buf.h"
#include "event_log.h"

static const char *const of[] = {
    [EVENT_OF_OTHER] = "subject",
    [EVENT_OF_TARGET] = "target",
    [EVENT_OF_CLUSTER] = "media_cluster",
    [EVENT_OF_PROXY] = "proxy",
    [EVENT_OF_REQUIREMENT] = "requirement",
};

/* A field without a value is left out of the line. */
static const char *
given(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

/* Values are written in base units: seconds, and a ratio for loss. */
static const char *
value_text(struct buf *b, const struct event *e, uint64_t value)
{
	enum stats_unit unit = event_unit(e->kind);

	buf_reset(b);
	if (value != 0 && unit < STATS_UNITS)
		buf_decimal(b, value, stats_units[unit].digits);
	return given(buf_str(b));
}

void
event_log_line(void *arg, const struct event *e)
{
	struct buf value = BUF_INIT, threshold = BUF_INIT;
	enum word_set set = event_words(e->kind);
	bool words = set != WORD_SETS && (e->from != 0 || e->to != 0);

	log_fields(event_severity(e->kind), "event", event_text(e->kind),
	    "event", event_label(e->kind), of[event_of(e->kind)],
	    given(e->subject), "from", words ? word_label(set, e->from) : NULL,
	    "to", words ? word_label(set, e->to) : NULL, "value",
	    value_text(&value, e, e->value), "threshold",
	    value_text(&threshold, e, e->threshold), "cause", given(e->cause),
	    NULL);
	buf_free(&value);
	buf_free(&threshold);
}
