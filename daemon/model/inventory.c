/* Targets out of a plan: addresses for names, and names for addresses. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "inventory_plan.h"
#include "kind.h"
#include "proxy.h"

enum {
	TARGETS_MAX = 100000,
	ADDRESSES_MAX = 128, /* of a name, both families */
	WARNINGS_MAX = 100
};

/* A set of texts; what it holds is owned by it when `owned`. */
struct set {
	char **slot;
	size_t size, used;
};

struct builder {
	const struct inventory_input *in;
	struct inventory *out;
	size_t size;
	struct set names, paths, keys;
	struct inventory_links links;
	struct buf warnings;
	uint64_t took_ns; /* to resolve what is being built */
	bool full, failed;
};

/* The slot of the text, or the empty one where it would go. */
static size_t
set_slot(const struct set *s, const char *text)
{
	size_t i = target_hash(text, 0) & (s->size - 1);

	while (s->slot[i] != NULL && strcmp(s->slot[i], text) != 0)
		i = (i + 1) & (s->size - 1);
	return i;
}

static int
set_grow(struct set *s)
{
	struct set more = {
	    .size = s->size > 0 ? s->size * 2 : 1024, .used = s->used};

	more.slot = calloc(more.size, sizeof(char *));
	if (more.slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->size; i++) {
		if (s->slot[i] != NULL)
			more.slot[set_slot(&more, s->slot[i])] = s->slot[i];
	}
	free(s->slot);
	*s = more;
	return 0;
}

static bool
set_has(const struct set *s, const char *text)
{
	return s->size > 0 && s->slot[set_slot(s, text)] != NULL;
}

/* 1 when it was added, 0 when it was there, or -ENOMEM. */
static int
set_add(struct set *s, const char *text)
{
	size_t i;

	if (s->used * 2 >= s->size && set_grow(s) < 0)
		return -ENOMEM;
	i = set_slot(s, text);
	if (s->slot[i] != NULL)
		return 0;
	s->slot[i] = strdup(text);
	if (s->slot[i] == NULL)
		return -ENOMEM;
	s->used++;
	return 1;
}

static void
set_free(struct set *s)
{
	for (size_t i = 0; i < s->size; i++)
		free(s->slot[i]);
	free(s->slot);
}

/* ---- addresses ---- */

/* What can be probed of a name; its addresses have no ports. */
struct found {
	struct addr addr[ADDRESSES_MAX];
	unsigned n;
	unsigned v4, v6; /* taken of each family */
	size_t known;	 /* addresses that the name has */
	bool cut;	 /* some were too many */
};

/* Where the name servers of this host are meant: these bring their ports. */
static bool
is_system(const struct want *w)
{
	return w->port == 0 && kind_find(w->probe, w->transport)->has_port;
}

/* The host that is to be resolved: behind a proxy it resolves the other. */
static const char *
next_hop(const struct want *w)
{
	return w->proxy != NULL ? w->proxy->host : w->host;
}

static void
take_address(
    struct found *f, const struct addr *a, const struct want *w, unsigned most)
{
	unsigned family = config_probing_family(w->probing);
	bool v4 = addr_family(a) == AF_INET;
	unsigned *taken = v4 ? &f->v4 : &f->v6;

	if (!nodelist_address_ok(a) || family == (v4 ? 6 : 4))
		return;
	if (f->n > 0 && !w->probing->all_addresses)
		return;
	if (*taken >= most || f->n == ADDRESSES_MAX) {
		f->cut = true;
		return;
	}
	(*taken)++;
	f->addr[f->n] = *a;
	if (!is_system(w))
		addr_set_port(&f->addr[f->n],
		    w->proxy != NULL ? w->proxy->port : w->port);
	f->n++;
}

