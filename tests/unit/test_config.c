/*
 * The configuration: good files give what they say, and damaged ones nothing
 * worse than messages.
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
#include "clock.h"
#include "config.h"
#include "dice.h"

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

static void
everything_has_a_default(void **state)
{
	struct config *c = right("rolling: true\n");
	const struct config_probing *p = &c->defaults;

	assert_string_equal(c->file, "/etc/reachd/t.yml");
	/* sha256sum of the text */
	assert_string_equal(c->sha256,
	    "6ba44fed74e19099271239d0b27162fe99ca252b5960d8a94ac9154c7509b07d");
	assert_int_equal(p->interval, 10 * CLOCK_SEC);
	assert_int_equal(p->timeout, 0);
	assert_int_equal(p->count, 0);
	assert_int_equal(p->spacing, 20 * CLOCK_MS);
	assert_int_equal(p->dscp, 0);
	assert_int_equal(addr_family(&p->source), AF_UNSPEC);
	assert_int_equal(p->family, 0);
	assert_true(p->all_addresses);
	assert_int_equal(p->expect, EXPECT_REACHABLE);
	assert_int_equal(p->thresholds.loss_degraded, 20000);
	assert_int_equal(p->thresholds.loss_recovered, 10000);
	assert_int_equal(p->thresholds.rtt_degraded, 250 * CLOCK_MS);
	assert_int_equal(p->thresholds.rtt_recovered, 200 * CLOCK_MS);
	assert_int_equal(p->thresholds.down_after, 3);
	assert_int_equal(p->thresholds.up_after, 2);
	assert_int_equal(c->windows, 3);
	assert_int_equal(c->window[0], 60 * CLOCK_SEC);
	assert_int_equal(c->window[2], 900 * CLOCK_SEC);
	assert_int_equal(c->histograms, HISTOGRAMS_CLUSTER);
	assert_true(c->rolling);
	assert_true(c->transmit_stamps);
	assert_int_equal(c->margin_ppm, 100000);
	assert_int_equal(c->requests_per_second, 10000);
	assert_int_equal(c->requests_per_address, 50);
	assert_int_equal(c->max_addresses, 8);
	assert_null(c->state_file);
	assert_null(c->nameserver);
	assert_int_equal(c->clusters + c->targets + c->discoveries +
			     c->target_files + c->profiles,
	    0);
	config_free(c);
	config_free(NULL);
}

static unsigned
notifications(const char *text)
{
	struct config *c = right(text);
	unsigned n = c->ping_notifications;

	assert_string_equal(c->agentx, "/run/a");
	config_free(c);
	return n;
}

static void
notifications_of_pings(void **state)
{
	assert_int_equal(notifications("snmp: {agentx: /run/a}\n"),
	    1 << PING_NOTIFICATION_TEST_FAILED |
		1 << PING_NOTIFICATION_TEST_COMPLETED);
	assert_int_equal(notifications("snmp: {agentx: /run/a, "
				       "ping_notifications: []}\n"),
	    0);
	assert_int_equal(
	    notifications("snmp: {agentx: /run/a, ping_notifications: "
			  "[test_completed, probe_failed]}\n"),
	    1 << PING_NOTIFICATION_PROBE_FAILED |
		1 << PING_NOTIFICATION_TEST_COMPLETED);
}

static void
everything_can_be_set(void **state)
{
	struct config *c = right(
	    "defaults: {interval: 5s, timeout: 1s500ms, count: 10,\n"
	    "  spacing: 10ms, dscp: AF41, source: 192.0.2.9, interface: eth0,\n"
	    "  family: ipv4, addresses: one, expect: blocked,\n"
	    "  windows: [1h, 30s]}\n"
	    "thresholds: {loss_degraded: 12.5%, loss_recovered: 0.0001%,\n"
	    "  rtt_degraded: 0s, down_after: 1, up_after: 5,\n"
	    "  flap_changes: 0, flap_window: 1h, certificate_expiry: 30d}\n"
	    "histograms: target\nrolling: no\ntransmit_timestamps: off\n"
	    "resolver: \"[2001:db8::53]:5353\"\nca_file: ca.pem\n"
	    "state_file: /var/lib/reachd/state\nstate_interval: 1m\n"
	    "target_files: [targets.d/*.yml, /srv/t.json]\n"
	    "media: {margin: 25%}\n"
	    "limits: {requests_per_second: 7, requests_per_address: 8,\n"
	    "  addresses_per_name: 9}\n");
	const struct config_probing *p = &c->defaults;

	assert_int_equal(p->timeout, 1500 * CLOCK_MS);
	assert_int_equal(p->count, 10);
	assert_int_equal(p->dscp, 34);
	assert_int_equal(addr_family(&p->source), AF_INET);
	assert_string_equal(p->interface, "eth0");
	assert_int_equal(p->family, 4);
	assert_int_equal(config_probing_family(p), 4);
	assert_false(p->all_addresses);
	assert_int_equal(p->expect, EXPECT_BLOCKED);
	assert_int_equal(c->windows, 2);
	assert_int_equal(c->window[0], 30 * CLOCK_SEC);
	assert_int_equal(c->window[1], 3600 * CLOCK_SEC);
	assert_int_equal(p->thresholds.loss_degraded, 125000);
	assert_int_equal(p->thresholds.loss_recovered, 1);
	assert_int_equal(p->thresholds.rtt_degraded, 0);
	assert_int_equal(p->thresholds.rtt_recovered, 0);
	assert_int_equal(p->thresholds.flap_ns, 3600 * CLOCK_SEC);
	assert_int_equal(p->thresholds.certificate_ns, 30 * 86400 * CLOCK_SEC);
	assert_int_equal(c->histograms, HISTOGRAMS_TARGET);
	assert_false(c->rolling);
	assert_false(c->transmit_stamps);
	assert_string_equal(c->nameserver, "[2001:db8::53]:5353");
	assert_string_equal(c->ca_file, "/etc/reachd/ca.pem");
	assert_string_equal(c->state_file, "/var/lib/reachd/state");
	assert_int_equal(c->state_interval, 60 * CLOCK_SEC);
	assert_string_equal(c->target_file[0], "/etc/reachd/targets.d/*.yml");
	assert_string_equal(c->target_file[1], "/srv/t.json");
	assert_int_equal(c->margin_ppm, 250000);
	assert_int_equal(c->requests_per_second, 7);
	assert_int_equal(c->requests_per_address, 8);
	assert_int_equal(c->max_addresses, 9);
	config_free(c);
}

