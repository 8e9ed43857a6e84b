/* Rows of a profile: reading them, and what they refer to. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"
#include "profile_read.h"
#include "requirement.h"

enum { ID_MAX = 16, TEXT_MAX = 240 };

#define ROW_KEYS                                                         \
	"id section text category users revisions hosts hosts_of probe " \
	"derive silence strict choice limits not_probeable "

/* An array for the items of a list; NULL with an error, or for none. */
static void *
items_of(struct profile_reader *r, const struct doc_node *list, size_t size)
{
	void *array;

	if (list == NULL || list->items == 0)
		return NULL;
	array = calloc(list->items, size);
	if (array == NULL)
		doc_error(r->errors, list, "not enough memory");
	return array;
}

/* true or false; false when it is not there. */
static bool
read_flag(struct profile_reader *r, const struct doc_node *map, const char *key)
{
	const char *text = profile_read_text(r, map, key, false);

	if (text[0] != '\0' && strcmp(text, "true") != 0 &&
	    strcmp(text, "false") != 0)
		doc_error(
		    r->errors, doc_get(map, key), "must be true or false");
	return strcmp(text, "true") == 0;
}

/* A word of a set; 0 when it is not there, or with an error. */
static unsigned
read_word(struct profile_reader *r, const struct doc_node *map, const char *key,
    enum word_set set)
{
	const char *text = profile_read_text(r, map, key, false);
	unsigned n = word_number(set, text);
	char shown[DOC_SHOWN];

	if (text[0] != '\0' && n == 0)
		doc_error(r->errors, doc_get(map, key),
		    "'%s' is not known here (one of: %s)",
		    doc_error_shown(text, shown), word_list(set));
	return n;
}

/* A port of a text, which ends in `until`; 0: it is none. */
static uint16_t
port_of(const char *text, char until, const char **end)
{
	char *stop;
	unsigned long n = strtoul(text, &stop, 10);

	*end = *stop != '\0' ? stop + 1 : stop;
	return stop != text && *stop == until && n <= 65535 ? (uint16_t)n : 0;
}

/* ---- products ---- */

static void
read_products(struct profile_reader *r, const struct doc_node *root)
{
	const struct doc_node *map =
	    profile_read_shape(r, root, "products", DOC_MAP);
	struct profile *p = r->p;

	if (map == NULL)
		return;
	if (map->items == 0 || map->items > REQUIREMENT_PRODUCTS) {
		doc_error(r->errors, map, "must have 1 to %d products",
		    REQUIREMENT_PRODUCTS);
		return;
	}
	p->product = calloc(map->items, sizeof(*p->product));
	if (p->product == NULL) {
		doc_error(r->errors, map, "not enough memory");
		return;
	}
	for (size_t i = 0; i < map->items; i++) {
		const char *key = map->key[i]->scalar;
		struct profile_product *to = &p->product[p->products];

		to->text = profile_read_copy(r, map, key, true);
		if (strcmp(key, "all") == 0)
			doc_error(r->errors, map->key[i],
			    "'all' stands for all products");
		to->name = strdup(key);
		if (to->name != NULL)
			p->products++;
	}
}

/* The bit of a product's name; 0 with an error that there is none. */
static uint64_t
product_bit(struct profile_reader *r, const struct doc_node *at)
{
	uint64_t bit =
	    at->kind == DOC_SCALAR ? profile_product_bit(r->p, at->scalar) : 0;
	char shown[DOC_SHOWN];

	if (bit == 0)
		doc_error(r->errors, at, "'%s' is no product of the profile",
		    at->kind == DOC_SCALAR ? doc_error_shown(at->scalar, shown)
					   : doc_kind_text(at));
	return bit;
}

static void
read_users(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	const struct doc_node *list = profile_read_list(r, map, "users");
	size_t room = 1;

	if (list == NULL)
		return;
	for (size_t i = 0; i < list->items; i++) {
		row->products |= product_bit(r, list->item[i]);
		if (list->item[i]->kind == DOC_SCALAR)
			room += strlen(list->item[i]->scalar) + 2;
	}
	row->users = calloc(1, room);
	if (row->users == NULL) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0, at = 0; i < list->items; i++) {
		const char *name = list->item[i]->kind == DOC_SCALAR
				       ? list->item[i]->scalar
				       : "";
		size_t len = strlen(name);

		if (i > 0) {
			memcpy(row->users + at, ", ", 2);
			at += 2;
		}
		memcpy(row->users + at, name, len + 1);
		at += len;
	}
}

/* ---- hosts ---- */

