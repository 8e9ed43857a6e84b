/*
 * Requirements that are picked and the targets made of them, rows by hand,
 * and mistakes of profiles and of picks.
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
#include "folder.h"
#include "scene.h"

#define HEAD                                                          \
	"format: 1\nid: t\nvendor: v\ndefault: a\n"                   \
	"revisions: [{id: a}, {id: b}]\n"                             \
	"media:\n  prefer: [udp, tcp, tls]\n  ports: {udp: [5004]}\n" \
	"  tls: {sni: none, verify: report}\n  subnets:\n"            \
	"    - {id: N-1, cidr: 198.51.100.0/24}\n"                    \
	"    - {id: N-2, cidr: 203.0.113.0/24, tags: [far]}\n"        \
	"products: {app: An app, room: A room}\n"                     \
	"requirements:\n"

/* The rows that most tests go by. */
#define ROWS                                                            \
	HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"        \
	     "    users: [app]\n    hosts:\n"                           \
	     "      - {match: '*.example.com', hosts: [a.example.com, " \
	     "b.example.com], from: here}\n"                            \
	     "    probe: [{probe: tcp, ports: [443]}]\n"                \
	     "  - id: R-2\n    section: s\n    text: \"Two.\"\n"        \
	     "    hosts_of: [R-1]\n"                                    \
	     "  - id: R-3\n    section: s\n    text: \"Three.\"\n"      \
	     "    users: [room]\n    category: optional\n    hosts:\n"  \
	     "      - {supply: your own}\n"                             \
	     "    probe: [{probe: tcp, ports: [5060, 5061]}]\n"         \
	     "  - id: R-4\n    section: s\n    text: \"Four.\"\n"       \
	     "    not_probeable: it is not\n"                           \
	     "  - id: R-5\n    section: s\n    text: \"Five.\"\n"       \
	     "    category: deprecated\n    hosts_of: [R-1]\n"          \
	     "    probe: [{probe: tcp, ports: [80]}]\n"                 \
	     "  - id: R-6\n    section: s\n    text: \"Six.\"\n"        \
	     "    revisions: [b]\n    derive: [media]\n"                \
	     "  - id: R-7\n    section: s\n    text: \"Seven.\"\n"      \
	     "    derive: [{rule: rows, rows: [R-1, R-3]}]\n"

static struct folder folder;

static void
put_profile(const char *text)
{
	folder_write(&folder, "t.yml", text);
}

static void
pick(const char *keys)
{
	char text[1024];

	snprintf(text, sizeof(text), "profiles: [{name: t%s}]\n", keys);
	scene_make(text);
	scene_well();
}

static void
assert_status(const char *id, enum requirement_status status, const char *why)
{
	struct requirement_verdict v = scene_judge(id);

	if (v.status != status || strcmp(v.why, why) != 0)
		fail_msg("%s is %s: %s", id,
		    word_label(WORD_REQUIREMENT_STATUS, v.status), v.why);
}

/* The targets' names in their order, with a space behind each. */
static void
assert_targets(const char *names)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < scene.inv->targets; i++)
		buf_printf(&b, "%s ", scene.inv->target[i]->name);
	assert_string_equal(buf_str(&b), names);
	buf_free(&b);
}

/* ---- picks ---- */

static void
nothing_is_probed_unless_picked(void **state)
{
	put_profile(ROWS);
	pick("");
	assert_targets("");
	assert_status("R-1", REQUIREMENT_STATUS_NOT_SELECTED,
	    "no products of the profile are picked");
	assert_status("R-4", REQUIREMENT_STATUS_NOT_PROBEABLE, "it is not");
	scene_free();
}

static void
products_and_categories_pick_rows(void **state)
{
	put_profile(ROWS);
	pick(", products: [app]");
	/* R-2 asks the same as R-1 and is for all. */
	assert_targets("r-1-a.example.com-443 r-1-b.example.com-443 ");
	assert_status("R-1", REQUIREMENT_STATUS_MET, "");
	assert_status("R-2", REQUIREMENT_STATUS_MET, "");
	assert_status("R-3", REQUIREMENT_STATUS_NOT_SELECTED,
	    "none of its products is picked");
	assert_status("R-5", REQUIREMENT_STATUS_NOT_SELECTED,
	    "its category is not picked");
	assert_status("R-6", REQUIREMENT_STATUS_NOT_SELECTED,
	    "it is not in the revision gone by");
	scene_free();
	pick(", products: [all], categories: [deprecated]");
	assert_targets("r-5-a.example.com-80 r-5-b.example.com-80 ");
	scene_free();
	pick(", products: [room], revision: b");
	assert_status("R-6", REQUIREMENT_STATUS_UNTESTED,
	    "no such media node is known: name media clusters or a discovery "
	    "document");
	/* A name does not depend on what is picked. */
	assert_targets("r-1-a.example.com-443 r-1-b.example.com-443 ");
	scene_free();
}

