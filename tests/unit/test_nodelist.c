/* Discovery documents: the synthetic one exactly, and all kinds of bad ones. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "buf.h"
#include "dice.h"
#include "file.h"
#include "nodelist.h"

static char *
read_data(const char *name, size_t *len)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], *text;

	snprintf(path, sizeof(path), "%s/tests/unit/data/%s",
	    srcdir != NULL ? srcdir : ".", name);
	assert_int_equal(file_read(path, 1 << 20, &text, len), 0);
	return text;
}

static struct nodelist *
right(const char *text)
{
	char error[256] = "";
	struct nodelist *l = nodelist_parse(text, strlen(text), error);

	if (l == NULL)
		print_message("%s\n", error);
	assert_non_null(l);
	return l;
}

static void
wrong(const char *text, const char *expected)
{
	char error[256] = "";

	assert_null(nodelist_parse(text, strlen(text), error));
	assert_string_equal(error, expected);
}

static const struct node_cluster *
find(const struct nodelist *l, const char *name)
{
	for (size_t i = 0; i < l->clusters; i++) {
		if (strcmp(l->cluster[i].name, name) == 0)
			return &l->cluster[i];
	}
	return NULL;
}

static bool
has_node(const struct node_cluster *c, enum transport t, const json_t *pair)
{
	const char *host = json_string_value(json_array_get(pair, 0));
	json_int_t port = json_integer_value(json_array_get(pair, 1));

	for (size_t i = 0; i < c->nodes; i++) {
		if (c->node[i].transport == t &&
		    strcmp(c->node[i].host, host) == 0 &&
		    c->node[i].port == port)
			return true;
	}
	return false;
}

/* The nodes of one cluster are those expected, and no others. */
static void
compare_cluster(const struct node_cluster *c, const json_t *expected)
{
	static const char *const keys[] = {"udp", "tcp", "tls"};
	size_t nodes = 0;

	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++) {
		const json_t *list = json_object_get(expected, keys[t - 1]);

		for (size_t i = 0; i < json_array_size(list); i++)
			assert_true(has_node(c, t, json_array_get(list, i)));
		nodes += json_array_size(list);
	}
	assert_int_equal(c->nodes, nodes);
	assert_string_equal(word_label(WORD_CLUSTER_CLASS, c->class),
	    json_string_value(json_object_get(expected, "class")));
	assert_int_equal(c->rejections,
	    json_array_size(json_object_get(expected, "rejected")));
}

static void
the_synthetic_document(void **state)
{
	size_t len;
	char *text = read_data("discovery-synthetic.json", &len);
	char *expect = read_data("discovery-synthetic.expect.json", &len);
	struct nodelist *l = right(text);
	json_t *root = json_loads(expect, 0, NULL), *cluster;
	json_t *clusters = json_object_get(root, "clusters");
	const struct node_cluster *bad;
	const char *key;

	assert_int_equal(l->clusters, json_object_size(clusters));
	json_object_foreach(clusters, key, cluster)
	{
		assert_non_null(find(l, key));
		compare_cluster(find(l, key), cluster);
	}
	bad = find(l, "wbad1.synthetic-edge");
	cluster =
	    json_object_get(json_object_get(clusters, bad->name), "rejected");
	for (size_t i = 0; i < bad->rejections; i++) {
		assert_non_null(strstr(bad->rejected[i],
		    json_string_value(json_array_get(cluster, i))));
	}
	assert_string_equal(l->warnings,
	    "cluster 'wbad1.synthetic-edge': ignored unknown transport "
	    "'futureTransport'\n");
	json_decref(root);
	nodelist_free(l);
	free(text);
	free(expect);
}

