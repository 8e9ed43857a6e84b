/* Targets out of configuration, lists and names: which, and called what. */
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
#include "inventory.h"

/*
 * A resolver with a fixed table: "name=address,address name=..."; the name
 * servers of the system are those of "@", at port 1053.
 */
struct zone {
	const char *text;
	struct addr addr[64];
};

static void
zone_resolve(void *arg, const char *host, struct inventory_name *out)
{
	struct zone *z = arg;
	bool servers = host == NULL;
	size_t len;

	host = servers ? "@" : host;
	len = strlen(host);
	out->host = host;
	out->addr = z->addr;
	out->addrs = 0;
	for (const char *s = z->text; *s != '\0';) {
		bool found = strncmp(s, host, len) == 0 && s[len] == '=';

		s += strcspn(s, "=");
		while (*s == '=' || *s == ',') {
			char text[64];
			size_t n = strcspn(++s, ", ");

			snprintf(text, sizeof(text), "%.*s", (int)n, s);
			s += n;
			if (found &&
			    addr_parse_host(&z->addr[out->addrs], text) == 0)
				addr_set_port(
				    &z->addr[out->addrs++], servers ? 1053 : 0);
		}
		s += strspn(s, " ");
	}
}

static struct config *
configure(const char *text)
{
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("/etc/t.yml", text, strlen(text), &errors);

	for (size_t i = 0; i < errors.errors; i++)
		print_message("%s\n", errors.error[i].text);
	assert_non_null(c);
	doc_errors_free(&errors);
	return c;
}

static struct nodelist *
list_of(const char *json)
{
	char error[256];
	struct nodelist *l = nodelist_parse(json, strlen(json), error);

	assert_non_null(l);
	return l;
}

static struct inventory *
build(const struct config *c, const struct nodelist *const *list, size_t lists,
    const char *names)
{
	struct zone z = {.text = names};
	struct inventory_input in = {.config = c,
	    .list = list,
	    .lists = lists,
	    .resolve = zone_resolve,
	    .arg = &z};
	struct inventory *i = inventory_build(&in);

	assert_non_null(i);
	return i;
}

/* "KEY" of every target, a line each, as the list has them. */
static char *
keys_of(const struct inventory *i)
{
	struct buf b = BUF_INIT;

	for (size_t k = 0; k < i->targets; k++)
		buf_printf(&b, "%s\n", i->target[k]->key);
	buf_putc(&b, '\0');
	return buf_steal(&b);
}

static const struct target *
find(const struct inventory *i, const char *name)
{
	for (size_t k = 0; k < i->targets; k++) {
		if (strcmp(i->target[k]->name, name) == 0)
			return i->target[k];
	}
	return NULL;
}

/* The only target whose key starts so. */
static const struct target *
find_key(const struct inventory *i, const char *start)
{
	const struct target *found = NULL;

	for (size_t k = 0; k < i->targets; k++) {
		if (strncmp(i->target[k]->key, start, strlen(start)) != 0)
			continue;
		assert_null(found);
		found = i->target[k];
	}
	assert_non_null(found);
	return found;
}

/* Each name server of the system is a path, to its own port. */
static void
servers_of_the_system(void **state)
{
	struct config *c = configure(
	    "targets:\n"
	    "  - {name: own, probe: dns, address: system, query: a}\n"
	    "  - {name: tcp, probe: dns, transport: tcp, address: system,\n"
	    "     query: a, addresses: one}\n"
	    "  - {name: host, probe: tcp, address: 'system:53'}\n");
	const char *zone = "@=192.0.2.53,2001:db8::53 system=192.0.2.99";
	struct inventory *i = build(c, NULL, 0, zone);
	struct zone z = {.text = zone};
	struct inventory_input in = {
	    .config = c, .resolve = zone_resolve, .arg = &z};
	size_t names;
	char **name;

	(void)state;
	assert_int_equal(i->targets, 4);
	find_key(i, "dns dns_udp 192.0.2.53:1053 host=system ");
	find_key(i, "dns dns_udp [2001:db8::53]:1053 host=system ");
	assert_ptr_equal(
	    find_key(i, "dns dns_tcp 192.0.2.53:1053 "), find(i, "tcp"));
	find_key(i, "tcp tcp 192.0.2.99:53 ");
	assert_int_equal(find(i, "tcp")->port, 1053);
	inventory_free(i);
	/* Nobody is asked for that name but for the host that has it. */
	name = inventory_names(&in, &names);
	assert_int_equal(names, 1);
	assert_string_equal(name[0], "system");
	free(name[0]);
	free(name);
	/* Another system, and one that has none. */
	i = build(c, NULL, 0, "@=192.0.2.54");
	assert_non_null(find(i, "own"));
	assert_int_equal(i->targets, 3);
	inventory_free(i);
	i = build(c, NULL, 0, "");
	assert_int_equal(addr_family(&find(i, "own")->path.addr), AF_UNSPEC);
	inventory_free(i);
	config_free(c);
}

