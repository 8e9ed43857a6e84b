/* Lists of status codes: what may stand in one, and what is in it then. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codes.h"

static void
test_has(void **state)
{
	struct codes c = {0};

	for (unsigned code = 0; code < 1000; code++)
		assert_false(codes_has(&c, code));
	assert_int_equal(codes_add(&c, "200"), 0);
	assert_int_equal(codes_add(&c, "400-404"), 0);
	assert_int_equal(codes_add(&c, "404-406"), 0);
	assert_int_equal(codes_add(&c, "699-699"), 0);
	assert_int_equal(codes_add(&c, "100"), 0);
	for (unsigned code = 0; code < 1000; code++)
		assert_int_equal(codes_has(&c, code),
		    code == 100 || code == 200 ||
			(code >= 400 && code <= 406) || code == 699);
}

static void
test_refused(void **state)
{
	static const char *const texts[] = {"", "2", "20", "2000", "020", "099",
	    "700", "-200", "+200", " 200", "200 ", "2xx", "200-", "200-2",
	    "200-99", "300-200", "200-700", "200--201", "200-201-", "200-201 ",
	    "200,201", "0x1ff", "200-0201", "99999999999999999999",
	    "two hundred"};
	struct codes c = {0};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(codes_add(&c, texts[i]), -EINVAL);
	assert_int_equal(c.ranges, 0);
}

static void
test_room(void **state)
{
	struct codes c = {0};

	for (unsigned i = 0; i < CODES_RANGES; i++)
		assert_int_equal(codes_add(&c, "200"), 0);
	assert_int_equal(codes_add(&c, "404"), -ENOSPC);
	assert_true(codes_has(&c, 200));
	assert_false(codes_has(&c, 404));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_has),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
