/*
 * Choosing. Links are the sum of their nodes, clusters that of their links;
 * clusters are ordered by a merge sort through their `next`, so that nothing
 * is allocated and equal ones keep their order.
 */
#include "build.h"

#include "choose.h"
#include "stats.h"

#define END UINT32_MAX

/* A link is as good as the best of its nodes. */
static const uint8_t goodness[STATE_END] = {
    [STATE_UNKNOWN] = 1,
    [STATE_DOWN] = 2,
    [STATE_DEGRADED] = 3,
    [STATE_UP] = 4,
};

static const uint8_t reach_of[STATE_END] = {
    [STATE_UNKNOWN] = REACH_UNTESTED,
    [STATE_DOWN] = REACH_UNREACHABLE,
    [STATE_DEGRADED] = REACH_REACHABLE,
    [STATE_UP] = REACH_REACHABLE,
};

static void
clear_links(struct choose_cluster *c)
{
	for (unsigned t = 0; t < CHOOSE_TRANSPORTS; t++)
		c->link[t] = (struct choose_link){
		    .reach = REACH_UNTESTED,
		    .state = STATE_UNKNOWN,
		    .rtt_ns = STATS_NONE,
		};
	c->nodes = 0;
}

/* Whether a client would try the node at all. */
static bool
is_candidate(const struct choose_cluster *c, const struct choose_node *n)
{
	if (n->transport < TRANSPORT_UDP || n->transport > TRANSPORT_TLS)
		return false;
	if (n->state >= STATE_END || goodness[n->state] == 0)
		return false;
	return c->class != CLUSTER_CLASS_VIDEO_MESH ||
	       n->transport == TRANSPORT_UDP;
}

static void
add_node(struct choose_cluster *c, const struct choose_node *n)
{
	struct choose_link *link = &c->link[n->transport - TRANSPORT_UDP];

	c->nodes++;
	link->nodes++;
	if (goodness[n->state] > goodness[link->state])
		link->state = n->state;
	link->reach = reach_of[link->state];
	if (reach_of[n->state] != REACH_REACHABLE)
		return;
	link->nodes_up++;
	/* STATS_NONE is above all times: better than nothing, but just so. */
	if (link->best == 0 || n->rtt_ns < link->rtt_ns ||
	    (n->rtt_ns == link->rtt_ns && n->index < link->best)) {
		link->best = n->index;
		link->rtt_ns = n->rtt_ns;
	}
}

static void
prefer(struct choose_cluster *c)
{
	c->preferred = 0;
	for (unsigned t = CHOOSE_TRANSPORTS; t-- > 0;)
		if (c->link[t].reach == REACH_REACHABLE)
			c->preferred = (uint8_t)(TRANSPORT_UDP + t);
	/* An outage between is none: it went from one to the other. */
	if (c->preferred == 0)
		return;
	if (c->last != 0 && c->last != c->preferred)
		c->transport_changes++;
	c->last = c->preferred;
}

/* Up: by the best transport that was tested, to a node that is up. */
static enum state
state_of(const struct choose_cluster *c)
{
	unsigned best = c->preferred != 0 ? c->preferred - TRANSPORT_UDP
					  : CHOOSE_TRANSPORTS;

	for (unsigned t = 0; t < best; t++)
		if (c->link[t].reach == REACH_UNREACHABLE)
			return c->preferred != 0 ? STATE_DEGRADED : STATE_DOWN;
	if (c->preferred == 0)
		return STATE_UNKNOWN;
	return c->link[best].state;
}

static uint64_t
rtt_of(const struct choose_cluster *c)
{
	return c->link[c->preferred - TRANSPORT_UDP].rtt_ns;
}

static bool
is_before(const struct choose_cluster *c, uint32_t a, uint32_t b)
{
	if (c[a].class != c[b].class)
		return c[a].class < c[b].class;
	if (c[a].preferred != c[b].preferred)
		return c[a].preferred < c[b].preferred;
	if (rtt_of(&c[a]) != rtt_of(&c[b]))
		return rtt_of(&c[a]) < rtt_of(&c[b]);
	return a < b;
}

static uint32_t
merge(struct choose_cluster *c, uint32_t a, uint32_t b)
{
	uint32_t head = END, *tail = &head;

	while (a != END && b != END) {
		uint32_t *from = is_before(c, a, b) ? &a : &b;

		*tail = *from;
		tail = &c[*from].next;
		*from = *tail;
	}
	*tail = a != END ? a : b;
	return head;
}

/* A list of those rows that can be chosen, the best of each class first. */
static uint32_t
sort(struct choose_cluster *c, uint32_t begin, uint32_t end)
{
	uint32_t middle = begin + (end - begin) / 2;

	if (begin == end)
		return END;
	if (end - begin > 1)
		return merge(c, sort(c, begin, middle), sort(c, middle, end));
	c[begin].rank = 0;
	c[begin].next = END;
	if (c[begin].preferred == 0 || c[begin].class == 0 ||
	    c[begin].class >= CLUSTER_CLASS_END)
		return END;
	return begin;
}

/* Whether a is so much better than b that b's place is worth taking. */
static bool
is_worth(const struct choose_cluster *a, const struct choose_cluster *b,
    uint32_t margin_ppm)
{
	uint64_t x = rtt_of(a), y = rtt_of(b);

	if (a->preferred != b->preferred)
		return a->preferred < b->preferred;
	if (x >= y)
		return false;
	return y == STATS_NONE || (unsigned __int128)(y - x) * 1000000 >=
				      (unsigned __int128)y * margin_ppm;
}

/* Ranks one class, whose list begins at i; returns where the next begins. */
static uint32_t
rank_class(struct choose_cluster *c, size_t clusters, uint32_t i,
    struct choose_ranks *ranks)
{
	unsigned class = c[i].class;
	uint32_t had = ranks->first[class], first = i, rank = 2;

	if (had < clusters && c[had].class == class && c[had].preferred != 0 &&
	    !is_worth(&c[i], &c[had], ranks->margin_ppm))
		first = had;
	ranks->first[class] = first;
	for (; i != END && c[i].class == class; i = c[i].next)
		c[i].rank = i == first ? 1 : rank++;
	return i;
}

void
choose_clusters(struct choose_cluster *c, size_t clusters,
    const struct choose_node *n, size_t nodes, struct choose_ranks *ranks)
{
	uint32_t had = ranks->first[CLUSTER_CLASS_PUBLIC], i;

	for (size_t k = 0; k < clusters; k++)
		clear_links(&c[k]);
	for (size_t k = 0; k < nodes; k++)
		if (n[k].cluster < clusters &&
		    is_candidate(&c[n[k].cluster], &n[k]))
			add_node(&c[n[k].cluster], &n[k]);
	for (size_t k = 0; k < clusters; k++) {
		prefer(&c[k]);
		c[k].state = (uint8_t)state_of(&c[k]);
	}
	for (i = sort(c, 0, (uint32_t)clusters); i != END;)
		i = rank_class(c, clusters, i, ranks);
	if (had != END && had != ranks->first[CLUSTER_CLASS_PUBLIC])
		ranks->changes++;
}
