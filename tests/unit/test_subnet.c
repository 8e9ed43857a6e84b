/* Subnets: reading them, and the longest prefix that holds an address. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "subnet.h"

/* The media subnets of the Webex document of 2023-05-24, NET-01 to NET-31. */
static const char *const webex[] = {
    "4.152.214.0/24",
    "4.158.208.0/24",
    "4.175.120.0/24",
    "20.50.235.0/24",
    "20.53.87.0/24",
    "20.57.87.0/24",
    "20.68.154.0/24",
    "20.76.127.0/24",
    "20.108.99.0/24",
    "20.120.238.0/23",
    "23.89.0.0/16",
    "40.119.234.0/24",
    "44.234.52.192/26",
    "52.232.210.0/24",
    "62.109.192.0/18",
    "64.68.96.0/19",
    "66.114.160.0/20",
    "66.163.32.0/19",
    "69.26.160.0/19",
    "114.29.192.0/19",
    "144.196.0.0/16",
    "150.253.128.0/17",
    "163.129.0.0/16",
    "170.72.0.0/16",
    "170.133.128.0/18",
    "173.39.224.0/19",
    "173.243.0.0/20",
    "207.182.160.0/19",
    "209.197.192.0/19",
    "210.4.192.0/20",
    "216.151.128.0/19",
};

enum { WEBEX = sizeof(webex) / sizeof(webex[0]), ROWS = 64 };

static struct subnet_table *
table_of(const char *const *text, size_t n)
{
	struct subnet s[ROWS];
	struct subnet_table *t;

	assert_true(n <= ROWS);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(subnet_parse(&s[i], text[i]), 0);
	t = subnet_table_new(s, n);
	assert_non_null(t);
	return t;
}

static uint32_t
find(const struct subnet_table *t, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, text), 0);
	return subnet_find(t, &a);
}

static void
test_parse(void **state)
{
	struct subnet s;
	const uint8_t v4[16] = {198, 51, 100};
	const uint8_t v6[16] = {0x24, 0x02, 0x25};

	(void)state;
	assert_int_equal(subnet_parse(&s, "198.51.100.0/24"), 0);
	assert_int_equal(s.family, AF_INET);
	assert_int_equal(s.bits, 24);
	assert_memory_equal(s.bytes, v4, 16);
	assert_int_equal(subnet_parse(&s, "2402:2500::/34"), 0);
	assert_int_equal(s.family, AF_INET6);
	assert_int_equal(s.bits, 34);
	assert_memory_equal(s.bytes, v6, 16);
	assert_int_equal(subnet_parse(&s, "0.0.0.0/0"), 0);
	assert_int_equal(subnet_parse(&s, "::/0"), 0);
	assert_int_equal(subnet_parse(&s, "192.0.2.1/32"), 0);
	assert_int_equal(subnet_parse(&s, "2001:db8::1/128"), 0);
}

static void
test_parse_mistakes(void **state)
{
	static const char *const invalid[] = {"", "/", "198.51.100.0",
	    "198.51.100.0/", "198.51.100.0/33", "198.51.100.0/-1",
	    "198.51.100.0/+24", "198.51.100.0/24 ", " 198.51.100.0/24",
	    "198.51.100.0/024", "198.51.100.0/24/24", "198.51.100/24",
	    "198.51.100.256/24", "198.51.100.0/2x", "2001:db8::/129",
	    "fe80::%eth0/64", "example.net/24", "2001:db8:::/32", "/24",
	    "198.51.100.0/99999999999999999999",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
	    /* one longer than the longest address */
	    "0000:0000:0000:0000:0000:00000:255.255.255.255/8"};
	static const char *const host_bits[] = {"198.51.100.1/24",
	    "198.51.100.64/25", "128.0.0.0/0", "2001:db8::1/64",
	    "2402:2500:6000::/34", "::1/127",
	    "0000:0000:0000:0000:0000:0000:255.255.255.255/8"};
	struct subnet s;

	(void)state;
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_int_equal(subnet_parse(&s, invalid[i]), -EINVAL);
	for (size_t i = 0; i < sizeof(host_bits) / sizeof(host_bits[0]); i++)
		assert_int_equal(subnet_parse(&s, host_bits[i]), -ERANGE);
}

/* First and last address are inside, their neighbours are not. */
static void
test_webex_borders(void **state)
{
	static const struct {
		const char *before, *first, *last, *after;
		uint32_t row;
	} border[] = {
	    {"4.152.213.255", "4.152.214.0", "4.152.214.255", "4.152.215.0", 1},
	    {"20.120.237.255", "20.120.238.0", "20.120.239.255", "20.120.240.0",
		10},
	    {"23.88.255.255", "23.89.0.0", "23.89.255.255", "23.90.0.0", 11},
	    {"44.234.52.191", "44.234.52.192", "44.234.52.255", "44.234.53.0",
		13},
	    {"62.109.191.255", "62.109.192.0", "62.109.255.255", "62.110.0.0",
		15},
	    {"66.114.159.255", "66.114.160.0", "66.114.175.255", "66.114.176.0",
		17},
	    {"150.253.127.255", "150.253.128.0", "150.253.255.255",
		"150.254.0.0", 22},
	    {"216.151.127.255", "216.151.128.0", "216.151.159.255",
		"216.151.160.0", 31},
	};
	struct subnet_table *t = table_of(webex, WEBEX);

	(void)state;
	assert_int_equal(WEBEX, 31);
	for (size_t i = 0; i < sizeof(border) / sizeof(border[0]); i++) {
		assert_int_equal(find(t, border[i].before), 0);
		assert_int_equal(find(t, border[i].first), border[i].row);
		assert_int_equal(find(t, border[i].last), border[i].row);
		assert_int_equal(find(t, border[i].after), 0);
	}
	/* The first octet alone says nothing. */
	assert_int_equal(find(t, "20.1.1.1"), 0);
	assert_int_equal(find(t, "2402:2500::1"), 0);
	subnet_table_free(t);
}

