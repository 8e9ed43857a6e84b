/* What somebody asks for, and by which module. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "aim.h"
#include "ask.h"
#include "buf.h"
#include "clock.h"
#include "url.h"

static const char file[] =
    "defaults: {dscp: ef, family: ipv4}\n"
    "probe:\n"
    "  allow: [198.51.100.0/24, '*.example.net:443']\n"
    "  modules:\n"
    "    http_2xx: {prober: http, timeout: 4s, codes: [200, 404]}\n"
    "    soa: {prober: dns, transport: tcp, query: example.net, type: SOA,\n"
    "      family: ipv6, dscp: 0}\n"
    "    once: {prober: http, follow_redirects: false, verify: false}\n";

static struct config *config;
static struct aim aim;
static char why[AIM_WHY];

static int
set_up(void **state)
{
	struct doc_errors errors = {0};

	config = config_parse("t.yml", file, strlen(file), &errors);
	assert_int_equal(doc_errors_count(&errors), 0);
	return config == NULL;
}

static int
tear_down(void **state)
{
	config_free(config);
	return 0;
}

static int
at(const char *module, const char *target, const char *hostname)
{
	const struct config_module *m = config_module_find(config, module);

	assert_non_null(m);
	why[0] = '\0';
	return aim_at(&aim, m, target, hostname, why);
}

static void
assert_aim(enum transport t, const char *host, unsigned port, const char *url)
{
	assert_int_equal(aim.t.transport, t);
	assert_string_equal(aim.t.host, host);
	assert_int_equal(aim.t.port, port);
	if (url == NULL)
		assert_null(aim.t.url);
	else
		assert_string_equal(aim.t.url, url);
	aim_clear(&aim);
}

static void
test_modules(void **state)
{
	static const char *const names[] = {"http_2xx", "http_post_2xx",
	    "tcp_connect", "tcp_connect_tls", "icmp", "dns_udp", "dns_tcp",
	    "ntp", "stun_udp", "stun_tcp", "stun_tls", "sip_options_udp",
	    "sip_options_tcp", "sip_options_tls", "soa", "once"};
	const struct config_module *m;

	assert_int_equal(config->allows, 2);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(config_module_find(config, names[i]));
	assert_null(config_module_find(config, "nope"));
	/* The file's own comes before the one that is built in. */
	m = config_module_find(config, "http_2xx");
	assert_int_equal(m->timeout, 4 * CLOCK_SEC);
	assert_true(m->follow);
	assert_true(codes_has(&m->like.ask->http.codes, 404));
	assert_false(codes_has(&m->like.ask->http.codes, 204));
	assert_int_equal(m->like.probing.dscp, 46);
	assert_int_equal(m->like.probing.family, 4);
	m = config_module_find(config, "soa");
	assert_int_equal(m->like.transport, TRANSPORT_DNS_TCP);
	assert_int_equal(m->like.probing.dscp, 0);
	assert_int_equal(m->like.probing.family, 6);
	m = config_module_find(config, "once");
	assert_false(m->follow);
	assert_true(codes_has(&m->like.ask->http.codes, 204));
	assert_false(codes_has(&m->like.ask->http.codes, 302));
	m = config_module_find(config, "http_post_2xx");
	assert_int_equal(m->like.ask->http.method, ASK_POST);
}

static void
test_targets(void **state)
{
	assert_int_equal(at("tcp_connect", "host.example:22", NULL), 0);
	assert_aim(TRANSPORT_TCP, "host.example", 22, NULL);
	assert_int_equal(at("tcp_connect", "[2001:db8::1]:22", NULL), 0);
	assert_aim(TRANSPORT_TCP, "2001:db8::1", 22, NULL);
	assert_int_equal(at("icmp", "192.0.2.1", NULL), 0);
	assert_aim(TRANSPORT_ICMP, "192.0.2.1", 0, NULL);
	assert_int_equal(at("dns_udp", "192.0.2.1", NULL), 0);
	assert_aim(TRANSPORT_DNS_UDP, "192.0.2.1", 53, NULL);
	assert_int_equal(at("stun_udp", "192.0.2.1", NULL), 0);
	assert_aim(TRANSPORT_UDP, "192.0.2.1", 3478, NULL);
	assert_int_equal(at("stun_tls", "turn.example", NULL), 0);
	assert_aim(TRANSPORT_TLS, "turn.example", 5349, NULL);
	assert_int_equal(at("sip_options_tls", "sip.example", NULL), 0);
	assert_aim(TRANSPORT_SIP_TLS, "sip.example", 5061, NULL);
}

