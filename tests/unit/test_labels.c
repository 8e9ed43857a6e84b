/* The reader of label texts. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "labels.h"

static void
label_pairs(void **state)
{
	const char *at =
	    "target=\"a,b=\\\"c\\\\\",transport=\"udp\",media=\"\"";
	const char *all = at, *half = "target=\"a";
	struct buf v = BUF_INIT;
	struct labels_pair p;

	assert_true(labels_next(&at, &p));
	assert_int_equal(p.name_len, 6);
	assert_memory_equal(p.value, "a,b=\\\"c\\\\", p.value_len);
	assert_true(labels_next(&at, &p));
	assert_memory_equal(p.name, "transport", p.name_len);
	assert_true(labels_next(&at, &p));
	assert_int_equal(p.value_len, 0);
	assert_false(labels_next(&at, &p));
	at = NULL;
	assert_false(labels_next(&at, &p));
	assert_false(labels_next(&half, &p));
	assert_true(labels_value(all, "target", &v));
	assert_string_equal(buf_str(&v), "a,b=\"c\\");
	buf_reset(&v);
	assert_true(labels_value(all, "media", &v));
	assert_int_equal(v.len, 0);
	assert_true(labels_value("x=\"1\\n2\"", "x", &v));
	assert_string_equal(buf_str(&v), "1\n2");
	assert_false(labels_value(all, "med", &v));
	assert_false(labels_value(NULL, "med", &v));
	buf_free(&v);
}

static void
label_parents(void **state)
{
	assert_string_equal(
	    labels_rest("a=\"1\",b=\"2\"", "a=\"1\""), "b=\"2\"");
	assert_string_equal(labels_rest("a=\"1\"", "a=\"1\""), "");
	assert_string_equal(labels_rest("a=\"1\"", ""), "a=\"1\"");
	assert_string_equal(labels_rest(NULL, NULL), "");
	assert_null(labels_rest("a=\"12\"", "a=\"1\""));
	assert_null(labels_rest("a=\"1\"", "a=\"1\",b=\"2\""));
	assert_null(labels_rest("b=\"1\"", "a=\"1\""));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(label_pairs),
	    cmocka_unit_test(label_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
