/*
 * Every row of the shipped profile against the inventory of the vendor's
 * document, driven to met and to failed by what each is judged by.
 */
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
#include "scene.h"

enum { ROWS_MAX = 400 };

static char directory[4096];

/* ---- faults ---- */

static void
take_down(struct requirement_path *p, enum outcome o)
{
	p->state = STATE_DOWN;
	p->outcome = o;
}

/* The paths that a row needs, all of them. */
static void
needs_end(const struct requirement *row, enum outcome o)
{
	for (size_t i = 0; i < row->needs; i++)
		for (size_t l = 0; l < scene.w.links; l++)
			if (scene.link[l].need == row->need[i])
				take_down(&scene.path[scene.link[l].path], o);
}

static void
needs_down(const struct requirement *row)
{
	needs_end(row, OUTCOME_REFUSED);
}

/* By a firewall that says so. */
static void
needs_prohibited(const struct requirement *row)
{
	needs_end(row, OUTCOME_PROHIBITED);
}

static void
media_down(const struct requirement *row, bool (*is)(const struct target *t))
{
	for (size_t i = 0; i < scene.w.paths; i++)
		if (scene.inv->target[i]->cluster[0] != '\0' &&
		    is(scene.inv->target[i]))
			take_down(&scene.path[i], OUTCOME_TIMEOUT);
}

static bool
is_udp(const struct target *t)
{
	return t->path.transport == TRANSPORT_UDP;
}

static bool
is_tcp(const struct target *t)
{
	return t->path.transport == TRANSPORT_TCP;
}

static bool
is_tls(const struct target *t)
{
	return t->path.transport == TRANSPORT_TLS;
}

static bool
is_any(const struct target *t)
{
	return true;
}

static void
udp_down(const struct requirement *row)
{
	media_down(row, is_udp);
}

static void
tcp_down(const struct requirement *row)
{
	media_down(row, is_tcp);
}

static void
tls_down(const struct requirement *row)
{
	media_down(row, is_tls);
}

static void
all_media_down(const struct requirement *row)
{
	media_down(row, is_any);
}

static void
all_down(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		take_down(&scene.path[i], OUTCOME_TIMEOUT);
}

/* The nodes of the subnet that the row is about, or of the first. */
static void
subnet_down(const struct requirement *row)
{
	const struct profile *p = scene.w.profile;
	uint32_t number = 1;

	for (uint32_t i = 0; i < p->subnets; i++)
		if (strcmp(p->subnet[i].id, row->id) == 0)
			number = i + 1;
	for (size_t i = 0; i < scene.w.paths; i++)
		if (scene.inv->target[i]->subnet == number)
			take_down(&scene.path[i], OUTCOME_TIMEOUT);
}

/* A media node that is elsewhere, over a port or in a net given up. */
static void
move_node(const char *addr, enum transport transport, uint16_t port)
{
	static struct target moved;

	for (size_t i = 0; i < scene.w.paths; i++) {
		const struct target *t = scene.inv->target[i];

		if (t->cluster[0] == '\0' || t->path.transport != transport)
			continue;
		moved = *t;
		moved.subnet = 0;
		moved.port = port;
		addr_parse_host(&moved.path.addr, addr);
		requirement_path(
		    &scene.path[i], &moved, scene.cluster, scene.w.clusters);
		return;
	}
	fail();
}

static void
node_outside(const struct requirement *row)
{
	move_node("192.0.2.1", TRANSPORT_UDP, 5004);
}

static void
old_tcp_port(const struct requirement *row)
{
	move_node("23.89.1.1", TRANSPORT_TCP, 9000);
}

static void
old_udp_port(const struct requirement *row)
{
	move_node("23.89.1.1", TRANSPORT_UDP, 33434);
}

static void
old_amazon_net(const struct requirement *row)
{
	move_node("18.230.160.1", TRANSPORT_UDP, 5004);
}

static void
old_media_net(const struct requirement *row)
{
	move_node("155.190.255.1", TRANSPORT_UDP, 5004);
}

static void
stale(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		scene.path[i].fresh = false;
}

static void
symmetric(const struct requirement *row)
{
	scene.site.nat_symmetric = SITE_YES;
}

static void
sni_demanded(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		scene.facts[i].sni_required = 2;
}

static void
names_fail(const struct requirement *row)
{
	scene.names_fail = true;
}

static void
tls_old(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		snprintf(scene.facts[i].version, sizeof(scene.facts[i].version),
		    "TLSv1.1");
}

