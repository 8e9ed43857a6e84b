/*
 * The instances of the MIB: values by hand, and GET and GETNEXT on random
 * tables with gaps against a list that is searched from its start.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentx_table.h"
#include "dice.h"
#include "mock_snapshot.h"
#include "outcome.h"

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

enum {
	TARGETS = 12,
	CLUSTERS = 4,
	INSTANCES = 20000,
	ROUNDS = 60,
	ASKED = 400
};

/* What a snapshot of the daemon has besides items. */
struct stage {
	struct roster roster;
	struct roster_entry entry[TARGETS];
	struct roster_cluster cluster[CLUSTERS];
	struct target target[TARGETS];
	char labels[TARGETS][160];
	struct snapshot *snapshot;
};

static struct stage *
stage_new(void)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->snapshot = mock_snapshot();
	s->snapshot->windows = 2;
	s->snapshot->roster = &s->roster;
	s->roster.entry = s->entry;
	s->roster.cluster = s->cluster;
	return s;
}

static void
stage_free(struct stage *s)
{
	snapshot_unref(s->snapshot);
	free(s);
}

static void
stage_cluster(struct stage *s, uint32_t index, const char *name)
{
	struct roster_cluster *c = &s->cluster[s->roster.clusters++];

	c->index = index;
	assert_true(strlen(name) < sizeof(c->name));
	memcpy(c->name, name, strlen(name) + 1);
}

/* Its labels; the items are the caller's. */
static const char *
stage_target(struct stage *s, uint32_t index, const char *name,
    const char *transport, const char *cluster)
{
	size_t i = s->roster.entries++;

	snprintf(s->labels[i], sizeof(s->labels[i]),
	    "target=\"%s\",transport=\"%s\",media_cluster=\"%s\"", name,
	    transport, cluster);
	s->target[i].index = index;
	s->target[i].labels = s->labels[i];
	s->entry[i].target = &s->target[i];
	return s->labels[i];
}

/* ---- values ---- */

#define GET(t, v, ...)                                                         \
	agentx_tree_get(agentx_table_tree(t), (const uint32_t[]){__VA_ARGS__}, \
	    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), v)

static void
assert_number(struct agentx_table *t, enum agentx_type type, uint64_t want,
    const struct agentx_value *v)
{
	assert_int_equal(v->type, type);
	assert_int_equal(v->number, want);
}

static void
put_example(struct stage *s)
{
	const char *labels =
	    stage_target(s, 7, "edge \\\"1\\\"", "tls", "fra1");
	struct snap_target *t = MOCK(s->snapshot, target, labels);
	struct snap_tls *tls = MOCK(s->snapshot, tls, labels);
	struct snap_rtt *h =
	    MOCK(s->snapshot, rtt, "transport=\"tls\",media_cluster=\"fra1\"");

	stage_cluster(s, 3, "fra1");
	MOCK(s->snapshot, cluster, "media_cluster=\"fra1\"")->info =
	    "class=\"video_mesh\"";
	t->info = "host=\"h\",address=\"2001:db8::1\",port=\"443\"";
	t->last_rtt = 12345678;
	t->interval = 86400 * SEC;
	t->up = 1;
	t->state = STATE_DEGRADED;
	t->requests = UINT64_C(0x123456789a);
	t->probe_at = MOCK_NOW;
	t->since = MOCK_NOW - 5 * SEC;
	t->timeout = 3 * SEC / 2;
	t->rtt_sum = 5000 * SEC + 999;
	h->rtt.bucket[0] = 2;
	h->rtt.bucket[1] = 3;
	h->rtt.bucket[STATS_BUCKETS - 1] = 1;
	MOCK(s->snapshot, missed, "reason=\"stall\"")->count = 5;
	MOCK(s->snapshot, missed, "reason=\"overrun\"")->count = 6;
	tls->cert = "fingerprint_sha256=\"00ff7a\"";
	tls->not_after = MOCK_NOW - 3600 * SEC;
	MOCK(s->snapshot, agent, "")->started_at = MOCK_NOW;
}

