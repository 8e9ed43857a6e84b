/* Media clusters of the configuration, and where lists of nodes come from. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "option.h"

static const struct {
	const char *key;
	enum transport transport;
} lists[] = {
    {"udp", TRANSPORT_UDP}, {"tcp", TRANSPORT_TCP}, {"xtls", TRANSPORT_TLS}};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

/* What the profiles say, or what is usual. */
static uint16_t
default_port(const struct config *c, enum transport t)
{
	for (size_t i = 0; i < c->profiles; i++) {
		if (c->profile[i]->port[t] > 0)
			return c->profile[i]->port[t];
	}
	return nodelist_port(t);
}

/* A node of a cluster and where it stands. */
struct placed {
	const struct node *node;
	const struct doc_node *at;
};

static int
compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int c = strcmp(x->node->host, y->node->host);

	if (c != 0)
		return c;
	if (x->node->transport != y->node->transport)
		return x->node->transport < y->node->transport ? -1 : 1;
	if (x->node->port != y->node->port)
		return x->node->port < y->node->port ? -1 : 1;
	/* in the order of the file */
	return (x->at->index > y->at->index) - (x->at->index < y->at->index);
}

static void
check_placed(struct config_reader *r, struct placed *p, size_t n)
{
	char shown[DOC_SHOWN];

	if (n > 1)
		qsort(p, n, sizeof(*p), compare_placed);
	for (size_t i = 1; i < n; i++) {
		const struct node *x = p[i - 1].node, *y = p[i].node;

		if (x->transport == y->transport && x->port == y->port &&
		    strcmp(x->host, y->host) == 0)
			doc_error(r->errors, p[i].at,
			    "'%s' is in the list twice",
			    doc_error_shown(p[i].at->scalar, shown));
	}
}

/* Reads an item into the next node, unless it is wrong. */
static void
read_node(struct config_reader *r, const struct doc_node *at,
    struct config_cluster *c, enum transport t)
{
	struct node *n = &c->nodes.node[c->nodes.nodes];
	char shown[DOC_SHOWN];
	const char *why;

	if (at->kind != DOC_SCALAR || doc_null(at)) {
		doc_error(r->errors, at, "must be stun:HOST:PORT, not %s",
		    doc_kind_text(at));
		return;
	}
	n->transport = t;
	if (nodelist_parse_url(at->scalar, default_port(r->c, t), &n->host,
		&n->port, &why) < 0) {
		doc_error(r->errors, at,
		    "'%s' cannot be probed: %s (for example "
		    "stun:192.0.2.1:5004)",
		    doc_error_shown(at->scalar, shown), why);
		return;
	}
	config_probing_check_host(r, at, &c->probing, n->host);
	c->nodes.nodes++;
}

/* Requests of a probe of the cluster, where most are sent. */
static unsigned
count_of(const struct config_cluster *c)
{
	unsigned most = c->probing.count;

	for (unsigned i = 0; most == 0 && i < c->nodes.nodes; i++) {
		const struct kind *k =
		    kind_find("stun", c->nodes.node[i].transport);

		if (k->count > most)
			most = k->count;
	}
	return most > 0 ? most : 1;
}

/* The list of a transport; NULL with an error when it must not be there. */
static const struct doc_node *
find_list(struct config_reader *r, const struct doc_node *map,
    const struct config_cluster *c, unsigned i)
{
	const struct doc_node *list =
	    option_shape(map, OPTION_cluster, lists[i].key, r->errors);

	if (list == NULL || c->nodes.class != CLUSTER_CLASS_VIDEO_MESH ||
	    lists[i].transport == TRANSPORT_UDP || list->items == 0)
		return list;
	doc_error(r->errors, list, "a video_mesh is probed over UDP only");
	return NULL;
}

static void
read_nodes(struct config_reader *r, const struct doc_node *map,
    struct config_cluster *c)
{
	size_t before = doc_errors_count(r->errors), most = 0;
	const struct doc_node *list[LISTS];
	struct placed *placed;

