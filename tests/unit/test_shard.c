/* Shards: what is written, and who has what, for lists of many shapes. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "dice.h"
#include "inventory.h"
#include "shard.h"

enum { MANY = 10000, MOST = 16384 };

static struct shard_unit unit[MOST], other[MOST];

/* ---- what is written ---- */

static const struct {
	const char *text, *host;
	unsigned index, count;
} good[] = {
    {"0/1", "", 0, 1},
    {"0/3", "", 0, 3},
    {"2/3", "node-7", 2, 3},
    {"999/1000", "", 999, 1000},
    {"reachd-2/3", "", 2, 3},
    {"reachd-12/20", "", 12, 20},
    {"a/b-1/2", "", 1, 2},
    {"007/8", "", 7, 8},
    {"auto/3", "reachd-1", 1, 3},
    {"auto/300", "x9-pod-299", 299, 300},
};

static const struct {
	const char *text, *host, *says;
} bad[] = {
    {"", "", "'' is not I/N"},
    {"3", "", "'3' is not I/N"},
    {"/3", "", "is not I/N"},
    {"0/", "", "is not I/N"},
    {"0/0", "", "N from 1 to 1000"},
    {"0/1001", "", "N from 1 to 1000"},
    {"0/-3", "", "is not I/N"},
    {"0/x3", "", "is not I/N"},
    {"0/3x", "", "is not I/N"},
    {"3/3", "", "there is no shard 3 of 3: they are 0 to 2"},
    {"reachd-3/3", "", "there is no shard 3 of 3"},
    {"x/3", "", "'x' does not end in the number"},
    {"99999/3", "", "'99999' does not end in the number"},
    {"auto/3", "reachd", "'reachd' does not end in the number"},
    {"auto/3", "", "'' does not end in the number"},
    {"auto/3", "reachd-5", "there is no shard 5 of 3"},
};

static void
what_is_written(void **state)
{
	char error[256];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct shard s = {77, 77};

		if (shard_parse(good[i].text, good[i].host, &s, error) < 0)
			fail_msg("%s: %s", good[i].text, error);
		assert_int_equal(s.index, good[i].index);
		assert_int_equal(s.count, good[i].count);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct shard s = {77, 77};

		assert_true(
		    shard_parse(bad[i].text, bad[i].host, &s, error) < 0);
		if (strstr(error, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].text, error);
		assert_int_equal(s.index, 77);
	}
}

static void
a_long_text(void **state)
{
	char text[2000], error[256];
	struct shard s;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(shard_parse(text, "", &s, error) < 0);
	memcpy(text + sizeof(text) - 3, "/3", 3);
	assert_true(shard_parse(text, "", &s, error) < 0);
	assert_true(strlen(error) < 200);
}

/* ---- who has what ---- */

static void
make_units(size_t n, uint32_t least, uint32_t most)
{
	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "edge-%zu.example.net", i);
		unit[i] = (struct shard_unit){target_hash(name, 2),
		    least + (uint32_t)(i * 7919 % (most - least + 1)), 9999};
	}
}

/* Loads; every unit has a shard. */
static uint64_t
assign(size_t n, unsigned shards, uint64_t load[])
{
	uint64_t sum = 0;

	memset(load, 0, SHARD_MOST * sizeof(*load));
	assert_int_equal(shard_assign(unit, n, shards), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(unit[i].shard < shards);
		load[unit[i].shard] += unit[i].weight;
		sum += unit[i].weight;
	}
	return sum;
}

static void
expect_even(size_t n, unsigned shards)
{
	static uint64_t load[SHARD_MOST];
	uint64_t sum = assign(n, shards, load);

	for (unsigned i = 0; i < shards; i++) {
		/* Within 10 % of the even part; a whole unit at small ones. */
		uint64_t part = load[i] * shards * 100;

		if (part > sum * 110 + 100 * shards ||
		    part + 100 * shards < sum * 90)
			fail_msg("shard %u of %u: %llu of %llu", i, shards,
			    (unsigned long long)load[i],
			    (unsigned long long)sum);
	}
}

