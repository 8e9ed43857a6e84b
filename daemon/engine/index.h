/*
 * Texts to numbers: a hash table that only grows, for the indexes by name
 * (kept for good) and for finding rows by key. Control thread only.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_entry {
	char *text; /* owned */
	uint64_t value;
};

struct index {
	struct index_entry *slot; /* owned; text NULL: free */
	size_t slots, used;
};

void index_free(struct index *x); /* the contents */
struct index_entry *index_find(const struct index *x, const char *text);
/* The entry of the text, made with value 0 if there is none; NULL: no memory.
 */
struct index_entry *index_add(struct index *x, const char *text);

#endif