static void
nodes_of_a_cluster(void **state)
{
	struct config *c = configure(
	    "defaults: {interval: 2s, dscp: ef, windows: [1m, 1h]}\n"
	    "media: {clusters: [{name: fra1, interval: 4s,\n"
	    "  udp: [stun:198.51.100.7:5004, stun:198.51.100.7:9000],\n"
	    "  tcp: [stun:198.51.100.7], xtls: [\"stun:[2001:db8::7]\"]}]}\n");
	struct inventory *i = build(c, NULL, 0, "");
	const struct target *t;
	char name[TARGET_NAME + 1];

	assert_int_equal(i->targets, 4);
	assert_null(i->warnings);
	for (size_t k = 1; k < i->targets; k++)
		assert_true(
		    strcmp(i->target[k - 1]->name, i->target[k]->name) < 0);
	t = find_key(i, "stun udp 198.51.100.7:9000 host=198.51.100.7");
	target_node_name(name, "fra1", &t->path, 0);
	assert_string_equal(t->name, name);
	assert_string_equal(t->cluster, "fra1");
	assert_int_equal(t->class, CLUSTER_CLASS_PUBLIC);
	assert_int_equal(t->port, 9000);
	assert_int_equal(t->count, 5);
	assert_int_equal(t->path.dscp, 46);
	assert_int_equal(t->interval_ns, 4 * CLOCK_SEC);
	assert_int_equal(t->spacing_ns, 20 * CLOCK_MS);
	assert_int_equal(t->path.timeout_ns, 3 * CLOCK_SEC);
	assert_int_equal(t->ring_ns, 3600 * CLOCK_SEC);
	assert_int_equal(t->refs, 1);
	t = find_key(i, "stun tls [2001:db8::7]:443 host=2001:db8::7");
	assert_int_equal(t->count, 1);
	find_key(i, "stun tcp 198.51.100.7:5004 ");
	assert_int_equal(i->clusters, 1);
	assert_true(i->cluster[0].has[TRANSPORT_UDP] &&
		    i->cluster[0].has[TRANSPORT_TCP] &&
		    i->cluster[0].has[TRANSPORT_TLS]);
	inventory_free(i);
	config_free(c);
	inventory_free(NULL);
}

static void
timeouts_follow_the_interval(void **state)
{
	struct config *c =
	    configure("targets:\n"
		      "  - {name: a, address: \"192.0.2.1\", interval: 1s}\n"
		      "  - {name: b, address: \"192.0.2.2\", interval: 1s, "
		      "timeout: 500ms}\n"
		      "  - {name: c, probe: tcp, address: \"192.0.2.3:80\", "
		      "interval: 1s}\n");
	struct inventory *i = build(c, NULL, 0, "");

	/* four gaps of 20 ms are sent first */
	assert_int_equal(find(i, "a")->path.timeout_ns, 920 * CLOCK_MS);
	assert_int_equal(find(i, "a")->port, 3478);
	assert_int_equal(find(i, "b")->path.timeout_ns, 500 * CLOCK_MS);
	assert_int_equal(find(i, "c")->path.timeout_ns, CLOCK_SEC);
	assert_int_equal(find(i, "c")->class, 0);
	inventory_free(i);
	config_free(c);
}

