/* Columns over rows: the instances of a MIB in their order. */
#include "build.h"

#include <string.h>

#include "agentx_tree.h"

int
agentx_tree_compare(
    const uint32_t *key, size_t keys, const uint32_t *sub, size_t n)
{
	for (size_t i = 0; i < keys && i < n; i++)
		if (key[i] != sub[i])
			return key[i] < sub[i] ? -1 : 1;
	return keys < n ? -1 : keys > n;
}

/* -1: the OID is before all instances of the column; 1: behind all. */
static int
side(const struct agentx_branch *b, const uint32_t *sub, size_t n)
{
	for (unsigned i = 0; i < b->prefix_len; i++) {
		if (i == n)
			return -1;
		if (sub[i] != b->prefix[i])
			return sub[i] < b->prefix[i] ? -1 : 1;
	}
	return 0;
}

/* The first column that is not all before the OID. */
static size_t
branch_at(const struct agentx_tree *t, const uint32_t *sub, size_t n)
{
	size_t low = 0, high = t->branches;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (side(&t->branch[mid], sub, n) <= 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Whether rows up to this one are not greater, and the next one is. */
static bool
is_last(const struct agentx_tree *t, struct agentx_cell at, size_t rows,
    const uint32_t *sub, size_t n)
{
	if (at.row >= rows || t->compare(t->owner, at, sub, n) > 0)
		return false;
	at.row++;
	return at.row == rows || t->compare(t->owner, at, sub, n) > 0;
}

/*
 * The first row of the column whose key is greater. A walk asks for what is
 * behind the row that it got last, in one column or in some side by side.
 */
static size_t
row_after(const struct agentx_tree *t, size_t branch, size_t rows,
    const uint32_t *sub, size_t n)
{
	struct agentx_cell last = {branch, *t->hint};
	size_t low = 0, high = rows;

	for (unsigned i = 0; i < 2 && last.row + 1 > i; i++)
		if (is_last(t, (struct agentx_cell){branch, last.row - i}, rows,
			sub, n))
			return last.row - i + 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct agentx_cell at = {branch, mid};

		if (t->compare(t->owner, at, sub, n) > 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool
agentx_tree_get(const struct agentx_tree *t, const uint32_t *sub, size_t n,
    struct agentx_value *out)
{
	struct agentx_cell at = {.branch = branch_at(t, sub, n)};
	const struct agentx_branch *b = &t->branch[at.branch];

	if (at.branch == t->branches || side(b, sub, n) != 0)
		return false;
	sub += b->prefix_len;
	n -= b->prefix_len;
	/* The one before the first that is greater. */
	at.row = row_after(t, at.branch, t->rows(t->owner, at.branch), sub, n);
	return at.row-- > 0 && t->compare(t->owner, at, sub, n) == 0 &&
	       t->read(t->owner, at, out);
}

/* The first instance of the column behind the index; cells may be empty. */
static bool
next_in(const struct agentx_tree *t, size_t branch, const uint32_t *sub,
    size_t n, struct agentx_instance *out)
{
	const struct agentx_branch *b = &t->branch[branch];
	size_t rows = t->rows(t->owner, branch);
	struct agentx_cell at = {
	    branch, rows > 0 ? row_after(t, branch, rows, sub, n) : 0};

	for (; at.row < rows; at.row++) {
		if (!t->read(t->owner, at, &out->value))
			continue;
		memcpy(out->oid.sub, b->prefix, b->prefix_len * sizeof(*sub));
		out->oid.len = b->prefix_len;
		t->key(t->owner, at, &out->oid);
		*t->hint = at.row;
		return true;
	}
	return false;
}

bool
agentx_tree_next(const struct agentx_tree *t, const uint32_t *sub, size_t n,
    struct agentx_instance *out)
{
	for (size_t i = branch_at(t, sub, n); i < t->branches; i++) {
		const struct agentx_branch *b = &t->branch[i];
		/* Only in the first is there something behind the prefix. */
		size_t skip = side(b, sub, n) == 0 ? b->prefix_len : n;

		if (next_in(t, i, sub + skip, n - skip, out))
			return true;
	}
	return false;
}
