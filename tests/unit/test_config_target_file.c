/* Target files in the format of Prometheus: good ones, and each mistake. */
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
#include "clock.h"
#include "config.h"

static struct config *
right(const char *text)
{
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("/etc/reachd/t.yml", text, strlen(text), &errors);

	for (size_t i = 0; i < errors.errors; i++)
		print_message("%s\n", errors.error[i].text);
	assert_non_null(c);
	assert_int_equal(doc_errors_count(&errors), 0);
	doc_errors_free(&errors);
	return c;
}

static ssize_t
read_targets(const struct config *c, const char *text,
    struct config_target **out, char **messages)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;
	ssize_t n = config_target_file(c, text, strlen(text), out, &errors);

	config_errors_text(&b, "f", &errors);
	buf_putc(&b, '\0');
	*messages = buf_steal(&b);
	doc_errors_free(&errors);
	return n;
}

static void
target_files_of_prometheus(void **state)
{
	struct config *c = right("defaults: {interval: 7s, dscp: ef}\n");
	struct config_target *t;
	char *messages;
	ssize_t n = read_targets(c,
	    "- targets: [\"a.example:443\", \"192.0.2.1:80\"]\n"
	    "  labels: {__probe__: tcp, media_cluster: x, job: other}\n"
	    "- targets: [b.example]\n  labels: {name: b}\n"
	    "- targets: [\"c.example\", \"d.example\"]\n"
	    "  labels: {name: cd, __transport__: tls}\n"
	    "- targets: []\n",
	    &t, &messages);

	assert_string_equal(messages, "");
	assert_int_equal(n, 5);
	assert_string_equal(t[0].probe, "tcp");
	assert_string_equal(t[0].host, "a.example");
	assert_int_equal(t[0].port, 443);
	assert_string_equal(t[0].cluster, "x");
	assert_int_equal(t[0].probing.interval, 7 * CLOCK_SEC);
	assert_int_equal(t[0].probing.dscp, 46);
	/* A name of its own, and no address in it. */
	assert_memory_equal(t[1].name, "tcp-tcp-", 8);
	assert_int_equal(strlen(t[1].name), 14);
	assert_string_not_equal(t[0].name, t[1].name);
	assert_string_equal(t[2].name, "b");
	assert_int_equal(t[2].port, 3478);
	assert_memory_equal(t[3].name, "cd-", 3);
	assert_int_equal(t[3].transport, TRANSPORT_TLS);
	assert_string_not_equal(t[3].name, t[4].name);
	free(messages);
	config_targets_free(t, (size_t)n);
	n = read_targets(c, "[{\"targets\": [\"a.example\"]}]", &t, &messages);
	assert_int_equal(n, 1);
	free(messages);
	config_targets_free(t, (size_t)n);
	n = read_targets(c, "[]", &t, &messages);
	assert_int_equal(n, 0);
	free(messages);
	config_targets_free(t, 0);
	config_free(c);
}

static void
wrong_targets(const struct config *c, const char *text, const char *expected)
{
	struct config_target *t = (struct config_target *)c;
	char *messages;

	assert_true(read_targets(c, text, &t, &messages) < 0);
	assert_string_equal(messages, expected);
	assert_ptr_equal(t, c);
	free(messages);
}

static void
mistakes_of_target_files(void **state)
{
	struct config *c = right("defaults: {family: ipv4}\n");

	wrong_targets(c, "",
	    "f:1:1: error: must be a list of {targets, labels}, not nothing; "
	    "for no targets write []\n");
	wrong_targets(c, "targets: [a]\n",
	    "f:1:1: error: must be a list of {targets, labels}, not a "
	    "mapping\n");
	wrong_targets(c, "- a\n- labels: {}\n- {targets: a}\n",
	    "f:1:3: error: [0]: must be a mapping, not text\n"
	    "f:2:3: error: [1]: 'targets' must be a list of HOST:PORT\n"
	    "f:3:13: error: [2].targets: 'targets' must be a list of "
	    "HOST:PORT\n");
	wrong_targets(c, "- {targets: [[], \"a:0\"], label: {}}\n",
	    "f:1:14: error: [0].targets[0]: must be a text, not a list\n"
	    "f:1:18: error: [0].targets[1]: 'a:0' is not HOST:PORT with a "
	    "port from 1 to 65535\n"
	    "f:1:26: error: [0]: unknown key 'label' (allowed: targets, "
	    "labels)\n");
	wrong_targets(c, "- targets: [a]\n  labels: {x: [], __probe__: sap}\n",
	    "f:2:15: error: [0].labels.x: a label must be text, not a list\n"
	    "f:2:30: error: [0].labels.__probe__: 'sap' is not allowed here "
	    "(one of: stun, tls, tcp, https, wss, icmp, sip, dns, ntp)\n");
	wrong_targets(c, "- {targets: [\"2001:db8::1\"]}\n",
	    "f:1:14: error: [0].targets[0]: is an IPv6 address, and only IPv4 "
	    "is probed here\n");
	wrong_targets(c, "- {targets: [a]}\n- targets: [a]\n",
	    "f:2:1: error: the target 'stun-udp-ce9530' stands twice (first "
	    "in line 1)\n");
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(target_files_of_prometheus),
	    cmocka_unit_test(mistakes_of_target_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