static void
check_target(struct agentx_table *t)
{
	/* 2023-05-24T10:11:12.5Z (RFC 2579, DateAndTime) */
	static const uint8_t date[] = {
	    0x07, 0xe7, 5, 24, 10, 11, 12, 5, '+', 0, 0};
	struct agentx_value v;

	assert_true(GET(t, &v, 3, 1, 1, 2, 7));
	assert_int_equal(v.type, AGENTX_OCTETS);
	assert_memory_equal(v.octets, "edge \"1\"", v.len);
	assert_true(GET(t, &v, 3, 1, 1, 4, 7));
	assert_number(t, AGENTX_UNSIGNED, 3, &v);
	assert_true(GET(t, &v, 3, 1, 1, 5, 7));
	assert_number(t, AGENTX_INTEGER, 3, &v);
	assert_true(GET(t, &v, 3, 1, 1, 7, 7));
	assert_number(t, AGENTX_INTEGER, 2, &v);
	assert_true(GET(t, &v, 3, 1, 1, 8, 7));
	assert_int_equal(v.len, 16);
	assert_true(GET(t, &v, 3, 1, 1, 9, 7));
	assert_number(t, AGENTX_UNSIGNED, 443, &v);
	assert_true(GET(t, &v, 3, 1, 1, 11, 7));
	assert_number(t, AGENTX_UNSIGNED, 86400000, &v);
	assert_true(GET(t, &v, 3, 1, 1, 13, 7));
	assert_number(t, AGENTX_INTEGER, 3, &v);
	assert_true(GET(t, &v, 3, 1, 1, 17, 7));
	assert_number(t, AGENTX_UNSIGNED, 12345, &v);
	assert_true(GET(t, &v, 3, 1, 1, 25, 7));
	assert_number(t, AGENTX_COUNTER64, UINT64_C(0x123456789a), &v);
	assert_true(GET(t, &v, 3, 1, 1, 15, 7));
	assert_int_equal(v.len, sizeof(date));
	assert_memory_equal(v.octets, date, sizeof(date));
	/* The agent had run for 60 s when the snapshot was taken. */
	assert_true(GET(t, &v, 3, 1, 1, 23, 7));
	assert_number(t, AGENTX_TICKS, 5500, &v);
}

/* Counter64 of microseconds, milliseconds, and whole days. */
static void
check_forms(struct agentx_table *t, struct stage *s)
{
	struct snap_tls *tls = SNAP(s->snapshot, tls);
	struct agentx_value v;

	assert_true(GET(t, &v, 3, 1, 1, 12, 7));
	assert_number(t, AGENTX_UNSIGNED, 1500, &v);
	assert_true(GET(t, &v, 3, 1, 1, 22, 7));
	assert_number(t, AGENTX_COUNTER64, UINT64_C(5000000000), &v);
	assert_true(GET(t, &v, 1, 2, 0));
	assert_int_equal(v.len, 11);
	assert_memory_equal(v.octets, "\x07\xe7\x05\x18", 4);
	/* An hour ago is one day too late; a day, less one ns, is none. */
	assert_true(GET(t, &v, 5, 1, 1, 8, 7));
	assert_number(t, AGENTX_INTEGER, (uint64_t)-1, &v);
	tls->not_after = MOCK_NOW + 86400 * SEC - 1;
	assert_true(GET(t, &v, 5, 1, 1, 8, 7));
	assert_number(t, AGENTX_INTEGER, 0, &v);
	tls->not_after = MOCK_NOW + 21 * 86400 * SEC;
	assert_true(GET(t, &v, 5, 1, 1, 8, 7));
	assert_number(t, AGENTX_INTEGER, 21, &v);
	tls->not_after = STATS_NONE;
	assert_false(GET(t, &v, 5, 1, 1, 8, 7));
}

static void
test_values(void **state)
{
	struct stage *s = stage_new();
	struct agentx_table *t = agentx_table_new();
	struct agentx_value v;

	put_example(s);
	agentx_table_show(t, s->snapshot, MOCK_NOW - (int64_t)(60 * SEC));
	check_target(t);
	assert_true(GET(t, &v, 1, 14, 0));
	assert_number(t, AGENTX_COUNTER64, 11, &v);
	assert_true(GET(t, &v, 2, 1, 1, 3, 3));
	assert_number(t, AGENTX_INTEGER, 2, &v);
	/* Cumulative: to 100 us, to 250 us, all. */
	assert_true(GET(t, &v, 4, 2, 1, 2, 3, 3, 0, 100));
	assert_number(t, AGENTX_COUNTER64, 2, &v);
	assert_true(GET(t, &v, 4, 2, 1, 2, 3, 3, 0, 250));
	assert_number(t, AGENTX_COUNTER64, 5, &v);
	assert_true(GET(t, &v, 4, 2, 1, 2, 3, 3, 0, UINT32_MAX));
	assert_number(t, AGENTX_COUNTER64, 6, &v);
	assert_true(GET(t, &v, 5, 1, 1, 6, 7));
	assert_int_equal(v.len, 3);
	assert_memory_equal(v.octets, "\x00\xff\x7a", 3);
	check_forms(t, s);
	agentx_table_free(t);
	stage_free(s);
}

