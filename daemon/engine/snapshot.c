/*
 * Takes a snapshot: reads every row, computes the windows from the raw
 * samples, and lays all of it out as the tables say. Labels and items live in
 * one arena that goes with the snapshot.
 */
#include "build.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "index.h"
#include "snapshot.h"
#include "snapshot_rows.h"

enum { SOURCES_MAX = 8 };

struct snapshotter {
	struct store *store;   /* borrowed */
	pthread_mutex_t lock;  /* one takes it, the others wait */
	struct snapshot *last; /* reference or NULL */
	struct snapshot_settings settings;
	struct snapshot_source source[SOURCES_MAX];
	unsigned sources;
};

struct snapshotter *
snapshot_new(struct store *store)
{
	struct snapshotter *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->store = store;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void
snapshot_free(struct snapshotter *s)
{
	if (s == NULL)
		return;
	snapshot_unref(s->last);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
snapshot_add_source(struct snapshotter *s, struct snapshot_source source)
{
	if (s->sources < SOURCES_MAX)
		s->source[s->sources++] = source;
}

void
snapshot_configure(
    struct snapshotter *s, const struct snapshot_settings *settings)
{
	pthread_mutex_lock(&s->lock);
	s->settings = *settings;
	snapshot_unref(s->last);
	s->last = NULL;
	pthread_mutex_unlock(&s->lock);
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	__atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void
snapshot_unref(struct snapshot *s)
{
	if (s == NULL || __atomic_fetch_sub(&s->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (unsigned i = 0; i < STATS_SCOPES; i++)
		free(s->scope[i].item);
	roster_unref(s->roster);
	decision_unref(s->decision);
	arena_free(s->memory);
	free(s);
}

/* A gauge without a value is left out, so that is what an item starts with. */
static void
item_blank(enum stats_scope scope, void *item)
{
	memset(item, 0, stats_scopes[scope].size);
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];

		if (d->scope == scope &&
		    (d->nature == STATS_GAUGE || d->nature == STATS_STATESET))
			*(uint64_t *)((char *)item + d->offset) = STATS_NONE;
	}
}

void *
snapshot_item(
    struct snapshot_builder *b, enum stats_scope scope, const char *labels)
{
	struct stats_items *s = &b->snapshot->scope[scope];
	size_t size = stats_scopes[scope].size;
	char *item;

	if (s->count == b->room[scope]) {
		size_t room = b->room[scope] > 0 ? 2 * b->room[scope] : 16;

		item = realloc(s->item, room * size);
		if (item == NULL) {
			b->err = true;
			return NULL;
		}
		s->item = item;
		b->room[scope] = room;
	}
	item = (char *)s->item + s->count++ * size;
	if (b->blank[scope] == NULL) {
		b->blank[scope] = arena_take(b->arena, size);
		if (b->blank[scope] == NULL) {
			b->err = true;
			return NULL;
		}
		item_blank(scope, b->blank[scope]);
	}
	memcpy(item, b->blank[scope], size);
	/* Every scope's struct begins with its labels. */
	*(const char **)item = snapshot_text(b, labels);
	return item;
}

void *
snapshot_only(struct snapshot_builder *b, enum stats_scope scope)
{
	struct stats_items *s = &b->snapshot->scope[scope];

	return s->count > 0 ? s->item : snapshot_item(b, scope, "");
}

const char *
snapshot_text(struct snapshot_builder *b, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = arena_take(b->arena, n);

	if (copy == NULL) {
		b->err = true;
		return NULL;
	}
	return memcpy(copy, text, n);
}

const struct snapshot *
snapshot_of(const struct snapshot_builder *b)
{
	return b->snapshot;
}

uint64_t
snapshot_time(const struct snapshot_builder *b, uint64_t mono)
{
	return mono == 0 ? STATS_NONE : (uint64_t)((int64_t)mono + b->offset);
}

static struct snapshot *
build(struct snapshotter *s)
{
	struct snapshot *p = calloc(1, sizeof(*p));
	struct snapshot_builder b = {.snapshot = p, .settings = s->settings};

	if (p == NULL)
		return NULL;
	p->refs = 1;
	p->memory = b.arena = arena_new();
	p->roster = store_roster(s->store);
	p->decision = store_decision(s->store);
	p->generation = p->roster->generation;
	p->windows = s->settings.windows;
	memcpy(p->window, s->settings.window, sizeof(p->window));
	p->mono = clock_mono();
	p->real = clock_real();
	b.offset = clock_offset();
	b.err = b.arena == NULL;
	if (!b.err)
		snapshot_rows_fill(&b, s->store);
	for (unsigned i = 0; i < s->sources && !b.err; i++)
		s->source[i].fill(s->source[i].arg, &b);
	if (b.err) {
		snapshot_unref(p);
		return NULL;
	}
	return p;
}

static struct snapshot *
get(struct snapshotter *s, uint64_t most)
{
	struct snapshot *p;

	pthread_mutex_lock(&s->lock);
	if (s->last == NULL || clock_mono() - s->last->mono > most) {
		p = build(s);
		if (p != NULL) {
			snapshot_unref(s->last);
			s->last = p;
		}
	}
	p = s->last != NULL ? snapshot_ref(s->last) : NULL;
	pthread_mutex_unlock(&s->lock);
	return p;
}

struct snapshot *
snapshot_get(struct snapshotter *s)
{
	return get(s, CLOCK_SEC);
}

struct snapshot *
snapshot_take(struct snapshotter *s)
{
	return get(s, 0);
}