static void
shards_are_even(void **state)
{
	static const unsigned shards[] = {
	    1, 2, 3, 4, 5, 7, 10, 16, 33, 64, 100, 1000};

	make_units(MANY, 1, 1);
	for (size_t i = 0; i < sizeof(shards) / sizeof(*shards); i++)
		expect_even(MANY, shards[i]);
	/* 200 clusters of 50 nodes, and 800 of 1 to 24 nodes. */
	make_units(200, 50, 50);
	for (unsigned n = 1; n <= 5; n++)
		expect_even(200, n);
	make_units(800, 1, 24);
	for (unsigned n = 1; n <= 16; n++)
		expect_even(800, n);
	/* Few big ones among many small. */
	make_units(MANY, 1, 1);
	for (unsigned i = 0; i < 20; i++)
		unit[i * 500].weight = 100 + 20 * i;
	for (unsigned n = 1; n <= 10; n++)
		expect_even(MANY, n);
}

/* Nothing fits an even part: nobody is left without, while others have two. */
static void
units_that_are_too_big(void **state)
{
	static uint64_t load[SHARD_MOST];

	make_units(10, 1000, 1000);
	assign(10, 10, load);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(load[i], 1000);
	make_units(3, 1000, 1000);
	unit[3] = (struct shard_unit){5, 1, 0};
	assign(4, 2, load);
	assert_true(load[0] == 1001 || load[0] == 2000);
	assert_int_equal(load[0] + load[1], 3001);
	/* More shards than units: each has one or none. */
	make_units(3, 1, 1);
	assign(3, 10, load);
	for (unsigned i = 0; i < 10; i++)
		assert_true(load[i] <= 1);
	assert_int_equal(shard_assign(unit, 0, 3), 0);
}

static void
order_does_not_matter(void **state)
{
	static uint64_t load[SHARD_MOST];
	struct dice dice = dice_case(5);

	make_units(MANY, 1, 60);
	assign(MANY, 7, load);
	memcpy(other, unit, sizeof(unit));
	for (size_t i = MANY - 1; i > 0; i--) {
		size_t k = dice_below(&dice, i + 1);
		struct shard_unit keep = unit[i];

		unit[i] = unit[k];
		unit[k] = keep;
	}
	assign(MANY, 7, load);
	/* The same hash had the same shard before. */
	for (size_t i = 0; i < MANY; i += 97) {
		size_t k = 0;

		while (other[k].hash != unit[i].hash)
			k++;
		assert_int_equal(other[k].shard, unit[i].shard);
	}
}

/* How many of the first n units have another shard than in `other`. */
static size_t
moved(size_t n)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		m += other[i].shard != unit[i].shard;
	return m;
}

static void
changes_move_few(void **state)
{
	static uint64_t load[SHARD_MOST];
	size_t m;

	make_units(MANY + 1, 1, 1);
	for (unsigned n = 2; n <= 20; n += 3) {
		assign(MANY, n, load);
		memcpy(other, unit, sizeof(unit));
		assign(MANY + 1, n, load);
		m = moved(MANY);
		if (m > 3 * n)
			fail_msg("%u shards: a target more moved %zu", n, m);
		/* A shard more takes its part, and little else moves. */
		memcpy(other, unit, sizeof(unit));
		assign(MANY, n + 1, load);
		m = moved(MANY);
		if (m < MANY / (n + 1) * 8 / 10 || m > MANY / (n + 1) * 14 / 10)
			fail_msg("from %u shards to one more moved %zu", n, m);
	}
	/* A cluster that has a node more stays where it is, with the rest. */
	make_units(400, 17, 31);
	assign(400, 5, load);
	memcpy(other, unit, sizeof(unit));
	unit[17].weight++;
	assign(400, 5, load);
	assert_int_equal(moved(400), 0);
}

/* On every machine and in every version; worked out by another program. */
static void
shards_are_the_same_everywhere(void **state)
{
	char got[33] = "";

	make_units(32, 1, 1);
	assert_int_equal(shard_assign(unit, 32, 3), 0);
	for (unsigned i = 0; i < 32; i++)
		got[i] = (char)('0' + unit[i].shard);
	assert_string_equal(got, "10200120120112200011002111222201");
}

/* ---- of an inventory ---- */

static struct inventory *
build(const struct config *c, unsigned index, unsigned count)
{
	struct inventory_input in = {.config = c, .shard = {index, count}};
	struct inventory *i = inventory_build(&in);

	assert_non_null(i);
	return i;
}

