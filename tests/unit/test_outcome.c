/* Outcomes: the list, and what errno and ICMP mean for it. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "outcome.h"

static void
test_list(void **state)
{
	for (unsigned i = 1; i < OUTCOME_END; i++) {
		const char *label = outcome_label((enum outcome)i);
		const char *meaning = outcome_meaning((enum outcome)i);

		assert_string_not_equal(label, "none");
		assert_int_equal(strspn(label, "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(label));
		assert_int_equal(meaning[strlen(meaning) - 1], '.');
		for (unsigned j = 1; j < i; j++)
			assert_string_not_equal(
			    label, outcome_label((enum outcome)j));
	}
	assert_string_equal(outcome_label(OUTCOME_TIMEOUT), "timeout");
	assert_string_equal(outcome_label(OUTCOME_NONE), "none");
	assert_string_equal(outcome_label(OUTCOME_END), "none");
	assert_string_equal(outcome_label((enum outcome)4000000000u), "none");
	assert_string_equal(outcome_meaning(OUTCOME_NONE), "");
}

/* What must be blocked is so when nothing came, and open when bytes did. */
static void
test_walls(void **state)
{
	static const enum outcome open[] = {OUTCOME_ANSWERED,
	    OUTCOME_ERROR_RESPONSE, OUTCOME_TLS_HANDSHAKE,
	    OUTCOME_TLS_CERTIFICATE, OUTCOME_TLS_INTERCEPTED, OUTCOME_PROTOCOL};
	static const enum outcome nothing[] = {OUTCOME_DNS, OUTCOME_PROXY_AUTH,
	    OUTCOME_LOCAL, OUTCOME_OTHER, OUTCOME_NONE, OUTCOME_END};
	unsigned shut = 0;

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		assert_int_equal(outcome_wall(open[i]), OUTCOME_WALL_OPEN);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		assert_int_equal(
		    outcome_wall(nothing[i]), OUTCOME_WALL_NOTHING);
	for (unsigned i = 1; i < OUTCOME_END; i++)
		shut += outcome_wall((enum outcome)i) == OUTCOME_WALL_SHUT;
	assert_int_equal(shut, OUTCOME_END - 1 - 6 - 4);
	assert_int_equal(outcome_wall(OUTCOME_TIMEOUT), OUTCOME_WALL_SHUT);
	assert_int_equal(outcome_wall(OUTCOME_REFUSED), OUTCOME_WALL_SHUT);
	assert_int_equal(outcome_wall(OUTCOME_PROHIBITED), OUTCOME_WALL_SHUT);
}

/* Only two outcomes are answers and only one says nothing of the path. */
static void
test_classes(void **state)
{
	for (unsigned i = 1; i < OUTCOME_END; i++) {
		enum outcome_class want = OUTCOME_CLASS_LOSS;

		if (i == OUTCOME_ANSWERED || i == OUTCOME_ERROR_RESPONSE)
			want = OUTCOME_CLASS_ANSWER;
		else if (i == OUTCOME_LOCAL)
			want = OUTCOME_CLASS_LOCAL;
		assert_int_equal(outcome_class((enum outcome)i), want);
	}
}

static void
test_errno(void **state)
{
	static const struct {
		int err;
		enum outcome remote, local;
	} v[] = {
	    {ECONNREFUSED, OUTCOME_REFUSED, OUTCOME_REFUSED},
	    {ECONNRESET, OUTCOME_RESET, OUTCOME_RESET},
	    {EPIPE, OUTCOME_RESET, OUTCOME_RESET},
	    {EACCES, OUTCOME_PROHIBITED, OUTCOME_PROHIBITED},
	    {EPERM, OUTCOME_PROHIBITED, OUTCOME_PROHIBITED},
	    {EHOSTUNREACH, OUTCOME_UNREACHABLE, OUTCOME_LOCAL},
	    {ENETUNREACH, OUTCOME_UNREACHABLE, OUTCOME_LOCAL},
	    {EHOSTDOWN, OUTCOME_UNREACHABLE, OUTCOME_UNREACHABLE},
	    {ENONET, OUTCOME_UNREACHABLE, OUTCOME_UNREACHABLE},
	    {ENOPROTOOPT, OUTCOME_UNREACHABLE, OUTCOME_UNREACHABLE},
	    {ETIMEDOUT, OUTCOME_TIMEOUT, OUTCOME_TIMEOUT},
	    {ENETDOWN, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {EADDRNOTAVAIL, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {ENODEV, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {EMFILE, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {ENFILE, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {ENOBUFS, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {ENOMEM, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {EMSGSIZE, OUTCOME_OTHER, OUTCOME_OTHER},
	    {EINVAL, OUTCOME_OTHER, OUTCOME_LOCAL},
	    {EPROTO, OUTCOME_OTHER, OUTCOME_OTHER},
	    {0, OUTCOME_OTHER, OUTCOME_OTHER},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(
		    outcome_of_errno(v[i].err, false), v[i].remote);
		assert_int_equal(outcome_of_errno(v[i].err, true), v[i].local);
	}
}

static void
test_icmp4(void **state)
{
	for (unsigned code = 0; code < 256; code++) {
		enum outcome want = OUTCOME_UNREACHABLE;

		if (code == 3)
			want = OUTCOME_REFUSED;
		else if (code == 9 || code == 10 || code == 13)
			want = OUTCOME_PROHIBITED;
		assert_int_equal(outcome_of_icmp(AF_INET, 3, code), want);
	}
	assert_int_equal(outcome_of_icmp(AF_INET, 11, 0), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_icmp(AF_INET, 11, 1), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_icmp(AF_INET, 12, 0), OUTCOME_OTHER);
	assert_int_equal(outcome_of_icmp(AF_INET, 4, 0), OUTCOME_OTHER);
	assert_int_equal(outcome_of_icmp(AF_INET, 0, 3), OUTCOME_OTHER);
}

static void
test_icmp6(void **state)
{
	for (unsigned code = 0; code < 256; code++) {
		enum outcome want = OUTCOME_UNREACHABLE;

		if (code == 4)
			want = OUTCOME_REFUSED;
		else if (code == 1 || code == 5 || code == 6)
			want = OUTCOME_PROHIBITED;
		assert_int_equal(outcome_of_icmp(AF_INET6, 1, code), want);
	}
	assert_int_equal(outcome_of_icmp(AF_INET6, 3, 0), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_icmp(AF_INET6, 2, 0), OUTCOME_OTHER);
	assert_int_equal(outcome_of_icmp(AF_INET6, 4, 1), OUTCOME_OTHER);
	assert_int_equal(outcome_of_icmp(AF_UNIX, 3, 3), OUTCOME_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_classes),
	    cmocka_unit_test(test_walls),
	    cmocka_unit_test(test_errno),
	    cmocka_unit_test(test_icmp4),
	    cmocka_unit_test(test_icmp6),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
