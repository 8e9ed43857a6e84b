/*
 * Choosing: sequences worked out by hand, and random ones against the rules
 * as one would say them.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "choose.h"
#include "clock.h"
#include "dice.h"
#include "stats.h"

#define MS   CLOCK_MS
#define NONE UINT32_MAX

enum { CLUSTERS = 12, NODES = 60, MARGIN = 100000 };

/* A site as it is seen: what a test says of it, and what carries over. */
struct scene {
	struct choose_cluster cluster[CLUSTERS];
	struct choose_node node[NODES];
	size_t clusters, nodes;
	struct choose_ranks ranks;
};

static void
scene_init(struct scene *s, size_t clusters)
{
	memset(s, 0, sizeof(*s));
	s->clusters = clusters;
	s->ranks.margin_ppm = MARGIN;
	for (size_t i = 0; i < CLUSTER_CLASS_END; i++)
		s->ranks.first[i] = NONE;
	for (size_t i = 0; i < clusters; i++) {
		s->cluster[i].class = CLUSTER_CLASS_PUBLIC;
		s->cluster[i].state = STATE_UNKNOWN;
	}
}

static void
choose(struct scene *s)
{
	choose_clusters(s->cluster, s->clusters, s->node, s->nodes, &s->ranks);
}

/* Another node; its index is its place, from 1. */
static struct choose_node *
add(struct scene *s, uint32_t cluster, enum transport t, enum state state,
    uint64_t rtt)
{
	struct choose_node *n = &s->node[s->nodes++];

	*n = (struct choose_node){
	    .cluster = cluster,
	    .transport = (uint8_t)t,
	    .state = (uint8_t)state,
	    .index = (uint32_t)s->nodes,
	    .rtt_ns = rtt,
	};
	return n;
}

/* One cluster with a node per transport, in the given states. */
static struct scene
one(enum state udp, enum state tcp, enum state tls)
{
	struct scene s;

	scene_init(&s, 1);
	add(&s, 0, TRANSPORT_UDP, udp, 50 * MS);
	add(&s, 0, TRANSPORT_TCP, tcp, 10 * MS);
	add(&s, 0, TRANSPORT_TLS, tls, 5 * MS);
	choose(&s);
	return s;
}

static void
test_transports(void **state)
{
	enum { N = STATE_UNKNOWN, U = STATE_UP, G = STATE_DEGRADED };
	enum { D = STATE_DOWN, X = STATE_DISABLED };
	static const struct {
		uint8_t udp, tcp, tls;
		uint8_t preferred, state, reach[3];
	} row[] = {
	    /* UDP, though the others are faster */
	    {U, U, U, TRANSPORT_UDP, U, {2, 2, 2}},
	    {G, U, U, TRANSPORT_UDP, G, {2, 2, 2}},
	    /* UDP does not work, TCP does: degraded */
	    {D, U, U, TRANSPORT_TCP, G, {3, 2, 2}},
	    {D, D, U, TRANSPORT_TLS, G, {3, 3, 2}},
	    {D, D, D, 0, D, {3, 3, 3}},
	    /* UDP was not tested: TCP is as good as it can be */
	    {N, U, D, TRANSPORT_TCP, U, {1, 2, 3}},
	    {X, U, U, TRANSPORT_TCP, U, {1, 2, 2}},
	    {N, D, U, TRANSPORT_TLS, G, {1, 3, 2}},
	    {N, N, N, 0, N, {1, 1, 1}},
	    {X, X, X, 0, N, {1, 1, 1}},
	    /* what was tested does not work */
	    {D, N, N, 0, D, {3, 1, 1}},
	    {N, N, D, 0, D, {1, 1, 3}},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct scene s = one(row[i].udp, row[i].tcp, row[i].tls);
		const struct choose_cluster *c = &s.cluster[0];

		assert_int_equal(c->preferred, row[i].preferred);
		assert_int_equal(c->state, row[i].state);
		assert_int_equal(c->rank, row[i].preferred != 0);
		for (int t = 0; t < 3; t++)
			assert_int_equal(c->link[t].reach, row[i].reach[t]);
	}
}

