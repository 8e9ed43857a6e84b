/*
 * What the status page shows, in its order: media clusters by class and rank
 * with their links and losses, targets with the troubled ones on top. It
 * points into the snapshot that it was made from.
 */
#ifndef PAGE_DATA_H
#define PAGE_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

enum { PAGE_DATA_MEDIA = TRANSPORT_TLS };	/* transports of media */

struct page_data_cluster {
	char name[CLUSTER_NAME + 1];
	unsigned class;				/* 0: not known */
	const struct snap_cluster *item;
	const struct snap_link *link[PAGE_DATA_MEDIA];	/* NULL: none */
	/* of the shortest window, over the targets of each transport */
	uint64_t requests[PAGE_DATA_MEDIA], answers[PAGE_DATA_MEDIA];
};

struct page_data_target {
	unsigned order;				/* of its state: down is 0 */
	const struct snap_target *item;
	const struct snap_window *window;	/* shortest first */
	size_t windows;
};

struct page_data {
	struct page_data_cluster *cluster;
	struct page_data_target *target;
	size_t clusters, targets;
};

/* 0 or -ENOMEM; page_data_free() either way. */
int page_data_make(struct page_data *d, const struct snapshot *s);
void page_data_free(struct page_data *d);

#endif
