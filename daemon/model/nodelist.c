/*
 * Discovery documents. They come from far away: every entry is looked at by
 * itself, and what cannot be used is named, not guessed at.
 */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "buf.h"
#include "nodelist.h"

enum {
	DOCUMENT_MAX = 4 << 20,
	ENTRIES_MAX = 20000, /* clusters and nodes of a document */
	WARNINGS_MAX = 100,
	SHOWN_MAX = 100, /* octets of a foreign text in a message */
	HOST_MAX = 253,
	LABEL_MAX = 63
};

/* The lists of a cluster, in the order that media prefers. */
static const struct {
	const char *key;
	enum transport transport;
} lists[] = {
    {"udp", TRANSPORT_UDP}, {"tcp", TRANSPORT_TCP}, {"xtls", TRANSPORT_TLS}};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

struct reader {
	struct nodelist *list;
	json_t *mesh; /* owned: an object with the names of Video Meshes */
	struct buf warnings;
	unsigned warned;
	size_t entries;
	bool failed; /* out of memory */
};

/* A foreign text in a message: cut, and with no control characters. */
static void
put_shown(struct buf *b, const char *text)
{
	size_t n = strlen(text), cut = n;

	if (n > SHOWN_MAX) {
		cut = SHOWN_MAX;
		while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
			cut--;
	}
	buf_putc(b, '\'');
	for (size_t i = 0; i < cut; i++)
		buf_putc(b, iscntrl((unsigned char)text[i]) ? '?' : text[i]);
	buf_puts(b, cut < n ? "...'" : "'");
}

/* "cluster 'C': WHAT 'TEXT'", C and TEXT being the document's. */
static void
warn(struct reader *r, const char *cluster, const char *what, const char *text)
{
	if (++r->warned > WARNINGS_MAX)
		return;
	if (r->warned == WARNINGS_MAX) {
		buf_puts(&r->warnings, "more warnings are left out\n");
		return;
	}
	if (cluster != NULL) {
		buf_puts(&r->warnings, "cluster ");
		put_shown(&r->warnings, cluster);
		buf_puts(&r->warnings, ": ");
	}
	buf_puts(&r->warnings, what);
	if (text != NULL) {
		buf_putc(&r->warnings, ' ');
		put_shown(&r->warnings, text);
	}
	buf_putc(&r->warnings, '\n');
}

/* Whether one more entry may be looked at. */
static bool
take_entry(struct reader *r)
{
	static const char text[] =
	    "more than 20000 entries: those after them are left out\n";

	if (++r->entries <= ENTRIES_MAX)
		return true;
	if (r->entries == ENTRIES_MAX + 1)
		buf_puts(&r->warnings, text);
	return false;
}

bool
nodelist_address_ok(const struct addr *a)
{
	unsigned len;
	const uint8_t *p = addr_bytes(a, &len);

	if (addr_family(a) == AF_INET)
		return p[0] != 0 && p[0] < 224;
	if (addr_family(a) == AF_INET6)
		return !IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) &&
		       !IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
	return false;
}

/* RFC 1123 2.1: letters, digits and hyphens; underscores are seen, too. */
static bool
is_name(const char *host)
{
	size_t len = strlen(host), label = 0;
	bool number = true;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			number = i + 1 < len;
			continue;
		}
		if (!isascii(c) || (!isalnum(c) && c != '-' && c != '_') ||
		    ++label > LABEL_MAX)
			return false;
		if (!isdigit(c))
			number = false;
	}
	/* A name whose last label is a number would be a bad address. */
	return !number;
}

bool
nodelist_host_ok(const char *host)
{
	struct addr a;

	if (addr_parse_host(&a, host) == 0)
		return nodelist_address_ok(&a);
	return is_name(host);
}

