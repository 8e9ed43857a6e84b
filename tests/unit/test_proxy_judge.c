/* Proxies judged by their paths: who speaks for them, and who does not. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxy_judge.h"

enum { MOST = 4 };

static const struct row {
	const char *what;
	struct proxy_path path[MOST];
	enum state state;
	bool refuses;
	enum outcome why;
} rows[] = {
    {"nobody", {{0}}, STATE_UNKNOWN, false, 0},
    {"one answers", {{STATE_UP, OUTCOME_ANSWERED, true}}, STATE_UP, false, 0},
    {"an origin is ill", {{STATE_DEGRADED, OUTCOME_ERROR_RESPONSE, true}},
	STATE_UP, false, 0},
    {"an origin is away", {{STATE_DOWN, OUTCOME_PROXY_UPSTREAM, false}},
	STATE_UP, false, 0},
    {"a bad certificate behind it",
	{{STATE_DOWN, OUTCOME_TLS_CERTIFICATE, true}}, STATE_UP, false, 0},
    {"silence behind it", {{STATE_DOWN, OUTCOME_TIMEOUT, true}}, STATE_UP,
	false, 0},
    {"our own fault", {{STATE_DOWN, OUTCOME_LOCAL, false}}, STATE_UNKNOWN,
	false, 0},
    {"one bad probe", {{STATE_UP, OUTCOME_TIMEOUT, false}}, STATE_UNKNOWN,
	false, 0},
    {"silent", {{STATE_DOWN, OUTCOME_TIMEOUT, false}}, STATE_DOWN, false,
	OUTCOME_TIMEOUT},
    {"closed", {{STATE_DOWN, OUTCOME_REFUSED, false}}, STATE_DOWN, false,
	OUTCOME_REFUSED},
    {"no name", {{STATE_DOWN, OUTCOME_DNS, false}}, STATE_DOWN, false,
	OUTCOME_DNS},
    {"refuses one, passes another",
	{{STATE_DOWN, OUTCOME_PROXY_REFUSED, false},
	    {STATE_UP, OUTCOME_ANSWERED, true}},
	STATE_UP, false, OUTCOME_PROXY_REFUSED},
    {"refuses all",
	{{STATE_DOWN, OUTCOME_PROXY_REFUSED, false},
	    {STATE_DOWN, OUTCOME_PROXY_REFUSED, false}},
	STATE_DEGRADED, true, OUTCOME_PROXY_REFUSED},
    {"wants other credentials", {{STATE_DOWN, OUTCOME_PROXY_AUTH, false}},
	STATE_DEGRADED, true, OUTCOME_PROXY_AUTH},
    {"for some",
	{{STATE_UP, OUTCOME_ANSWERED, true},
	    {STATE_DOWN, OUTCOME_PROXY_AUTH, false}},
	STATE_DEGRADED, false, OUTCOME_PROXY_AUTH},
    {"not judged yet", {{STATE_UNKNOWN, OUTCOME_PROXY_AUTH, false}},
	STATE_UNKNOWN, false, 0},
    {"refuses one, hangs on another",
	{{STATE_DOWN, OUTCOME_TIMEOUT, false},
	    {STATE_DOWN, OUTCOME_PROXY_REFUSED, false}},
	STATE_DEGRADED, true, OUTCOME_TIMEOUT},
    {"one of many is stuck",
	{{STATE_UP, OUTCOME_ANSWERED, true},
	    {STATE_DOWN, OUTCOME_TIMEOUT, false},
	    {STATE_UP, OUTCOME_ANSWERED, true}},
	STATE_UP, false, OUTCOME_TIMEOUT},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		struct proxy_verdict v = proxy_judge(r->path, MOST);

		if (v.state != r->state || v.refuses != r->refuses)
			print_message("%s\n", r->what);
		assert_int_equal(v.state, r->state);
		assert_int_equal(v.refuses, r->refuses);
		assert_int_equal(v.why, r->why);
	}
	assert_int_equal(proxy_judge(NULL, 0).state, STATE_UNKNOWN);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
