/* Items of a list that must not have the same name. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "doc.h"

static int
compare_text(const void *a, const void *b)
{
	const struct doc_node *x = *(const struct doc_node *const *)a;
	const struct doc_node *y = *(const struct doc_node *const *)b;
	int c = strcmp(x->scalar, y->scalar);

	if (c != 0)
		return c;
	/* in the order of the file */
	return (x->parent->index > y->parent->index) -
	       (x->parent->index < y->parent->index);
}

void
config_unique(
    struct doc_errors *errors, const struct doc_node *list, const char *key)
{
	const struct doc_node **value;
	size_t n = 0, first = 0;
	char shown[DOC_SHOWN];

	value = calloc(list->items, sizeof(*value));
	if (value == NULL) {
		doc_error(errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++) {
		value[n] = doc_get(list->item[i], key);
		if (value[n] != NULL && value[n]->kind == DOC_SCALAR)
			n++;
	}
	qsort(value, n, sizeof(*value), compare_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(value[i]->scalar, value[first]->scalar) != 0) {
			first = i;
			continue;
		}
		doc_error(errors, value[i],
		    "'%s' is given twice (first in line %u)",
		    doc_error_shown(value[i]->scalar, shown),
		    value[first]->line);
	}
	free(value);
}
