/*
 * What the daemon says of itself: a source of snapshots. The control thread
 * sets, reading threads fill; a lock of its own between them.
 */
#ifndef TELEMETRY_H
#define TELEMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "discovery.h"
#include "engine.h"
#include "resolve.h"
#include "shard.h"
#include "snapshot.h"

struct telemetry;

struct telemetry *telemetry_new(struct engine *const *engine, unsigned engines);
void telemetry_free(struct telemetry *t);
struct snapshot_source telemetry_source(struct telemetry *t);

/* The configuration in effect; what is needed of it is copied. */
void telemetry_config(struct telemetry *t, const struct config *c);
/* Once, before anybody reads. */
void telemetry_shard(struct telemetry *t, const struct shard *shard);
void telemetry_reload(struct telemetry *t, bool ok);
void telemetry_network(struct telemetry *t, unsigned kinds);
void telemetry_sources(
    struct telemetry *t, const struct discovery_status *source, size_t n);
/* What the resolver knows of the names that are wanted. */
void telemetry_names(
    struct telemetry *t, const struct resolve *r, char *const *host, size_t n);
void telemetry_saved(struct telemetry *t);

#endif
