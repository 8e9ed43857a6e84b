/* Snapshots made by hand, for the tests of the faces. */
#ifndef MOCK_SNAPSHOT_H
#define MOCK_SNAPSHOT_H

#include <stddef.h>

#include "snapshot.h"

/* The moment of every snapshot made here: 2023-05-24T10:11:12.5Z. */
#define MOCK_NOW INT64_C(1684923072500000000)

/* Empty, one reference; snapshot_unref() frees it with all its items. */
struct snapshot *mock_snapshot(void);

/* One more item: every number is STATS_NONE, every text NULL; copied labels. */
void *mock_item(struct snapshot *s, enum stats_scope scope, const char *labels);
#define MOCK(s, name, labels) \
	((struct snap_##name *)mock_item(s, SCOPE_##name, labels))

/*
 * A site at work: three clusters over three transports and a few other
 * targets, one of them down, one degraded; UDP to one cluster is blocked.
 */
struct snapshot *mock_site(void);

/* A site with nothing in it but n targets with all their statistics. */
struct snapshot *mock_many(size_t n);

/* What snapshot_get() gives; it takes the reference over. */
void mock_publish(struct snapshot *s);
/* References held by others than mock_publish(), to show leaks. */
unsigned mock_refs(void);

#endif
