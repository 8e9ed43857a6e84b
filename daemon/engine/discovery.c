/*
 * The sources of a configuration, and one timer for all of them. What cannot
 * be read is tried again; its last good list stays (see feed.c).
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "discovery.h"
#include "document.h"
#include "feed.h"
#include "pattern.h"
#include "transfer.h"

#define NEVER UINT64_MAX

struct discovery {
	struct discovery_setup setup;
	struct feed_env env;
	uv_timer_t timer;
	struct document **document;
	size_t documents;
	struct pattern **pattern;
	size_t patterns;
	/* What others see, in the order of the sources. */
	const struct nodelist **list;
	size_t lists;
	const struct config_target **target;
	size_t *count;
	size_t targets;
};

static void on_time(uv_timer_t *h);

/* ---- what others see ---- */

/* A file that two patterns match is the first one's. */
static bool
is_double(const struct discovery *d, size_t pattern, const char *path)
{
	for (size_t i = 0; i < pattern; i++)
		for (size_t k = 0; k < d->pattern[i]->members; k++)
			if (!strcmp(d->pattern[i]->member[k].feed->name, path))
				return true;
	return false;
}

static size_t
members_in_all(const struct discovery *d)
{
	size_t n = 0;
	for (size_t i = 0; i < d->patterns; i++)
		n += d->pattern[i]->members;
	return n;
}

static void
collect_targets(struct discovery *d)
{
	for (size_t i = 0; i < d->patterns; i++)
		for (size_t k = 0; k < d->pattern[i]->members; k++) {
			struct feed *f = d->pattern[i]->member[k].feed;
			if (!f->targets || is_double(d, i, f->name))
				continue;
			d->target[d->targets] = f->target;
			d->count[d->targets++] = f->targets;
		}
}

/* The arrays again, after any list came, changed or went. */
static void
collect(struct discovery *d)
{
	size_t n = members_in_all(d);
	free(d->list);
	free(d->target);
	free(d->count);
	d->lists = d->targets = 0;
	d->list = calloc(d->documents + 1, sizeof(*d->list));
	d->target = calloc(n + 1, sizeof(*d->target));
	d->count = calloc(n + 1, sizeof(*d->count));
	for (size_t i = 0; d->list && i < d->documents; i++) {
		struct nodelist *l = d->document[i]->feed->list;
		if (l == NULL)
			continue;
		l->about = d->document[i]->spec.about;
		d->list[d->lists++] = l;
	}
	if (d->target && d->count)
		collect_targets(d);
}

static uint64_t
next_due(const struct discovery *d)
{
	uint64_t next = NEVER;
	for (size_t i = 0; i < d->documents; i++)
		if (d->document[i]->due < next)
			next = d->document[i]->due;
	for (size_t i = 0; i < d->patterns; i++)
		if (d->pattern[i]->due < next)
			next = d->pattern[i]->due;
	return next;
}

static void
schedule(struct discovery *d)
{
	uint64_t now = clock_mono(), next = next_due(d);
	if (next == NEVER)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_time,
		    next > now ? (next - now) / CLOCK_MS + 1 : 1, 0);
}

/* The end of each callback: nothing is touched after changed(). */
static void
on_published(void *arg, bool changed)
{
	struct discovery *d = arg;
	schedule(d);
	if (!changed)
		return;
	collect(d);
	d->setup.changed(d->setup.arg);
}

static void
on_time(uv_timer_t *h)
{
	struct discovery *d = h->data;
	uint64_t now = clock_mono();
	bool changed = false;
	for (size_t i = 0; i < d->documents; i++)
		if (d->document[i]->due <= now)
			changed |= document_refresh(d->document[i]);
	for (size_t i = 0; i < d->patterns; i++)
		if (d->pattern[i]->due <= now)
			changed |= pattern_refresh(d->pattern[i], true);
	on_published(d, changed);
}

/* ---- sources of a configuration ---- */

/* The same source of the last configuration, or a new one. */
static struct document *
document_for(struct discovery *d, const struct config_discovery *spec)
{
	for (size_t i = 0; i < d->documents; i++) {
		struct document *doc = d->document[i];
		if (doc->keep || !document_is(doc, spec))
			continue;
		doc->keep = true;
		document_adopt(doc, spec);
		return doc;
	}
	return document_open(&d->env, spec);
}