static void
test_what_is_not_there(void **state)
{
	struct stage *s = stage_new();
	struct agentx_table *t = agentx_table_new();
	struct agentx_value v;
	struct agentx_instance o;

	assert_false(GET(t, &v, 1, 14, 0));
	assert_false(agentx_tree_next(agentx_table_tree(t), NULL, 0, &o));
	assert_false(agentx_table_cell(t, "TargetName", 7, &o));
	put_example(s);
	agentx_table_show(t, s->snapshot, 0);
	assert_true(agentx_table_cell(t, "TargetName", 7, &o));
	assert_int_equal(o.oid.len, 5);
	assert_true(o.oid.sub[3] == 2 && o.oid.sub[4] == 7);
	assert_int_equal(o.value.type, AGENTX_OCTETS);
	assert_false(agentx_table_cell(t, "TargetName", 8, &o));
	assert_false(agentx_table_cell(t, "TargetNam", 7, &o));
	assert_false(GET(t, &v, 3, 1, 1, 2, 8));    /* no such row */
	assert_false(GET(t, &v, 3, 1, 1, 2));	    /* no index */
	assert_false(GET(t, &v, 3, 1, 1, 2, 7, 0)); /* too long */
	assert_false(GET(t, &v, 3, 1, 1, 1, 7));    /* an index */
	assert_false(GET(t, &v, 3, 1, 1, 10, 7));   /* never was */
	assert_false(GET(t, &v, 3, 1, 1, 16, 7));   /* no value */
	assert_false(GET(t, &v, 3, 1, 2, 2, 7));    /* no entry */
	assert_false(GET(t, &v, 1, 14));	    /* no instance */
	assert_false(GET(t, &v, 1, 14, 1));	    /* scalar's */
	assert_false(GET(t, &v, 1, 14, 0, 0));
	assert_false(GET(t, &v, 4, 2, 1, 2, 3, 3, 0, 99)); /* no bound */
	assert_false(GET(t, &v, 99));
	agentx_table_free(t);
	stage_free(s);
}

/* What moves by more than 32 bits of µs hold stays at the most. */
static void
test_gauges(void **state)
{
	struct agentx_value v;
	const struct stats_desc d = {
	    .nature = STATS_GAUGE, .unit = UNIT_NANOSECONDS};
	const struct stats_desc offset = {
	    .nature = STATS_GAUGE, .unit = UNIT_OFFSET};

	assert_int_equal(agentx_value_gauge(UNIT_NANOSECONDS, 999), 0);
	assert_int_equal(agentx_value_gauge(UNIT_NANOSECONDS, 1999), 1);
	assert_int_equal(
	    agentx_value_gauge(UNIT_NANOSECONDS, 5000 * SEC), UINT32_MAX);
	assert_int_equal(agentx_value_gauge(UNIT_PPM, 1000000), 1000000);
	assert_false(agentx_value_number(&v, &d, STATS_NONE, 0));
	assert_true(agentx_value_number(&v, &d, 0, 0));
	assert_int_equal(v.number, 0);
	assert_true(agentx_value_number(
	    &v, &offset, (uint64_t)INT64_C(-61000001999), 0));
	assert_int_equal(v.type, AGENTX_INTEGER);
	assert_int_equal((int64_t)v.number, -61000001);
	assert_true(agentx_value_number(&v, &offset, INT64_MAX, 0));
	assert_int_equal((int64_t)v.number, INT32_MAX);
	assert_true(agentx_value_number(&v, &offset, (uint64_t)INT64_MIN, 0));
	assert_int_equal((int64_t)v.number, INT32_MIN);
}

/* RFC 3411: at most 255 octets; no half of a character at the end. */
static void
test_long_text(void **state)
{
	struct agentx_value v;
	char text[400];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_true(agentx_value_text(&v, MIB_FORM_TEXT, text));
	assert_int_equal(v.len, 255);
	memcpy(text + 253, "\xe2\x82\xac", 3);
	assert_true(agentx_value_text(&v, MIB_FORM_TEXT, text));
	assert_int_equal(v.len, 253);
	assert_false(agentx_value_text(&v, MIB_FORM_HEX, "0"));
	assert_false(agentx_value_text(&v, MIB_FORM_HEX, "zz"));
	assert_false(agentx_value_text(&v, MIB_FORM_ADDRESS, "nowhere"));
}