static void
tls_weak(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		snprintf(scene.facts[i].cipher, sizeof(scene.facts[i].cipher),
		    "TLS_RSA_WITH_AES_128_CBC_SHA");
}

static void
tls_untrusted(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		scene.facts[i].verify_error = 20;
}

static void
tls_intercepted(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++) {
		scene.facts[i].intercepted = 2;
		scene.facts[i].verify_error = 20;
	}
}

static void
staple_revoked(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		scene.facts[i].staple = STAPLE_REVOKED;
}

static void
another_status(const struct requirement *row)
{
	for (size_t i = 0; i < scene.w.paths; i++)
		scene.path[i].http_status = 302;
}

/* A certificate names an authority that the vendor does not list. */
static void
unlisted_authority(const struct requirement *row)
{
	scene.need[scene.w.needs].host = "ocsp.example.org";
}

static void
proxy_wants_others(const struct requirement *row)
{
	for (size_t l = 0; l < scene.w.links; l++)
		if (scene.need[scene.link[l].need].via != NULL)
			take_down(&scene.path[scene.link[l].path],
			    OUTCOME_PROXY_AUTH);
}

static void
old_revision(const struct requirement *row)
{
	struct profile *p = scene.config->profile[0];

	snprintf(p->revision, strlen(p->revision) + 1, "2023-05-24");
}

/* Hosts of the row in a network that nobody has named. */
static void
needs_elsewhere(const struct requirement *row)
{
	static struct target moved;

	for (size_t l = 0; l < scene.w.links; l++)
		for (size_t i = 0; i < row->needs; i++) {
			struct requirement_path *p =
			    &scene.path[scene.link[l].path];

			if (scene.link[l].need != row->need[i])
				continue;
			moved = *p->target;
			addr_parse_host(&moved.path.addr, "192.0.2.9");
			p->target = &moved;
		}
}

static const struct fault {
	const char *name;
	void (*set)(const struct requirement *row);
} faults[] = {
    {"needs down", needs_down},
    {"needs prohibited", needs_prohibited},
    {"udp down", udp_down},
    {"tcp down", tcp_down},
    {"tls down", tls_down},
    {"media down", all_media_down},
    {"all down", all_down},
    {"subnet down", subnet_down},
    {"node outside", node_outside},
    {"old tcp port", old_tcp_port},
    {"old udp port", old_udp_port},
    {"old net", old_amazon_net},
    {"old media net", old_media_net},
    {"stale", stale},
    {"symmetric", symmetric},
    {"sni", sni_demanded},
    {"names fail", names_fail},
    {"old tls", tls_old},
    {"weak cipher", tls_weak},
    {"untrusted", tls_untrusted},
    {"intercepted", tls_intercepted},
    {"revoked", staple_revoked},
    {"another status", another_status},
    {"unlisted authority", unlisted_authority},
    {"proxy", proxy_wants_others},
    {"old revision", old_revision},
    {"elsewhere", needs_elsewhere},
};

enum { FAULTS = sizeof(faults) / sizeof(faults[0]) };

/* ---- the shipped profile ---- */

/* Hosts for all that only an operator knows. */
static const char hosts[] =
    "PORT-02: [cascade.example.com], PORT-03: [ntp.example.com], "
    "PORT-04: [ns.example.com], "
    "DOM-05: [a.sparkpostmail1.com, a.sparkpostmail.com], "
    "DOM-13: [a.vbrickrev.com], DOM-14: [a.data.logentries.com], "
    "DOM-15: [a.lencr.org], DOM-16: [a.intel.com], "
    "DOM-20: [a.ciscosparkcontent.com], DOM-21: [a.rackcdn.com], "
    "HYB-03: [a.cloudconnector.webex.com], HYB-N1: [a.amazonaws.com],"
    "HYB-05: [mail.example.com], PRX-04: [wpad.example.com], "
    "TLSI-03: [a-mcs-1.webex.com], SIP-01: [sip.example.net], "
    "SIP-02: [ex.example.com], SIP-03: [m.example.net], "
    "SIP-10: [echo.example.com], SIP-12: [cucm.example.com], "
    "EDGE-01: [ex.example.com], EDGE-02: [edge.example.net]";

