/*
 * A discovery document as a source: a watched file, or a URL that is fetched
 * now and then with a token that is read anew each time.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "feed.h"

struct transfer;
struct watch;

struct document {
	struct feed_env *env;
	struct feed *feed;	      /* owned */
	struct config_discovery spec; /* owned: a copy */
	struct watch *watch;	      /* of a file */
	struct transfer *get;	      /* of a URL, while under way */
	uint64_t due;		      /* monotonic ns; UINT64_MAX: under way */
	unsigned tries;		      /* failed ones in a row */
	bool keep;		      /* for the caller's use */
};

/* Nothing is read yet: it is due at once. NULL: no memory. */
struct document *document_open(
    struct feed_env *env, const struct config_discovery *spec);
void document_close(struct document *doc);

/* Whether it is the same source, however it may be fetched. */
bool document_is(
    const struct document *doc, const struct config_discovery *spec);
/* Fetched in that way from now on; due at once if that is another one. */
void document_adopt(struct document *doc, const struct config_discovery *spec);

/* Reads the file, or begins to fetch; whether the list is another one. */
bool document_refresh(struct document *doc);

#endif
