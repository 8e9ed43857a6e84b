/* Native histograms by group: found by the control thread, walked by all. */
#include "build.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"
#include "store_native.h"

/* Immutable but for the counts once it is in the list. */
struct store_native_group {
	struct store_native_group *next;
	struct native *native; /* owned */
	enum transport transport;
	char cluster[CLUSTER_NAME + 1];
};

void
store_native_free(struct store_natives *s)
{
	struct store_native_group *g = atomic_load(&s->first), *next;

	for (; g != NULL; g = next) {
		next = g->next;
		native_free(g->native);
		free(g);
	}
	atomic_store(&s->first, NULL);
	index_free(&s->index);
}

static struct store_native_group *
group_new(
    struct store_natives *s, enum transport transport, const char *cluster)
{
	struct store_native_group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->native = native_new();
	if (g->native == NULL) {
		free(g);
		return NULL;
	}
	g->transport = transport;
	snprintf(g->cluster, sizeof(g->cluster), "%s", cluster);
	g->next = atomic_load(&s->first);
	atomic_store_explicit(&s->first, g, memory_order_release);
	return g;
}

struct native *
store_native_of(
    struct store_natives *s, enum transport transport, const char *cluster)
{
	char text[CLUSTER_NAME + 32];
	struct store_native_group *g;
	struct index_entry *e;

	snprintf(text, sizeof(text), "%s %s",
	    word_label(WORD_TRANSPORT, transport), cluster);
	e = index_add(&s->index, text);
	if (e == NULL)
		return NULL;
	if (e->value == 0)
		e->value = (uintptr_t)group_new(s, transport, cluster);
	g = (struct store_native_group *)(uintptr_t)e->value;
	return g != NULL ? g->native : NULL;
}

void
store_native_walk(struct store_natives *s,
    void (*each)(void *arg, enum transport transport, const char *cluster,
	const struct native *n),
    void *arg)
{
	const struct store_native_group *g =
	    atomic_load_explicit(&s->first, memory_order_acquire);

	for (; g != NULL; g = g->next)
		each(arg, g->transport, g->cluster, g->native);
}
