/*
 * What was told is a list of indexes in order, as the targets of a roster
 * are, so that both are gone through side by side.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "event.h"
#include "interception.h"

struct interception {
	uint64_t looked_at; /* monotonic; 0: never */
	uint32_t *told;	    /* indexes of targets, ascending; owned */
	size_t tolds;
	enum site_verdict verdict; /* of the last look */
};

struct interception *
interception_new(void)
{
	return calloc(1, sizeof(struct interception));
}

void
interception_free(struct interception *x)
{
	if (x == NULL)
		return;
	free(x->told);
	free(x);
}

static void
tell(const struct target *t, const struct tls_facts *f, bool intercepted)
{
	struct event e = {.kind = intercepted ? EVENT_TLS_INTERCEPTION
					      : EVENT_TLS_INTERCEPTION_OVER,
	    .index = t->index};

	snprintf(e.subject, sizeof(e.subject), "%s", t->name);
	snprintf(e.cause, sizeof(e.cause), "issuer %.110s", f->root);
	event_emit(&e);
}

/* Whether somebody intercepts it, as far as was seen. */
static enum site_verdict
look(const struct roster_entry *e, bool was)
{
	struct tls_facts f;
	bool is;

	/* A handshake that showed no certificate says nothing new. */
	if (!row_read_tls(e->row, &f) || f.intercepted == 0)
		return was ? SITE_YES : SITE_NOT_KNOWN;
	is = f.intercepted == 2;
	if (is != was)
		tell(e->target, &f, is);
	return is ? SITE_YES : SITE_NO;
}

enum site_verdict
interception_run(struct interception *x, const struct roster *r, uint64_t now)
{
	enum site_verdict all = SITE_NOT_KNOWN;
	uint32_t *told;
	size_t tolds = 0;

	if (x->looked_at != 0 && now - x->looked_at < CLOCK_SEC)
		return x->verdict;
	told = calloc(r->entries + 1, sizeof(*told));
	if (told == NULL)
		return x->verdict;
	x->looked_at = now;
	for (size_t i = 0, k = 0; i < r->entries; i++) {
		uint32_t index = r->entry[i].target->index;
		enum site_verdict v;

		while (k < x->tolds && x->told[k] < index)
			k++;
		v = look(&r->entry[i], k < x->tolds && x->told[k] == index);
		if (v == SITE_YES)
			told[tolds++] = index;
		if (v != SITE_NOT_KNOWN && all != SITE_YES)
			all = v;
	}
	free(x->told);
	x->told = told;
	x->tolds = tolds;
	x->verdict = all;
	return all;
}
