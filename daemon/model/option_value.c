/* One value of the configuration: from its text into its field, by type. */
#include "build.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "buf.h"
#include "clock.h"
#include "codes.h"
#include "config.h"
#include "doc.h"
#include "kind.h"
#include "option.h"
#include "webconfig.h"

enum { DNS_PORT = 53 };

/* A value on its way: what it is, where it stands, where it goes. */
struct value {
	const struct option *option;
	const struct doc_node *node;
	const char *text;
	char shown[DOC_SHOWN];
	void *field;
	const char *directory;
	struct doc_errors *errors;
};

static const struct choice {
	unsigned set;
	const char *label;
	unsigned value;
} choices[] = {
#define CHOICE(set, label, value) {CHOICE_##set, label, value},
#include "options.def"
};

enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

static int
store(const struct value *v, uint64_t n)
{
	switch (v->option->size) {
	case 1:
		*(uint8_t *)v->field = (uint8_t)n;
		break;
	case 2:
		*(uint16_t *)v->field = (uint16_t)n;
		break;
	case 4:
		*(uint32_t *)v->field = (uint32_t)n;
		break;
	default:
		assert(v->option->size == 8);
		*(uint64_t *)v->field = n;
	}
	return 0;
}

/* Stores a number that must be within the row's bounds. */
static int
store_bounded(const struct value *v, uint64_t n)
{
	struct buf bounds = BUF_INIT;

	if (n >= v->option->least && n <= v->option->most)
		return store(v, n);
	option_words_bounds(&bounds, v->option);
	doc_error(v->errors, v->node, "%s is out of bounds: allowed is %s",
	    v->shown, buf_str(&bounds));
	buf_free(&bounds);
	return -EINVAL;
}

static int
parse_duration(const struct value *v)
{
	uint64_t ns;

	if (clock_duration_parse(v->text, &ns) == 0)
		return store_bounded(v, ns);
	doc_error(v->errors, v->node,
	    "'%s' is not a duration: write a number and a unit: "
	    "ms, s, m, h, d (for example 10s)",
	    v->shown);
	return -EINVAL;
}

/* Digits, at most four of them after a point, and %: in ppm. */
static int
percent_parse(const char *s, uint64_t *ppm)
{
	uint64_t n = 0, unit = 10000;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		n = n * 10 + (uint64_t)(*s - '0') * unit;
		if (n > UINT32_MAX)
			return -ERANGE;
	}
	if (*s == '.') {
		s++;
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		for (; isdigit((unsigned char)*s) && unit > 1; s++) {
			unit /= 10;
			n += (uint64_t)(*s - '0') * unit;
		}
	}
	if (strcmp(s, "%") != 0)
		return -EINVAL;
	*ppm = n;
	return 0;
}

static int
parse_percent(const struct value *v)
{
	uint64_t ppm = UINT64_MAX;

	if (percent_parse(v->text, &ppm) != -EINVAL)
		return store_bounded(v, ppm);
	doc_error(v->errors, v->node,
	    "'%s' is not a percentage: write a number, with at most four "
	    "digits after the point, and %% (for example 2%%)",
	    v->shown);
	return -EINVAL;
}

static int
parse_uint(const struct value *v)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(v->text, &end, 10);
	if (isdigit((unsigned char)v->text[0]) && *end == '\0')
		return store_bounded(v, errno == ERANGE ? UINT64_MAX : n);
	doc_error(v->errors, v->node, "'%s' is not a whole number", v->shown);
	return -EINVAL;
}

static int
parse_bool(const struct value *v)
{
	static const char *const yes[] = {"true", "yes", "on"};
	static const char *const no[] = {"false", "no", "off"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcasecmp(v->text, yes[i]) == 0)
			return store(v, true);
		if (strcasecmp(v->text, no[i]) == 0)
			return store(v, false);
	}
	doc_error(
	    v->errors, v->node, "'%s' is neither true nor false", v->shown);
	return -EINVAL;
}

static int
store_text(const struct value *v, char *text)
{
	char **field = v->field;

	if (text == NULL) {
		doc_error(v->errors, v->node, "not enough memory");
		return -ENOMEM;
	}
	free(*field);
	*field = text;
	return 0;
}

static int
parse_text(const struct value *v)
{
	if (v->text[0] != '\0')
		return store_text(v, strdup(v->text));
	doc_error(v->errors, v->node, "is empty");
	return -EINVAL;
}

char *
option_path(const char *directory, const char *path)
{
	struct buf b = BUF_INIT;

	if (path[0] == '/')
		return strdup(path);
	buf_puts(&b, directory);
	buf_putc(&b, '/');
	buf_puts(&b, path);
	return buf_steal(&b);
}

