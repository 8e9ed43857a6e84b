/* Which requirements of a profile are taken, and the hosts given for them. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "config_pick.h"
#include "doc.h"
#include "kind.h"
#include "option.h"
#include "profile.h"
#include "proxy.h"

#define INTERVAL_USUAL (60 * CLOCK_SEC)
#define RETRY_USUAL    (10 * CLOCK_SEC)
#define CATEGORIES_USUAL                       \
	(1u << REQUIREMENT_CATEGORY_REQUIRED | \
	    1u << REQUIREMENT_CATEGORY_OPTIONAL)

static const struct doc_node *
shape(struct config_reader *r, const struct config_pick *p, const char *key)
{
	return p->map == NULL
		   ? NULL
		   : option_shape(p->map, OPTION_profile, key, r->errors);
}

/* A text of a list; "" with an error when it is none. */
static const char *
text_of(struct config_reader *r, const struct doc_node *n)
{
	if (n->kind == DOC_SCALAR && n->scalar[0] != '\0')
		return n->scalar;
	doc_error(r->errors, n, "must be a text, not %s", doc_kind_text(n));
	return "";
}

/* ---- products and categories ---- */

static void
no_product(struct config_reader *r, const struct config_pick *p,
    const struct doc_node *at)
{
	struct buf known = BUF_INIT;
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < p->profile->products; i++)
		buf_printf(&known, ", %s", p->profile->product[i].name);
	doc_error(r->errors, at,
	    "'%s' is no product of the profile '%s' (one of: all%s)",
	    doc_error_shown(at->scalar, shown), p->profile->id,
	    buf_str(&known));
	buf_free(&known);
}

/* The bits of the products; 0: none are picked. */
static uint64_t
read_products(struct config_reader *r, const struct config_pick *p)
{
	const struct doc_node *list = shape(r, p, "products");
	uint64_t bits = 0;

	for (size_t i = 0; list != NULL && i < list->items; i++) {
		const char *name = text_of(r, list->item[i]);
		uint64_t bit = strcmp(name, "all") == 0
				   ? UINT64_MAX
				   : profile_product_bit(p->profile, name);

		if (bit == 0 && name[0] != '\0')
			no_product(r, p, list->item[i]);
		bits |= bit;
	}
	if (bits != 0 && p->profile->rows == 0)
		doc_error(r->errors, list,
		    "the profile '%s' has no "
		    "requirements",
		    p->profile->id);
	return bits;
}

static unsigned
read_categories(struct config_reader *r, const struct config_pick *p)
{
	const struct doc_node *list = shape(r, p, "categories");
	unsigned bits = 0;

	if (list == NULL)
		return CATEGORIES_USUAL;
	for (size_t i = 0; i < list->items; i++) {
		const char *name = text_of(r, list->item[i]);
		unsigned n = word_number(WORD_REQUIREMENT_CATEGORY, name);
		char shown[DOC_SHOWN];

		if (n == 0 && name[0] != '\0')
			doc_error(r->errors, list->item[i],
			    "'%s' is no category (one of: %s)",
			    doc_error_shown(name, shown),
			    word_list(WORD_REQUIREMENT_CATEGORY));
		bits |= 1u << n;
	}
	return bits;
}

bool
config_pick_is_out(const struct config_pick *p, const char *text)
{
	for (size_t i = 0; p->out != NULL && i < p->out->items; i++)
		if (p->out->item[i]->kind == DOC_SCALAR &&
		    strcmp(p->out->item[i]->scalar, text) == 0)
			return true;
	return false;
}

/* ---- leaving out ---- */

static bool
is_host(const struct profile *p, const char *text)
{
	for (size_t i = 0; i < p->rows; i++)
		for (size_t g = 0; g < p->row[i].groups; g++)
			for (size_t h = 0; h < p->row[i].hosts[g].hosts; h++)
				if (strcmp(p->row[i].hosts[g].host[h], text) ==
				    0)
					return true;
	return false;
}

