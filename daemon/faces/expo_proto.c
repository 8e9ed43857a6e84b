/*
 * io.prometheus.client from stats_table. A family's length stands before it,
 * so it is measured first and written then, a metric at a time: its metrics
 * never stand in memory together. Field numbers are those of metrics.proto
 * (github.com/prometheus/client_model).
 */
#include "build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "expo_proto.h"
#include "expo_text.h"
#include "snapshot.h"
#include "stats.h"
#include "wire_proto.h"
#include "word.h"

enum {
	PIECE = 16 * 1024,
	GAP_MOST = 2 /* empty native buckets that are cheaper than a span */
};

enum family_field { FAMILY_NAME = 1, FAMILY_HELP, FAMILY_TYPE, FAMILY_METRIC };
enum type { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_HISTOGRAM = 4 };
enum metric_field {
	METRIC_LABEL = 1,
	METRIC_GAUGE = 2,
	METRIC_COUNTER = 3,
	METRIC_HISTOGRAM = 7
};
enum label_field { LABEL_NAME = 1, LABEL_VALUE = 2 };
enum value_field { VALUE = 1, COUNTER_CREATED = 3 };
enum time_field { TIME_SECONDS = 1, TIME_NANOS = 2 };
enum exemplar_field { EXEMPLAR_LABEL = 1, EXEMPLAR_VALUE, EXEMPLAR_TIME };
enum bucket_field { BUCKET_COUNT = 1, BUCKET_BOUND, BUCKET_EXEMPLAR };
enum histogram_field {
	HISTOGRAM_COUNT = 1,
	HISTOGRAM_SUM = 2,
	HISTOGRAM_BUCKET = 3,
	HISTOGRAM_SCHEMA = 5,
	HISTOGRAM_ZERO_THRESHOLD = 6,
	HISTOGRAM_ZERO_COUNT = 7,
	HISTOGRAM_SPAN = 12,
	HISTOGRAM_DELTA = 13,
	HISTOGRAM_CREATED = 15
};
enum span_field { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };

struct expo_proto {
	struct snapshot *snapshot; /* a reference */
	unsigned row;
	size_t item;
	unsigned state; /* of a state set: the next word */
	bool headed;	/* length, name, help and type are written */
	/* Scratch: a whole metric, and messages within messages. */
	struct buf metric, value, inner, pair;
};

static double
number(uint64_t v, unsigned digits)
{
	static const double power[] = {
	    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

	return (double)v / power[digits];
}

/* ---- parts of a metric ---- */

/* The text up to the quote that ends it, \" \\ \n undone; where it ends. */
static const char *
take_value(const char *p, struct buf *out)
{
	buf_reset(out);
	for (; *p != '"' && *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0') {
			p++;
			buf_putc(out, *p == 'n' ? '\n' : *p);
		} else {
			buf_putc(out, *p);
		}
	}
	return *p == '"' ? p + 1 : p;
}

/* name="value",name="value" as messages of the field. */
static void
put_labels(
    struct expo_proto *w, struct buf *to, unsigned field, const char *labels)
{
	while (labels != NULL && *labels != '\0') {
		const char *end = strchr(labels, '=');

		if (end == NULL)
			return;
		buf_reset(&w->pair);
		wire_proto_bytes(
		    &w->pair, LABEL_NAME, labels, (size_t)(end - labels));
		labels = take_value(end + 2, &w->inner);
		wire_proto_message(&w->pair, LABEL_VALUE, &w->inner);
		wire_proto_message(to, field, &w->pair);
		if (*labels == ',')
			labels++;
	}
}

static void
put_time(struct expo_proto *w, struct buf *to, unsigned field, uint64_t real)
{
	buf_reset(&w->pair);
	wire_proto_uint(&w->pair, TIME_SECONDS, real / CLOCK_SEC);
	wire_proto_uint(&w->pair, TIME_NANOS, real % CLOCK_SEC);
	wire_proto_message(to, field, &w->pair);
}

/*
 * When a count was 0: counts that began in an earlier process have no such
 * moment that is known here.
 */
static uint64_t
created(
    const struct expo_proto *w, const struct stats_desc *d, const char *item)
{
	bool kept = d->scope == SCOPE_target || d->scope == SCOPE_failure ||
		    d->scope == SCOPE_rtt;

	if (kept && w->snapshot->restored)
		return STATS_NONE;
	if (d->scope == SCOPE_target)
		return ((const struct snap_target *)(const void *)item)->since;
	return SNAP_COUNT(w->snapshot, agent) > 0
		   ? SNAP(w->snapshot, agent)[0].started_at
		   : STATS_NONE;
}

/* ---- histograms ---- */

static void
put_exemplar(struct expo_proto *w, struct buf *to, unsigned field,
    const struct snap_exemplar *e, unsigned digits)
{
	struct buf x = BUF_INIT;

	put_labels(w, &x, EXEMPLAR_LABEL, e->labels);
	wire_proto_double(&x, EXEMPLAR_VALUE, number(e->value, digits));
	put_time(w, &x, EXEMPLAR_TIME, e->at);
	to->err |= x.err;
	wire_proto_message(to, field, &x);
	buf_free(&x);
}