static void
find_addresses(struct builder *b, const struct want *w, struct found *f)
{
	struct inventory_name known = {.host = next_hop(w)};
	struct addr literal = {0};

	f->n = f->v4 = f->v6 = 0;
	f->cut = false;
	if (addr_parse_host(&literal, known.host) == 0) {
		known.addr = &literal;
		known.addrs = 1;
	} else if (b->in->resolve != NULL) {
		b->in->resolve(
		    b->in->arg, is_system(w) ? NULL : next_hop(w), &known);
	}
	f->known = known.addrs;
	b->took_ns = known.took_ns;
	for (size_t i = 0; i < known.addrs; i++)
		take_address(
		    f, &known.addr[i], w, b->in->config->max_addresses);
}

/* Says once of a name what of it is not probed. */
static void
warn_addresses(struct builder *b, const struct want *w, const struct found *f)
{
	const char *what = NULL;
	char key[512];

	if (f->cut)
		what = "has more addresses than limits.addresses_per_name "
		       "allows; the first are probed";
	else if (f->n == 0 && f->known > 0)
		what = "has no address of the family that is probed";
	if (what == NULL)
		return;
	snprintf(key, sizeof(key), "%s %s", next_hop(w), what);
	if (set_add(&b->keys, key) > 0)
		buf_printf(&b->warnings, "%s\n", key);
}

/* ---- names ---- */

static void
name_node(const struct builder *b, const struct want *w,
    const struct addr *addr, char out[TARGET_NAME + 1])
{
	struct path path = {
	    .transport = w->transport, .host = w->host, .addr = *addr};
	unsigned salt = 0;

	/* What is not resolved has a port all the same. */
	if (addr_family(addr) == AF_UNSPEC) {
		path.addr.in.sin_family = AF_INET;
		addr_set_port(&path.addr, w->port);
	}
	do
		target_node_name(out, w->cluster, &path, salt++);
	while (set_has(&b->names, out));
}

/* A target's own name for one address, and with a suffix for several. */
static void
name_target(const struct builder *b, const struct want *w,
    const struct addr *addr, bool alone, char out[TARGET_NAME + 1])
{
	char text[ADDR_TEXT];
	unsigned salt = 0;

	if (alone) {
		memcpy(out, w->name, strlen(w->name) + 1);
		return;
	}
	addr_text(addr, text);
	do
		config_target_suffix(out, w->name, text, salt++);
	while (set_has(&b->names, out));
}

/* ---- targets ---- */

/* Row of the longest prefix over the subnets of all profiles; 0 for none. */
static uint32_t
find_subnet(const struct config *c, const struct addr *a)
{
	uint32_t base = 0, best = 0;
	int bits = -1;

	for (size_t i = 0; i < c->profiles; i++) {
		const struct profile *p = c->profile[i];
		uint32_t row = subnet_find(p->table, a);

		if (row > 0 && p->subnet[row - 1].subnet.bits > bits) {
			bits = p->subnet[row - 1].subnet.bits;
			best = base + row;
		}
		base += (uint32_t)p->subnets;
	}
	return best;
}

static unsigned
count_of(const struct want *w)
{
	const struct kind *k = kind_find(w->probe, w->transport);
	unsigned count = w->probing->count > 0 ? w->probing->count : k->count;

	return count < k->count_most ? count : k->count_most;
}

static enum cluster_class
class_of(const struct builder *b, const char *cluster)
{
	for (size_t low = 0, high = b->out->clusters; low < high;) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(b->out->cluster[mid].name, cluster);

		if (c == 0)
			return b->out->cluster[mid].class;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return 0;
}