	for (unsigned i = 0; i < LISTS; i++) {
		list[i] = find_list(r, map, c, i);
		most += list[i] != NULL ? list[i]->items : 0;
	}
	if (most == 0) {
		if (doc_errors_count(r->errors) == before)
			doc_error(r->errors, map,
			    "has no nodes: give udp, tcp or xtls");
		return;
	}
	c->nodes.node = calloc(most, sizeof(*c->nodes.node));
	placed = calloc(most, sizeof(*placed));
	if (c->nodes.node == NULL || placed == NULL) {
		doc_error(r->errors, map, "not enough memory");
		goto out;
	}
	for (unsigned i = 0; i < LISTS; i++) {
		for (size_t k = 0; list[i] != NULL && k < list[i]->items; k++) {
			struct placed *p = &placed[c->nodes.nodes];

			p->node = &c->nodes.node[c->nodes.nodes];
			p->at = list[i]->item[k];
			read_node(r, p->at, c, lists[i].transport);
		}
	}
	check_placed(r, placed, c->nodes.nodes);
out:
	free(placed);
}

static void
read_cluster(struct config_reader *r, const struct doc_node *map,
    struct config_cluster *c)
{
	const struct doc_node *thresholds;

	option_defaults(OPTION_cluster, c);
	c->probing = r->defaults;
	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	c->line = map->line;
	option_check_keys(map, OPTION_cluster, r->errors);
	option_read(map, OPTION_cluster, c, r->directory, r->errors);
	thresholds = option_shape(map, OPTION_cluster, "thresholds", r->errors);
	config_probing_read(r, map, thresholds, &c->probing);
	read_nodes(r, map, c);
	config_probing_finish(r, map, thresholds, &c->probing, count_of(c));
}

static void
read_clusters(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->cluster = calloc(list->items, sizeof(*c->cluster));
	if (c->cluster == NULL) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++)
		read_cluster(r, list->item[i], &c->cluster[c->clusters++]);
	config_unique(r->errors, list, "name");
}

/* What names the source in metrics: no query, for it may hold a secret. */
static char *
source_name(const struct config_discovery *d)
{
	if (d->file != NULL)
		return strdup(d->file);
	return strndup(d->url, strcspn(d->url, "?#"));
}

static void
check_discovery(struct config_reader *r, const struct doc_node *map,
    const struct config_discovery *d)
{
	static const char *const url_only[] = {
	    "bearer_token_file", "ca_file", "proxy", "timeout"};

	if ((d->file == NULL) == (d->url == NULL) &&
	    doc_get(map, "file") == NULL && doc_get(map, "url") == NULL) {
		doc_error(r->errors, map, "has no source: give file or url");
		return;
	}
	if (d->file != NULL && d->url != NULL)
		doc_error(r->errors, map, "give either file or url, not both");
	for (size_t i = 0; i < sizeof(url_only) / sizeof(*url_only); i++) {
		const struct doc_node *n = doc_get(map, url_only[i]);

		if (n != NULL && d->file != NULL && d->url == NULL)
			doc_error(r->errors, n, "goes with url, not with file");
	}
}

static void
read_discovery(struct config_reader *r, const struct doc_node *map,
    struct config_discovery *d)
{
	option_defaults(OPTION_discovery, d);
	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	option_check_keys(map, OPTION_discovery, r->errors);
	option_read(map, OPTION_discovery, d, r->directory, r->errors);
	check_discovery(r, map, d);
	if (d->file == NULL && d->url == NULL)
		return;
	d->name = source_name(d);
	if (d->name == NULL)
		doc_error(r->errors, map, "not enough memory");
}

static void
read_discoveries(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->discovery = calloc(list->items, sizeof(*c->discovery));
	if (c->discovery == NULL) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++)
		read_discovery(
		    r, list->item[i], &c->discovery[c->discoveries++]);
	config_unique(r->errors, list, "file");
	config_unique(r->errors, list, "url");
}

void
config_media_read(struct config_reader *r, const struct doc_node *media)
{
	if (media == NULL)
		return;
	option_check_keys(media, OPTION_media, r->errors);
	option_read(media, OPTION_media, r->c, r->directory, r->errors);
	read_clusters(
	    r, option_shape(media, OPTION_media, "clusters", r->errors));
	read_discoveries(
	    r, option_shape(media, OPTION_media, "discovery", r->errors));
}

void
config_media_free(struct config *c)
{
	for (size_t i = 0; i < c->clusters; i++) {
		struct node_cluster *n = &c->cluster[i].nodes;

		for (size_t k = 0; k < n->nodes; k++)
			free(n->node[k].host);
		free(n->node);
	}
	for (size_t i = 0; i < c->discoveries; i++) {
		free(c->discovery[i].name);
		option_free(OPTION_discovery, &c->discovery[i]);
	}
	free(c->cluster);
	free(c->discovery);
}
