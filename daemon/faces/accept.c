/* What a client asked for, by Accept and Accept-Encoding. */
#include "build.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "accept.h"

enum { Q_ONE = 1000, OFFER_PARAMS = 2 };

/* How closely a range names a format; each parameter named adds one. */
enum { LEVEL_NONE = 0, LEVEL_ANY = 10, LEVEL_TYPE = 20, LEVEL_EXACT = 30 };

struct span {
	const char *p;
	size_t n;
};

/* What tells formats apart; other parameters (escaping, charset) do not. */
static const struct offer {
	const char *type, *subtype;
	struct {
		const char *name, *value;
	} param[OFFER_PARAMS];
	const char *content_type;
	bool by_name; /* not for "*": who takes anything wants to read it */
} offers[ACCEPT_FORMATS] = {
    [ACCEPT_TEXT] = {"text", "plain", {{"version", "0.0.4"}},
	"text/plain; version=0.0.4; charset=utf-8", false},
    [ACCEPT_OPENMETRICS] = {"application", "openmetrics-text",
	{{"version", "1.0.0"}},
	"application/openmetrics-text; version=1.0.0; charset=utf-8", false},
    [ACCEPT_OPENMETRICS_0] = {"application", "openmetrics-text",
	{{"version", "0.0.1"}},
	"application/openmetrics-text; version=0.0.1; charset=utf-8", false},
    [ACCEPT_PROTOBUF] = {"application", "vnd.google.protobuf",
	{{"proto", "io.prometheus.client.MetricFamily"},
	    {"encoding", "delimited"}},
	"application/vnd.google.protobuf; "
	"proto=io.prometheus.client.MetricFamily; encoding=delimited",
	true},
};

/* One element of an Accept list, held against every offer. */
struct range {
	unsigned q;
	int level[ACCEPT_FORMATS];
};

/* The closest range so far for one offer. */
struct choice {
	int level;
	unsigned q, order;
};

static bool
span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* RFC 9110 §5.6.2; leaves an empty span when there is no token at p. */
static const char *
take_token(const char *p, struct span *out)
{
	const char *from = p;

	while (isalnum((unsigned char)*p) ||
	       (*p != '\0' && strchr("!#$%&'*+-.^_`|~", *p) != NULL))
		p++;
	*out = (struct span){from, (size_t)(p - from)};
	return p;
}

/*
 * RFC 9110 §5.6.4: the text between the quotes, as it stands: none of our
 * values has a character that is ever escaped. NULL when it does not end.
 */
static const char *
take_quoted(const char *p, struct span *out)
{
	const char *from = ++p;

	while (*p != '"') {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p++ == '\0')
			return NULL;
	}
	*out = (struct span){from, (size_t)(p - from)};
	return p + 1;
}

/* name=value. NULL when it is malformed. */
static const char *
take_param(const char *p, struct span *name, struct span *value)
{
	p = take_token(p, name);
	if (name->n == 0 || *p++ != '=')
		return NULL;
	if (*p == '"')
		return take_quoted(p, value);
	p = take_token(p, value);
	return value->n > 0 ? p : NULL;
}

/* To the comma that ends this element, or the end; quotes hide commas. */
static const char *
skip_element(const char *p)
{
	bool quoted = false;

	for (; *p != '\0' && (quoted || *p != ','); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (quoted && *p == '\\' && p[1] != '\0')
			p++;
	}
	return p;
}

/*
 * A weight (§12.4.2) in thousandths. Some clients compute theirs, so more
 * than three decimals are fine and cut. False for what is no weight.
 */
static bool
weight(struct span s, unsigned *q)
{
	unsigned place = 100;

	if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1') ||
	    (s.n > 1 && s.p[1] != '.'))
		return false;
	*q = s.p[0] == '1' ? Q_ONE : 0;
	for (size_t i = 2; i < s.n; i++, place /= 10) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		*q += (unsigned)(s.p[i] - '0') * place;
	}
	return *q <= Q_ONE;
}

