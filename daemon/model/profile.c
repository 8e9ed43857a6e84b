/* Profiles: reading the data of a vendor, and choosing a revision of it. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "doc.h"
#include "file.h"
#include "profile.h"

struct reader {
	struct profile *p;
	struct doc_errors *errors;
	const struct doc_node *revisions; /* list of the file, or NULL */
};

/* A text; "" with an error when it is none or, if it must be, not there. */
static const char *
read_text(
    struct reader *r, const struct doc_node *map, const char *key, bool must)
{
	const struct doc_node *n = doc_get(map, key);

	if (n == NULL && must)
		doc_error(r->errors, map, "'%s' is missing", key);
	if (n == NULL)
		return "";
	if (n->kind == DOC_SCALAR && n->scalar[0] != '\0')
		return n->scalar;
	doc_error(r->errors, n, "must be a text, not %s", doc_kind_text(n));
	return "";
}

/* A value that can only be this in this version. */
static void
check_fixed(struct reader *r, const struct doc_node *map, const char *key,
    const char *only)
{
	const char *text = read_text(r, map, key, true);
	char shown[DOC_SHOWN];

	if (text[0] != '\0' && strcmp(text, only) != 0)
		doc_error(r->errors, doc_get(map, key),
		    "'%s' is not known here (only: %s)",
		    doc_error_shown(text, shown), only);
}

/* allowed: keys with a space after each. */
static void
check_keys(struct reader *r, const struct doc_node *map, const char *allowed)
{
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < map->items; i++) {
		const char *key = map->key[i]->scalar;
		size_t len = strlen(key);
		const char *a = allowed;

		while (*a != '\0' &&
		       (strcspn(a, " ") != len || memcmp(a, key, len) != 0))
			a += strcspn(a, " ") + 1;
		if (*a == '\0')
			doc_error(r->errors, map->key[i],
			    "unknown key '%s' (allowed: %.*s)",
			    doc_error_shown(key, shown),
			    (int)strlen(allowed) - 1, allowed);
	}
}

/* A mapping or list that must be there, or NULL with an error. */
static const struct doc_node *
read_shape(struct reader *r, const struct doc_node *map, const char *key,
    enum doc_kind kind)
{
	const struct doc_node *n = doc_get(map, key);

	if (n == NULL) {
		doc_error(r->errors, map, "'%s' is missing", key);
		return NULL;
	}
	if (n->kind == kind)
		return n;
	doc_error(r->errors, n, "must be %s, not %s",
	    kind == DOC_MAP ? "a mapping" : "a list", doc_kind_text(n));
	return NULL;
}

static bool
is_revision(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *id =
		    doc_get(r->revisions->item[i], "id");

		if (id != NULL && id->kind == DOC_SCALAR &&
		    strcmp(id->scalar, name) == 0)
			return true;
	}
	return false;
}

static void
no_revision(struct reader *r, const struct doc_node *at, const char *name)
{
	struct buf known = BUF_INIT;
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *id =
		    doc_get(r->revisions->item[i], "id");

		if (id != NULL && id->kind == DOC_SCALAR)
			buf_printf(&known, "%s%s", known.len > 0 ? ", " : "",
			    id->scalar);
	}
	doc_error(r->errors, at, "there is no revision '%s' (one of: %s)",
	    doc_error_shown(name, shown), buf_str(&known));
	buf_free(&known);
}

/* Sets the revision asked for, or the one that the file prefers. */
static void
read_revisions(struct reader *r, const struct doc_node *root, const char *asked)
{
	const char *preferred = read_text(r, root, "default", true);

	r->revisions = read_shape(r, root, "revisions", DOC_LIST);
	if (r->revisions == NULL)
		return;
	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *n = r->revisions->item[i];

		read_text(r, n, "id", true);
		read_text(r, n, "source", false);
		check_keys(r, n, "id source ");
	}
	if (preferred[0] != '\0' && !is_revision(r, preferred))
		no_revision(r, doc_get(root, "default"), preferred);
	if (asked == NULL || asked[0] == '\0')
		asked = preferred;
	else if (!is_revision(r, asked))
		no_revision(r, r->revisions, asked);
	r->p->revision = strdup(asked);
	if (r->p->revision == NULL)
		doc_error(r->errors, root, "not enough memory");
}

