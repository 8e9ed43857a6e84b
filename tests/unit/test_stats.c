/* The rows of stats.def: what writers and the MIB rely on for each. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "stats.h"
#include "word.h"

static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static size_t
field_size(enum stats_nature nature)
{
	switch (nature) {
	case STATS_INFO:
		return sizeof(const char *);
	case STATS_HISTOGRAM:
		return sizeof(struct snap_hist);
	default:
		return sizeof(uint64_t);
	}
}

static void
test_help(void **state)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const char *help = stats_table[i].help;
		size_t len = strlen(help);

		assert_true(len > 10);
		assert_true(isupper((unsigned char)help[0]) ||
			    isdigit((unsigned char)help[0]));
		assert_null(strpbrk(help, "\n\"\\"));
		assert_true(help[len - 1] == '.' || strchr(help, ';') != NULL);
	}
}

static bool
ends_in(const char *text, const char *suffix)
{
	size_t n = strlen(text), s = strlen(suffix);

	return s > 0 && n >= s && strcmp(text + n - s, suffix) == 0;
}

/*
 * The writer adds the unit and _total or _info: a row that has them already
 * would show twice. The other endings belong to parts of a histogram.
 */
static void
test_families(void **state)
{
	static const char *const reserved[] = {"_total", "_info", "_bucket",
	    "_count", "_sum", "_created", "_milliseconds", "_percent"};

	for (unsigned i = 0; i < stats_rows; i++) {
		const char *f = stats_table[i].family;

		if (*f == '\0')
			continue;
		assert_true(strncmp(f, "reachd_", 7) == 0 ||
			    strncmp(f, "process_", 8) == 0);
		assert_int_equal(strspn(f, lower), strlen(f));
		assert_null(strstr(f, "__"));
		for (unsigned r = 0; r < sizeof(reserved) / sizeof(*reserved);
		     r++)
			assert_false(ends_in(f, reserved[r]));
		for (unsigned u = 0; u < STATS_UNITS; u++)
			assert_false(ends_in(f, stats_units[u].suffix));
	}
}

/* The family as it is written; a histogram takes the names of its parts. */
static void
put_name(struct buf *b, const struct stats_desc *d)
{
	buf_reset(b);
	buf_puts(b, d->family);
	buf_puts(b, stats_units[d->unit].suffix);
	if (d->nature == STATS_INFO)
		buf_puts(b, "_info");
}

static void
test_families_unique(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (unsigned i = 0; i < stats_rows; i++) {
		if (*stats_table[i].family == '\0')
			continue;
		put_name(&a, &stats_table[i]);
		for (unsigned j = 0; j < i; j++) {
			put_name(&b, &stats_table[j]);
			assert_string_not_equal(buf_str(&a), buf_str(&b));
		}
	}
	buf_free(&a);
	buf_free(&b);
}

static void
test_columns_unique(void **state)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *a = &stats_table[i];

		assert_true(isupper((unsigned char)a->object[0]));
		assert_int_equal(strspn(a->object, alnum), strlen(a->object));
		/* RFC 2578 section 3.1: at most 64, "reachd" is in front. */
		assert_true(strlen(a->object) <= 64 - 6);
		for (unsigned j = 0; j < i; j++) {
			const struct stats_desc *b = &stats_table[j];

			assert_string_not_equal(a->object, b->object);
			if (a->scope == b->scope && a->number != 0)
				assert_int_not_equal(a->number, b->number);
		}
	}
}

/* In order, aligned, not overlapping, and none left out of the table. */
static void
test_offsets(void **state)
{
	size_t end[STATS_SCOPES];

	for (unsigned s = 0; s < STATS_SCOPES; s++)
		end[s] = sizeof(const char *);
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];

		assert_true(d->scope < STATS_SCOPES);
		assert_int_equal(d->offset, end[d->scope]);
		end[d->scope] += field_size(d->nature);
	}
	for (unsigned s = 0; s < STATS_SCOPES; s++) {
		assert_int_equal(end[s], stats_scopes[s].size);
		assert_true(end[s] > sizeof(const char *));
	}
}

static void
test_natures(void **state)
{
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];
		bool words = stats_units[d->unit].words != WORD_SETS;

		assert_true(d->unit < STATS_UNITS);
		assert_int_equal(
		    d->nature == STATS_INFO, d->unit == UNIT_LABELS);
		if (d->nature == STATS_STATESET)
			assert_true(words);
		if (d->nature == STATS_HISTOGRAM)
			assert_int_equal(d->unit, UNIT_NANOSECONDS);
		if (d->nature == STATS_COUNTER)
			assert_true(d->unit == UNIT_NANOSECONDS ||
				    stats_units[d->unit].digits == 0);
	}
}

static void
test_units(void **state)
{
	for (unsigned u = 0; u < STATS_UNITS; u++) {
		const struct stats_unit_desc *d = &stats_units[u];

		assert_true(d->digits <= 9);
		assert_true(d->words <= WORD_SETS);
		assert_true(d->smi_divisor > 0);
		assert_true(*d->suffix == '\0' || *d->suffix == '_');
	}
	assert_string_equal(stats_units[UNIT_PPM].name, "PPM");
	assert_string_equal(stats_units[UNIT_NANOSECONDS].suffix, "_seconds");
	assert_int_equal(stats_units[UNIT_STATE].words, WORD_STATE);
	assert_int_equal(stats_units[UNIT_COUNT].words, WORD_SETS);
	assert_string_equal(stats_scopes[SCOPE_target].name, "target");
	assert_int_equal(stats_scopes[SCOPE_rtt].size, sizeof(struct snap_rtt));
}

/* The bounds as Prometheus shows them. */
static void
test_bounds(void **state)
{
	static const char *const want[STATS_BOUNDS] = {"0.0001", "0.00025",
	    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.02", "0.03",
	    "0.05", "0.075", "0.1", "0.15", "0.2", "0.3", "0.5", "1", "2.5"};
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < STATS_BOUNDS; i++) {
		buf_reset(&b);
		buf_decimal(&b, stats_bounds[i], 9);
		assert_string_equal(buf_str(&b), want[i]);
	}
	buf_free(&b);
}

/* le: a value that is equal to a bound is in that bound's bucket. */
static void
test_buckets(void **state)
{
	assert_int_equal(stats_bucket(0), 0);
	assert_int_equal(stats_bucket(UINT64_MAX), STATS_BUCKETS - 1);
	for (unsigned i = 0; i < STATS_BOUNDS; i++) {
		assert_int_equal(stats_bucket(stats_bounds[i] - 1), i);
		assert_int_equal(stats_bucket(stats_bounds[i]), i);
		assert_int_equal(stats_bucket(stats_bounds[i] + 1), i + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_help),
	    cmocka_unit_test(test_families),
	    cmocka_unit_test(test_families_unique),
	    cmocka_unit_test(test_columns_unique),
	    cmocka_unit_test(test_offsets),
	    cmocka_unit_test(test_natures),
	    cmocka_unit_test(test_units),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_buckets),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
