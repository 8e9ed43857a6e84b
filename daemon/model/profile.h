/*
 * A profile: what a vendor requires, as data: default ports per transport
 * and media subnets, in revisions, and the requirements row by row.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "subnet.h"
#include "word.h"

struct doc_errors;
struct doc_node;
struct requirement;

/* A product of the vendor, by which rows are picked. */
struct profile_product {
	char *name;		/* "app" */
	char *text;		/* what it is */
};

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
	char *newest;			/* the last revision of the file */
	struct profile_product *product;
	size_t products;
	struct requirement *row;	/* of all revisions */
	size_t rows;
	struct subnet *network;		/* the operator's, set by config */
	size_t networks;
	struct doc_node *doc;		/* the file, until profile_settle() */
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

/* The bit of a product's name in masks; 0: there is none. */
uint64_t profile_product_bit(const struct profile *p, const char *name);
/* Everything has been read of it: lets go of the file. */
void profile_settle(struct profile *p);

#endif
