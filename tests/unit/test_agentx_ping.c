/*
 * DISMAN-PING-MIB: worked-out values, and every OID near a row leads to the
 * next one, on random names and histories against a list that is sorted as
 * OIDs are and searched from its start.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agentx_ping.h"
#include "clock.h"
#include "dice.h"
#include "kind.h"
#include "mock_snapshot.h"
#include "outcome.h"

enum { TARGETS = 10, INSTANCES = 6000, ROUNDS = 40, ASKED = 300 };

struct stage {
	struct roster roster;
	struct roster_entry entry[TARGETS];
	struct target target[TARGETS];
	struct snapshot_history history[TARGETS];
	struct sample sample[TARGETS][PING_KEPT];
	struct snapshot *snapshot;
	struct agentx_ping *ping;
};

static struct stage *
stage_new(unsigned traps)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->snapshot = mock_snapshot();
	s->snapshot->roster = &s->roster;
	s->snapshot->history = s->history;
	s->snapshot->offset = MOCK_NOW;
	s->roster.entry = s->entry;
	s->ping = agentx_ping_new(traps);
	assert_non_null(s->ping);
	return s;
}

static void
stage_free(struct stage *s)
{
	agentx_ping_free(s->ping);
	snapshot_unref(s->snapshot);
	free(s);
}

static struct target *
stage_target(struct stage *s, const char *name, const char *host)
{
	size_t i = s->roster.entries++;
	struct target *t = &s->target[i];

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->probe = "stun";
	t->host = (char *)(uintptr_t)host;
	t->path.transport = TRANSPORT_UDP;
	t->path.timeout_ns = 300 * CLOCK_MS;
	t->interval_ns = 10 * CLOCK_SEC;
	t->count = 5;
	t->port = 5004;
	t->thresholds.down_after = 3;
	s->entry[i].target = t;
	s->history[i].sample = s->sample[i];
	MOCK(s->snapshot, target, name)->state = STATE_UP;
	return t;
}

static void
stage_sample(
    struct stage *s, size_t i, uint64_t sent, uint64_t rtt, enum outcome o)
{
	struct snapshot_history *h = &s->history[i];

	s->sample[i][h->samples++] = sample_make(sent, rtt, o, 0);
	h->last++;
}

/* ---- values ---- */

/* TABLE.1.COLUMN of a target, and a number behind it unless it is 0. */
static bool
get(const struct stage *s, unsigned table, unsigned column, const char *name,
    uint32_t number, struct agentx_value *out)
{
	struct agentx_oid oid = {.sub = {table, 1, column}, .len = 3};

	agentx_ping_key(&oid, name);
	if (number > 0)
		oid.sub[oid.len++] = number;
	return agentx_tree_get(
	    agentx_ping_tree(s->ping), oid.sub, oid.len, out);
}

static void
expect(const struct stage *s, unsigned table, unsigned column, uint64_t want)
{
	struct agentx_value v;

	assert_true(get(s, table, column, "edge", 0, &v));
	assert_true(v.type == AGENTX_INTEGER || v.type == AGENTX_UNSIGNED);
	if (v.number != want)
		print_error("table %u column %u\n", table, column);
	assert_int_equal(v.number, want);
}

static void
expect_octets(const struct stage *s, unsigned table, unsigned column,
    const char *want, size_t len)
{
	struct agentx_value v;

	assert_true(get(s, table, column, "edge", 0, &v));
	assert_int_equal(v.type, AGENTX_OCTETS);
	assert_int_equal(v.len, len);
	assert_memory_equal(v.octets, want, len);
}

