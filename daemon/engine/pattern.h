/*
 * Target files of one pattern (Prometheus file_sd): each file that matches
 * is a source of its own, which comes and goes with the file. A name without
 * wildcards has to be there, and keeps its targets when it is not.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"

struct watch;

struct pattern {
	struct feed_env *env;
	char *path; /* owned */
	bool glob;
	struct watch *watch;
	struct pattern_member {
		struct feed *feed; /* owned; its name is the path */
		uint64_t stamp;
		bool keep;
	} * member;
	size_t members;
	uint64_t due; /* monotonic ns */
	bool keep;    /* for the caller's use */
};

/* Nothing is read yet. NULL: no memory. */
struct pattern *pattern_open(struct feed_env *env, const char *path);
void pattern_close(struct pattern *p);

/*
 * Reads files that are new or changed, or all of them; whether any list is
 * another one, or gone.
 */
bool pattern_refresh(struct pattern *p, bool all);
/* The configuration is another one: each file has to be parsed again. */
void pattern_forget(struct pattern *p);

#endif