static void
hosts_are_given_and_left_out(void **state)
{
	put_profile(ROWS);
	pick(", products: [all], leave_out: [a.example.com, R-2], hosts: "
	     "{R-1: [mine.example.com, example.com:8443], "
	     "R-3: [{address: sip.example.net, transport: tcp}]}");
	assert_targets("r-1-b.example.com-443 r-1-example.com-8443 "
		       "r-1-mine.example.com-443 r-3-sip.example.net-5060 "
		       "r-3-sip.example.net-5061 ");
	assert_status("R-2", REQUIREMENT_STATUS_NOT_SELECTED,
	    "the configuration leaves it out");
	assert_status("R-3", REQUIREMENT_STATUS_MET, "");
	scene_free();
	pick(", products: [all]");
	assert_status(
	    "R-3", REQUIREMENT_STATUS_UNTESTED, "give hosts for it: your own");
	assert_status("R-7", REQUIREMENT_STATUS_MET, "");
	scene_free();
}

/* A third party is asked once a minute, an operator may say otherwise. */
static void
probing_is_gentle(void **state)
{
	put_profile(ROWS);
	pick(", products: [app]");
	for (size_t i = 0; i < scene.inv->targets; i++) {
		assert_int_equal(scene.inv->target[i]->interval_ns,
		    60 * UINT64_C(1000000000));
		assert_int_equal(
		    scene.inv->target[i]->retry_ns, 10 * UINT64_C(1000000000));
	}
	scene_free();
	pick(", products: [app], interval: 5s, dscp: ef, "
	     "thresholds: {down_after: 2}");
	for (size_t i = 0; i < scene.inv->targets; i++) {
		const struct target *t = scene.inv->target[i];

		assert_int_equal(t->interval_ns, 5 * UINT64_C(1000000000));
		assert_int_equal(t->retry_ns, 0);
		assert_int_equal(t->path.dscp, 46);
		assert_int_equal(t->thresholds.down_after, 2);
	}
	scene_free();
}

/* Somebody's own target of the same path is the row's target. */
static void
a_path_is_shared(void **state)
{
	put_profile(ROWS);
	scene_make(
	    "profiles: [{name: t, products: [app]}]\ntargets:\n"
	    "  - {name: mine, probe: tcp, address: \"a.example.com:443\"}\n"
	    "  - {name: r-1-b.example.com-443, probe: tcp, "
	    "address: \"192.0.2.1:1\"}\n");
	scene_well();
	assert_null(scene.inv->warnings);
	assert_int_equal(scene.inv->targets, 3);
	assert_int_equal(scene.inv->links, 2);
	assert_string_equal(scene.inv->link[0].target->name, "mine");
	assert_true(strncmp(scene.inv->link[1].target->name,
			"r-1-b.example.com", 17) == 0);
	for (size_t i = 0; i < scene.w.paths; i++)
		if (strcmp(scene.inv->target[i]->name, "mine") == 0) {
			scene.path[i].state = STATE_DOWN;
			scene.path[i].outcome = OUTCOME_REFUSED;
		}
	assert_status("R-1", REQUIREMENT_STATUS_FAILED, "mine: refused");
	assert_status("R-7", REQUIREMENT_STATUS_FAILED, "R-1: failed");
	scene_free();
}

static void
long_names_are_cut(void **state)
{
	put_profile(ROWS);
	pick(", products: [app], hosts: {R-1: "
	     "[a-very-long-name-of-a-host.example.com, "
	     "a-very-long-name-of-a-home.example.com]}");
	for (size_t i = 0; i < scene.inv->targets; i++) {
		assert_in_range(
		    strlen(scene.inv->target[i]->name), 10, TARGET_NAME);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(scene.inv->target[i]->name,
			    scene.inv->target[k]->name);
	}
	assert_int_equal(scene.inv->targets, 4);
	scene_free();
}