static void
test_links(void **state)
{
	const struct choose_link *udp;
	struct scene s;

	scene_init(&s, 2);
	add(&s, 0, TRANSPORT_UDP, STATE_UP, 30 * MS);
	add(&s, 0, TRANSPORT_UDP, STATE_DEGRADED, 20 * MS);
	add(&s, 0, TRANSPORT_UDP, STATE_DOWN, 1 * MS);
	add(&s, 0, TRANSPORT_UDP, STATE_UNKNOWN, 2 * MS);
	add(&s, 0, TRANSPORT_UDP, STATE_DISABLED, 3 * MS);
	/* equal times: the lower index */
	add(&s, 0, TRANSPORT_UDP, STATE_UP, 20 * MS);
	/* neither media nor in a cluster there is */
	add(&s, 0, TRANSPORT_ICMP, STATE_UP, 1 * MS);
	add(&s, 0, (enum transport)0, STATE_UP, 1 * MS);
	add(&s, 7, TRANSPORT_UDP, STATE_UP, 1 * MS);
	/* no state that there is */
	add(&s, 0, TRANSPORT_UDP, (enum state)0, 1 * MS);
	add(&s, 0, TRANSPORT_UDP, STATE_END, 1 * MS);
	/* reachable, and no time yet */
	add(&s, 1, TRANSPORT_UDP, STATE_UP, STATS_NONE);
	choose(&s);
	udp = &s.cluster[0].link[0];
	assert_int_equal(udp->nodes, 5);
	assert_int_equal(udp->nodes_up, 3);
	assert_int_equal(udp->reach, REACH_REACHABLE);
	assert_int_equal(udp->state, STATE_UP);
	assert_int_equal(udp->best, 2);
	assert_int_equal(udp->rtt_ns, 20 * MS);
	assert_int_equal(s.cluster[0].nodes, 5);
	assert_int_equal(s.cluster[0].link[1].nodes, 0);
	assert_true(s.cluster[0].link[1].rtt_ns == STATS_NONE);
	assert_int_equal(s.cluster[0].link[1].best, 0);
	udp = &s.cluster[1].link[0];
	assert_int_equal(udp->best, 12);
	assert_true(udp->rtt_ns == STATS_NONE);
	assert_int_equal(s.cluster[0].rank, 1);
	assert_int_equal(s.cluster[1].rank, 2);
}

/* Down and back, one transport after another. */
static void
test_transport_changes(void **state)
{
	static const struct {
		uint8_t udp, tcp;
		uint8_t preferred;
		uint64_t changes;
	} row[] = {
	    {STATE_UNKNOWN, STATE_UNKNOWN, 0, 0},
	    /* the first is no change */
	    {STATE_UNKNOWN, STATE_UP, TRANSPORT_TCP, 0},
	    {STATE_UP, STATE_UP, TRANSPORT_UDP, 1},
	    {STATE_DEGRADED, STATE_UP, TRANSPORT_UDP, 1},
	    {STATE_DOWN, STATE_UP, TRANSPORT_TCP, 2},
	    {STATE_UP, STATE_UP, TRANSPORT_UDP, 3},
	    /* an outage between is none */
	    {STATE_DOWN, STATE_DOWN, 0, 3},
	    {STATE_UP, STATE_DOWN, TRANSPORT_UDP, 3},
	    {STATE_DOWN, STATE_DOWN, 0, 3},
	    {STATE_DOWN, STATE_UP, TRANSPORT_TCP, 4},
	};
	struct scene s;

	scene_init(&s, 1);
	add(&s, 0, TRANSPORT_UDP, STATE_UNKNOWN, 5 * MS);
	add(&s, 0, TRANSPORT_TCP, STATE_UNKNOWN, 5 * MS);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		s.node[0].state = row[i].udp;
		s.node[1].state = row[i].tcp;
		choose(&s);
		assert_int_equal(s.cluster[0].preferred, row[i].preferred);
		assert_int_equal(
		    s.cluster[0].transport_changes, row[i].changes);
	}
}