static void
fill_target(const struct builder *b, const struct want *w,
    const struct addr *addr, struct target *t)
{
	const struct config *c = b->in->config;
	const struct config_probing *p = w->probing;

	memcpy(t->cluster, w->cluster, strlen(w->cluster) + 1);
	t->class = class_of(b, w->cluster);
	t->probe = w->probe;
	t->port = w->port;
	t->path.transport = w->transport;
	t->path.addr = *addr;
	t->path.resolve_ns = b->took_ns;
	t->path.source = p->source;
	memcpy(t->path.interface, p->interface, sizeof(t->path.interface));
	t->path.dscp = p->dscp;
	t->ask = ask_ref(w->ask);
	t->path.ask = t->ask;
	t->proxy = proxy_ref(w->proxy);
	t->path.proxy = t->proxy;
	t->path.url = t->url;
	t->count = count_of(w);
	t->path.timeout_ns = config_probing_timeout(p, t->count);
	t->interval_ns = p->interval;
	t->retry_ns = p->retry < p->interval ? p->retry : 0;
	t->spacing_ns = p->spacing;
	t->ring_ns = c->window[c->windows - 1];
	t->expect = p->expect;
	t->thresholds = p->thresholds;
	t->subnet = find_subnet(c, addr);
}

/* Takes the target over. */
static void
append(struct builder *b, struct target *t)
{
	struct target **more = b->out->target;

	if (b->out->targets == b->size) {
		size_t size = b->size > 0 ? b->size * 2 : 256;

		more = realloc(more, size * sizeof(struct target *));
		if (more == NULL) {
			target_unref(t);
			b->failed = true;
			return;
		}
		b->out->target = more;
		b->size = size;
	}
	more[b->out->targets++] = t;
	if (set_add(&b->names, t->name) < 0)
		b->failed = true;
}

static void
make_target(struct builder *b, const struct want *w, const char *name,
    const struct addr *addr)
{
	struct target *t = target_new(name, w->host);
	int added;

	if (t != NULL && w->url != NULL && (t->url = strdup(w->url)) == NULL) {
		target_unref(t);
		t = NULL;
	}
	if (t == NULL) {
		b->failed = true;
		return;
	}
	fill_target(b, w, addr, t);
	added = target_seal(t) < 0 ? -ENOMEM : set_add(&b->keys, t->key);
	if (w->need != 0 && added >= 0 &&
	    inventory_link_add(&b->links, w->need - 1, t->key) < 0)
		b->failed = true;
	if (added > 0) {
		append(b, t);
		return;
	}
	if (added < 0)
		b->failed = true;
	else if (w->need == 0)
		buf_printf(&b->warnings,
		    "target '%s' is left out: another one is the same path\n",
		    name);
	target_unref(t);
}

/* The path of a node in its cluster, whatever name led to it. */
static int
claim_path(struct builder *b, const struct want *w, const struct addr *addr)
{
	char text[ADDR_TEXT];
	struct buf key = BUF_INIT;
	int rc;

	if (addr_family(addr) == AF_UNSPEC)
		buf_printf(&key, "%s:%u", w->host, w->port);
	else
		buf_puts(&key, addr_text(addr, text));
	buf_printf(&key, " %s %s %u %s %s ", w->probe,
	    word_label(WORD_TRANSPORT, w->transport), w->probing->dscp,
	    addr_host_text(&w->probing->source, text), w->probing->interface);
	buf_puts(&key, w->cluster);
	rc = set_add(&b->paths, buf_str(&key));
	buf_free(&key);
	return rc;
}

/* One address of what is wanted; family 0 when there is none (yet). */
static void
build_path(struct builder *b, const struct want *w, const struct addr *addr,
    bool alone)
{
	char name[TARGET_NAME + 1];

	if (b->out->targets == TARGETS_MAX) {
		if (!b->full)
			buf_printf(&b->warnings,
			    "more than %d targets: the rest is left out\n",
			    TARGETS_MAX);
		b->full = true;
		return;
	}
	/* A node that a target of the cluster probes is that target. */
	if ((w->name == NULL || w->cluster[0] != '\0') &&
	    claim_path(b, w, addr) == 0 && w->name == NULL)
		return;
	if (w->name == NULL)
		name_node(b, w, addr, name);
	else
		name_target(b, w, addr,
		    alone && (w->need == 0 || !set_has(&b->names, w->name)),
		    name);
	if (!set_has(&b->names, name))
		make_target(b, w, name, addr);
	else
		buf_printf(&b->warnings,
		    "target '%s' is left out: another one has its name\n",
		    name);
}

