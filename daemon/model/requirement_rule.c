/* The rules' names, and what all of them do alike. */
#include "build.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "requirement_rule.h"

static const struct {
	const char *label, *keys, *needs;
} rules[RULES] = {
#define RULE(name, label, keys, needs, help) \
	[RULE_##name] = {label, keys, needs},
#include "rules.def"
};

const char *
requirement_rule_label(enum requirement_rule rule)
{
	return rule > RULE_NONE && rule < RULES ? rules[rule].label : "none";
}

enum requirement_rule
requirement_rule_find(const char *label)
{
	for (unsigned i = 1; i < RULES; i++)
		if (strcmp(rules[i].label, label) == 0)
			return (enum requirement_rule)i;
	return RULE_NONE;
}

const char *
requirement_rule_keys(enum requirement_rule rule)
{
	return rules[rule].keys;
}

const char *
requirement_rule_needs(enum requirement_rule rule)
{
	return rules[rule].needs;
}

/* Made once; constant from then on. */
static pthread_once_t list_once = PTHREAD_ONCE_INIT;
static char list[512];

static void
make_list(void)
{
	size_t len = 0;

	for (unsigned i = 1; i < RULES && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
		    i > 1 ? ", " : "", rules[i].label);
}

const char *
requirement_rule_list(void)
{
	pthread_once(&list_once, make_list);
	return list;
}

void
requirement_rule_say(struct requirement_verdict *out,
    enum requirement_status status, const char *fmt, ...)
{
	va_list args;

	out->status = status;
	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
}

void
requirement_rule_bad(
    struct requirement_tally *t, const char *what, const char *why)
{
	if (t->bad++ > 0)
		return;
	t->what = what;
	t->why = why;
}

void
requirement_rule_judge(const struct requirement_tally *t, const char *nothing,
    struct requirement_verdict *out)
{
	if (t->bad > 1)
		requirement_rule_say(out, REQUIREMENT_STATUS_FAILED,
		    "%s: %s; and %u more", t->what, t->why, t->bad - 1);
	else if (t->bad > 0)
		requirement_rule_say(
		    out, REQUIREMENT_STATUS_FAILED, "%s: %s", t->what, t->why);
	else if (t->good > 0)
		requirement_rule_say(out, REQUIREMENT_STATUS_MET, "%s", "");
	else
		requirement_rule_say(out, REQUIREMENT_STATUS_UNTESTED, "%s",
		    t->open > 0 ? "there is no answer yet" : nothing);
}

bool
requirement_rule_is_up(const struct requirement_path *p)
{
	return p->state == STATE_UP || p->state == STATE_DEGRADED;
}

bool
requirement_rule_is_down(const struct requirement_path *p)
{
	return p->state == STATE_DOWN;
}

const struct requirement_link *
requirement_rule_links(
    const struct requirement_world *w, uint32_t need, size_t *n)
{
	size_t low = 0, high = w->links, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->link[mid].need < need)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < w->links && w->link[end].need == need; end++)
		;
	*n = end - low;
	return w->link + low;
}

const struct requirement_path *
requirement_rule_next(
    const struct requirement_pass *p, struct requirement_step *at)
{
	for (; at->need < p->row->needs; at->need++, at->link = 0) {
		uint32_t need = p->row->need[at->need];
		size_t n;
		const struct requirement_link *l =
		    requirement_rule_links(p->w, need, &n);

		if (at->link == n)
			continue;
		at->of = &p->w->need[need];
		return &p->w->path[l[at->link++].path];
	}
	return NULL;
}

/* The text from `at` on against the pattern from its star on. */
static bool
match_rest(const char *pattern, const char *text)
{
	for (; *pattern != '*'; pattern++, text++) {
		if (tolower((unsigned char)*pattern) !=
		    tolower((unsigned char)*text))
			return false;
		if (*text == '\0')
			return true;
	}
	while (*pattern == '*')
		pattern++;
	for (;; text++) {
		if (match_rest(pattern, text))
			return true;
		if (*text == '\0')
			return false;
	}
}

bool
requirement_match(const char *pattern, const char *host)
{
	/* The name itself, of "*." and the name. */
	if (pattern[0] == '*' && pattern[1] == '.' &&
	    strchr(pattern + 2, '*') == NULL && match_rest(pattern + 2, host))
		return true;
	return match_rest(pattern, host);
}
