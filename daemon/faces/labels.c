/* The text of labels, read one pair at a time. */
#include "build.h"

#include <string.h>

#include "buf.h"
#include "labels.h"

bool
labels_next(const char **at, struct labels_pair *pair)
{
	const char *p = *at, *end;

	if (p == NULL)
		return false;
	end = strstr(p, "=\"");
	if (end == NULL)
		return false;
	pair->name = p;
	pair->name_len = (size_t)(end - p);
	pair->value = end + 2;
	for (end = pair->value; *end != '"'; end++) {
		if (*end == '\\')
			end++;
		if (*end == '\0')
			return false;
	}
	pair->value_len = (size_t)(end - pair->value);
	*at = end[1] == ',' ? end + 2 : end + 1;
	return true;
}

static void
put_plain(struct buf *out, const struct labels_pair *pair)
{
	for (size_t i = 0; i < pair->value_len; i++) {
		char c = pair->value[i];

		if (c == '\\') {
			c = pair->value[++i];
			c = c == 'n' ? '\n' : c;
		}
		buf_putc(out, c);
	}
}

bool
labels_value(const char *labels, const char *name, struct buf *out)
{
	struct labels_pair pair;
	size_t len = strlen(name);

	while (labels_next(&labels, &pair)) {
		if (pair.name_len == len && memcmp(pair.name, name, len) == 0) {
			put_plain(out, &pair);
			return true;
		}
	}
	return false;
}

const char *
labels_rest(const char *child, const char *parent)
{
	size_t len = parent != NULL ? strlen(parent) : 0;

	if (child == NULL)
		child = "";
	if (len == 0)
		return child;
	if (strncmp(child, parent, len) != 0)
		return NULL;
	if (child[len] == '\0')
		return child + len;
	return child[len] == ',' ? child + len + 1 : NULL;
}
