/* URLs and the ways to them: proxies, names, and each mistake. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "config.h"
#include "inventory.h"
#include "proxy.h"

#define PROXIES                                                             \
	"proxies:\n"                                                        \
	"  - {name: hq, url: \"http://proxy.example:3128\", auth: digest, " \
	"username: me, password_file: pw}\n"                                \
	"  - {name: dmz, url: \"https://[2001:db8::1]\"}\n"

static struct config *
parse(const char *text, char **messages)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;
	struct config *c =
	    config_parse("/etc/reachd/t.yml", text, strlen(text), &errors);

	config_errors_text(&b, "f", &errors);
	buf_puts(&b, "");
	*messages = strdup(buf_str(&b));
	buf_free(&b);
	doc_errors_free(&errors);
	return c;
}

static struct config *
right(const char *text)
{
	char *messages;
	struct config *c = parse(text, &messages);

	assert_string_equal(messages, "");
	free(messages);
	assert_non_null(c);
	return c;
}

static void
wrong(const char *text, const char *message)
{
	char *messages;
	struct config *c = parse(text, &messages);

	if (strstr(messages, message) == NULL)
		print_message("%s", messages);
	assert_non_null(strstr(messages, message));
	assert_null(c);
	free(messages);
}

static void
test_ways(void **state)
{
	struct config *c = right(PROXIES
	    "targets:\n"
	    "  - {name: a, probe: https, url: \"https://o.example/x\", "
	    "via: [direct, hq, dmz], method: HEAD, codes: [200, 300-399]}\n"
	    "  - {name: b, probe: https, url: \"http://o.example:81\"}\n"
	    "  - {name: c, probe: wss, url: \"wss://o.example\", via: [hq]}\n");
	const struct config_target *t = c->target;

	(void)state;
	assert_int_equal(c->proxies, 2);
	assert_int_equal(c->proxy[0]->auth, PROXY_AUTH_DIGEST);
	assert_string_equal(c->proxy[0]->password_file, "/etc/reachd/pw");
	assert_true(c->proxy[1]->tls);
	assert_int_equal(c->proxy[1]->port, 443);
	assert_string_equal(c->proxy[1]->host, "2001:db8::1");
	assert_int_equal(c->targets, 5);
	assert_string_equal(t[0].name, "a");
	assert_null(t[0].proxy);
	assert_int_equal(t[0].ask->http.method, ASK_HEAD);
	assert_true(codes_has(&t[0].ask->http.codes, 302));
	assert_false(codes_has(&t[0].ask->http.codes, 404));
	assert_string_equal(t[0].host, "o.example");
	assert_int_equal(t[0].port, 443);
	assert_string_equal(t[1].name, "a@hq");
	assert_ptr_equal(t[1].proxy, c->proxy[0]);
	assert_string_equal(t[1].url, "https://o.example/x");
	assert_ptr_equal(t[1].ask, t[0].ask);
	assert_string_equal(t[2].name, "a@dmz");
	assert_int_equal(t[3].transport, TRANSPORT_HTTP);
	assert_int_equal(t[3].port, 81);
	assert_int_equal(t[4].transport, TRANSPORT_WSS);
	assert_string_equal(t[4].name, "c@hq");
	config_free(c);
}

/* Names that are too long keep apart by a hash. */
static void
test_long_name(void **state)
{
	struct config *c = right(PROXIES
	    "targets: [{name: a-name-of-thirty-octets-or-so-x, probe: https, "
	    "url: \"https://o\", via: [hq, dmz]}]\n");

	(void)state;
	assert_int_equal(strlen(c->target[0].name), 32);
	assert_int_equal(strlen(c->target[1].name), 32);
	assert_memory_equal(c->target[0].name, "a-name-of-thirty-octets-o", 25);
	assert_string_not_equal(c->target[0].name, c->target[1].name);
	config_free(c);
}

static void
resolve(void *arg, const char *host, struct inventory_name *out)
{
	static struct addr a[2];
	struct buf *asked = arg;

	buf_printf(asked, "%s ", host);
	addr_parse_host(&a[0], "192.0.2.1");
	addr_parse_host(&a[1], "192.0.2.2");
	out->addr = a;
	out->addrs = 2;
}

/* Through a proxy it is the proxy's name that we resolve. */
static void
test_inventory(void **state)
{
	struct config *c = right(PROXIES
	    "targets: [{name: a, probe: https, url: \"https://o.example:8443\","
	    " via: [hq, dmz]}]\n");
	struct buf asked = BUF_INIT;
	struct inventory_input in = {
	    .config = c, .resolve = resolve, .arg = &asked};
	struct inventory *inv = inventory_build(&in);
	size_t n;
	char **names = inventory_names(&in, &n);
	const struct target *t;
	char text[ADDR_TEXT];

	(void)state;
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "proxy.example");
	free(names[0]);
	free(names);
	assert_string_equal(buf_str(&asked), "proxy.example ");
	buf_free(&asked);
	assert_int_equal(inv->targets, 3);
	t = inv->target[0];
	assert_string_equal(t->name, "a@dmz");
	assert_string_equal(
	    addr_text(&t->path.addr, text), "[2001:db8::1]:443");
	assert_int_equal(t->port, 8443);
	assert_string_equal(t->host, "o.example");
	assert_string_equal(target_next_hop(t), "2001:db8::1");
	assert_ptr_equal(t->path.proxy, c->proxy[1]);
	assert_non_null(strstr(t->info, "proxy=\"dmz\""));
	assert_non_null(strstr(t->info, "url=\"https://o.example:8443\""));
	assert_non_null(strstr(t->key, " proxy=dmz"));
	assert_memory_equal(inv->target[1]->name, "a@hq-", 5);
	addr_text(&inv->target[1]->path.addr, text);
	assert_memory_equal(text, "192.0.2.", 8);
	assert_string_equal(text + 9, ":3128");
	config_free(c);
	/* The targets have references of their own. */
	assert_string_equal(t->proxy->name, "dmz");
	inventory_free(inv);
}

