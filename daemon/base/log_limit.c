/* How often a kind of line is written: a bucket of credit each. */
#include "build.h"

#include <stddef.h>

#include "clock.h"
#include "log_limit.h"

#define COST (CLOCK_SEC / LOG_LIMIT_RATE)
#define MOST (LOG_LIMIT_BURST * COST)
#define TELL (LOG_LIMIT_TELL * CLOCK_SEC)

/* Few kinds ever write, so that a search is nothing beside the line. */
static struct log_limit_row *
find(struct log_limit *l, enum log_level level, const char *component,
    const char *text)
{
	struct log_limit_row *r;

	for (unsigned i = 0; i < l->rows; i++)
		if (l->row[i].text == text && l->row[i].level == level)
			return &l->row[i];
	if (l->rows == LOG_LIMIT_ROWS)
		return NULL;
	r = &l->row[l->rows++];
	*r = (struct log_limit_row){.text = text,
	    .component = component,
	    .level = level,
	    .credit = MOST};
	return r;
}

bool
log_limit_pass(struct log_limit *l, enum log_level level, const char *component,
    const char *text, uint64_t now)
{
	struct log_limit_row *r = find(l, level, component, text);

	if (r == NULL)
		return true;
	if (r->filled_at != 0 && now > r->filled_at)
		r->credit = now - r->filled_at < MOST - r->credit
				? r->credit + (now - r->filled_at)
				: MOST;
	r->filled_at = now;
	if (r->credit < COST) {
		r->left_out++;
		return false;
	}
	r->credit -= COST;
	return true;
}

bool
log_limit_take(struct log_limit *l, uint64_t now, struct log_limit_row *out)
{
	for (unsigned i = 0; i < l->rows; i++) {
		struct log_limit_row *r = &l->row[i];

		if (r->left_out == 0 ||
		    (r->told_at != 0 && now - r->told_at < TELL))
			continue;
		*out = *r;
		r->left_out = 0;
		r->told_at = now;
		return true;
	}
	return false;
}
