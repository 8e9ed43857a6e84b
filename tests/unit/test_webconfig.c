/* The web configuration: what it says, and each mistake in words. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "webconfig.h"

#define HASH "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

static struct webconfig *
parse(const char *text, struct doc_errors *errors)
{
	return webconfig_parse(
	    "/etc/reachd/web.yml", text, strlen(text), errors);
}

static void
nothing_is_right(void **state)
{
	struct doc_errors errors = {0};
	struct webconfig *w = parse("", &errors);

	(void)state;
	assert_non_null(w);
	assert_false(w->tls);
	assert_int_equal(w->users, 0);
	assert_null(webconfig_user(w, "a"));
	assert_int_equal(w->interval, 0);
	webconfig_free(w);
	webconfig_free(NULL);
}

static void
all_of_it(void **state)
{
	struct doc_errors errors = {0};
	struct webconfig *w = parse(
	    "tls_server_config:\n"
	    "  cert_file: a.pem\n"
	    "  key_file: /k.pem\n"
	    "  client_auth_type: RequireAndVerifyClientCert\n"
	    "  client_ca_file: ca.pem\n"
	    "  client_allowed_sans: [a.example.com, 192.0.2.1]\n"
	    "  min_version: TLS13\n"
	    "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
	    "  prefer_server_cipher_suites: false\n"
	    "  curve_preferences: [X25519, CurveP384]\n"
	    "http_server_config:\n"
	    "  http2: false\n"
	    "  headers: {X-Frame-Options: deny, x-xss-protection: '1'}\n"
	    "basic_auth_users:\n"
	    "  zoe: " HASH "\n"
	    "  al: $2b$04$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/"
	    "LDeSi\n"
	    "rate_limit: {interval: 250ms, burst: 4}\n",
	    &errors);

	(void)state;
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_true(w->tls);
	assert_string_equal(w->cert_file, "/etc/reachd/a.pem");
	assert_string_equal(w->key_file, "/k.pem");
	assert_string_equal(w->client_ca_file, "/etc/reachd/ca.pem");
	assert_int_equal(w->client_auth, WEBCONFIG_CLIENT_VERIFY);
	assert_int_equal(w->sans, 2);
	assert_string_equal(w->san[1], "192.0.2.1");
	assert_int_equal(w->min_version, 13);
	assert_int_equal(w->max_version, 13);
	assert_false(w->prefer_server);
	assert_string_equal(w->suites, ":+ECDHE-RSA:+AES-128-GCM:+AEAD");
	assert_string_equal(w->groups, ":+GROUP-X25519:+GROUP-SECP384R1");
	assert_int_equal(w->headers, 2);
	assert_string_equal(w->header[0].value, "deny");
	assert_string_equal(webconfig_user(w, "zoe"), HASH);
	assert_non_null(webconfig_user(w, "al"));
	assert_null(webconfig_user(w, "Zoe"));
	assert_null(webconfig_user(w, ""));
	assert_int_equal(w->interval, 250 * CLOCK_MS);
	assert_int_equal(w->burst, 4);
	webconfig_free(w);
}

#define TLS "tls_server_config: {cert_file: a, key_file: b"

static void
each_mistake_is_said(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
	    {"[a]", "must be a mapping, not a list"},
	    {"a: 1", "unknown key 'a'"},
	    {"tls_server_config: {}", "'cert_file' is missing"},
	    {"tls_server_config: {cert_file: a}", "'key_file' is missing"},
	    {TLS ", cert: x}", "has both 'cert_file' and 'cert'"},
	    {TLS ", client_ca_file: c}", "client_auth_type asks for none"},
	    {TLS ", client_auth_type: RequireAndVerifyClientCert}",
		"client_auth_type needs 'client_ca_file'"},
	    {TLS ", client_auth_type: Maybe}", "client_auth_type: 'Maybe'"},
	    {TLS ", client_allowed_sans: [a]}", "asks for no certificate"},
	    {TLS ", min_version: TLS13, max_version: TLS12}",
		"min_version is greater than max_version"},
	    {TLS ", min_version: SSL30}", "min_version: 'SSL30'"},
	    {TLS ", cipher_suites: [RC4]}",
		"'RC4' is no cipher suite that is known"},
	    {TLS ", curve_preferences: [P1]}", "'P1' is no curve"},
	    {TLS ", nope: 1}", "unknown key 'nope'"},
	    {"http_server_config: {headers: {Server: x}}",
		"the header 'Server' cannot be set"},
	    {"http_server_config: {headers: {X-Frame-Options: maybe}}",
		"must be deny or sameorigin"},
	    {"http_server_config: {headers: {X-Content-Type-Options: a}}",
		"must be nosniff"},
	    {"http_server_config:\n  headers:\n"
	     "    X-XSS-Protection: \"a\\r\\nSet-Cookie: x\"",
		"a control character cannot stand in a header"},
	    {"basic_auth_users: {a: secret}", "is no bcrypt hash"},
	    {"basic_auth_users: {a: $2y$99$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DU"
	     "mpZ/VcEd00UAV/LDeSi}",
		"is no bcrypt hash"},
	    {"basic_auth_users: {a: [b]}", "must be a text, not a list"},
	    {"basic_auth_users: {'a:b': " HASH "}", "has no ':'"},
	    {"rate_limit: {interval: x}", "interval: 'x'"},
	    {"rate_limit: {burst: -1}", "burst: '-1'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct doc_errors errors = {0};
		struct buf text = BUF_INIT;

		assert_null(parse(rows[i].text, &errors));
		config_errors_text(&text, "web.yml", &errors);
		if (strstr(buf_str(&text), rows[i].error) == NULL)
			fail_msg("%s: %s, not %s", rows[i].text, buf_str(&text),
			    rows[i].error);
		buf_free(&text);
		doc_errors_free(&errors);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_right),
	    cmocka_unit_test(all_of_it),
	    cmocka_unit_test(each_mistake_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
