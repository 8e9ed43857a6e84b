/* Gathering what all sources want probed, each path once, in order. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "inventory_plan.h"

/* A mention of a cluster by a source. */
struct mention {
	const char *name;
	enum cluster_class class; /* 0: by a target, which does not say */
	const struct cluster_about *about; /* NULL: the same */
	const struct config_probing *probing;
	size_t order;
};

struct gather {
	const struct inventory_input *in;
	struct want *want;
	size_t wants, want_size;
	struct mention *mention;
	size_t mentions, mention_size;
	size_t order;
	bool failed;
};

/* Room for item n of an array; NULL (and failed) without memory. */
static void *
grow(struct gather *g, void *array, size_t n, size_t *size, size_t item)
{
	void *more;

	if (n < *size)
		return array;
	more = realloc(array, (*size > 0 ? *size * 2 : 64) * item);
	if (more == NULL)
		g->failed = true;
	else
		*size = *size > 0 ? *size * 2 : 64;
	return more;
}

static void
add_want(struct gather *g, const struct want *w)
{
	struct want *more =
	    grow(g, g->want, g->wants, &g->want_size, sizeof(*more));

	if (more == NULL)
		return;
	g->want = more;
	more[g->wants] = *w;
	more[g->wants++].order = g->order++;
}

static void
add_mention(struct gather *g, const struct mention *m)
{
	struct mention *more =
	    grow(g, g->mention, g->mentions, &g->mention_size, sizeof(*more));

	if (more == NULL)
		return;
	g->mention = more;
	more[g->mentions] = *m;
	more[g->mentions++].order = g->order++;
}

static void
add_target(struct gather *g, const struct config_target *t)
{
	const struct want w = {.name = t->name,
	    .cluster = t->cluster,
	    .probe = t->probe,
	    .transport = t->transport,
	    .host = t->host,
	    .port = t->port,
	    .ask = t->ask,
	    .url = t->url,
	    .proxy = t->proxy,
	    .probing = &t->probing};

	add_want(g, &w);
	if (t->cluster[0] != '\0')
		add_mention(g, &(struct mention){
				   .name = t->cluster, .probing = &t->probing});
}

/* A need is a target that may be another one's path, and is then that. */
static void
add_needs(
    struct gather *g, const struct config_target *need, size_t n, size_t first)
{
	for (size_t i = 0; i < n; i++) {
		add_target(g, &need[i]);
		if (!g->failed)
			g->want[g->wants - 1].need = (uint32_t)(first + i) + 1;
	}
}

static void
add_cluster(struct gather *g, const struct node_cluster *c,
    const struct cluster_about *about, const struct config_probing *probing)
{
	const struct mention m = {.name = c->name,
	    .class = c->class,
	    .about = about,
	    .probing = probing};

	add_mention(g, &m);
	for (size_t i = 0; i < c->nodes; i++) {
		const struct want w = {.cluster = c->name,
		    .probe = "stun",
		    .transport = c->node[i].transport,
		    .host = c->node[i].host,
		    .port = c->node[i].port,
		    .probing = probing};

		add_want(g, &w);
	}
}

static int
compare_mentions(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c != 0)
		return c;
	/* Those that say a class before those that do not. */
	if ((x->class == 0) != (y->class == 0))
		return x->class == 0 ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

