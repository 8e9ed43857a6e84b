/* Targets: identity, labels, names, phases and ring sizes. */
#include "build.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "target.h"

/* A target over UDP to 198.51.100.7:5004, not sealed. */
static struct target *
example(void)
{
	struct target *t = target_new("fra1-udp", "media.example.net");
	const uint8_t to[4] = {198, 51, 100, 7};

	assert_non_null(t);
	addr_from_bytes(&t->path.addr, AF_INET, to, 5004);
	t->path.transport = TRANSPORT_UDP;
	t->path.dscp = 46;
	t->probe = "stun";
	t->class = CLUSTER_CLASS_PUBLIC;
	t->expect = EXPECT_REACHABLE;
	snprintf(t->cluster, sizeof(t->cluster), "fra1");
	t->interval_ns = 10 * CLOCK_SEC;
	t->ring_ns = 900 * CLOCK_SEC;
	t->count = 5;
	return t;
}

static void
test_hash_is_fnv(void **state)
{
	(void)state;
	assert_true(target_hash("", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(target_hash("a", 0) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(target_hash("foobar", 0) == UINT64_C(0x85944171f73967e8));
	assert_true(target_hash("a", 1) != target_hash("a", 0));
}

static void
test_new(void **state)
{
	const char *name = "0123456789abcdef0123456789abcdef";
	struct target *t = target_new(name, "h");

	(void)state;
	assert_non_null(t);
	assert_string_equal(t->name, name);
	assert_string_equal(t->host, "h");
	assert_ptr_equal(t->path.host, t->host);
	assert_int_equal(t->refs, 1);
	assert_null(t->labels);
	assert_int_equal(addr_family(&t->path.addr), AF_UNSPEC);
	target_unref(t);
	target_unref(NULL);
}

static void *
take_and_drop(void *arg)
{
	for (int i = 0; i < 20000; i++)
		target_unref(target_ref(arg));
	return NULL;
}

static void
test_references_from_threads(void **state)
{
	struct target *t = example();
	pthread_t thread[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, take_and_drop, t), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(t->refs, 1);
	target_unref(t);
}

static void
test_seal(void **state)
{
	struct target *t = example();

	(void)state;
	assert_int_equal(target_seal(t), 0);
	assert_string_equal(t->key,
	    "stun udp 198.51.100.7:5004 host=media.example.net src=- dev= "
	    "dscp=46 cluster=fra1");
	assert_string_equal(t->labels,
	    "target=\"fra1-udp\",transport=\"udp\",media_cluster=\"fra1\"");
	assert_string_equal(t->info,
	    "host=\"media.example.net\",address=\"198.51.100.7\","
	    "port=\"5004\",probe=\"stun\",class=\"public\","
	    "expect=\"reachable\",source=\"\",interface=\"\",dscp=\"46\","
	    "proxy=\"\",url=\"\"");
	assert_int_equal(t->port, 5004);
	target_unref(t);
}

static void
test_seal_unresolved_v6_source(void **state)
{
	struct target *t = target_new("edge", "edge.example.net");

	(void)state;
	t->probe = "tcp";
	t->path.transport = TRANSPORT_TCP;
	t->port = 443;
	assert_int_equal(addr_parse_host(&t->path.source, "2001:db8::1"), 0);
	snprintf(t->path.interface, IFNAMSIZ, "eth0");
	assert_int_equal(target_seal(t), 0);
	assert_string_equal(t->key,
	    "tcp tcp -:443 host=edge.example.net src=2001:db8::1 dev=eth0 "
	    "dscp=0 cluster=");
	assert_non_null(strstr(t->info, "address=\"\",port=\"443\""));
	assert_non_null(strstr(t->info, "class=\"\",expect=\"\""));
	assert_non_null(
	    strstr(t->info, "source=\"2001:db8::1\",interface=\"eth0\""));
	assert_non_null(strstr(t->labels, "media_cluster=\"\""));
	target_unref(t);
}

/* Each part of the identity makes another key; the rest does not. */
static void
change(struct target *t, int what)
{
	const uint8_t other[4] = {198, 51, 100, 8};

	switch (what) {
	case 0:
		t->probe = "icmp";
		break;
	case 1:
		t->path.transport = TRANSPORT_TCP;
		break;
	case 2:
		addr_from_bytes(&t->path.addr, AF_INET, other, 5004);
		break;
	case 3:
		addr_set_port(&t->path.addr, 9000);
		break;
	case 4:
		addr_from_bytes(&t->path.source, AF_INET, other, 0);
		break;
	case 5:
		snprintf(t->path.interface, IFNAMSIZ, "eth1");
		break;
	case 6:
		t->path.dscp = 0;
		break;
	case 7:
		snprintf(t->cluster, sizeof(t->cluster), "fra2");
		break;
	case 8:
		t->host[0] = 'n';
		break;
	default: /* not part of it */
		t->interval_ns *= 2;
		t->count = 1;
		t->thresholds.down_after = 9;
		t->path.timeout_ns = 1;
		snprintf(t->name, sizeof(t->name), "other");
		break;
	}
}

static void
test_key_is_identity(void **state)
{
	enum { CHANGES = 10 };
	char key[CHANGES][TARGET_KEY];

	(void)state;
	for (int i = 0; i < CHANGES; i++) {
		struct target *t = example();

		change(t, i);
		assert_int_equal(target_seal(t), 0);
		snprintf(key[i], sizeof(key[i]), "%s", t->key);
		target_unref(t);
	}
	for (int i = 0; i < CHANGES; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(key[i], key[j]);
	assert_string_equal(key[CHANGES - 1],
	    "stun udp 198.51.100.7:5004 host=media.example.net src=- dev= "
	    "dscp=46 cluster=fra1");
}

/* A host cannot be written so that it looks like other fields. */
static void
test_key_is_unambiguous(void **state)
{
	struct target *t = target_new("x", "a src=b\n%20");

	(void)state;
	t->probe = "tcp";
	assert_int_equal(target_seal(t), 0);
	assert_string_equal(t->key,
	    "tcp none -:0 host=a%20src=b%0a%2520 src=- dev= dscp=0 cluster=");
	target_unref(t);
}

static struct target *
sealed_long_host(size_t len, char last)
{
	char host[400];
	struct target *t;

	memset(host, 'a', sizeof(host));
	host[len - 1] = last;
	host[len] = '\0';
	t = target_new("long", host);
	t->probe = "tcp";
	t->path.transport = TRANSPORT_TCP;
	assert_int_equal(target_seal(t), 0);
	return t;
}

/* Long keys are cut, and differ all the same. */
static void
test_long_key(void **state)
{
	(void)state;
	for (size_t len = 180; len < 390; len++) {
		struct target *x = sealed_long_host(len, 'x');
		struct target *y = sealed_long_host(len, 'y');
		struct target *again = sealed_long_host(len, 'x');

		assert_true(strlen(x->key) < TARGET_KEY);
		assert_string_not_equal(x->key, y->key);
		assert_string_equal(x->key, again->key);
		if (len > 230) {
			assert_int_equal(strlen(x->key), TARGET_KEY - 1);
			assert_int_equal(x->key[TARGET_KEY - 1 - 17], '#');
		}
		target_unref(x);
		target_unref(y);
		target_unref(again);
	}
}

static void
test_escape(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	target_label_escape(&b, "");
	assert_string_equal(buf_str(&b), "");
	target_label_escape(&b, "a\\b\"c\nd\te\xc3\xa9");
	assert_string_equal(buf_str(&b), "a\\\\b\\\"c\\nd\te\xc3\xa9");
	buf_reset(&b);
	target_label_escape(&b, "\"\"");
	assert_string_equal(buf_str(&b), "\\\"\\\"");
	buf_free(&b);
}

static void
test_labels_are_escaped(void **state)
{
	struct target *t = example();

	(void)state;
	snprintf(t->cluster, sizeof(t->cluster), "a\"b");
	assert_int_equal(target_seal(t), 0);
	assert_non_null(strstr(t->labels, "media_cluster=\"a\\\"b\""));
	target_unref(t);
}

static uint32_t
ring(uint64_t window, uint64_t interval, unsigned count)
{
	struct target *t = example();
	uint32_t n;

	t->ring_ns = window;
	t->interval_ns = interval;
	t->count = count;
	n = target_ring_size(t);
	target_unref(t);
	return n;
}

static void
test_ring_size(void **state)
{
	(void)state;
	/* (90 + 4) * 5 = 470 */
	assert_int_equal(ring(900 * CLOCK_SEC, 10 * CLOCK_SEC, 5), 512);
	/* (90 + 4) * 1 */
	assert_int_equal(ring(900 * CLOCK_SEC, 10 * CLOCK_SEC, 1), 128);
	/* (60 + 4) * 1 is exactly 64; one probe more is not */
	assert_int_equal(ring(60 * CLOCK_SEC, CLOCK_SEC, 1), 64);
	assert_int_equal(ring(60 * CLOCK_SEC + 1, CLOCK_SEC, 1), 128);
	assert_int_equal(ring(0, CLOCK_SEC, 1), 64);
	assert_int_equal(ring(CLOCK_SEC, CLOCK_SEC, 0), 64);
	/* a bound, whatever is asked for */
	assert_int_equal(ring(CLOCK_SEC, 0, 1), 1 << 23);
	assert_int_equal(ring(UINT64_MAX, 1, 32), 1 << 23);
	assert_int_equal(ring(CLOCK_SEC, 1000, 32), 1 << 23);
}

/* It holds those that come before their time, too. */
static void
test_ring_with_retries(void **state)
{
	struct target *t = target_new("a", "h");

	assert_non_null(t);
	t->ring_ns = 900 * CLOCK_SEC;
	t->interval_ns = 60 * CLOCK_SEC;
	t->count = 1;
	assert_int_equal(target_shortest(t), 60 * CLOCK_SEC);
	assert_int_equal(target_ring_size(t), 64);
	t->retry_ns = 10 * CLOCK_SEC;
	assert_int_equal(target_shortest(t), 10 * CLOCK_SEC);
	assert_int_equal(target_ring_size(t), 128);
	t->retry_ns = 70 * CLOCK_SEC;
	assert_int_equal(target_shortest(t), 60 * CLOCK_SEC);
	target_unref(t);
}

static void
node(char out[TARGET_NAME + 1], const char *cluster, const char *host,
    const char *ip, uint16_t port)
{
	struct path path = {.transport = TRANSPORT_UDP, .host = host};

	assert_int_equal(addr_parse_host(&path.addr, ip), 0);
	addr_set_port(&path.addr, port);
	target_node_name(out, cluster, &path, 0);
}

static void
test_node_name(void **state)
{
	char a[TARGET_NAME + 1], b[TARGET_NAME + 1];
	const char *ip = "198.51.100.7";
	struct path none = {.transport = TRANSPORT_SIP_MTLS, .host = "h"};

	(void)state;
	node(a, "fra1", ip, ip, 5004);
	/* Pinned: it must not change from one version to the next. */
	assert_string_equal(a, "fra1-udp-5004-8615bf");
	node(b, "fra1", ip, "198.51.100.8", 5004);
	assert_string_not_equal(a, b);
	node(b, "fra1", "media.example.net", ip, 5004);
	assert_string_not_equal(a, b);
	node(b, "Fra 1/\xc3\xa9", ip, ip, 5004);
	assert_memory_equal(b, "Fra-1----udp-5004-", 18);
	/* cut, and told apart by the hash */
	node(a, "a-very-long-cluster-name-one", ip, ip, 65535);
	node(b, "a-very-long-cluster-name-two", ip, ip, 65535);
	assert_int_equal(strlen(a), TARGET_NAME);
	assert_memory_equal(a, "a-very-long-clu-udp-65535-", 26);
	assert_memory_equal(a, b, 26);
	assert_string_not_equal(a, b);
	target_node_name(a, "", &none, 0);
	assert_memory_equal(a, "-sip_mtls-0-", 12);
}

static void
test_node_name_salt(void **state)
{
	char name[3][TARGET_NAME + 1];
	struct path path = {.transport = TRANSPORT_TLS, .host = "h"};

	(void)state;
	assert_int_equal(addr_parse_host(&path.addr, "2001:db8::7"), 0);
	for (unsigned i = 0; i < 3; i++)
		target_node_name(name[i], "c", &path, i);
	assert_string_not_equal(name[0], name[1]);
	assert_string_not_equal(name[1], name[2]);
	assert_string_not_equal(name[0], name[2]);
	assert_null(strchr(name[0], ':'));
}

/*
 * Names that differ by a digit at their end must not start together: over
 * 100 slots of the interval, 10,000 targets are 100 each; 5 sigma are 50.
 */
static void
test_phases_are_spread(void **state)
{
	enum { SLOTS = 100, NAMES = 10000 };
	unsigned slot[SLOTS] = {0}, low[SLOTS] = {0};

	(void)state;
	for (unsigned i = 0; i < NAMES; i++) {
		char name[TARGET_NAME + 1];
		struct target *t;

		snprintf(name, sizeof(name), "node-%u", i);
		t = target_new(name, "h");
		t->probe = "stun";
		assert_int_equal(target_seal(t), 0);
		slot[(uint64_t)t->phase * SLOTS >> 32]++;
		low[t->phase % SLOTS]++;
		target_unref(t);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		assert_in_range(slot[i], 50, 150);
		assert_in_range(low[i], 50, 150);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash_is_fnv),
	    cmocka_unit_test(test_new),
	    cmocka_unit_test(test_references_from_threads),
	    cmocka_unit_test(test_seal),
	    cmocka_unit_test(test_seal_unresolved_v6_source),
	    cmocka_unit_test(test_key_is_identity),
	    cmocka_unit_test(test_key_is_unambiguous),
	    cmocka_unit_test(test_long_key),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_labels_are_escaped),
	    cmocka_unit_test(test_ring_size),
	    cmocka_unit_test(test_ring_with_retries),
	    cmocka_unit_test(test_node_name),
	    cmocka_unit_test(test_node_name_salt),
	    cmocka_unit_test(test_phases_are_spread),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
