/* The settings in words: bounds for messages, the reference, the manual. */
#include "build.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "kind.h"
#include "option.h"

/* With their articles, for messages: "must be a duration". */
static const char *const type_names[] = {
    [OPTION_DURATION] = "a duration",
    [OPTION_PERCENT] = "a percentage",
    [OPTION_UINT] = "a number",
    [OPTION_BOOL] = "a truth value",
    [OPTION_TEXT] = "a text",
    [OPTION_PATH] = "a path",
    [OPTION_URL] = "a URL",
    [OPTION_NAME] = "a name",
    [OPTION_DSCP] = "a DSCP",
    [OPTION_ADDRESS] = "an IP address",
    [OPTION_SERVER] = "a server address",
    [OPTION_KIND] = "a word",
    [OPTION_TRANSPORT] = "a word",
    [OPTION_WORD] = "a word",
    [OPTION_CHOICE] = "a word",
    [OPTION_MAP] = "a mapping",
    [OPTION_LIST] = "a list",
};

const char *
option_reference_type(const struct option *o)
{
	return type_names[o->type];
}

/* The same without the article. */
static const char *
bare_type(const struct option *o)
{
	return strchr(type_names[o->type], ' ') + 1;
}

static void
put_duration_bounds(struct buf *b, const struct option *o)
{
	char least[32], most[32];

	buf_printf(b, "%s to %s", clock_duration_text(o->least, least),
	    clock_duration_text(o->most, most));
}

/* One word of a list: "one of: a, b". */
static void
put_word(struct buf *b, const char *word)
{
	buf_puts(b, b->len == 0 ? "one of: " : ", ");
	buf_puts(b, word);
}

static void
put_kinds(struct buf *b)
{
	const struct kind *k;

	for (unsigned i = 0; (k = kind_row(i)) != NULL; i++) {
		if (k == kind_first(k->name))
			put_word(b, k->name);
	}
}

static bool
transport_used(unsigned t)
{
	for (unsigned i = 0; kind_row(i) != NULL; i++) {
		if (kind_row(i)->transport == t)
			return true;
	}
	return false;
}

static void
put_words(struct buf *b, const struct option *o)
{
	const char *label;

	if (o->type == OPTION_KIND) {
		put_kinds(b);
	} else if (o->type == OPTION_TRANSPORT) {
		for (unsigned t = 1; t < TRANSPORT_END; t++) {
			if (transport_used(t))
				put_word(b, word_label(WORD_TRANSPORT, t));
		}
	} else if (o->type == OPTION_WORD) {
		enum word_set set = (enum word_set)o->least;

		for (unsigned n = 1; n < word_end(set); n++)
			put_word(b, word_label(set, n));
	} else {
		for (unsigned i = 0; (label = option_value_choice(
					  (unsigned)o->least, i)) != NULL;
		     i++)
			put_word(b, label);
	}
}

void
option_reference_bounds(struct buf *b, const struct option *o)
{
	struct buf words = BUF_INIT;

	switch (o->type) {
	case OPTION_DURATION:
		put_duration_bounds(b, o);
		break;
	case OPTION_PERCENT:
		buf_decimal(b, o->least, 4);
		buf_puts(b, "% to ");
		buf_decimal(b, o->most, 4);
		buf_putc(b, '%');
		break;
	case OPTION_UINT:
		buf_printf(b, "%" PRIu64 " to %" PRIu64, o->least, o->most);
		break;
	case OPTION_KIND:
	case OPTION_TRANSPORT:
	case OPTION_WORD:
	case OPTION_CHOICE:
		put_words(&words, o);
		buf_puts(b, buf_str(&words));
		buf_free(&words);
		break;
	default:
		break;
	}
}

/* "100ms to 1d; default 10s": what is known beside the type. */
static void
put_limits(struct buf *b, const struct option *o)
{
	size_t from = b->len;

	if (o->type < OPTION_MAP)
		option_reference_bounds(b, o);
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

/* mdoc starts a new line after each sentence, for its own spacing. */
static void
put_sentences(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		/* a line that starts with a point would be a macro */
		if (text[0] == '.' && text[1] == ' ') {
			buf_puts(b, ".\n");
			text++;
		} else if (*text == '\\') {
			buf_puts(b, "\\e");
		} else {
			buf_putc(b, *text);
		}
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
