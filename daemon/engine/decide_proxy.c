/* From the rows of targets through a proxy to its state. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_proxy.h"
#include "event.h"
#include "proxy.h"
#include "proxy_judge.h"

/* A proxy, as of the last run. */
struct judged {
	uint32_t index;
	char name[PROXY_NAME + 1];
	struct decision_proxy is;
	enum state told; /* the state that events have told of */
	enum outcome why;
	bool refuses;
};

struct decide_proxy {
	struct judged *judged; /* in the order of the roster's */
	size_t n;
	struct proxy_path *path; /* scratch */
	size_t room;
};

struct decide_proxy *
decide_proxy_new(void)
{
	return calloc(1, sizeof(struct decide_proxy));
}

void
decide_proxy_free(struct decide_proxy *d)
{
	if (d == NULL)
		return;
	free(d->judged);
	free(d->path);
	free(d);
}

static const struct judged *
find(const struct judged *j, size_t n, uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		if (j[i].index == index)
			return &j[i];
	return NULL;
}

/* The roster's proxies, each with what was known of it. */
static int
follow(struct decide_proxy *d, const struct roster *r)
{
	struct judged *more = calloc(r->proxies + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->proxies; i++) {
		const struct judged *old =
		    find(d->judged, d->n, r->proxy[i].index);

		if (old != NULL)
			more[i] = *old;
		else
			more[i].is.state = more[i].told = STATE_UNKNOWN;
		more[i].index = r->proxy[i].index;
		snprintf(more[i].name, sizeof(more[i].name), "%s",
		    r->proxy[i].proxy->name);
	}
	free(d->judged);
	d->judged = more;
	d->n = r->proxies;
	return 0;
}

/* A path that shall be blocked says nothing of the proxy. */
static size_t
read_paths(struct decide_proxy *d, const struct roster *r, const char *name)
{
	uint64_t w[TALLY_WORDS];
	size_t n = 0;

	for (size_t i = 0; i < r->entries; i++) {
		const struct target *t = r->entry[i].target;

		if (t->proxy == NULL || t->expect == EXPECT_BLOCKED ||
		    strcmp(t->proxy->name, name) != 0)
			continue;
		row_read(r->entry[i].row, w);
		d->path[n++] = (struct proxy_path){
		    .state = (enum state)w[TALLY_STATE],
		    .outcome = w[TALLY_PROBES] != 0
				   ? (enum outcome)w[TALLY_LAST_OUTCOME]
				   : OUTCOME_NONE,
		    .passed = w[TALLY_PHASE + PHASE_PROXY - 1] != 0,
		};
	}
	return n;
}

static void
judge(struct decide_proxy *d, const struct roster *r, struct judged *j,
    uint64_t now)
{
	struct proxy_verdict v =
	    proxy_judge(d->path, read_paths(d, r, j->name));

	j->refuses = v.refuses;
	j->why = v.why;
	/* What was known stays known while nobody can say. */
	if (v.state == STATE_UNKNOWN || v.state == j->is.state)
		return;
	j->is.state = v.state;
	j->is.changed_at = now;
}

void
decide_proxy_run(struct decide_proxy *d, const struct roster *r, uint64_t now)
{
	if (r->entries > d->room) {
		struct proxy_path *more =
		    realloc(d->path, r->entries * sizeof(*more));

		if (more == NULL)
			return;
		d->path = more;
		d->room = r->entries;
	}
	if (follow(d, r) < 0)
		return;
	for (size_t i = 0; i < d->n; i++)
		judge(d, r, &d->judged[i], now);
}

enum site_verdict
decide_proxy_refuses(const struct decide_proxy *d)
{
	bool known = false;

	for (size_t i = 0; i < d->n; i++) {
		if (d->judged[i].refuses)
			return SITE_YES;
		known |= d->judged[i].is.state != STATE_UNKNOWN;
	}
	return known ? SITE_NO : SITE_NOT_KNOWN;
}

int
decide_proxy_copy(const struct decide_proxy *d, struct decision *to)
{
	to->proxy = calloc(d->n + 1, sizeof(*to->proxy));
	if (to->proxy == NULL)
		return -ENOMEM;
	to->proxies = d->n;
	for (size_t i = 0; i < d->n; i++)
		to->proxy[i] = d->judged[i].is;
	return 0;
}

/* That it was found up is no news. */
void
decide_proxy_tell(struct decide_proxy *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct judged *j = &d->judged[i];
		struct event e = {.kind = EVENT_PROXY_STATE,
		    .index = j->index,
		    .from = j->told,
		    .to = j->is.state};

		if (j->told == j->is.state)
			continue;
		j->told = j->is.state;
		if (e.from == STATE_UNKNOWN && e.to == STATE_UP)
			continue;
		snprintf(e.subject, sizeof(e.subject), "%s", j->name);
		if (j->why != OUTCOME_NONE && e.to != STATE_UP)
			snprintf(e.cause, sizeof(e.cause), "%s",
			    outcome_meaning(j->why));
		event_emit(&e);
	}
}
