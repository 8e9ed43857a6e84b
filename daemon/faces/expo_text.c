/*
 * Prometheus text 0.0.4 and OpenMetrics 1.0.0 from stats_table. Numbers are
 * integers that are printed as exact decimals and labels come escaped, so
 * that a sample is little more than two copies: about 10 ns.
 */
#include "build.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "expo_text.h"
#include "snapshot.h"
#include "stats.h"
#include "word.h"

enum {
	PIECE = 16 * 1024, /* what one call adds at least: fits in L1 */
	LINE_REST = 64	   /* braces, a comma, a number, a newline */
};

enum { EXTRAS = STATS_BUCKETS };

struct text {
	const char *p;
	size_t n;
};

/* name{labels,extra} value */
struct line {
	struct text name, labels, extra;
	uint64_t value;
	unsigned digits;
	bool is_signed;
};

struct expo_text {
	struct snapshot *snapshot; /* a reference */
	bool openmetrics;
	/* where we are: the row of stats_table and the item of its scope */
	unsigned row;
	size_t item;
	bool named, headed; /* row started; HELP and TYPE written */
	/* the names of the row's samples; a histogram has the last three */
	struct buf sample, bucket, sum, count;
	/* what tells the samples of an item apart: state="up", le="0.1" */
	struct buf extra;
	size_t extra_end[EXTRAS];
	unsigned extras;
	/*
	 * Lengths of the labels of that scope's items: the rows of a scope
	 * follow each other, and to measure anew costs a seventh of all.
	 */
	uint32_t *length;
	enum stats_scope measured;
};

static struct text
text_in(const struct buf *b)
{
	return (struct text){b->data, b->len};
}

static char *
put(char *p, struct text t)
{
	memcpy(p, t.p, t.n);
	return p + t.n;
}

/* buf_reserve() without the call where there is room, as there mostly is. */
static inline char *
reserve(struct buf *out, size_t n)
{
	if (out->size - out->len >= n && !out->err)
		return out->data + out->len;
	return buf_reserve(out, n);
}

static inline void
put_line(struct buf *out, struct line l)
{
	char *p = reserve(out, l.name.n + l.labels.n + l.extra.n + LINE_REST);

	if (p == NULL)
		return;
	p = put(p, l.name);
	if (l.labels.n + l.extra.n > 0) {
		*p++ = '{';
		if (l.labels.n > 0)
			p = put(p, l.labels);
		if (l.labels.n > 0 && l.extra.n > 0)
			*p++ = ',';
		if (l.extra.n > 0)
			p = put(p, l.extra);
		*p++ = '}';
	}
	*p++ = ' ';
	if (l.is_signed && (int64_t)l.value < 0) {
		*p++ = '-';
		l.value = 0 - l.value;
	}
	p = buf_decimal_at(p, l.value, l.digits);
	*p++ = '\n';
	out->len = (size_t)(p - out->data);
}

static void
family_name(const struct stats_desc *d, struct buf *out)
{
	buf_puts(out, d->family);
	buf_puts(out, stats_units[d->unit].suffix);
}

void
expo_text_sample(const struct stats_desc *d, struct buf *out)
{
	family_name(d, out);
	if (d->nature == STATS_COUNTER)
		buf_puts(out, "_total");
	else if (d->nature == STATS_INFO)
		buf_puts(out, "_info");
}

const char *
expo_text_type(const struct stats_desc *d)
{
	/*
	 * An OpenMetrics stateset wants its label named like the family, which
	 * no query would guess; as gauges they read the same in both formats.
	 */
	static const char *const types[] = {
	    [STATS_GAUGE] = "gauge",
	    [STATS_COUNTER] = "counter",
	    [STATS_INFO] = "info",
	    [STATS_STATESET] = "gauge",
	    [STATS_HISTOGRAM] = "histogram",
	};

	return types[d->nature];
}

/* HELP text: text 0.0.4 escapes \ and newline, OpenMetrics " as well. */
static void
put_help(struct buf *out, const char *help, bool openmetrics)
{
	for (; *help != '\0'; help++) {
		if (*help == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*help == '\\' || (openmetrics && *help == '"'))
			buf_putc(out, '\\');
		buf_putc(out, *help);
	}
}

/* A unit's suffix without "_"; what OpenMetrics calls the unit is its end. */
static void
put_unit(struct buf *out, const struct stats_desc *d)
{
	const char *unit = strrchr(stats_units[d->unit].suffix, '_');

	if (unit == NULL)
		return;
	buf_puts(out, "# UNIT ");
	family_name(d, out);
	buf_putc(out, ' ');
	buf_puts(out, unit + 1);
	buf_putc(out, '\n');
}