static void
test_control(void **state)
{
	static const uint32_t stun_udp[] = {3, 1};
	struct stage *s = stage_new(1 << PING_NOTIFICATION_TEST_FAILED |
				    1 << PING_NOTIFICATION_TEST_COMPLETED);
	struct target *t = stage_target(s, "edge", "node.example.net");
	struct agentx_value v;
	uint32_t root[MIB_ROOT_MAX];
	unsigned n = mib_root(root);

	addr_parse_host(&t->path.addr, "192.0.2.7");
	addr_parse_host(&t->path.source, "2001:db8::1");
	snprintf(t->cluster, sizeof(t->cluster), "fra1");
	t->path.dscp = 46;
	agentx_ping_show(s->ping, s->snapshot);
	expect(s, 2, 3, 16); /* dns */
	expect_octets(s, 2, 4, "node.example.net", 16);
	expect(s, 2, 5, 28);
	expect(s, 2, 6, 1);  /* 0.3 s */
	expect(s, 2, 7, 15); /* three rounds of five */
	expect(s, 2, 8, 1);  /* enabled */
	expect_octets(s, 2, 9, "", 0);
	expect(s, 2, 10, 30); /* three rounds of 10 s */
	expect(s, 2, 11, 50);
	expect(s, 2, 12, 5); /* readOnly */
	expect_octets(s, 2, 13, "\x60", 1);
	expect(s, 2, 14, 1);
	expect(s, 2, 15, 3);
	assert_true(get(s, 2, 16, "edge", 0, &v));
	assert_int_equal(v.type, AGENTX_OID);
	assert_int_equal(v.len, n + 2);
	assert_memory_equal(v.sub, root, n * sizeof(*root));
	assert_memory_equal(v.sub + n, stun_udp, sizeof(stun_udp));
	expect_octets(
	    s, 2, 17, "stun udp node.example.net port 5004 (fra1)", 42);
	expect(s, 2, 18, 2);
	expect_octets(s, 2, 19, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	expect(s, 2, 20, 0);
	expect(s, 2, 21, 2);
	expect(s, 2, 22, 184);
	expect(s, 2, 23, 1);
	/* The address of a name stands in the results. */
	expect(s, 3, 2, 1);
	expect_octets(s, 3, 3, "\xc0\x00\x02\x07", 4);
	stage_free(s);
}

static const struct {
	unsigned requests, size, seconds;
} rounds[] = {{1, 15, 4}, {4, 12, 1}, {7, 14, 1}, {8, 8, 1}, {15, 15, 1},
    {32, 15, 1}, {0, 15, 4}};

/* Whole rounds only; one that is longer than a test is cut. */
static void
test_rounds(void **state)
{
	struct stage *s = stage_new(0);
	struct target *t = stage_target(s, "edge", "192.0.2.7");

	t->interval_ns = 250 * CLOCK_MS;
	agentx_ping_show(s->ping, s->snapshot);
	for (unsigned i = 0; i < sizeof(rounds) / sizeof(rounds[0]); i++) {
		t->count = rounds[i].requests;
		expect(s, 2, 7, rounds[i].size);
		expect(s, 2, 10, rounds[i].seconds);
	}
	t->path.timeout_ns = 90 * CLOCK_SEC;
	t->thresholds.down_after = 200;
	expect(s, 2, 6, 60);
	expect(s, 2, 15, 15);
	stage_free(s);
}

static void
test_results(void **state)
{
	struct stage *s = stage_new(0);
	struct target *t = stage_target(s, "edge", "192.0.2.7");
	struct agentx_value v;

	addr_parse_host(&t->path.addr, "192.0.2.7");
	t->count = 4; /* tests of 12 */
	for (unsigned i = 0; i < 20; i++)
		stage_sample(
		    s, 0, i * CLOCK_SEC, 900 * CLOCK_MS, OUTCOME_ANSWERED);
	/* Of these twelve count, and what was local does not. */
	for (unsigned i = 0; i < 8; i++)
		stage_sample(s, 0, i, 2 * CLOCK_MS + 1, OUTCOME_ANSWERED);
	stage_sample(s, 0, 1, 0, OUTCOME_LOCAL);
	stage_sample(s, 0, 1, 200, OUTCOME_ERROR_RESPONSE);
	stage_sample(s, 0, 1, 0, OUTCOME_TIMEOUT);
	stage_sample(s, 0, 1, 0, OUTCOME_REFUSED);
	stage_sample(s, 0, 1, 10 * CLOCK_MS, OUTCOME_ANSWERED);
	SNAP(s->snapshot, target)[0].success_at = MOCK_NOW;
	agentx_ping_show(s->ping, s->snapshot);
	expect(s, 3, 1, 1);
	expect(s, 3, 2, 0); /* not a name */
	expect_octets(s, 3, 3, "", 0);
	expect(s, 2, 3, 1);
	expect_octets(s, 2, 4, "\xc0\x00\x02\x07", 4);
	expect(s, 3, 4, 1); /* 200 ns are a millisecond */
	expect(s, 3, 5, 10);
	/* (8 * 2000001 + 200 + 10000000) / 10 = 2.6 ms */
	expect(s, 3, 6, 3);
	expect(s, 3, 7, 10);
	expect(s, 3, 8, 12);
	expect(s, 3, 9, 8 * 9 + 1 + 100);
	expect_octets(s, 3, 10, "\x07\xe7\x05\x18\x0a\x0b\x0c\x05+\0\0", 11);
	SNAP(s->snapshot, target)[0].success_at = STATS_NONE;
	assert_false(get(s, 3, 10, "edge", 0, &v));
	s->history[0].samples = 0;
	for (unsigned c = 4; c < 10; c++)
		expect(s, 3, c, 0);
	/* 15 times 18 minutes: more than 32 bits of squares hold. */
	t->count = 1;
	for (unsigned i = 0; i < 15; i++)
		stage_sample(s, 0, 1, SAMPLE_RTT_MAX, OUTCOME_ANSWERED);
	expect(s, 3, 9, UINT32_MAX);
	SNAP(s->snapshot, target)[0].state = STATE_DISABLED;
	expect(s, 3, 1, 2);
	expect(s, 2, 8, 2);
	stage_free(s);
}

struct ending {
	enum outcome outcome;
	uint64_t rtt, ms, status, code;
};

static const struct ending endings[] = {
    {OUTCOME_ANSWERED, 1500000, 2, 1, 0},
    {OUTCOME_ERROR_RESPONSE, 1, 1, 1, OUTCOME_ERROR_RESPONSE},
    {OUTCOME_TIMEOUT, 0, 300, 4, OUTCOME_TIMEOUT},
    {OUTCOME_REFUSED, 0, 0, 2, OUTCOME_REFUSED},
    {OUTCOME_UNREACHABLE, 0, 0, 6, OUTCOME_UNREACHABLE},
    {OUTCOME_DNS, 0, 0, 10, OUTCOME_DNS},
    {OUTCOME_LOCAL, 0, 0, 7, OUTCOME_LOCAL},
};

static void
expect_probe(const struct stage *s, uint32_t number, const struct ending *e)
{
	struct agentx_value v;

	assert_true(get(s, 4, 2, "edge", number, &v));
	assert_int_equal(v.number, e->ms);
	assert_true(get(s, 4, 3, "edge", number, &v));
	assert_int_equal(v.number, e->status);
	assert_true(get(s, 4, 4, "edge", number, &v));
	assert_int_equal(v.number, e->code);
}

static void
test_history(void **state)
{
	struct stage *s = stage_new(0);
	struct agentx_value v;

	stage_target(s, "edge", "192.0.2.7");
	for (unsigned i = 0; i < 7; i++)
		stage_sample(s, 0, (i + 1) * 100 * CLOCK_MS, endings[i].rtt,
		    endings[i].outcome);
	s->history[0].last = 1007;
	agentx_ping_show(s->ping, s->snapshot);
	for (unsigned i = 0; i < 7; i++)
		expect_probe(s, 1001 + i, &endings[i]);
	assert_false(get(s, 4, 2, "edge", 1000, &v));
	assert_false(get(s, 4, 2, "edge", 1008, &v));
	/* When it was determined: 12.5 s + 0.3 s + the time-out of 0.3 s. */
	assert_true(get(s, 4, 5, "edge", 1003, &v));
	assert_memory_equal(
	    v.octets, "\x07\xe7\x05\x18\x0a\x0b\x0d\x01+\0\0", 11);
	/* The number of 2^32 - 1 is followed by 1. */
	s->history[0].last = (uint64_t)UINT32_MAX + 2;
	for (unsigned i = 0; i < 7; i++)
		expect_probe(
		    s, i < 5 ? UINT32_MAX - 4 + i : i - 4, &endings[i]);
	stage_free(s);
}

/* A kind that can be probed can be told. */
static void
test_every_kind_has_a_type(void **state)
{
	const struct kind *k;
	const struct ping_type *t;

	for (unsigned i = 0; (k = kind_row(i)) != NULL; i++) {
		unsigned n = 0;

		while ((t = ping_type_at(n)) != NULL &&
		       (strcmp(t->probe, k->name) != 0 ||
			   t->transport != k->transport))
			n++;
		if (t == NULL)
			print_error("no row of ping.def for %s\n", k->name);
		assert_non_null(t);
	}
}

static void
test_what_is_not_there(void **state)
{
	static const uint32_t scalar[] = {1, 0}, owner[] = {2, 1, 3, 6, 'r'};
	struct stage *s = stage_new(0);
	const struct agentx_tree *tree = agentx_ping_tree(s->ping);
	struct agentx_instance i;
	struct agentx_value v;

	assert_false(agentx_tree_get(tree, scalar, 2, &v));
	assert_false(agentx_tree_next(tree, NULL, 0, &i));
	stage_target(s, "edge", "192.0.2.7");
	s->snapshot->history = NULL; /* not kept */
	agentx_ping_show(s->ping, s->snapshot);
	assert_true(agentx_tree_get(tree, scalar, 2, &v));
	assert_int_equal(v.number, 0);
	assert_false(agentx_tree_get(tree, owner, 5, &v));
	assert_false(get(s, 2, 3, "edgf", 0, &v));
	assert_false(get(s, 2, 3, "edg", 0, &v));
	assert_false(get(s, 2, 3, "edge", 1, &v));
	assert_false(get(s, 2, 1, "edge", 0, &v)); /* an index */
	assert_false(get(s, 2, 24, "edge", 0, &v));
	assert_false(get(s, 3, 10, "edge", 0, &v)); /* no answer yet */
	assert_false(get(s, 4, 2, "edge", 1, &v));
	expect(s, 3, 8, 0);
	assert_true(agentx_tree_next(tree, owner, 5, &i));
	assert_int_equal(i.oid.sub[2], 3);
	stage_free(s);
}

/* ---- random tables ---- */

static int
order(const struct agentx_oid *a, const uint32_t *sub, size_t n)
{
	for (size_t i = 0; i < a->len && i < n; i++)
		if (a->sub[i] != sub[i])
			return a->sub[i] < sub[i] ? -1 : 1;
	return a->len < n ? -1 : a->len > n;
}

static int
by_order(const void *a, const void *b)
{
	const struct agentx_oid *y = b;

	return order(a, y->sub, y->len);
}

/* Short ones of few letters: many begin alike; some octets above 127. */
static void
random_name(struct dice *d, unsigned i, char name[TARGET_NAME + 1])
{
	static const char letter[] = "ab\xc3\xff";
	size_t n = dice_below(d, 4);

	for (size_t k = 0; k < n; k++)
		name[k] = letter[dice_below(d, 4)];
	/* No two are alike. */
	name[n] = (char)('0' + i);
	memset(name + n + 1, '-', TARGET_NAME - n - 1);
	name[dice_chance(d, 20) ? TARGET_NAME : n + 1] = '\0';
	name[TARGET_NAME] = '\0';
}

static void
random_history(struct dice *d, struct stage *s, size_t i)
{
	size_t n = dice_below(d, 3) == 0 ? 0 : dice_below(d, PING_KEPT + 1);

	for (size_t k = 0; k < n; k++)
		stage_sample(s, i, k + 1, dice_below(d, CLOCK_SEC),
		    (enum outcome)(1 + dice_below(d, OUTCOME_END - 1)));
	/* From 1 on, somewhere, or just going round. */
	if (dice_chance(d, 30))
		s->history[i].last += dice_below(d, UINT32_MAX);
	else if (dice_chance(d, 30))
		s->history[i].last =
		    UINT32_MAX + n / 2 + dice_below(d, 3) * UINT32_MAX;
}

static struct stage *
stage_random(struct dice *d)
{
	struct stage *s = stage_new(0);
	unsigned n = (unsigned)dice_below(d, TARGETS + 1);
	char name[TARGET_NAME + 1];

	for (unsigned i = 0; i < n; i++) {
		random_name(d, i, name);
		stage_target(s, name, "192.0.2.7");
		SNAP(s->snapshot, target)
		[i].success_at = dice_chance(d, 50) ? STATS_NONE : MOCK_NOW;
		random_history(d, s, i);
	}
	return s;
}

/* The number of sample k, counted up one by one. */
static uint32_t
number_of(const struct snapshot_history *h, size_t k)
{
	uint64_t n = h->last - h->samples + k + 1;

	while (n > UINT32_MAX)
		n -= UINT32_MAX;
	return (uint32_t)n;
}

static struct agentx_oid
oid_of(const struct stage *s, const struct ping_column *c, size_t i)
{
	struct agentx_oid o = {
	    .sub = {ping_tables[c->table].arc, 1, c->number}, .len = 3};

	agentx_ping_key(&o, s->target[i].name);
	return o;
}

static bool
is_empty(const struct stage *s, const struct ping_column *c, size_t i)
{
	return c->table == PING_RESULTS && c->form == PING_DATE &&
	       SNAP(s->snapshot, target)[i].success_at == STATS_NONE;
}

/* Of target i. */
static size_t
put_rows(const struct stage *s, const struct ping_column *c, size_t i,
    struct agentx_oid *all)
{
	const struct snapshot_history *h = &s->history[i];

	all[0] = oid_of(s, c, i);
	if (c->table != PING_HISTORY)
		return is_empty(s, c, i) ? 0 : 1;
	for (size_t k = 0; k < h->samples; k++) {
		all[k] = oid_of(s, c, i);
		all[k].sub[all[k].len++] = number_of(h, k);
	}
	return h->samples;
}

static size_t
list(const struct stage *s, struct agentx_oid *all)
{
	size_t n = 1;

	all[0] = (struct agentx_oid){.sub = {1, 0}, .len = 2};
	for (unsigned c = 0; c < ping_column_rows; c++)
		for (size_t i = 0; i < s->roster.entries; i++) {
			n += put_rows(s, &ping_columns[c], i, &all[n]);
			assert_true(n + PING_KEPT < INSTANCES);
		}
	qsort(all, n, sizeof(*all), by_order);
	return n;
}

static void
check_walk(const struct stage *s, const struct agentx_oid *all, size_t n)
{
	const struct agentx_tree *t = agentx_ping_tree(s->ping);
	struct agentx_instance i = {.oid.len = 0};
	struct agentx_value again;

	for (size_t k = 0; k < n; k++) {
		assert_true(agentx_tree_next(t, i.oid.sub, i.oid.len, &i));
		assert_int_equal(order(&all[k], i.oid.sub, i.oid.len), 0);
		assert_true(agentx_tree_get(t, i.oid.sub, i.oid.len, &again));
		assert_int_equal(i.value.type, again.type);
	}
	assert_false(agentx_tree_next(t, i.oid.sub, i.oid.len, &i));
}

/* An OID near one that is there: shorter, longer, a bit more or less. */
static size_t
near(struct dice *d, const struct agentx_oid *o, uint32_t *sub)
{
	size_t n = o->len;

	memcpy(sub, o->sub, n * sizeof(*sub));
	for (unsigned k = (unsigned)dice_below(d, 3); k > 0; k--) {
		size_t i = n > 0 ? dice_below(d, n) : 0;

		switch (dice_below(d, 4)) {
		case 0:
			n = i;
			break;
		case 1:
			sub[n++] = (uint32_t)dice_below(d, 3);
			break;
		case 2:
			sub[i]++;
			break;
		default:
			sub[i]--; /* 0 becomes the greatest: as good */
			break;
		}
	}
	return n;
}

static void
check_around(struct dice *d, const struct stage *s,
    const struct agentx_oid *all, size_t n)
{
	const struct agentx_tree *t = agentx_ping_tree(s->ping);
	uint32_t sub[AGENTX_PREFIX + AGENTX_KEY];
	struct agentx_instance next;
	struct agentx_value v;

	for (unsigned k = 0; k < ASKED; k++) {
		size_t len = near(d, &all[dice_below(d, n)], sub), i = 0;

		while (i < n && order(&all[i], sub, len) <= 0)
			i++;
		assert_int_equal(agentx_tree_next(t, sub, len, &next), i < n);
		if (i < n)
			assert_int_equal(
			    order(&all[i], next.oid.sub, next.oid.len), 0);
		assert_int_equal(agentx_tree_get(t, sub, len, &v),
		    i > 0 && order(&all[i - 1], sub, len) == 0);
	}
}

static void
test_random(void **state)
{
	struct agentx_oid *all = calloc(INSTANCES, sizeof(*all));

	assert_non_null(all);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct dice d = dice_case(round);
		struct stage *s = stage_random(&d);
		size_t n = list(s, all);

		agentx_ping_show(s->ping, s->snapshot);
		check_walk(s, all, n);
		check_around(&d, s, all, n);
		stage_free(s);
	}
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_control),
	    cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_results),
	    cmocka_unit_test(test_history),
	    cmocka_unit_test(test_every_kind_has_a_type),
	    cmocka_unit_test(test_what_is_not_there),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("agentx_ping", tests, NULL, NULL);
}
