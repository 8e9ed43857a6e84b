/*
 * One list of media nodes from outside: its last good content, and whether
 * it can be read now. Where the content comes from, and when, is discovery.c's.
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "nodelist.h"
#include "word.h"

enum { FEED_MOST = 16 << 20 }; /* bytes of a document */

struct transfer_carrier;
struct uv_loop_s;

/* What every source works with; discovery.c's. */
struct feed_env {
	struct uv_loop_s *loop;
	struct transfer_carrier *carrier;
	const struct config *config; /* of the last discovery_configure() */
	/*
	 * The end of each callback of a source: its due time and maybe its
	 * list are others now. The source may be gone when it returns.
	 */
	void (*published)(void *arg, bool changed);
	void *arg;
};

struct feed {
	enum source kind;
	char *name;		      /* owned */
	struct nodelist *list;	      /* owned: of documents; or NULL */
	struct config_target *target; /* owned: of target files; or NULL */
	size_t targets;
	bool have;	    /* there is a last good content */
	uint8_t digest[32]; /* SHA-256 of it */
	bool tried, failing;
	int64_t last_success; /* CLOCK_REALTIME ns, 0 never */
	uint64_t failures, nodes, rejected;
};

struct feed *feed_new(enum source kind, const char *name);
void feed_free(struct feed *f);

/*
 * Content was read. It is parsed unless it is that of the last time (for a
 * target file: and under the same configuration); what cannot be parsed is a
 * failure. Whether the list is another one now; the old one is freed.
 */
bool feed_accept(
    struct feed *f, const struct config *c, const char *text, size_t len);
/*
 * The same with a file's content: only a regular file, so that nobody's FIFO
 * stops us.
 */
bool feed_read(struct feed *f, const struct config *c, const char *path);
/* The next content is parsed even if it is the same. */
void feed_forget(struct feed *f);

/* It could not be read: counted, and told of when it is the first time. */
void feed_fail(struct feed *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Between 9 and 11 tenths of it: a thousand daemons do not ask at once. */
uint64_t feed_spread(uint64_t ns);

#endif
