/* Profiles: both revisions of the shipped one row by row, and mistakes. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "config.h"
#include "profile.h"

struct row {
	const char *id, *cidr;
	int azure;
};

/* The 31 subnets of the edition of 2023-05-24, as its document has them. */
static const struct row edition_2023[] = {
    {"NET-01", "4.152.214.0/24", 1},
    {"NET-02", "4.158.208.0/24", 1},
    {"NET-03", "4.175.120.0/24", 1},
    {"NET-04", "20.50.235.0/24", 1},
    {"NET-05", "20.53.87.0/24", 1},
    {"NET-06", "20.57.87.0/24", 1},
    {"NET-07", "20.68.154.0/24", 1},
    {"NET-08", "20.76.127.0/24", 1},
    {"NET-09", "20.108.99.0/24", 1},
    {"NET-10", "20.120.238.0/23", 1},
    {"NET-11", "23.89.0.0/16", 0},
    {"NET-12", "40.119.234.0/24", 1},
    {"NET-13", "44.234.52.192/26", 0},
    {"NET-14", "52.232.210.0/24", 1},
    {"NET-15", "62.109.192.0/18", 0},
    {"NET-16", "64.68.96.0/19", 0},
    {"NET-17", "66.114.160.0/20", 0},
    {"NET-18", "66.163.32.0/19", 0},
    {"NET-19", "69.26.160.0/19", 0},
    {"NET-20", "114.29.192.0/19", 0},
    {"NET-21", "144.196.0.0/16", 0},
    {"NET-22", "150.253.128.0/17", 0},
    {"NET-23", "163.129.0.0/16", 0},
    {"NET-24", "170.72.0.0/16", 0},
    {"NET-25", "170.133.128.0/18", 0},
    {"NET-26", "173.39.224.0/19", 0},
    {"NET-27", "173.243.0.0/20", 0},
    {"NET-28", "207.182.160.0/19", 0},
    {"NET-29", "209.197.192.0/19", 0},
    {"NET-30", "210.4.192.0/20", 0},
    {"NET-31", "216.151.128.0/19", 0},
};

/* Those of 2026-03-16: one left, one halved, two and three came. */
static const struct row edition_2026[] = {
    {"NET-01", "4.152.214.0/24", 1},
    {"NET-02", "4.158.208.0/24", 1},
    {"NET-03", "4.175.120.0/24", 1},
    {"NET-04", "20.50.235.0/24", 1},
    {"NET-05", "20.53.87.0/24", 1},
    {"NET-06", "20.57.87.0/24", 1},
    {"NET-07", "20.68.154.0/24", 1},
    {"NET-08", "20.76.127.0/24", 1},
    {"NET-09", "20.108.99.0/24", 1},
    {"NET-10", "20.120.238.0/23", 1},
    {"NET-11", "23.89.0.0/16", 0},
    {"NET-12", "40.119.234.0/24", 1},
    {"NET-13", "44.234.52.192/26", 0},
    {"NET-14", "52.232.210.0/24", 1},
    {"NET-15", "62.109.192.0/18", 0},
    {"NET-16", "64.68.96.0/19", 0},
    {"NET-18", "66.163.32.0/19", 0},
    {"NET-19", "69.26.160.0/19", 0},
    {"NET-20", "114.29.192.0/19", 0},
    {"NET-21", "144.196.0.0/16", 0},
    {"NET-22", "150.253.128.0/17", 0},
    {"NET-23", "163.129.0.0/17", 0},
    {"NET-24", "170.72.0.0/16", 0},
    {"NET-25", "170.133.128.0/18", 0},
    {"NET-26", "173.39.224.0/19", 0},
    {"NET-27", "173.243.0.0/20", 0},
    {"NET-28", "207.182.160.0/19", 0},
    {"NET-29", "209.197.192.0/19", 0},
    {"NET-30", "210.4.192.0/20", 0},
    {"NET-31", "216.151.128.0/19", 0},
    {"NET-32", "4.152.180.0/24", 1},
    {"NET-33", "4.144.190.0/24", 1},
    {"NET-34", "2402:2500::/34", 0},
    {"NET-35", "2607:fcf0::/34", 0},
    {"NET-36", "2a00:a640::/34", 0},
};

