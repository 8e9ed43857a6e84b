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

enum { SOURCES_MAX = 8, OFFSET_STEP = CLOCK_MS };

struct snapshotter {
	struct store *store;   /* borrowed */
	pthread_mutex_t lock;  /* one takes it, the others wait */
	struct snapshot *last; /* reference or NULL */
	struct snapshot_settings settings;
	struct snapshot_source source[SOURCES_MAX];
	unsigned sources;
	unsigned history; /* samples of each target */
	int64_t offset;	  /* real minus monotonic, as last used */
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
	pthread_mutex_unlock(&s->lock);
	snapshot_expire(s);
}

void
snapshot_keep_history(struct snapshotter *s, unsigned samples)
{
	s->history = samples < SNAPSHOT_HISTORY ? samples : SNAPSHOT_HISTORY;
}

void
snapshot_expire(struct snapshotter *s)
{
	pthread_mutex_lock(&s->lock);
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

/*
 * The moments of a snapshot are monotonic times plus the offset of the wall
 * clock. Read anew each time it would waver by nanoseconds, and every moment
 * with it, as if something had happened; so only a step changes it.
 */
static int64_t
steady_offset(int64_t before)
{
	int64_t now = clock_offset(), by = now - before;

	return by > OFFSET_STEP || by < -OFFSET_STEP ? now : before;
}

/* The store's part; those that departed are in the roster or in the sums. */
static void
read_store(struct snapshotter *s, struct snapshot_builder *b)
{
	struct snapshot *p = b->snapshot;

	store_read_lock(s->store);
	p->roster = store_roster(s->store);
	p->decision = store_decision(s->store);
	p->generation = p->roster->generation;
	p->mono = clock_mono();
	p->real = clock_real();
	b->offset = p->offset = s->offset = steady_offset(s->offset);
	if (!b->err)
		snapshot_rows_fill(b, s->store);
	store_read_unlock(s->store);
}

static struct snapshot *
build(struct snapshotter *s)
{
	struct snapshot *p = calloc(1, sizeof(*p));
	struct snapshot_builder b = {
	    .snapshot = p, .settings = s->settings, .history = s->history};

	if (p == NULL)
		return NULL;
	p->refs = 1;
	p->windows = s->settings.windows;
	memcpy(p->window, s->settings.window, sizeof(p->window));
	p->memory = b.arena = arena_new();
	b.err = b.arena == NULL;
	read_store(s, &b);
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