static void
clusters_override_defaults(void **state)
{
	struct config *c = right(
	    "thresholds: {loss_degraded: 4%}\n"
	    "media:\n  clusters:\n"
	    "    - {name: a, udp: [stun:B.example, \"STUN:[2001:DB8::1]:1\"],\n"
	    "       xtls: [stun:192.0.2.1], thresholds: {rtt_degraded: 1s}}\n"
	    "    - {name: b, class: video_mesh, interval: 1m,\n"
	    "       thresholds: {loss_degraded: 10%}, tcp: ,\n"
	    "       udp: [\"stun:192.0.2.1:5004;transport=udp\"]}\n");
	const struct config_cluster *a = &c->cluster[0], *b = a + 1;

	assert_int_equal(c->clusters, 2);
	assert_string_equal(a->nodes.name, "a");
	assert_int_equal(a->nodes.class, CLUSTER_CLASS_PUBLIC);
	assert_int_equal(a->nodes.nodes, 3);
	assert_string_equal(a->nodes.node[0].host, "b.example");
	assert_int_equal(a->nodes.node[0].port, 5004);
	assert_string_equal(a->nodes.node[1].host, "2001:db8::1");
	assert_int_equal(a->nodes.node[1].port, 1);
	assert_int_equal(a->nodes.node[2].transport, TRANSPORT_TLS);
	assert_int_equal(a->nodes.node[2].port, 443);
	assert_int_equal(a->probing.interval, 10 * CLOCK_SEC);
	/* What follows from a threshold follows from the one in effect. */
	assert_int_equal(a->probing.thresholds.loss_recovered, 20000);
	assert_int_equal(a->probing.thresholds.rtt_recovered, 800 * CLOCK_MS);
	assert_int_equal(a->line, 4);
	assert_int_equal(b->nodes.class, CLUSTER_CLASS_VIDEO_MESH);
	assert_int_equal(b->probing.interval, 60 * CLOCK_SEC);
	assert_int_equal(b->probing.thresholds.loss_recovered, 50000);
	assert_int_equal(b->nodes.nodes, 1);
	config_free(c);
}

static void
targets_of_all_kinds(void **state)
{
	struct config *c = right(
	    "targets:\n"
	    "  - {name: a, address: a.example}\n"
	    "  - {name: b, transport: tls, address: a.example,\n"
	    "     media_cluster: x}\n"
	    "  - {name: c, probe: tcp, address: \"[2001:db8::1]:443\"}\n"
	    "  - {name: d, probe: icmp, address: 192.0.2.1, expect: blocked,\n"
	    "     thresholds: {down_after: 1}}\n");
	const struct config_target *t = c->target;

	assert_int_equal(c->targets, 4);
	assert_string_equal(t[0].probe, "stun");
	assert_int_equal(t[0].transport, TRANSPORT_UDP);
	assert_int_equal(t[0].port, 3478);
	assert_int_equal(t[1].port, 5349);
	assert_string_equal(t[1].cluster, "x");
	assert_string_equal(t[2].host, "2001:db8::1");
	assert_int_equal(t[2].transport, TRANSPORT_TCP);
	assert_int_equal(t[2].port, 443);
	assert_int_equal(t[3].transport, TRANSPORT_ICMP);
	assert_int_equal(t[3].port, 0);
	assert_int_equal(t[3].probing.expect, EXPECT_BLOCKED);
	assert_int_equal(t[3].probing.thresholds.down_after, 1);
	config_free(c);
}