static struct profile *
load(const char *revision)
{
	const char *srcdir = getenv("srcdir");
	struct doc_errors errors = {0};
	char path[4096];
	struct profile *p;

	snprintf(path, sizeof(path), "%s/deploy/profiles/webex.yml",
	    srcdir != NULL ? srcdir : ".");
	p = profile_load(path, revision, &errors);
	assert_non_null(p);
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_string_equal(p->file, path);
	return p;
}

static void
compare(const struct profile *p, const struct row *row, size_t rows)
{
	assert_int_equal(p->subnets, rows);
	for (size_t i = 0; i < rows; i++) {
		const struct profile_subnet *s = &p->subnet[i];
		struct addr first = {0};
		char text[64];

		assert_string_equal(s->id, row[i].id);
		assert_string_equal(s->text, row[i].cidr);
		assert_string_equal(s->tags, row[i].azure ? "azure" : "");
		/* No two overlap: each is found by its first address. */
		snprintf(text, sizeof(text), "%.*s",
		    (int)strcspn(row[i].cidr, "/"), row[i].cidr);
		assert_int_equal(addr_parse_host(&first, text), 0);
		assert_int_equal(subnet_find(p->table, &first), i + 1);
	}
}

static void
the_edition_of_2023(void **state)
{
	struct profile *p = load("2023-05-24");

	assert_string_equal(p->revision, "2023-05-24");
	compare(p, edition_2023, sizeof(edition_2023) / sizeof(struct row));
	profile_free(p);
}

static void
the_edition_of_2026_is_the_default(void **state)
{
	struct profile *p = load(NULL);

	assert_string_equal(p->id, "webex");
	assert_string_equal(p->vendor, "Cisco");
	assert_string_equal(p->revision, "2026-03-16");
	assert_int_equal(p->port[TRANSPORT_UDP], 5004);
	assert_int_equal(p->port[TRANSPORT_TCP], 5004);
	assert_int_equal(p->port[TRANSPORT_TLS], 443);
	compare(p, edition_2026, sizeof(edition_2026) / sizeof(struct row));
	profile_free(p);
	p = load("");
	assert_string_equal(p->revision, "2026-03-16");
	profile_free(p);
	profile_free(NULL);
}

static uint32_t
row_of(const struct profile *p, const char *address)
{
	struct addr a = {0};

	assert_int_equal(addr_parse_host(&a, address), 0);
	return subnet_find(p->table, &a);
}

static void
what_changed_between_them(void **state)
{
	struct profile *old = load("2023-05-24"), *new = load("2026-03-16");

	assert_int_not_equal(row_of(old, "66.114.160.1"), 0);
	assert_int_equal(row_of(new, "66.114.160.1"), 0);
	assert_int_not_equal(row_of(old, "163.129.200.1"), 0);
	assert_int_equal(row_of(new, "163.129.200.1"), 0);
	assert_int_not_equal(row_of(new, "163.129.100.1"), 0);
	assert_int_equal(row_of(old, "2402:2500::1"), 0);
	assert_int_not_equal(row_of(new, "2402:2500::1"), 0);
	assert_int_not_equal(row_of(new, "2402:2500:3fff:ffff::1"), 0);
	assert_int_equal(row_of(new, "2402:2500:4000::1"), 0);
	profile_free(old);
	profile_free(new);
}

/* ---- mistakes ---- */

#define HEAD                                        \
	"format: 1\nid: a\nvendor: b\ndefault: x\n" \
	"revisions: [{id: x}, {id: y, source: z}]\n"
#define MEDIA                                                         \
	"media:\n  prefer: [udp, tcp, tls]\n  ports: {udp: [1, 2]}\n" \
	"  tls: {sni: none, verify: report}\n"

static void
wrong(const char *text, const char *expected)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;

	assert_null(profile_parse("p", text, strlen(text), NULL, &errors));
	doc_errors_sort(&errors);
	config_errors_text(&b, "other", &errors);
	assert_string_equal(buf_str(&b), expected);
	buf_free(&b);
	doc_errors_free(&errors);
}