static void
test_video_mesh_is_udp_only(void **state)
{
	struct scene s;

	scene_init(&s, 1);
	s.cluster[0].class = CLUSTER_CLASS_VIDEO_MESH;
	add(&s, 0, TRANSPORT_UDP, STATE_DOWN, STATS_NONE);
	add(&s, 0, TRANSPORT_TCP, STATE_UP, 1 * MS);
	add(&s, 0, TRANSPORT_TLS, STATE_DOWN, 1 * MS);
	choose(&s);
	assert_int_equal(s.cluster[0].state, STATE_DOWN);
	assert_int_equal(s.cluster[0].preferred, 0);
	assert_int_equal(s.cluster[0].nodes, 1);
	assert_int_equal(s.cluster[0].link[0].reach, REACH_UNREACHABLE);
	for (int t = 1; t < 3; t++) {
		assert_int_equal(s.cluster[0].link[t].reach, REACH_UNTESTED);
		assert_int_equal(s.cluster[0].link[t].nodes, 0);
	}
	s.node[0].state = STATE_UP;
	choose(&s);
	assert_int_equal(s.cluster[0].state, STATE_UP);
	assert_int_equal(s.cluster[0].rank, 1);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_VIDEO_MESH], 0);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_PUBLIC], NONE);
	assert_int_equal(s.ranks.changes, 0);
}

/* Each class has ranks of its own, by transport and then by time. */
static void
test_ranks_by_class(void **state)
{
	static const uint8_t class[] = {1, 2, 1, 3, 1, 2, 1, 1, 0, 4};
	static const uint32_t rank[] = {3, 2, 1, 1, 4, 1, 2, 0, 0, 0};
	struct scene s;

	scene_init(&s, 10);
	for (size_t i = 0; i < 10; i++)
		s.cluster[i].class = class[i];
	add(&s, 0, TRANSPORT_UDP, STATE_UP, 40 * MS);
	add(&s, 1, TRANSPORT_UDP, STATE_UP, 9 * MS);
	add(&s, 2, TRANSPORT_UDP, STATE_UP, 20 * MS);
	add(&s, 3, TRANSPORT_UDP, STATE_UP, 90 * MS);
	add(&s, 4, TRANSPORT_TCP, STATE_UP, 1 * MS);
	add(&s, 5, TRANSPORT_UDP, STATE_UP, 8 * MS);
	add(&s, 6, TRANSPORT_UDP, STATE_DEGRADED, 30 * MS);
	add(&s, 7, TRANSPORT_UDP, STATE_DOWN, STATS_NONE);
	add(&s, 8, TRANSPORT_UDP, STATE_UP, 1 * MS);
	add(&s, 9, TRANSPORT_UDP, STATE_UP, 1 * MS);
	choose(&s);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(s.cluster[i].rank, rank[i]);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_PUBLIC], 2);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_VIDEO_MESH], 5);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_REFERENCE], 3);
	assert_int_equal(s.ranks.changes, 0);
}

/* Equal clusters keep their order, whoever is first stays it. */
static void
test_ties(void **state)
{
	struct scene s;

	scene_init(&s, 5);
	for (uint32_t i = 0; i < 5; i++)
		add(&s, 4 - i, TRANSPORT_UDP, STATE_UP, 20 * MS);
	s.ranks.margin_ppm = 0;
	choose(&s);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(s.cluster[i].rank, i + 1);
	s.ranks.first[CLUSTER_CLASS_PUBLIC] = 3;
	choose(&s);
	assert_int_equal(s.cluster[3].rank, 1);
	assert_int_equal(s.cluster[0].rank, 2);
	assert_int_equal(s.cluster[2].rank, 4);
	assert_int_equal(s.cluster[4].rank, 5);
	assert_int_equal(s.ranks.changes, 0);
}

