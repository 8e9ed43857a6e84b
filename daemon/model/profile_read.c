/* Values of a profile file: what they must be, and in which revisions. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "doc.h"
#include "profile_read.h"

/* A text; "" with an error when it is none or, if it must be, not there. */
const char *
profile_read_text(struct profile_reader *r, const struct doc_node *map,
    const char *key, bool must)
{
	const struct doc_node *n = doc_get(map, key);

	if (n == NULL && must)
		doc_error(r->errors, map, "'%s' is missing", key);
	if (n == NULL)
		return "";
	if (n->kind == DOC_SCALAR && n->scalar[0] != '\0')
		return n->scalar;
	if (n->kind == DOC_SCALAR)
		doc_error(r->errors, n, "must not be empty");
	else
		doc_error(
		    r->errors, n, "must be a text, not %s", doc_kind_text(n));
	return "";
}

/* allowed: keys with a space after each. */
void
profile_read_keys(
    struct profile_reader *r, const struct doc_node *map, const char *allowed)
{
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < map->items; i++) {
		const char *key = map->key[i]->scalar;
		size_t len = strlen(key);
		const char *a = allowed;

		while (*a != '\0' &&
		       (strcspn(a, " ") != len || memcmp(a, key, len) != 0))
			a += strcspn(a, " ") + 1;
		if (*a == '\0')
			doc_error(r->errors, map->key[i],
			    "unknown key '%s' (allowed: %.*s)",
			    doc_error_shown(key, shown),
			    (int)strlen(allowed) - 1, allowed);
	}
}

/* A mapping or list that must be there, or NULL with an error. */
const struct doc_node *
profile_read_shape(struct profile_reader *r, const struct doc_node *map,
    const char *key, enum doc_kind kind)
{
	const struct doc_node *n = doc_get(map, key);

	if (n == NULL) {
		doc_error(r->errors, map, "'%s' is missing", key);
		return NULL;
	}
	if (n->kind == kind)
		return n;
	doc_error(r->errors, n, "must be %s, not %s",
	    kind == DOC_MAP ? "a mapping" : "a list", doc_kind_text(n));
	return NULL;
}

bool
profile_read_revision(const struct profile_reader *r, const char *name)
{
	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *id =
		    doc_get(r->revisions->item[i], "id");

		if (id != NULL && id->kind == DOC_SCALAR &&
		    strcmp(id->scalar, name) == 0)
			return true;
	}
	return false;
}

void
profile_read_no_revision(
    struct profile_reader *r, const struct doc_node *at, const char *name)
{
	struct buf known = BUF_INIT;
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *id =
		    doc_get(r->revisions->item[i], "id");

		if (id != NULL && id->kind == DOC_SCALAR)
			buf_printf(&known, "%s%s", known.len > 0 ? ", " : "",
			    id->scalar);
	}
	doc_error(r->errors, at, "there is no revision '%s' (one of: %s)",
	    doc_error_shown(name, shown), buf_str(&known));
	buf_free(&known);
}

/* Whether the row is in the revision that is read; rows say it or are in all.
 */
bool
profile_read_holds(struct profile_reader *r, const struct doc_node *row)
{
	const struct doc_node *list = doc_get(row, "revisions");
	bool found = false;

	if (list == NULL || r->p->revision == NULL)
		return true;
	if (list->kind != DOC_LIST) {
		doc_error(r->errors, list, "must be a list, not %s",
		    doc_kind_text(list));
		return false;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];

		if (n->kind != DOC_SCALAR ||
		    !profile_read_revision(r, n->scalar))
			profile_read_no_revision(
			    r, n, n->kind == DOC_SCALAR ? n->scalar : "");
		else if (strcmp(n->scalar, r->p->revision) == 0)
			found = true;
	}
	return found;
}

char *
profile_read_copy(struct profile_reader *r, const struct doc_node *map,
    const char *key, bool must)
{
	const char *text = profile_read_text(r, map, key, must);
	char *copy = text[0] != '\0' ? strdup(text) : NULL;

	if (copy == NULL && text[0] != '\0')
		doc_error(r->errors, map, "not enough memory");
	return copy;
}

const struct doc_node *
profile_read_list(
    struct profile_reader *r, const struct doc_node *map, const char *key)
{
	const struct doc_node *list = doc_get(map, key);

	if (list == NULL || list->kind == DOC_LIST)
		return list;
	doc_error(
	    r->errors, list, "must be a list, not %s", doc_kind_text(list));
	return NULL;
}

char **
profile_read_texts(struct profile_reader *r, const struct doc_node *map,
    const char *key, size_t *n)
{
	const struct doc_node *list = profile_read_list(r, map, key);
	char **text;

	*n = 0;
	if (list == NULL || list->items == 0)
		return NULL;
	text = calloc(list->items, sizeof(*text));
	for (size_t i = 0; text != NULL && i < list->items; i++) {
		const struct doc_node *item = list->item[i];

		if (item->kind != DOC_SCALAR || item->scalar[0] == '\0')
			doc_error(r->errors, item, "must be a text, not %s",
			    doc_kind_text(item));
		else
			text[*n] = strdup(item->scalar);
		if (text[*n] != NULL)
			(*n)++;
	}
	if (text == NULL)
		doc_error(r->errors, list, "not enough memory");
	return text;
}

void
profile_read_texts_free(char **text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(text[i]);
	free(text);
}

uint64_t
profile_product_bit(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->products; i++)
		if (strcmp(p->product[i].name, name) == 0)
			return UINT64_C(1) << i;
	return 0;
}
