/*
 * Rosters: which rows there are, who they belong to, and what was decided
 * about them. The roster and the decision are swapped as a whole under a
 * mutex that only readers and the control thread take; rows themselves are
 * in row.c and never wait for it.
 */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "index.h"
#include "inventory.h"
#include "kind.h"
#include "native.h"
#include "proxy.h"
#include "row.h"
#include "store.h"
#include "store_native.h"
#include "store_proxy.h"

/* Of what has an index by its name. */
enum { KIND_TARGET, KIND_CLUSTER, KIND_PROXY, KINDS };

struct store {
	pthread_mutex_t swap;	   /* roster and decision */
	pthread_mutex_t reading;   /* rings stay while it is held */
	struct roster *roster;	   /* reference */
	struct decision *decision; /* reference or NULL */
	uint64_t generation;
	/* control thread only */
	struct index
	    name[KINDS]; /* targets, clusters, proxies: name -> index */
	uint32_t next_index[KINDS];
	struct index restored; /* key -> struct row *, owned */
	struct index departed; /* group -> struct departed *, owned */
	struct store_natives natives;
	struct store_proxies proxies;
	bool restored_any; /* counts are of an earlier process, too */
};

struct roster *
roster_ref(struct roster *r)
{
	__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void
roster_unref(struct roster *r)
{
	if (r == NULL || __atomic_fetch_sub(&r->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (size_t i = 0; i < r->entries; i++) {
		target_unref(r->entry[i].target);
		row_unref(r->entry[i].row);
	}
	for (size_t i = 0; i < r->proxies; i++)
		proxy_unref(r->proxy[i].proxy);
	free(r->entry);
	free(r->cluster);
	free(r->proxy);
	free(r);
}

void
decision_unref(struct decision *d)
{
	if (d == NULL || __atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	free(d->cluster);
	free(d->changed_at);
	free(d->proxy);
	free(d);
}

static struct roster *
roster_new(size_t entries, size_t clusters)
{
	struct roster *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->refs = 1;
	r->entry = calloc(entries + 1, sizeof(*r->entry));
	r->cluster = calloc(clusters + 1, sizeof(*r->cluster));
	if (r->entry == NULL || r->cluster == NULL) {
		roster_unref(r);
		return NULL;
	}
	return r;
}

struct store *
store_new(void)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->swap, NULL);
	pthread_mutex_init(&s->reading, NULL);
	for (int kind = 0; kind < KINDS; kind++)
		s->next_index[kind] = 1;
	s->roster = roster_new(0, 0);
	if (s->roster == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
store_restored_drop(struct store *s)
{
	for (size_t i = 0; i < s->restored.slots; i++)
		row_unref((struct row *)(uintptr_t)s->restored.slot[i].value);
	index_free(&s->restored);
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	store_restored_drop(s);
	for (size_t i = 0; i < s->departed.slots; i++)
		free((void *)(uintptr_t)s->departed.slot[i].value);
	index_free(&s->departed);
	store_native_free(&s->natives);
	store_proxy_free(&s->proxies);
	roster_unref(s->roster);
	decision_unref(s->decision);
	for (int kind = 0; kind < KINDS; kind++)
		index_free(&s->name[kind]);
	pthread_mutex_destroy(&s->swap);
	pthread_mutex_destroy(&s->reading);
	free(s);
}

struct roster *
store_roster(struct store *s)
{
	struct roster *r;

	pthread_mutex_lock(&s->swap);
	r = roster_ref(s->roster);
	pthread_mutex_unlock(&s->swap);
	return r;
}

uint32_t
store_target_index(struct store *s, const char *name)
{
	struct roster *r = store_roster(s);
	uint32_t index = 0;

	for (size_t i = 0; i < r->entries && index == 0; i++)
		if (strcmp(r->entry[i].target->name, name) == 0)
			index = r->entry[i].target->index;
	roster_unref(r);
	return index;
}

struct decision *
store_decision(struct store *s)
{
	struct decision *d;

	pthread_mutex_lock(&s->swap);
	d = s->decision;
	if (d != NULL)
		__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&s->swap);
	return d;
}

void
store_decide(struct store *s, struct decision *d)
{
	struct decision *old;

	pthread_mutex_lock(&s->swap);
	old = s->decision;
	s->decision = d;
	pthread_mutex_unlock(&s->swap);
	decision_unref(old);
}

void
store_read_lock(struct store *s)
{
	pthread_mutex_lock(&s->reading);
}

void
store_read_unlock(struct store *s)
{
	pthread_mutex_unlock(&s->reading);
}

/* The index of a name, a new one if it has none. 0: no memory. */
static uint32_t
index_of(struct store *s, int kind, const char *name)
{
	struct index_entry *e = index_add(&s->name[kind], name);

	if (e == NULL)
		return 0;
	if (e->value == 0)
		e->value = s->next_index[kind]++;
	return (uint32_t)e->value;
}

void
store_index_set(struct store *s, int kind, const char *name, uint32_t index)
{
	struct index_entry *e = index_add(&s->name[kind], name);

	if (e == NULL)
		return;
	e->value = index;
	if (index >= s->next_index[kind])
		s->next_index[kind] = index + 1;
}

void
store_index_each(struct store *s,
    void (*each)(void *arg, int kind, const char *name, uint32_t index),
    void *arg)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const struct index *x = &s->name[kind];

		for (size_t i = 0; i < x->slots; i++)
			if (x->slot[i].text != NULL)
				each(arg, kind, x->slot[i].text,
				    (uint32_t)x->slot[i].value);
	}
}

void
store_row_each(struct store *s,
    void (*each)(void *arg, const char *key, struct row *r), void *arg)
{
	for (size_t i = 0; i < s->roster->entries; i++)
		each(arg, s->roster->entry[i].target->key,
		    s->roster->entry[i].row);
	for (size_t i = 0; i < s->restored.slots; i++)
		if (s->restored.slot[i].value != 0)
			each(arg, s->restored.slot[i].text,
			    (struct row *)(uintptr_t)s->restored.slot[i].value);
}

struct row *
store_row_restore(struct store *s, const char *key, uint32_t capacity)
{
	struct index_entry *e = index_add(&s->restored, key);
	struct row *r;

	if (e == NULL)
		return NULL;
	s->restored_any = true;
	r = row_new(capacity, 0);
	row_unref((struct row *)(uintptr_t)e->value);
	e->value = (uintptr_t)r;
	return r;
}

/*
 * Leaves the writer a ring of the size that the target now needs. Its present
 * size does not say: the writer may be taking up one that was left before.
 */
static int
row_resize(struct row *r, const struct target *t)
{
	uint32_t want = target_ring_size(t);
	struct ring *g;

	if (want == r->wanted)
		return 0;
	g = row_ring_new(want);
	if (g == NULL)
		return -1;
	free(atomic_exchange(&r->next_ring, g));
	r->wanted = want;
	return 0;
}

/* A row goes on once only, should two targets have one key. */
static struct row *
row_claim(struct store *s, struct index *present, const char *key)
{
	struct index_entry *e = index_find(present, key);
	struct row *r;

	if (e != NULL && e->value != 0) {
		r = row_ref((struct row *)(uintptr_t)e->value);
		e->value = 0;
		return r;
	}
	e = index_find(&s->restored, key);
	if (e == NULL)
		return NULL;
	r = (struct row *)(uintptr_t)e->value;
	e->value = 0;
	return r;
}

/* The row of a target: that of its key, now or before the restart, or new. */
static struct row *
row_for(struct store *s, struct index *present, const struct target *t)
{
	const struct kind *k = kind_find(t->probe, t->path.transport);
	unsigned shows = k != NULL ? k->shows : 0;
	struct row *r = row_claim(s, present, t->key);

	if (r == NULL)
		return row_new(target_ring_size(t), shows);
	if (row_resize(r, t) < 0 || row_want(r, shows) < 0) {
		row_unref(r);
		return NULL;
	}
	return r;
}

/* The group is part of the key: a row never goes over to another one. */
static int
join_group(struct store *s, const struct target *t, struct row *r)
{
	if (r->native == NULL)
		r->native =
		    store_native_of(&s->natives, t->path.transport, t->cluster);
	return r->native != NULL ? 0 : -ENOMEM;
}

struct native *
store_native(struct store *s, enum transport transport, const char *cluster)
{
	return store_native_of(&s->natives, transport, cluster);
}

void
store_native_each(struct store *s,
    void (*each)(void *arg, enum transport transport, const char *cluster,
	const struct native *n),
    void *arg)
{
	store_native_walk(&s->natives, each, arg);
}

bool
store_restored_any(const struct store *s)
{
	return s->restored_any;
}

static int
entry_by_index(const void *a, const void *b)
{
	const struct roster_entry *x = a, *y = b;

	return x->target->index < y->target->index
		   ? -1
		   : x->target->index > y->target->index;
}

static int
cluster_by_index(const void *a, const void *b)
{
	const struct roster_cluster *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int
proxy_by_index(const void *a, const void *b)
{
	const struct roster_proxy *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static int
number_proxies(struct store *s, struct roster *r)
{
	if (store_proxy_gather(&s->proxies, r) < 0)
		return -1;
	for (size_t i = 0; i < r->proxies; i++) {
		r->proxy[i].index =
		    index_of(s, KIND_PROXY, r->proxy[i].proxy->name);
		if (r->proxy[i].index == 0)
			return -1;
	}
	if (r->proxies > 1)
		qsort(r->proxy, r->proxies, sizeof(*r->proxy), proxy_by_index);
	return 0;
}

static int
roster_fill(struct store *s, struct roster *r, const struct inventory *inv,
    struct index *present)
{
	for (size_t i = 0; i < inv->targets; i++) {
		struct target *t = inv->target[i];
		struct row *row = row_for(s, present, t);

		t->index = index_of(s, KIND_TARGET, t->name);
		if (row == NULL || t->index == 0 || join_group(s, t, row) < 0) {
			row_unref(row);
			return -1;
		}
		r->entry[r->entries++] =
		    (struct roster_entry){target_ref(t), row, 0};
	}
	for (size_t i = 0; i < inv->clusters; i++) {
		const struct inventory_cluster *c = &inv->cluster[i];
		struct roster_cluster *to = &r->cluster[r->clusters++];

		to->index = index_of(s, KIND_CLUSTER, c->name);
		if (to->index == 0)
			return -1;
		to->class = c->class;
		to->about = c->about;
		memcpy(to->name, c->name, sizeof(to->name));
		memcpy(to->has, c->has, sizeof(to->has));
	}
	qsort(r->entry, r->entries, sizeof(*r->entry), entry_by_index);
	qsort(r->cluster, r->clusters, sizeof(*r->cluster), cluster_by_index);
	return number_proxies(s, r);
}

/* The sums of a group, made if there are none; NULL: no memory. */
static struct departed *
departed_of(struct store *s, enum transport transport, const char *cluster)
{
	char group[CLUSTER_NAME + 32];
	struct index_entry *e;
	struct departed *d;

	snprintf(group, sizeof(group), "%s %s",
	    word_label(WORD_TRANSPORT, transport), cluster);
	e = index_add(&s->departed, group);
	if (e == NULL || e->value != 0)
		return e == NULL ? NULL
				 : (struct departed *)(uintptr_t)e->value;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->transport = transport;
	snprintf(d->cluster, sizeof(d->cluster), "%s", cluster);
	e->value = (uintptr_t)d;
	return d;
}

int
store_departed_add(struct store *s, const struct departed *d)
{
	struct departed *sum = departed_of(s, d->transport, d->cluster);

	if (sum == NULL)
		return -ENOMEM;
	for (unsigned o = 0; o < OUTCOME_END - 1; o++)
		sum->ended[o] += d->ended[o];
	for (unsigned b = 0; b < STATS_BUCKETS; b++)
		sum->bucket[b] += d->bucket[b];
	sum->rtt_sum += d->rtt_sum;
	return 0;
}

/* What a target has counted up to now. */
static void
departed_read(struct departed *d, const struct roster_entry *e)
{
	uint64_t w[TALLY_WORDS];

	row_read(e->row, w);
	d->transport = e->target->path.transport;
	memcpy(d->cluster, e->target->cluster, sizeof(d->cluster));
	memcpy(d->ended, &w[TALLY_ENDED], sizeof(d->ended));
	memcpy(d->bucket, &w[TALLY_BUCKET], sizeof(d->bucket));
	d->rtt_sum = w[TALLY_RTT_SUM];
}

/* Targets of the old roster whose rows are not in the new one. */
static void
departed_collect(
    struct store *s, const struct roster *old, const struct roster *new)
{
	struct departed d;

	for (size_t i = 0; i < new->entries; i++)
		new->entry[i].row->generation = new->generation;
	for (size_t i = 0; i < old->entries; i++) {
		if (old->entry[i].row->generation == new->generation)
			continue;
		departed_read(&d, &old->entry[i]);
		store_departed_add(s, &d);
	}
}

void
store_departed_each(struct store *s,
    void (*each)(void *arg, const struct departed *d), void *arg)
{
	for (size_t i = 0; i < s->departed.slots; i++)
		if (s->departed.slot[i].value != 0)
			each(
			    arg, (const struct departed *)(uintptr_t)s->departed
				     .slot[i]
				     .value);
}

/* Frees the rings that the writers have left, with no reader about. */
static void
rings_collect(struct store *s)
{
	store_read_lock(s);
	for (size_t i = 0; i < s->roster->entries; i++)
		row_rings_free(
		    atomic_exchange(&s->roster->entry[i].row->replaced, NULL));
	store_read_unlock(s);
}

/* Whether it is of the same targets and media clusters. */
static bool
same_members(const struct roster *a, const struct roster *b)
{
	if (a->entries != b->entries || a->clusters != b->clusters)
		return false;
	for (size_t i = 0; i < a->entries; i++)
		if (a->entry[i].row != b->entry[i].row)
			return false;
	for (size_t i = 0; i < a->clusters; i++)
		if (a->cluster[i].index != b->cluster[i].index)
			return false;
	return true;
}

struct roster *
store_adopt(struct store *s, const struct inventory *inv,
    uint8_t (*loop_of)(const struct target *t))
{
	struct roster *r = roster_new(inv->targets, inv->clusters), *old;
	struct index present = {0};
	int err = r == NULL ? -1 : 0;

	rings_collect(s);
	for (size_t i = 0; err == 0 && i < s->roster->entries; i++) {
		struct index_entry *e =
		    index_add(&present, s->roster->entry[i].target->key);

		if (e == NULL)
			err = -1;
		else if (e->value == 0)
			e->value = (uintptr_t)s->roster->entry[i].row;
	}
	if (err == 0)
		err = roster_fill(s, r, inv, &present);
	index_free(&present);
	if (err < 0) {
		roster_unref(r);
		return NULL;
	}
	for (size_t i = 0; i < r->entries; i++)
		r->entry[i].loop = loop_of(r->entry[i].target);
	r->generation = ++s->generation;
	r->changed_at =
	    same_members(s->roster, r) ? s->roster->changed_at : clock_mono();
	/* A reader sees those that go in the roster or in the sums. */
	store_read_lock(s);
	departed_collect(s, s->roster, r);
	pthread_mutex_lock(&s->swap);
	old = s->roster;
	s->roster = roster_ref(r);
	pthread_mutex_unlock(&s->swap);
	store_read_unlock(s);
	roster_unref(old);
	return r;
}
