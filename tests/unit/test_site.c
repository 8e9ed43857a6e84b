/* Verdicts on the site: each case worked out by hand, mappings at random. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "site.h"

enum { N = SITE_NOT_KNOWN, F = SITE_NO, Y = SITE_YES };
enum { MOST = 24 };

/*
 * A cluster as text: its class and how UDP, TCP and TLS are: p public,
 * v Video Mesh, r reference; . untested, + reachable, - unreachable.
 */
static struct choose_cluster
cluster(const char *text)
{
	struct choose_cluster c;

	memset(&c, 0, sizeof(c));
	c.class = text[0] == 'p'   ? CLUSTER_CLASS_PUBLIC
		  : text[0] == 'v' ? CLUSTER_CLASS_VIDEO_MESH
		  : text[0] == 'r' ? CLUSTER_CLASS_REFERENCE
				   : 200;
	for (int t = 0; t < 3; t++)
		c.link[t].reach = text[t + 1] == '.'   ? REACH_UNTESTED
				  : text[t + 1] == '+' ? REACH_REACHABLE
						       : REACH_UNREACHABLE;
	return c;
}

/* Clusters as words: "p+-- r.+." */
static struct site
judge(const char *text, bool link_down)
{
	struct choose_cluster c[8];
	struct site s;
	size_t n = 0;

	memset(&s, 0xee, sizeof(s));
	for (; *text != '\0'; text += text[4] == ' ' ? 5 : 4)
		c[n++] = cluster(text);
	site_judge(&s, c, n, link_down);
	return s;
}

static void
test_verdicts(void **state)
{
	static const struct {
		const char *clusters;
		uint8_t media_unreachable, udp_blocked, local_outage;
	} row[] = {
	    {"", N, N, N},
	    {"p...", N, N, N},
	    {"p+++", F, F, F},
	    {"p+..", F, F, F},
	    /* UDP blocked */
	    {"p-++", F, Y, F},
	    {"p--+", F, Y, F},
	    {"p-+-", F, Y, F},
	    /* not tested is not blocked */
	    {"p.++", F, N, F},
	    /* all tested, none works: not UDP alone */
	    {"p---", Y, N, N},
	    /* untested is not unreachable */
	    {"p--.", N, N, N},
	    {"p-.-", N, N, N},
	    {"p.--", N, N, N},
	    {"p-..", N, N, N},
	    /* over several clusters */
	    {"p-.. p.-. p..-", Y, N, N},
	    {"p--- p..+", F, Y, F},
	    {"p--- p+..", F, F, F},
	    {"p-+. p-..", F, Y, F},
	    {"p-.. p.+.", F, Y, F},
	    {"p--- p...", Y, N, N},
	    /* a reference group tells the site from the vendor */
	    {"p--- r-..", Y, N, Y},
	    {"p--- r.-. r..-", Y, N, Y},
	    {"p--- r+..", Y, N, F},
	    {"p--- r-.. r..+", Y, N, F},
	    {"p--- r...", Y, N, N},
	    {"p-.. r-..", N, N, Y},
	    {"p... r---", N, N, N},
	    {"p+.. r---", F, F, F},
	    /* what the site itself answers is no way out */
	    {"p--- r--- v+..", Y, N, Y},
	    {"v+..", N, N, N},
	    {"v-.. p+..", F, F, F},
	    {"v---", N, N, N},
	    /* the reference group is not the vendor */
	    {"r+++", N, N, F},
	    {"p-.. r.++", N, N, F},
	    /* no class that there is */
	    {"?+++ p---", Y, N, N},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct site s = judge(row[i].clusters, false);

		if (s.media_unreachable != row[i].media_unreachable ||
		    s.udp_blocked != row[i].udp_blocked ||
		    s.local_outage != row[i].local_outage)
			print_error("'%s': %u %u %u\n", row[i].clusters,
			    s.media_unreachable, s.udp_blocked, s.local_outage);
		assert_int_equal(s.media_unreachable, row[i].media_unreachable);
		assert_int_equal(s.udp_blocked, row[i].udp_blocked);
		assert_int_equal(s.local_outage, row[i].local_outage);
		/* Whatever was seen: a link that is down is an outage. */
		s = judge(row[i].clusters, true);
		assert_int_equal(s.local_outage, SITE_YES);
		assert_int_equal(s.udp_blocked, row[i].udp_blocked);
	}
}