static void
put_buckets(struct expo_proto *w, const struct snap_hist *h, unsigned digits)
{
	struct buf b = BUF_INIT;
	uint64_t sum = 0;

	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		sum += h->bucket[i];
		buf_reset(&b);
		wire_proto_uint(&b, BUCKET_COUNT, sum);
		wire_proto_double(&b, BUCKET_BOUND,
		    i < STATS_BOUNDS ? number(stats_bounds[i], digits)
				     : HUGE_VAL);
		if (h->exemplar != NULL && h->exemplar[i].labels != NULL)
			put_exemplar(
			    w, &b, BUCKET_EXEMPLAR, &h->exemplar[i], digits);
		w->value.err |= b.err;
		wire_proto_message(&w->value, HISTOGRAM_BUCKET, &b);
	}
	buf_free(&b);
}

static void
put_span(struct expo_proto *w, int offset, unsigned length)
{
	buf_reset(&w->pair);
	wire_proto_sint(&w->pair, SPAN_OFFSET, offset);
	wire_proto_uint(&w->pair, SPAN_LENGTH, length);
	wire_proto_message(&w->value, HISTOGRAM_SPAN, &w->pair);
}

/* Empty buckets from `at` on. */
static unsigned
gap(const struct snap_native *n, unsigned at)
{
	unsigned k = at;

	while (k < n->n && n->count[k] == 0)
		k++;
	return k - at;
}

/*
 * Spans of buckets with something in them, and the differences of their
 * counts. Without any there is one span of none: else it would not be seen
 * that the histogram is a native one.
 */
static void
put_spans(struct expo_proto *w, const struct snap_native *n)
{
	int offset = STATS_NATIVE_FIRST + (int)n->first;
	uint64_t before = 0;
	unsigned k = 0;

	buf_reset(&w->inner);
	if (n->n == 0)
		put_span(w, 0, 0);
	while (k < n->n) {
		unsigned from = k, empty = 0;

		while (k < n->n && (empty = gap(n, k)) <= GAP_MOST) {
			for (unsigned end = k + empty + 1; k < end; k++) {
				wire_proto_signed(
				    &w->inner, (int64_t)(n->count[k] - before));
				before = n->count[k];
			}
		}
		put_span(w, offset, k - from);
		offset = (int)empty;
		k += empty;
	}
	wire_proto_message(&w->value, HISTOGRAM_DELTA, &w->inner);
}

static bool
put_histogram(
    struct expo_proto *w, const struct stats_desc *d, const char *item)
{
	const struct snap_hist *h = (const void *)(item + d->offset);
	unsigned digits = stats_units[d->unit].digits;
	uint64_t at = created(w, d, item);

	if (h->count == STATS_NONE)
		return false;
	wire_proto_uint(&w->value, HISTOGRAM_COUNT, h->count);
	wire_proto_double(&w->value, HISTOGRAM_SUM, number(h->sum, digits));
	put_buckets(w, h, digits);
	if (h->native != NULL) {
		wire_proto_sint(
		    &w->value, HISTOGRAM_SCHEMA, STATS_NATIVE_SCHEMA);
		wire_proto_double(
		    &w->value, HISTOGRAM_ZERO_THRESHOLD, STATS_NATIVE_ZERO);
		wire_proto_uint(
		    &w->value, HISTOGRAM_ZERO_COUNT, h->native->zero);
		put_spans(w, h->native);
	}
	if (at != STATS_NONE)
		put_time(w, &w->value, HISTOGRAM_CREATED, at);
	wire_proto_message(&w->metric, METRIC_HISTOGRAM, &w->value);
	return true;
}

/* ---- metrics ---- */

static double
number_of(const struct stats_desc *d, uint64_t v)
{
	const struct stats_unit_desc *u = &stats_units[d->unit];

	if (u->is_signed && (int64_t)v < 0)
		return -number(0 - v, u->digits);
	return number(v, u->digits);
}

static bool
put_number(struct expo_proto *w, const struct stats_desc *d, const char *item)
{
	uint64_t v = *(const uint64_t *)(const void *)(item + d->offset);
	uint64_t at =
	    d->nature == STATS_COUNTER ? created(w, d, item) : STATS_NONE;

	if (v == STATS_NONE)
		return false;
	wire_proto_double(&w->value, VALUE, number_of(d, v));
	if (at != STATS_NONE)
		put_time(w, &w->value, COUNTER_CREATED, at);
	wire_proto_message(&w->metric,
	    d->nature == STATS_COUNTER ? METRIC_COUNTER : METRIC_GAUGE,
	    &w->value);
	return true;
}

static void
put_gauge(struct expo_proto *w, double v)
{
	wire_proto_double(&w->value, VALUE, v);
	wire_proto_message(&w->metric, METRIC_GAUGE, &w->value);
}

