/*
 * netwatch: what counts as a change of the local network, and which paths can
 * be used, in a network namespace with a pair of links of its own.
 */
#include "build.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "clock.h"
#include "loop.h"
#include "netwatch.h"
#include "space.h"

enum {
	KIND_LINK = 1 << NETCHANGE_LINK,
	KIND_ADDRESS = 1 << NETCHANGE_ADDRESS,
	KIND_ROUTE = 1 << NETCHANGE_ROUTE,
	KIND_RESYNC = 1 << NETCHANGE_RESYNC
};

struct bench {
	struct loop loop;
	struct netwatch *watch;
	unsigned paths, changes;
	unsigned changes_at_paths; /* when paths() was called last */
	unsigned kinds;		   /* of the last changed() */
	unsigned all_kinds;
	char cause[160];
	uint64_t changed_at, changed_gap; /* least time between two calls */
};

static void
on_paths(void *arg)
{
	struct bench *b = arg;
	b->paths++;
	b->changes_at_paths = b->changes;
}

static void
on_changed(void *arg, unsigned kinds, const char *cause)
{
	struct bench *b = arg;
	b->changes++;
	b->kinds = kinds;
	b->all_kinds |= kinds;
	snprintf(b->cause, sizeof(b->cause), "%s", cause);
	uint64_t now = clock_mono();
	if (b->changed_at && now - b->changed_at < b->changed_gap)
		b->changed_gap = now - b->changed_at;
	b->changed_at = now;
}

/* Links without addresses of their own making, so that nothing comes late. */
static int
set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	b->changed_gap = UINT64_MAX;
	loop_open(&b->loop);
	space_do("ip link set lo up");
	space_do("ip link add vA type veth peer name vB");
	space_do("ip link set vA addrgenmode none");
	space_do("ip link set vB addrgenmode none");
	space_do("ip addr add 10.77.0.1/24 dev vA");
	space_do("ip addr add fd77::1/64 dev vA nodad");
	space_do("ip link set vA up");
	space_do("ip link set vB up");
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;
	netwatch_free(b->watch);
	loop_close(&b->loop);
	space_do("ip link del vA 2>/dev/null || ip link del vB");
	free(b);
	return 0;
}

static struct path
to(const char *host)
{
	struct path p = {.transport = TRANSPORT_UDP};
	assert_int_equal(addr_parse_host(&p.addr, host), 0);
	addr_set_port(&p.addr, 5004);
	return p;
}

static bool
usable(struct bench *b, const char *host)
{
	struct path p = to(host);
	return netwatch_usable(b->watch, &p);
}

static bool
usable_by(struct bench *b, const char *host, const char *interface)
{
	struct path p = to(host);
	snprintf(p.interface, sizeof(p.interface), "%s", interface);
	return netwatch_usable(b->watch, &p);
}

static bool
usable_from(struct bench *b, const char *host, const char *source)
{
	struct path p = to(host);
	assert_int_equal(addr_parse_host(&p.source, source), 0);
	return netwatch_usable(b->watch, &p);
}

static void
forget(struct bench *b)
{
	b->paths = b->changes = b->kinds = b->all_kinds = 0;
	b->changed_gap = UINT64_MAX;
	b->changed_at = 0;
}

/*
 * Starts, and waits until the links are up, which the kernel may take a
 * second to find out; what was told until then is forgotten.
 */
static void
begin(struct bench *b, struct netwatch_setup s)
{
	s.loop = &b->loop.uv;
	s.paths = on_paths;
	s.changed = on_changed;
	s.arg = b;
	if (!s.settle)
		s.settle = 50 * CLOCK_MS;
	if (!s.least)
		s.least = CLOCK_MS;
	b->watch = netwatch_new(&s);
	assert_non_null(b->watch);
	LOOP_UNTIL(&b->loop,
	    usable_by(b, "10.77.0.2", "vA") && usable_by(b, "10.77.0.2", "vB"));
	space_do("ip route add 198.18.99.0/24 dev vA");
	LOOP_UNTIL(&b->loop, b->all_kinds & KIND_ROUTE);
	forget(b);
}

#define BEGIN(b, ...) begin(b, (struct netwatch_setup){__VA_ARGS__})

/* ---- links ---- */

