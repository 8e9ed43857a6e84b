/*
 * The bytes of an answer while they are made, a piece at a time, so that a
 * scrape of 60 MB never stands in memory as a whole.
 */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct body;
struct buf;

/* One kind of body. Both calls get the arg of body_new(). */
struct body_kind {
	/* Appends a next piece, of some KiB at best; false at the end. */
	bool (*more)(void *arg, struct buf *out);
	void (*free)(void *arg);
};

/* Takes arg over, also when it fails (NULL: no memory, or arg is NULL). */
struct body *body_new(const struct body_kind *kind, void *arg);
void body_free(struct body *b);

/* A body of bytes that are there already; takes them over, empties text. */
struct body *body_of(struct buf *text);

/* How many bytes it has in all, or -1 when that shows only at its end. */
ssize_t body_length(const struct body *b);

/* Up to max next bytes; 0 at the end, -ENOMEM (and nothing more) on failure. */
ssize_t body_read(struct body *b, char *out, size_t max);

/* All that is left, appended. 0 or -ENOMEM. */
int body_drain(struct body *b, struct buf *out);

/*
 * The same bytes compressed (RFC 1952). Takes `plain` over, also when it
 * fails. NULL: no memory, or plain was NULL.
 */
struct body *body_gzip(struct body *plain);

#endif