/* Two clusters over UDP; 10 % better is what it takes. */
static void
test_margin(void **state)
{
	static const struct {
		uint64_t a, b; /* us; 0: down */
		uint32_t first;
		uint64_t changes;
	} row[] = {
	    {20000, 20000, 0, 0},
	    {20000, 18001, 0, 0}, /* better, but not by 10 % */
	    {20000, 18000, 1, 1}, /* just by 10 % */
	    {19000, 18000, 1, 1},
	    {17000, 18000, 1, 1}, /* 5.6 % */
	    {16200, 18000, 0, 2},
	    /* the present one no longer works: at once */
	    {0, 50000, 1, 3},
	    {45001, 50000, 1, 3},
	    {45000, 50000, 0, 4},
	    /* nobody works: the last one is remembered */
	    {0, 0, 0, 4},
	    {0, 0, 0, 4},
	    {45000, 50000, 0, 4},
	    {0, 0, 0, 4},
	    {0, 50000, 1, 5},
	};
	struct scene s;

	scene_init(&s, 2);
	add(&s, 0, TRANSPORT_UDP, STATE_UP, 0);
	add(&s, 1, TRANSPORT_UDP, STATE_UP, 0);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t us[2] = {row[i].a, row[i].b};

		for (int k = 0; k < 2; k++) {
			s.node[k].state = us[k] ? STATE_UP : STATE_DOWN;
			s.node[k].rtt_ns = us[k] ? us[k] * 1000 : STATS_NONE;
		}
		choose(&s);
		assert_int_equal(
		    s.ranks.first[CLUSTER_CLASS_PUBLIC], row[i].first);
		assert_int_equal(s.ranks.changes, row[i].changes);
		for (uint32_t k = 0; k < 2; k++)
			assert_int_equal(s.cluster[k].rank, us[k] == 0 ? 0
							    : k == row[i].first
								? 1
								: 2);
	}
}

/* A better transport needs no margin; a time that is not known loses. */
static void
test_margin_beside_times(void **state)
{
	struct scene s;

	scene_init(&s, 2);
	add(&s, 0, TRANSPORT_TCP, STATE_UP, 1 * MS);
	add(&s, 1, TRANSPORT_UDP, STATE_DOWN, STATS_NONE);
	choose(&s);
	assert_int_equal(s.cluster[0].rank, 1);
	s.node[1].state = STATE_UP;
	s.node[1].rtt_ns = 900 * MS;
	choose(&s);
	assert_int_equal(s.cluster[1].rank, 1);
	assert_int_equal(s.ranks.changes, 1);
	s.node[0].transport = TRANSPORT_UDP;
	s.node[0].rtt_ns = 899 * MS;
	choose(&s);
	assert_int_equal(s.cluster[1].rank, 1);
	s.node[1].rtt_ns = STATS_NONE;
	choose(&s);
	assert_int_equal(s.cluster[0].rank, 1);
	/* more than all cannot be gained */
	s.ranks.margin_ppm = 1000001;
	s.node[0].rtt_ns = 1000 * MS;
	s.node[1].rtt_ns = 0;
	choose(&s);
	assert_int_equal(s.cluster[0].rank, 1);
	s.ranks.margin_ppm = 1000000;
	choose(&s);
	assert_int_equal(s.cluster[1].rank, 1);
}

/* A roster changed: the row of the first is beyond it, or of another class. */
static void
test_first_that_is_gone(void **state)
{
	struct scene s;

	scene_init(&s, 2);
	add(&s, 0, TRANSPORT_UDP, STATE_UP, 5 * MS);
	add(&s, 1, TRANSPORT_UDP, STATE_UP, 4 * MS);
	s.ranks.first[CLUSTER_CLASS_PUBLIC] = 9;
	choose(&s);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_PUBLIC], 1);
	assert_int_equal(s.ranks.changes, 1);
	s.cluster[1].class = CLUSTER_CLASS_REFERENCE;
	choose(&s);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_PUBLIC], 0);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_REFERENCE], 1);
	assert_int_equal(s.ranks.changes, 2);
	choose_clusters(NULL, 0, s.node, s.nodes, &s.ranks);
	assert_int_equal(s.ranks.first[CLUSTER_CLASS_PUBLIC], 0);
}

/* ---- the rules as one would say them ---- */

/* Whether a node is one that a client would try over the transport. */
static bool
counts(const struct scene *s, size_t n, uint32_t cluster, unsigned transport)
{
	const struct choose_node *node = &s->node[n];

	return node->cluster == cluster && node->transport == transport &&
	       node->state >= STATE_UNKNOWN && node->state <= STATE_DOWN &&
	       (transport == TRANSPORT_UDP ||
		   s->cluster[cluster].class != CLUSTER_CLASS_VIDEO_MESH);
}