static void
match_type(struct range *r, struct span type, struct span subtype)
{
	for (int f = 0; f < ACCEPT_FORMATS; f++) {
		const struct offer *o = &offers[f];

		if (span_is(type, "*") && span_is(subtype, "*"))
			r->level[f] = LEVEL_ANY;
		else if (!span_is(type, o->type))
			r->level[f] = LEVEL_NONE;
		else if (span_is(subtype, "*"))
			r->level[f] = LEVEL_TYPE;
		else if (span_is(subtype, o->subtype))
			r->level[f] = LEVEL_EXACT;
		else
			r->level[f] = LEVEL_NONE;
		if (o->by_name && r->level[f] < LEVEL_EXACT)
			r->level[f] = LEVEL_NONE;
	}
}

static void
match_param(struct range *r, struct span name, struct span value)
{
	for (int f = 0; f < ACCEPT_FORMATS; f++) {
		for (int i = 0; i < OFFER_PARAMS; i++) {
			const char *known = offers[f].param[i].name;

			if (r->level[f] == LEVEL_NONE || known == NULL ||
			    !span_is(name, known))
				continue;
			if (span_is(value, offers[f].param[i].value))
				r->level[f]++;
			else
				r->level[f] = LEVEL_NONE;
		}
	}
}

/*
 * The parameters of an element. Media types get theirs through r, which is
 * NULL for codings. Returns where the element ends, NULL when it is malformed.
 */
static const char *
take_params(const char *p, struct range *r, unsigned *q)
{
	struct span name, value;

	for (p = skip_space(p); *p == ';'; p = skip_space(p)) {
		p = skip_space(p + 1);
		if (*p == ';' || *p == ',' || *p == '\0')
			continue;
		p = take_param(p, &name, &value);
		if (p == NULL)
			return NULL;
		if (span_is(name, "q")) {
			if (!weight(value, q))
				return NULL;
		} else if (r != NULL) {
			match_param(r, name, value);
		}
	}
	return *p == ',' || *p == '\0' ? p : NULL;
}

static const char *
take_range(const char *p, struct range *r)
{
	struct span type, subtype;

	p = take_token(p, &type);
	if (type.n == 0 || *p != '/')
		return NULL;
	p = take_token(p + 1, &subtype);
	if (subtype.n == 0)
		return NULL;
	r->q = Q_ONE;
	match_type(r, type, subtype);
	return take_params(p, r, &r->q);
}

static void
choose(
    struct choice best[ACCEPT_FORMATS], const struct range *r, unsigned order)
{
	for (int f = 0; f < ACCEPT_FORMATS; f++) {
		struct choice *b = &best[f];

		if (r->level[f] == LEVEL_NONE || r->level[f] < b->level)
			continue;
		if (r->level[f] > b->level || r->q > b->q)
			*b = (struct choice){r->level[f], r->q, order};
	}
}

static bool
better(const struct choice *a, const struct choice *b)
{
	if (a->q != b->q)
		return a->q > b->q;
	if (a->level != b->level)
		return a->level > b->level;
	return a->order < b->order;
}

enum accept_format
accept_format(const char *header)
{
	struct choice best[ACCEPT_FORMATS] = {{0, 0, 0}};
	const char *p = header != NULL ? header : "", *end;
	int winner = ACCEPT_TEXT;
	struct range r;

	for (unsigned order = 0; *p != '\0'; order++) {
		p = skip_space(p);
		end = take_range(p, &r);
		if (end != NULL)
			choose(best, &r, order);
		else
			end = skip_element(p);
		p = *end == ',' ? end + 1 : end;
	}
	for (int f = 0; f < ACCEPT_FORMATS; f++) {
		if (best[f].q > 0 && better(&best[f], &best[winner]))
			winner = f;
	}
	return (enum accept_format)winner;
}

const char *
accept_content_type(enum accept_format format)
{
	return offers[format].content_type;
}

bool
accept_gzip(const char *header)
{
	const char *p = header != NULL ? header : "", *end;
	unsigned gzip = 0, identity = 0, q;
	struct span coding;

	while (*p != '\0') {
		p = skip_space(p);
		end = take_token(p, &coding);
		q = Q_ONE;
		end = coding.n > 0 ? take_params(end, NULL, &q) : NULL;
		if (end == NULL)
			end = skip_element(p);
		else if (span_is(coding, "gzip") || span_is(coding, "x-gzip"))
			gzip = q;
		else if (span_is(coding, "identity"))
			identity = q;
		p = *end == ',' ? end + 1 : end;
	}
	return gzip > 0 && gzip >= identity;
}
