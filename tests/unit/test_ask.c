/* What a target asks: defaults, references, and who may ask what. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"
#include "buf.h"
#include "config.h"
#include "config_ask.h"
#include "config_read.h"
#include "kind.h"

static struct doc_errors errors;

static struct ask *
read_as(const char *yaml, unsigned asks, bool labels)
{
	struct config_reader r = {.directory = "/etc/x", .errors = &errors};
	const struct kind k = {
	    .name = "tried", .transport = TRANSPORT_TLS, .asks = asks};
	struct doc_node *map = doc_parse(yaml, strlen(yaml), &errors);
	struct ask *a = config_ask_read(&r, map, &k, labels);

	doc_free(map);
	return a;
}

static void
expect_error(const char *text)
{
	struct buf b = BUF_INIT;

	config_errors_text(&b, "f", &errors);
	assert_non_null(strstr(buf_str(&b), text));
	buf_free(&b);
	doc_errors_free(&errors);
}

static void
test_defaults(void **state)
{
	struct ask *a = ask_new(1u << ASK_TLS);

	(void)state;
	assert_non_null(a);
	assert_null(a->tls.server_name);
	assert_ptr_equal(ask_ref(a), a);
	ask_unref(a);
	assert_int_equal(a->groups, 1u << ASK_TLS);
	ask_unref(a);
	ask_unref(NULL);
	assert_null(ask_ref(NULL));
}

static void
test_read(void **state)
{
	struct ask *a =
	    read_as("{server_name: a.example.com}", 1u << ASK_TLS, false);

	(void)state;
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_string_equal(a->tls.server_name, "a.example.com");
	assert_string_equal(a->text, "server_name=a.example.com");
	ask_unref(a);
	a = read_as(
	    "{__server_name__: b, server_name: c}", 1u << ASK_TLS, true);
	assert_string_equal(a->tls.server_name, "b");
	ask_unref(a);
}

/* What mutual TLS is about. */
static void
test_mutual(void **state)
{
	struct config_reader r = {.directory = "/etc/x", .errors = &errors};
	const struct kind *k = kind_find("sip", TRANSPORT_SIP_MTLS);
	struct ask *a = config_ask_read(&r, NULL, k, false);

	(void)state;
	expect_error("'client_cert' is missing, which sip_mtls shows");
	ask_unref(a);
	k = kind_find("sip", TRANSPORT_SIP_TLS);
	a = config_ask_read(&r, NULL, k, false);
	assert_int_equal(doc_errors_count(&errors), 0);
	ask_unref(a);
}

static struct ask *
read_sip(const char *yaml)
{
	return read_as(yaml, 1u << ASK_SIP, false);
}

static void
test_sip(void **state)
{
	struct ask *a = read_sip("{user: a%20b;x=1, codes: [200, 480-489], "
				 "from_domain: edge.example.net}");

	(void)state;
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_string_equal(a->sip.user, "a%20b;x=1");
	assert_string_equal(a->sip.from_domain, "edge.example.net");
	assert_int_equal(a->sip.codes.ranges, 2);
	assert_true(codes_has(&a->sip.codes, 485));
	assert_false(codes_has(&a->sip.codes, 404));
	/* In another spelling it is another target, if it is asked the same. */
	assert_string_equal(a->text, "user=a%20b;x=1 "
				     "from_domain=edge.example.net "
				     "codes=[200,480-489]");
	ask_unref(a);
	a = read_sip("{codes: 503}");
	assert_true(codes_has(&a->sip.codes, 503));
	assert_null(a->sip.user);
	ask_unref(a);
	a = read_as("{__codes__: 200-299, __user__: b}", 1u << ASK_SIP, true);
	assert_true(codes_has(&a->sip.codes, 299));
	assert_string_equal(a->sip.user, "b");
	ask_unref(a);
}