static void
check_out(struct config_reader *r, const struct config_pick *p)
{
	char shown[DOC_SHOWN];

	for (size_t i = 0; p->out != NULL && i < p->out->items; i++) {
		const char *text = text_of(r, p->out->item[i]);

		if (text[0] != '\0' &&
		    requirement_find(p->profile, text) == NULL &&
		    !is_host(p->profile, text))
			doc_error(r->errors, p->out->item[i],
			    "'%s' is neither a requirement nor a host of the "
			    "profile '%s'",
			    doc_error_shown(text, shown), p->profile->id);
	}
}

static enum requirement_left
left_of(const struct config_pick *p, const struct requirement *row,
    uint64_t products, unsigned categories)
{
	if (products == 0)
		return REQUIREMENT_NO_PICK;
	if (!row->holds)
		return REQUIREMENT_REVISION;
	if (config_pick_is_out(p, row->id))
		return REQUIREMENT_OUT;
	if (row->products != 0 && (row->products & products) == 0)
		return REQUIREMENT_PRODUCT;
	if ((categories & 1u << row->category) == 0)
		return REQUIREMENT_KIND;
	return REQUIREMENT_TAKEN;
}

/* ---- hosts that are given ---- */

/*
 * The hosts of the row that a given one goes with: those whose pattern it
 * matches, else those without a pattern.
 */
static size_t
group_of(const struct requirement *row, const char *host)
{
	size_t plain = row->groups;

	for (size_t i = 0; i < row->groups; i++) {
		const char *match = row->hosts[i].match;

		if (match != NULL && requirement_match(match, host))
			return i;
		if (match == NULL && plain == row->groups)
			plain = i;
	}
	return plain;
}

static void
no_match(struct config_reader *r, const struct config_given *g)
{
	struct buf known = BUF_INIT;
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < g->row->groups; i++)
		if (g->row->hosts[i].match != NULL)
			buf_printf(&known, "%s%s", known.len > 0 ? ", " : "",
			    g->row->hosts[i].match);
	if (known.len > 0)
		doc_error(r->errors, g->at,
		    "'%s' is no host of %s: it does not match %s",
		    doc_error_shown(g->address, shown), g->row->id,
		    buf_str(&known));
	else
		doc_error(r->errors, g->at,
		    "%s is not probed by hosts of its own", g->row->id);
	buf_free(&known);
}

/* With one that no probe of the row has, the host would not be probed. */
static void
read_transport(
    struct config_reader *r, struct config_given *g, const struct doc_node *at)
{
	const struct requirement *row = g->row;
	struct buf known = BUF_INIT;
	bool found = false;

	g->transport = word_number(WORD_TRANSPORT, text_of(r, at));
	for (size_t i = 0; i < row->probes; i++) {
		const struct kind *k = row->probe[i].kind;

		if (k == NULL)
			continue;
		found |= k->transport == g->transport;
		buf_printf(&known, "%s%s", known.len > 0 ? ", " : "",
		    word_label(WORD_TRANSPORT, k->transport));
	}
	if (!found && known.len > 0)
		doc_error(r->errors, at,
		    "is no transport that %s is probed by (one of: %s)",
		    row->id, buf_str(&known));
	buf_free(&known);
}

static void
read_given(struct config_reader *r, struct config_pick *p,
    const struct requirement *row, const struct doc_node *at)
{
	struct config_given *g = &p->given[p->givens];
	const struct doc_node *address = at, *transport = NULL;
	char host[256];
	uint16_t port = 0;

	if (at->kind == DOC_MAP) {
		address = doc_get(at, "address");
		transport = doc_get(at, "transport");
	}
	if (address == NULL) {
		doc_error(r->errors, at, "'address' is missing");
		return;
	}
	*g = (struct config_given){
	    .at = at, .address = text_of(r, address), .row = row};
	if (g->address[0] == '\0')
		return;
	if (transport != NULL)
		read_transport(r, g, transport);
	if (addr_split(g->address, host, sizeof(host), &port) < 0)
		host[0] = '\0'; /* config_target_address() says it */
	g->group = group_of(row, host);
	if (g->group == row->groups && host[0] != '\0')
		no_match(r, g);
	else
		p->givens++;
}

