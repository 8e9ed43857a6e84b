/* A setting in words, for messages and the reference: type and bounds. */
#include "build.h"

#include <inttypes.h>
#include <stdbool.h>

#include "buf.h"
#include "clock.h"
#include "kind.h"
#include "option.h"
#include "word.h"

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
    [OPTION_CODES] = "a code or a list of codes",
    [OPTION_TEXTS] = "a text or a list of texts",
    [OPTION_MAP] = "a mapping",
    [OPTION_LIST] = "a list",
};

const char *
option_words_type(const struct option *o)
{
	return type_names[o->type];
}

static const struct {
	unsigned set;
	const char *label;
} choices[] = {
#define CHOICE(set, label, value) {CHOICE_##set, label},
#include "options.def"
};

enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

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
put_choices(struct buf *b, uint64_t set)
{
	for (unsigned i = 0; i < CHOICES; i++) {
		if (choices[i].set == set)
			put_word(b, choices[i].label);
	}
}

static void
put_words(struct buf *b, const struct option *o)
{
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
		put_choices(b, o->least);
	}
}

void
option_words_bounds(struct buf *b, const struct option *o)
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
