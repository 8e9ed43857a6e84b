/*
 * Targets of requirements: the hosts of a row by its probes, each directly
 * and through the proxies picked. What several rows ask alike is one target,
 * named after the first row of the profile that asks it, picked or not, so
 * that its name does not depend on what is picked.
 */
#include "build.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ask_groups.h"
#include "buf.h"
#include "config_ask.h"
#include "config_pick.h"
#include "doc.h"
#include "kind.h"
#include "option.h"
#include "profile.h"
#include "proxy.h"
#include "url.h"

enum { NEEDS_MAX = 20000, KEYS_MAX = 64 };

struct needing {
	struct config_reader *r;
	struct config_pick pick;
	size_t first; /* need of this profile */
	size_t room;
	bool no_way; /* a proxy that is not there */
};

/* What one need is made of. */
struct asked {
	const struct requirement *row; /* whose hosts these are */
	const struct requirement_probe *probe;
	const struct config_given *given; /* NULL: the profile's host */
	const char *address, *via;
	const struct doc_node *way; /* that via is the text of */
	uint16_t port;		    /* 0: the address's or the kind's */
};

/* ---- what it asks ---- */

/* Whether it goes by URL. */
static bool
is_web(const struct kind *k)
{
	return (k->asks & 1u << ASK_HTTP) != 0;
}

/* Keys of a probe or of a given host that are not for the kind. */
static bool
is_own_key(const char *key)
{
	static const char *const own[] = {
	    "probe", "transport", "ports", "via", "address", "path"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], key) == 0)
			return true;
	return false;
}

static bool
is_asked_key(const struct kind *k, const char *key)
{
	for (unsigned i = 0; i < option_rows; i++)
		for (unsigned g = 0; g < ASK_GROUPS; g++)
			if ((k->asks & 1u << g) != 0 &&
			    option_table[i].group == ask_groups[g].option &&
			    option_table[i].type != OPTION_ALSO &&
			    strcmp(option_table[i].key, key) == 0)
				return true;
	return false;
}

/* Adds the keys of a mapping, or puts them in place of equal ones. */
static void
merge(struct doc_node *into, const struct doc_node *map)
{
	for (size_t i = 0; map->kind == DOC_MAP && i < map->items; i++) {
		size_t at = 0;

		if (is_own_key(map->key[i]->scalar))
			continue;
		while (at < into->items &&
		       strcmp(into->key[at]->scalar, map->key[i]->scalar) != 0)
			at++;
		if (at == KEYS_MAX)
			return;
		into->key[at] = map->key[i];
		into->item[at] = map->item[i];
		into->items += at == into->items;
	}
}

/* Says of a key that neither the row nor the kind knows that it is wrong. */
static void
check_keys(struct needing *n, const struct doc_node *map, const struct kind *k,
    const char *file)
{
	struct doc_errors *errors = n->r->errors;
	const char *before = errors->file;
	char shown[DOC_SHOWN];

	if (file != NULL)
		errors->file = file;
	for (size_t i = 0; map->kind == DOC_MAP && i < map->items; i++) {
		const char *key = map->key[i]->scalar;

		if (!is_own_key(key) && !is_asked_key(k, key))
			doc_error(errors, map->key[i],
			    "'%s' is no key of a %s probe over %s",
			    doc_error_shown(key, shown), k->name,
			    word_label(WORD_TRANSPORT, k->transport));
	}
	errors->file = before;
}

/* What the row asks, and over that what the operator does. */
static struct ask *
read_ask(struct needing *n, const struct asked *a, const struct kind *k)
{
	struct doc_node *key[KEYS_MAX + 1], *item[KEYS_MAX + 1];
	struct doc_node map = {
	    .kind = DOC_MAP, .key = key, .item = item, .parent = NULL};

	merge(&map, a->probe->at);
	if (a->given != NULL)
		merge(&map, a->given->at);
	return config_ask_read(n->r, &map, k, false);
}

/* ---- names ---- */

static void
put_plain(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		buf_putc(b, isalnum(c) || c == '.' || c == '-'
				? (char)tolower(c)
				: '-');
	}
}

static bool
name_is_taken(const struct needing *n, const char *name)
{
	const struct config *c = n->r->c;

	for (size_t i = 0; i < c->needs; i++)
		if (strcmp(c->need[i].target.name, name) == 0)
			return true;
	return false;
}