/* 100 clusters of 3 to 60 nodes and 200 targets, some in the clusters. */
static struct config *
make_config(void)
{
	struct buf text = BUF_INIT;
	struct doc_errors errors = {0};
	struct config *c;
	unsigned node = 0;

	buf_puts(&text, "media:\n  clusters:\n");
	for (unsigned i = 0; i < 100; i++) {
		buf_printf(&text, "  - {name: c%u, udp: [", i);
		for (unsigned k = 0; k < 3 + i * 31 % 58; k++, node++)
			buf_printf(&text, "%s\"stun:10.%u.%u.%u:5004\"",
			    k > 0 ? ", " : "", node >> 16, node >> 8 & 255,
			    node & 255);
		buf_puts(&text, "]}\n");
	}
	buf_puts(&text, "targets:\n");
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&text,
		    "- {name: t%u, probe: tcp, address: "
		    "\"11.0.0.%u:%u\"%s%u%s}\n",
		    i, i, 1000 + i,
		    i % 4 == 0 ? ", media_cluster: c" : ", dscp: ",
		    i % 4 == 0 ? i / 2 : 0, "");
	c = config_parse("t.yml", buf_str(&text), text.len, &errors);
	buf_free(&text);
	assert_non_null(c);
	return c;
}

static void
shards_of_an_inventory(void **state)
{
	struct config *c = make_config();
	struct inventory *all = build(c, 0, 1), *part[4];
	size_t at[4] = {0}, clusters = 0, targets = 0;

	for (unsigned k = 0; k < 4; k++) {
		part[k] = build(c, k, 4);
		clusters += part[k]->clusters;
		targets += part[k]->targets;
		assert_true(part[k]->targets * 4 * 100 > all->targets * 90);
		assert_true(part[k]->targets * 4 * 100 < all->targets * 110);
		assert_null(part[k]->warnings);
	}
	assert_int_equal(clusters, 100);
	assert_int_equal(targets, all->targets);
	/* Sorted lists: the next target of all is the next of one part. */
	for (size_t i = 0; i < all->targets; i++) {
		const struct target *t = all->target[i];
		unsigned found = 0;

		for (unsigned k = 0; k < 4; k++) {
			if (at[k] == part[k]->targets ||
			    strcmp(part[k]->target[at[k]]->name, t->name) != 0)
				continue;
			assert_string_equal(
			    part[k]->target[at[k]++]->key, t->key);
			found++;
		}
		assert_int_equal(found, 1);
	}
	/* A cluster that a part has is there as a whole, and nowhere else. */
	for (unsigned k = 0; k < 4; k++) {
		for (size_t i = 0; i < part[k]->targets; i++) {
			const struct target *t = part[k]->target[i];
			bool known = t->cluster[0] == '\0';

			for (size_t n = 0; n < part[k]->clusters; n++)
				known |= strcmp(part[k]->cluster[n].name,
					     t->cluster) == 0;
			assert_true(known);
		}
	}
	for (unsigned k = 0; k < 4; k++)
		inventory_free(part[k]);
	inventory_free(all);
	config_free(c);
}

/* Only the names of one's own part are resolved. */
static void
names_of_a_shard(void **state)
{
	static const char text[] =
	    "targets:\n"
	    "- {name: a, probe: tcp, address: \"a.example:1\"}\n"
	    "- {name: b, probe: tcp, address: \"b.example:1\"}\n";
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("t.yml", text, sizeof(text) - 1, &errors);
	size_t all = 0, n;

	assert_non_null(c);
	for (unsigned k = 0; k < 2; k++) {
		struct inventory_input in = {.config = c, .shard = {k, 2}};
		struct inventory *i = inventory_build(&in);
		char **name = inventory_names(&in, &n);

		assert_int_equal(n, i->targets);
		assert_int_equal(n, 1);
		assert_string_equal(name[0], i->target[0]->host);
		all += n;
		free(name[0]);
		free(name);
		inventory_free(i);
	}
	assert_int_equal(all, 2);
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written),
	    cmocka_unit_test(a_long_text),
	    cmocka_unit_test(shards_are_even),
	    cmocka_unit_test(units_that_are_too_big),
	    cmocka_unit_test(order_does_not_matter),
	    cmocka_unit_test(changes_move_few),
	    cmocka_unit_test(shards_are_the_same_everywhere),
	    cmocka_unit_test(shards_of_an_inventory),
	    cmocka_unit_test(names_of_a_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