static void
why_entries_are_rejected(void **state)
{
	static const char *const why[] = {
	    "udp 'stun:': it has no host",
	    "udp 'stun:a:70000': it is not stun:HOST:PORT with a port from 1 "
	    "to 65535",
	    "udp 'stun:a:0': it is not stun:HOST:PORT with a port from 1 to "
	    "65535",
	    "udp 'udp:a:1': the scheme is not stun",
	    "udp 'stun:a b': its host is neither a name nor the address of "
	    "one host",
	    "udp 'stun:224.0.0.1': its host is neither a name nor the address "
	    "of one host",
	    "udp 'stun:0.0.0.0:53': its host is neither a name nor the "
	    "address of one host",
	    "udp 'stun:1.2.3.4.5': its host is neither a name nor the address "
	    "of one host",
	    "udp 'stun:[::]:1': its host is neither a name nor the address of "
	    "one host",
	    "udp '': it is not a text",
	    "tcp '': it is not a list",
	};
	struct nodelist *l = right(
	    "{\"clusters\": {\"a\": {\"udp\": [\"stun:\", \"stun:a:70000\","
	    "\"stun:a:0\", \"udp:a:1\", \"stun:a b\", \"stun:224.0.0.1\","
	    "\"stun:0.0.0.0:53\", \"stun:1.2.3.4.5\", \"stun:[::]:1\", 7, "
	    "\"stun:ok\"], \"tcp\": \"stun:a\"}}}");
	const struct node_cluster *c = &l->cluster[0];

	assert_int_equal(c->rejections, sizeof(why) / sizeof(*why));
	for (size_t i = 0; i < c->rejections; i++)
		assert_string_equal(c->rejected[i], why[i]);
	assert_int_equal(c->nodes, 1);
	assert_null(l->warnings);
	nodelist_free(l);
}

static void
what_is_not_known_is_said(void **state)
{
	struct nodelist *l = right(
	    "{\"clusters\": {\"a\": {\"udp\": [\"stun:a\"], \"quic\": []},"
	    "\"b\": [], \"\": {}, \"c\\nd\": {}},"
	    "\"clusterClasses\": {\"hybridMedia\": {}, \"other\": []},"
	    "\"news\\u001b[2J\": 1}");

	assert_int_equal(l->clusters, 1);
	assert_string_equal(l->warnings,
	    "ignored unknown key 'news?[2J'\n"
	    "ignored hybridMedia, which is not a list\n"
	    "ignored unknown class of clusters 'other'\n"
	    "cluster 'a': ignored unknown transport 'quic'\n"
	    "cluster 'b': left out, for it is not an object\n"
	    "cluster '': left out, for its name is empty, longer than 64 "
	    "octets, or has control characters\n"
	    "cluster 'c?d': left out, for its name is empty, longer than 64 "
	    "octets, or has control characters\n");
	nodelist_free(l);
	nodelist_free(NULL);
}

static void
urls(void **state)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
	} good[] = {
	    {"stun:192.0.2.1:9000", "192.0.2.1", 9000},
	    {"STUN:Media.Example.:5004", "media.example.", 5004},
	    {"stun:[2402:2500::1]:5004", "2402:2500::1", 5004},
	    {"stun:[2402:2500:0::1]", "2402:2500::1", 77},
	    {"stun:something.somewhere.example", "something.somewhere.example",
		77},
	    {"stun:a:1;transport=udp", "a", 1},
	    {"stun:a:2?transport=tcp", "a", 2},
	};
	const char *why;
	uint16_t port;
	char *host;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(
		    nodelist_parse_url(good[i].url, 77, &host, &port, &why), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		free(host);
	}
	assert_int_equal(
	    nodelist_parse_url("stuns:a", 77, &host, &port, &why), -EINVAL);
	assert_int_equal(
	    nodelist_parse_url("turns:a?transport=tcp", 77, &host, &port, &why),
	    -EINVAL);
}