char *
nodelist_copy_host(const char *host)
{
	char text[ADDR_TEXT], *copy;
	struct addr a;

	if (addr_parse_host(&a, host) == 0)
		return strdup(addr_host_text(&a, text));
	copy = strdup(host);
	for (char *p = copy; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

uint16_t
nodelist_port(enum transport t)
{
	return t == TRANSPORT_TLS ? 443 : 5004;
}

int
nodelist_parse_url(const char *url, uint16_t default_port, char **host,
    uint16_t *port, const char **why)
{
	char text[HOST_MAX + 16], name[HOST_MAX + 16];
	uint16_t p = default_port;
	size_t len;

	*why = "the scheme is not stun";
	if (strncasecmp(url, "stun:", 5) != 0)
		return -EINVAL;
	url += 5;
	len = strcspn(url, ";?");
	*why = "it has no host";
	if (len == 0)
		return -EINVAL;
	*why = "it is too long";
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, url, len);
	text[len] = '\0';
	*why = "it is not stun:HOST:PORT with a port from 1 to 65535";
	if (addr_split(text, name, sizeof(name), &p) < 0 || p == 0)
		return -EINVAL;
	*why = "its host is neither a name nor the address of one host";
	if (!nodelist_host_ok(name))
		return -EINVAL;
	*host = nodelist_copy_host(name);
	*port = p;
	*why = "not enough memory";
	return *host != NULL ? 0 : -ENOMEM;
}

/* Room for one more item in an array that grows at powers of two. */
static void *
grow(struct reader *r, void *array, size_t n, size_t item)
{
	void *more = array;

	if ((n & (n - 1)) == 0)
		more = realloc(array, (n > 0 ? n * 2 : 1) * item);
	if (more == NULL)
		r->failed = true;
	return more;
}

static void
reject(struct reader *r, struct node_cluster *c, const char *list,
    const char *entry, const char *why)
{
	char **more = grow(r, c->rejected, c->rejections, sizeof(*more));
	struct buf b = BUF_INIT;

	if (more == NULL)
		return;
	c->rejected = more;
	buf_printf(&b, "%s ", list);
	put_shown(&b, entry);
	buf_printf(&b, ": %s", why);
	more[c->rejections] = buf_steal(&b);
	if (more[c->rejections] == NULL)
		r->failed = true;
	else
		c->rejections++;
}

static void
read_entry(struct reader *r, struct node_cluster *c, unsigned list,
    const json_t *entry)
{
	enum transport t = lists[list].transport;
	struct node *more, n = {.transport = t};
	const char *why;

	if (!json_is_string(entry)) {
		reject(r, c, lists[list].key, "", "it is not a text");
		return;
	}
	if (nodelist_parse_url(json_string_value(entry), nodelist_port(t),
		&n.host, &n.port, &why) < 0) {
		reject(r, c, lists[list].key, json_string_value(entry), why);
		return;
	}
	more = grow(r, c->node, c->nodes, sizeof(*more));
	if (more == NULL) {
		free(n.host);
		return;
	}
	c->node = more;
	more[c->nodes++] = n;
}

static void
read_list(struct reader *r, struct node_cluster *c, unsigned list,
    const json_t *entries)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(entries)) {
		reject(r, c, lists[list].key, "", "it is not a list");
		return;
	}
	json_array_foreach(entries, i, entry)
	{
		if (!take_entry(r))
			return;
		read_entry(r, c, list, entry);
	}
}

static int
compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;
	int c;

	if (x->transport != y->transport)
		return x->transport < y->transport ? -1 : 1;
	c = strcmp(x->host, y->host);
	return c != 0 ? c : (x->port > y->port) - (x->port < y->port);
}

/* Sorted, so that a list in another order is the same list; each once. */
static void
sort_nodes(struct node_cluster *c)
{
	size_t kept = 0;

	if (c->nodes > 1)
		qsort(c->node, c->nodes, sizeof(*c->node), compare_nodes);
	for (size_t i = 0; i < c->nodes; i++) {
		if (kept > 0 &&
		    compare_nodes(&c->node[kept - 1], &c->node[i]) == 0)
			free(c->node[i].host);
		else
			c->node[kept++] = c->node[i];
	}
	c->nodes = kept;
}

static unsigned
find_list(const char *key)
{
	unsigned i = 0;

	while (i < LISTS && strcmp(lists[i].key, key) != 0)
		i++;
	return i;
}

static void
read_cluster(
    struct reader *r, struct node_cluster *c, const char *name, json_t *object)
{
	const char *key;
	json_t *value;

	memcpy(c->name, name, strlen(name) + 1);
	c->class = json_object_get(r->mesh, name) != NULL
		       ? CLUSTER_CLASS_VIDEO_MESH
		       : CLUSTER_CLASS_PUBLIC;
	json_object_foreach(object, key, value)
	{
		unsigned list = find_list(key);

		/* Clients test a Video Mesh over UDP only. */
		if (list == LISTS)
			warn(r, name, "ignored unknown transport", key);
		else if (c->class != CLUSTER_CLASS_VIDEO_MESH ||
			 lists[list].transport == TRANSPORT_UDP)
			read_list(r, c, list, value);
	}
	sort_nodes(c);
}

static bool
name_ok(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)name[i]))
			return false;
	}
	return len > 0 && len <= CLUSTER_NAME;
}