/*
 * In text 0.0.4 the head carries the name of the samples, and there is no
 * type "info".
 */
static void
put_head(struct buf *out, const struct stats_desc *d, bool openmetrics)
{
	void (*name)(const struct stats_desc *, struct buf *) =
	    openmetrics ? family_name : expo_text_sample;

	buf_puts(out, "# HELP ");
	name(d, out);
	buf_putc(out, ' ');
	put_help(out, d->help, openmetrics);
	buf_puts(out, "\n# TYPE ");
	name(d, out);
	buf_putc(out, ' ');
	buf_puts(out, d->nature == STATS_INFO && !openmetrics
			  ? "gauge"
			  : expo_text_type(d));
	buf_putc(out, '\n');
	if (openmetrics)
		put_unit(out, d);
}

static void
set_name(struct buf *name, const struct stats_desc *d, const char *suffix)
{
	buf_reset(name);
	expo_text_sample(d, name);
	buf_puts(name, suffix);
}

static void
end_extra(struct expo_text *w)
{
	buf_putc(&w->extra, '"');
	w->extra_end[w->extras++] = w->extra.len;
}

static struct text
extra(const struct expo_text *w, unsigned i)
{
	size_t from = i > 0 ? w->extra_end[i - 1] : 0;

	return (struct text){w->extra.data + from, w->extra_end[i] - from};
}

static void
set_states(struct expo_text *w, enum word_set set)
{
	assert(word_end(set) <= EXTRAS + 1);
	for (unsigned n = 1; n < word_end(set); n++) {
		buf_puts(&w->extra, word_set_label(set));
		buf_puts(&w->extra, "=\"");
		buf_puts(&w->extra, word_label(set, n));
		end_extra(w);
	}
}

/*
 * le is spelled as a float, "1.0", in both formats: Prometheus 2 would take
 * "1" for another series than OpenMetrics' "1.0".
 */
static void
set_bounds(struct expo_text *w, unsigned digits)
{
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		size_t at = w->extra.len;

		buf_puts(&w->extra, "le=\"");
		if (i == STATS_BOUNDS)
			buf_puts(&w->extra, "+Inf");
		else
			buf_decimal(&w->extra, stats_bounds[i], digits);
		if (i < STATS_BOUNDS && !w->extra.err &&
		    memchr(w->extra.data + at, '.', w->extra.len - at) == NULL)
			buf_puts(&w->extra, ".0");
		end_extra(w);
	}
}

static const struct stats_items *
items_of(const struct expo_text *w, const struct stats_desc *d)
{
	return &w->snapshot->scope[d->scope];
}

static const char *
item_at(const struct expo_text *w, const struct stats_desc *d, size_t i)
{
	return (const char *)items_of(w, d)->item +
	       i * stats_scopes[d->scope].size;
}

/* Every item begins with its labels (stats.h). */
static const char *
labels_at(const char *item)
{
	return *(const char *const *)(const void *)item;
}

static int
measure(struct expo_text *w, const struct stats_desc *d)
{
	size_t n = items_of(w, d)->count;
	uint32_t *length = realloc(w->length, (n + 1) * sizeof(*length));

	if (length == NULL)
		return -ENOMEM;
	w->length = length;
	for (size_t i = 0; i < n; i++) {
		const char *labels = labels_at(item_at(w, d, i));

		length[i] = labels != NULL ? (uint32_t)strlen(labels) : 0;
	}
	w->measured = d->scope;
	return 0;
}

/* 0 or -ENOMEM. */
static int
start_row(struct expo_text *w, const struct stats_desc *d)
{
	int err = 0;

	w->named = true;
	w->headed = false;
	w->item = 0;
	w->extras = 0;
	buf_reset(&w->extra);
	set_name(&w->sample, d, "");
	if (d->nature == STATS_STATESET)
		set_states(w, (enum word_set)stats_units[d->unit].words);
	if (d->nature == STATS_HISTOGRAM) {
		set_name(&w->bucket, d, "_bucket");
		set_name(&w->sum, d, "_sum");
		set_name(&w->count, d, "_count");
		set_bounds(w, stats_units[d->unit].digits);
	}
	if (w->length == NULL || w->measured != d->scope)
		err = measure(w, d);
	if (w->sample.err | w->bucket.err | w->sum.err | w->count.err |
	    w->extra.err)
		err = -ENOMEM;
	return err;
}

/* HELP and TYPE stand before the first sample; without samples, nowhere. */
static inline void
head(struct expo_text *w, const struct stats_desc *d, struct buf *out)
{
	if (w->headed)
		return;
	put_head(out, d, w->openmetrics);
	w->headed = true;
}