static void
put_nodes(
    struct buf *b, const struct profile *p, const char *list, unsigned port)
{
	buf_printf(b, ", %s: [", list);
	for (size_t i = 0; i < p->subnets; i++) {
		struct addr a = {0};
		char text[ADDR_TEXT];
		uint8_t *last;

		if (p->subnet[i].subnet.family == AF_INET) {
			a.in.sin_family = AF_INET;
			memcpy(&a.in.sin_addr, p->subnet[i].subnet.bytes, 4);
			last = (uint8_t *)&a.in.sin_addr + 3;
		} else {
			a.in6.sin6_family = AF_INET6;
			memcpy(&a.in6.sin6_addr, p->subnet[i].subnet.bytes, 16);
			last = (uint8_t *)&a.in6.sin6_addr + 15;
		}
		(*last)++;
		addr_set_port(&a, (uint16_t)port);
		buf_printf(
		    b, "%s\"stun:%s\"", i > 0 ? ", " : "", addr_text(&a, text));
	}
	buf_putc(b, ']');
}

/* What a certificate named: one that is probed for DOM-15 already. */
static void
learn(void)
{
	const struct requirement *row =
	    requirement_find(scene.w.profile, "DOM-15");
	struct requirement_need *n = &scene.need[scene.w.needs];
	uint32_t first = row->need[0];

	*n = (struct requirement_need){.row = row};
	scene.w.learnt = 1;
	for (size_t i = 0; i < scene.w.links; i++)
		if (scene.link[i].need == first)
			scene.link[scene.w.links++] = (struct requirement_link){
			    (uint32_t)scene.w.needs, scene.link[i].path};
}

/* A cluster per port with a node in every subnet, and a Video Mesh. */
static void
make_shipped(const char *revision)
{
	struct buf b = BUF_INIT;
	char path[4200];
	struct doc_errors errors = {0};
	struct profile *p;

	snprintf(path, sizeof(path), "%s/webex.yml", directory);
	p = profile_load(path, revision, &errors);
	assert_non_null(p);
	buf_printf(&b,
	    "proxies: [{name: hq, url: \"http://192.0.2.1:3128\"}]\n"
	    "profiles:\n  - {name: webex, revision: %s, products: [all], "
	    "via: [direct, hq], "
	    "categories: [required, optional, deprecated],\n"
	    "     hosts: {%s}}\nmedia:\n  clusters:\n"
	    "    - {name: a",
	    revision, hosts);
	put_nodes(&b, p, "udp", 5004);
	put_nodes(&b, p, "tcp", 5004);
	put_nodes(&b, p, "xtls", 443);
	buf_puts(&b, "}\n    - {name: b");
	put_nodes(&b, p, "udp", 9000);
	buf_puts(&b, "}\n    - {name: c");
	put_nodes(&b, p, "udp", 50004);
	buf_puts(&b, "}\n    - {name: mesh, class: video_mesh, "
		     "udp: [\"stun:10.1.1.1:5004\"]}\n");
	buf_putc(&b, '\0');
	scene_make(b.data);
	buf_free(&b);
	profile_free(p);
	learn();
}

struct listed {
	char id[16], section[40], probeable[16];
};

static size_t
read_list(struct listed *row)
{
	const char *srcdir = getenv("srcdir");
	char path[4200], line[256];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/unit/data/requirements.csv",
	    srcdir != NULL ? srcdir : ".");
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f) != NULL && n < ROWS_MAX)
		if (sscanf(line, "%15[^,],%39[^,],%15s", row[n].id,
			row[n].section, row[n].probeable) == 3)
			n++;
	fclose(f);
	return n;
}

/* 175 rows, none twice, each as the inventory has it. */
static void
every_row_is_there(void **state)
{
	static struct listed row[ROWS_MAX];
	size_t n = read_list(row);
	const struct profile *p;

	assert_int_equal(n, 175);
	make_shipped("2023-05-24");
	p = scene.w.profile;
	for (size_t i = 0; i < n; i++) {
		const struct requirement *r = requirement_find(p, row[i].id);
		size_t times = 0;

		for (size_t k = 0; k < p->rows; k++)
			times += strcmp(p->row[k].id, row[i].id) == 0;
		if (times != 1)
			fail_msg("%s is there %zu times", row[i].id, times);
		assert_string_equal(r->section, row[i].section);
		assert_true(r->text != NULL && r->text[0] != '\0');
		/* In the edition of the inventory each row holds. */
		assert_true(r->holds);
		if (strcmp(row[i].probeable, "no") == 0)
			assert_true(r->reason != NULL && r->probes == 0 &&
				    r->derives == 0 && r->needs == 0);
		else if (r->reason != NULL ||
			 (r->probes == 0 && r->derives == 0 && r->likes == 0))
			fail_msg("%s has neither probe nor rule", row[i].id);
	}
	scene_free();
}

