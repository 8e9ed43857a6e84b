/*
 * Lists of media nodes that live outside the configuration: documents in
 * watched files, documents behind URLs, Prometheus file_sd files. The last
 * good list of each source is kept when a refresh fails. Control thread only.
 */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "nodelist.h"

struct uv_loop_s;
struct discovery;

struct discovery_setup {
	struct uv_loop_s *loop;
	void (*changed)(void *arg); /* some list is another one now */
	void *arg;
};

/* One source, as the exposition shows it. */
struct discovery_status {
	const char *name;
	enum source kind;
	bool tried, failing;  /* to be read; the last attempt did */
	int64_t last_success; /* CLOCK_REALTIME ns, 0 never */
	uint64_t failures, nodes, rejected;
};

struct discovery *discovery_new(const struct discovery_setup *setup);
void discovery_free(struct discovery *d);

/*
 * The sources of this configuration from now on (borrowed until the next
 * call); those that stay keep their list. Files are read before it returns,
 * URLs are fetched in the background.
 */
void discovery_configure(struct discovery *d, const struct config *c);

/* The last good lists, borrowed until changed() or the next call. */
size_t discovery_lists(
    const struct discovery *d, const struct nodelist *const **out);
size_t discovery_targets(const struct discovery *d,
    const struct config_target *const **out, const size_t **counts);
size_t discovery_sources(
    const struct discovery *d, struct discovery_status *out, size_t max);
/* Whether every source was read, or failed, at least once. */
int discovery_settled(const struct discovery *d);

#endif
