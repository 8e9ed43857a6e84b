/*
 * How the files that read a profile share the work; nobody else includes it.
 * Every mistake is appended to errors, and reading goes on.
 */
#ifndef PROFILE_READ_H
#define PROFILE_READ_H

#include "doc.h"
#include "profile.h"

struct profile_reader {
	struct profile *p;
	struct doc_errors *errors;
	const struct doc_node *revisions; /* list of the file, or NULL */
};

/* A text; "" with an error when it is none or, if it must be, not there. */
const char *profile_read_text(struct profile_reader *r,
    const struct doc_node *map, const char *key, bool must);
/* A copy of it; NULL with an error without memory. */
char *profile_read_copy(struct profile_reader *r, const struct doc_node *map,
    const char *key, bool must);
/* An error for each other key; allowed: keys with a space after each. */
void profile_read_keys(struct profile_reader *r, const struct doc_node *map,
    const char *allowed);
/* A mapping or list that must be there, or NULL with an error. */
const struct doc_node *profile_read_shape(struct profile_reader *r,
    const struct doc_node *map, const char *key, enum doc_kind kind);
/* A list, or NULL when it is not there; an error when it is none. */
const struct doc_node *profile_read_list(
    struct profile_reader *r, const struct doc_node *map, const char *key);
/* Copies of a list's texts; *n of them. NULL: there are none. */
char **profile_read_texts(struct profile_reader *r,
    const struct doc_node *map, const char *key, size_t *n);
void profile_read_texts_free(char **text, size_t n);

/* Whether there is a revision of that name; an error that there is none. */
bool profile_read_revision(const struct profile_reader *r, const char *name);
void profile_read_no_revision(
    struct profile_reader *r, const struct doc_node *at, const char *name);
/* Whether it holds in the revision that is read: `revisions`, or in all. */
bool profile_read_holds(struct profile_reader *r, const struct doc_node *row);

/* requirement_read.c: the members products and requirements of the root. */
void requirement_read(struct profile_reader *r, const struct doc_node *root);

#endif
