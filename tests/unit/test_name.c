/* name and hosts: the judgement of rounds, and files of /etc, by hand. */
#include "build.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "addr.h"
#include "clock.h"
#include "hosts.h"
#include "name.h"
#include "stub.h"

static const struct name_policy policy = {
    .max_addresses = 8,
    .ttl_least = 10 * CLOCK_SEC,
    .ttl_most = 3600 * CLOCK_SEC,
    .retry = 10 * CLOCK_SEC,
};

static void
check_due(const struct name *n, uint64_t now, uint64_t seconds)
{
	uint64_t wait = n->due - now;
	assert_true(wait <= seconds * CLOCK_SEC);
	assert_true(wait >= seconds * CLOCK_SEC * 94 / 100);
}

static enum name_news
round_of(struct name *n, const struct stub_answer *v4,
    const struct stub_answer *v6, uint64_t now)
{
	name_begin(n, &policy);
	name_answer(&n->half[NAME_V4], &policy, v4);
	name_answer(&n->half[NAME_V6], &policy, v6);
	return name_conclude(n, &policy, now);
}

static void
test_rounds_by_hand(void **state)
{
	struct addr a;
	struct name *n = name_new("a.test");
	addr_parse_host(&a, "192.0.2.1");
	const struct stub_answer good = {.addr = &a, .addrs = 1, .ttl = 300};
	const struct stub_answer none = {.why = "no address", .none = true};
	const struct stub_answer gone = {.why = "NXDOMAIN", .none = true};
	const struct stub_answer fail = {.why = "SERVFAIL"};
	uint64_t t = 1000 * CLOCK_SEC;
	/* 300 s: nine tenths are 270 s, less up to a twentieth. */
	assert_int_equal(round_of(n, &good, &none, t), NAME_CHANGED);
	check_due(n, t, 270);
	assert_int_equal(round_of(n, &good, &none, t), NAME_SAME);
	/* Half a failure: 10 s, 20 s, ... 320 s, but the TTL comes first. */
	static const uint64_t lame[] = {10, 20, 40, 80, 160, 270, 270};
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(round_of(n, &good, &fail, t), NAME_SAME);
		check_due(n, t, lame[i]);
	}
	/* A failure: 10 s, 20 s, 40 s, 80 s, and so on at that. */
	static const uint64_t wait[] = {10, 20, 40, 80, 80};
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(
		    round_of(n, &gone, &fail, t), i ? NAME_SAME : NAME_BROKE);
		assert_int_equal(n->failures, i + 1);
		assert_string_equal(n->why, "SERVFAIL");
		assert_int_equal(n->addrs, 1);
		check_due(n, t, wait[i]);
	}
	assert_int_equal(round_of(n, &none, &gone, t), NAME_SAME);
	assert_string_equal(n->why, "no address");
	/* The same addresses again are news: it had failed. */
	assert_int_equal(round_of(n, &good, &none, t), NAME_CHANGED);
	assert_null(n->why);
	/* IPv4 goes while IPv6 comes. */
	struct addr v6;
	addr_parse_host(&v6, "2001:db8::1");
	const struct stub_answer other = {.addr = &v6, .addrs = 1, .ttl = 5};
	assert_int_equal(round_of(n, &none, &other, t), NAME_CHANGED);
	assert_int_equal(n->addrs, 1);
	assert_int_equal(addr_family(&n->addr[0]), AF_INET6);
	check_due(n, t, 9); /* no less than ttl_least */
	name_free(n);
	name_free(NULL);
}

static void
test_nameserver_lines(void **state)
{
	static const char text[] =
	    "# nameserver 192.0.2.9\nnameserver 192.0.2.1 # one\n"
	    "nameserver\nnameservers 192.0.2.8\n\tnameserver 2001:db8::1\n"
	    "nameserver name.test\nnameserver fe80::1%lo\n"
	    "nameserver 192.0.2.4";
	struct addr a[4];
	char out[ADDR_TEXT];
	assert_int_equal(hosts_nameservers(text, sizeof(text) - 1, a, 4), 4);
	assert_string_equal(addr_text(&a[0], out), "192.0.2.1:53");
	assert_string_equal(addr_text(&a[1], out), "[2001:db8::1]:53");
	assert_true(a[2].in6.sin6_scope_id > 0);
	assert_string_equal(addr_text(&a[3], out), "192.0.2.4:53");
	assert_int_equal(hosts_nameservers(text, sizeof(text) - 1, a, 2), 2);
	assert_int_equal(hosts_nameservers("", 0, a, 4), 0);
}

