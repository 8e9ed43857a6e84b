/* JSON from stats_table, an item of the document's list at a time. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "event.h"
#include "expo_json.h"
#include "expo_json_text.h"
#include "labels.h"
#include "outcome.h"
#include "snapshot.h"
#include "stats.h"
#include "word.h"

enum { PIECE = 16 * 1024, SECTIONS = 16 };

/* A member of a document: the items of a scope, as a list or the only one. */
struct section {
	const char *key; /* NULL ends the list */
	enum stats_scope scope;
	bool only;
};

static const struct section documents[EXPO_JSON_DOCUMENTS][SECTIONS] = {
    [EXPO_JSON_TARGETS] = {{"targets", SCOPE_target, false}},
    [EXPO_JSON_CLUSTERS] = {{"clusters", SCOPE_cluster, false}},
    [EXPO_JSON_REQUIREMENTS] = {{"requirements", SCOPE_requirement, false}},
    [EXPO_JSON_SITE] =
	{
	    {"site", SCOPE_site, true},
	    {"subnets", SCOPE_subnet, false},
	    {"proxies", SCOPE_proxy, false},
	    {"proxy_failures", SCOPE_proxy_failure, false},
	    {"failures", SCOPE_failure, false},
	    {"rtt", SCOPE_rtt, false},
	    {"sources", SCOPE_source, false},
	    {"names", SCOPE_name, false},
	    {"agent", SCOPE_agent, true},
	    {"agentx", SCOPE_agentx, true},
	    {"process", SCOPE_process, true},
	    {"missed", SCOPE_missed, false},
	    {"network_changes", SCOPE_netchange, false},
	    {"rtt_sources", SCOPE_stamp, false},
	    {"loops", SCOPE_lag, false},
	},
};

/*
 * A member of an item: those items of another scope that have its labels and
 * perhaps more. Both scopes are filled in the same order (snapshot.h).
 */
static const struct child {
	enum stats_scope parent;
	struct section section;
} children[] = {
    {SCOPE_target, {"windows", SCOPE_window, false}},
    {SCOPE_target, {"phases", SCOPE_phase, false}},
    {SCOPE_target, {"tls", SCOPE_tls, true}},
    {SCOPE_target, {"facts", SCOPE_fact, true}},
    {SCOPE_cluster, {"links", SCOPE_link, false}},
    {SCOPE_requirement, {"targets", SCOPE_need, false}},
};

struct expo_json {
	struct snapshot *snapshot; /* a reference */
	const struct section *section;
	bool started, opened;	   /* the document; the section */
	size_t next[STATS_SCOPES]; /* the item of a scope that comes next */
};

/* ---- values ---- */

static void
put_histogram(struct buf *out, const struct snap_hist *h, unsigned digits)
{
	uint64_t count = 0;

	buf_puts(out, "{\"buckets\":[");
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		count += h->bucket[i];
		buf_puts(out, i > 0 ? ",{\"le\":" : "{\"le\":");
		if (i < STATS_BOUNDS)
			buf_decimal(out, stats_bounds[i], digits);
		else
			buf_puts(out, "null");
		buf_printf(out, ",\"count\":%llu}", (unsigned long long)count);
	}
	buf_puts(out, "],\"count\":");
	buf_u64(out, h->count);
	buf_puts(out, ",\"sum\":");
	buf_decimal(out, h->sum, digits);
	buf_putc(out, '}');
}

static void
put_decimal(struct buf *out, const struct stats_unit_desc *u, uint64_t v)
{
	if (u->is_signed && (int64_t)v < 0) {
		buf_putc(out, '-');
		v = 0 - v;
	}
	buf_decimal(out, v, u->digits);
}

static void
put_number(struct buf *out, enum stats_unit unit, uint64_t v)
{
	const struct stats_unit_desc *u = &stats_units[unit];

	if (v == STATS_NONE)
		buf_puts(out, "null");
	else if (unit == UNIT_BOOL)
		buf_puts(out, v != 0 ? "true" : "false");
	else if (unit == UNIT_OUTCOME)
		expo_json_text_put(out, outcome_label((enum outcome)v));
	else if (u->words != WORD_SETS)
		expo_json_text_put(
		    out, word_label((enum word_set)u->words, (unsigned)v));
	else
		put_decimal(out, u, v);
}

static void
put_value(struct buf *out, const struct stats_desc *d, const void *field)
{
	if (d->nature == STATS_HISTOGRAM) {
		put_histogram(out, field, stats_units[d->unit].digits);
	} else if (d->nature == STATS_INFO) {
		buf_putc(out, '{');
		expo_json_text_labels(out, *(const char *const *)field);
		buf_putc(out, '}');
	} else {
		put_number(out, d->unit, *(const uint64_t *)field);
	}
}

static void
put_stats(struct buf *out, enum stats_scope scope, const char *item)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];

		if (d->scope != scope)
			continue;
		expo_json_text_key(out, d->field, stats_units[d->unit].suffix);
		put_value(out, d, item + d->offset);
	}
}

/* ---- items ---- */

static const char *
item_next(const struct expo_json *w, enum stats_scope scope)
{
	const struct stats_items *items = &w->snapshot->scope[scope];

	if (w->next[scope] == items->count)
		return NULL;
	return (const char *)items->item +
	       w->next[scope] * stats_scopes[scope].size;
}

