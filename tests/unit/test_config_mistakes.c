/* The configuration: each class of mistake, and what is said of it. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "buf.h"
#include "config.h"

static void
wrong(const char *text, const char *expected)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;

	assert_null(config_parse("t.yml", text, strlen(text), &errors));
	config_errors_text(&b, "t.yml", &errors);
	assert_string_equal(buf_str(&b), expected);
	buf_free(&b);
	doc_errors_free(&errors);
}

#define TOP_KEYS                                                    \
	"profiles, defaults, thresholds, media, proxies, targets, " \
	"target_files, probe, "                                     \
	"limits, snmp, histograms, rolling, transmit_timestamps, "  \
	"resolver, "                                                \
	"ca_file, state_file, state_interval"

static void
mistakes_of_the_whole(void **state)
{
	wrong("", "t.yml: error: the file is empty\n");
	wrong("# only this\n", "t.yml: error: the file is empty\n");
	wrong("- a\n", "t.yml:1:1: error: must be a mapping, not a list\n");
	wrong("hello\n", "t.yml:1:1: error: must be a mapping, not text\n");
	wrong("a: [\n",
	    "t.yml:2:1: error: did not find expected node content (while "
	    "parsing a flow node that starts in line 2)\n");
	wrong("rolling: true\nrolling: false\n",
	    "t.yml:2:1: error: 'rolling' is given twice (first in line 1)\n");
	wrong("defualts: {}\n",
	    "t.yml:1:1: error: unknown key 'defualts', did you mean "
	    "'defaults'? (allowed: " TOP_KEYS ")\n");
	wrong("grafana: []\n",
	    "t.yml:1:1: error: unknown key 'grafana' (allowed: " TOP_KEYS
	    ")\n");
}

static void
mistakes_of_type(void **state)
{
	wrong("defaults: []\n",
	    "t.yml:1:11: error: defaults: must be a mapping, not a list\n");
	wrong("targets: {}\n",
	    "t.yml:1:10: error: targets: must be a list, not a mapping\n");
	wrong("targets: [x]\n",
	    "t.yml:1:11: error: targets[0]: must be a mapping, not text\n");
	wrong("media: {clusters: [[]]}\n",
	    "t.yml:1:20: error: media.clusters[0]: must be a mapping, not a "
	    "list\n");
	wrong("media: {discovery: [x]}\n",
	    "t.yml:1:21: error: media.discovery[0]: must be a mapping, not "
	    "text\n");
	wrong("snmp: {ping_notifications: [test_failed, down, []]}\n",
	    "t.yml:1:42: error: snmp.ping_notifications[1]: must be one of "
	    "probe_failed, test_failed, test_completed\n"
	    "t.yml:1:48: error: snmp.ping_notifications[2]: must be one of "
	    "probe_failed, test_failed, test_completed\n");
	wrong("state_file: [a]\n",
	    "t.yml:1:13: error: state_file: must be a path, not a list\n");
	wrong("state_interval:\n",
	    "t.yml:1:16: error: state_interval: must be a duration, not "
	    "nothing\n");
	wrong("state_file: ''\n", "t.yml:1:13: error: state_file: is empty\n");
	wrong("target_files: [{}]\n",
	    "t.yml:1:16: error: target_files[0]: must be a path, not a "
	    "mapping\n");
	wrong("defaults: {source: {}}\n",
	    "t.yml:1:20: error: defaults.source: must be an IP address, not a "
	    "mapping\n");
}

static void
mistakes_of_value(void **state)
{
	wrong("defaults:\n  interval: 10\n",
	    "t.yml:2:13: error: defaults.interval: '10' is not a duration: "
	    "write a number and a unit: ms, s, m, h, d (for example 10s)\n");
	wrong("defaults: {interval: 99ms}\n",
	    "t.yml:1:22: error: defaults.interval: 99ms is out of bounds: "
	    "allowed is 100ms to 1d\n");
	wrong("defaults: {windows: [1m, 5]}\n",
	    "t.yml:1:26: error: defaults.windows[1]: '5' is not a duration: "
	    "write a number and a unit: ms, s, m, h, d (for example 10s)\n");
	wrong("defaults: {windows: [500ms, 8d]}\n",
	    "t.yml:1:22: error: defaults.windows[0]: 500ms is out of bounds: "
	    "allowed is 1s to 7d\n"
	    "t.yml:1:29: error: defaults.windows[1]: 8d is out of bounds: "
	    "allowed is 1s to 7d\n");
	wrong("thresholds: {loss_degraded: 2}\n",
	    "t.yml:1:29: error: thresholds.loss_degraded: '2' is not a "
	    "percentage: write a number, with at most four digits after the "
	    "point, and % (for example 2%)\n");
	wrong("thresholds: {loss_degraded: 0.00001%}\n",
	    "t.yml:1:29: error: thresholds.loss_degraded: '0.00001%' is not a "
	    "percentage: write a number, with at most four digits after the "
	    "point, and % (for example 2%)\n");
	wrong("thresholds: {loss_degraded: 100.1%}\n",
	    "t.yml:1:29: error: thresholds.loss_degraded: 100.1% is out of "
	    "bounds: allowed is 0% to 100%\n");
	wrong("thresholds: {loss_degraded: 99999999999999999999%}\n",
	    "t.yml:1:29: error: thresholds.loss_degraded: "
	    "99999999999999999999% is out of bounds: allowed is 0% to 100%\n");
	wrong("defaults: {count: 0x10}\n",
	    "t.yml:1:19: error: defaults.count: '0x10' is not a whole "
	    "number\n");
	wrong("defaults: {count: 33}\n",
	    "t.yml:1:19: error: defaults.count: 33 is out of bounds: allowed "
	    "is 1 to 32\n");
	wrong("defaults: {count: -1}\n",
	    "t.yml:1:19: error: defaults.count: '-1' is not a whole number\n");
	wrong("limits: {requests_per_second: 99999999999999999999}\n",
	    "t.yml:1:31: error: limits.requests_per_second: "
	    "99999999999999999999 is out of bounds: allowed is 1 to "
	    "1000000\n");
	wrong("rolling: maybe\n",
	    "t.yml:1:10: error: rolling: 'maybe' is neither true nor false\n");
	wrong("defaults: {dscp: 64}\n",
	    "t.yml:1:18: error: defaults.dscp: '64' is not a DSCP: write 0 to "
	    "63, ef, va, le, cs0 to cs7, or af11 to af43\n");
	wrong("defaults: {dscp: af44}\n",
	    "t.yml:1:18: error: defaults.dscp: 'af44' is not a DSCP: write 0 "
	    "to 63, ef, va, le, cs0 to cs7, or af11 to af43\n");
	wrong("defaults: {source: eth0}\n",
	    "t.yml:1:20: error: defaults.source: 'eth0' is not an IP "
	    "address\n");
	wrong("defaults: {interface: abcdefghijklmnop}\n",
	    "t.yml:1:23: error: defaults.interface: 'abcdefghijklmnop' is "
	    "longer than 15 octets\n");
	wrong("defaults: {family: inet6}\n",
	    "t.yml:1:20: error: defaults.family: 'inet6' is not allowed here "
	    "(one of: any, ipv4, ipv6)\n");
	wrong("defaults: {expect: open}\n",
	    "t.yml:1:20: error: defaults.expect: 'open' is not allowed here "
	    "(one of: reachable, blocked)\n");
	wrong("resolver: ns.example\n",
	    "t.yml:1:11: error: resolver: 'ns.example' is not the address of "
	    "a server: write 192.0.2.53 or [2001:db8::53]:53\n");
}

static void
mistakes_of_names(void **state)
{
	wrong("targets:\n  - {address: a}\n",
	    "t.yml:2:5: error: targets[0]: 'name' is missing\n");
	wrong("targets:\n  - {name: a}\n",
	    "t.yml:2:5: error: targets[0]: 'address' is missing\n");
	wrong("targets: [{name: \"\", address: a}]\n",
	    "t.yml:1:18: error: targets[0].name: is empty\n");
	wrong("targets: [{name: \"a\\tb\", address: a}]\n",
	    "t.yml:1:18: error: targets[0].name: 'a?b' has a control "
	    "character\n");
	wrong("targets:\n  - {name: abcdefghijklmnopqrstuvwxyz1234567, "
	      "address: a}\n",
	    "t.yml:2:12: error: targets[0].name: "
	    "'abcdefghijklmnopqrstuvwxyz1234567' is longer than 32 octets\n");
	wrong("targets:\n  - {name: a, address: a}\n"
	      "  - {name: b, address: b}\n  - {name: a, address: c}\n",
	    "t.yml:4:12: error: targets[2].name: 'a' is given twice (first in "
	    "line 2)\n");
	wrong("media:\n  clusters:\n    - {name: a, udp: [stun:a]}\n"
	      "    - {name: a, udp: [stun:b]}\n",
	    "t.yml:4:14: error: media.clusters[1].name: 'a' is given twice "
	    "(first in line 3)\n");
}

static void
mistakes_of_targets(void **state)
{
	wrong("targets: [{name: a, probe: sap, address: a}]\n",
	    "t.yml:1:28: error: targets[0].probe: 'sap' is not allowed here "
	    "(one of: stun, tls, tcp, https, wss, icmp, sip, dns, ntp)\n");
	wrong("targets: [{name: a, transport: wss, address: a}]\n",
	    "t.yml:1:32: error: targets[0].transport: 'wss' is no transport "
	    "of stun (one of: udp, tcp, tls)\n");
	wrong("targets: [{name: a, probe: icmp, transport: udp, "
	      "address: a}]\n",
	    "t.yml:1:45: error: targets[0].transport: 'udp' is no transport "
	    "of icmp (one of: icmp)\n");
	wrong("targets: [{name: a, probe: tcp, address: a}]\n",
	    "t.yml:1:42: error: targets[0].address: 'a' has no port\n");
	wrong("targets: [{name: a, probe: icmp, address: \"a:1\"}]\n",
	    "t.yml:1:43: error: targets[0].address: 'a:1' has a port, and "
	    "this kind of probe knows none\n");
	wrong("targets: [{name: a, address: \"a:0\"}]\n",
	    "t.yml:1:30: error: targets[0].address: 'a:0' is not HOST:PORT "
	    "with a port from 1 to 65535\n");
	wrong("targets: [{name: a, address: \"a:65536\"}]\n",
	    "t.yml:1:30: error: targets[0].address: 'a:65536' is not "
	    "HOST:PORT with a port from 1 to 65535\n");
	wrong("targets: [{name: a, address: 1.2.3}]\n",
	    "t.yml:1:30: error: targets[0].address: '1.2.3' has no name or "
	    "address of one host\n");
	wrong("targets: [{name: a, address: 239.1.2.3}]\n",
	    "t.yml:1:30: error: targets[0].address: '239.1.2.3' has no name "
	    "or address of one host\n");
	wrong("targets: [{name: a, probe: tcp, address: \"a:1\", count: 2}]\n",
	    "t.yml:1:56: error: targets[0].count: a probe of this kind has at "
	    "most 1 request\n");
}

static void
mistakes_of_clusters(void **state)
{
	wrong("media: {clusters: [{name: a}]}\n",
	    "t.yml:1:20: error: media.clusters[0]: has no nodes: give udp, "
	    "tcp or xtls\n");
	wrong("media: {clusters: [{name: a, class: private, "
	      "udp: [stun:a]}]}\n",
	    "t.yml:1:37: error: media.clusters[0].class: 'private' is not "
	    "allowed here (one of: public, video_mesh, reference)\n");
	wrong("media: {clusters: [{name: a, udp: [stun:a, stun:A:5004]}]}\n",
	    "t.yml:1:44: error: media.clusters[0].udp[1]: 'stun:A:5004' is in "
	    "the list twice\n");
	wrong("media: {clusters: [{name: a, udp: [\"192.0.2.1:5004\"]}]}\n",
	    "t.yml:1:36: error: media.clusters[0].udp[0]: '192.0.2.1:5004' "
	    "cannot be probed: the scheme is not stun (for example "
	    "stun:192.0.2.1:5004)\n");
	wrong("media: {clusters: [{name: a, tls: [stun:a]}]}\n",
	    "t.yml:1:20: error: media.clusters[0]: has no nodes: give udp, "
	    "tcp or xtls\n"
	    "t.yml:1:30: error: media.clusters[0]: unknown key 'tls', did you "
	    "mean 'xtls'? (allowed: name, class, service, region, udp, tcp, "
	    "xtls, thresholds, "
	    "interval, timeout, retry, count, spacing, dscp, source, "
	    "interface, "
	    "family, addresses, expect)\n");
	wrong("media: {clusters: [{name: a, class: video_mesh, "
	      "udp: [stun:a], xtls: [stun:a]}]}\n",
	    "t.yml:1:70: error: media.clusters[0].xtls: a video_mesh is "
	    "probed over UDP only\n");
}

static void
mistakes_of_discovery(void **state)
{
	wrong("media: {discovery: [{refresh: 1m}]}\n",
	    "t.yml:1:21: error: media.discovery[0]: has no source: give file "
	    "or url\n");
	wrong("media: {discovery: [{file: a, url: \"http://a/\"}]}\n",
	    "t.yml:1:21: error: media.discovery[0]: give either file or url, "
	    "not both\n");
	wrong("media: {discovery: [{file: a, timeout: 1s}]}\n",
	    "t.yml:1:40: error: media.discovery[0].timeout: goes with url, "
	    "not with file\n");
	wrong("media: {discovery: [{file: a}, {file: a}]}\n",
	    "t.yml:1:39: error: media.discovery[1].file: 'a' is given twice "
	    "(first in line 1)\n");
	wrong("media: {discovery: [{url: \"ftp://a/\"}]}\n",
	    "t.yml:1:27: error: media.discovery[0].url: 'ftp://a/' is not a "
	    "URL that can be used: it must start with http:// or https://\n");
	wrong("media: {discovery: [{url: \"http://u:p@a/\"}]}\n",
	    "t.yml:1:27: error: media.discovery[0].url: 'http://u:p@a/' is "
	    "not a URL that can be used: credentials do not belong into a "
	    "URL\n");
	wrong("media: {discovery: [{url: \"http:///x\"}]}\n",
	    "t.yml:1:27: error: media.discovery[0].url: 'http:///x' is not a "
	    "URL that can be used: it has no host, or a wrong port\n");
	wrong("media: {discovery: [{url: \"http://a b/\"}]}\n",
	    "t.yml:1:27: error: media.discovery[0].url: 'http://a b/' is not "
	    "a URL that can be used: it has a space or a control "
	    "character\n");
}

static void
mistakes_of_profiles(void **state)
{
	char expected[512];

	snprintf(expected, sizeof(expected),
	    "t.yml:1:12: error: profiles[0]: there is no profile 'webx' in %s "
	    "(there: jitsi, teams, webex)\n",
	    getenv("REACHD_PROFILES"));
	wrong("profiles: [webx]\n", expected);
	wrong("profiles: [webex, webex]\n",
	    "t.yml:1:19: error: profiles[1]: the profile 'webex' is given "
	    "twice\n");
	wrong("profiles: [/nowhere/p.yml]\n",
	    "t.yml:1:12: error: profiles[0]: /nowhere/p.yml cannot be used\n"
	    "/nowhere/p.yml: error: cannot be read: there is no such "
	    "file\n");
	snprintf(expected, sizeof(expected),
	    "t.yml:1:12: error: profiles[0]: %s/webex.yml cannot be used\n"
	    "%s/webex.yml:10:3: error: revisions: there is no revision "
	    "'2024-01-01' (one of: 2023-05-24, 2026-03-16)\n",
	    getenv("REACHD_PROFILES"), getenv("REACHD_PROFILES"));
	wrong("profiles: [{name: webex, revision: 2024-01-01}]\n", expected);
	wrong("profiles: [[]]\n",
	    "t.yml:1:12: error: profiles[0]: must be the name of a profile or "
	    "a mapping, not a list\n");
}

static void
contradictions(void **state)
{
	wrong("defaults: {interval: 1s, timeout: 950ms}\n",
	    "t.yml:1:35: error: defaults.timeout: the timeout of 950ms is too "
	    "long: an interval of 1s with 5 requests 20ms apart leaves "
	    "920ms\n");
	wrong("defaults: {interval: 1s, count: 1, timeout: 2s}\n",
	    "t.yml:1:45: error: defaults.timeout: the timeout of 2s is longer "
	    "than the interval of 1s\n");
	wrong("defaults: {interval: 10s, spacing: 3s}\n",
	    "t.yml:1:22: error: defaults.interval: 5 requests 3s apart do not "
	    "fit into an interval of 10s\n");
	/* What is inherited may not fit what is said here. */
	wrong("defaults: {timeout: 3s}\n"
	      "targets: [{name: a, address: a, interval: 1s}]\n",
	    "t.yml:2:43: error: targets[0].interval: the timeout of 3s is too "
	    "long: an interval of 1s with 5 requests 20ms apart leaves "
	    "920ms\n");
	wrong("thresholds: {loss_degraded: 1%, loss_recovered: 2%}\n",
	    "t.yml:1:49: error: thresholds.loss_recovered: loss_recovered is "
	    "greater than loss_degraded\n");
	wrong("thresholds: {rtt_recovered: 200ms}\n"
	      "targets: [{name: a, address: a, "
	      "thresholds: {rtt_degraded: 100ms}}]\n",
	    "t.yml:2:60: error: targets[0].thresholds.rtt_degraded: "
	    "rtt_recovered is greater than rtt_degraded\n");
	wrong("defaults: {source: 192.0.2.1, family: ipv6}\n",
	    "t.yml:1:20: error: defaults.source: the source address is IPv4, "
	    "and only IPv6 is to be probed\n");
	wrong("defaults: {family: ipv6}\n"
	      "targets: [{name: a, address: 192.0.2.1}]\n",
	    "t.yml:2:30: error: targets[0].address: is an IPv4 address, and "
	    "only IPv6 is probed here\n");
	wrong("defaults: {windows: [1500ms]}\n",
	    "t.yml:1:22: error: defaults.windows[0]: must be whole seconds\n");
	wrong("defaults: {windows: [1m, 60s]}\n",
	    "t.yml:1:26: error: defaults.windows[1]: is in the list twice\n");
	wrong("defaults: {windows: []}\n",
	    "t.yml:1:21: error: defaults.windows: must have 1 to 4 lengths, "
	    "not 0\n");
	wrong("defaults: {windows: [1s, 2s, 3s, 4s, 5s]}\n",
	    "t.yml:1:21: error: defaults.windows: must have 1 to 4 lengths, "
	    "not 5\n");
	wrong("defaults: {windows: [7d], interval: 200ms}\n",
	    "t.yml:1:21: error: defaults.windows: a window of 7d holds "
	    "15120000 requests of one target, more than 8388608\n");
}

