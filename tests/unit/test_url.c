/* URLs: taken apart, and those that cannot be. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "url.h"

static void
check(const char *text, const char *scheme, const char *host, unsigned port,
    const char *path)
{
	const char *why = NULL;
	struct url u;

	assert_int_equal(url_split(text, &u, &why), 0);
	assert_string_equal(u.scheme, scheme);
	assert_string_equal(u.host, host);
	assert_int_equal(u.port, port);
	assert_string_equal(u.path, path);
}

static void
test_split(void **state)
{
	const char *why;
	struct url u;

	(void)state;
	check("https://a.example", "https", "a.example", 0, "");
	check("HTTPS://a.example:8443/x?y#z", "https", "a.example", 8443,
	    "/x?y#z");
	check("wss://[2001:db8::1]:9/", "wss", "2001:db8::1", 9, "/");
	check("http://192.0.2.1?q", "http", "192.0.2.1", 0, "?q");
	/* A '@' beyond the authority is none of its business. */
	check("http://a/@b", "http", "a", 0, "/@b");
	assert_int_equal(url_split("http://me:p@ss@a:1/", &u, &why), 0);
	assert_string_equal(u.host, "a");
	assert_int_equal(u.user_len, 7);
	assert_memory_equal(u.user, "me:p@ss", 7);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"", "scheme"},
	    {"a.example", "scheme"},
	    {"://a", "scheme"},
	    {"4t-tp://a", "scheme"},
	    {"h_tp://a", "scheme"},
	    {"abcdefghi://a", "scheme"},
	    {"https://", "no host"},
	    {"https:///x", "no host"},
	    {"https://:443/", "no host"},
	    {"https://a:x/", "wrong port"},
	    {"https://a:70000/", "wrong port"},
	    {"https://a b/", "space"},
	    {"https://a/\n", "control"},
	};
	char text[URL_MOST + 2] = "https://";
	const char *why;
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why = "";
		assert_int_equal(url_split(bad[i].text, &u, &why), -EINVAL);
		assert_non_null(strstr(why, bad[i].why));
	}
	memset(text + 8, 'a', 300);
	assert_int_equal(url_split(text, &u, &why), -EINVAL);
	assert_non_null(strstr(why, "host is too long"));
	memset(text + 8, 'a', URL_MOST - 7);
	memcpy(text + 8, "a/", 2);
	assert_int_equal(url_split(text, &u, &why), -EINVAL);
	assert_non_null(strstr(why, "1,024"));
	text[URL_MOST] = '\0';
	assert_int_equal(url_split(text, &u, &why), 0);
}

static void
test_unescape(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(url_unescape("a%40b", 5, out, sizeof(out)), 0);
	assert_string_equal(out, "a@b");
	assert_int_equal(url_unescape("%4A%4a", 6, out, sizeof(out)), 0);
	assert_string_equal(out, "JJ");
	assert_int_equal(url_unescape("", 0, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(url_unescape("%4", 2, out, sizeof(out)), -EINVAL);
	assert_int_equal(url_unescape("%4g", 3, out, sizeof(out)), -EINVAL);
	assert_int_equal(url_unescape("%00", 3, out, sizeof(out)), -EINVAL);
	assert_int_equal(url_unescape("%404", 2, out, sizeof(out)), -EINVAL);
	assert_int_equal(
	    url_unescape("12345678", 8, out, sizeof(out)), -EINVAL);
	assert_int_equal(url_unescape("1234567", 7, out, sizeof(out)), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_unescape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