static void
test_environment(void **state)
{
	struct config *c;

	(void)state;
	setenv("https_proxy", "http://u:p@env.example:1", 1);
	setenv("no_proxy", "near.example", 1);
	c = right("targets:\n"
		  "  - {name: a, probe: https, url: \"https://far\", via: "
		  "[env]}\n"
		  "  - {name: b, probe: https, url: \"https://near.example\", "
		  "via: [env]}\n"
		  "  - {name: c, probe: wss, url: \"wss://far\", via: "
		  "[direct, env]}\n");
	assert_int_equal(c->proxies, 1);
	assert_string_equal(c->target[0].name, "a@env");
	assert_string_equal(c->target[0].proxy->url, "http://env.example:1");
	assert_string_equal(c->target[1].name, "b@env");
	assert_null(c->target[1].proxy);
	assert_ptr_equal(c->target[3].proxy, c->target[0].proxy);
	config_free(c);
	setenv("https_proxy", "socks4://x", 1);
	wrong("targets: [{name: a, probe: https, url: \"https://far\", via: "
	      "[env]}]",
	    "f:1:61: error: targets[0].via[0]: the environment's proxy: it is "
	    "neither http nor "
	    "https");
	unsetenv("https_proxy");
	unsetenv("no_proxy");
}

static void
test_mistakes(void **state)
{
#define WEB "targets: [{name: a, probe: https, "

	(void)state;
	wrong(WEB "address: \"x:1\"}]", "'address' is no key of a https probe");
	wrong(WEB "address: \"x:1\"}]", "'url' is missing");
	wrong("targets: [{name: a}]", "'address' is missing");
	wrong("targets: [{name: a, address: x, url: \"https://x\"}]",
	    "'url' is no key of a stun probe over udp");
	wrong("targets: [{name: a, address: x, via: [direct]}]",
	    "'via' is no key of a stun probe over udp");
	wrong("targets: [{name: a, address: x, method: GET}]",
	    "'method' is no key of a stun probe over udp");
	wrong(
	    WEB "url: \"ftp://x\"}]", "'ftp://x' does not start with https://");
	wrong(WEB "transport: http, url: \"https://x\"}]",
	    "does not start with http://");
	wrong("targets: [{name: a, probe: wss, url: \"https://x\"}]",
	    "does not start with wss://");
	wrong(WEB "url: \"https://u:secret@x\"}]",
	    "credentials do not belong into a URL (of x)");
	wrong(WEB "url: \"https://x\", via: [hq]}]",
	    "there is no proxy 'hq' (there: direct, env)");
	wrong(PROXIES WEB "url: \"https://x\", via: [nope]}]",
	    "there is no proxy 'nope' (there: hq, dmz, direct, env)");
	wrong(PROXIES WEB "url: \"https://x\", via: [hq, hq]}]",
	    "is in the list twice");
	wrong(WEB "url: \"https://x\", via: []}]", "at least one way");
	wrong(WEB "url: \"https://x\", via: [[]]}]",
	    "must be direct, env or the name of a proxy");
	wrong(WEB "url: \"https://x\", codes: [999]}]", "is not a code");
	wrong(WEB "url: \"https://x\", count: 2}]", "at most 1 request");
	wrong("proxies: [{name: direct, url: \"http://x\"}]",
	    "stands for another way");
	wrong("proxies: [{name: a@b, url: \"http://x\"}]", "@ or ,");
	wrong("proxies: [{name: a, url: \"http://x/p\"}]", "has no path");
	wrong("proxies: [{name: a, url: \"http://x\", auth: basic}]",
	    "'username' is missing: basic cannot do without");
	wrong("proxies: [{name: a, url: \"http://x\", username: u, "
	      "password_file: p}]",
	    "'auth' is none (one of: none, basic, digest, ntlm, negotiate)");
	wrong("proxies: [{name: a, url: \"http://x\", auth: ntlm, username: "
	      "u}]",
	    "must be given together");
	wrong("proxies: [{name: a, url: \"http://x\"}, {name: a, url: "
	      "\"http://y\"}]",
	    "'a' is given twice");
	wrong("proxies: [3]", "must be a mapping");
}

static void
test_target_file(void **state)
{
	static const char text[] =
	    "- targets: [\"https://o.example/x\"]\n"
	    "  labels: {__probe__: https, __via__: hq}\n"
	    "- targets: [\"http://o.example/x\"]\n"
	    "  labels: {__probe__: https, __transport__: http, name: n}\n";
	struct config *c = right(PROXIES);
	struct doc_errors errors = {0};
	struct config_target *t;

	(void)state;
	assert_int_equal(
	    config_target_file(c, text, strlen(text), &t, &errors), 2);
	assert_string_equal(t[0].url, "https://o.example/x");
	assert_ptr_equal(t[0].proxy, c->proxy[0]);
	assert_memory_equal(t[0].name, "https-https-", 12);
	assert_string_equal(t[1].name, "n");
	assert_null(t[1].proxy);
	config_targets_free(t, 2);
	config_free(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ways),
	    cmocka_unit_test(test_long_name),
	    cmocka_unit_test(test_inventory),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_target_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
