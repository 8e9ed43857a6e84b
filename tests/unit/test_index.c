/* Texts to numbers: nothing is lost as the table grows. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "index.h"

enum { MANY = 20000 };

static void
name(char out[32], unsigned i)
{
	snprintf(out, 32, "fra%u-udp-5004", i);
}

static void
test_empty(void **state)
{
	struct index x = {0};

	assert_null(index_find(&x, "a"));
	index_free(&x);
	assert_null(index_find(&x, ""));
}

static void
test_many(void **state)
{
	struct index x = {0};
	char text[32];

	for (unsigned i = 0; i < MANY; i++) {
		struct index_entry *e;

		name(text, i);
		assert_null(index_find(&x, text));
		e = index_add(&x, text);
		assert_non_null(e);
		assert_int_equal(e->value, 0);
		assert_string_equal(e->text, text);
		/* Its own copy. */
		assert_ptr_not_equal(e->text, text);
		e->value = i + 1;
	}
	assert_int_equal(x.used, MANY);
	assert_true(x.slots >= 2 * x.used);
	for (unsigned i = 0; i < MANY; i++) {
		name(text, i);
		assert_int_equal(index_find(&x, text)->value, i + 1);
		/* Adding it again finds it. */
		assert_int_equal(index_add(&x, text)->value, i + 1);
	}
	assert_int_equal(x.used, MANY);
	name(text, MANY);
	assert_null(index_find(&x, text));
	index_free(&x);
	assert_int_equal(x.slots + x.used, 0);
}

/* Texts that are the beginning of another, the empty one, odd bytes. */
static void
test_odd(void **state)
{
	static const char *const texts[] = {
	    "", "a", "aa", "aaa", "\xff", "\xff\xfe", "a b", " a"};
	struct index x = {0};

	for (unsigned i = 0; i < 8; i++)
		index_add(&x, texts[i])->value = i + 1;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(index_find(&x, texts[i])->value, i + 1);
	index_free(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