static void
lists_and_clusters_merge(void **state)
{
	struct config *c = configure(
	    "media: {clusters: [\n"
	    " {name: a, interval: 5s, udp: [stun:192.0.2.1:5004]},\n"
	    " {name: ref, class: reference, udp: [stun:192.0.2.9:3478]}]}\n"
	    "targets: [{name: mine, address: \"192.0.2.2:5004\", "
	    "media_cluster: a, interval: 30s}]\n");
	struct nodelist *l =
	    list_of("{\"clusters\": {\"a\": {\"udp\": [\"stun:192.0.2.1:5004\","
		    "\"stun:192.0.2.2:5004\", \"stun:192.0.2.3:5004\"],"
		    "\"tcp\": [\"stun:192.0.2.1:5004\"]},"
		    "\"m\": {\"udp\": [\"stun:10.0.0.1:5004\"], "
		    "\"tcp\": [\"stun:10.0.0.1:5004\"]}},"
		    "\"clusterClasses\": {\"hybridMedia\": [\"m\", \"a\"]}}");
	const struct nodelist *lists[] = {NULL, l};
	struct inventory *i = build(c, lists, 2, "");

	assert_int_equal(i->clusters, 3);
	assert_string_equal(i->cluster[0].name, "a");
	/* The configuration goes before the list. */
	assert_int_equal(i->cluster[0].class, CLUSTER_CLASS_PUBLIC);
	assert_string_equal(i->warnings,
	    "media cluster 'a' is public and video_mesh; taken as public\n");
	assert_false(i->cluster[0].has[TRANSPORT_TCP]);
	assert_int_equal(i->cluster[1].class, CLUSTER_CLASS_VIDEO_MESH);
	assert_true(i->cluster[1].has[TRANSPORT_UDP]);
	assert_false(i->cluster[1].has[TRANSPORT_TCP]);
	assert_int_equal(i->cluster[2].class, CLUSTER_CLASS_REFERENCE);
	assert_int_equal(i->targets, 5);
	/* What a list adds to a cluster is probed as the cluster says. */
	assert_int_equal(
	    find_key(i, "stun udp 192.0.2.3:")->interval_ns, 5 * CLOCK_SEC);
	assert_string_equal(find_key(i, "stun udp 192.0.2.2:")->name, "mine");
	assert_int_equal(find(i, "mine")->class, CLUSTER_CLASS_PUBLIC);
	inventory_free(i);
	nodelist_free(l);
	config_free(c);
}

/* A mesh of the configuration keeps its class, and TCP of a list is left. */
static void
mesh_is_udp_only(void **state)
{
	struct config *c =
	    configure("media: {clusters: [{name: m, "
		      "class: video_mesh, udp: [stun:10.0.0.1:5004]}]}\n");
	struct nodelist *l = list_of("{\"clusters\": {\"m\": "
				     "{\"udp\": [\"stun:10.0.0.2:5004\"], "
				     "\"xtls\": [\"stun:10.0.0.2:443\"]}}}");
	const struct nodelist *lists[] = {l};
	struct inventory *i = build(c, lists, 1, "");

	assert_int_equal(i->targets, 2);
	assert_false(i->cluster[0].has[TRANSPORT_TLS]);
	inventory_free(i);
	nodelist_free(l);
	config_free(c);
}

static void
each_address_is_a_path(void **state)
{
	struct config *c = configure(
	    "media: {clusters: [{name: a, "
	    "udp: [stun:n.example:5004, stun:alias.example:5004]}]}\n");
	struct inventory *i = build(c, NULL, 0,
	    "n.example=192.0.2.1,192.0.2.2,2001:db8::1 "
	    "alias.example=192.0.2.2");

	/* alias.example is before n.example: it gives 192.0.2.2 its host */
	assert_int_equal(i->targets, 3);
	find_key(i, "stun udp 192.0.2.1:5004 host=n.example ");
	find_key(i, "stun udp 192.0.2.2:5004 host=alias.example ");
	find_key(i, "stun udp [2001:db8::1]:5004 host=n.example ");
	inventory_free(i);
	config_free(c);
}

static void
names_without_addresses(void **state)
{
	struct config *c =
	    configure("media: {clusters: [{name: a, "
		      "udp: [stun:n.example:5004, stun:n.example:9000]}]}\n"
		      "targets: [{name: t, address: n.example}]\n");
	struct inventory *i = build(c, NULL, 0, "");
	const struct target *t;

	assert_int_equal(i->targets, 3);
	assert_null(i->warnings);
	t = find_key(i, "stun udp -:9000 host=n.example ");
	assert_int_equal(addr_family(&t->path.addr), AF_UNSPEC);
	assert_int_equal(t->port, 9000);
	assert_non_null(strstr(t->name, "a-udp-9000-"));
	assert_int_equal(find(i, "t")->port, 3478);
	assert_string_equal(find(i, "t")->host, "n.example");
	inventory_free(i);
	config_free(c);
}