static void
a_small_profile(void **state)
{
	static const char text[] =
	    HEAD MEDIA "  subnets: [{id: n, cidr: 10.0.0.0/8, tags: [a, b]}]\n";
	struct doc_errors errors = {0};
	struct profile *p =
	    profile_parse("p", text, sizeof(text) - 1, "y", &errors);

	assert_non_null(p);
	assert_string_equal(p->revision, "y");
	assert_string_equal(p->subnet[0].tags, "a,b");
	assert_int_equal(p->port[TRANSPORT_UDP], 1);
	assert_int_equal(p->port[TRANSPORT_TCP], 0);
	profile_free(p);
}

static void
mistakes(void **state)
{
	wrong("[]", "p:1:1: error: must be a mapping, not a list\n");
	wrong("format: 2\n",
	    "p:1:1: error: 'default' is missing\n"
	    "p:1:1: error: 'id' is missing\n"
	    "p:1:1: error: 'media' is missing\n"
	    "p:1:1: error: 'revisions' is missing\n"
	    "p:1:1: error: 'vendor' is missing\n"
	    "p:1:9: error: format: '2' is not known here (only: 1)\n");
	wrong(HEAD "media: {}\n", "p:6:8: error: media: 'ports' is missing\n"
				  "p:6:8: error: media: 'prefer' is missing\n"
				  "p:6:8: error: media: 'subnets' is missing\n"
				  "p:6:8: error: media: 'tls' is missing\n");
	wrong(HEAD "media:\n  prefer: [tcp, udp, tls]\n"
		   "  ports: {udp: 5004, sctp: [1], tcp: [0, x]}\n"
		   "  tls: {sni: host, verify: [a]}\n  subnets: []\n",
	    "p:7:11: error: media.prefer: only the order udp, tcp, tls is "
	    "known\n"
	    "p:8:16: error: media.ports.udp: must be a list of ports, not "
	    "text\n"
	    "p:8:22: error: media.ports: unknown key 'sctp' (allowed: udp tcp "
	    "tls)\n"
	    "p:8:39: error: media.ports.tcp[0]: must be a port, 1 to 65535\n"
	    "p:8:42: error: media.ports.tcp[1]: must be a port, 1 to 65535\n"
	    "p:9:14: error: media.tls.sni: 'host' is not known here (only: "
	    "none)\n"
	    "p:9:28: error: media.tls.verify: must be a text, not a list\n");
	wrong(HEAD MEDIA "  subnets:\n    - {id: a, cidr: 10.0.0.1/8}\n"
			 "    - {id: b, cidr: 10.0.0.0}\n    - 7\n"
			 "    - {id: c, cidr: 11.0.0.0/8, revisions: [z]}\n"
			 "    - {id: d, cidr: 12.0.0.0/8, tags: x}\n"
			 "    - {id: d, cidr: 13.0.0.0/8, revisions: [y]}\n"
			 "    - {id: d, cidr: 14.0.0.0/8, revisions: [x]}\n",
	    "p:11:21: error: media.subnets[0].cidr: '10.0.0.1/8' has bits set "
	    "that are not of the network\n"
	    "p:12:21: error: media.subnets[1].cidr: '10.0.0.0' is not a "
	    "subnet\n"
	    "p:13:7: error: media.subnets[2]: must be a mapping, not text\n"
	    "p:14:45: error: media.subnets[3].revisions[0]: there is no "
	    "revision 'z' (one of: x, y)\n"
	    "p:15:39: error: media.subnets[4].tags: must be a list, not "
	    "text\n"
	    "p:17:7: error: media.subnets[6]: 'd' is in this revision "
	    "twice\n");
	wrong("format: 1\nid: a\nvendor: b\ndefault: w\n"
	      "revisions: [{id: x}, {}, y]\n" MEDIA "  subnets: []\n",
	    "p:4:10: error: default: there is no revision 'w' (one of: x)\n"
	    "p:5:22: error: revisions[1]: 'id' is missing\n"
	    "p:5:26: error: revisions[2]: 'id' is missing\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_edition_of_2023),
	    cmocka_unit_test(the_edition_of_2026_is_the_default),
	    cmocka_unit_test(what_changed_between_them),
	    cmocka_unit_test(a_small_profile),
	    cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