/* By URL, each way a target of its own; what cannot go through is direct. */
static void
ways_are_targets(void **state)
{
	put_profile(HEAD
	    "  - id: R-1\n    section: s\n    text: \"One.\"\n"
	    "    hosts: [{hosts: [a.b, 'c.d:8443', '2001:db8::1'], from: x}]\n"
	    "    probe: [{probe: https, path: /p}, {probe: tcp, ports: [80]}]\n"
	    "  - id: R-2\n    section: s\n    text: \"Two.\"\n"
	    "    hosts_of: [R-1]\n    probe: [{probe: https, via: direct}]\n");
	scene_make(
	    "proxies: [{name: hq, url: \"http://192.0.2.1:3128\", "
	    "auth: basic, username: u, password_file: /p}]\n"
	    "profiles: [{name: t, products: [all], via: [direct, hq], "
	    "hosts: {R-1: [{address: e.f, path: /q, transport: https}]}}]\n");
	scene_well();
	for (size_t i = 0; i < scene.inv->targets; i++) {
		const struct target *t = scene.inv->target[i];
		bool hq = strstr(t->name, "-hq") != NULL;

		assert_int_equal(t->proxy != NULL, hq);
		if (strncmp(t->name, "r-1-e.f", 7) == 0)
			assert_string_equal(t->url, "https://e.f/q");
		if (strcmp(t->name, "r-1-c.d-8443-hq") == 0)
			assert_string_equal(t->url, "https://c.d:8443/p");
		if (strncmp(t->name, "r-2-a.b", 7) == 0)
			assert_string_equal(t->url, "https://a.b/");
	}
	/* 4 hosts two ways, 3 over TCP, 3 directly at the root: e.f has a
	   path of its own, and is shared. */
	assert_int_equal(scene.inv->targets, 4 * 2 + 3 + 3);
	for (size_t i = 0; i < scene.config->needs; i++)
		assert_true(scene.need[i].via == NULL ||
			    (strcmp(scene.need[i].via, "hq") == 0 &&
				strcmp(scene.need[i].scheme, "basic") == 0));
	scene_free();
}

/* ---- mistakes ---- */

static void
assert_mistake(const char *config, const char *mistake)
{
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("/etc/t.yml", config, strlen(config), &errors);
	struct buf text = BUF_INIT;
	assert_null(c);
	config_errors_text(&text, "t.yml", &errors);
	if (strstr(buf_str(&text), mistake) == NULL)
		fail_msg("'%s' is not in:\n%s", mistake, buf_str(&text));
	buf_free(&text);
	doc_errors_free(&errors);
}

static void
mistakes_of_picks(void **state)
{
	static const struct {
		const char *keys, *mistake;
	} wrong[] = {
	    {"products: [phone]", "t.yml:1:33: error: profiles[0].products[0]: "
				  "'phone' is no product of the profile 't' "
				  "(one of: all, app, room)"},
	    {"products: app", "profiles[0].products: must be a list, not text"},
	    {"categories: [nice]", "'nice' is no category (one of: required, "
				   "optional, deprecated)"},
	    {"hosts: {R-9: [a]}", "the profile 't' has no such requirement"},
	    {"hosts: {R-1: a}", "hosts.R-1: must be a list of hosts, not text"},
	    {"hosts: {R-1: [a.example.org]}",
		"hosts.R-1[0]: 'a.example.org' is no host of R-1: it does not "
		"match *.example.com"},
	    {"hosts: {R-2: [a.example.com]}",
		"R-2 is not probed by hosts of its own"},
	    {"products: [all], hosts: {R-3: ['x:0']}",
		"is not HOST:PORT with a port from 1 to 65535"},
	    {"hosts: {R-3: [{transport: tcp}]}", "'address' is missing"},
	    {"products: [all], hosts: {R-3: [{address: h, colour: red}]}",
		"'colour' is no key of a tcp probe over tcp"},
	    {"leave_out: [R-99]", "'R-99' is neither a requirement nor a host "
				  "of the profile 't'"},
	    {"networks: [198.51.100.1/24]",
		"'198.51.100.1/24' is not a network such as 198.51.100.0/24"},
	    {"interval: 1s, timeout: 5s",
		"the timeout of 5s is too long: an interval of 1s"},
	    {"colour: red", "unknown key 'colour'"},
	    {"products: [all], via: [hq]",
		"there is no proxy 'hq' (there: direct, env)"},
	    {"hosts: {R-3: [{address: h, transport: udp}]}",
		"is no transport that R-3 is probed by (one of: tcp)"},
	};
	char text[512];

	put_profile(ROWS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "profiles: [{name: t, %s}]\n",
		    wrong[i].keys);
		assert_mistake(text, wrong[i].mistake);
	}
}