static void
family_and_number_of_addresses(void **state)
{
	struct config *c = configure(
	    "limits: {addresses_per_name: 2}\n"
	    "targets:\n"
	    "  - {name: both, address: n.example}\n"
	    "  - {name: one, address: n.example, addresses: one, dscp: 1}\n"
	    "  - {name: six, address: n.example, family: ipv6, dscp: 2}\n"
	    "  - {name: src, address: n.example, source: \"2001:db8::9\", "
	    "addresses: one}\n"
	    "  - {name: none, address: only4.example, family: ipv6}\n"
	    "  - {name: hole, address: hole.example}\n");
	struct inventory *i = build(c, NULL, 0,
	    "n.example=192.0.2.1,192.0.2.2,192.0.2.3,2001:db8::1 "
	    "only4.example=192.0.2.1 hole.example=0.0.0.0,224.0.0.1");

	assert_int_equal(i->targets, 8);
	assert_string_equal(i->warnings,
	    "n.example has more addresses than limits.addresses_per_name "
	    "allows; the first are probed\n"
	    "only4.example has no address of the family that is probed\n"
	    "hole.example has no address of the family that is probed\n");
	assert_int_equal(
	    find(i, "one")->path.addr.in.sin_addr.s_addr, htonl(0xc0000201));
	assert_int_equal(addr_family(&find(i, "six")->path.addr), AF_INET6);
	assert_int_equal(addr_family(&find(i, "src")->path.addr), AF_INET6);
	assert_int_equal(addr_family(&find(i, "none")->path.addr), AF_UNSPEC);
	assert_int_equal(addr_family(&find(i, "hole")->path.addr), AF_UNSPEC);
	assert_null(find(i, "both"));
	inventory_free(i);
	config_free(c);
}

static void
targets_with_several_addresses(void **state)
{
	struct config *c = configure("targets: [{name: "
				     "\"0123456789012345678901234567\xc3\xa9"
				     "34\", "
				     "address: n.example}]\n");
	struct inventory *i =
	    build(c, NULL, 0, "n.example=192.0.2.1,192.0.2.2");

	assert_int_equal(i->targets, 2);
	for (size_t k = 0; k < 2; k++) {
		const char *name = i->target[k]->name;

		assert_int_equal(strlen(name), 32);
		assert_memory_equal(name, "0123456789012345678901234-", 26);
		assert_int_equal(strspn(name + 26, "0123456789abcdef"), 6);
	}
	assert_string_not_equal(i->target[0]->name, i->target[1]->name);
	inventory_free(i);
	i = build(c, NULL, 0, "n.example=192.0.2.1");
	assert_int_equal(strlen(i->target[0]->name), 32);
	assert_memory_equal(
	    i->target[0]->name, "0123456789012345678901234567\xc3\xa9", 30);
	inventory_free(i);
	config_free(c);
}

static void
a_suffix_does_not_cut_a_character(void **state)
{
	char out[TARGET_NAME + 1];

	/* The 25th and 26th octets are one character. */
	config_target_suffix(
	    out, "012345678901234567890123\xc3\xa9zzzz", "192.0.2.1", 0);
	assert_memory_equal(out, "012345678901234567890123-", 25);
	assert_int_equal(strlen(out), 31);
}

static void
the_same_path_once(void **state)
{
	struct config *c = configure(
	    "targets:\n"
	    "  - {name: a, address: \"192.0.2.1:3478\"}\n"
	    "  - {name: b, address: \"192.0.2.1:3478\", interval: 20s}\n"
	    "  - {name: c, address: \"192.0.2.1:3478\", dscp: ef}\n");
	struct config_target file = c->target[1], *files[] = {&file};
	size_t counts[] = {1};
	struct inventory_input in = {.config = c,
	    .file_target = (const struct config_target *const *)files,
	    .file_targets = counts,
	    .files = 1};
	struct inventory *i;

	file.port = 5004;
	memcpy(file.name, "c", 2);
	i = inventory_build(&in);
	assert_int_equal(i->targets, 2);
	assert_string_equal(i->warnings,
	    "target 'b' is left out: another one is the same path\n"
	    "target 'c' is left out: another one has its name\n");
	inventory_free(i);
	config_free(c);
}