/* The first of the list is the default port, all of them must be ports. */
static void
read_ports(struct reader *r, const struct doc_node *list, enum transport t)
{
	if (list->kind != DOC_LIST) {
		doc_error(r->errors, list, "must be a list of ports, not %s",
		    doc_kind_text(list));
		return;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		unsigned long port = 0;
		char *end = NULL;

		if (n->kind == DOC_SCALAR)
			port = strtoul(n->scalar, &end, 10);
		if (end == NULL || *end != '\0' || port < 1 || port > 65535)
			doc_error(r->errors, n, "must be a port, 1 to 65535");
		else if (i == 0)
			r->p->port[t] = (uint16_t)port;
	}
}

static void
read_transports(struct reader *r, const struct doc_node *media)
{
	const struct doc_node *ports = read_shape(r, media, "ports", DOC_MAP);
	const struct doc_node *prefer =
	    read_shape(r, media, "prefer", DOC_LIST);
	const struct doc_node *tls = read_shape(r, media, "tls", DOC_MAP);

	if (ports != NULL)
		check_keys(r, ports, "udp tcp tls ");
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++) {
		const char *name = word_label(WORD_TRANSPORT, t);
		const struct doc_node *list = doc_get(ports, name);

		if (list != NULL)
			read_ports(r, list, t);
		/* The order is fixed in choose.c; other data would lie. */
		if (prefer != NULL &&
		    (prefer->items != TRANSPORT_TLS ||
			prefer->item[t - 1]->kind != DOC_SCALAR ||
			strcmp(prefer->item[t - 1]->scalar, name) != 0)) {
			doc_error(r->errors, prefer,
			    "only the order udp, tcp, tls is known");
			prefer = NULL;
		}
	}
	if (tls == NULL)
		return;
	check_keys(r, tls, "sni verify ");
	check_fixed(r, tls, "sni", "none");
	check_fixed(r, tls, "verify", "report");
}

/* Whether the row is in the revision that is read; rows say it or are in all.
 */
static bool
in_revision(struct reader *r, const struct doc_node *row)
{
	const struct doc_node *list = doc_get(row, "revisions");
	bool found = false;

	if (list == NULL || r->p->revision == NULL)
		return true;
	if (list->kind != DOC_LIST) {
		doc_error(r->errors, list, "must be a list, not %s",
		    doc_kind_text(list));
		return false;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];

		if (n->kind != DOC_SCALAR || !is_revision(r, n->scalar))
			no_revision(
			    r, n, n->kind == DOC_SCALAR ? n->scalar : "");
		else if (strcmp(n->scalar, r->p->revision) == 0)
			found = true;
	}
	return found;
}

/* "azure,cvi" of a list of words; NULL: no memory. */
static char *
read_tags(struct reader *r, const struct doc_node *row)
{
	const struct doc_node *list = doc_get(row, "tags");
	struct buf b = BUF_INIT;

	if (list != NULL && list->kind != DOC_LIST) {
		doc_error(r->errors, list, "must be a list, not %s",
		    doc_kind_text(list));
		list = NULL;
	}
	for (size_t i = 0; list != NULL && i < list->items; i++) {
		if (list->item[i]->kind == DOC_SCALAR)
			buf_printf(&b, "%s%s", i > 0 ? "," : "",
			    list->item[i]->scalar);
		else
			doc_error(r->errors, list->item[i],
			    "must be a text, not %s",
			    doc_kind_text(list->item[i]));
	}
	return buf_steal(&b);
}

static void
check_id(struct reader *r, const struct doc_node *row, const char *id)
{
	for (size_t i = 0; i < r->p->subnets; i++) {
		if (strcmp(r->p->subnet[i].id, id) == 0)
			doc_error(r->errors, row,
			    "'%s' is in this revision twice", id);
	}
}

