/*
 * What was told is a list of indexes in order, as the targets of a roster
 * are, so that both are gone through side by side.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "event.h"
#include "expiry.h"

#define EVERY (5 * CLOCK_SEC)
/* Seconds; more than a moment in 64 bits of ns may be asked for. */
#define DAY  INT64_C(86400)
#define MOST (INT64_MAX / (int64_t)CLOCK_SEC)

struct expiry {
	uint64_t looked_at; /* monotonic; 0: never */
	uint32_t *told;	    /* indexes of targets, ascending; owned */
	size_t tolds;
};

struct expiry *
expiry_new(void)
{
	return calloc(1, sizeof(struct expiry));
}

void
expiry_free(struct expiry *x)
{
	if (x == NULL)
		return;
	free(x->told);
	free(x);
}

static void
tell(const struct target *t, const struct tls_facts *f, int64_t left, bool soon)
{
	struct event e = {.kind = soon ? EVENT_CERTIFICATE_EXPIRING
				       : EVENT_CERTIFICATE_RENEWED,
	    .index = t->index,
	    .value = left > 0 ? (uint64_t)(left / DAY) : 0,
	    .threshold =
		t->thresholds.certificate_ns / CLOCK_SEC / (uint64_t)DAY};
	int64_t at = f->not_after < MOST ? f->not_after : MOST;
	char when[32];

	snprintf(e.subject, sizeof(e.subject), "%s", t->name);
	snprintf(e.cause, sizeof(e.cause), "%s %s",
	    left > 0 ? "expires" : "expired",
	    clock_text(at * (int64_t)CLOCK_SEC, when));
	event_emit(&e);
}

/* Whether it is to be told that it expires, as it was before. */
static bool
is_soon(const struct roster_entry *e, int64_t real, bool was)
{
	const struct target *t = e->target;
	int64_t within = (int64_t)(t->thresholds.certificate_ns / CLOCK_SEC);
	int64_t left;
	struct tls_facts f;
	bool soon;

	/* A handshake that failed says nothing new. */
	if (!row_read_tls(e->row, &f) || !f.have_cert)
		return was;
	left = f.not_after - real / (int64_t)CLOCK_SEC;
	/* Each way a day apart, for who comes and goes at the threshold. */
	soon = left < (was ? within + DAY : within) && within > 0;
	if (soon != was)
		tell(t, &f, left, soon);
	return soon;
}

void
expiry_run(struct expiry *x, const struct roster *r, int64_t real, uint64_t now)
{
	uint32_t *told;
	size_t tolds = 0;

	if (x->looked_at != 0 && now - x->looked_at < EVERY)
		return;
	told = calloc(r->entries + 1, sizeof(*told));
	if (told == NULL)
		return;
	x->looked_at = now;
	for (size_t i = 0, k = 0; i < r->entries; i++) {
		uint32_t index = r->entry[i].target->index;

		while (k < x->tolds && x->told[k] < index)
			k++;
		if (is_soon(&r->entry[i], real,
			k < x->tolds && x->told[k] == index))
			told[tolds++] = index;
	}
	free(x->told);
	x->told = told;
	x->tolds = tolds;
}