static void
test_longest_wins(void **state)
{
	static const char *const rows[] = {"10.0.0.0/8", "10.1.2.0/24",
	    "10.1.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "2001:db8::/32",
	    "2001:db8:1::/48", "10.1.0.0/16"};
	struct subnet_table *t = table_of(rows, 8);

	(void)state;
	assert_int_equal(find(t, "10.1.2.3"), 5);
	assert_int_equal(find(t, "10.1.2.4"), 2);
	/* of two equal rows, the first */
	assert_int_equal(find(t, "10.1.3.4"), 3);
	assert_int_equal(find(t, "10.2.3.4"), 1);
	assert_int_equal(find(t, "192.0.2.1"), 4);
	assert_int_equal(find(t, "2001:db8:1::9"), 7);
	assert_int_equal(find(t, "2001:db8:2::9"), 6);
	/* 0.0.0.0/0 holds no IPv6 address */
	assert_int_equal(find(t, "2001:db9::"), 0);
	subnet_table_free(t);
}

static void
test_nothing(void **state)
{
	struct subnet_table *t = subnet_table_new(NULL, 0);
	struct addr none;

	(void)state;
	assert_non_null(t);
	assert_int_equal(find(t, "192.0.2.1"), 0);
	subnet_table_free(t);
	subnet_table_free(NULL);
	t = table_of(webex, WEBEX);
	memset(&none, 0, sizeof(none));
	assert_int_equal(subnet_find(t, &none), 0);
	subnet_table_free(t);
}

/* Far more rows than there are lengths. */
static void
test_many_rows(void **state)
{
	enum { MANY = 4000 };
	struct subnet *s = calloc(MANY, sizeof(*s));
	struct subnet_table *t;

	assert_non_null(s);
	for (unsigned i = 0; i < MANY; i++) {
		s[i].family = AF_INET;
		s[i].bits = 24;
		s[i].bytes[0] = 10;
		s[i].bytes[1] = (uint8_t)(i >> 8);
		s[i].bytes[2] = (uint8_t)i;
	}
	t = subnet_table_new(s, MANY);
	assert_non_null(t);
	for (unsigned i = 0; i < MANY; i++) {
		struct addr a;

		addr_from_bytes(&a, AF_INET, s[i].bytes, 0);
		assert_int_equal(subnet_find(t, &a), i + 1);
	}
	subnet_table_free(t);
	free(s);
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++) {
		unsigned shift = 7 - i % 8;

		if (((a[i / 8] ^ b[i / 8]) >> shift & 1) != 0)
			return false;
	}
	return true;
}

/* The obvious way: look at all rows, bit by bit. */
static uint32_t
reference(const struct subnet *s, size_t n, const struct addr *a)
{
	unsigned len;
	const uint8_t *bytes = addr_bytes(a, &len);
	uint32_t best = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i].family != addr_family(a) ||
		    !same_bits(s[i].bytes, bytes, s[i].bits))
			continue;
		if (best == 0 || s[i].bits > s[best - 1].bits)
			best = (uint32_t)i + 1;
	}
	return best;
}

/* Few different bits, so that prefixes overlap and addresses hit. */
static void
sparse_bytes(struct dice *d, uint8_t bytes[16])
{
	memset(bytes, 0, 16);
	for (int i = 0; i < 3; i++)
		bytes[dice_below(d, 4)] |= (uint8_t)(1 << dice_below(d, 8));
	if (dice_chance(d, 20))
		bytes[15] = 1;
}

static void
random_subnet(struct dice *d, struct subnet *s)
{
	sparse_bytes(d, s->bytes);
	s->family = dice_chance(d, 50) ? AF_INET : AF_INET6;
	s->bits = (uint8_t)dice_below(d, s->family == AF_INET ? 33 : 129);
	for (unsigned i = s->bits; i < 128; i++)
		s->bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static void
test_random(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		struct dice d = dice_case(i);
		struct subnet s[ROWS];
		size_t n = dice_below(&d, ROWS);
		struct subnet_table *t;

		for (size_t k = 0; k < n; k++)
			random_subnet(&d, &s[k]);
		t = subnet_table_new(s, n);
		assert_non_null(t);
		for (int k = 0; k < 50; k++) {
			uint8_t bytes[16];
			struct addr a;

			sparse_bytes(&d, bytes);
			addr_from_bytes(&a,
			    dice_chance(&d, 50) ? AF_INET : AF_INET6, bytes,
			    (uint16_t)k);
			DICE_EQUAL(&d, subnet_find(t, &a), reference(s, n, &a));
			/* One of them holds it when the table finds any. */
			for (size_t m = 0; m < n; m++)
				DICE_EQUAL(&d, subnet_holds(&s[m], &a),
				    reference(&s[m], 1, &a) == 1);
		}
		subnet_table_free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_parse_mistakes),
	    cmocka_unit_test(test_webex_borders),
	    cmocka_unit_test(test_longest_wins),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_many_rows),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("subnet", tests, NULL, NULL);
}