static size_t
count_hosts(const struct doc_node *map)
{
	size_t n = 0;

	for (size_t i = 0; map != NULL && i < map->items; i++)
		n += map->item[i]->items;
	return n;
}

static void
read_hosts(struct config_reader *r, struct config_pick *p)
{
	const struct doc_node *map = shape(r, p, "hosts");
	size_t n = count_hosts(map);

	if (map == NULL)
		return;
	p->given = calloc(n + 1, sizeof(*p->given));
	for (size_t i = 0; p->given != NULL && i < map->items; i++) {
		const struct requirement *row =
		    requirement_find(p->profile, map->key[i]->scalar);
		const struct doc_node *list = map->item[i];

		if (row == NULL)
			doc_error(r->errors, map->key[i],
			    "the profile '%s' has no such requirement",
			    p->profile->id);
		else if (list->kind != DOC_LIST)
			doc_error(r->errors, list,
			    "must be a list of hosts, not %s",
			    doc_kind_text(list));
		else
			for (size_t k = 0; k < list->items; k++)
				read_given(r, p, row, list->item[k]);
	}
}

/* ---- the rest ---- */

static void
read_networks(struct config_reader *r, struct config_pick *p)
{
	const struct doc_node *list = shape(r, p, "networks");
	struct profile *to = p->profile;
	char shown[DOC_SHOWN];

	if (list == NULL || list->items == 0)
		return;
	to->network = calloc(list->items, sizeof(*to->network));
	for (size_t i = 0; to->network != NULL && i < list->items; i++) {
		const char *text = text_of(r, list->item[i]);

		if (subnet_parse(&to->network[to->networks], text) == 0)
			to->networks++;
		else if (text[0] != '\0')
			doc_error(r->errors, list->item[i],
			    "'%s' is not a network such as 198.51.100.0/24",
			    doc_error_shown(text, shown));
	}
}

/*
 * Third parties are asked less often than media nodes, but again soon when
 * something seems to have changed.
 */
static void
read_probing(struct config_reader *r, struct config_pick *p)
{
	enum { COUNT = 5 };
	const struct doc_node *thresholds = shape(r, p, "thresholds");

	p->probing = r->defaults;
	if (p->probing.interval < INTERVAL_USUAL)
		p->probing.interval = INTERVAL_USUAL;
	if (p->probing.retry == 0)
		p->probing.retry = RETRY_USUAL;
	p->probing.all_addresses = false;
	config_probing_read(r, p->map, thresholds, &p->probing);
	config_probing_finish(r, p->map, thresholds, &p->probing,
	    p->probing.count > 0 ? p->probing.count : COUNT);
}

/* Also where nothing is picked that can go through a proxy. */
static void
check_via(struct config_reader *r, const struct config_pick *p)
{
	const struct config_target none = {.probe = "https"};
	struct proxy *proxy;

	for (size_t i = 0; p->via != NULL && i < p->via->items; i++) {
		const struct doc_node *way = p->via->item[i];

		if (way->kind == DOC_SCALAR && strcmp(way->scalar, "env") == 0)
			continue;
		if (config_via_find(r, way, &none, &proxy) == 0)
			proxy_unref(proxy);
	}
}

void
config_pick_read(struct config_reader *r, struct config_pick *p)
{
	uint64_t products = read_products(r, p);
	unsigned categories = read_categories(r, p);

	p->via = shape(r, p, "via");
	check_via(r, p);
	p->out = shape(r, p, "leave_out");
	check_out(r, p);
	read_hosts(r, p);
	read_networks(r, p);
	if (p->map != NULL)
		read_probing(r, p);
	for (size_t i = 0; i < p->profile->rows; i++)
		p->profile->row[i].left =
		    left_of(p, &p->profile->row[i], products, categories);
}

void
config_pick_free(struct config_pick *p)
{
	free(p->given);
}
