/*
 * A profile: what a vendor requires, as data. This much of it concerns media:
 * default ports per transport and the media subnets, in revisions.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "subnet.h"
#include "word.h"

struct doc_errors;

struct profile_subnet {
	char *id;		/* "NET-01" */
	char *text;		/* "198.51.100.0/24", the label value */
	char *tags;		/* "azure,cvi": the file's words, or "" */
	struct subnet subnet;
};

struct profile {
	char *id, *vendor, *revision, *file;
	uint16_t port[TRANSPORT_END];	/* default media ports, 0: none */
	struct profile_subnet *subnet;	/* of the revision chosen */
	size_t subnets;
	struct subnet_table *table;	/* over them; row i is subnet[i] */
};

/*
 * Reads a profile file and makes the given revision of it ("" or NULL: its
 * default). Errors are appended, NULL is returned. Owned by the caller.
 */
struct profile *profile_load(const char *file, const char *revision,
    struct doc_errors *errors);
/* The same from memory; file names it in messages. */
struct profile *profile_parse(const char *file, const char *text, size_t len,
    const char *revision, struct doc_errors *errors);
void profile_free(struct profile *p);

#endif