static void
test_carrier_lost(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	assert_true(usable(b, "10.77.0.2"));
	assert_true(usable(b, "fd77::2"));
	space_do("ip link set vB down");
	LOOP_UNTIL(&b->loop, b->paths > 0);
	assert_int_equal(b->changes_at_paths, 0); /* at once */
	LOOP_UNTIL(&b->loop, !usable(b, "10.77.0.2"));
	assert_false(usable(b, "fd77::2"));
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_true(b->all_kinds & KIND_LINK);
	assert_non_null(strstr(b->cause, "link v"));
	assert_non_null(strstr(b->cause, "went down"));
	space_do("ip link set vB up");
	LOOP_UNTIL(&b->loop, usable(b, "10.77.0.2"));
	assert_true(usable(b, "fd77::2"));
}

/* The routes go with the link, and the kernel does not say so. */
static void
test_link_set_down(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	space_do("ip link set vA down");
	LOOP_UNTIL(&b->loop, b->paths > 0);
	assert_false(usable(b, "10.77.0.2"));
	assert_false(usable_by(b, "10.77.0.2", "vA"));
	space_do("ip link set vA up");
	LOOP_UNTIL(&b->loop, usable(b, "10.77.0.2"));
}

/* Down and up again within a burst: one call; and none comes after it. */
static void
test_one_call_per_burst(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 2 * CLOCK_SEC);
	for (unsigned i = 0; i < 3; i++) {
		space_do("ip link set vA down");
		space_do("ip link set vA up");
	}
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_true(usable(b, "10.77.0.2"));
	assert_true(b->kinds & KIND_LINK);
	assert_non_null(strstr(b->cause, " more"));
	space_do("ip route add 198.18.1.0/24 dev vA");
	LOOP_UNTIL(&b->loop, b->changes > 1);
	assert_int_equal(b->changes, 2);
	assert_int_equal(b->kinds, KIND_ROUTE);
	assert_string_equal(b->cause, "198.18.1.0/24 route by vA was added");
}

static void
test_links_come_and_go(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	assert_false(usable_by(b, "10.77.0.2", "nope"));
	space_do("ip link set vA down");
	space_do("ip link set vA name vC");
	space_do("ip link set vC up");
	LOOP_UNTIL(&b->loop, usable_by(b, "10.77.0.2", "vC"));
	assert_false(usable_by(b, "10.77.0.2", "vA"));
	forget(b);
	space_do("ip link del vC");
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_non_null(strstr(b->cause, "link v"));
	assert_false(usable_by(b, "10.77.0.2", "vC"));
	assert_false(usable(b, "10.77.0.2"));
	space_do("ip link add vA type veth peer name vB");
}

/* A port that leaves a bridge is told of as if the link had gone. */
static void
test_bridge_port(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	space_do("ip link add br0 type bridge");
	space_do("ip link set vB master br0");
	space_do("ip link set vB nomaster");
	space_do("ip link del br0");
	space_do("ip route add 198.18.1.0/24 dev vA");
	LOOP_UNTIL(&b->loop, b->all_kinds & KIND_ROUTE);
	assert_int_equal(b->all_kinds, KIND_ROUTE);
	assert_true(usable_by(b, "10.77.0.2", "vB"));
	assert_true(usable(b, "10.77.0.2"));
}

/* ---- routes ---- */

static void
test_default_route(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 300 * CLOCK_MS);
	assert_false(usable(b, "203.0.113.1"));
	assert_false(usable(b, "2001:db8::1"));
	space_do("ip route add default via 10.77.0.2");
	space_do("ip route add default via fd77::2");
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_int_equal(b->kinds, KIND_ROUTE);
	assert_true(usable(b, "203.0.113.1"));
	assert_true(usable(b, "2001:db8::1"));
	forget(b);
	space_do("ip route del default");
	LOOP_UNTIL(&b->loop, b->paths > 0);
	assert_int_equal(b->changes, 0);
	assert_false(usable(b, "203.0.113.1"));
	assert_true(usable(b, "2001:db8::1"));
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_string_equal(b->cause, "default route by vA was removed");
}

static const struct {
	const char *type;
	bool usable;
} route_types[] = {{"unreachable", false}, {"throw", false}, {"prohibit", true},
    {"blackhole", true}};

/* What an administrator forbids is not the network's fault. */
static void
test_route_types(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	for (unsigned i = 0; i < 4; i++) {
		const char *type = route_types[i].type;
		bool is = route_types[i].usable;
		space_do("ip route add %s 203.0.113.0/24", type);
		space_do("ip -6 route add %s 2001:db8::/32", type);
		assert_int_equal(usable(b, "203.0.113.1"), is);
		assert_int_equal(usable(b, "2001:db8::1"), is);
		space_do("ip route del %s 203.0.113.0/24", type);
		space_do("ip -6 route del %s 2001:db8::/32", type);
	}
}