static int
compare_wants(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	int c;

	if (x->name != NULL || y->name != NULL) {
		if (x->name == NULL || y->name == NULL)
			return x->name == NULL ? 1 : -1;
		return x->order < y->order ? -1 : 1;
	}
	if ((c = strcmp(x->cluster, y->cluster)) != 0)
		return c;
	if (x->transport != y->transport)
		return x->transport < y->transport ? -1 : 1;
	if ((c = strcmp(x->host, y->host)) != 0)
		return c;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void
gather_all(struct gather *g)
{
	const struct config *c = g->in->config;

	for (size_t i = 0; i < c->targets; i++)
		add_target(g, &c->target[i]);
	for (size_t i = 0; i < g->in->files; i++) {
		for (size_t k = 0; k < g->in->file_targets[i]; k++)
			add_target(g, &g->in->file_target[i][k]);
	}
	for (size_t i = 0; i < c->clusters; i++)
		add_cluster(g, &c->cluster[i].nodes, &c->cluster[i].about,
		    &c->cluster[i].probing);
	for (size_t i = 0; i < g->in->lists; i++) {
		const struct nodelist *l = g->in->list[i];

		for (size_t k = 0; l != NULL && k < l->clusters; k++)
			add_cluster(g, &l->cluster[k], &l->about, &c->defaults);
	}
	add_needs(g, c->need, c->needs, 0);
	add_needs(g, g->in->learned, g->in->learnt, c->needs);
}

/* Of all mentions of a cluster the first says what it is. */
static const struct mention *
find_mention(const struct gather *g, const char *cluster)
{
	size_t low = 0, high = g->mentions;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(g->mention[mid].name, cluster) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return &g->mention[low];
}

static void
make_clusters(struct gather *g, struct plan *out, struct buf *warnings)
{
	const struct mention *first = NULL;

	for (size_t i = 0; i < g->mentions; i++) {
		const struct mention *m = &g->mention[i];
		struct inventory_cluster *c;

		if (first != NULL && strcmp(first->name, m->name) == 0) {
			if (m->class != 0 && m->class != first->class)
				buf_printf(warnings,
				    "media cluster '%s' is %s and %s; "
				    "taken as %s\n",
				    m->name,
				    word_label(
					WORD_CLUSTER_CLASS, first->class),
				    word_label(WORD_CLUSTER_CLASS, m->class),
				    word_label(
					WORD_CLUSTER_CLASS, first->class));
			continue;
		}
		first = m;
		c = &out->cluster[out->clusters++];
		memcpy(c->name, m->name, strlen(m->name) + 1);
		c->class = m->class != 0 ? m->class : CLUSTER_CLASS_PUBLIC;
		if (m->about != NULL)
			c->about = *m->about;
	}
}

static int
compare_name(const void *name, const void *cluster)
{
	return strcmp(name, ((const struct inventory_cluster *)cluster)->name);
}

static struct inventory_cluster *
find_cluster(struct plan *p, const char *name)
{
	return bsearch(
	    name, p->cluster, p->clusters, sizeof(*p->cluster), compare_name);
}

static bool
same_node(const struct want *a, const struct want *b)
{
	return a->name == NULL && b->name == NULL &&
	       a->transport == b->transport && a->port == b->port &&
	       strcmp(a->cluster, b->cluster) == 0 &&
	       strcmp(a->host, b->host) == 0;
}

/*
 * Leaves out nodes that are wanted twice and what a Video Mesh is not tested
 * over, and gives all nodes of a cluster the probing of its first mention.
 */
static void
sift(struct gather *g, struct plan *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->wants; i++) {
		struct want *w = &p->want[i];
		struct inventory_cluster *c = find_cluster(p, w->cluster);

		if (c != NULL && c->class == CLUSTER_CLASS_VIDEO_MESH &&
		    w->transport != TRANSPORT_UDP && w->name == NULL)
			continue;
		if (kept > 0 && same_node(&p->want[kept - 1], w))
			continue;
		if (c != NULL && w->transport <= TRANSPORT_TLS &&
		    strcmp(w->probe, "stun") == 0)
			c->has[w->transport] = true;
		if (w->name == NULL)
			w->probing = find_mention(g, w->cluster)->probing;
		p->want[kept++] = *w;
	}
	p->wants = kept;
}

int
inventory_plan(
    const struct inventory_input *in, struct plan *out, struct buf *warnings)
{
	struct gather g = {.in = in};

	memset(out, 0, sizeof(*out));
	gather_all(&g);
	out->cluster = calloc(g.mentions + 1, sizeof(*out->cluster));
	if (g.failed || out->cluster == NULL) {
		free(g.want);
		free(g.mention);
		inventory_plan_free(out);
		return -ENOMEM;
	}
	if (g.mentions > 1)
		qsort(g.mention, g.mentions, sizeof(*g.mention),
		    compare_mentions);
	if (g.wants > 1)
		qsort(g.want, g.wants, sizeof(*g.want), compare_wants);
	make_clusters(&g, out, warnings);
	out->want = g.want;
	out->wants = g.wants;
	sift(&g, out);
	free(g.mention);
	if (inventory_shard(out, &in->shard) == 0)
		return 0;
	inventory_plan_free(out);
	return -ENOMEM;
}

void
inventory_plan_free(struct plan *p)
{
	free(p->want);
	free(p->cluster);
	memset(p, 0, sizeof(*p));
}
