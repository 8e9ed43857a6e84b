/* The tree of the MIB: what compilers of MIBs and masters rely on. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "mib.h"
#include "mib_text.h"

/* RFC 2578 allows 64; managers are known to cut at 32. */
enum { NAME_MOST = 32 };

static int
order(const struct mib_column *a, const struct mib_column *b)
{
	for (unsigned i = 0; i < a->prefix_len && i < b->prefix_len; i++)
		if (a->prefix[i] != b->prefix[i])
			return a->prefix[i] < b->prefix[i] ? -1 : 1;
	return 0;
}

/* No two share a number, and none is the beginning of another. */
static void
test_columns_in_order(void **state)
{
	size_t n;
	struct mib_column *c = mib_columns_new(&n);

	assert_non_null(c);
	assert_true(n > 60);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(
		    c[i].prefix_len, c[i].table->name != NULL ? 4 : 2);
		assert_int_equal(c[i].prefix[c[i].prefix_len - 1], c[i].number);
		if (i > 0)
			assert_int_equal(order(&c[i - 1], &c[i]), -1);
	}
	free(c);
}

static void
test_names(void **state)
{
	size_t n;
	struct mib_column *c = mib_columns_new(&n);

	for (size_t i = 0; i < n; i++) {
		assert_true(
		    strlen("reachd") + strlen(c[i].object) <= NAME_MOST);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(c[i].object, c[j].object);
	}
	free(c);
}

/* A number in stats.def is in the MIB: its scope has a place there. */
static void
test_numbers_are_used(void **state)
{
	size_t n;
	struct mib_column *c = mib_columns_new(&n);

	for (unsigned i = 0; i < stats_rows; i++) {
		size_t k = 0;

		while (k < n && c[k].stat != &stats_table[i])
			k++;
		assert_int_equal(k < n, stats_table[i].number != 0);
	}
	free(c);
}

/* RFC 4001 section 3: the kind stands before the address. */
static void
test_addresses_have_a_kind(void **state)
{
	size_t n, found = 0;
	struct mib_column *c = mib_columns_new(&n);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(c[i].syntax, "InetAddress ", 12) != 0)
			continue;
		found++;
		assert_true(i > 0);
		assert_string_equal(c[i - 1].syntax, "InetAddressType");
		assert_ptr_equal(c[i - 1].table, c[i].table);
		assert_string_equal(c[i - 1].label, c[i].label);
	}
	assert_int_equal(found, 3);
	free(c);
}

/* Numbers that count or measure nothing, but name it. */
static bool
is_ordinal(const char *object)
{
	static const char *const all[] = {
	    "TargetLastCode", "ClusterRank", "ClusterBestTarget"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i], object) == 0)
			return true;
	return false;
}

/* What counts or measures says in what, and since when it counts. */
static void
test_units(void **state)
{
	static const char *const syntaxes[] = {"Gauge32", "Counter32",
	    "Counter64", "Integer32", "ReachdMicroseconds",
	    "ReachdPartsPerMillion"};
	struct buf text = BUF_INIT;
	size_t n, counters = 0, told = 0;
	struct mib_column *c = mib_columns_new(&n);

	for (size_t i = 0; i < n; i++) {
		bool quantity = false;

		for (unsigned k = 0; k < 6; k++)
			quantity |= strcmp(c[i].syntax, syntaxes[k]) == 0;
		if (quantity)
			assert_int_equal(
			    c[i].units[0] == '\0', is_ordinal(c[i].object));
		counters += strcmp(c[i].syntax, "Counter64") == 0;
	}
	mib_text(&text);
	for (const char *at = buf_str(&text);
	     (at = strstr(at, "Discontinuities")) != NULL; at++)
		told++;
	assert_int_equal(told, counters);
	buf_free(&text);
	free(c);
}

/* Each index is an object of a table, and each table begins with those. */
static void
test_indexes(void **state)
{
	for (unsigned i = 0; i < mib_table_rows; i++) {
		const struct mib_table *t = &mib_tables[i];

		assert_int_equal(t->indexes > 0, t->name != NULL);
		for (unsigned k = 0; k < t->indexes; k++)
			assert_true(mib_index_object(t->index[k])[0] != '\0');
	}
	assert_string_equal(mib_index_object(MIB_WINDOW), "StatsWindow");
}

static void
test_notifications(void **state)
{
	assert_true(mib_notify_has(EVENT_TARGET_DOWN, MIB_NOTIFY_STATE));
	assert_false(mib_notify_has(EVENT_TARGET_DOWN, MIB_NOTIFY_RTT));
	assert_true(mib_notify_has(EVENT_LOSS_HIGH, MIB_NOTIFY_LOSS));
	assert_true(mib_notify_has(EVENT_LOSS_HIGH, MIB_NOTIFY_WINDOW));
	assert_false(mib_notify_has(EVENT_LOSS_HIGH, MIB_NOTIFY_STATE));
	assert_true(
	    mib_notify_has(EVENT_CLUSTER_TRANSPORT, MIB_NOTIFY_TRANSPORT));
	for (unsigned n = 0; mib_notify_at(n) != NULL; n++)
		assert_int_equal(mib_notify_at(n)->which, n + 1);
	assert_string_equal(mib_notify_row(EVENT_LOSS_HIGH, 0), "TargetName");
	assert_string_equal(mib_notify_row(EVENT_LOSS_HIGH, 4), "TargetPort");
	assert_null(mib_notify_row(EVENT_LOSS_HIGH, 5));
	assert_string_equal(
	    mib_notify_row(EVENT_CLUSTER_STATE, 0), "ClusterName");
	assert_null(mib_notify_row(EVENT_NETWORK_CHANGE, 0));
}

static void
test_root(void **state)
{
	uint32_t root[MIB_ROOT_MAX];
	unsigned n = mib_root(root);
	struct buf text = BUF_INIT, want = BUF_INIT;

	assert_true(n >= 3);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&want, i > 0 ? ".%u" : "%u", root[i]);
	assert_string_equal(buf_str(&want), REACHD_OID_ROOT);
	mib_text(&text);
	buf_reset(&want);
	buf_printf(&want, " %u }\n\nreachdNotifications", root[n - 1]);
	assert_non_null(strstr(buf_str(&text), buf_str(&want)));
	buf_free(&text);
	buf_free(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_columns_in_order),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_numbers_are_used),
	    cmocka_unit_test(test_addresses_have_a_kind),
	    cmocka_unit_test(test_units),
	    cmocka_unit_test(test_indexes),
	    cmocka_unit_test(test_notifications),
	    cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests_name("mib", tests, NULL, NULL);
}
