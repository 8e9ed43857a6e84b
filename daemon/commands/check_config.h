/*
 * What a configuration would do, without doing it: `reachd --config.check`.
 * Needs no privileges and no network; names count as two addresses.
 */
#ifndef CHECK_CONFIG_H
#define CHECK_CONFIG_H

#include <stdio.h>

struct config;
struct inventory;
struct shard;

/*
 * Writes targets, time series, memory and load of the shard to out, with what
 * each of the shards has, and all mistakes of the file and of its target files
 * to errors. The exit code: 0, or 1 when there are mistakes.
 */
int check_config_main(const char *file, const struct shard *shard, FILE *out,
    FILE *errors);

/* How many time series a scrape will have; for a whole configuration. */
size_t check_config_series(const struct config *c, const struct inventory *i);
/* Bytes: of the rings of samples, and of the whole process with them. */
struct check_config_memory {
	size_t samples, all;
};
struct check_config_memory check_config_memory(
    const struct config *c, const struct inventory *i);

#endif
