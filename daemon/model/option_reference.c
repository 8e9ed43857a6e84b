/* The reference of all settings: for people, and for the manual. */
#include "build.h"

#include <string.h>

#include "buf.h"
#include "option.h"

/* "duration" of "a duration". */
static const char *
bare_type(const struct option *o)
{
	return strchr(option_words_type(o), ' ') + 1;
}

/* "100ms to 1d; default 10s": what is known beside the type. */
static void
put_limits(struct buf *b, const struct option *o)
{
	size_t from = b->len;

	if (o->type < OPTION_MAP)
		option_words_bounds(b, o);
	if (b->len > from)
		buf_puts(b, "; ");
	if (o->fallback == NULL)
		buf_puts(b, "must be given");
	else if (o->fallback[0] != '\0')
		buf_printf(b, "default %s", o->fallback);
	else if (b->len > from)
		b->len -= 2;
}

void
option_reference_text(struct buf *b)
{
	enum option_group group = OPTION_NONE;

	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		struct buf limits = BUF_INIT;

		if (o->group != group) {
			group = o->group;
			buf_printf(b, "%s%s\n\n%s\n\n", i > 0 ? "\n" : "",
			    option_groups[group].title,
			    option_groups[group].help);
		}
		if (o->type == OPTION_ALSO) {
			buf_printf(b, "(and those of \"%s\")\n",
			    option_groups[o->child].title);
			continue;
		}
		put_limits(&limits, o);
		buf_printf(b, "%s (%s", o->key, bare_type(o));
		if (limits.len > 0)
			buf_printf(b, "; %s", buf_str(&limits));
		buf_printf(b, ")\n\t%s\n", o->help);
		buf_free(&limits);
	}
}

/* A backslash begins an escape there. */
static void
put_word(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		buf_putc(b, text[i]);
		if (text[i] == '\\')
			buf_putc(b, 'e');
	}
}

/*
 * Lines of mdoc: a new one after each sentence, for its own spacing, and
 * before a word that would be too far to the right.
 */
static void
put_sentences(struct buf *b, const char *text)
{
	enum { WIDTH = 78 };
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > WIDTH) {
			buf_putc(b, '\n');
			column = 0;
		} else if (column > 0) {
			buf_putc(b, ' ');
			column++;
		}
		put_word(b, text, len);
		column += len;
		if (text[len - 1] == '.' && text[len] == ' ') {
			buf_putc(b, '\n');
			column = 0;
		}
		text += len + (text[len] == ' ');
	}
	buf_putc(b, '\n');
}

static void
put_item(struct buf *b, const struct option *o)
{
	struct buf limits = BUF_INIT;

	buf_printf(b, ".It Ic %s : Ar %s\n", o->key, bare_type(o));
	put_sentences(b, o->help);
	put_limits(&limits, o);
	if (limits.len > 0) {
		const char *text = buf_str(&limits);

		buf_putc(b, text[0] >= 'a' && text[0] <= 'z'
				? (char)(text[0] - 'a' + 'A')
				: text[0]);
		buf_printf(b, "%s.\n", text + 1);
	}
	buf_free(&limits);
}

void
option_reference_mdoc(struct buf *b)
{
	enum option_group group = OPTION_NONE;

	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];

		if (o->group != group) {
			if (group != OPTION_NONE)
				buf_puts(b, ".El\n");
			group = o->group;
			buf_printf(b, ".Ss %s\n", option_groups[group].title);
			put_sentences(b, option_groups[group].help);
			buf_puts(b, ".Bl -tag -width Ds\n");
		}
		if (o->type == OPTION_ALSO)
			buf_printf(b, ".It and those of\n.Sx %s .\n",
			    option_groups[o->child].title);
		else
			put_item(b, o);
	}
	buf_puts(b, ".El\n");
}