static void
many_nodes_have_names_of_their_own(void **state)
{
	struct buf b = BUF_INIT;
	struct config *c;
	struct inventory *i;
	size_t collisions = 0;

	/* 20,000 in 2^24: a dozen collisions are to be expected. */
	buf_puts(&b, "media: {clusters: [{name: big, udp: [");
	for (unsigned k = 0; k < 20000; k++)
		buf_printf(&b, "stun:10.1.%u.%u:5004,", k / 250, k % 250 + 1);
	buf_puts(&b, "]}]}\n");
	c = configure(buf_str(&b));
	i = build(c, NULL, 0, "");
	assert_int_equal(i->targets, 20000);
	for (size_t k = 1; k < i->targets; k++)
		assert_true(
		    strcmp(i->target[k - 1]->name, i->target[k]->name) < 0);
	for (size_t k = 0; k < i->targets; k++) {
		const struct target *t = i->target[k];
		char name[TARGET_NAME + 1];

		target_node_name(name, "big", &t->path, 0);
		collisions += strcmp(name, t->name) != 0;
	}
	assert_in_range(collisions, 1, 40);
	inventory_free(i);
	config_free(c);
	buf_free(&b);
}

static void
the_order_of_sources_does_not_matter(void **state)
{
	struct config *c = configure("rolling: true\n");
	struct nodelist *x = list_of(
	    "{\"clusters\": {\"b\": {\"udp\": [\"stun:192.0.2.2\", "
	    "\"stun:192.0.2.1\"]}, \"a\": {\"tcp\": [\"stun:192.0.2.1\"]}}}");
	struct nodelist *y =
	    list_of("{\"clusters\": {\"a\": {\"tcp\": [\"stun:n.example\", "
		    "\"stun:192.0.2.1\"]}}}");
	const struct nodelist *xy[] = {x, y}, *yx[] = {y, x};
	struct inventory *i = build(c, xy, 2, "n.example=192.0.2.9");
	struct inventory *k = build(c, yx, 2, "n.example=192.0.2.9");
	char *one = keys_of(i), *two = keys_of(k);

	assert_int_equal(i->targets, 4);
	assert_string_equal(one, two);
	for (size_t n = 0; n < i->targets; n++)
		assert_string_equal(i->target[n]->name, k->target[n]->name);
	free(one);
	free(two);
	inventory_free(i);
	inventory_free(k);
	nodelist_free(x);
	nodelist_free(y);
	config_free(c);
}

static void
subnets_by_longest_prefix(void **state)
{
	static const char head[] =
	    "format: 1\nid: %s\nvendor: v\n"
	    "default: r\nrevisions: [{id: r}]\nmedia:\n"
	    "  prefer: [udp, tcp, tls]\n  ports: {}\n"
	    "  tls: {sni: none, verify: report}\n  subnets:\n%s";
	static const char *const subnets[] = {
	    "  - {id: A1, cidr: 192.0.2.0/24}\n"
	    "  - {id: A2, cidr: \"2001:db8::/32\"}\n",
	    "  - {id: B1, cidr: 192.0.0.0/16}\n"
	    "  - {id: B2, cidr: 192.0.2.128/25}\n"};
	struct config *c =
	    configure("targets:\n"
		      "  - {name: a1, address: 192.0.2.1}\n"
		      "  - {name: a2, address: \"2001:db8::1\"}\n"
		      "  - {name: b1, address: 192.0.3.1}\n"
		      "  - {name: b2, address: 192.0.2.200}\n"
		      "  - {name: no, address: 198.51.100.1}\n"
		      "  - {name: un, address: n.example}\n");
	struct doc_errors errors = {0};
	struct inventory *i;

	c->profile = calloc(2, sizeof(*c->profile));
	for (size_t k = 0; k < 2; k++) {
		char text[512];
		int n = snprintf(
		    text, sizeof(text), head, k == 0 ? "a" : "b", subnets[k]);

		c->profile[c->profiles++] =
		    profile_parse("p", text, (size_t)n, NULL, &errors);
		assert_non_null(c->profile[k]);
	}
	i = build(c, NULL, 0, "");
	assert_int_equal(find(i, "a1")->subnet, 1);
	assert_int_equal(find(i, "a2")->subnet, 2);
	assert_int_equal(find(i, "b1")->subnet, 3);
	assert_int_equal(find(i, "b2")->subnet, 4);
	assert_int_equal(find(i, "no")->subnet, 0);
	assert_int_equal(find(i, "un")->subnet, 0);
	inventory_free(i);
	config_free(c);
}

