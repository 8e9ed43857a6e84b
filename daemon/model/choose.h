/*
 * What a client would choose: per media cluster a transport, and over all
 * clusters an order. Pure. UDP before TCP before TLS, then the least RTT;
 * another is taken only when it is better by a margin, or when the present
 * one no longer works.
 */
#ifndef CHOOSE_H
#define CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "word.h"

enum { CHOOSE_TRANSPORTS = 3 };		/* udp tcp tls: index TRANSPORT_x - 1 */

/* One node over one transport, as judged. */
struct choose_node {
	uint32_t cluster;	/* row in the array of clusters */
	uint8_t transport;	/* TRANSPORT_UDP.._TLS */
	uint8_t state;		/* enum state */
	uint32_t index;		/* of the target */
	uint64_t rtt_ns;	/* mean, shortest window, or STATS_NONE */
};

struct choose_link {
	uint8_t reach;		/* enum reach */
	uint8_t state;		/* enum state: that of the best node */
	uint32_t nodes, nodes_up;
	uint64_t rtt_ns;	/* of the best node; STATS_NONE */
	uint32_t best;		/* its target index, 0 for none */
};

struct choose_cluster {
	uint8_t class;		/* enum cluster_class, set by the caller */
	/* made by choose_clusters(); state carries over between calls */
	uint8_t state;		/* enum state of the whole cluster */
	uint8_t preferred;	/* TRANSPORT_x, 0 for none */
	uint8_t last;		/* preferred when there last was one */
	uint32_t next;		/* choose.c's own */
	uint32_t rank;		/* 1.. among its class; 0: cannot be chosen */
	uint32_t nodes;		/* targets; distinct nodes: the caller's */
	uint64_t transport_changes;
	struct choose_link link[CHOOSE_TRANSPORTS];
};

/* Who has rank 1, carried over between calls. */
struct choose_ranks {
	/* by how much of the present RTT a rival must be better; so much is
	   enough, and a better transport needs none */
	uint32_t margin_ppm;
	/*
	 * The row of the cluster that last had rank 1 in its class, kept while
	 * none can be chosen; UINT32_MAX: there was none yet.
	 */
	uint32_t first[CLUSTER_CLASS_END];
	uint64_t changes;	/* of first[PUBLIC] */
};

/*
 * Works out links, preferred transports, states and ranks. A target that is
 * up or degraded is reachable; unknown ones are untested, disabled ones are
 * left out. The caller leaves out targets that are expected to be blocked.
 * A link is unreachable when a node of it is down and none is reachable. A
 * cluster is up when a node is up over the best transport that was tested,
 * degraded when a better one is unreachable or its nodes are degraded. Video
 * Mesh is judged over UDP only; its other links stay untested.
 * transport_changes counts changes from one preferred transport to another;
 * an outage between is none.
 */
void choose_clusters(struct choose_cluster *c, size_t clusters,
    const struct choose_node *n, size_t nodes, struct choose_ranks *ranks);

#endif