/* None of it may put a header of its own into a request. */
static void
test_sip_refused(void **state)
{
	static const struct {
		const char *yaml, *error;
	} cases[] = {
	    {"{user: \"a\\r\\nX: y\"}", "is not the user part of a SIP URI"},
	    {"{user: a@b}", "'a@b' is not the user part of a SIP URI: write"},
	    {"{user: a b}", "is not the user part"},
	    {"{user: 'a%2'}", "is not the user part"},
	    {"{user: '<a>'}", "is not the user part"},
	    {"{user: ''}", "is empty"},
	    {"{from_domain: 'a b'}", "'a b' is not a domain"},
	    {"{from_domain: \"a\\r\\nb\"}", "is not a domain"},
	    {"{codes: []}", "is empty"},
	    {"{codes: [20]}", "'20' is not a code: write one from 100 to 699"},
	    {"{codes: [200, [300]]}", "'a list' is not a code"},
	    {"{codes: {a: 200}}", "must be a code or a list of codes, not a"},
	    {"{codes: [200,200,200,200,200,200,200,200,200,200,200,200,200,"
	     "200,200,200,200]}",
		"more than 16 codes or ranges"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ask *a = read_sip(cases[i].yaml);

		print_message("%s\n", cases[i].yaml);
		expect_error(cases[i].error);
		ask_unref(a);
	}
}

static void
test_dns(void **state)
{
	static const char *const bad[] = {"", "a..b", ".a", "a b", "a\\\\.b",
	    "\xc3\xa4.example",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	    "example"};
	static const char *const good[] = {
	    "a", "a.", ".", "_sip._tcp.example", "1.2.0.192.in-addr.arpa."};
	char yaml[256];
	struct ask *a = read_as("{query: a.example}", 1u << ASK_DNS, false);

	(void)state;
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_string_equal(a->dns.query, "a.example");
	assert_int_equal(a->dns.type, 1);
	assert_int_equal(a->dns.rcode, 0);
	assert_int_equal(a->dns.least, 1);
	assert_null(a->dns.answer);
	assert_true(a->dns.recursion && a->dns.edns);
	ask_unref(a);
	a = read_as("{query: ., type: https, rcode: NXDOMAIN, edns: no}",
	    1u << ASK_DNS, false);
	assert_int_equal(a->dns.type, 65);
	assert_int_equal(a->dns.rcode, 3);
	assert_int_equal(a->dns.least, 0);
	assert_false(a->dns.edns);
	ask_unref(a);
	a = read_as("{__query__: b, __answers__: '0', __answer__: '*'}",
	    1u << ASK_DNS, true);
	assert_int_equal(a->dns.least, 0);
	assert_string_equal(a->dns.answer, "*\n");
	ask_unref(a);
	assert_int_equal(doc_errors_count(&errors), 0);
	a = read_as(
	    "{query: b, answer: [192.0.2.1, '10 mx.*']}", 1u << ASK_DNS, false);
	assert_string_equal(a->dns.answer, "192.0.2.1\n10 mx.*\n");
	assert_string_equal(a->text, "query=b answer=[192.0.2.1,10 mx.*]");
	ask_unref(a);
	ask_unref(read_as("{type: A}", 1u << ASK_DNS, false));
	expect_error("'query' is missing");
	ask_unref(read_as("{query: a, type: ANY}", 1u << ASK_DNS, false));
	expect_error("'ANY' is not allowed here");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(yaml, sizeof(yaml), "{query: \"%s\"}", good[i]);
		ask_unref(read_as(yaml, 1u << ASK_DNS, false));
		assert_int_equal(doc_errors_count(&errors), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(yaml, sizeof(yaml), "{query: \"%s\"}", bad[i]);
		ask_unref(read_as(yaml, 1u << ASK_DNS, false));
		expect_error(i == 0 ? "is empty" : "is not a domain name");
	}
}

static void
test_ntp(void **state)
{
	struct ask *a = read_as("{}", 1u << ASK_NTP, false);

	(void)state;
	assert_int_equal(a->ntp.offset_degraded, 0);
	assert_int_equal(a->ntp.stratum_most, 15);
	ask_unref(a);
	a = read_as(
	    "{offset_degraded: 250ms, stratum_most: 4}", 1u << ASK_NTP, false);
	assert_int_equal(a->ntp.offset_degraded, 250000000);
	assert_int_equal(a->ntp.stratum_most, 4);
	ask_unref(a);
	ask_unref(read_as("{stratum_most: 16}", 1u << ASK_NTP, false));
	expect_error("16 is out of bounds");
}

static void
test_refused(void **state)
{
	struct ask *a;

	(void)state;
	assert_null(read_as("{server_name: a}", 0, false));
	expect_error("'server_name' is no key of a tried probe over tls");
	a = read_as("{server_name: [a]}", 1u << ASK_TLS, false);
	expect_error("must be a text, not a list");
	ask_unref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_mutual),
	    cmocka_unit_test(test_sip),
	    cmocka_unit_test(test_sip_refused),
	    cmocka_unit_test(test_dns),
	    cmocka_unit_test(test_ntp),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
