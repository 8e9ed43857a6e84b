/* Addresses: text both ways, order, hostile text and short structs. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "addr.h"

static struct addr
make(const char *host, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host), 0);
	addr_set_port(&a, port);
	return a;
}

static void
test_text(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *text;
	} v[] = {
	    {"192.0.2.1", 5004, "192.0.2.1:5004"},
	    {"0.0.0.0", 0, "0.0.0.0:0"},
	    {"2001:db8::1", 443, "[2001:db8::1]:443"},
	    {"::", 65535, "[::]:65535"},
	    {"::ffff:192.0.2.1", 1, "[::ffff:192.0.2.1]:1"},
	    {"fe80::1%lo", 9, "[fe80::1%lo]:9"},
	    {"fe80:1111:2222:3333:4444:5555:6666:7777%4294967295", 65535,
		"[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]"
		":65535"},
	};
	char buf[ADDR_TEXT];

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct addr a = make(v[i].host, v[i].port);

		assert_string_equal(addr_host_text(&a, buf), v[i].host);
		assert_string_equal(addr_text(&a, buf), v[i].text);
		assert_int_equal(addr_port(&a), v[i].port);
	}
}

static void
test_unset(void **state)
{
	struct addr a = {.sa = {.sa_family = AF_UNSPEC}};
	struct addr b = make("192.0.2.1", 1);
	char buf[ADDR_TEXT];
	unsigned len = 9;

	assert_int_equal(addr_family(&a), 0);
	assert_int_equal(addr_len(&a), 0);
	assert_int_equal(addr_port(&a), 0);
	addr_set_port(&a, 80);
	assert_int_equal(addr_port(&a), 0);
	assert_null(addr_bytes(&a, &len));
	assert_int_equal(len, 0);
	assert_string_equal(addr_text(&a, buf), "-");
	assert_string_equal(addr_host_text(&a, buf), "-");
	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
	assert_false(addr_same_host(&b, &a));
}

static void
test_bad_hosts(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "256.1.1.1",
	    "01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4%lo", "[::1]", ":",
	    ":::", "1::2::3", "12345::", "fe80::1%", "fe80::1%nosuchif0",
	    "fe80::1%0", "fe80::1%4294967296", "fe80::1%-1", "example.net",
	    "%lo", "::1/64",
	    "1111111111111111111111111111111111111111111111111111111111111"
	    "1111111111"};
	struct addr a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse_host(&a, bad[i]), -EINVAL);
}

static void
test_split(void **state)
{
	static const struct {
		const char *text, *host;
		int port; /* -1: left alone */
	} v[] = {
	    {"example.net:5061", "example.net", 5061},
	    {"example.net", "example.net", -1},
	    {"192.0.2.1:0", "192.0.2.1", 0},
	    {"192.0.2.1:65535", "192.0.2.1", 65535},
	    {"[2001:db8::1]:443", "2001:db8::1", 443},
	    {"[2001:db8::1]", "2001:db8::1", -1},
	    {"2001:db8::1", "2001:db8::1", -1},
	    {"::", "::", -1},
	    {"[fe80::1%eth0]:5", "fe80::1%eth0", 5},
	    {"a:080", "a", 80},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char host[32];
		uint16_t port = 7;

		assert_int_equal(
		    addr_split(v[i].text, host, sizeof(host), &port), 0);
		assert_string_equal(host, v[i].host);
		assert_int_equal(port, v[i].port < 0 ? 7 : v[i].port);
	}
}

static void
test_bad_splits(void **state)
{
	static const char *const bad[] = {"", ":80", "a:", "a:65536", "a:-1",
	    "a:+1", "a: 1", "a:1 ", "a:0x50", "a:99999999999999999999", "[::1",
	    "[::1]x", "[::1]:", "[::1]80", "[]:80", "[]", "::1]", "[[::1]]",
	    "a]:80"};
	char host[32], small[5];
	uint16_t port = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    addr_split(bad[i], host, sizeof(host), &port), -EINVAL);
	assert_int_equal(port, 7);
	assert_int_equal(addr_split("abcd:1", small, sizeof(small), &port), 0);
	assert_int_equal(
	    addr_split("abcde:1", small, sizeof(small), &port), -EINVAL);
}

/* Every pair and triple: a total order, which equality agrees with. */
static void
test_order(void **state)
{
	struct addr v[] = {{.sa = {.sa_family = AF_UNSPEC}}, make("0.0.0.0", 0),
	    make("10.0.0.1", 2), make("10.0.0.1", 300), make("10.0.1.0", 1),
	    make("192.0.2.255", 1), make("::", 0), make("::1", 1),
	    make("fe80::1", 9), make("fe80::1%1", 5), make("fe80::1%2", 1),
	    make("ff02::1", 0)};
	int n = sizeof(v) / sizeof(v[0]);

	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			int c = addr_compare(&v[i], &v[j]);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
			assert_int_equal(addr_equal(&v[i], &v[j]), i == j);
		}
	}
	assert_true(addr_same_host(&v[2], &v[3]));
	assert_false(addr_same_host(&v[3], &v[4]));
	assert_false(addr_same_host(&v[9], &v[10]));
}

static void
test_sockaddr(void **state)
{
	struct addr a = make("2001:db8::5", 53), b;
	struct addr c = make("192.0.2.9", 53);
	struct sockaddr other = {.sa_family = AF_UNIX};

	assert_int_equal(addr_len(&a), sizeof(struct sockaddr_in6));
	assert_int_equal(addr_len(&c), sizeof(struct sockaddr_in));
	assert_int_equal(addr_from_sockaddr(&b, &a.sa, addr_len(&a)), 0);
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_from_sockaddr(&b, &c.sa, sizeof(c)), 0);
	assert_true(addr_equal(&c, &b));
	assert_int_equal(
	    addr_from_sockaddr(&b, &a.sa, addr_len(&a) - 1), -EINVAL);
	assert_int_equal(
	    addr_from_sockaddr(&b, &c.sa, addr_len(&c) - 1), -EINVAL);
	assert_int_equal(addr_from_sockaddr(&b, &c.sa, 1), -EINVAL);
	assert_int_equal(addr_from_sockaddr(&b, &c.sa, 0), -EINVAL);
	assert_int_equal(
	    addr_from_sockaddr(&b, &other, sizeof(other)), -EAFNOSUPPORT);
	/* A failure leaves what was there. */
	assert_true(addr_equal(&c, &b));
}

static void
test_bytes(void **state)
{
	static const uint8_t four[4] = {192, 0, 2, 1};
	static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct addr a, want = make("192.0.2.1", 5004);
	unsigned len;

	addr_from_bytes(&a, AF_INET, four, 5004);
	assert_true(addr_equal(&a, &want));
	assert_memory_equal(addr_bytes(&a, &len), four, 4);
	assert_int_equal(len, 4);
	assert_int_equal(a.in.sin_port, htons(5004));
	want = make("2001:db8::1", 9);
	addr_from_bytes(&a, AF_INET6, six, 9);
	assert_true(addr_equal(&a, &want));
	assert_memory_equal(addr_bytes(&a, &len), six, 16);
	assert_int_equal(len, 16);
	addr_from_bytes(&a, AF_UNIX, six, 9);
	assert_int_equal(addr_family(&a), AF_UNSPEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_unset),
	    cmocka_unit_test(test_bad_hosts),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_bad_splits),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_sockaddr),
	    cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