static void
build_want(struct builder *b, const struct want *w)
{
	static const struct addr none;
	struct found f;

	find_addresses(b, w, &f);
	warn_addresses(b, w, &f);
	if (f.n == 0)
		build_path(b, w, &none, true);
	for (unsigned i = 0; i < f.n; i++)
		build_path(b, w, &f.addr[i], f.n == 1);
}

static int
compare_targets(const void *a, const void *b)
{
	return strcmp((*(struct target *const *)a)->name,
	    (*(struct target *const *)b)->name);
}

/* No more lines than a log can bear. */
static char *
cut_warnings(struct buf *warnings)
{
	size_t lines = 0;

	for (size_t i = 0; i < warnings->len; i++) {
		if (warnings->data[i] != '\n' || ++lines < WARNINGS_MAX)
			continue;
		if (i + 1 == warnings->len)
			break;
		warnings->len = i + 1;
		buf_puts(warnings, "more warnings are left out\n");
		break;
	}
	return warnings->len > 0 ? buf_steal(warnings) : NULL;
}

struct inventory *
inventory_build(const struct inventory_input *in)
{
	struct inventory *out = calloc(1, sizeof(*out));
	struct builder b = {.in = in, .out = out, .warnings = BUF_INIT};
	struct plan plan;

	if (out == NULL || inventory_plan(in, &plan, &b.warnings) < 0) {
		free(out);
		buf_free(&b.warnings);
		return NULL;
	}
	out->cluster = plan.cluster;
	out->clusters = plan.clusters;
	plan.cluster = NULL;
	for (size_t i = 0; i < plan.wants && !b.failed; i++)
		build_want(&b, &plan.want[i]);
	inventory_plan_free(&plan);
	if (out->targets > 1)
		qsort(out->target, out->targets, sizeof(struct target *),
		    compare_targets);
	if (inventory_limit(out, in->config, &b.warnings) < 0 ||
	    inventory_link_make(out, &b.links) < 0 || b.warnings.err)
		b.failed = true;
	out->warnings = cut_warnings(&b.warnings);
	buf_free(&b.warnings);
	set_free(&b.names);
	set_free(&b.paths);
	set_free(&b.keys);
	inventory_link_free(&b.links);
	if (!b.failed)
		return out;
	inventory_free(out);
	return NULL;
}

void
inventory_free(struct inventory *i)
{
	if (i == NULL)
		return;
	for (size_t k = 0; k < i->targets; k++)
		target_unref(i->target[k]);
	for (size_t k = 0; k < i->links; k++)
		target_unref(i->link[k].target);
	free(i->link);
	free(i->target);
	free(i->cluster);
	free(i->warnings);
	free(i);
}

uint64_t
inventory_shortest(const struct inventory *i, uint64_t most)
{
	for (size_t k = 0; k < i->targets; k++)
		if (i->target[k]->interval_ns < most)
			most = i->target[k]->interval_ns;
	return most;
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
inventory_names(const struct inventory_input *in, size_t *n)
{
	struct buf warnings = BUF_INIT;
	struct set seen = {0};
	struct addr a;
	struct plan plan;
	char **name = NULL;

	*n = 0;
	if (inventory_plan(in, &plan, &warnings) < 0)
		goto out;
	name = calloc(plan.wants + 1, sizeof(char *));
	for (size_t i = 0; name != NULL && i < plan.wants; i++) {
		const char *host = next_hop(&plan.want[i]);

		if (is_system(&plan.want[i]) ||
		    addr_parse_host(&a, host) == 0 || set_add(&seen, host) <= 0)
			continue;
		name[*n] = strdup(host);
		if (name[*n] != NULL)
			(*n)++;
	}
	if (*n > 1)
		qsort(name, *n, sizeof(char *), compare_texts);
	inventory_plan_free(&plan);
out:
	set_free(&seen);
	buf_free(&warnings);
	return name;
}