static void
test_own_addresses(void **state)
{
	struct bench *b = *state;
	struct path nowhere = {.transport = TRANSPORT_UDP};
	BEGIN(b, .settle = 0);
	assert_true(usable(b, "10.77.0.1"));
	assert_true(usable(b, "fd77::1"));
	assert_true(netwatch_usable(b->watch, &nowhere)); /* not resolved */
	space_do("ip link set lo down");
	assert_true(usable(b, "127.0.0.1"));
	assert_true(usable(b, "127.9.9.9"));
	assert_true(usable(b, "::1"));
}

static void
test_sources(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	assert_true(usable_from(b, "10.77.0.2", "10.77.0.1"));
	assert_false(usable_from(b, "10.77.0.2", "10.77.0.99"));
	assert_true(usable_from(b, "fd77::2", "fd77::1"));
	assert_false(usable_from(b, "fd77::2", "fd77::99"));
	space_do("ip addr del 10.77.0.1/24 dev vA");
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_true(b->kinds & KIND_ADDRESS);
	assert_false(usable_from(b, "10.77.0.2", "10.77.0.1"));
	assert_false(usable(b, "10.77.0.2"));
	space_do("ip addr add 10.77.0.1/24 dev vA");
	assert_true(usable_from(b, "10.77.0.2", "10.77.0.1"));
	/* Rules by source are followed. */
	space_do("ip addr add 10.77.1.1/32 dev vA");
	space_do("ip route add unreachable 10.77.0.2 table 77");
	space_do("ip rule add from 10.77.1.1 table 77");
	assert_false(usable_from(b, "10.77.0.2", "10.77.1.1"));
	assert_true(usable_from(b, "10.77.0.2", "10.77.0.1"));
	space_do("ip rule del from 10.77.1.1 table 77");
	space_do("ip route flush table 77");
}

/* An address counts when it has been found to be nobody else's. */
static void
test_tentative_address(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	space_do("ip addr add fd77::5/64 dev vA");
	assert_false(usable_from(b, "fd77::2", "fd77::5"));
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_true(usable_from(b, "fd77::2", "fd77::5"));
	assert_string_equal(b->cause, "address fd77::5 came to vA");
}

static void
test_link_local(void **state)
{
	struct bench *b = *state;
	struct path p = to("fe80::1%vA");
	space_do("ip addr add fe80::77/64 dev vA nodad");
	BEGIN(b, .settle = 0);
	assert_true(netwatch_usable(b->watch, &p));
	space_do("ip link set vB down");
	LOOP_UNTIL(&b->loop, !netwatch_usable(b->watch, &p));
}

/* ---- noise, floods, loss ---- */

static void
test_noise(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0);
	for (unsigned i = 0; i < 3; i++) {
		space_do("ip link set vA alias text%u", i);
		space_do("ip link set vA txqueuelen %u", 500 + i);
		/* As each router advertisement does. */
		space_do("ip addr change fd77::1/64 dev vA valid_lft %u "
			 "preferred_lft %u",
		    2000 + i, 1000 + i);
		space_do("ip route add local 198.18.7.0/24 dev lo table local");
		space_do("ip route del local 198.18.7.0/24 dev lo table local");
		space_do("ip route add 198.18.8.0/24 dev vA table local");
		space_do("ip route del 198.18.8.0/24 dev vA table local");
		space_do("ip route add multicast 239.1.0.0/16 dev vA");
		space_do("ip route del multicast 239.1.0.0/16");
		/* A link that is not up is not of interest. */
		space_do("ip link add vX type veth peer name vY");
		space_do("ip link del vX");
	}
	space_do("ip link set vA mtu 1400");
	LOOP_UNTIL(&b->loop, b->changes > 0);
	assert_int_equal(b->changes, 1);
	assert_int_equal(b->paths, 1);
	assert_string_equal(b->cause, "link vA changed (mtu 1400)");
	space_do("ip link set vA mtu 1500");
}

static void
add_routes(unsigned n)
{
	FILE *f = fopen("routes.batch", "we");
	assert_non_null(f);
	for (unsigned i = 0; i < n; i++)
		fprintf(
		    f, "route add 198.19.%u.%u/32 dev vA\n", i / 250, i % 250);
	fclose(f);
	space_do("ip -batch routes.batch");
	unlink("routes.batch");
}

