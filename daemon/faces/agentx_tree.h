/*
 * GET and GETNEXT among columns over rows, by binary search: the same for
 * every MIB. Whose columns they are says what rows there are and what stands
 * in a cell. OIDs are those below the tree's own. Pure.
 */
#ifndef AGENTX_TREE_H
#define AGENTX_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agentx_value.h"

/* An index of two names of 32 octets and a number is the longest. */
enum { AGENTX_PREFIX = 4, AGENTX_KEY = 68 };

struct agentx_oid {
	uint32_t sub[AGENTX_PREFIX + AGENTX_KEY];
	size_t len;
};

struct agentx_instance {
	struct agentx_oid oid;
	struct agentx_value value;
};

/* A column (with the 1 of its entry) or a scalar. */
struct agentx_branch {
	uint32_t prefix[AGENTX_PREFIX];
	unsigned prefix_len;
};

/* A cell, by the number of its column and row. */
struct agentx_cell {
	size_t branch, row;
};

struct agentx_tree {
	const struct agentx_branch *branch; /* in order; borrowed */
	size_t branches;
	/* Rows in the order of their keys; a scalar has one, of the key 0. */
	size_t (*rows)(void *owner, size_t branch);
	/* Its key against subidentifiers, as OIDs are ordered: -1, 0 or 1. */
	int (*compare)(
	    void *owner, struct agentx_cell at, const uint32_t *sub, size_t n);
	/* Appends its key. */
	void (*key)(void *owner, struct agentx_cell at, struct agentx_oid *oid);
	/* False: the cell is empty. */
	bool (*read)(
	    void *owner, struct agentx_cell at, struct agentx_value *out);
	void *owner;
	size_t *hint; /* the owner's: the row that was found last */
};

bool agentx_tree_get(const struct agentx_tree *t, const uint32_t *sub, size_t n,
    struct agentx_value *out);
/* The first instance behind it; false at the end. */
bool agentx_tree_next(const struct agentx_tree *t, const uint32_t *sub,
    size_t n, struct agentx_instance *out);

/* Of a key of plain numbers, for compare(). */
int agentx_tree_compare(
    const uint32_t *key, size_t keys, const uint32_t *sub, size_t n);

#endif