static void
all_mistakes_at_once(void **state)
{
	wrong("targets: [{name: a, address: \"a:0\"}]\n"
	      "rolling: 7\n"
	      "defaults: {interval: 1}\n",
	    "t.yml:1:30: error: targets[0].address: 'a:0' is not HOST:PORT "
	    "with a port from 1 to 65535\n"
	    "t.yml:2:10: error: rolling: '7' is neither true nor false\n"
	    "t.yml:3:22: error: defaults.interval: '1' is not a duration: "
	    "write a number and a unit: ms, s, m, h, d (for example 10s)\n");
}

static void
files_that_cannot_be_read(void **state)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;

	assert_null(config_load("/nowhere/reachd.yml", &errors));
	assert_null(config_load("/", &errors));
	config_errors_text(&b, "f", &errors);
	assert_string_equal(buf_str(&b),
	    "f: error: cannot be read: there is no such file\n"
	    "f: error: cannot be read: it is a directory\n");
	buf_free(&b);
	doc_errors_free(&errors);
}

/* A pipe may stand there at the start, but a reload would wait for it. */
static void
pipes(void **state)
{
	struct doc_errors errors = {0};
	struct buf b = BUF_INIT;
	struct config *c;
	char path[32];
	int end[2];

	assert_int_equal(pipe(end), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", end[0]);
	assert_null(config_reload(path, &errors));
	config_errors_text(&b, "f", &errors);
	assert_string_equal(buf_str(&b),
	    "f: error: cannot be read: it is not a regular file\n");
	buf_free(&b);
	doc_errors_free(&errors);
	assert_int_equal(write(end[1], "rolling: true\n", 14), 14);
	assert_int_equal(close(end[1]), 0);
	errors = (struct doc_errors){0};
	c = config_load(path, &errors);
	assert_non_null(c);
	config_free(c);
	assert_int_equal(close(end[0]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mistakes_of_the_whole),
	    cmocka_unit_test(mistakes_of_type),
	    cmocka_unit_test(mistakes_of_value),
	    cmocka_unit_test(mistakes_of_names),
	    cmocka_unit_test(mistakes_of_targets),
	    cmocka_unit_test(mistakes_of_clusters),
	    cmocka_unit_test(mistakes_of_discovery),
	    cmocka_unit_test(mistakes_of_profiles),
	    cmocka_unit_test(contradictions),
	    cmocka_unit_test(all_mistakes_at_once),
	    cmocka_unit_test(files_that_cannot_be_read),
	    cmocka_unit_test(pipes),
	};
	char directory[4096];
	const char *srcdir = getenv("srcdir");

	snprintf(directory, sizeof(directory), "%s/deploy/profiles",
	    srcdir != NULL ? srcdir : ".");
	setenv("REACHD_PROFILES", directory, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