static struct addr
address(const char *text)
{
	char host[64];
	struct addr a;
	uint16_t port = 0;

	assert_int_equal(addr_split(text, host, sizeof(host), &port), 0);
	assert_int_equal(addr_parse_host(&a, host), 0);
	addr_set_port(&a, port);
	return a;
}

static struct site_mapping
mapping(const char *server, const char *mapped, uint16_t local, uint64_t at)
{
	return (struct site_mapping){
	    .server = address(server),
	    .mapped = address(mapped),
	    .local_port = local,
	    .at = at,
	};
}

static uint8_t
symmetric(const struct site_mapping *m, size_t n)
{
	struct site s;

	memset(&s, 0, sizeof(s));
	site_mappings(&s, m, n, 100, 50);
	return s.nat_symmetric;
}

#define A  "192.0.2.1:5004"
#define B  "192.0.2.2:5004"
#define B9 "192.0.2.2:9000"
#define A6 "[2001:db8::a]:5004"
#define B6 "[2001:db8::b]:5004"

static void
test_symmetric_nat(void **state)
{
	const struct site_mapping row[][3] = {
	    /* one port for all servers */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(B, "203.0.113.1:1000", 7, 90),
		mapping(B9, "203.0.113.1:1000", 7, 90)},
	    /* another port for another server, or another of its ports */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(B, "203.0.113.1:1001", 7, 90)},
	    {mapping(B, "203.0.113.1:1000", 7, 90),
		mapping(B9, "203.0.113.1:1001", 7, 90)},
	    /* another address with the same port is not */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(B, "203.0.113.2:1000", 7, 90)},
	    /* no pair: one server, other local ports, other families */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(A, "203.0.113.1:1001", 7, 90)},
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(B, "203.0.113.1:1001", 8, 90)},
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(A6, "[2001:db8::1]:1001", 7, 90)},
	    /* too old: 49 of 50 is not, 51 is */
	    {mapping(A, "203.0.113.1:1000", 7, 100),
		mapping(B, "203.0.113.1:1001", 7, 49)},
	    {mapping(A, "203.0.113.1:1000", 7, 100),
		mapping(B, "203.0.113.1:1001", 7, 50)},
	    /* a stream's */
	    {mapping(A, "203.0.113.1:1000", 0, 90),
		mapping(B, "203.0.113.1:1001", 0, 90)},
	    /* one family is, the other is not */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(A6, "[2001:db8::1]:1000", 7, 90),
		mapping(B6, "[2001:db8::1]:1001", 7, 90)},
	    /* one server seen twice, with the second port of the other */
	    {mapping(A, "203.0.113.1:1000", 7, 90),
		mapping(A, "203.0.113.1:1001", 7, 95),
		mapping(B, "203.0.113.1:1000", 7, 90)},
	};
	static const uint8_t n[] = {3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3};
	static const uint8_t verdict[] = {F, Y, Y, F, N, N, N, N, Y, N, Y, Y};

	assert_int_equal(symmetric(NULL, 0), SITE_NOT_KNOWN);
	assert_int_equal(symmetric(row[0], 1), SITE_NOT_KNOWN);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(symmetric(row[i], n[i]), verdict[i]);
}

static void
assert_egress(const struct site *s, unsigned family, const char *text)
{
	struct addr a;

	memset(&a, 0, sizeof(a));
	if (text[0] != '\0')
		a = address(text);
	assert_true(addr_equal(&s->egress[family], &a));
}

