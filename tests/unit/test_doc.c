/* The document tree: shapes, places, bounds, and what is said of mistakes. */
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
#include "doc.h"

/* "LINE:COLUMN text" of each error, a line each. */
static char *
errors_text(struct doc_errors *e)
{
	struct buf b = BUF_INIT;

	doc_errors_sort(e);
	for (size_t i = 0; i < e->errors; i++)
		buf_printf(&b, "%u:%u %s\n", e->error[i].line,
		    e->error[i].column, e->error[i].text);
	if (e->dropped > 0)
		buf_printf(&b, "and %zu more\n", e->dropped);
	return buf_steal(&b);
}

static void
expect_errors(const char *text, size_t len, const char *expected)
{
	struct doc_errors errors = {0};
	struct doc_node *d = doc_parse(text, len, &errors);
	char *got = errors_text(&errors);

	assert_string_equal(got, expected);
	free(got);
	doc_errors_free(&errors);
	doc_free(d);
}

static void
wrong(const char *text, const char *expected)
{
	expect_errors(text, strlen(text), expected);
}

static struct doc_node *
right(const char *text)
{
	struct doc_errors errors = {0};
	struct doc_node *d = doc_parse(text, strlen(text), &errors);

	assert_non_null(d);
	assert_int_equal(doc_errors_count(&errors), 0);
	doc_errors_free(&errors);
	return d;
}

static void
shapes_and_places(void **state)
{
	struct doc_node *d = right("a: 1\nb:\n  - x\n  - \"y z\"\nc: {d: ~}\n");
	const struct doc_node *b, *c;

	assert_int_equal(d->kind, DOC_MAP);
	assert_int_equal(d->items, 3);
	assert_string_equal(doc_get(d, "a")->scalar, "1");
	assert_false(doc_get(d, "a")->quoted);
	b = doc_get(d, "b");
	assert_int_equal(b->kind, DOC_LIST);
	assert_int_equal(b->items, 2);
	assert_string_equal(b->item[1]->scalar, "y z");
	assert_true(b->item[1]->quoted);
	assert_int_equal(b->item[1]->line, 4);
	assert_int_equal(b->item[1]->column, 5);
	c = doc_get(d, "c");
	assert_true(doc_null(doc_get(c, "d")));
	assert_ptr_equal(c->parent, d);
	assert_null(doc_get(d, "e"));
	assert_null(doc_get(b, "a"));
	doc_free(d);
	doc_free(NULL);
}

static void
json_is_yaml(void **state)
{
	struct doc_node *d = right("[{\"targets\": [\"a:1\", \"b:2\"],\n"
				   "  \"labels\": {\"k\": \"v\\u00e9\"}}]");
	const struct doc_node *group = d->item[0];

	assert_string_equal(doc_get(group, "targets")->item[1]->scalar, "b:2");
	assert_string_equal(
	    doc_get(doc_get(group, "labels"), "k")->scalar, "v\xc3\xa9");
	doc_free(d);
}

static void
nothing_in_it(void **state)
{
	static const char *const empty[] = {"", "\n", "# only this\n", "---\n",
	    "---\n...\n", "null", "~", "\xef\xbb\xbf"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		struct doc_node *d = right(empty[i]);

		assert_true(doc_null(d));
		doc_free(d);
	}
}

static void
aliases_are_copies(void **state)
{
	struct doc_node *d = right("a: &x {k: [1, 2]}\nb: *x\n"
				   "c: &x 3\nd: *x\n");
	const struct doc_node *b = doc_get(d, "b");

	assert_int_equal(doc_get(b, "k")->items, 2);
	assert_int_equal(doc_get(b, "k")->line, 2);
	assert_ptr_equal(doc_get(b, "k")->parent, b);
	assert_string_equal(doc_get(d, "d")->scalar, "3");
	doc_free(d);
}

static void
mistakes_of_syntax(void **state)
{
	wrong("a: [1, 2\nb: 3\n",
	    "2:2 did not find expected ',' or ']' (while parsing a flow "
	    "sequence that starts in line 1)\n");
	wrong("a: 1\n b: 2\n", "2:3 mapping values are not allowed in this "
			       "context\n");
	wrong(
	    "a:\n\tb: 2\n", "2:1 indentation is made of spaces, not of tabs\n");
	wrong("a: 1\n\xff\xfe: 2\n",
	    "2:1 not UTF-8 text: invalid leading UTF-8 octet\n");
	expect_errors("a: 1\n\0: 2\n", 10,
	    "2:1 not UTF-8 text: control characters are not allowed\n");
	wrong("a: \"\\0\"\n", "1:4 a NUL character cannot be in a text\n");
	wrong("a: 1\n---\nb: 2\n",
	    "2:1 a second document starts here; one is allowed\n");
	wrong("a: !secret x\n", "1:4 tags are not known here\n");
	wrong("? [1, 2]\n: 3\n", "1:3 a key must be text, not a list\n");
	wrong("a: *x\n", "1:4 alias '*x' has no anchor before it\n");
	wrong("a: &x [*x]\n", "1:8 alias '*x' stands in itself\n");
}