static unsigned
how_many(
    const struct scene *s, uint32_t cluster, unsigned transport, unsigned state)
{
	unsigned count = 0;

	for (size_t n = 0; n < s->nodes; n++)
		count += counts(s, n, cluster, transport) &&
			 (state == 0 || s->node[n].state == state);
	return count;
}

static enum reach
reach(const struct scene *s, uint32_t cluster, unsigned transport)
{
	if (how_many(s, cluster, transport, STATE_UP) > 0 ||
	    how_many(s, cluster, transport, STATE_DEGRADED) > 0)
		return REACH_REACHABLE;
	return how_many(s, cluster, transport, STATE_DOWN) > 0
		   ? REACH_UNREACHABLE
		   : REACH_UNTESTED;
}

static uint64_t
least_rtt(const struct scene *s, uint32_t cluster, unsigned transport)
{
	uint64_t least = STATS_NONE;

	for (size_t n = 0; n < s->nodes; n++)
		if (counts(s, n, cluster, transport) &&
		    (s->node[n].state == STATE_UP ||
			s->node[n].state == STATE_DEGRADED) &&
		    s->node[n].rtt_ns < least)
			least = s->node[n].rtt_ns;
	return least;
}

/* Of those with the least time, the one of the least index. */
static uint32_t
best_index(const struct scene *s, uint32_t cluster, unsigned transport)
{
	uint64_t least = least_rtt(s, cluster, transport);
	uint32_t best = 0;

	for (size_t n = 0; n < s->nodes; n++)
		if (counts(s, n, cluster, transport) &&
		    (s->node[n].state == STATE_UP ||
			s->node[n].state == STATE_DEGRADED) &&
		    s->node[n].rtt_ns == least &&
		    (best == 0 || s->node[n].index < best))
			best = s->node[n].index;
	return best;
}

static unsigned
preferred(const struct scene *s, uint32_t cluster)
{
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
		if (reach(s, cluster, t) == REACH_REACHABLE)
			return t;
	return 0;
}

static enum state
cluster_state(const struct scene *s, uint32_t cluster)
{
	unsigned p = preferred(s, cluster);
	bool failed = false;

	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
		failed |= (p == 0 || t < p) &&
			  reach(s, cluster, t) == REACH_UNREACHABLE;
	if (p == 0)
		return failed ? STATE_DOWN : STATE_UNKNOWN;
	if (failed || how_many(s, cluster, p, STATE_UP) == 0)
		return STATE_DEGRADED;
	return STATE_UP;
}

/* Whether b would be chosen before a, were there no present choice. */
static bool
is_better(const struct scene *s, uint32_t b, uint32_t a)
{
	unsigned p = preferred(s, a), q = preferred(s, b);
	uint64_t x, y;

	if (p == 0 || q == 0 || p != q)
		return q != 0 && (p == 0 || q < p);
	x = least_rtt(s, a, p);
	y = least_rtt(s, b, q);
	return y < x || (y == x && b < a);
}

/* The row that has rank 1 in the class; NONE when none can be chosen. */
static uint32_t
winner(const struct scene *s, unsigned class, uint32_t had)
{
	uint32_t best = NONE;
	double x, y;

	for (uint32_t i = 0; i < s->clusters; i++)
		if (s->cluster[i].class == class && preferred(s, i) != 0 &&
		    (best == NONE || is_better(s, i, best)))
			best = i;
	if (best == NONE || had >= s->clusters ||
	    s->cluster[had].class != class || preferred(s, had) == 0 ||
	    preferred(s, best) < preferred(s, had))
		return best;
	x = (double)least_rtt(s, best, preferred(s, best));
	y = (double)least_rtt(s, had, preferred(s, had));
	/* all times of the test are exact in a double, but for "none" */
	if (least_rtt(s, had, preferred(s, had)) == STATS_NONE)
		return x < y ? best : had;
	return x < y && (y - x) * 1e6 >= y * s->ranks.margin_ppm ? best : had;
}

static uint32_t
rank(const struct scene *s, uint32_t i, uint32_t first)
{
	uint32_t r = 1;

	if (preferred(s, i) == 0)
		return 0;
	if (i == first)
		return 1;
	for (uint32_t k = 0; k < s->clusters; k++)
		r += s->cluster[k].class == s->cluster[i].class && k != i &&
		     (k == first || is_better(s, k, i));
	return r;
}

