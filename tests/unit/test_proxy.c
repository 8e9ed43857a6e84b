/* Proxies: what is counted of them, and credentials that must wait. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "clock.h"
#include "proxy.h"

static const struct {
	int status;
	const char *label;
} rows[] = {{403, "403"}, {407, "407"}, {502, "502"}, {503, "503"},
    {504, "504"}, {400, "other"}, {511, "other"}, {99999, "other"},
    {-1, "none"}};

static void
test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(
		    proxy_code_label(proxy_code_of(rows[i].status)),
		    rows[i].label);
}

static void
test_counts(void **state)
{
	struct proxy *p = proxy_new();
	struct proxy_tally *t = proxy_tally_new();

	(void)state;
	proxy_count(p, 0); /* nobody to count for: fine */
	p->tally = proxy_tally_ref(t);
	proxy_count(p, 0);
	proxy_count(p, 0);
	proxy_count(p, 403);
	proxy_count(p, 407);
	proxy_count(p, 599);
	proxy_count(p, -1);
	assert_int_equal(t->connects, 6);
	assert_int_equal(t->failures[PROXY_CODE_403], 1);
	assert_int_equal(t->failures[PROXY_CODE_407], 1);
	assert_int_equal(t->failures[PROXY_CODE_OTHER], 1);
	assert_int_equal(t->failures[PROXY_CODE_NONE], 1);
	assert_int_equal(t->failures[PROXY_CODE_502], 0);
	assert_int_equal(t->auth_failures, 1);
	proxy_unref(p);
	assert_int_equal(t->connects, 6); /* still ours */
	proxy_tally_unref(t);
	proxy_unref(NULL);
	proxy_tally_unref(NULL);
}

static void
test_held(void **state)
{
	struct proxy *p = proxy_new();
	uint64_t now = clock_mono();

	(void)state;
	p->retry_ns = 60 * CLOCK_SEC;
	p->auth = PROXY_AUTH_NONE;
	p->password = strdup("s3cret");
	assert_false(proxy_held(p, now));
	proxy_count(p, 403);
	proxy_count(p, -1);
	assert_false(proxy_held(p, now));
	/* It was shown nothing: it may want something of some paths only. */
	proxy_count(p, 407);
	assert_false(proxy_held(p, now + 1));
	p->auth = PROXY_AUTH_BASIC;
	proxy_count(p, 407);
	assert_true(proxy_held(p, now + 1));
	assert_true(proxy_held(p, now + 60 * CLOCK_SEC));
	assert_false(proxy_held(p, clock_mono() + 60 * CLOCK_SEC));
	/* It lets another path through, perhaps without a look at them. */
	proxy_count(p, 0);
	assert_true(proxy_held(p, now + 1));
	proxy_unref(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_codes),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