/* ---- random tables ---- */

/* Every number of an item anew; some are not known. */
static void
fill_random(struct dice *d, enum stats_scope scope, void *item)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *r = &stats_table[i];

		if (r->scope != scope || r->nature == STATS_INFO ||
		    r->nature == STATS_HISTOGRAM)
			continue;
		*(uint64_t *)(void *)((char *)item + r->offset) =
		    dice_below(d, 3) == 0 ? STATS_NONE : dice_below(d, 5);
	}
}

static void
put_random(
    struct dice *d, struct stage *s, enum stats_scope scope, const char *labels)
{
	fill_random(d, scope, mock_item(s->snapshot, scope, labels));
}

static void
put_groups(struct dice *d, struct stage *s)
{
	static const char *const transport[] = {"udp", "tcp", "tls"};
	char text[200];

	/* In the order of their texts, which is not that of their indexes,
	 * and one that is configured no more. */
	for (unsigned c = 0; c < CLUSTERS + 1; c++)
		for (unsigned k = 0; k < 3; k++) {
			if (dice_below(d, 3) == 0)
				continue;
			snprintf(text, sizeof(text),
			    "transport=\"%s\",media_cluster=\"c%u\"",
			    transport[k], c);
			put_random(d, s, SCOPE_rtt, text);
			for (unsigned o = 2; o < OUTCOME_END; o++) {
				snprintf(text, sizeof(text),
				    "transport=\"%s\",media_cluster=\"c%u\","
				    "reason=\"%s\"",
				    transport[k], c,
				    outcome_label((enum outcome)o));
				put_random(d, s, SCOPE_failure, text);
			}
		}
}

static struct stage *
stage_random(struct dice *d)
{
	struct stage *s = stage_new();
	unsigned n = (unsigned)dice_below(d, TARGETS);
	uint32_t index = 0;
	char text[200];

	for (unsigned i = 0; i < CLUSTERS; i++) {
		index += 1 + (uint32_t)dice_below(d, 3);
		snprintf(text, sizeof(text), "c%u", CLUSTERS - 1 - i);
		stage_cluster(s, index, text);
		snprintf(text, sizeof(text), "media_cluster=\"c%u\"",
		    CLUSTERS - 1 - i);
		put_random(d, s, SCOPE_cluster, text);
	}
	for (unsigned i = 0, at = 0; i < n; i++) {
		const char *labels;

		at += 1 + (unsigned)dice_below(d, 4);
		snprintf(text, sizeof(text), "t%u", i);
		labels = stage_target(s, at, text, "udp", "c0");
		put_random(d, s, SCOPE_target, labels);
		if (dice_below(d, 2) == 0)
			put_random(d, s, SCOPE_tls, labels);
		for (unsigned w = 0; w < 2; w++) {
			snprintf(text, sizeof(text), "%s,window=\"%um\"",
			    labels, w == 0 ? 1 : 5);
			put_random(d, s, SCOPE_window, text);
		}
	}
	put_groups(d, s);
	if (dice_below(d, 2) == 0)
		put_random(d, s, SCOPE_agent, "");
	return s;
}

static int
order(const struct agentx_oid *a, const uint32_t *sub, size_t n)
{
	for (size_t i = 0; i < a->len && i < n; i++)
		if (a->sub[i] != sub[i])
			return a->sub[i] < sub[i] ? -1 : 1;
	return a->len < n ? -1 : a->len > n;
}

/* Every instance in order, found by a walk. */
static size_t
walk(struct agentx_table *t, struct agentx_oid *all)
{
	struct agentx_oid at = {.len = 0};
	struct agentx_instance i;
	struct agentx_value again;
	size_t n = 0;

	while (agentx_tree_next(agentx_table_tree(t), at.sub, at.len, &i)) {
		all[n] = i.oid;
		assert_int_equal(order(&all[n], at.sub, at.len), 1);
		assert_true(agentx_tree_get(
		    agentx_table_tree(t), all[n].sub, all[n].len, &again));
		assert_int_equal(i.value.type, again.type);
		if (i.value.type != AGENTX_OCTETS)
			assert_int_equal(i.value.number, again.number);
		at = all[n++];
		assert_true(n < INSTANCES);
	}
	return n;
}