static void
check_hosts(struct profile_reader *r, const struct doc_node *map,
    const struct requirement_hosts *h)
{
	if (h->hosts > 0 && h->from == NULL)
		doc_error(r->errors, map,
		    "'from' is missing: where these hosts are known from");
	if (h->hosts == 0 && h->supply == NULL)
		doc_error(r->errors, map,
		    "neither 'hosts' nor 'supply': what to give instead");
	for (size_t i = 0; i < h->hosts && h->match != NULL; i++) {
		char host[256];
		uint16_t port = 0;

		if (addr_split(h->host[i], host, sizeof(host), &port) == 0 &&
		    !requirement_match(h->match, host))
			doc_error(r->errors, map, "'%s' does not match '%s'",
			    h->host[i], h->match);
	}
}

static void
read_group(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	struct requirement_hosts *h = &row->hosts[row->groups];

	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	profile_read_keys(r, map, "match hosts from supply path revisions ");
	if (!profile_read_holds(r, map))
		return;
	row->groups++;
	h->match = profile_read_copy(r, map, "match", false);
	h->from = profile_read_copy(r, map, "from", false);
	h->supply = profile_read_copy(r, map, "supply", false);
	h->path = profile_read_copy(r, map, "path", false);
	if (h->path != NULL && h->path[0] != '/')
		doc_error(
		    r->errors, doc_get(map, "path"), "must begin with a slash");
	h->host = profile_read_texts(r, map, "hosts", &h->hosts);
	check_hosts(r, map, h);
}

static void
read_hosts(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	const struct doc_node *list = profile_read_list(r, map, "hosts");

	row->hosts = items_of(r, list, sizeof(*row->hosts));
	for (size_t i = 0; row->hosts != NULL && i < list->items; i++)
		read_group(r, list->item[i], row);
}

/* ---- probes ---- */

static void
read_probe_ports(struct profile_reader *r, const struct doc_node *map,
    struct requirement_probe *p)
{
	const struct doc_node *list = profile_read_list(r, map, "ports");

	if (list == NULL)
		return;
	if (list->items > REQUIREMENT_PORTS) {
		doc_error(r->errors, list, "has more than %d ports",
		    REQUIREMENT_PORTS);
		return;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		const char *end;
		uint16_t port =
		    n->kind == DOC_SCALAR ? port_of(n->scalar, '\0', &end) : 0;

		if (port == 0)
			doc_error(r->errors, n, "must be a port, 1 to 65535");
		else
			p->port[p->ports++] = port;
	}
}

/*
 * A kind that this program does not know is no mistake: the data may be
 * newer. A transport of a kind that it knows must be one of its own.
 */
static void
read_kind(struct profile_reader *r, const struct doc_node *map,
    struct requirement_probe *p)
{
	unsigned transport;

	p->name = profile_read_copy(r, map, "probe", true);
	p->kind = p->name != NULL ? kind_first(p->name) : NULL;
	transport = p->kind != NULL
			? read_word(r, map, "transport", WORD_TRANSPORT)
			: 0;
	if (transport == 0)
		return;
	p->kind = kind_find(p->name, transport);
	if (p->kind == NULL)
		doc_error(r->errors, doc_get(map, "transport"),
		    "'%s' is no transport of %s",
		    word_label(WORD_TRANSPORT, transport), p->name);
}

/* Keys beside these are those that the kind asks; config_need.c reads them. */
static void
read_probe(struct profile_reader *r, const struct doc_node *map,
    struct requirement_probe *p)
{
	const char *via;

	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	p->at = map;
	read_kind(r, map, p);
	read_probe_ports(r, map, p);
	via = profile_read_text(r, map, "via", false);
	p->direct = strcmp(via, "direct") == 0;
	if (via[0] != '\0' && !p->direct && strcmp(via, "any") != 0)
		doc_error(
		    r->errors, doc_get(map, "via"), "must be direct or any");
}

static void
read_probes(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	const struct doc_node *list = profile_read_list(r, map, "probe");

	row->probe = items_of(r, list, sizeof(*row->probe));
	for (size_t i = 0; row->probe != NULL && i < list->items; i++)
		read_probe(r, list->item[i], &row->probe[row->probes++]);
}

/* ---- rules ---- */

/* "5004" or "50000-53000". */
static void
read_range(struct profile_reader *r, const struct doc_node *map,
    struct requirement_derive *d)
{
	const char *text = profile_read_text(r, map, "ports", false), *end;

	if (text[0] == '\0')
		return;
	if (strchr(text, '-') != NULL) {
		d->low = port_of(text, '-', &end);
		d->high = port_of(end, '\0', &end);
	} else {
		d->low = d->high = port_of(text, '\0', &end);
	}
	if (d->low == 0 || d->high < d->low)
		doc_error(r->errors, doc_get(map, "ports"),
		    "must be a port or a range of ports, such as 5004 or "
		    "50000-53000");
}