/* With room for some messages only: the tables are right again after. */
static void
test_lost_messages(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 0, .rcvbuf = 1024);
	for (unsigned round = 0; round < 2; round++) {
		forget(b);
		add_routes(300);
		space_do("ip link add vX type veth peer name vY");
		space_do("ip link set vY up");
		space_do("ip link set vX up");
		space_do("ip addr add 10.78.0.1/24 dev vX");
		space_do("ip link set vB down");
		LOOP_UNTIL(&b->loop, b->changes > 0);
		assert_true(b->all_kinds & KIND_RESYNC);
		LOOP_UNTIL(&b->loop, usable_by(b, "10.78.0.2", "vX"));
		LOOP_UNTIL(&b->loop, !usable(b, "10.77.0.2"));
		forget(b);
		/* Gone while nobody could hear of it. */
		space_do("ip route flush proto boot");
		add_routes(300);
		space_do("ip link del vX");
		space_do("ip link set vB up");
		LOOP_UNTIL(&b->loop, b->changes > 0);
		assert_true(b->all_kinds & KIND_RESYNC);
		assert_false(usable_by(b, "10.78.0.2", "vX"));
		LOOP_UNTIL(&b->loop, usable(b, "10.77.0.2"));
		space_do("ip route flush proto boot");
		/* Still awake. */
		forget(b);
		space_do("ip link set vA mtu 1400");
		LOOP_UNTIL(&b->loop, b->changes > 0);
		space_do("ip link set vA mtu 1500");
	}
}

/* Routes without end: calls go on, not more often than they may. */
static void
test_flood(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = 150 * CLOCK_MS, .least = 300 * CLOCK_MS);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c",
		    "while ip route add 198.18.2.0/24 dev vA; do "
		    "ip route del 198.18.2.0/24; done",
		    NULL);
		_exit(127);
	}
	uint64_t start = clock_mono();
	LOOP_UNTIL(&b->loop, b->changes >= 3);
	uint64_t took = clock_mono() - start;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(b->changed_gap >= 300 * CLOCK_MS);
	assert_true(b->paths >= 3);
	/* Once in 100 ms, and once more with each changed(). */
	assert_true(b->paths <= took / (100 * CLOCK_MS) + 1 + b->changes);
}

/* ---- the rest ---- */

static void
test_no_sockets_left(void **state)
{
	struct bench *b = *state;
	struct rlimit none, old;
	struct netwatch_setup s = {.loop = &b->loop.uv};
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	struct netwatch *w = netwatch_new(&s);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_null(w);
	netwatch_free(NULL);
}

static void
test_free_while_pending(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .settle = CLOCK_SEC);
	space_do("ip route add 198.18.1.0/24 dev vA");
	LOOP_UNTIL(&b->loop, b->paths > 0);
	space_do("ip route del 198.18.1.0/24 dev vA");
	netwatch_free(b->watch);
	b->watch = NULL;
	unsigned paths = b->paths;
	uv_run(&b->loop.uv, UV_RUN_NOWAIT);
	assert_int_equal(b->changes, 0);
	assert_int_equal(b->paths, paths);
}

/* The cost for many targets, printed; the bound only tells a disaster. */
static void
test_cost(void **state)
{
	struct bench *b = *state;
	struct path p = to("10.77.0.2");
	enum { TARGETS = 10000 };
	BEGIN(b, .settle = 0);
	uint64_t start = clock_mono();
	for (unsigned i = 0; i < TARGETS; i++)
		assert_true(netwatch_usable(b->watch, &p));
	uint64_t each = (clock_mono() - start) / TARGETS;
	print_message("netwatch_usable: %u ns a call\n", (unsigned)each);
	assert_true(each < CLOCK_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_carrier_lost),
	    T(test_link_set_down),
	    T(test_one_call_per_burst),
	    T(test_links_come_and_go),
	    T(test_bridge_port),
	    T(test_default_route),
	    T(test_route_types),
	    T(test_own_addresses),
	    T(test_sources),
	    T(test_tentative_address),
	    T(test_link_local),
	    T(test_noise),
	    T(test_lost_messages),
	    T(test_flood),
	    T(test_no_sockets_left),
	    T(test_free_while_pending),
	    T(test_cost),
	};
	space_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
