/* The mistakes of a file: said with their place and path, sorted, bounded. */
#include "build.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "doc.h"

enum { ERRORS_LIMIT = 100, TEXT_MAX = 1024 };

/* How much of the first n bytes of text can be kept with no character cut. */
static size_t
whole_characters(const char *text, size_t n)
{
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

char *
doc_error_shown(const char *text, char buf[DOC_SHOWN])
{
	size_t n = strlen(text);

	if (n < DOC_SHOWN) {
		memcpy(buf, text, n + 1);
		return buf;
	}
	n = whole_characters(text, DOC_SHOWN - 4);
	memcpy(buf, text, n);
	memcpy(buf + n, "...", 4);
	return buf;
}

/* "media.clusters[2].class": the way from the root to the value. */
static void
put_path(struct buf *b, const struct doc_node *n)
{
	char shown[DOC_SHOWN];

	if (n->parent == NULL)
		return;
	put_path(b, n->parent);
	if (n->index == SIZE_MAX)
		return;
	if (n->parent->kind == DOC_LIST) {
		buf_printf(b, "[%zu]", n->index);
		return;
	}
	if (b->len > 0)
		buf_putc(b, '.');
	buf_puts(b, doc_error_shown(n->parent->key[n->index]->scalar, shown));
}

/* What a file holds must not steer the terminal that shows the message. */
static void
blunt(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == 0x7f)
			text[i] = '?';
	}
}

static struct doc_error *
error_new(struct doc_errors *e)
{
	size_t limit = e->limit > 0 ? e->limit : ERRORS_LIMIT;
	struct doc_error *more;

	if (e->errors >= limit)
		return NULL;
	more = realloc(e->error, (e->errors + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	e->error = more;
	more += e->errors;
	memset(more, 0, sizeof(*more));
	return more;
}

void
doc_error(struct doc_errors *e, const struct doc_node *at, const char *fmt, ...)
{
	struct doc_error *error = error_new(e);
	struct buf b = BUF_INIT;
	char text[TEXT_MAX];
	va_list ap;

	if (error == NULL) {
		e->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (at != NULL) {
		error->line = at->line;
		error->column = at->column;
		put_path(&b, at);
		if (b.len > 0)
			buf_puts(&b, ": ");
	}
	buf_puts(&b, text);
	blunt(b.data, b.len);
	error->text = buf_steal(&b);
	if (e->file != NULL)
		error->file = strdup(e->file);
	e->errors++;
}

size_t
doc_errors_count(const struct doc_errors *e)
{
	return e->errors + e->dropped;
}

/* The caller's file first, then others by name. */
static int
compare_files(const struct doc_error *a, const struct doc_error *b)
{
	if (a->file == NULL || b->file == NULL)
		return (a->file != NULL) - (b->file != NULL);
	return strcmp(a->file, b->file);
}

static int
compare_errors(const void *x, const void *y)
{
	const struct doc_error *a = x, *b = y;
	int c = compare_files(a, b);

	if (c != 0)
		return c;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(
	    a->text != NULL ? a->text : "", b->text != NULL ? b->text : "");
}

void
doc_errors_sort(struct doc_errors *e)
{
	if (e->errors > 1)
		qsort(e->error, e->errors, sizeof(*e->error), compare_errors);
}

void
doc_errors_free(struct doc_errors *e)
{
	for (size_t i = 0; i < e->errors; i++) {
		free(e->error[i].file);
		free(e->error[i].text);
	}
	free(e->error);
	e->error = NULL;
	e->errors = e->dropped = 0;
}