static void
read_subnet(struct reader *r, const struct doc_node *row)
{
	struct profile_subnet *s = &r->p->subnet[r->p->subnets];
	const char *id, *cidr;
	char shown[DOC_SHOWN];
	int err;

	if (row->kind != DOC_MAP) {
		doc_error(r->errors, row, "must be a mapping, not %s",
		    doc_kind_text(row));
		return;
	}
	check_keys(r, row, "id cidr tags revisions ");
	id = read_text(r, row, "id", true);
	cidr = read_text(r, row, "cidr", true);
	err = cidr[0] != '\0' ? subnet_parse(&s->subnet, cidr) : 0;
	if (err < 0)
		doc_error(r->errors, doc_get(row, "cidr"), "'%s' %s",
		    doc_error_shown(cidr, shown),
		    err == -ERANGE ? "has bits set that are not of the network"
				   : "is not a subnet");
	if (!in_revision(r, row))
		return;
	check_id(r, row, id);
	s->id = strdup(id);
	s->text = strdup(cidr);
	s->tags = read_tags(r, row);
	r->p->subnets++;
	if (s->id == NULL || s->text == NULL || s->tags == NULL)
		doc_error(r->errors, row, "not enough memory");
}

static void
read_subnets(struct reader *r, const struct doc_node *list)
{
	struct profile *p = r->p;
	struct subnet *rows = NULL;

	p->subnet = calloc(list->items + 1, sizeof(*p->subnet));
	for (size_t i = 0; p->subnet != NULL && i < list->items; i++)
		read_subnet(r, list->item[i]);
	rows = calloc(p->subnets + 1, sizeof(*rows));
	for (size_t i = 0; rows != NULL && i < p->subnets; i++)
		rows[i] = p->subnet[i].subnet;
	if (rows != NULL)
		p->table = subnet_table_new(rows, p->subnets);
	free(rows);
	if (p->table == NULL)
		doc_error(r->errors, list, "not enough memory");
}

static void
read_root(struct reader *r, const struct doc_node *root, const char *revision)
{
	const struct doc_node *media, *subnets;

	if (root->kind != DOC_MAP) {
		doc_error(r->errors, root, "must be a mapping, not %s",
		    doc_kind_text(root));
		return;
	}
	check_keys(r, root, "format id vendor default revisions media ");
	check_fixed(r, root, "format", "1");
	r->p->id = strdup(read_text(r, root, "id", true));
	r->p->vendor = strdup(read_text(r, root, "vendor", true));
	read_revisions(r, root, revision);
	media = read_shape(r, root, "media", DOC_MAP);
	if (media == NULL)
		return;
	check_keys(r, media, "prefer ports tls subnets ");
	read_transports(r, media);
	subnets = read_shape(r, media, "subnets", DOC_LIST);
	if (subnets != NULL)
		read_subnets(r, subnets);
}

struct profile *
profile_parse(const char *file, const char *text, size_t len,
    const char *revision, struct doc_errors *errors)
{
	size_t before = doc_errors_count(errors);
	struct profile *p = calloc(1, sizeof(*p));
	struct reader r = {.p = p, .errors = errors};
	struct doc_node *root;

	errors->file = file;
	root = doc_parse(text, len, errors);
	if (p != NULL)
		p->file = strdup(file);
	if (p == NULL || p->file == NULL)
		doc_error(errors, NULL, "not enough memory");
	else if (root != NULL)
		read_root(&r, root, revision);
	doc_free(root);
	errors->file = NULL;
	if (doc_errors_count(errors) == before)
		return p;
	profile_free(p);
	return NULL;
}

struct profile *
profile_load(const char *file, const char *revision, struct doc_errors *errors)
{
	struct profile *p;
	char *text;
	size_t len;
	int err = file_read_regular(file, DOC_BYTES, &text, &len);

	if (err < 0) {
		errors->file = file;
		doc_error(errors, NULL, "cannot be read: %s", file_why(err));
		errors->file = NULL;
		return NULL;
	}
	p = profile_parse(file, text, len, revision, errors);
	free(text);
	return p;
}

void
profile_free(struct profile *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->subnets; i++) {
		free(p->subnet[i].id);
		free(p->subnet[i].text);
		free(p->subnet[i].tags);
	}
	free(p->subnet);
	subnet_table_free(p->table);
	free(p->id);
	free(p->vendor);
	free(p->revision);
	free(p->file);
	free(p);
}