static void
put_info(struct expo_text *w, const struct stats_desc *d, struct buf *out,
    struct line l)
{
	const char *item = item_at(w, d, w->item);
	const char *info =
	    *(const char *const *)(const void *)(item + d->offset);

	if (info == NULL || info[0] == '\0')
		return;
	head(w, d, out);
	l.extra = (struct text){info, strlen(info)};
	l.value = 1;
	put_line(out, l);
}

/* One sample of 0 or 1 per word of the unit's set, labelled by the set. */
static void
put_states(struct expo_text *w, const struct stats_desc *d, struct buf *out,
    struct line l)
{
	const char *item = item_at(w, d, w->item);
	uint64_t state = *(const uint64_t *)(const void *)(item + d->offset);

	if (state == STATS_NONE)
		return;
	head(w, d, out);
	for (unsigned i = 0; i < w->extras; i++) {
		l.extra = extra(w, i);
		l.value = i + 1 == state;
		put_line(out, l);
	}
}

static void
put_histogram(struct expo_text *w, const struct stats_desc *d, struct buf *out,
    struct line l)
{
	const char *item = item_at(w, d, w->item);
	const struct snap_hist *h = (const void *)(item + d->offset);

	if (h->count == STATS_NONE)
		return;
	head(w, d, out);
	l.name = text_in(&w->bucket);
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		l.extra = extra(w, i);
		l.value += h->bucket[i];
		put_line(out, l);
	}
	l.extra.n = 0;
	l.name = text_in(&w->count);
	l.value = h->count;
	put_line(out, l);
	l.name = text_in(&w->sum);
	l.value = h->sum;
	l.digits = stats_units[d->unit].digits;
	put_line(out, l);
}

/* Nearly all samples are made by this loop: little in it but two copies. */
static void
put_numbers(struct expo_text *w, const struct stats_desc *d, struct buf *out)
{
	size_t size = stats_scopes[d->scope].size, n = items_of(w, d)->count, i;
	struct line l = {.name = text_in(&w->sample)};
	const char *item = item_at(w, d, w->item);

	l.digits = stats_units[d->unit].digits;
	l.is_signed = stats_units[d->unit].is_signed;
	for (i = w->item; i < n && out->len < PIECE; i++, item += size) {
		l.value = *(const uint64_t *)(const void *)(item + d->offset);
		if (l.value == STATS_NONE)
			continue;
		head(w, d, out);
		l.labels = (struct text){labels_at(item), w->length[i]};
		put_line(out, l);
	}
	w->item = i;
}

static void
put_others(struct expo_text *w, const struct stats_desc *d, struct buf *out)
{
	size_t n = items_of(w, d)->count;
	struct line l = {.name = text_in(&w->sample)};

	for (; w->item < n && out->len < PIECE; w->item++) {
		l.labels.p = labels_at(item_at(w, d, w->item));
		l.labels.n = w->length[w->item];
		if (d->nature == STATS_INFO)
			put_info(w, d, out, l);
		else if (d->nature == STATS_STATESET)
			put_states(w, d, out, l);
		else
			put_histogram(w, d, out, l);
	}
}

/* The row's next items, until the piece is large enough. */
static void
put_row(struct expo_text *w, const struct stats_desc *d, struct buf *out)
{
	if (!w->named && start_row(w, d) < 0) {
		out->err = true;
		return;
	}
	if (d->nature == STATS_GAUGE || d->nature == STATS_COUNTER)
		put_numbers(w, d, out);
	else
		put_others(w, d, out);
	if (w->item == items_of(w, d)->count) {
		w->row++;
		w->named = false;
	}
}

static bool
more(void *arg, struct buf *out)
{
	struct expo_text *w = arg;

	while (w->row < stats_rows && out->len < PIECE && !out->err) {
		const struct stats_desc *d = &stats_table[w->row];

		if (d->family[0] == '\0' || items_of(w, d)->count == 0)
			w->row++;
		else
			put_row(w, d, out);
	}
	if (w->row < stats_rows)
		return true;
	if (w->openmetrics)
		buf_puts(out, "# EOF\n");
	return false;
}

static void
free_text(void *arg)
{
	struct expo_text *w = arg;

	snapshot_unref(w->snapshot);
	buf_free(&w->sample);
	buf_free(&w->bucket);
	buf_free(&w->sum);
	buf_free(&w->count);
	buf_free(&w->extra);
	free(w->length);
	free(w);
}

struct body *
expo_text_body(struct snapshot *s, bool openmetrics)
{
	static const struct body_kind kind = {more, free_text};
	struct expo_text *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->snapshot = snapshot_ref(s);
	w->openmetrics = openmetrics;
	return body_new(&kind, w);
}