/* The one text and the one list that a rule of this kind is told. */
static void
read_told(struct profile_reader *r, const struct doc_node *map,
    struct requirement_derive *d)
{
	static const char *const texts[] = {"tag", "match", "least", "section"};
	static const char *const lists[] = {
	    "rows", "ciphers", "schemes", "codes"};
	const char *via = profile_read_text(r, map, "via", false);
	const char *cidr = profile_read_text(r, map, "cidr", false);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (d->text == NULL)
			d->text = profile_read_copy(r, map, texts[i], false);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (d->word == NULL)
			d->word =
			    profile_read_texts(r, map, lists[i], &d->words);
	d->direct = strcmp(via, "direct") == 0;
	if (via[0] != '\0' && !d->direct)
		doc_error(r->errors, doc_get(map, "via"), "must be direct");
	if (cidr[0] != '\0' && subnet_parse(&d->subnet, cidr) < 0)
		doc_error(r->errors, doc_get(map, "cidr"),
		    "'%s' is not a subnet", cidr);
}

/* Says that none is there of those without which the rule says nothing. */
static void
check_told(struct profile_reader *r, const struct doc_node *at,
    enum requirement_rule rule)
{
	const char *needs = requirement_rule_needs(rule), *key = needs;
	char name[32];

	for (size_t len; *key != '\0'; key += len + 1) {
		len = strcspn(key, " ");
		snprintf(name, sizeof(name), "%.*s", (int)len, key);
		if (at->kind == DOC_MAP && doc_get(at, name) != NULL)
			return;
	}
	if (*needs != '\0')
		doc_error(r->errors, at, "the rule '%s' must be told: %.*s",
		    requirement_rule_label(rule), (int)strlen(needs) - 1,
		    needs);
}

/* Versions, status codes and schemes that there are. */
static void
check_words(struct profile_reader *r, const struct doc_node *at,
    const struct requirement_derive *d)
{
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	bool known = d->rule != RULE_TLS_VERSION || d->text == NULL;

	for (size_t i = 0; i < 4 && !known; i++)
		known = strcmp(versions[i], d->text) == 0;
	if (!known)
		doc_error(r->errors, doc_get(at, "least"),
		    "must be 1.0, 1.1, 1.2 or 1.3");
	for (size_t i = 0; i < d->words; i++) {
		if (d->rule == RULE_PROXY_AUTH &&
		    word_number(WORD_PROXY_AUTH, d->word[i]) == 0)
			doc_error(r->errors, doc_get(at, "schemes"),
			    "'%s' is no scheme (one of: %s)", d->word[i],
			    word_list(WORD_PROXY_AUTH));
		if (d->rule == RULE_STATUS &&
		    (strlen(d->word[i]) != 3 ||
			strspn(d->word[i], "0123456789") != 3))
			doc_error(r->errors, doc_get(at, "codes"),
			    "'%s' is no status code", d->word[i]);
	}
}

static void
no_rule(struct profile_reader *r, const struct doc_node *at, const char *name)
{
	char shown[DOC_SHOWN];

	doc_error(r->errors, at, "there is no rule '%s' (one of: %s)",
	    doc_error_shown(name, shown), requirement_rule_list());
}

static void
read_derive(struct profile_reader *r, const struct doc_node *at,
    struct requirement_derive *d)
{
	const char *name = at->kind == DOC_SCALAR
			       ? at->scalar
			       : profile_read_text(r, at, "rule", true);
	char keys[128] = "rule ";

	d->rule = requirement_rule_find(name);
	if (d->rule == RULE_NONE) {
		no_rule(r, at, name);
		return;
	}
	check_told(r, at, d->rule);
	if (at->kind != DOC_MAP)
		return;
	strncat(keys, requirement_rule_keys(d->rule), sizeof(keys) - 6);
	profile_read_keys(r, at, keys);
	d->transport = read_word(r, at, "transport", WORD_TRANSPORT);
	d->class = read_word(r, at, "class", WORD_CLUSTER_CLASS);
	d->allowed = read_flag(r, at, "allowed");
	read_range(r, at, d);
	read_told(r, at, d);
	check_words(r, at, d);
}

static void
read_derives(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	const struct doc_node *list = profile_read_list(r, map, "derive");

	row->derive = items_of(r, list, sizeof(*row->derive));
	for (size_t i = 0; row->derive != NULL && i < list->items; i++)
		read_derive(r, list->item[i], &row->derive[row->derives++]);
}

/* ---- rows ---- */