/* Every item begins with its labels (stats.h). */
static const char *
labels_of(const char *item)
{
	return *(const char *const *)(const void *)item;
}

static void
put_children(struct expo_json *w, const struct section *s, const char *parent,
    struct buf *out)
{
	const char *item, *more;
	bool first = true;

	expo_json_text_key(out, s->key, "");
	buf_puts(out, s->only ? "" : "[");
	while ((item = item_next(w, s->scope)) != NULL &&
	       (more = labels_rest(labels_of(item), parent)) != NULL) {
		/* The only one has one; more would spoil the document. */
		if (first || !s->only) {
			buf_puts(out, first ? "{" : ",{");
			expo_json_text_labels(out, more);
			put_stats(out, s->scope, item);
			buf_putc(out, '}');
		}
		first = false;
		w->next[s->scope]++;
	}
	if (s->only)
		buf_puts(out, first ? "null" : "");
	else
		buf_putc(out, ']');
}

static void
put_item(struct expo_json *w, enum stats_scope scope, struct buf *out)
{
	const char *item = item_next(w, scope);

	buf_putc(out, '{');
	expo_json_text_labels(out, labels_of(item));
	put_stats(out, scope, item);
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		if (children[i].parent == scope)
			put_children(
			    w, &children[i].section, labels_of(item), out);
	}
	buf_putc(out, '}');
	w->next[scope]++;
}

/* The next piece of a section; at its end, the section after it. */
static void
put_section(struct expo_json *w, struct buf *out)
{
	const struct section *s = w->section;
	size_t count = s->only && w->snapshot->scope[s->scope].count > 0
			   ? 1
			   : w->snapshot->scope[s->scope].count;

	if (!w->opened) {
		buf_puts(out, ",\"");
		buf_puts(out, s->key);
		buf_puts(out, s->only ? "\":" : "\":[");
		w->opened = true;
	}
	while (w->next[s->scope] < count && out->len < PIECE) {
		if (w->next[s->scope] > 0)
			buf_putc(out, ',');
		put_item(w, s->scope, out);
	}
	if (w->next[s->scope] < count)
		return;
	if (!s->only)
		buf_putc(out, ']');
	else if (count == 0)
		buf_puts(out, "null");
	w->section++;
	w->opened = false;
}

static bool
more(void *arg, struct buf *out)
{
	struct expo_json *w = arg;
	char at[32];

	if (!w->started)
		buf_printf(
		    out, "{\"time\":\"%s\"", clock_text(w->snapshot->real, at));
	w->started = true;
	while (w->section->key != NULL && out->len < PIECE && !out->err)
		put_section(w, out);
	if (w->section->key != NULL)
		return true;
	buf_puts(out, "}\n");
	return false;
}

static void
free_json(void *arg)
{
	struct expo_json *w = arg;

	snapshot_unref(w->snapshot);
	free(w);
}

struct body *
expo_json_body(struct snapshot *s, enum expo_json_document document)
{
	static const struct body_kind kind = {more, free_json};
	struct expo_json *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->snapshot = snapshot_ref(s);
	w->section = documents[document];
	return body_new(&kind, w);
}

/* ---- events ---- */

static void
put_word(struct buf *out, const char *key, enum event_kind kind, unsigned n)
{
	if (event_words(kind) == WORD_SETS)
		return;
	expo_json_text_key(out, key, "");
	expo_json_text_put(out, word_label(event_words(kind), n));
}

static void
put_quantity(struct buf *out, const char *key, enum event_kind kind, uint64_t v)
{
	if (v == 0)
		return;
	expo_json_text_key(out, key, stats_units[event_unit(kind)].suffix);
	put_number(out, event_unit(kind), v);
}

static void
put_event(struct buf *out, const struct event *e)
{
	char at[32];

	buf_printf(out, "{\"time\":\"%s\"", clock_text(e->at, at));
	expo_json_text_key(out, "at", stats_units[UNIT_TIMESTAMP].suffix);
	put_number(out, UNIT_TIMESTAMP, (uint64_t)e->at);
	expo_json_text_key(out, "event", "");
	expo_json_text_put(out, event_label(e->kind));
	expo_json_text_key(out, "severity", "");
	expo_json_text_put(out, log_level_name(event_severity(e->kind)));
	expo_json_text_key(out, "subject", "");
	expo_json_text_put(out, e->subject);
	expo_json_text_key(out, "text", "");
	expo_json_text_put(out, event_text(e->kind));
	expo_json_text_key(out, "cause", "");
	expo_json_text_put(out, e->cause);
	put_word(out, "from", e->kind, e->from);
	put_word(out, "to", e->kind, e->to);
	put_quantity(out, "value", e->kind, e->value);
	put_quantity(out, "threshold", e->kind, e->threshold);
	if (e->window != 0) {
		expo_json_text_key(out, "window", "_seconds");
		buf_u64(out, e->window);
	}
	buf_putc(out, '}');
}

struct body *
expo_json_events(const struct event *event, size_t n, uint64_t total)
{
	struct buf out = BUF_INIT;
	char at[32];

	buf_printf(&out, "{\"time\":\"%s\",\"total\":%llu,\"events\":[",
	    clock_text(clock_real(), at), (unsigned long long)total);
	for (size_t i = n; i-- > 0;) {
		put_event(&out, &event[i]);
		buf_puts(&out, i > 0 ? "," : "");
	}
	buf_puts(&out, "]}\n");
	return body_of(&out);
}
