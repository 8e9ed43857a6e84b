/* Hosts that certificates name: which become targets, and how many at most. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "folder.h"
#include "learned.h"
#include "probe.h"
#include "requirement.h"
#include "scene.h"

#define PROFILE                                                           \
	"format: 1\nid: t\nvendor: v\ndefault: a\nrevisions: [{id: a}]\n" \
	"media: {prefer: [udp, tcp, tls], ports: {}, "                    \
	"tls: {sni: none, verify: report}, subnets: []}\n"                \
	"products: {app: An app}\nrequirements:\n"                        \
	"  - {id: CA-1, section: s, text: One., derive: [responders],\n"  \
	"     hosts: [{match: \"*.ca.test\", supply: x}],\n"              \
	"     probe: [{probe: https, transport: http}]}\n"

static struct folder folder;
static struct learned *learned;

static bool
note(const char *authorities)
{
	struct tls_facts f = {.have_cert = 1};

	snprintf(f.authorities, sizeof(f.authorities), "%s", authorities);
	return learned_note(learned, &f);
}

static void
open_with(const char *config)
{
	folder_write(&folder, "t.yml", PROFILE);
	scene_make(config);
	learned = learned_new();
	assert_non_null(learned);
	learned_configure(learned, scene.config);
}

static void
shut(void)
{
	learned_free(learned);
	scene_free();
}

static void
assert_learned(const char *names)
{
	const struct config_target *t;
	char all[4096] = "";
	size_t n;

	t = learned_targets(learned, &n);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(all);

		snprintf(all + len, sizeof(all) - len, "%s %s %u\n", t[i].name,
		    t[i].url, t[i].port);
		assert_string_equal(learned_row(learned, i)->id, "CA-1");
		assert_string_equal(t[i].probe, "https");
		assert_int_equal(t[i].transport, TRANSPORT_HTTP);
		assert_int_equal(t[i].probing.interval, UINT64_C(60000000000));
	}
	assert_string_equal(all, names);
}

static void
hosts_become_targets(void **state)
{
	const struct learned_other *other;
	size_t n;

	open_with("profiles: [{name: t, products: [app]}]\n");
	assert_learned("");
	assert_true(note("ocsp=http://ocsp.ca.test/ "
			 "crl=http://crl.ca.test:8080/a/b.crl "
			 "ca=http://ca.ca.test/ca.crt "));
	assert_learned("ca-1-ocsp.ca.test http://ocsp.ca.test/ 80\n"
		       "ca-1-crl.ca.test-8080 http://crl.ca.test:8080/ 8080\n");
	/* One that the row does not list is told of, not probed. */
	assert_true(note("ocsp=http://192.0.2.1/admin "));
	assert_learned("ca-1-ocsp.ca.test http://ocsp.ca.test/ 80\n"
		       "ca-1-crl.ca.test-8080 http://crl.ca.test:8080/ 8080\n");
	other = learned_others(learned, &n);
	assert_int_equal(n, 1);
	assert_string_equal(other->host, "192.0.2.1");
	assert_string_equal(other->row->id, "CA-1");
	/* Nothing new is no news. */
	assert_false(note("ocsp=http://ocsp.ca.test/other "));
	assert_false(note(""));
	shut();
}

/* What a certificate holds is its maker's: no more of it than is right. */
static void
nonsense_is_left_out(void **state)
{
	static const char *const nonsense[] = {"ocsp=", "ocsp", "=", " ",
	    "  x ", "ocsp=ftp://a.test/", "ocsp=https://a.test/",
	    "ocsp=ldap:///cn=x", "ocsp=http:///", "ocsp=http://a.test:99999/",
	    "ocsp=http://", "crl=a.test", "ocsp=http://a\x01.test/",
	    "ocsp=http://[::1/"};

	open_with("profiles: [{name: t, products: [app]}]\n");
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		if (note(nonsense[i]))
			fail_msg("%s was taken", nonsense[i]);
	assert_learned("");
	shut();
}

static void
there_is_a_bound(void **state)
{
	unsigned taken = 0;
	size_t n;

	open_with("profiles: [{name: t, products: [app]}]\n");
	for (unsigned i = 0; i < 100; i++) {
		char text[64];

		snprintf(text, sizeof(text), "ocsp=http://h%u.ca.test/", i);
		taken += note(text);
	}
	assert_int_equal(taken, 32);
	assert_non_null(learned_targets(learned, &n));
	assert_int_equal(n, 32);
	shut();
}

/* Who makes up names does not keep those from us that a row lists. */
static void
strangers_take_no_room(void **state)
{
	unsigned taken = 0;
	size_t n;

	open_with("profiles: [{name: t, products: [app]}]\n");
	for (unsigned i = 0; i < 100; i++) {
		char text[64];

		snprintf(text, sizeof(text), "ocsp=http://h%u.test/", i);
		taken += note(text);
	}
	assert_int_equal(taken, 16);
	assert_true(note("ocsp=http://ocsp.ca.test/ "));
	assert_learned("ca-1-ocsp.ca.test http://ocsp.ca.test/ 80\n");
	learned_others(learned, &n);
	assert_int_equal(n, 16);
	shut();
}

static void
long_hosts_have_names(void **state)
{
	const struct config_target *t;
	size_t n;

	open_with("profiles: [{name: t, products: [app]}]\n");
	assert_true(note("ocsp=http://one-very-long-name-of-a-host.ca.test/ "
			 "ocsp=http://one-very-long-name-of-a-home.ca.test/ "));
	t = learned_targets(learned, &n);
	assert_int_equal(n, 2);
	assert_true(strlen(t[0].name) <= TARGET_NAME);
	assert_string_not_equal(t[0].name, t[1].name);
	shut();
}

/* Who picks no such row has nothing probed on a certificate's say-so. */
static void
only_who_asks_learns(void **state)
{
	open_with(
	    "profiles: [{name: t, products: [app], leave_out: [CA-1]}]\n");
	assert_false(note("ocsp=http://ocsp.ca.test/ "));
	assert_learned("");
	shut();
	open_with("profiles: [t]\n");
	assert_false(note("ocsp=http://ocsp.ca.test/ "));
	shut();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_become_targets),
	    cmocka_unit_test(nonsense_is_left_out),
	    cmocka_unit_test(there_is_a_bound),
	    cmocka_unit_test(strangers_take_no_room),
	    cmocka_unit_test(long_hosts_have_names),
	    cmocka_unit_test(only_who_asks_learns),
	};
	int failed;

	folder_open(&folder);
	setenv("REACHD_PROFILES", folder.path, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	folder_close(&folder);
	return failed;
}