static bool
put_info(struct expo_proto *w, const struct stats_desc *d, const char *item)
{
	const char *info =
	    *(const char *const *)(const void *)(item + d->offset);

	if (info == NULL || info[0] == '\0')
		return false;
	put_labels(w, &w->metric, METRIC_LABEL, info);
	put_gauge(w, 1);
	return true;
}

/* The sample of one word of the set; w->state is it. */
static bool
put_state(struct expo_proto *w, const struct stats_desc *d, const char *item)
{
	uint64_t v = *(const uint64_t *)(const void *)(item + d->offset);
	enum word_set set = (enum word_set)stats_units[d->unit].words;
	const char *name = word_set_label(set);

	if (v == STATS_NONE)
		return false;
	buf_reset(&w->pair);
	wire_proto_bytes(&w->pair, LABEL_NAME, name, strlen(name));
	name = word_label(set, w->state);
	wire_proto_bytes(&w->pair, LABEL_VALUE, name, strlen(name));
	wire_proto_message(&w->metric, METRIC_LABEL, &w->pair);
	put_gauge(w, v == w->state);
	return true;
}

/* The next metric of the row, in w->metric; false: there is none of it. */
static bool
make_metric(struct expo_proto *w, const struct stats_desc *d)
{
	const struct stats_items *s = &w->snapshot->scope[d->scope];
	const char *item =
	    (const char *)s->item + w->item * stats_scopes[d->scope].size;

	buf_reset(&w->metric);
	buf_reset(&w->value);
	/* Every item begins with its labels (stats.h). */
	put_labels(w, &w->metric, METRIC_LABEL,
	    *(const char *const *)(const void *)item);
	switch (d->nature) {
	case STATS_INFO:
		return put_info(w, d, item);
	case STATS_STATESET:
		return put_state(w, d, item);
	case STATS_HISTOGRAM:
		return put_histogram(w, d, item);
	default:
		return put_number(w, d, item);
	}
}

/* False when the row has no more. */
static bool
step(struct expo_proto *w, const struct stats_desc *d)
{
	if (d->nature == STATS_STATESET &&
	    ++w->state < word_end(stats_units[d->unit].words))
		return true;
	w->state = 1;
	return ++w->item < w->snapshot->scope[d->scope].count;
}

static bool
failed(const struct expo_proto *w)
{
	return w->metric.err || w->value.err || w->inner.err || w->pair.err;
}

/* ---- families ---- */

/* Bytes of all metrics of the row as fields of their family. */
static uint64_t
measure(struct expo_proto *w, const struct stats_desc *d)
{
	uint64_t n = 0;

	w->item = 0;
	w->state = 1;
	do {
		if (make_metric(w, d)) {
			buf_reset(&w->value);
			wire_proto_uint(
			    &w->value, FAMILY_METRIC, w->metric.len);
			n += w->value.len + w->metric.len;
		}
	} while (step(w, d));
	w->item = 0;
	w->state = 1;
	return n;
}

static void
put_head(struct expo_proto *w, const struct stats_desc *d, struct buf *out)
{
	uint64_t metrics = measure(w, d);
	enum type type = TYPE_GAUGE;

	w->headed = true;
	if (metrics == 0)
		return;
	if (d->nature == STATS_COUNTER)
		type = TYPE_COUNTER;
	else if (d->nature == STATS_HISTOGRAM)
		type = TYPE_HISTOGRAM;
	buf_reset(&w->inner);
	expo_text_sample(d, &w->inner);
	buf_reset(&w->value);
	wire_proto_message(&w->value, FAMILY_NAME, &w->inner);
	wire_proto_bytes(&w->value, FAMILY_HELP, d->help, strlen(d->help));
	wire_proto_uint(&w->value, FAMILY_TYPE, type);
	wire_proto_varint(out, w->value.len + metrics);
	buf_put(out, w->value.data, w->value.len);
}

static void
put_row(struct expo_proto *w, const struct stats_desc *d, struct buf *out)
{
	bool on = true;

	if (!w->headed)
		put_head(w, d, out);
	while (on && out->len < PIECE && !failed(w)) {
		if (make_metric(w, d))
			wire_proto_message(out, FAMILY_METRIC, &w->metric);
		on = step(w, d);
	}
	out->err |= failed(w);
	if (on)
		return;
	w->row++;
	w->headed = false;
}

static bool
more(void *arg, struct buf *out)
{
	struct expo_proto *w = arg;

	while (w->row < stats_rows && out->len < PIECE && !out->err) {
		const struct stats_desc *d = &stats_table[w->row];

		if (d->family[0] == '\0' ||
		    w->snapshot->scope[d->scope].count == 0)
			w->row++;
		else
			put_row(w, d, out);
	}
	return w->row < stats_rows;
}

static void
free_proto(void *arg)
{
	struct expo_proto *w = arg;

	snapshot_unref(w->snapshot);
	buf_free(&w->metric);
	buf_free(&w->value);
	buf_free(&w->inner);
	buf_free(&w->pair);
	free(w);
}

struct body *
expo_proto_body(struct snapshot *s)
{
	static const struct body_kind kind = {more, free_proto};
	struct expo_proto *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->snapshot = snapshot_ref(s);
	return body_new(&kind, w);
}