static void
check_cluster(const struct dice *d, const struct scene *s, uint32_t i)
{
	const struct choose_cluster *c = &s->cluster[i];
	unsigned nodes = 0;

	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++) {
		const struct choose_link *l = &c->link[t - 1];

		nodes += how_many(s, i, t, 0);
		DICE_EQUAL(d, l->nodes, how_many(s, i, t, 0));
		DICE_EQUAL(d, l->nodes_up,
		    how_many(s, i, t, STATE_UP) +
			how_many(s, i, t, STATE_DEGRADED));
		DICE_EQUAL(d, l->reach, reach(s, i, t));
		DICE_EQUAL(d, l->rtt_ns, least_rtt(s, i, t));
		DICE_EQUAL(d, l->best, best_index(s, i, t));
	}
	DICE_EQUAL(d, c->nodes, nodes);
	DICE_EQUAL(d, c->preferred, preferred(s, i));
	DICE_EQUAL(d, c->state, cluster_state(s, i));
	DICE_EQUAL(d, c->rank, rank(s, i, s->ranks.first[c->class]));
}

static void
random_scene(struct dice *d, struct scene *s)
{
	scene_init(s, dice_below(d, CLUSTERS + 1));
	s->ranks.margin_ppm = (uint32_t)dice_below(d, 4) * 50000;
	for (size_t i = 0; i < s->clusters; i++)
		s->cluster[i].class =
		    (uint8_t)(1 + dice_below(d, CLUSTER_CLASS_END - 1));
	for (size_t n = dice_below(d, NODES); n > 0; n--) {
		struct choose_node *node =
		    add(s, (uint32_t)dice_below(d, s->clusters + 1),
			(enum transport)dice_below(d, 5), STATE_UNKNOWN, 0);

		/* in no order, each once: 7 is prime to 64 */
		node->index = 1 + node->index * 7 % 64;
	}
}

/* Some nodes change; mostly they are up, so that clusters compete. */
static void
random_step(struct dice *d, struct scene *s, unsigned percent_up)
{
	for (size_t n = 0; n < s->nodes; n++) {
		if (dice_chance(d, 50))
			continue;
		s->node[n].state = dice_chance(d, percent_up)
				       ? STATE_UP
				       : (uint8_t)dice_below(d, STATE_END);
		s->node[n].rtt_ns = dice_chance(d, 10)
					? STATS_NONE
					: (8 + dice_below(d, 16)) * MS;
	}
}

static void
test_random(void **state)
{
	for (uint64_t i = 0; i < 3000; i++) {
		struct dice d = dice_case(i);
		unsigned percent_up = (unsigned)dice_below(&d, 100);
		uint64_t changes = 0, transport_changes[CLUSTERS] = {0};
		unsigned last[CLUSTERS] = {0};
		struct scene s;

		random_scene(&d, &s);
		for (int step = 0; step < 12; step++) {
			uint32_t had[CLUSTER_CLASS_END];

			random_step(&d, &s, percent_up);
			memcpy(had, s.ranks.first, sizeof(had));
			choose(&s);
			for (unsigned k = 1; k < CLUSTER_CLASS_END; k++) {
				uint32_t w = winner(&s, k, had[k]);

				DICE_EQUAL(&d, s.ranks.first[k],
				    w == NONE ? had[k] : w);
			}
			changes += had[1] != NONE && had[1] != s.ranks.first[1];
			DICE_EQUAL(&d, s.ranks.changes, changes);
			for (uint32_t k = 0; k < s.clusters; k++) {
				unsigned p = preferred(&s, k);

				check_cluster(&d, &s, k);
				transport_changes[k] +=
				    p != 0 && last[k] != 0 && p != last[k];
				last[k] = p != 0 ? p : last[k];
				DICE_EQUAL(&d, s.cluster[k].transport_changes,
				    transport_changes[k]);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transports),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_transport_changes),
	    cmocka_unit_test(test_video_mesh_is_udp_only),
	    cmocka_unit_test(test_ranks_by_class),
	    cmocka_unit_test(test_ties),
	    cmocka_unit_test(test_margin),
	    cmocka_unit_test(test_margin_beside_times),
	    cmocka_unit_test(test_first_that_is_gone),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
