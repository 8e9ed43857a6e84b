/*
 * Reads the text of labels that an item of a snapshot begins with, such as
 * target="fra1-udp",transport="udp", one pair at a time. Pure.
 */
#ifndef LABELS_H
#define LABELS_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* A pair; both point into the text. The value is still escaped. */
struct labels_pair {
	const char *name, *value;
	size_t name_len, value_len;
};

/* The pair at *at, which moves behind it. False at the end (or NULL). */
bool labels_next(const char **at, struct labels_pair *pair);

/* The value of that name without its escapes, appended; false: no such. */
bool labels_value(const char *labels, const char *name, struct buf *out);

/*
 * Whether an item with the labels `child` belongs to the one with `parent`:
 * it has the same labels, perhaps with more behind them. Returns what is
 * more ("" for nothing), or NULL.
 */
const char *labels_rest(const char *child, const char *parent);

#endif