/* One text, or each of a list, a line each. */
static int
parse_texts(const struct value *v)
{
	const struct doc_node *list = v->node;
	struct buf b = BUF_INIT;
	int err = 0;

	for (size_t i = 0; i < (v->text != NULL ? 1 : list->items); i++) {
		const struct doc_node *n =
		    v->text != NULL ? list : list->item[i];

		if (n->kind == DOC_SCALAR && !doc_null(n) &&
		    n->scalar[0] != '\0' && strchr(n->scalar, '\n') == NULL) {
			buf_printf(&b, "%s\n", n->scalar);
			continue;
		}
		doc_error(v->errors, n, "must be a text of one line");
		err = -EINVAL;
	}
	if (err == 0 && b.len == 0) {
		doc_error(v->errors, list, "is empty");
		err = -EINVAL;
	}
	if (err == 0)
		return store_text(v, buf_steal(&b));
	buf_free(&b);
	return err;
}

static int
parse_path(const struct value *v)
{
	if (v->text[0] != '\0')
		return store_text(v, option_path(v->directory, v->text));
	doc_error(v->errors, v->node, "is empty");
	return -EINVAL;
}

static int
bad_url(const struct value *v, const char *why)
{
	doc_error(v->errors, v->node, "'%s' is not a URL that can be used: %s",
	    v->shown, why);
	return -EINVAL;
}

static int
parse_url(const struct value *v)
{
	const char *host, *end;
	char copy[256], name[256];
	uint16_t port;

	if (strncasecmp(v->text, "http://", 7) == 0)
		host = v->text + 7;
	else if (strncasecmp(v->text, "https://", 8) == 0)
		host = v->text + 8;
	else
		return bad_url(v, "it must start with http:// or https://");
	for (const char *p = v->text; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return bad_url(v, "it has a space or a control "
					  "character");
	}
	end = host + strcspn(host, "/?#");
	if (memchr(host, '@', (size_t)(end - host)) != NULL)
		return bad_url(v, "credentials do not belong into a URL");
	if ((size_t)(end - host) >= sizeof(copy))
		return bad_url(v, "its host is too long");
	memcpy(copy, host, (size_t)(end - host));
	copy[end - host] = '\0';
	if (addr_split(copy, name, sizeof(name), &port) < 0 || name[0] == '\0')
		return bad_url(v, "it has no host, or a wrong port");
	return store_text(v, strdup(v->text));
}

static int
parse_name(const struct value *v)
{
	size_t len = strlen(v->text);

	if (len == 0) {
		doc_error(v->errors, v->node, "is empty");
		return -EINVAL;
	}
	if (len >= v->option->size) {
		doc_error(v->errors, v->node, "'%s' is longer than %zu octets",
		    v->shown, v->option->size - 1);
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)v->text[i];

		if (c < ' ' || c == 0x7f) {
			doc_error(v->errors, v->node,
			    "'%s' has a control character", v->shown);
			return -EINVAL;
		}
	}
	memcpy(v->field, v->text, len + 1);
	return 0;
}

/* "cs5", "af41" and those with a name of their own; -1 for none. */
static int
dscp_of_name(const char *s)
{
	if (strcasecmp(s, "ef") == 0)
		return 46;
	if (strcasecmp(s, "va") == 0)
		return 44;
	if (strcasecmp(s, "le") == 0)
		return 1;
	if (strncasecmp(s, "cs", 2) == 0 && s[2] >= '0' && s[2] <= '7' &&
	    s[3] == '\0')
		return (s[2] - '0') * 8;
	if (strncasecmp(s, "af", 2) == 0 && s[2] >= '1' && s[2] <= '4' &&
	    s[3] >= '1' && s[3] <= '3' && s[4] == '\0')
		return (s[2] - '0') * 8 + (s[3] - '0') * 2;
	return -1;
}

static int
parse_dscp(const struct value *v)
{
	int n = dscp_of_name(v->text);

	if (n < 0 && isdigit((unsigned char)v->text[0]) &&
	    strspn(v->text, "0123456789") == strlen(v->text) &&
	    strlen(v->text) <= 2)
		n = (int)strtoul(v->text, NULL, 10);
	if (n >= 0 && n <= 63)
		return store(v, (uint64_t)n);
	doc_error(v->errors, v->node,
	    "'%s' is not a DSCP: write 0 to 63, ef, va, le, cs0 to cs7, or "
	    "af11 to af43",
	    v->shown);
	return -EINVAL;
}

static int
parse_address(const struct value *v)
{
	struct addr a = {0};

	if (addr_parse_host(&a, v->text) == 0) {
		memcpy(v->field, &a, sizeof(a));
		return 0;
	}
	doc_error(v->errors, v->node, "'%s' is not an IP address", v->shown);
	return -EINVAL;
}

