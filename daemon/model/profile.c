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
#include "profile_read.h"
#include "requirement.h"

/* A value that can only be this in this version. */
static void
check_fixed(struct profile_reader *r, const struct doc_node *map,
    const char *key, const char *only)
{
	const char *text = profile_read_text(r, map, key, true);
	char shown[DOC_SHOWN];

	if (text[0] != '\0' && strcmp(text, only) != 0)
		doc_error(r->errors, doc_get(map, key),
		    "'%s' is not known here (only: %s)",
		    doc_error_shown(text, shown), only);
}

/* Sets the revision asked for, or the one that the file prefers. */
static void
read_revisions(
    struct profile_reader *r, const struct doc_node *root, const char *asked)
{
	const char *preferred = profile_read_text(r, root, "default", true);
	const char *newest = "";

	r->revisions = profile_read_shape(r, root, "revisions", DOC_LIST);
	if (r->revisions == NULL)
		return;
	for (size_t i = 0; i < r->revisions->items; i++) {
		const struct doc_node *n = r->revisions->item[i];

		newest = profile_read_text(r, n, "id", true);
		profile_read_text(r, n, "source", false);
		profile_read_keys(r, n, "id source ");
	}
	if (preferred[0] != '\0' && !profile_read_revision(r, preferred))
		profile_read_no_revision(
		    r, doc_get(root, "default"), preferred);
	if (asked == NULL || asked[0] == '\0')
		asked = preferred;
	else if (!profile_read_revision(r, asked))
		profile_read_no_revision(r, r->revisions, asked);
	r->p->revision = strdup(asked);
	r->p->newest = strdup(newest);
	if (r->p->revision == NULL || r->p->newest == NULL)
		doc_error(r->errors, root, "not enough memory");
}

/* The first of the list is the default port, all of them must be ports. */
static void
read_ports(
    struct profile_reader *r, const struct doc_node *list, enum transport t)
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
read_transports(struct profile_reader *r, const struct doc_node *media)
{
	const struct doc_node *ports =
	    profile_read_shape(r, media, "ports", DOC_MAP);
	const struct doc_node *prefer =
	    profile_read_shape(r, media, "prefer", DOC_LIST);
	const struct doc_node *tls =
	    profile_read_shape(r, media, "tls", DOC_MAP);

	if (ports != NULL)
		profile_read_keys(r, ports, "udp tcp tls ");
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
	profile_read_keys(r, tls, "sni verify ");
	check_fixed(r, tls, "sni", "none");
	check_fixed(r, tls, "verify", "report");
}

/* "azure,cvi" of a list of words; NULL: no memory. */
static char *
read_tags(struct profile_reader *r, const struct doc_node *row)
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
check_id(struct profile_reader *r, const struct doc_node *row, const char *id)
{
	for (size_t i = 0; i < r->p->subnets; i++) {
		if (strcmp(r->p->subnet[i].id, id) == 0)
			doc_error(r->errors, row,
			    "'%s' is in this revision twice", id);
	}
}

static void
read_subnet(struct profile_reader *r, const struct doc_node *row)
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
	profile_read_keys(r, row, "id cidr tags revisions ");
	id = profile_read_text(r, row, "id", true);
	cidr = profile_read_text(r, row, "cidr", true);
	err = cidr[0] != '\0' ? subnet_parse(&s->subnet, cidr) : 0;
	if (err < 0)
		doc_error(r->errors, doc_get(row, "cidr"), "'%s' %s",
		    doc_error_shown(cidr, shown),
		    err == -ERANGE ? "has bits set that are not of the network"
				   : "is not a subnet");
	if (!profile_read_holds(r, row))
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
read_subnets(struct profile_reader *r, const struct doc_node *list)
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
read_root(
    struct profile_reader *r, const struct doc_node *root, const char *revision)
{
	const struct doc_node *media, *subnets;

	if (root->kind != DOC_MAP) {
		doc_error(r->errors, root, "must be a mapping, not %s",
		    doc_kind_text(root));
		return;
	}
	profile_read_keys(r, root,
	    "format id vendor default revisions media products "
	    "requirements ");
	check_fixed(r, root, "format", "1");
	r->p->id = strdup(profile_read_text(r, root, "id", true));
	r->p->vendor = strdup(profile_read_text(r, root, "vendor", true));
	read_revisions(r, root, revision);
	media = profile_read_shape(r, root, "media", DOC_MAP);
	if (media == NULL)
		return;
	profile_read_keys(r, media, "prefer ports tls subnets ");
	read_transports(r, media);
	subnets = profile_read_shape(r, media, "subnets", DOC_LIST);
	if (subnets != NULL)
		read_subnets(r, subnets);
	requirement_read(r, root);
}

struct profile *
profile_parse(const char *file, const char *text, size_t len,
    const char *revision, struct doc_errors *errors)
{
	size_t before = doc_errors_count(errors);
	struct profile *p = calloc(1, sizeof(*p));
	struct profile_reader r = {.p = p, .errors = errors};
	struct doc_node *root;

	errors->file = file;
	root = doc_parse(text, len, errors);
	if (p != NULL)
		p->file = strdup(file);
	if (p == NULL || p->file == NULL)
		doc_error(errors, NULL, "not enough memory");
	else if (root != NULL)
		read_root(&r, root, revision);
	if (p != NULL)
		p->doc = root;
	else
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
profile_settle(struct profile *p)
{
	doc_free(p->doc);
	p->doc = NULL;
}

void
profile_free(struct profile *p)
{
	if (p == NULL)
		return;
	profile_settle(p);
	requirement_free(p->row, p->rows);
	for (size_t i = 0; i < p->products; i++) {
		free(p->product[i].name);
		free(p->product[i].text);
	}
	free(p->product);
	free(p->network);
	free(p->newest);
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