/* "dom-02-idbroker.example.com-hq", with a hash where that is too long. */
static void
name_need(struct needing *n, const struct asked *a, struct config_target *t)
{
	const struct kind *usual = kind_first(t->probe);
	struct buf b = BUF_INIT, all = BUF_INIT;
	unsigned salt = 0;

	put_plain(&b, a->row->id);
	buf_putc(&b, '-');
	put_plain(&b, t->host);
	if (t->transport != usual->transport ||
	    strcmp(t->probe, a->row->probe[0].name) != 0) {
		buf_putc(&b, '-');
		put_plain(&b, word_label(WORD_TRANSPORT, t->transport));
	}
	if (usual->port != t->port)
		buf_printf(&b, "-%u", t->port);
	if (a->via != NULL) {
		buf_putc(&b, '-');
		put_plain(&b, a->via);
	}
	buf_printf(&all, "%s %s %s", buf_str(&b), t->probe,
	    t->ask != NULL ? t->ask->text : "");
	if (b.len <= TARGET_NAME && !b.err)
		memcpy(t->name, buf_str(&b), b.len + 1);
	else
		config_target_suffix(t->name, buf_str(&b), buf_str(&all), 0);
	while (name_is_taken(n, t->name))
		config_target_suffix(
		    t->name, buf_str(&b), buf_str(&all), ++salt);
	buf_free(&b);
	buf_free(&all);
}

/* ---- needs ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same(const struct config_target *a, const struct config_target *b)
{
	return a->probe == b->probe && a->transport == b->transport &&
	       a->port == b->port && strcmp(a->host, b->host) == 0 &&
	       a->proxy == b->proxy && same_text(a->url, b->url) &&
	       same_text(a->ask != NULL ? a->ask->text : NULL,
		   b->ask != NULL ? b->ask->text : NULL);
}

/* Takes the target over; the number of the need that it is. */
static uint32_t
take(struct needing *n, struct config_target *t, const struct asked *a)
{
	struct config *c = n->r->c;
	struct config_need *more;

	for (size_t i = n->first; i < c->needs; i++) {
		if (!is_same(&c->need[i].target, t))
			continue;
		config_target_clear(t);
		return (uint32_t)i;
	}
	if (c->needs == n->room) {
		n->room = n->room > 0 ? 2 * n->room : 256;
		more = realloc(c->need, n->room * sizeof(*more));
		if (more == NULL || c->needs >= NEEDS_MAX) {
			c->need = more != NULL ? more : c->need;
			doc_error(n->r->errors, NULL, "not enough memory");
			config_target_clear(t);
			return UINT32_MAX;
		}
		c->need = more;
	}
	name_need(n, a, t);
	c->need[c->needs] = (struct config_need){
	    .target = *t, .via = a->via != NULL ? strdup(a->via) : NULL};
	return (uint32_t)c->needs++;
}

static void
row_needs(struct requirement *row, uint32_t need)
{
	uint32_t *more;

	for (size_t i = 0; i < row->needs; i++)
		if (row->need[i] == need)
			return;
	if (need == UINT32_MAX)
		return;
	more = realloc(row->need, (row->needs + 1) * sizeof(*more));
	if (more == NULL)
		return;
	row->need = more;
	more[row->needs++] = need;
}

/* "https://host:8443/path": the path is the operator's, or the row's. */
static char *
make_url(const struct asked *a, const struct config_target *t)
{
	bool v6 = strchr(t->host, ':') != NULL;
	const struct doc_node *path =
	    a->given != NULL ? doc_get(a->given->at, "path") : NULL;
	struct buf b = BUF_INIT;

	if (path == NULL)
		path = doc_get(a->probe->at, "path");
	buf_printf(&b, "%s://%s%s%s", word_label(WORD_TRANSPORT, t->transport),
	    v6 ? "[" : "", t->host, v6 ? "]" : "");
	if (t->port != kind_find(t->probe, t->transport)->port)
		buf_printf(&b, ":%u", t->port);
	if (path != NULL && path->kind == DOC_SCALAR)
		buf_printf(&b, "%s%s", path->scalar[0] == '/' ? "" : "/",
		    path->scalar);
	else
		buf_putc(&b, '/');
	return buf_steal(&b);
}

