/* What is asked of a name server, and whether the answer is the right one. */
#include "build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "details.h"
#include "dns_ask.h"

static int
question(const struct path *path, struct dns_question *q)
{
	const struct ask_dns *ask = &path->ask->dns;

	q->type = ask->type;
	q->recurse = ask->recursion;
	q->edns = ask->edns;
	return wire_dns_name_parse(ask->query, &q->name);
}

size_t
dns_ask_write(
    const struct path *path, uint8_t out[DNS_QUERY], const uint8_t id[DNS_ID])
{
	struct dns_question q;

	return question(path, &q) < 0 ? 0 : wire_dns_query(out, &q, id);
}

static bool
same(char a, char b)
{
	a = a >= 'A' && a <= 'Z' ? (char)(a | 0x20) : a;
	b = b >= 'A' && b <= 'Z' ? (char)(b | 0x20) : b;
	return a == b;
}

/*
 * Whether the text is like the pattern of that length. A star takes as little
 * as it can and more when the rest does not fit: no text can make it take
 * longer than the product of both, as it can with fnmatch().
 */
static bool
is_like(const char *text, const char *pattern, size_t len)
{
	const char *end = pattern + len, *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (pattern < end &&
			   (*pattern == '?' || same(*pattern, *text))) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

/* Names end without a dot here; operators may write one. */
static bool
is_wanted(const char *text, const char *patterns)
{
	for (const char *p = patterns; *p != '\0';) {
		size_t len = strcspn(p, "\n");

		if (is_like(text, p, len) ||
		    (len > 1 && p[len - 1] == '.' && is_like(text, p, len - 1)))
			return true;
		p += len + (p[len] == '\n');
	}
	return false;
}

static bool
has_wanted(struct dns_walk *w, const char *patterns)
{
	char text[DNS_TEXT];

	while (wire_dns_next(w, text))
		if (is_wanted(text, patterns))
			return true;
	return false;
}

static void
tell(struct probe *p, const struct dns_answer *m, bool expected)
{
	probe_fact(p, FACT_DNS_RCODE, m->rcode);
	probe_fact(p, FACT_DNS_ANSWERS, m->records);
	probe_fact(
	    p, FACT_DNS_TTL, m->ttl < 0 ? -1 : m->ttl * (int64_t)CLOCK_SEC);
	probe_fact(p, FACT_DNS_TRUNCATED, m->truncated);
	/* Of what is missing nobody can say whether it was right. */
	probe_fact(
	    p, FACT_DNS_EXPECTED, expected && m->truncated ? -1 : expected);
}

/* Of "ns.example hostmaster.example 2026112301 ..." */
static void
note_serial(struct details *d, struct dns_walk *w)
{
	char text[DNS_TEXT];

	d->has_serial = wire_dns_next(w, text) &&
			sscanf(text, "%*s %*s %" SCNu32, &d->serial) == 1;
}

static void
note(struct details *d, const struct dns_question *q,
    const struct dns_answer *m, struct dns_walk *w)
{
	d->dns = true;
	d->answers = m->answers;
	d->authorities = m->authorities;
	d->additionals = (uint16_t)(m->additionals - m->edns);
	if (q->type == DNS_SOA)
		note_serial(d, w);
}

void
dns_ask_judge(
    struct probe *p, const uint8_t *bytes, size_t len, struct answer *a)
{
	const struct ask_dns *ask = &p->path->ask->dns;
	struct dns_question q;
	struct dns_answer m;
	struct dns_walk w;
	bool expected;

	a->outcome = OUTCOME_PROTOCOL;
	if (question(p->path, &q) < 0 || wire_dns_parse(bytes, len, &q, &m) < 0)
		return;
	if (p->details != NULL) {
		wire_dns_first(&w, bytes, len, &q, &m);
		note(p->details, &q, &m, &w);
	}
	expected = m.rcode == ask->rcode;
	if (expected && !m.truncated) {
		wire_dns_first(&w, bytes, len, &q, &m);
		expected = m.records >= ask->least &&
			   (ask->answer == NULL || has_wanted(&w, ask->answer));
	}
	tell(p, &m, expected);
	a->outcome = expected ? OUTCOME_ANSWERED : OUTCOME_ERROR_RESPONSE;
	a->code = expected ? 0 : (int)m.rcode;
}