static void
test_urls(void **state)
{
	assert_int_equal(at("once", "example.net", NULL), 0);
	assert_aim(TRANSPORT_HTTP, "example.net", 80, "http://example.net");
	assert_int_equal(at("once", "example.net:8080/a?b=http://c", NULL), 0);
	assert_aim(TRANSPORT_HTTP, "example.net", 8080,
	    "http://example.net:8080/a?b=http://c");
	assert_int_equal(at("once", "HTTPS://example.net/x#part", NULL), 0);
	assert_aim(
	    TRANSPORT_HTTPS, "example.net", 443, "HTTPS://example.net/x");
	assert_int_equal(at("once", "https://[2001:db8::1]:444/", NULL), 0);
	assert_aim(
	    TRANSPORT_HTTPS, "2001:db8::1", 444, "https://[2001:db8::1]:444/");
}

/* What the host is called, and which one is meant. */
static void
test_hostname(void **state)
{
	assert_int_equal(
	    at("once", "https://192.0.2.1:444/x", "www.example.net"), 0);
	assert_string_equal(aim.lookup, "192.0.2.1");
	assert_aim(TRANSPORT_HTTPS, "www.example.net", 444,
	    "https://www.example.net:444/x");
	assert_int_equal(at("once", "http://a.example/?q", "2001:db8::1"), 0);
	assert_string_equal(aim.lookup, "a.example");
	assert_aim(
	    TRANSPORT_HTTP, "2001:db8::1", 80, "http://[2001:db8::1]/?q");
	assert_int_equal(at("tcp_connect_tls", "192.0.2.1:443", "a.test"), 0);
	assert_string_equal(aim.lookup, "192.0.2.1");
	assert_aim(TRANSPORT_TLS, "a.test", 443, NULL);
	assert_int_equal(at("once", "http://a.example/", "b/c"), -EINVAL);
	assert_int_equal(at("once", "http://a.example/", "b@c"), -EINVAL);
	assert_int_equal(at("once", "http://a.example/", "a\r\nX: y"), -EINVAL);
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *module, *target, *says;
	} bad[] = {
	    {"tcp_connect", "host", "has no port"},
	    {"tcp_connect", "host:0", "port from 1 to 65535"},
	    {"tcp_connect", "", "HOST:PORT"},
	    {"tcp_connect", "a b:1", "no name"},
	    {"tcp_connect", "http://a:1", "no name"},
	    {"icmp", "host:1", "knows none"},
	    {"dns_udp", "system", "no host"},
	    {"once", "", "host"},
	    {"once", "ftp://a/", "must"},
	    {"once", "wss://a/", "must"},
	    {"once", "http://user:secret@a/", "credentials"},
	    {"once", "http://a b/", "space"},
	    {"once", "http://a\r\nX: y/", "control"},
	    {"once", "http:///x", "host"},
	};
	char longest[4096];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    at(bad[i].module, bad[i].target, NULL), -EINVAL);
		if (strstr(why, bad[i].says) == NULL)
			fail_msg(
			    "%s %s: %s", bad[i].module, bad[i].target, why);
		assert_null(strstr(why, "secret"));
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(at("once", longest, NULL), -EINVAL);
	assert_int_equal(at("tcp_connect", longest, NULL), -EINVAL);
	assert_int_equal(at("once", "http://a/", longest), -EINVAL);
}

static void
test_redirects(void **state)
{
	static const struct {
		const char *base, *location, *url;
	} row[] = {
	    {"http://a/b/c?d", "https://e/f", "https://e/f"},
	    {"http://a/b/c?d", "//e/f", "http://e/f"},
	    {"https://a:444/b/c?d", "/f?g", "https://a:444/f?g"},
	    {"http://a/b/c?d", "f", "http://a/b/f"},
	    {"http://a", "f", "http://a/f"},
	    {"http://a?q", "f", "http://a/f"},
	    {"http://a/b/c?d", "?g", "http://a/b/c?g"},
	    {"http://a/b", "/?u=http://x/", "http://a/?u=http://x/"},
	    {"http://a/b", "c?u=http://x/", "http://a/c?u=http://x/"},
	    {"http://a/b", "/c#d", "http://a/c"},
	};
	const struct config_module *m = config_module_find(config, "once");
	struct aim next;
	char longest[URL_MOST];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(at("once", row[i].base, NULL), 0);
		assert_int_equal(
		    aim_follow(&next, m, &aim, row[i].location, why), 0);
		assert_string_equal(next.t.url, row[i].url);
		aim_clear(&next);
		aim_clear(&aim);
	}
	assert_int_equal(at("once", "http://a/b", NULL), 0);
	assert_int_equal(
	    aim_follow(&next, m, &aim, "file:///etc/passwd", why), -EINVAL);
	assert_int_equal(
	    aim_follow(&next, m, &aim, "gopher://a:70/x", why), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(aim_follow(&next, m, &aim, longest, why), -EINVAL);
	aim_clear(&aim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_modules),
	    cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_hostname),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_redirects),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