static void
discovery_sources(void **state)
{
	struct config *c = right(
	    "media:\n  discovery:\n"
	    "    - file: clusters.json\n"
	    "    - {url: \"https://d.example/c?key=secret#x\", refresh: 30m,\n"
	    "       bearer_token_file: token, ca_file: /ca.pem,\n"
	    "       proxy: \"http://proxy.example:3128\", timeout: 2s}\n");
	const struct config_discovery *d = c->discovery;

	assert_int_equal(c->discoveries, 2);
	assert_string_equal(d[0].file, "/etc/reachd/clusters.json");
	assert_string_equal(d[0].name, "/etc/reachd/clusters.json");
	assert_int_equal(d[0].refresh, 300 * CLOCK_SEC);
	assert_string_equal(d[1].url, "https://d.example/c?key=secret#x");
	assert_string_equal(d[1].name, "https://d.example/c");
	assert_string_equal(d[1].bearer_token_file, "/etc/reachd/token");
	assert_string_equal(d[1].proxy, "http://proxy.example:3128");
	assert_int_equal(d[1].refresh, 1800 * CLOCK_SEC);
	assert_int_equal(d[1].timeout, 2 * CLOCK_SEC);
	config_free(c);
}

static void
profiles_and_their_ports(void **state)
{
	struct config *c =
	    right("profiles: [{name: webex, revision: 2023-05-24}]\n"
		  "media: {clusters: [{name: a, udp: [stun:192.0.2.1]}]}\n");

	assert_int_equal(c->profiles, 1);
	assert_string_equal(c->profile[0]->revision, "2023-05-24");
	assert_int_equal(c->profile[0]->subnets, 31);
	assert_int_equal(c->cluster[0].nodes.node[0].port, 5004);
	config_free(c);
	c = right("profiles: [webex]\n");
	assert_string_equal(c->profile[0]->revision, "2026-03-16");
	config_free(c);
}

static void
json_works_too(void **state)
{
	struct config *c =
	    right("{\"media\": {\"clusters\": [\n{\"name\": \"a\", \"udp\": "
		  "[\"stun:192.0.2.1\"]}]}}");

	assert_int_equal(c->cluster[0].nodes.nodes, 1);
	config_free(c);
}

static void
empty_lists_are_none(void **state)
{
	struct config *c =
	    right("targets:\nmedia:\ntarget_files: []\nprofiles: ~\n"
		  "defaults:\nthresholds: null\nlimits: {}\n");

	assert_int_equal(c->targets, 0);
	config_free(c);
}

static const char whole[] =
    "profiles: [webex]\n"
    "defaults: {interval: 10s, timeout: 3s, windows: [1m, 5m], dscp: ef}\n"
    "media:\n"
    "  clusters:\n"
    "    - {name: fra1, class: public, udp: [stun:198.51.100.7:5004]}\n"
    "    - &m\n"
    "      name: \"mesh\"\n"
    "      class: video_mesh\n"
    "      udp: ['stun:10.0.0.1:5004']\n"
    "  discovery:\n"
    "    - {url: \"https://d.example/c\", refresh: 30m}\n"
    "targets:\n"
    "  - {name: a, probe: tcp, address: \"a.example:443\"}\n"
    "thresholds: {loss_degraded: 2%, rtt_degraded: 250ms, down_after: 3}\n"
    "limits: {requests_per_address: 50}\n"
    "state_file: state\n";

static void
damaged_files_do_no_harm(void **state)
{
	static const char bits[] = "{}[]:,-&*!|>'\"%@\n\t \\x0~#";

	config_free(right(whole));
	for (uint64_t i = 0; i < 2000; i++) {
		struct dice d = dice_case(i);
		struct doc_errors errors = {0};
		char text[sizeof(whole)];
		size_t len = sizeof(whole) - 1;
		unsigned edits = 1 + dice_next(&d) % 4;

		memcpy(text, whole, sizeof(whole));
		while (edits-- > 0) {
			size_t at = dice_next(&d) % len;
			uint64_t how = dice_next(&d) % 4;

			if (how == 0)
				text[at] = (char)dice_next(&d);
			else if (how == 1)
				text[at] =
				    bits[dice_next(&d) % (sizeof(bits) - 1)];
			else if (how == 2)
				text[at] = text[dice_next(&d) % len];
			else
				len = at + 1;
		}
		config_free(config_parse("/etc/t.yml", text, len, &errors));
		for (size_t k = 0; k < errors.errors; k++)
			assert_non_null(errors.error[k].text);
		doc_errors_free(&errors);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_has_a_default),
	    cmocka_unit_test(everything_can_be_set),
	    cmocka_unit_test(notifications_of_pings),
	    cmocka_unit_test(clusters_override_defaults),
	    cmocka_unit_test(targets_of_all_kinds),
	    cmocka_unit_test(discovery_sources),
	    cmocka_unit_test(profiles_and_their_ports),
	    cmocka_unit_test(json_works_too),
	    cmocka_unit_test(empty_lists_are_none),
	    cmocka_unit_test(damaged_files_do_no_harm),
	};
	char directory[4096];
	const char *srcdir = getenv("srcdir");

	snprintf(directory, sizeof(directory), "%s/deploy/profiles",
	    srcdir != NULL ? srcdir : ".");
	setenv("REACHD_PROFILES", directory, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
