/* Proxies by environment: who is exempt, and what stands in a variable. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "environ.h"
#include "proxy.h"

static int
set_up(void **state)
{
	static const char *const all[] = {"http_proxy", "HTTP_PROXY",
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
	    "NO_PROXY"};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		unsetenv(all[i]);
	return 0;
}

static void
test_exempts(void **state)
{
	static const struct {
		const char *list, *host;
		bool is;
	} rows[] = {
	    {"", "a.example", false}, {"*", "a.example", true},
	    {"example", "a.example", true}, {".example", "a.example", true},
	    {".example", "example", true}, {"ample", "a.example", false},
	    {"a.example", "b.a.EXAMPLE", true},
	    {"b.a.example", "a.example", false},
	    {"x, ,a.example", "a.example", true},
	    {"a.example:443", "a.example", true},
	    {"a.example:8443", "a.example", false},
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.0/24", "192.0.2.77", true},
	    {"192.0.2.0/24", "198.51.100.1", false},
	    {"192.0.2.0/24", "a.example", false},
	    {"2001:db8::/32", "2001:db8::7", true},
	    {"192.0.2.9/24", "192.0.2.9", false}, /* not a network */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
		    environ_exempts(rows[i].list, rows[i].host, 443),
		    rows[i].is);
}

static struct proxy *
look(enum transport t, const char *host)
{
	const char *why = NULL;
	struct proxy *p = NULL;

	assert_int_equal(environ_proxy(t, host, 443, &p, &why), 0);
	return p;
}

static void
test_variables(void **state)
{
	struct proxy *p;

	(void)state;
	assert_null(look(TRANSPORT_HTTPS, "a"));
	setenv("https_proxy", "http://me:p%40ss@proxy.example:3128/", 1);
	p = look(TRANSPORT_HTTPS, "a");
	assert_string_equal(p->name, "env");
	assert_string_equal(p->url, "http://proxy.example:3128");
	assert_string_equal(p->host, "proxy.example");
	assert_int_equal(p->port, 3128);
	assert_int_equal(p->auth, PROXY_AUTH_BASIC);
	assert_string_equal(p->username, "me");
	assert_string_equal(p->password, "p@ss");
	proxy_unref(p);
	p = look(TRANSPORT_WSS, "a");
	assert_non_null(p);
	proxy_unref(p);
	assert_null(look(TRANSPORT_HTTP, "a"));
	/* What a web server could be made to set is not believed. */
	setenv("HTTP_PROXY", "http://evil:1", 1);
	assert_null(look(TRANSPORT_HTTP, "a"));
	setenv("ALL_PROXY", "[2001:db8::1]:8080", 1);
	p = look(TRANSPORT_HTTP, "a");
	assert_string_equal(p->name, "env-http");
	assert_string_equal(p->url, "http://[2001:db8::1]:8080");
	assert_int_equal(p->auth, PROXY_AUTH_NONE);
	proxy_unref(p);
	setenv("NO_PROXY", "b, .c", 1);
	assert_null(look(TRANSPORT_HTTPS, "b"));
	assert_null(look(TRANSPORT_HTTPS, "x.c"));
	setenv("no_proxy", "", 1); /* set, and empty: nobody */
	p = look(TRANSPORT_HTTPS, "b");
	assert_non_null(p);
	proxy_unref(p);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {"socks5://a:1", "http://",
	    "http://a b", "http://a:0x1", "http://%zz@a"};
	const char *why;
	struct proxy *p;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		setenv("https_proxy", bad[i], 1);
		why = NULL;
		assert_int_equal(
		    environ_proxy(TRANSPORT_HTTPS, "a", 443, &p, &why),
		    -EINVAL);
		assert_non_null(why);
		assert_null(p);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_exempts, set_up),
	    cmocka_unit_test_setup(test_variables, set_up),
	    cmocka_unit_test_setup(test_bad, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