/* URL and proxy of what goes by URL; false: it cannot, and why was said. */
static bool
make_way(struct needing *n, const struct asked *a, struct config_target *t)
{
	const char *why;
	struct url u;

	if (!is_web(a->probe->kind))
		return true;
	t->url = make_url(a, t);
	if (t->url == NULL || url_split(t->url, &u, &why) < 0) {
		doc_error(n->r->errors, a->probe->at,
		    "its path makes no URL that can be used");
		return false;
	}
	if (a->via == NULL || n->no_way)
		return !n->no_way;
	/* Said once, not for each host. */
	n->no_way = config_via_find(n->r, a->way, t, &t->proxy) < 0;
	return !n->no_way;
}

static uint32_t
make_need(struct needing *n, const struct asked *a)
{
	const struct kind *k = a->probe->kind;
	struct config_target t = {
	    .probe = k->name, .transport = k->transport, .port = 0};
	struct doc_node at = {.kind = DOC_SCALAR,
	    .line = a->given != NULL ? a->given->at->line : a->probe->at->line,
	    .column =
		a->given != NULL ? a->given->at->column : a->probe->at->column,
	    .scalar = (char *)(uintptr_t)a->address};
	struct buf with_port = BUF_INIT;
	uint32_t need = UINT32_MAX;

	if (a->port != 0) {
		bool v6 =
		    strchr(a->address, ':') != NULL && a->address[0] != '[';

		buf_printf(
		    &with_port, v6 ? "[%s]:%u" : "%s:%u", a->address, a->port);
		at.scalar = with_port.data;
		buf_putc(&with_port, '\0');
		at.scalar = with_port.data;
	}
	if (config_target_address(n->r->errors, &at, &t) == 0) {
		t.probing = n->pick.probing;
		t.ask = read_ask(n, a, k);
		if (make_way(n, a, &t))
			need = take(n, &t, a);
		else
			config_target_clear(&t);
	}
	buf_free(&with_port);
	return need;
}

/* Whether that kind of probe can go through a proxy. */
static bool
has_proxy(const struct requirement_probe *p)
{
	return !p->direct && is_web(p->kind);
}

/* One address by one probe: every port, every way. */
static void
need_ways(struct needing *n, struct requirement *to, struct asked *a)
{
	const struct doc_node *via = has_proxy(a->probe) ? n->pick.via : NULL;
	char host[256];
	uint16_t port = 0, other = 1;
	bool has_port =
	    addr_split(a->address, host, sizeof(host), &port) == 0 &&
	    addr_split(a->address, host, sizeof(host), &other) == 0 &&
	    port == other;
	unsigned ports = has_port || a->probe->ports == 0 ? 1 : a->probe->ports;
	size_t ways = via != NULL && via->items > 0 ? via->items : 1;

	for (unsigned i = 0; i < ports; i++)
		for (size_t k = 0; k < ways; k++) {
			a->port = has_port || a->probe->ports == 0
				      ? 0
				      : a->probe->port[i];
			a->way =
			    via != NULL && via->items > 0 ? via->item[k] : NULL;
			a->via = a->way != NULL ? a->way->scalar : NULL;
			if (a->via != NULL && strcmp(a->via, "direct") == 0)
				a->via = NULL;
			row_needs(to, make_need(n, a));
		}
}

/* Which of the row's probes a host has: all, or the one that it names. */
static bool
is_probed_by(
    const struct requirement *row, size_t probe, const struct config_given *g)
{
	const struct requirement_probe *p = &row->probe[probe];

	if (p->kind == NULL)
		return false;
	if (g != NULL && g->transport != 0)
		return p->kind->transport == g->transport;
	return !row->choice || probe == 0;
}

static void
need_host(struct needing *n, struct requirement *to,
    const struct requirement *by, struct asked *a)
{
	for (size_t i = 0; i < by->probes; i++) {
		if (by->probe[i].kind == NULL)
			to->unknown = by->probe[i].name;
		if (!is_probed_by(by, i, a->given))
			continue;
		a->row = by;
		a->probe = &by->probe[i];
		if (a->given != NULL)
			check_keys(n, a->given->at, a->probe->kind, NULL);
		need_ways(n, to, a);
	}
}

/*
 * The hosts of `of`, by the probes of `by`, are needed by `to`. Returns how
 * many groups of them have none.
 */