static void
limits_lengthen_intervals(void **state)
{
	/* 5 a second to each port: 10 to the address, 4 are allowed. */
	struct config *c = configure(
	    "limits: {requests_per_address: 4, requests_per_second: 6}\n"
	    "defaults: {interval: 1s}\n"
	    "targets:\n"
	    "  - {name: a, address: \"192.0.2.1:1\"}\n"
	    "  - {name: b, address: \"192.0.2.1:2\"}\n"
	    "  - {name: c, address: \"192.0.2.2:1\", count: 3}\n"
	    "  - {name: d, address: n.example}\n");
	struct inventory *i = build(c, NULL, 0, "");

	assert_string_equal(i->warnings,
	    "192.0.2.1: 10 requests a second are more than 4; the intervals "
	    "of its 2 targets are made longer\n"
	    "in all: 7 requests a second are more than 6; the intervals of "
	    "its 4 targets are made longer\n");
	/* 1 s x 10/4, then x 7/6; rounded up to a millisecond */
	assert_int_equal(find(i, "a")->interval_ns, 2917 * CLOCK_MS);
	assert_int_equal(find(i, "b")->interval_ns, 2917 * CLOCK_MS);
	assert_int_equal(find(i, "c")->interval_ns, 1167 * CLOCK_MS);
	inventory_free(i);
	config_free(c);
}

/* Where probes before their time would be too many there are none. */
static void
limits_leave_no_retries(void **state)
{
	struct config *c =
	    configure("limits: {requests_per_address: 1}\n"
		      "defaults: {interval: 10s, retry: 2s, count: 1}\n"
		      "targets:\n"
		      "  - {name: a, address: \"192.0.2.1:1\"}\n"
		      "  - {name: b, address: \"192.0.2.1:2\"}\n"
		      "  - {name: c, address: \"192.0.2.1:3\", retry: 20s}\n"
		      "  - {name: d, address: \"192.0.2.2:1\"}\n");
	struct inventory *i = build(c, NULL, 0, "");

	/* 0.5 + 0.5 + 0.1 a second would be more than 1; 0.3 is not. */
	assert_null(i->warnings);
	assert_int_equal(find(i, "a")->retry_ns, 0);
	assert_int_equal(find(i, "b")->retry_ns, 0);
	assert_int_equal(find(i, "c")->retry_ns, 0);
	assert_int_equal(find(i, "d")->retry_ns, 2 * CLOCK_SEC);
	for (size_t k = 0; k < i->targets; k++)
		assert_int_equal(i->target[k]->interval_ns, 10 * CLOCK_SEC);
	inventory_free(i);
	config_free(c);
}

static void
names_to_resolve(void **state)
{
	struct config *c =
	    configure("media: {clusters: [{name: m, class: video_mesh, "
		      "udp: [stun:b.example, stun:192.0.2.1]}]}\n"
		      "targets: [{name: t, address: A.example}]\n");
	struct nodelist *l =
	    list_of("{\"clusters\": {\"m\": {\"udp\": [\"stun:B.example\"], "
		    "\"tcp\": [\"stun:not-asked.example\"]}, "
		    "\"p\": {\"tcp\": [\"stun:c.example\"]}}}");
	const struct nodelist *lists[] = {l};
	struct inventory_input in = {.config = c, .list = lists, .lists = 1};
	size_t n;
	char **name = inventory_names(&in, &n);

	assert_int_equal(n, 3);
	assert_string_equal(name[0], "a.example");
	assert_string_equal(name[1], "b.example");
	assert_string_equal(name[2], "c.example");
	for (size_t i = 0; i < n; i++)
		free(name[i]);
	free(name);
	nodelist_free(l);
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(servers_of_the_system),
	    cmocka_unit_test(nodes_of_a_cluster),
	    cmocka_unit_test(timeouts_follow_the_interval),
	    cmocka_unit_test(lists_and_clusters_merge),
	    cmocka_unit_test(mesh_is_udp_only),
	    cmocka_unit_test(each_address_is_a_path),
	    cmocka_unit_test(names_without_addresses),
	    cmocka_unit_test(family_and_number_of_addresses),
	    cmocka_unit_test(targets_with_several_addresses),
	    cmocka_unit_test(a_suffix_does_not_cut_a_character),
	    cmocka_unit_test(the_same_path_once),
	    cmocka_unit_test(many_nodes_have_names_of_their_own),
	    cmocka_unit_test(the_order_of_sources_does_not_matter),
	    cmocka_unit_test(subnets_by_longest_prefix),
	    cmocka_unit_test(limits_lengthen_intervals),
	    cmocka_unit_test(limits_leave_no_retries),
	    cmocka_unit_test(names_to_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
