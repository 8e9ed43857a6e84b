/* Pieces of SIP headers; what does not fit the grammar is left where it is. */
#include "build.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire_sip_text.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Section 25.1, token. */
static bool
is_token(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-.!%*_+`'~", c) != NULL);
}

/*
 * More than a parameter's value may have by section 25.1: there are servers
 * whose tags are base64, and whose received= is an IPv6 address.
 */
static bool
is_value(uint8_t c)
{
	return c > ' ' && c != 0x7f && strchr(";,\"<>", c) == NULL;
}

/* An IPv6 address in brackets; which bytes it is made of is no matter. */
static bool
is_literal(uint8_t c)
{
	return is_token(c) || c == ':';
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
advance(struct sip_text *t, size_t n)
{
	t->at += n;
	t->len -= n;
}

/* The bytes of a class at the beginning, at least one of them. */
static bool
take(struct sip_text *t, bool (*is)(uint8_t c), struct sip_text *out)
{
	size_t n = 0;

	while (n < t->len && is(t->at[n]))
		n++;
	*out = (struct sip_text){t->at, n};
	advance(t, n);
	return n > 0;
}

bool
wire_sip_text_is(struct sip_text t, const char *word)
{
	return t.len == strlen(word) &&
	       strncasecmp((const char *)t.at, word, t.len) == 0;
}

bool
wire_sip_text_equals(struct sip_text t, const void *bytes, size_t len)
{
	return t.len == len && (len == 0 || memcmp(t.at, bytes, len) == 0);
}

bool
wire_sip_text_space(struct sip_text *t)
{
	struct sip_text space;

	return take(t, is_space, &space);
}

/* Exactly this one. */
static bool
take_char(struct sip_text *t, char c)
{
	if (t->len == 0 || t->at[0] != (uint8_t)c)
		return false;
	advance(t, 1);
	return true;
}

bool
wire_sip_text_char(struct sip_text *t, char c)
{
	struct sip_text rest = *t;

	wire_sip_text_space(&rest);
	if (!take_char(&rest, c))
		return false;
	wire_sip_text_space(&rest);
	*t = rest;
	return true;
}

bool
wire_sip_text_token(struct sip_text *t, struct sip_text *out)
{
	return take(t, is_token, out);
}

static bool
take_quoted(struct sip_text *t)
{
	struct sip_text rest = *t;

	if (!take_char(&rest, '"'))
		return false;
	while (rest.len > 0 && rest.at[0] != '"') {
		/* quoted-pair: anything may follow but a line's end */
		if (take_char(&rest, '\\') &&
		    (rest.len == 0 || rest.at[0] == '\r' || rest.at[0] == '\n'))
			return false;
		advance(&rest, 1);
	}
	if (!take_char(&rest, '"'))
		return false;
	*t = rest;
	return true;
}

bool
wire_sip_text_number(struct sip_text *t, uint32_t *out)
{
	struct sip_text digits;
	uint64_t n = 0;

	if (!take(t, is_digit, &digits))
		return false;
	for (size_t i = 0; i < digits.len && n < UINT32_MAX; i++)
		n = 10 * n + (digits.at[i] - (uint64_t)'0');
	*out = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	return true;
}

/* generic-param: a name, or a name and a value. */
static bool
take_param(struct sip_text *t, struct sip_text *name, struct sip_text *value)
{
	*value = (struct sip_text){t->at, 0};
	if (!wire_sip_text_token(t, name))
		return false;
	if (!wire_sip_text_char(t, '='))
		return true;
	if (take_quoted(t))
		return true;
	return take(t, is_value, value);
}

/*
 * Parameters, as many as there are, each after a semicolon. The value of the
 * one called name is put in *value; false also when there are two.
 */
static bool
take_params(struct sip_text *t, const char *name, struct sip_text *value)
{
	bool found = false;

	while (wire_sip_text_char(t, ';')) {
		struct sip_text n, v;

		if (!take_param(t, &n, &v))
			return false;
		if (!wire_sip_text_is(n, name))
			continue;
		if (found)
			return false;
		found = true;
		*value = v;
	}
	return true;
}

static bool
take_scheme(struct sip_text *t)
{
	struct sip_text scheme;

	return wire_sip_text_token(t, &scheme) && take_char(t, ':');
}

static bool
is_bracketed(uint8_t c)
{
	return c > ' ' && c != 0x7f && strchr("<>\"", c) == NULL;
}

/*
 * Without brackets, what would end the URI or begin its headers must not be
 * in it (section 20.10).
 */
static bool
is_bare(uint8_t c)
{
	return is_bracketed(c) && c != ';' && c != ',' && c != '?';
}

/* What may stand before an address in brackets: a name, or tokens. */
static void
take_display(struct sip_text *t)
{
	struct sip_text word;

	if (take_quoted(t)) {
		wire_sip_text_space(t);
		return;
	}
	while (wire_sip_text_token(t, &word))
		wire_sip_text_space(t);
}

bool
wire_sip_text_address(
    struct sip_text *t, const char *name, struct sip_text *value)
{
	struct sip_text rest, uri;

	wire_sip_text_space(t);
	rest = *t;
	take_display(&rest);
	if (take_char(&rest, '<')) {
		if (!take_scheme(&rest) || !take(&rest, is_bracketed, &uri) ||
		    !take_char(&rest, '>'))
			return false;
	} else {
		rest = *t;
		if (!take_scheme(&rest) || !take(&rest, is_bare, &uri))
			return false;
	}
	if (!take_params(&rest, name, value))
		return false;
	wire_sip_text_space(&rest);
	*t = rest;
	return true;
}

/* "SIP/2.0/UDP", with white space around the slashes. */
static bool
take_protocol(struct sip_text *t)
{
	struct sip_text part;

	for (unsigned i = 0; i < 3; i++) {
		if (i > 0 && !wire_sip_text_char(t, '/'))
			return false;
		if (!wire_sip_text_token(t, &part))
			return false;
	}
	return true;
}

/* sent-by: a host and maybe a port, with white space around the colon. */
static bool
take_sent_by(struct sip_text *t)
{
	struct sip_text host;
	uint32_t port;

	if (take_char(t, '[')) {
		if (!take(t, is_literal, &host) || !take_char(t, ']'))
			return false;
	} else if (!wire_sip_text_token(t, &host)) {
		return false;
	}
	return !wire_sip_text_char(t, ':') || wire_sip_text_number(t, &port);
}

bool
wire_sip_text_via(struct sip_text *t, struct sip_text *branch)
{
	struct sip_text rest = *t;

	wire_sip_text_space(&rest);
	if (!take_protocol(&rest) || !wire_sip_text_space(&rest) ||
	    !take_sent_by(&rest) || !take_params(&rest, "branch", branch))
		return false;
	wire_sip_text_space(&rest);
	*t = rest;
	return true;
}

bool
wire_sip_text_line(struct sip_text *t, struct sip_text *line)
{
	const uint8_t *end;
	size_t n;

	end = t->len > 0 ? memchr(t->at, '\n', t->len) : NULL;
	if (end == NULL || end == t->at || end[-1] != '\r')
		return false;
	n = (size_t)(end - t->at) - 1;
	*line = (struct sip_text){t->at, n};
	if (n > 0 && memchr(t->at, '\r', n) != NULL)
		return false;
	advance(t, n + 2);
	return true;
}

/* The lines of one header: those that begin with white space belong to it. */
static bool
take_folded(struct sip_text *t, struct sip_text *out)
{
	struct sip_text line;

	*out = *t;
	do {
		if (!wire_sip_text_line(t, &line))
			return false;
	} while (t->len > 0 && (t->at[0] == ' ' || t->at[0] == '\t'));
	out->len = (size_t)(line.at + line.len - out->at);
	return true;
}

int
wire_sip_text_header(
    struct sip_text *t, struct sip_text *name, struct sip_text *value)
{
	if (t->len >= 2 && t->at[0] == '\r' && t->at[1] == '\n') {
		advance(t, 2);
		return 0;
	}
	if (!take_folded(t, value) || !wire_sip_text_token(value, name) ||
	    !wire_sip_text_char(value, ':'))
		return -EBADMSG;
	while (value->len > 0 && is_space(value->at[value->len - 1]))
		value->len--;
	return 1;
}
