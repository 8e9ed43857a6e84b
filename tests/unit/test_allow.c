/* What may be asked for by others, and what must not. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "allow.h"

enum { MOST = 8 };

static struct allow list[MOST];
static size_t count;

static void
set(const char *const *text)
{
	const char *why;

	for (size_t i = 0; i < count; i++)
		allow_clear(&list[i]);
	for (count = 0; text[count] != NULL; count++)
		assert_int_equal(
		    allow_parse(&list[count], text[count], &why), 0);
}

#define SET(...) set((const char *const[]){__VA_ARGS__, NULL})

static bool
probes(const char *host, const char *address, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, address), 0);
	addr_set_port(&a, port);
	return allow_address(list, count, host, &a);
}

static bool
asks(const char *host, uint16_t port)
{
	return allow_host(list, count, host, port);
}

static int
clear(void **state)
{
	set((const char *const[]){NULL});
	return 0;
}

static void
test_nothing(void **state)
{
	set((const char *const[]){NULL});
	assert_false(asks("example.net", 443));
	assert_false(probes("example.net", "8.8.8.8", 443));
	assert_false(asks("127.0.0.1", 80));
}

static void
test_networks(void **state)
{
	SET("198.51.100.0/24", "10.0.0.7:443", "2001:db8::/32",
	    "[2001:db9::1]:5060-5061");
	assert_true(asks("198.51.100.9", 0));
	assert_true(asks("198.51.100.9", 65535));
	assert_false(asks("198.51.101.9", 80));
	assert_true(asks("10.0.0.7", 443));
	assert_false(asks("10.0.0.7", 444));
	assert_false(asks("10.0.0.8", 443));
	/* An echo has no port, and this address has one that is meant. */
	assert_false(asks("10.0.0.7", 0));
	assert_true(asks("2001:db8:5::9", 1));
	assert_true(asks("2001:db9::1", 5060));
	assert_true(asks("2001:db9::1", 5061));
	assert_false(asks("2001:db9::1", 5062));
	assert_false(asks("2001:db9::2", 5061));
	/* The same address in another dress is another one. */
	assert_false(asks("::ffff:10.0.0.7", 443));
	assert_false(asks("::ffff:198.51.100.9", 443));
}

/* A name may lead into the networks, whatever it is called. */
static void
test_names_in_networks(void **state)
{
	SET("198.51.100.0/24:443");
	assert_true(asks("anything.example", 443));
	assert_false(asks("anything.example", 80));
	assert_true(probes("anything.example", "198.51.100.1", 443));
	assert_false(probes("anything.example", "198.51.99.1", 443));
	assert_false(probes("anything.example", "127.0.0.1", 443));
}

static void
test_names(void **state)
{
	SET("*.example.net:443", "one.example.org");
	assert_true(asks("a.example.net", 443));
	assert_true(asks("A.b.EXAMPLE.net.", 443));
	assert_false(asks("a.example.net", 80));
	assert_false(asks("example.net", 443));
	assert_false(asks("a.example.net.evil.test", 443));
	assert_true(asks("one.example.org", 9));
	/* No networks are there, so no other name is worth a question. */
	assert_false(asks("other.example", 443));
	assert_true(probes("a.example.net", "8.8.8.8", 443));
	assert_true(probes("a.example.net", "2606:4700::1", 443));
	assert_false(probes("a.example.net", "8.8.8.8", 80));
	/* An address is no name, even where any name will do. */
	SET("*");
	assert_true(asks("example.net", 1));
	assert_false(asks("8.8.8.8", 443));
	assert_false(asks("2606:4700::1", 443));
}

/* Where a name leads that somebody else may point anywhere. */
static void
test_rebinding(void **state)
{
	static const char *const inside[] = {"0.0.0.0", "10.0.0.1",
	    "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254",
	    "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.168.1.1",
	    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
	    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
	    "::ffff:8.8.8.8", "64:ff9b::7f00:1", "fc00::1", "fd00::1",
	    "fe80::1", "ff02::1", "2002:7f00:1::", "2001::1", "2001:db8::1",
	    "3fff::1"};
	static const char *const outside[] = {"1.1.1.1", "9.255.255.255",
	    "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
	    "192.167.1.1", "223.255.255.255", "2001:200::1", "2606:4700::1",
	    "3ffe::1"};

	SET("*.example.net", "10.9.0.0/16");
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		print_message("%s\n", inside[i]);
		assert_false(probes("a.example.net", inside[i], 443));
	}
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_true(probes("a.example.net", outside[i], 443));
	/* Unless the operator has said so. */
	assert_true(probes("a.example.net", "10.9.1.1", 443));
}

static void
test_mistakes(void **state)
{
	static const char *const bad[] = {"", ":80", "a b", "host:", "host:0",
	    "host:65536", "host:9-8", "host:1-", "host:x", "host:-5",
	    "198.51.100.1/24", "198.51.100.0/33", "198.51.100.0/",
	    "[2001:db8::/32", "[2001:db8::1]443", "[]:1", "2001:db8::/129",
	    "http://example.net", "user@host", "a,b", "exa\nmple"};
	char longest[300];
	struct allow a;
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		print_message("'%s'\n", bad[i]);
		assert_int_equal(allow_parse(&a, bad[i], &why), -EINVAL);
		assert_non_null(why);
		allow_clear(&a);
	}
	memset(longest, 'a', sizeof(longest));
	longest[254] = '\0';
	assert_int_equal(allow_parse(&a, longest, &why), -EINVAL);
	SET("*");
	longest[254] = 'a';
	longest[299] = '\0';
	assert_false(asks(longest, 80));
	assert_false(asks("", 80));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_names_in_networks),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_rebinding),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