static void
need_hosts(struct needing *n, struct requirement *to,
    const struct requirement *by, const struct requirement *of)
{
	const struct config_pick *p = &n->pick;

	for (size_t g = 0; g < of->groups; g++) {
		const struct requirement_hosts *h = &of->hosts[g];
		size_t had = 0;

		for (size_t i = 0; i < h->hosts; i++) {
			struct asked a = {.address = h->host[i]};

			if (config_pick_is_out(p, h->host[i]))
				continue;
			need_host(n, to, by, &a);
			had++;
		}
		for (size_t i = 0; i < p->givens; i++) {
			struct asked a = {.given = &p->given[i],
			    .address = p->given[i].address};

			if (p->given[i].row != of || p->given[i].group != g)
				continue;
			need_host(n, to, by, &a);
			had++;
		}
		if (had > 0)
			continue;
		to->bare++;
		if (to->supply == NULL)
			to->supply = h->supply != NULL ? h->supply : h->match;
	}
}

/* ---- rows ---- */

static void
need_row(struct needing *n, struct requirement *row)
{
	struct profile *p = n->pick.profile;

	if (row->reason != NULL || !row->holds)
		return;
	if (row->probes > 0)
		need_hosts(n, row, row, row);
	for (size_t i = 0; i < row->likes; i++) {
		const struct requirement *other = &p->row[row->like[i]];

		/* Its hosts by our probes, or as it has them probed. */
		need_hosts(n, row, row->probes > 0 ? row : other, other);
	}
}

/* Keys of a probe are the profile's mistake, and told as such. */
static void
check_probes(struct needing *n)
{
	const struct profile *p = n->pick.profile;

	for (size_t i = 0; i < p->rows; i++)
		for (size_t k = 0; k < p->row[i].probes; k++)
			if (p->row[i].probe[k].kind != NULL)
				check_keys(n, p->row[i].probe[k].at,
				    p->row[i].probe[k].kind, p->file);
}

/* Leaves out what no row that is taken needs, and numbers the rest. */
static void
sift(struct needing *n)
{
	struct config *c = n->r->c;
	struct profile *p = n->pick.profile;
	uint32_t *number = calloc(c->needs + 1, sizeof(*number));
	size_t kept = n->first;

	if (number == NULL)
		return;
	for (size_t i = 0; i < p->rows; i++)
		for (size_t k = 0; k < p->row[i].needs; k++)
			if (p->row[i].left == REQUIREMENT_TAKEN)
				number[p->row[i].need[k]] = 1;
	for (size_t i = n->first; i < c->needs; i++) {
		struct config_need *x = &c->need[i];

		if (number[i] != 0) {
			number[i] = (uint32_t)kept;
			c->need[kept++] = *x;
			continue;
		}
		config_target_clear(&x->target);
		free(x->via);
	}
	c->needs = kept;
	for (size_t i = 0; i < p->rows; i++) {
		struct requirement *row = &p->row[i];

		if (row->left != REQUIREMENT_TAKEN)
			row->needs = 0;
		for (size_t k = 0; k < row->needs; k++)
			row->need[k] = number[row->need[k]];
	}
	free(number);
}

static void
read_profile(
    struct config_reader *r, struct profile *p, const struct doc_node *item)
{
	struct needing n = {.r = r, .first = r->c->needs};

	n.pick.profile = p;
	n.pick.map = item->kind == DOC_MAP ? item : NULL;
	n.room = n.first;
	config_pick_read(r, &n.pick);
	check_probes(&n);
	for (size_t i = 0; i < p->rows; i++)
		if (p->row[0].left != REQUIREMENT_NO_PICK)
			need_row(&n, &p->row[i]);
	sift(&n);
	config_pick_free(&n.pick);
	profile_settle(p);
}

void
config_need_read(struct config_reader *r, const struct doc_node *list)
{
	/* With mistakes in some profile the others are not its neighbours. */
	if (list == NULL || r->c->profiles != list->items)
		return;
	for (size_t i = 0; i < list->items; i++)
		read_profile(r, r->c->profile[i], list->item[i]);
}

void
config_need_free(struct config *c)
{
	for (size_t i = 0; i < c->needs; i++) {
		config_target_clear(&c->need[i].target);
		free(c->need[i].via);
	}
	free(c->need);
}