static int
parse_server(const struct value *v)
{
	char host[ADDR_TEXT], text[ADDR_TEXT];
	uint16_t port = DNS_PORT;
	struct addr a = {0};

	if (addr_split(v->text, host, sizeof(host), &port) < 0 ||
	    addr_parse_host(&a, host) < 0 || port == 0) {
		doc_error(v->errors, v->node,
		    "'%s' is not the address of a server: write 192.0.2.53 "
		    "or [2001:db8::53]:53",
		    v->shown);
		return -EINVAL;
	}
	addr_set_port(&a, port);
	return store_text(v, strdup(addr_text(&a, text)));
}

static int
not_allowed(const struct value *v)
{
	struct buf words = BUF_INIT;

	option_words_bounds(&words, v->option);
	doc_error(v->errors, v->node, "'%s' is not allowed here (%s)", v->shown,
	    buf_str(&words));
	buf_free(&words);
	return -EINVAL;
}

static int
parse_kind(const struct value *v)
{
	const struct kind *k = kind_first(v->text);

	if (k == NULL)
		return not_allowed(v);
	*(const char **)v->field = k->name;
	return 0;
}

static int
parse_transport(const struct value *v)
{
	unsigned n = word_number(WORD_TRANSPORT, v->text);

	for (unsigned i = 0; kind_row(i) != NULL; i++) {
		if (kind_row(i)->transport == n)
			return store(v, n);
	}
	return not_allowed(v);
}

static int
parse_word(const struct value *v)
{
	unsigned n = word_number((enum word_set)v->option->least, v->text);

	return n > 0 ? store(v, n) : not_allowed(v);
}

static int
parse_choice(const struct value *v)
{
	for (unsigned i = 0; i < CHOICES; i++) {
		if (choices[i].set == v->option->least &&
		    strcasecmp(choices[i].label, v->text) == 0)
			return store(v, choices[i].value);
	}
	return not_allowed(v);
}

/* One code or range, or each of a list. */
static int
parse_codes(const struct value *v)
{
	const struct doc_node *list = v->node;
	struct codes codes = {0};

	for (size_t i = 0; i < (v->text != NULL ? 1 : list->items); i++) {
		const struct doc_node *n =
		    v->text != NULL ? list : list->item[i];
		char shown[DOC_SHOWN];
		int err = n->kind == DOC_SCALAR ? codes_add(&codes, n->scalar)
						: -EINVAL;

		if (err == 0)
			continue;
		if (err == -ENOSPC)
			doc_error(v->errors, n, "more than %d codes or ranges",
			    CODES_RANGES);
		else
			doc_error(v->errors, n,
			    "'%s' is not a code: write one from %d to %d, or "
			    "two with - between them",
			    n->kind == DOC_SCALAR
				? doc_error_shown(n->scalar, shown)
				: doc_kind_text(n),
			    CODES_LEAST, CODES_MOST);
		return err;
	}
	if (codes.ranges == 0) {
		doc_error(v->errors, list, "is empty");
		return -EINVAL;
	}
	memcpy(v->field, &codes, sizeof(codes));
	return 0;
}

static int (*const parsers[])(const struct value *v) = {
    [OPTION_DURATION] = parse_duration,
    [OPTION_PERCENT] = parse_percent,
    [OPTION_UINT] = parse_uint,
    [OPTION_BOOL] = parse_bool,
    [OPTION_TEXT] = parse_text,
    [OPTION_PATH] = parse_path,
    [OPTION_URL] = parse_url,
    [OPTION_NAME] = parse_name,
    [OPTION_DSCP] = parse_dscp,
    [OPTION_ADDRESS] = parse_address,
    [OPTION_SERVER] = parse_server,
    [OPTION_KIND] = parse_kind,
    [OPTION_TRANSPORT] = parse_transport,
    [OPTION_WORD] = parse_word,
    [OPTION_CHOICE] = parse_choice,
    [OPTION_CODES] = parse_codes,
    [OPTION_TEXTS] = parse_texts,
};

int
option_value_parse(const struct option *o, const struct doc_node *n,
    void *field, const char *directory, struct doc_errors *errors)
{
	struct value v = {.option = o,
	    .node = n,
	    .field = field,
	    .directory = directory,
	    .errors = errors};

	assert(o->type < OPTION_MAP);
	if (o->type == OPTION_CODES && n->kind == DOC_LIST)
		return parse_codes(&v);
	if (o->type == OPTION_TEXTS && n->kind == DOC_LIST)
		return parse_texts(&v);
	if (n->kind != DOC_SCALAR || doc_null(n)) {
		doc_error(errors, n, "must be %s, not %s", option_words_type(o),
		    doc_kind_text(n));
		return -EINVAL;
	}
	v.text = n->scalar;
	doc_error_shown(v.text, v.shown);
	return parsers[o->type](&v);
}
