/* Nodes of a document: looking them up, comparing keys, letting them go. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "doc.h"

void
doc_free(struct doc_node *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->items; i++) {
		if (n->kind == DOC_MAP)
			doc_free(n->key[i]);
		doc_free(n->item[i]);
	}
	free(n->item);
	free(n->key);
	free(n->scalar);
	free(n);
}

const struct doc_node *
doc_get(const struct doc_node *map, const char *key)
{
	if (map == NULL || map->kind != DOC_MAP)
		return NULL;
	for (size_t i = 0; i < map->items; i++) {
		if (strcmp(map->key[i]->scalar, key) == 0)
			return map->item[i];
	}
	return NULL;
}

bool
doc_null(const struct doc_node *n)
{
	if (n->kind != DOC_SCALAR || n->quoted)
		return false;
	return n->scalar[0] == '\0' || strcmp(n->scalar, "~") == 0 ||
	       strcmp(n->scalar, "null") == 0;
}

const char *
doc_kind_text(const struct doc_node *n)
{
	switch (n->kind) {
	case DOC_LIST:
		return "a list";
	case DOC_MAP:
		return "a mapping";
	default:
		return doc_null(n) ? "nothing" : "text";
	}
}

static int
compare_keys(const void *a, const void *b)
{
	const struct doc_node *x = *(struct doc_node *const *)a;
	const struct doc_node *y = *(struct doc_node *const *)b;
	int c = strcmp(x->scalar, y->scalar);

	if (c != 0)
		return c;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* Sorted, so that a mapping of a million keys costs no square of it. */
static void
check_map(struct doc_errors *e, const struct doc_node *n)
{
	struct doc_node **key;
	size_t first = 0;
	char shown[DOC_SHOWN];

	if (n->items < 2)
		return;
	key = malloc(n->items * sizeof(struct doc_node *));
	if (key == NULL) {
		doc_error(e, n, "not enough memory");
		return;
	}
	memcpy(key, n->key, n->items * sizeof(struct doc_node *));
	qsort(key, n->items, sizeof(struct doc_node *), compare_keys);
	for (size_t i = 1; i < n->items; i++) {
		if (strcmp(key[i]->scalar, key[first]->scalar) != 0) {
			first = i;
			continue;
		}
		doc_error(e, key[i], "'%s' is given twice (first in line %u)",
		    doc_error_shown(key[i]->scalar, shown), key[first]->line);
	}
	free(key);
}

void
doc_check_keys(const struct doc_node *n, struct doc_errors *e)
{
	if (n->kind == DOC_MAP)
		check_map(e, n);
	for (size_t i = 0; i < n->items; i++)
		doc_check_keys(n->item[i], e);
}