static void
mistakes_of_profiles(void **state)
{
#define ROW HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"
	static const struct {
		const char *text, *mistake;
	} wrong[] = {
	    {ROW, "t.yml:15:5: error: requirements[0]: has neither 'probe', "
		  "'derive' nor 'hosts_of', and 'not_probeable' does not say "
		  "why"},
	    {ROW "    derive: [media]\n    not_probeable: no\n",
		"is said not to be probeable, and how it is"},
	    {ROW "    derive: [sun]\n", "t.yml:18:14: error: "
					"requirements[0].derive[0]: there is "
					"no rule 'sun' (one of: media, "},
	    {ROW "    derive: [{rule: media, tag: x}]\n",
		"unknown key 'tag' (allowed: rule transport ports class)"},
	    {ROW "    derive: [{rule: media, ports: 9-4}]\n",
		"must be a port or a range of ports"},
	    {ROW "    derive: [{rule: rows, rows: [R-7]}]\n",
		"derive: there is no row 'R-7'"},
	    {ROW "    probe: [{probe: tcp}]\n", "has no hosts to probe"},
	    {ROW "    probe: [{probe: tcp, transport: udp}]\n"
		 "    hosts: [{supply: x}]\n",
		"'udp' is no transport of tcp"},
	    {ROW "    probe: [{probe: tcp, ports: [0]}]\n"
		 "    hosts: [{supply: x}]\n",
		"must be a port, 1 to 65535"},
	    {ROW "    probe: [{probe: tcp, ports: [1], colour: red}]\n"
		 "    hosts: [{supply: x}]\n",
		"'colour' is no key of a tcp probe over tcp"},
	    {ROW "    probe: [{probe: tcp, via: x}]\n"
		 "    hosts: [{supply: x}]\n",
		"must be direct or any"},
	    {ROW "    probe: [{probe: tcp}]\n    hosts: [{hosts: [a]}]\n",
		"'from' is missing: where these hosts are known from"},
	    {ROW "    probe: [{probe: tcp}]\n    hosts: [{match: a}]\n",
		"neither 'hosts' nor 'supply': what to give instead"},
	    {ROW "    probe: [{probe: tcp}]\n    hosts: [{match: '*.b', "
		 "hosts: [a.c], from: x}]\n",
		"'a.c' does not match '*.b'"},
	    {ROW "    hosts_of: [R-2]\n", "there is no such row"},
	    {ROW "    hosts_of: [R-1]\n",
		"must be a row with hosts of its own"},
	    {ROW "    derive: [media]\n    users: [cat]\n",
		"'cat' is no product of the profile"},
	    {ROW "    derive: [media]\n    category: nice\n",
		"'nice' is not known here (one of: required, optional, "
		"deprecated)"},
	    {ROW "    derive: [media]\n    silence: maybe\n",
		"must be true or false"},
	    {ROW "    derive: [media]\n    revisions: [c]\n",
		"there is no revision 'c' (one of: a, b)"},
	    {ROW "    derive: [media]\n  - id: R-1\n    section: s\n"
		 "    text: t\n    derive: [media]\n",
		"'R-1' is in the list twice"},
	    {ROW "    derive: [media]\n    colour: red\n",
		"unknown key 'colour'"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_profile(wrong[i].text);
		assert_mistake("profiles: [{name: t, products: [all]}]\n",
		    wrong[i].mistake);
	}
}

/* What rules go by must be told, and be what there is. */
static void
mistakes_of_rules(void **state)
{
	static const struct {
		const char *text, *mistake;
	} wrong[] = {
	    {ROW "    derive: [tls_version]\n",
		"the rule 'tls_version' must be told: least"},
	    {ROW "    derive: [{rule: tls_version, least: '9'}]\n",
		"must be 1.0, 1.1, 1.2 or 1.3"},
	    {ROW "    derive: [{rule: alias}]\n",
		"the rule 'alias' must be told: match"},
	    {ROW "    derive: [{rule: absent, transport: tcp}]\n",
		"the rule 'absent' must be told: ports cidr"},
	    {ROW "    derive: [{rule: proxy_auth, schemes: [x]}]\n",
		"'x' is no scheme (one of: none, basic, "},
	    {ROW "    derive: [{rule: status, codes: [2xx]}]\n",
		"'2xx' is no status code"},
	    {ROW "    derive: [subnet]\n",
		"derive: no media subnet has the id of the row"},
	    {ROW "    not_probeable: ''\n", "must not be empty"},
	    {ROW "    hosts: [{hosts: [a], from: x, path: b}]\n"
		 "    probe: [{probe: https}]\n",
		"must begin with a slash"},
	    /* Of the profile's file, though it shows when targets are made. */
	    {ROW "    hosts: [{hosts: [a], from: x}]\n"
		 "    probe: [{probe: tcp}]\n",
		"t.yml:19:13: error: 'a' has no port"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_profile(wrong[i].text);
		assert_mistake("profiles: [{name: t, products: [all]}]\n",
		    wrong[i].mistake);
	}
}

/* ---- rows by hand ---- */

static void
patterns(void **state)
{
	assert_true(requirement_match("*.example.com", "example.com"));
	assert_true(requirement_match("*.example.com", "a.b.Example.COM"));
	assert_false(requirement_match("*.example.com", "badexample.com"));
	assert_true(requirement_match("*s3.example.com", "s3.example.com"));
	assert_true(requirement_match("*s3.example.com", "as3.example.com"));
	assert_true(
	    requirement_match("*mcs*.example.com", "a-mcs-1.example.com"));
	assert_false(requirement_match("*mcs*.example.com", "mcs.example.org"));
	assert_true(requirement_match("a.example.com", "A.example.com"));
	assert_false(requirement_match("a.example.com", "a.example.com.b"));
	assert_false(requirement_match("a.example.com", "a.example.co"));
}

/* Any address of a host will do; of two hosts both must. */
static void
what_of_many_paths(void **state)
{
	put_profile(ROWS);
	pick(", products: [app]");
	scene.path[0].state = STATE_DOWN;
	scene.path[0].outcome = OUTCOME_TIMEOUT;
	assert_status(
	    "R-1", REQUIREMENT_STATUS_FAILED, "r-1-a.example.com-443: timeout");
	scene.path[1].state = STATE_DOWN;
	scene.path[1].outcome = OUTCOME_REFUSED;
	assert_status("R-1", REQUIREMENT_STATUS_FAILED,
	    "r-1-a.example.com-443: timeout; and 1 more");
	/* The second path becomes another address of the first host. */
	scene.link[1].need = scene.link[0].need;
	scene.path[1].state = STATE_DEGRADED;
	assert_status("R-1", REQUIREMENT_STATUS_MET, "");
	scene.path[0].state = scene.path[1].state = STATE_UNKNOWN;
	assert_status(
	    "R-1", REQUIREMENT_STATUS_UNTESTED, "there is no answer yet");
	scene_free();
}

static void
silence_proves_nothing(void **state)
{
	put_profile(HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"
			 "    hosts: [{hosts: [a.b], from: x}]\n"
			 "    probe: [{probe: stun, transport: udp}]\n"
			 "    silence: true\n");
	pick(", products: [all]");
	assert_status("R-1", REQUIREMENT_STATUS_MET, "");
	scene.path[0].state = STATE_DOWN;
	scene.path[0].outcome = OUTCOME_TIMEOUT;
	assert_status("R-1", REQUIREMENT_STATUS_UNTESTED,
	    "there is no answer, which proves nothing here");
	/* That its port is closed a host says, and so was reached. */
	scene.path[0].outcome = OUTCOME_REFUSED;
	assert_status("R-1", REQUIREMENT_STATUS_UNTESTED,
	    "there is no answer, which proves nothing here");
	scene.path[0].outcome = OUTCOME_PROHIBITED;
	assert_status("R-1", REQUIREMENT_STATUS_FAILED, "r-1-a.b: prohibited");
	scene.path[0].outcome = OUTCOME_UNREACHABLE;
	assert_status("R-1", REQUIREMENT_STATUS_FAILED, "r-1-a.b: unreachable");
	scene_free();
}

/* Hosts that go together have a path of their own, which givens may have, too.
 */
static void
hosts_have_paths(void **state)
{
	static const char *const urls[] = {"http://a.b/one", "http://c.d/two",
	    "http://mine.d/two", "http://own.d/three"};

	put_profile(HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"
			 "    hosts:\n"
			 "      - {hosts: [a.b], from: x}\n"
			 "      - {match: '*.d', hosts: [c.d], from: x, "
			 "path: /two}\n"
			 "    probe: [{probe: https, transport: http, path: "
			 "/one}]\n");
	pick(", products: [all], hosts: {R-1: [mine.d, {address: own.d, path: "
	     "/three}]}");
	assert_int_equal(scene.config->needs, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(scene.config->need[i].url, urls[i]);
	scene_free();
}

/* The name servers of this host are no name, and resolve nothing themselves. */
static void
name_servers_of_this_host(void **state)
{
	put_profile(HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"
			 "    hosts: [{hosts: [system], from: x, supply: y}]\n"
			 "    probe: [{probe: dns, transport: dns_udp, "
			 "query: a.b}]\n"
			 "    derive: [by_name, {rule: alias, match: '*.c'}]\n"
			 "  - id: R-2\n    section: s\n    text: \"Two.\"\n"
			 "    hosts_of: [R-1]\n    derive: [by_name]\n"
			 "  - id: R-3\n    section: s\n    text: \"Three.\"\n"
			 "    hosts: [{hosts: [a.b], from: x}]\n"
			 "    probe: [{probe: tcp, ports: [1]}]\n");
	pick(", products: [all]");
	assert_int_equal(scene.config->needs, 2);
	assert_string_equal(scene.config->need[0].name, "r-1-system");
	assert_int_equal(scene.config->need[0].port, 0);
	assert_status("R-2", REQUIREMENT_STATUS_UNTESTED, "no host is probed");
	scene_free();
}

/* An error response opens a path, and answers no question. */
static void
errors_are_answers_unless_strict(void **state)
{
#define ONE                                                      \
	HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n" \
	     "    hosts: [{hosts: [a.b], from: x}]\n"            \
	     "    probe: [{probe: stun, transport: udp}]\n"
	static const struct {
		const char *text;
		enum requirement_status status;
		const char *why;
	} rows[] = {
	    {ONE, REQUIREMENT_STATUS_MET, ""},
	    {ONE "    strict: true\n", REQUIREMENT_STATUS_FAILED,
		"r-1-a.b: error_response"},
	};

	for (size_t i = 0; i < 2; i++) {
		put_profile(rows[i].text);
		pick(", products: [all]");
		assert_status("R-1", REQUIREMENT_STATUS_MET, "");
		scene.path[0].state = STATE_DEGRADED;
		scene.path[0].outcome = OUTCOME_ERROR_RESPONSE;
		assert_status("R-1", rows[i].status, rows[i].why);
		scene.path[0].outcome = OUTCOME_ANSWERED;
		assert_status("R-1", REQUIREMENT_STATUS_MET, "");
		scene_free();
	}
}

/* The data may be newer than the program. */
static void
a_kind_that_is_not_known(void **state)
{
	put_profile(HEAD "  - id: R-1\n    section: s\n    text: \"One.\"\n"
			 "    hosts: [{hosts: [a.b], from: x}]\n"
			 "    probe: [{probe: quantum, spin: up}]\n");
	pick(", products: [all]");
	assert_targets("");
	assert_status("R-1", REQUIREMENT_STATUS_UNTESTED,
	    "this version has no probe of the kind quantum");
	scene_free();
}

/* ---- another vendor ---- */

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_probed_unless_picked),
	    cmocka_unit_test(products_and_categories_pick_rows),
	    cmocka_unit_test(hosts_are_given_and_left_out),
	    cmocka_unit_test(probing_is_gentle),
	    cmocka_unit_test(a_path_is_shared),
	    cmocka_unit_test(long_names_are_cut),
	    cmocka_unit_test(ways_are_targets),
	    cmocka_unit_test(mistakes_of_picks),
	    cmocka_unit_test(mistakes_of_profiles),
	    cmocka_unit_test(mistakes_of_rules),
	    cmocka_unit_test(patterns),
	    cmocka_unit_test(what_of_many_paths),
	    cmocka_unit_test(silence_proves_nothing),
	    cmocka_unit_test(hosts_have_paths),
	    cmocka_unit_test(name_servers_of_this_host),
	    cmocka_unit_test(errors_are_answers_unless_strict),
	    cmocka_unit_test(a_kind_that_is_not_known),
	};
	int failed;

	folder_open(&folder);
	setenv("REACHD_PROFILES", folder.path, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	folder_close(&folder);
	return failed;
}
