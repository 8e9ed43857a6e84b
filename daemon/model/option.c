/* How mappings are read by the table of settings. */
#include "build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "doc.h"
#include "option.h"

enum { DISTANCE_MAX = 32, ALLOWED_KEYS = 64 };

static bool
is_text(const struct option *o)
{
	return o->type == OPTION_TEXT || o->type == OPTION_PATH ||
	       o->type == OPTION_URL || o->type == OPTION_SERVER ||
	       o->type == OPTION_TEXTS;
}

void
option_defaults(enum option_group group, void *base)
{
	struct doc_errors errors = {0};

	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		struct doc_node text = {.kind = DOC_SCALAR};
		void *field = (char *)base + o->offset;

		if (o->group != group || o->type >= OPTION_MAP)
			continue;
		if (is_text(o))
			*(char **)field = NULL;
		if (o->fallback == NULL || o->fallback[0] == '\0')
			continue;
		text.scalar = (char *)o->fallback;
		option_value_parse(o, &text, field, "", &errors);
	}
	assert(doc_errors_count(&errors) == 0);
}

void
option_free(enum option_group group, void *base)
{
	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		char **field = (char **)((char *)base + o->offset);

		if (o->group != group || o->type >= OPTION_MAP || !is_text(o))
			continue;
		free(*field);
		*field = NULL;
	}
}

void
option_read(const struct doc_node *map, enum option_group group, void *base,
    const char *directory, struct doc_errors *errors)
{
	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		const struct doc_node *n;

		if (o->group != group || o->type >= OPTION_MAP)
			continue;
		n = doc_get(map, o->key);
		if (n != NULL)
			option_value_parse(
			    o, n, (char *)base + o->offset, directory, errors);
		else if (o->fallback == NULL)
			doc_error(errors, map, "'%s' is missing", o->key);
	}
}

/* The rows whose keys may stand in a mapping of the group. */
static unsigned
allowed_rows(enum option_group group, const struct option *out[ALLOWED_KEYS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];

		if (o->group != group)
			continue;
		if (o->type == OPTION_ALSO) {
			n += allowed_rows(o->child, out + n);
			continue;
		}
		assert(n < ALLOWED_KEYS);
		out[n++] = o;
	}
	return n;
}

static unsigned
least_of(unsigned a, unsigned b, unsigned c)
{
	unsigned d = a < b ? a : b;

	return d < c ? d : c;
}

/* Edits that make b of a, an exchange of neighbours being one. */
static unsigned
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned d[DISTANCE_MAX + 1][DISTANCE_MAX + 1];

	if (n > DISTANCE_MAX || m > DISTANCE_MAX)
		return DISTANCE_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		for (size_t k = 1; k <= m; k++) {
			unsigned same = a[i - 1] == b[k - 1] ? 0 : 1;

			d[i][k] = least_of(d[i - 1][k] + 1, d[i][k - 1] + 1,
			    d[i - 1][k - 1] + same);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] &&
			    d[i - 2][k - 2] + 1 < d[i][k])
				d[i][k] = d[i - 2][k - 2] + 1;
		}
	}
	return d[n][m];
}

/* The key that was meant, if one is near: a third of it may be wrong. */
static const char *
nearest_key(const char *key, const struct option *const *allowed, unsigned n)
{
	unsigned best = (unsigned)strlen(key) / 3;
	const char *nearest = NULL;

	if (best == 0)
		best = 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned d = distance(key, allowed[i]->key);

		if (d <= best && (nearest == NULL || d < best)) {
			best = d;
			nearest = allowed[i]->key;
		}
	}
	return nearest;
}

static void
unknown_key(const struct doc_node *key, const struct option *const *allowed,
    unsigned n, struct doc_errors *errors)
{
	const char *meant = nearest_key(key->scalar, allowed, n);
	struct buf list = BUF_INIT;
	char shown[DOC_SHOWN];

	doc_error_shown(key->scalar, shown);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", allowed[i]->key);
	if (meant != NULL)
		doc_error(errors, key,
		    "unknown key '%s', did you mean '%s'? (allowed: %s)", shown,
		    meant, buf_str(&list));
	else
		doc_error(errors, key, "unknown key '%s' (allowed: %s)", shown,
		    buf_str(&list));
	buf_free(&list);
}

void
option_check_keys(const struct doc_node *map, enum option_group group,
    struct doc_errors *errors)
{
	const struct option *allowed[ALLOWED_KEYS];
	unsigned n = allowed_rows(group, allowed);

	if (map == NULL || map->kind != DOC_MAP)
		return;
	for (size_t i = 0; i < map->items; i++) {
		unsigned k = 0;

		while (
		    k < n && strcmp(allowed[k]->key, map->key[i]->scalar) != 0)
			k++;
		if (k == n)
			unknown_key(map->key[i], allowed, n, errors);
	}
}

const struct doc_node *
option_shape(const struct doc_node *map, enum option_group group,
    const char *key, struct doc_errors *errors)
{
	const struct doc_node *n = doc_get(map, key);
	const struct option *o = option_table;

	while (o->group != group || strcmp(o->key, key) != 0) {
		o++;
		assert(o < option_table + option_rows);
	}
	if (n == NULL || doc_null(n))
		return NULL;
	if (n->kind == (o->type == OPTION_MAP ? DOC_MAP : DOC_LIST))
		return n;
	doc_error(errors, n, "must be a %s, not %s",
	    o->type == OPTION_MAP ? "mapping" : "list", doc_kind_text(n));
	return NULL;
}

int
option_duration(const struct doc_node *n, uint64_t least, uint64_t most,
    uint64_t *ns, struct doc_errors *errors)
{
	const struct option o = {.type = OPTION_DURATION,
	    .size = sizeof(*ns),
	    .least = least,
	    .most = most};

	return option_value_parse(&o, n, ns, "", errors);
}