static void
test_egress(void **state)
{
	struct site_mapping m[3] = {
	    mapping(A, "203.0.113.1:1000", 7, 10),
	    mapping(B, "203.0.113.2:1000", 7, 20),
	    mapping(A6, "[2001:db8::1]:1000", 7, 5),
	};
	struct site s;

	memset(&s, 0, sizeof(s));
	assert_false(site_mappings(&s, m, 0, 30, 100));
	assert_egress(&s, 0, "");
	/* the first one seen is no change */
	assert_false(site_mappings(&s, m, 1, 30, 100));
	assert_egress(&s, 0, "203.0.113.1");
	assert_egress(&s, 1, "");
	/* the newest counts, per family (5 is older than 10, but the first
	 * of its own), without its port */
	assert_true(site_mappings(&s, m, 3, 30, 100));
	assert_egress(&s, 0, "203.0.113.2");
	assert_egress(&s, 1, "2001:db8::1");
	assert_int_equal(s.egress_changes, 1);
	assert_false(site_mappings(&s, m, 3, 40, 100));
	/* the newest one went away: what is older is no news */
	assert_false(site_mappings(&s, m, 1, 40, 100));
	assert_egress(&s, 0, "203.0.113.2");
	/* another port of the same address is no change */
	m[1] = mapping(B, "203.0.113.2:2000", 7, 50);
	assert_false(site_mappings(&s, m, 3, 60, 100));
	/* both families at once are one change */
	m[1] = mapping(B, "203.0.113.3:2000", 7, 60);
	m[2] = mapping(A6, "[2001:db8::2]:1000", 7, 61);
	assert_true(site_mappings(&s, m, 3, 70, 100));
	assert_egress(&s, 0, "203.0.113.3");
	assert_egress(&s, 1, "2001:db8::2");
	assert_int_equal(s.egress_changes, 2);
	/* a mapping that is none */
	memset(&m[1].mapped, 0, sizeof(m[1].mapped));
	m[1].at = 90;
	assert_false(site_mappings(&s, m, 3, 100, 100));
	assert_egress(&s, 0, "203.0.113.3");
}

/* The obvious way: all pairs. */
static uint8_t
reference(
    const struct site_mapping *m, size_t n, uint64_t now, uint64_t max_age)
{
	uint8_t verdict = SITE_NOT_KNOWN;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			const struct site_mapping *a = &m[i], *b = &m[k];

			if (a->local_port == 0 ||
			    a->local_port != b->local_port ||
			    addr_family(&a->mapped) == 0 ||
			    addr_family(&a->mapped) !=
				addr_family(&b->mapped) ||
			    addr_equal(&a->server, &b->server) ||
			    a->at + max_age < now || b->at + max_age < now)
				continue;
			if (addr_port(&a->mapped) != addr_port(&b->mapped))
				return SITE_YES;
			verdict = SITE_NO;
		}
	}
	return verdict;
}

static void
random_mapping(struct dice *d, struct site_mapping *m, unsigned percent_odd)
{
	uint8_t bytes[16] = {10};
	int family = dice_chance(d, 50) ? AF_INET : AF_INET6;

	memset(m, 0, sizeof(*m));
	bytes[3] = (uint8_t)dice_below(d, 4);
	addr_from_bytes(&m->server, family, bytes, 5004);
	if (!dice_chance(d, 10))
		addr_from_bytes(&m->mapped, family, bytes,
		    dice_chance(d, percent_odd) ? 2 : 1);
	m->local_port = (uint16_t)dice_below(d, 4);
	m->at = 50 + dice_below(d, 60);
}

static void
test_random(void **state)
{
	unsigned seen[3] = {0};

	for (uint64_t i = 0; i < 20000; i++) {
		struct dice d = dice_case(i);
		struct site_mapping m[MOST];
		size_t n = dice_below(&d, MOST + 1);
		unsigned odd = (unsigned)dice_below(&d, 2) * 10;
		struct site s;

		memset(&s, 0, sizeof(s));
		for (size_t k = 0; k < n; k++)
			random_mapping(&d, &m[k], odd);
		site_mappings(&s, m, n, 100, 40);
		DICE_EQUAL(&d, s.nat_symmetric, reference(m, n, 100, 40));
		seen[s.nat_symmetric]++;
	}
	/* The input is worth its name: each verdict came up. */
	for (int v = 0; v < 3; v++)
		assert_in_range(seen[v], 500, 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_symmetric_nat),
	    cmocka_unit_test(test_egress),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
