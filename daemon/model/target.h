/*
 * A target: one path that is probed. Immutable once made, shared by
 * reference; equal keys mean the same path, so its samples go on.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdint.h>

#include "probe.h"

enum { TARGET_NAME = 32, CLUSTER_NAME = 64, TARGET_KEY = 256 };

/* What the judge is told; from `thresholds`, per target. */
struct thresholds {
	uint32_t loss_degraded;		/* ppm; 0: never */
	uint32_t loss_recovered;	/* ppm, below it loss is normal again */
	uint64_t rtt_degraded;		/* ns; 0: never */
	uint64_t rtt_recovered;
	uint16_t down_after, up_after;	/* probes in a row */
	uint16_t flap_changes;		/* in flap_ns, that damp; 0: never */
	uint64_t flap_ns;
	uint64_t certificate_ns;	/* before it expires; 0: never */
};

struct target {
	char name[TARGET_NAME + 1];
	char *key;			/* owned: probe and path as text, the
					   identity; below TARGET_KEY octets */
	char cluster[CLUSTER_NAME + 1];	/* "" outside media clusters */
	enum cluster_class class;
	const char *probe;		/* collector's name; static */
	struct path path;		/* host points to `host` below */
	char *host;			/* owned */
	struct ask *ask;		/* reference or NULL; path has it */
	char *url;			/* owned or NULL; path has it */
	struct proxy *proxy;		/* reference or NULL; path has it */
	uint16_t port;			/* path.addr's; set by the maker while
					   that is not resolved */
	char *labels;			/* owned: escaped, as stats.h says */
	char *info;			/* owned: those of reachd_target_info */
	uint32_t index;			/* set once by the store; 1.. */
	uint64_t interval_ns, spacing_ns;
	uint64_t retry_ns;		/* 0: not before the interval is over */
	uint64_t ring_ns;		/* longest window: the ring holds it */
	unsigned count;			/* requests in a probe */
	enum expect expect;
	struct thresholds thresholds;
	uint32_t subnet;		/* 1 + row of the profile; 0 none */
	uint32_t phase;			/* in the interval: hash of the name */
	unsigned refs;			/* atomic; target_ref/unref only */
};

/*
 * Zeroed, one reference, path.host and host set to a copy. The name has at
 * most TARGET_NAME octets. NULL: no memory.
 */
struct target *target_new(const char *name, const char *host);
struct target *target_ref(struct target *t);
void target_unref(struct target *t);

/*
 * Once every other field is set: makes key, labels, info, phase, and port of
 * a resolved path. The phase is spread evenly over all 32 bits. 0 or -ENOMEM.
 */
int target_seal(struct target *t);

/* The host whose address the path has: of the proxy, if there is one. */
const char *target_next_hop(const struct target *t);

/* The shortest time between two probes that are not out of turn, ns. */
uint64_t target_shortest(const struct target *t);

/*
 * How many samples the ring must hold: those of ring_ns and of a few probes
 * out of turn. A power of two, 64 to 2^23.
 */
uint32_t target_ring_size(const struct target *t);

/*
 * A stable name of at most 32 octets for a node of a cluster: cluster (cut if
 * it must be, octets but letters, digits, "-_." made "-"), transport, port,
 * and a hash of cluster, host and address, so that it is the same in every
 * process: "fra1-udp-5004-c61d2a". salt > 0 gives another one, for the rare
 * collision. No address is in it. The port is addr's: while host is not
 * resolved, pass an unspecified address (0.0.0.0) that has it.
 */
void target_node_name(char out[TARGET_NAME + 1], const char *cluster,
    const struct path *path, unsigned salt);

/* FNV-1a, 64 bits: phases, names, shards. The same on every machine. */
uint64_t target_hash(const char *text, uint64_t seed);

/* Escapes \ " and newline for a label value; appends to the buffer. */
struct buf;
void target_label_escape(struct buf *b, const char *value);
/* name="value", with a comma before it unless the buffer is empty. */
void target_label_pair(struct buf *b, const char *name, const char *value);

#endif