static void
duplicate_keys_go_on(void **state)
{
	struct doc_errors errors = {0};
	const char *text = "a: 1\nb: {c: 1, d: 2, c: 3}\na: 2\na: 3\n";
	struct doc_node *d = doc_parse(text, strlen(text), &errors);
	char *got = errors_text(&errors);

	assert_non_null(d);
	assert_string_equal(got,
	    "2:17 b: 'c' is given twice (first in line 2)\n"
	    "3:1 'a' is given twice (first in line 1)\n"
	    "4:1 'a' is given twice (first in line 1)\n");
	free(got);
	doc_errors_free(&errors);
	doc_free(d);
}

static void
depth_is_bounded(void **state)
{
	char text[100001];

	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	text[128] = '\0';
	doc_free(right(text));
	memset(text, '[', 100000);
	text[100000] = '\0';
	wrong(text, "1:65 nested more than 64 levels deep\n");
	/* An alias does not get around it. */
	memset(text, '[', 50);
	memcpy(text + 50, "&x [1]", 6);
	memset(text + 56, ']', 50);
	text[106] = '\0';
	doc_free(right(text));
}

static void
aliases_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct doc_errors errors = {0};

	/* Nine levels of nine: 387 million values if it were expanded. */
	buf_puts(&b, "a: &a [x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'i'; c++) {
		buf_printf(&b, "%c: &%c [", c, c);
		for (int i = 0; i < 9; i++)
			buf_printf(&b, "*%c,", c - 1);
		buf_puts(&b, "]\n");
	}
	assert_null(doc_parse(b.data, b.len, &errors));
	assert_string_equal(errors.error[0].text, "more than 1000000 values");
	assert_int_equal(errors.error[0].line, 7);
	doc_errors_free(&errors);
	buf_reset(&b);
	buf_puts(&b, "- &a x\n");
	for (int i = 0; i < 1001; i++)
		buf_puts(&b, "- *a\n");
	wrong(buf_str(&b), "1002:3 more than 1000 uses of aliases\n");
	buf_free(&b);
}

static void
size_is_bounded(void **state)
{
	size_t len = DOC_BYTES + 1;
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, ' ', len);
	expect_errors(text, len, "0:0 larger than 16 MiB\n");
	free(text);
}

static void
errors_have_paths(void **state)
{
	struct doc_node *d = right("a:\n  - {b: 1}\n  - {c: {\"x\\ty\": 2}}\n");
	const struct doc_node *c = doc_get(doc_get(d, "a")->item[1], "c");
	struct doc_errors errors = {.limit = 3};
	char *got;

	doc_error(&errors, c->item[0], "bad '%s'", "\x1b[31m");
	doc_error(&errors, c->key[0], "unknown key");
	errors.file = "other.yml";
	doc_error(&errors, d, "all of it");
	doc_error(&errors, NULL, "one too many");
	got = errors_text(&errors);
	assert_string_equal(got, "3:10 a[1].c: unknown key\n"
				 "3:18 a[1].c.x?y: bad '?[31m'\n"
				 "1:1 all of it\n"
				 "and 1 more\n");
	assert_null(errors.error[0].file);
	assert_string_equal(errors.error[2].file, "other.yml");
	assert_int_equal(doc_errors_count(&errors), 4);
	free(got);
	doc_errors_free(&errors);
	doc_free(d);
}

static void
long_text_is_cut_at_a_character(void **state)
{
	char text[200], shown[DOC_SHOWN];

	assert_string_equal(doc_error_shown("short", shown), "short");
	memset(text, 'a', sizeof(text));
	text[199] = '\0';
	/* e with acute accent over the place of the cut */
	text[67] = '\xc3';
	text[68] = '\xa9';
	doc_error_shown(text, shown);
	assert_int_equal(strlen(shown), 70);
	assert_string_equal(shown + 66, "a...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shapes_and_places),
	    cmocka_unit_test(json_is_yaml),
	    cmocka_unit_test(nothing_in_it),
	    cmocka_unit_test(aliases_are_copies),
	    cmocka_unit_test(mistakes_of_syntax),
	    cmocka_unit_test(duplicate_keys_go_on),
	    cmocka_unit_test(depth_is_bounded),
	    cmocka_unit_test(aliases_are_bounded),
	    cmocka_unit_test(size_is_bounded),
	    cmocka_unit_test(errors_have_paths),
	    cmocka_unit_test(long_text_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