/* How many there must be: every cell with a value of an item with a key. */
static size_t
cells(const struct stage *s)
{
	size_t columns, n = 0;
	struct mib_column *c = mib_columns_new(&columns);

	for (size_t i = 0; i < columns; i++) {
		const struct stats_items *items =
		    &s->snapshot->scope[c[i].table->scope];
		size_t size = stats_scopes[c[i].table->scope].size;

		for (size_t k = 0; k < items->count; k++) {
			const char *item = (const char *)items->item + k * size;
			const char *labels =
			    *(const char *const *)(const void *)item;
			const void *field = item + c[i].offset;

			if (c[i].source == MIB_OF_INDEX ||
			    strstr(labels, "\"c4\"") != NULL)
				continue;
			if (c[i].source == MIB_OF_LABEL)
				n += c[i].offset == 0;
			else if (c[i].source == MIB_OF_AGAIN)
				n += *(const uint64_t *)field != STATS_NONE;
			else if (c[i].stat->nature == STATS_HISTOGRAM)
				n += STATS_BUCKETS;
			else
				n += *(const uint64_t *)field != STATS_NONE;
		}
	}
	free(c);
	return n;
}

/* An OID near one that is there: shorter, longer, a bit more or less. */
static size_t
near(struct dice *d, const struct agentx_oid *o, uint32_t *sub)
{
	size_t n = o->len, i;

	memcpy(sub, o->sub, n * sizeof(*sub));
	for (unsigned changes = (unsigned)dice_below(d, 3); changes > 0;
	     changes--) {
		switch (dice_below(d, 4)) {
		case 0:
			n -= n > 0 ? dice_below(d, n) : 0;
			break;
		case 1:
			sub[n++] = (uint32_t)dice_below(d, 3);
			break;
		case 2:
			i = n > 0 ? dice_below(d, n) : 0;
			sub[i]++;
			break;
		default:
			i = n > 0 ? dice_below(d, n) : 0;
			sub[i]--; /* 0 becomes the greatest: as good */
			break;
		}
	}
	return n;
}

static void
check_around(struct dice *d, struct agentx_table *t,
    const struct agentx_oid *all, size_t n)
{
	uint32_t sub[32];
	struct agentx_instance next;
	struct agentx_value v;

	for (unsigned k = 0; k < ASKED && n > 0; k++) {
		size_t len = near(d, &all[dice_below(d, n)], sub), i = 0;

		while (i < n && order(&all[i], sub, len) <= 0)
			i++;
		assert_int_equal(
		    agentx_tree_next(agentx_table_tree(t), sub, len, &next),
		    i < n);
		if (i < n)
			assert_int_equal(
			    order(&next.oid, all[i].sub, all[i].len), 0);
		assert_int_equal(
		    agentx_tree_get(agentx_table_tree(t), sub, len, &v),
		    i > 0 && order(&all[i - 1], sub, len) == 0);
	}
}

static void
test_random(void **state)
{
	struct agentx_oid *all = calloc(INSTANCES, sizeof(*all));
	struct agentx_table *t = agentx_table_new();

	assert_non_null(all);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct dice d = dice_case(round);
		struct stage *s = stage_random(&d);
		size_t n;

		agentx_table_show(t, s->snapshot, 0);
		n = walk(t, all);
		assert_int_equal(n, cells(s));
		check_around(&d, t, all, n);
		/* The table lets go of one when it is shown the next. */
		agentx_table_free(t);
		t = agentx_table_new();
		stage_free(s);
	}
	agentx_table_free(t);
	free(all);
}

/* Histograms by target are rows of the same table. */
static void
test_histograms_by_target(void **state)
{
	struct stage *s = stage_new();
	struct agentx_table *t = agentx_table_new();
	struct agentx_value v;

	stage_cluster(s, 9, "x");
	for (unsigned i = 0; i < 3; i++) {
		char name[8];
		const char *labels;

		snprintf(name, sizeof(name), "t%u", i);
		labels = stage_target(s, 10 + i, name, "udp", "x");
		MOCK(s->snapshot, rtt, labels)->rtt.bucket[0] = i;
	}
	agentx_table_show(t, s->snapshot, 0);
	assert_true(GET(t, &v, 4, 2, 1, 2, 9, 1, 12, 100));
	assert_int_equal(v.number, 2);
	assert_false(GET(t, &v, 4, 2, 1, 2, 9, 1, 0, 100));
	agentx_table_free(t);
	stage_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_what_is_not_there),
	    cmocka_unit_test(test_gauges),
	    cmocka_unit_test(test_long_text),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_histograms_by_target),
	};

	return cmocka_run_group_tests_name("agentx_table", tests, NULL, NULL);
}