static void
read_clusters(struct reader *r, json_t *clusters)
{
	const char *name;
	json_t *object;

	json_object_foreach(clusters, name, object)
	{
		struct nodelist *l = r->list;
		struct node_cluster *more;

		if (!take_entry(r))
			return;
		if (!json_is_object(object)) {
			warn(
			    r, name, "left out, for it is not an object", NULL);
			continue;
		}
		if (!name_ok(name)) {
			warn(r, name,
			    "left out, for its name is empty, "
			    "longer than 64 octets, or has control "
			    "characters",
			    NULL);
			continue;
		}
		more = grow(r, l->cluster, l->clusters, sizeof(*more));
		if (more == NULL)
			return;
		l->cluster = more;
		memset(&more[l->clusters], 0, sizeof(*more));
		read_cluster(r, &more[l->clusters++], name, object);
	}
}

/* The set of names in clusterClasses.hybridMedia. */
static void
read_classes(struct reader *r, json_t *classes)
{
	const char *key;
	json_t *names, *name;
	size_t i;

	if (classes != NULL && !json_is_object(classes))
		warn(r, NULL, "ignored clusterClasses, which is not an object",
		    NULL);
	json_object_foreach(classes, key, names)
	{
		if (strcmp(key, "hybridMedia") != 0) {
			warn(r, NULL, "ignored unknown class of clusters", key);
			continue;
		}
		if (!json_is_array(names))
			warn(r, NULL,
			    "ignored hybridMedia, which is not a "
			    "list",
			    NULL);
		json_array_foreach(names, i, name)
		{
			if (json_is_string(name))
				json_object_set_new(r->mesh,
				    json_string_value(name), json_true());
		}
	}
}

static void
warn_unknown(struct reader *r, json_t *root)
{
	static const char *const known[] = {"clusters", "clusterClasses",
	    "joinCookie", "discoveryOptions", NULL};
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value)
	{
		const char *const *k = known;

		while (*k != NULL && strcmp(*k, key) != 0)
			k++;
		if (*k == NULL)
			warn(r, NULL, "ignored unknown key", key);
	}
}

static int
compare_clusters(const void *a, const void *b)
{
	const struct node_cluster *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static size_t
count_nodes(const struct nodelist *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->clusters; i++)
		n += l->cluster[i].nodes;
	return n;
}

static struct nodelist *
read_root(json_t *root, char error[256])
{
	json_t *clusters = json_object_get(root, "clusters");
	struct reader r = {.warnings = BUF_INIT};

	if (!json_is_object(clusters)) {
		snprintf(error, 256, "it has no object 'clusters'");
		return NULL;
	}
	r.mesh = json_object();
	r.list = calloc(1, sizeof(*r.list));
	if (r.mesh == NULL || r.list == NULL)
		r.failed = true;
	if (!r.failed) {
		warn_unknown(&r, root);
		read_classes(&r, json_object_get(root, "clusterClasses"));
		read_clusters(&r, clusters);
		if (r.list->clusters > 1)
			qsort(r.list->cluster, r.list->clusters,
			    sizeof(*r.list->cluster), compare_clusters);
	}
	json_decref(r.mesh);
	if (r.failed || r.warnings.err) {
		snprintf(error, 256, "not enough memory");
	} else if (count_nodes(r.list) == 0) {
		/* Rather the last good list than none. */
		snprintf(error, 256, "it lists no node that can be used");
		r.failed = true;
	} else if (r.warnings.len > 0) {
		r.list->warnings = buf_steal(&r.warnings);
	}
	buf_free(&r.warnings);
	if (!r.failed)
		return r.list;
	nodelist_free(r.list);
	return NULL;
}

struct nodelist *
nodelist_parse(const char *json, size_t len, char error[256])
{
	struct nodelist *l;
	json_error_t err;
	json_t *root;

	if (len > DOCUMENT_MAX) {
		snprintf(error, 256, "it is larger than 4 MiB");
		return NULL;
	}
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &err);
	if (root == NULL) {
		snprintf(error, 256, "it is no JSON: line %d, column %d: %s",
		    err.line, err.column, err.text);
		return NULL;
	}
	l = read_root(root, error);
	json_decref(root);
	return l;
}

void
nodelist_free(struct nodelist *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->clusters; i++) {
		struct node_cluster *c = &l->cluster[i];

		for (size_t k = 0; k < c->nodes; k++)
			free(c->node[k].host);
		for (size_t k = 0; k < c->rejections; k++)
			free(c->rejected[k]);
		free(c->node);
		free(c->rejected);
	}
	free(l->cluster);
	free(l->warnings);
	free(l);
}
