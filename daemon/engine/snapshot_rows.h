/* The part of a snapshot that comes from the store's rows and decisions. */
#ifndef SNAPSHOT_ROWS_H
#define SNAPSHOT_ROWS_H

#include <stdbool.h>

#include "snapshot.h"

struct arena;

struct snapshot_builder {
	struct snapshot *snapshot;
	struct arena *arena; /* the snapshot's */
	struct snapshot_settings settings;
	unsigned history; /* samples of each target that are kept */
	int64_t offset;	  /* real minus monotonic */
	size_t room[STATS_SCOPES];
	void *blank[STATS_SCOPES]; /* an item as it starts */
	bool err;
};

/* Under store_read_lock(), with the roster taken while it is held. */
void snapshot_rows_fill(struct snapshot_builder *b, struct store *s);

#endif