/* ---- hosts ---- */

static void
check_hosts(const struct hosts *h, const char *name, int family, size_t n,
    const char *first)
{
	struct addr a[4];
	char text[ADDR_TEXT];
	assert_int_equal(hosts_find(h, name, family, a, 4), n);
	if (n)
		assert_string_equal(addr_host_text(&a[0], text), first);
}

static void
test_hosts_lines(void **state)
{
	static const char text[] =
	    "192.0.2.2 b a # c\n#192.0.2.9 d\n192.0.2.1\ta\t\n\n"
	    "300.1.1.1 e\n2001:db8::1 a A.b\nfe80::1%lo f";
	struct hosts *h = hosts_parse(text, sizeof(text) - 1);
	check_hosts(h, "a", AF_UNSPEC, 3, "192.0.2.2"); /* the file's order */
	check_hosts(h, "a.", AF_INET, 2, "192.0.2.2");
	check_hosts(h, "A", AF_INET6, 1, "2001:db8::1");
	check_hosts(h, "a.B", AF_UNSPEC, 1, "2001:db8::1");
	check_hosts(h, "b", AF_INET6, 0, NULL);
	check_hosts(h, "c", AF_UNSPEC, 0, NULL);
	check_hosts(h, "d", AF_UNSPEC, 0, NULL);
	check_hosts(h, "e", AF_UNSPEC, 0, NULL);
	check_hosts(h, "f", AF_UNSPEC, 1, "fe80::1%lo");
	check_hosts(h, "", AF_UNSPEC, 0, NULL);
	check_hosts(h, ".", AF_UNSPEC, 0, NULL);
	/* RFC 6761 6.3; but not what only ends alike. */
	check_hosts(h, "localhost", AF_UNSPEC, 2, "127.0.0.1");
	check_hosts(h, "x.localhost.", AF_INET6, 1, "::1");
	check_hosts(h, "xlocalhost", AF_UNSPEC, 0, NULL);
	hosts_free(h);
	hosts_free(NULL);
	check_hosts(NULL, "a", AF_UNSPEC, 0, NULL);
	h = hosts_parse("192.0.2.1 localhost", 19);
	check_hosts(h, "localhost", AF_UNSPEC, 1, "192.0.2.1");
	hosts_free(h);
	h = hosts_parse("", 0);
	check_hosts(h, "a", AF_UNSPEC, 0, NULL);
	hosts_free(h);
}

/* A list of blocked names: long, and still found by halves. */
static void
test_many_hosts(void **state)
{
	enum { MANY = 50000 };
	char *text = malloc(MANY * 32), name[32];
	size_t len = 0;
	for (unsigned i = 0; i < MANY; i++)
		len += (size_t)snprintf(
		    text + len, 32, "0.0.0.0 ad%u.test\n", i * 7919 % MANY);
	struct hosts *h = hosts_parse(text, len);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "ad%u.test", i);
		check_hosts(h, name, AF_UNSPEC, 1, "0.0.0.0");
	}
	hosts_free(h);
	free(text);
}

/* The name that has the addresses, as the last answer had it. */
static void
test_alias(void **state)
{
	struct addr a;
	struct name *n = name_new("a.test");
	addr_parse_host(&a, "192.0.2.1");
	const struct stub_answer via = {
	    .addr = &a, .addrs = 1, .ttl = 300, .alias = "edge.cdn.test"};
	const struct stub_answer same = {
	    .addr = &a, .addrs = 1, .ttl = 300, .alias = "a.test"};
	const struct stub_answer fail = {.why = "SERVFAIL"};
	uint64_t t = 1000 * CLOCK_SEC;
	assert_null(n->half[NAME_V4].alias);
	round_of(n, &via, &fail, t);
	assert_string_equal(n->half[NAME_V4].alias, "edge.cdn.test");
	assert_null(n->half[NAME_V6].alias);
	/* A failure keeps it, as it keeps the addresses. */
	round_of(n, &fail, &fail, t);
	assert_string_equal(n->half[NAME_V4].alias, "edge.cdn.test");
	round_of(n, &same, &fail, t);
	assert_string_equal(n->half[NAME_V4].alias, "a.test");
	name_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounds_by_hand),
	    cmocka_unit_test(test_alias),
	    cmocka_unit_test(test_nameserver_lines),
	    cmocka_unit_test(test_hosts_lines),
	    cmocka_unit_test(test_many_hosts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