static void
configure_documents(struct discovery *d, const struct config *c)
{
	struct document **now = calloc(c->discoveries + 1, sizeof(*now));
	size_t n = 0;
	if (!now)
		return;
	for (size_t i = 0; i < d->documents; i++)
		d->document[i]->keep = false;
	for (size_t i = 0; i < c->discoveries; i++) {
		now[n] = document_for(d, &c->discovery[i]);
		n += now[n] != NULL;
	}
	for (size_t i = 0; i < d->documents; i++)
		if (!d->document[i]->keep)
			document_close(d->document[i]);
	free(d->document);
	d->document = now;
	d->documents = n;
	for (size_t i = 0; i < n; i++)
		if (now[i]->spec.file)
			document_refresh(now[i]);
}

static struct pattern *
pattern_for(struct discovery *d, const char *path)
{
	for (size_t i = 0; i < d->patterns; i++) {
		struct pattern *p = d->pattern[i];
		if (p->keep || strcmp(p->path, path))
			continue;
		p->keep = true;
		return p;
	}
	return pattern_open(&d->env, path);
}

static void
configure_patterns(struct discovery *d, const struct config *c)
{
	struct pattern **now = calloc(c->target_files + 1, sizeof(*now));
	size_t n = 0;
	if (!now)
		return;
	for (size_t i = 0; i < d->patterns; i++)
		d->pattern[i]->keep = false;
	for (size_t i = 0; i < c->target_files; i++) {
		now[n] = pattern_for(d, c->target_file[i]);
		n += now[n] != NULL;
	}
	for (size_t i = 0; i < d->patterns; i++)
		if (!d->pattern[i]->keep)
			pattern_close(d->pattern[i]);
	free(d->pattern);
	d->pattern = now;
	d->patterns = n;
	/* Their targets take defaults from the configuration. */
	for (size_t i = 0; i < n; i++) {
		pattern_forget(now[i]);
		pattern_refresh(now[i], true);
	}
}

/* ---- exported ---- */

struct discovery *
discovery_new(const struct discovery_setup *setup)
{
	struct discovery *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->setup = *setup;
	d->env = (struct feed_env){
	    .loop = setup->loop,
	    .carrier = transfer_open(setup->loop),
	    .published = on_published,
	    .arg = d,
	};
	if (!d->env.carrier) {
		free(d);
		return NULL;
	}
	uv_timer_init(setup->loop, &d->timer);
	d->timer.data = d;
	return d;
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

void
discovery_free(struct discovery *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->documents; i++)
		document_close(d->document[i]);
	for (size_t i = 0; i < d->patterns; i++)
		pattern_close(d->pattern[i]);
	transfer_close(d->env.carrier);
	free(d->document);
	free(d->pattern);
	free(d->list);
	free(d->target);
	free(d->count);
	uv_close((uv_handle_t *)&d->timer, on_closed);
}

void
discovery_configure(struct discovery *d, const struct config *c)
{
	d->env.config = c;
	configure_documents(d, c);
	configure_patterns(d, c);
	collect(d);
	schedule(d);
}

size_t
discovery_lists(const struct discovery *d, const struct nodelist *const **out)
{
	*out = d->list;
	return d->lists;
}

size_t
discovery_targets(const struct discovery *d,
    const struct config_target *const **out, const size_t **counts)
{
	*out = d->target;
	*counts = d->count;
	return d->targets;
}

static struct discovery_status
status_of(const struct feed *f)
{
	return (struct discovery_status){
	    .name = f->name,
	    .kind = f->kind,
	    .tried = f->tried,
	    .failing = f->failing,
	    .last_success = f->last_success,
	    .failures = f->failures,
	    .nodes = f->nodes,
	    .rejected = f->rejected,
	};
}

size_t
discovery_sources(
    const struct discovery *d, struct discovery_status *out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < d->documents && n < max; i++)
		out[n++] = status_of(d->document[i]->feed);
	for (size_t i = 0; i < d->patterns; i++)
		for (size_t k = 0; k < d->pattern[i]->members && n < max; k++) {
			const struct feed *f = d->pattern[i]->member[k].feed;
			if (!is_double(d, i, f->name))
				out[n++] = status_of(f);
		}
	return n;
}

int
discovery_settled(const struct discovery *d)
{
	for (size_t i = 0; i < d->documents; i++)
		if (!d->document[i]->feed->tried)
			return 0;
	return 1;
}