/* Names are aliases of what the row is about, if it is about aliases. */
static void
well(const struct requirement *row)
{
	static char alias[128];

	scene_well();
	for (size_t i = 0; row != NULL && i < row->derives; i++)
		if (row->derive[i].rule == RULE_ALIAS) {
			snprintf(alias, sizeof(alias), "e1%s",
			    row->derive[i].text + 1);
			scene.alias = alias;
		}
	scene.need[scene.w.needs].host = "ocsp.digicert.com";
}

/* Any of the faults that turns the row to failed; its name, or NULL. */
static const char *
find_fault(const struct requirement *row)
{
	const char *revision = scene.w.profile->revision;
	struct requirement_verdict v;
	char before[16];

	snprintf(before, sizeof(before), "%s", revision);
	for (unsigned i = 0; i < FAULTS; i++) {
		well(row);
		faults[i].set(row);
		v = scene_judge(row->id);
		snprintf(scene.w.profile->revision, strlen(before) + 1, "%s",
		    before);
		if (v.status == REQUIREMENT_STATUS_FAILED) {
			if (v.why[0] == '\0')
				fail_msg("%s fails without a reason", row->id);
			return faults[i].name;
		}
	}
	return NULL;
}

/* That the newest revision is gone by is what it asks. */
static bool
is_old(const struct requirement *row)
{
	const struct profile *p = scene.w.profile;

	return strcmp(row->id, "REV-03") == 0 &&
	       strcmp(p->revision, p->newest) != 0;
}

static void
drive(const char *revision, size_t rows)
{
	static struct listed row[ROWS_MAX];
	size_t n = read_list(row), driven = 0, wrong = 0;

	make_shipped(revision);
	for (size_t i = 0; i < n; i++) {
		const struct requirement *r =
		    requirement_find(scene.w.profile, row[i].id);
		struct requirement_verdict v;

		well(r);
		v = scene_judge(row[i].id);
		if (strcmp(row[i].probeable, "no") == 0) {
			assert_int_equal(
			    v.status, REQUIREMENT_STATUS_NOT_PROBEABLE);
			assert_true(v.why[0] != '\0');
			continue;
		}
		if (!r->holds) {
			assert_int_equal(
			    v.status, REQUIREMENT_STATUS_NOT_SELECTED);
			continue;
		}
		/* Its kinds of probes are all there. */
		assert_null(r->unknown);
		if (v.status != REQUIREMENT_STATUS_MET && !is_old(r)) {
			print_message("%s is %s: %s\n", row[i].id,
			    word_label(WORD_REQUIREMENT_STATUS, v.status),
			    v.why);
			wrong++;
		}
		if (find_fault(r) == NULL) {
			print_message("nothing makes %s fail\n", row[i].id);
			wrong++;
		}
		driven++;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(driven, rows);
	scene_free();
}

static void
rows_of_2023_are_met_and_fail(void **state)
{
	drive("2023-05-24", 175 - 22);
}

static void
rows_of_2026_are_met_and_fail(void **state)
{
	/* PORT-02, NET-17 and DOM-09 were given up. */
	drive("2026-03-16", 175 - 22 - 3);
}

/* Nothing known: no row is met or failed by itself but those on data. */
static void
nothing_known_is_untested(void **state)
{
	make_shipped("2026-03-16");
	well(NULL);
	for (size_t i = 0; i < scene.w.paths; i++) {
		scene.path[i].state = STATE_UNKNOWN;
		scene.path[i].probed = scene.path[i].fresh = false;
		scene.path[i].tls = NULL;
		scene.path[i].http_status = 0;
	}
	for (size_t i = 0; i < scene.w.profile->rows; i++) {
		const struct requirement *r = &scene.w.profile->row[i];
		struct requirement_verdict v = scene_judge(r->id);

		if (v.status == REQUIREMENT_STATUS_FAILED)
			fail_msg("%s failed: %s", r->id, v.why);
		if (v.status == REQUIREMENT_STATUS_UNTESTED)
			assert_true(v.why[0] != '\0');
	}
	scene_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_there),
	    cmocka_unit_test(rows_of_2023_are_met_and_fail),
	    cmocka_unit_test(rows_of_2026_are_met_and_fail),
	    cmocka_unit_test(nothing_known_is_untested),
	};
	const char *srcdir = getenv("srcdir");

	snprintf(directory, sizeof(directory), "%s/deploy/profiles",
	    srcdir != NULL ? srcdir : ".");
	setenv("REACHD_PROFILES", directory, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