static void
hosts(void **state)
{
	char label[66], name[260];

	memset(label, 'a', 65);
	label[63] = '\0';
	assert_true(nodelist_host_ok(label));
	label[63] = 'a';
	label[64] = '\0';
	assert_false(nodelist_host_ok(label));
	for (size_t i = 0; i < 259; i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	name[253] = '\0';
	assert_true(nodelist_host_ok(name));
	name[253] = '.';
	name[254] = '\0';
	assert_false(nodelist_host_ok(name));
	assert_true(nodelist_host_ok("a_b-c.d.example"));
	assert_true(nodelist_host_ok("3com.example"));
	assert_false(nodelist_host_ok("a..b"));
	assert_false(nodelist_host_ok(".a"));
	assert_false(nodelist_host_ok(""));
	assert_false(nodelist_host_ok("."));
	assert_false(nodelist_host_ok("300.1.1.1"));
	assert_false(nodelist_host_ok("b\xc3\xbc"
				      "cher.example"));
	assert_true(nodelist_host_ok("127.0.0.1"));
	assert_false(nodelist_host_ok("255.255.255.255"));
	assert_false(nodelist_host_ok("ff02::1"));
}

static void
documents_that_are_none(void **state)
{
	static const char nul[] = "{\"clusters\": {}\0}";
	char error[256];

	wrong("", "it is no JSON: line 1, column 0: '[' or '{' expected near "
		  "end of file");
	wrong("<html>", "it is no JSON: line 1, column 1: '[' or '{' expected "
			"near '<'");
	wrong("[]", "it has no object 'clusters'");
	wrong("{}", "it has no object 'clusters'");
	wrong("{\"clusters\": []}", "it has no object 'clusters'");
	wrong("{\"clusters\": {}}", "it lists no node that can be used");
	wrong("{\"clusters\": {\"a\": {\"udp\": [\"x\"]}}}",
	    "it lists no node that can be used");
	wrong("{\"clusters\": {}, \"clusters\": {}}",
	    "it is no JSON: line 1, column 27: duplicate object key near "
	    "'\"clusters\"'");
	wrong("{\"clusters\": {}} x",
	    "it is no JSON: line 1, column 18: end of file expected near "
	    "'x'");
	wrong("{\"clusters\": {\"a\\u0000\": {}}}",
	    "it is no JSON: line 1, column 23: NUL byte in object key not "
	    "supported near '\"a\\u0000\"'");
	wrong("{\"clusters\": 1e999}",
	    "it is no JSON: line 1, column 18: real number overflow near "
	    "'1e999'");
	wrong("{\"clusters\": 99999999999999999999}",
	    "it is no JSON: line 1, column 33: too big integer near "
	    "'99999999999999999999'");
	wrong("{\"clusters\": \"\xff\"}",
	    "it is no JSON: line 1, column 14: unable to decode byte 0xff "
	    "near '\"'");
	assert_null(nodelist_parse(nul, sizeof(nul) - 1, error));
}

static void
huge_documents(void **state)
{
	char error[256];
	size_t len = 10 << 20;
	char *text = malloc(len);

	memset(text, '[', len);
	assert_null(nodelist_parse(text, len, error));
	assert_string_equal(error, "it is larger than 4 MiB");
	assert_null(nodelist_parse(text, 4 << 20, error));
	assert_string_equal(error,
	    "it is no JSON: line 1, column 2049: maximum parsing depth "
	    "reached near '['");
	free(text);
}

static void
more_entries_than_can_be_used(void **state)
{
	struct buf b = BUF_INIT;
	struct nodelist *l;

	buf_puts(&b, "{\"clusters\": {\"a\": {\"udp\": [\"stun:z\"");
	for (unsigned i = 0; i < 30000; i++)
		buf_printf(&b, ",\"stun:10.0.%u.%u\"", i / 250, i % 250);
	buf_puts(&b, "]}}}");
	l = right(buf_str(&b));
	/* one of the 20,000 is the cluster */
	assert_int_equal(l->cluster[0].nodes, 19999);
	assert_string_equal(l->warnings, "more than 20000 entries: those "
					 "after them are left out\n");
	nodelist_free(l);
	buf_reset(&b);
	buf_puts(&b, "{\"clusters\": {\"z\": {\"udp\": [\"stun:z\"]}");
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&b, ",\"%u\": 1", i);
	buf_puts(&b, "}}");
	l = right(buf_str(&b));
	assert_non_null(strstr(l->warnings, "more warnings are left out\n"));
	nodelist_free(l);
	buf_free(&b);
}

static void
damaged_documents_do_no_harm(void **state)
{
	size_t len;
	char *text = read_data("discovery-synthetic.json", &len);

	for (uint64_t i = 0; i < 2000; i++) {
		struct dice d = dice_case(i);
		char *copy = malloc(len), error[256] = "";
		unsigned edits = 1 + dice_next(&d) % 8;
		struct nodelist *l;
		size_t cut = len;

		memcpy(copy, text, len);
		while (edits-- > 0) {
			size_t at = dice_next(&d) % len;

			if (dice_next(&d) % 8 == 0)
				cut = at;
			else
				copy[at] = (char)dice_next(&d);
		}
		l = nodelist_parse(copy, cut, error);
		assert_true(l != NULL || error[0] != '\0');
		nodelist_free(l);
		free(copy);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_synthetic_document),
	    cmocka_unit_test(why_entries_are_rejected),
	    cmocka_unit_test(what_is_not_known_is_said),
	    cmocka_unit_test(urls),
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(documents_that_are_none),
	    cmocka_unit_test(huge_documents),
	    cmocka_unit_test(more_entries_than_can_be_used),
	    cmocka_unit_test(damaged_documents_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