static void
check_row(struct profile_reader *r, const struct doc_node *map,
    const struct requirement *row)
{
	bool tested = row->probes > 0 || row->derives > 0 ||
		      doc_get(map, "hosts_of") != NULL;

	if (row->reason != NULL && tested)
		doc_error(r->errors, map,
		    "is said not to be probeable, and how it is");
	if (row->reason == NULL && !tested)
		doc_error(r->errors, map,
		    "has neither 'probe', 'derive' nor 'hosts_of', and "
		    "'not_probeable' does not say why");
	if (row->probes > 0 && row->groups == 0 &&
	    doc_get(map, "hosts_of") == NULL)
		doc_error(r->errors, map, "has no hosts to probe");
	if (row->text != NULL && strlen(row->text) > TEXT_MAX)
		doc_error(r->errors, doc_get(map, "text"),
		    "is longer than %d octets", TEXT_MAX);
}

static void
read_row(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	profile_read_keys(r, map, ROW_KEYS);
	row->id = profile_read_copy(r, map, "id", true);
	if (row->id != NULL && strlen(row->id) > ID_MAX)
		doc_error(r->errors, doc_get(map, "id"),
		    "is longer than %d octets", ID_MAX);
	row->section = profile_read_copy(r, map, "section", true);
	row->text = profile_read_copy(r, map, "text", true);
	row->limits = profile_read_copy(r, map, "limits", false);
	row->reason = profile_read_copy(r, map, "not_probeable", false);
	row->category =
	    read_word(r, map, "category", WORD_REQUIREMENT_CATEGORY);
	if (row->category == 0)
		row->category = REQUIREMENT_CATEGORY_REQUIRED;
	row->holds = profile_read_holds(r, map);
	row->silence = read_flag(r, map, "silence");
	row->strict = read_flag(r, map, "strict");
	row->choice = read_flag(r, map, "choice");
	read_users(r, map, row);
	read_hosts(r, map, row);
	read_probes(r, map, row);
	read_derives(r, map, row);
	check_row(r, map, row);
}

/* An id that is in the file twice is an error, whatever its revisions. */
static void
check_ids(struct profile_reader *r, const struct doc_node *list)
{
	const struct profile *p = r->p;

	for (size_t i = 0; i < p->rows; i++) {
		const char *id = p->row[i].id;

		if (id != NULL && requirement_find(p, id) != &p->row[i])
			doc_error(r->errors, list->item[i],
			    "'%s' is in the list twice", id);
	}
}

/* Rows may refer to rows that come later, so this comes at the end. */
static void
read_likes(struct profile_reader *r, const struct doc_node *map,
    struct requirement *row)
{
	const struct doc_node *list = profile_read_list(r, map, "hosts_of");

	row->like = items_of(r, list, sizeof(*row->like));
	for (size_t i = 0; row->like != NULL && i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		const struct requirement *other =
		    n->kind == DOC_SCALAR ? requirement_find(r->p, n->scalar)
					  : NULL;

		if (other == NULL)
			doc_error(r->errors, n, "there is no such row");
		else if (other == row || other->likes > 0)
			doc_error(r->errors, n,
			    "must be a row with hosts of its own");
		else
			row->like[row->likes++] = (size_t)(other - r->p->row);
	}
}

static bool
is_subnet(const struct profile *p, const char *id)
{
	for (size_t i = 0; i < p->subnets && id != NULL; i++)
		if (strcmp(p->subnet[i].id, id) == 0)
			return true;
	return false;
}

static void
check_rules(struct profile_reader *r, const struct doc_node *map,
    const struct requirement *row)
{
	for (size_t i = 0; i < row->derives; i++) {
		const struct requirement_derive *d = &row->derive[i];

		/* Of a revision that there is not there are none. */
		if (d->rule == RULE_SUBNET && row->holds &&
		    doc_errors_count(r->errors) == 0 &&
		    !is_subnet(r->p, row->id))
			doc_error(r->errors, map,
			    "derive: no media subnet has the id of the row");
		for (size_t k = 0; d->rule == RULE_ROWS && k < d->words; k++)
			if (requirement_find(r->p, d->word[k]) == NULL)
				doc_error(r->errors, map,
				    "derive: there is no row '%s'", d->word[k]);
	}
}

void
requirement_read(struct profile_reader *r, const struct doc_node *root)
{
	const struct doc_node *list =
	    profile_read_list(r, root, "requirements");
	struct profile *p = r->p;

	if (list == NULL || list->items == 0)
		return;
	read_products(r, root);
	p->row = items_of(r, list, sizeof(*p->row));
	if (p->row == NULL)
		return;
	for (size_t i = 0; i < list->items; i++)
		read_row(r, list->item[i], &p->row[p->rows++]);
	check_ids(r, list);
	for (size_t i = 0; i < list->items; i++) {
		read_likes(r, list->item[i], &p->row[i]);
		check_rules(r, list->item[i], &p->row[i]);
	}
}
