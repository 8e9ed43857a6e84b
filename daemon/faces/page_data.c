/* What the status page shows, in its order. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "labels.h"
#include "page_data.h"
#include "word.h"

/* By state, the one to look at first; 0 is "none". */
static const unsigned state_order[STATE_END] = {
    [0] = 2,
    [STATE_DOWN] = 0,
    [STATE_DEGRADED] = 1,
    [STATE_UNKNOWN] = 2,
    [STATE_UP] = 3,
    [STATE_DISABLED] = 4,
};

/* A label's value without its escapes, cut to size; false: no such label. */
static bool
label(const char *labels, const char *name, char *out, size_t size)
{
	struct buf b = BUF_INIT;
	bool found = labels_value(labels, name, &b);
	size_t n = b.len < size ? b.len : size - 1;

	if (n > 0)
		memcpy(out, b.data, n);
	out[n] = '\0';
	buf_free(&b);
	return found;
}

/* The transport of the labels if it is one of media; 0 if not. */
static unsigned
media(const char *labels)
{
	char text[32];
	unsigned n;

	label(labels, "transport", text, sizeof(text));
	n = word_number(WORD_TRANSPORT, text);
	return n <= PAGE_DATA_MEDIA ? n : 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct page_data_cluster *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Class 0 is the last one; a rank that is not known comes after all. */
static int
by_rank(const void *a, const void *b)
{
	const struct page_data_cluster *x = a, *y = b;

	if (x->class != y->class)
		return x->class - 1 < y->class - 1 ? -1 : 1;
	if (x->item->rank != y->item->rank)
		return x->item->rank < y->item->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
by_state(const void *a, const void *b)
{
	const struct page_data_target *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static void
take_clusters(struct page_data *d, const struct snapshot *s)
{
	const struct snap_link *link = SNAP(s, link);
	size_t links = SNAP_COUNT(s, link), at = 0;
	char class[32];

	for (size_t i = 0; i < d->clusters; i++) {
		struct page_data_cluster *c = &d->cluster[i];

		c->item = &SNAP(s, cluster)[i];
		label(
		    c->item->labels, "media_cluster", c->name, sizeof(c->name));
		label(c->item->info, "class", class, sizeof(class));
		c->class = word_number(WORD_CLUSTER_CLASS, class);
		for (; at < links &&
		       labels_rest(link[at].labels, c->item->labels) != NULL;
		     at++) {
			unsigned t = media(link[at].labels);

			if (t != 0)
				c->link[t - 1] = &link[at];
		}
	}
}

/* Adds a target's shortest window to its cluster; clusters are by name. */
static void
add_traffic(struct page_data *d, const struct page_data_target *t)
{
	struct page_data_cluster key, *c;
	unsigned transport = media(t->item->labels);

	if (transport == 0 || t->windows == 0 ||
	    t->window->requests == STATS_NONE)
		return;
	label(t->item->labels, "media_cluster", key.name, sizeof(key.name));
	c = bsearch(&key, d->cluster, d->clusters, sizeof(key), by_name);
	if (c == NULL)
		return;
	c->requests[transport - 1] += t->window->requests;
	c->answers[transport - 1] += t->window->answers;
}

static void
take_targets(struct page_data *d, const struct snapshot *s)
{
	const struct snap_window *window = SNAP(s, window);
	size_t windows = SNAP_COUNT(s, window), at = 0;

	for (size_t i = 0; i < d->targets; i++) {
		struct page_data_target *t = &d->target[i];

		t->item = &SNAP(s, target)[i];
		t->order = t->item->state < STATE_END
			       ? state_order[t->item->state]
			       : state_order[0];
		t->window = &window[at];
		while (at < windows &&
		       labels_rest(window[at].labels, t->item->labels) != NULL)
			at++;
		t->windows = (size_t)(&window[at] - t->window);
		add_traffic(d, t);
	}
}

int
page_data_make(struct page_data *d, const struct snapshot *s)
{
	*d = (struct page_data){.clusters = SNAP_COUNT(s, cluster),
	    .targets = SNAP_COUNT(s, target)};
	d->cluster = calloc(d->clusters + 1, sizeof(*d->cluster));
	d->target = calloc(d->targets + 1, sizeof(*d->target));
	if (d->cluster == NULL || d->target == NULL)
		return -ENOMEM;
	take_clusters(d, s);
	qsort(d->cluster, d->clusters, sizeof(*d->cluster), by_name);
	take_targets(d, s);
	qsort(d->cluster, d->clusters, sizeof(*d->cluster), by_rank);
	qsort(d->target, d->targets, sizeof(*d->target), by_state);
	return 0;
}

void
page_data_free(struct page_data *d)
{
	free(d->cluster);
	free(d->target);
	*d = (struct page_data){0};
}
