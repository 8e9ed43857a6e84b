/*
 * A YAML document as a tree with places, made from libyaml's events. The tree
 * is built here and not by libyaml, so that depth, size and aliases are
 * bounded while the text is read, not after.
 */
#include "build.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "doc.h"

/* A node that got a name (&name), to be copied where *name stands. */
struct anchor {
	char *name;
	const struct doc_node *node; /* NULL while it is being read */
};

struct reader {
	yaml_parser_t parser;
	struct doc_errors *errors;
	const char *text;
	struct anchor *anchor;
	size_t anchors;
	size_t nodes, expansions;
	unsigned depth;
};

/* An error that is at a place of the text and not at a node. */
static void
error_at(struct reader *r, const yaml_mark_t *mark, const char *text)
{
	struct doc_node at = {0};

	at.line = (unsigned)mark->line + 1;
	at.column = (unsigned)mark->column + 1;
	doc_error(r->errors, &at, "%s", text);
}

static struct doc_node *
node_new(struct reader *r, enum doc_kind kind, const yaml_mark_t *mark)
{
	struct doc_node *n;

	if (++r->nodes > DOC_NODES) {
		error_at(r, mark, "more than 1000000 values");
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL) {
		error_at(r, mark, "not enough memory");
		return NULL;
	}
	n->kind = kind;
	n->line = (unsigned)mark->line + 1;
	n->column = (unsigned)mark->column + 1;
	return n;
}

/* Makes room for one more item; arrays grow at powers of two. */
static int
node_grow(struct doc_node *n)
{
	struct doc_node **more;
	size_t size;

	if (n->items & (n->items - 1))
		return 0;
	size = (n->items > 0 ? n->items * 2 : 1) * sizeof(*more);
	more = realloc(n->item, size);
	if (more == NULL)
		return -1;
	n->item = more;
	if (n->kind != DOC_MAP)
		return 0;
	more = realloc(n->key, size);
	if (more == NULL)
		return -1;
	n->key = more;
	return 0;
}

/* Takes key (of a mapping) and item over, also when it fails. */
static int
node_add(struct reader *r, struct doc_node *n, struct doc_node *key,
    struct doc_node *item)
{
	if (item == NULL || node_grow(n) < 0) {
		if (item != NULL)
			doc_error(r->errors, item, "not enough memory");
		doc_free(key);
		doc_free(item);
		return -1;
	}
	item->parent = n;
	item->index = n->items;
	n->item[n->items] = item;
	if (key != NULL) {
		key->parent = n;
		key->index = SIZE_MAX;
		n->key[n->items] = key;
	}
	n->items++;
	return 0;
}

/* Where the byte at offset is; libyaml gives no mark with these errors. */
static yaml_mark_t
mark_of_offset(const char *text, size_t offset)
{
	yaml_mark_t m = {0};

	for (; m.index < offset; m.index++) {
		m.column++;
		if (text[m.index] == '\n') {
			m.line++;
			m.column = 0;
		}
	}
	return m;
}

static void
syntax_error(struct reader *r)
{
	yaml_parser_t *p = &r->parser;
	yaml_mark_t mark = p->problem_mark;
	const char *problem = p->problem != NULL ? p->problem : "no memory";
	char text[256];

	if (p->error == YAML_READER_ERROR) {
		mark = mark_of_offset(r->text, p->problem_offset);
		snprintf(text, sizeof(text), "not UTF-8 text: %s", problem);
	} else if (p->error == YAML_SCANNER_ERROR &&
		   strstr(problem, "cannot start any token") != NULL &&
		   r->text[mark.index] == '\t') {
		snprintf(text, sizeof(text),
		    "indentation is made of spaces, not of tabs");
	} else if (p->context != NULL) {
		snprintf(text, sizeof(text), "%s (%s that starts in line %lu)",
		    problem, p->context,
		    (unsigned long)p->context_mark.line + 1);
	} else {
		snprintf(text, sizeof(text), "%s", problem);
	}
	error_at(r, &mark, text);
}

static int
next_event(struct reader *r, yaml_event_t *ev)
{
	if (yaml_parser_parse(&r->parser, ev))
		return 0;
	syntax_error(r);
	return -1;
}

static struct doc_node *node_read(struct reader *r, const yaml_event_t *ev);

static struct doc_node *
scalar_new(
    struct reader *r, const char *text, size_t len, const yaml_mark_t *mark)
{
	struct doc_node *n;

	if (memchr(text, '\0', len) != NULL) {
		error_at(r, mark, "a NUL character cannot be in a text");
		return NULL;
	}
	n = node_new(r, DOC_SCALAR, mark);
	if (n == NULL)
		return NULL;
	n->scalar = strndup(text, len);
	if (n->scalar == NULL) {
		error_at(r, mark, "not enough memory");
		doc_free(n);
		return NULL;
	}
	return n;
}

static struct doc_node *
scalar_read(struct reader *r, const yaml_event_t *ev)
{
	struct doc_node *n = scalar_new(r, (const char *)ev->data.scalar.value,
	    ev->data.scalar.length, &ev->start_mark);

	if (n != NULL)
		n->quoted = !ev->data.scalar.plain_implicit;
	return n;
}

/* Reads the items up to the event that ends the list. */
static int
list_fill(struct reader *r, struct doc_node *n)
{
	for (;;) {
		yaml_event_t ev;
		struct doc_node *item;
		int err = 0;

		if (next_event(r, &ev) < 0)
			return -1;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		item = node_read(r, &ev);
		yaml_event_delete(&ev);
		err = node_add(r, n, NULL, item);
		if (err < 0)
			return err;
	}
}

/* Reads the value that belongs to key, and adds both. */
static int
map_add(struct reader *r, struct doc_node *n, struct doc_node *key)
{
	yaml_event_t ev;
	struct doc_node *item;

	if (key->kind != DOC_SCALAR) {
		doc_error(r->errors, key, "a key must be text, not %s",
		    doc_kind_text(key));
		doc_free(key);
		return -1;
	}
	if (next_event(r, &ev) < 0) {
		doc_free(key);
		return -1;
	}
	item = node_read(r, &ev);
	yaml_event_delete(&ev);
	return node_add(r, n, key, item);
}

static int
map_fill(struct reader *r, struct doc_node *n)
{
	for (;;) {
		yaml_event_t ev;
		struct doc_node *key;

		if (next_event(r, &ev) < 0)
			return -1;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		key = node_read(r, &ev);
		yaml_event_delete(&ev);
		if (key == NULL || map_add(r, n, key) < 0)
			return -1;
	}
}

static struct doc_node *
collection_read(struct reader *r, const yaml_event_t *ev, enum doc_kind kind)
{
	struct doc_node *n;
	int err;

	if (r->depth == DOC_DEPTH) {
		error_at(r, &ev->start_mark, "nested more than 64 levels deep");
		return NULL;
	}
	n = node_new(r, kind, &ev->start_mark);
	if (n == NULL)
		return NULL;
	r->depth++;
	err = kind == DOC_MAP ? map_fill(r, n) : list_fill(r, n);
	r->depth--;
	if (err < 0) {
		doc_free(n);
		return NULL;
	}
	return n;
}

/* A copy of what an alias stands for, at the place of the alias. */
static struct doc_node *
node_copy(struct reader *r, const struct doc_node *from,
    const yaml_mark_t *mark, unsigned depth)
{
	struct doc_node *n, *key;

	if (depth > DOC_DEPTH) {
		error_at(r, mark, "nested more than 64 levels deep");
		return NULL;
	}
	if (from->kind == DOC_SCALAR) {
		n = scalar_new(r, from->scalar, strlen(from->scalar), mark);
		if (n != NULL)
			n->quoted = from->quoted;
		return n;
	}
	n = node_new(r, from->kind, mark);
	for (size_t i = 0; n != NULL && i < from->items; i++) {
		struct doc_node *item;

		key = NULL;
		if (from->kind == DOC_MAP)
			key = node_copy(r, from->key[i], mark, depth);
		item = key == NULL && from->kind == DOC_MAP
			   ? NULL
			   : node_copy(r, from->item[i], mark, depth + 1);
		if (node_add(r, n, key, item) < 0) {
			doc_free(n);
			return NULL;
		}
	}
	return n;
}

static struct doc_node *
alias_read(struct reader *r, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	char text[DOC_SHOWN + 64], shown[DOC_SHOWN];

	if (++r->expansions > DOC_EXPANSIONS) {
		error_at(r, &ev->start_mark, "more than 1000 uses of aliases");
		return NULL;
	}
	/* The last one of a name counts. */
	for (size_t i = r->anchors; i-- > 0;) {
		if (strcmp(r->anchor[i].name, name) != 0)
			continue;
		if (r->anchor[i].node != NULL)
			return node_copy(
			    r, r->anchor[i].node, &ev->start_mark, r->depth);
		snprintf(text, sizeof(text), "alias '*%s' stands in itself",
		    doc_error_shown(name, shown));
		error_at(r, &ev->start_mark, text);
		return NULL;
	}
	snprintf(text, sizeof(text), "alias '*%s' has no anchor before it",
	    doc_error_shown(name, shown));
	error_at(r, &ev->start_mark, text);
	return NULL;
}

/* Remembers the anchor of a node, if it has one. SIZE_MAX: none. */
static int
anchor_open(struct reader *r, const yaml_char_t *name, const yaml_mark_t *mark,
    size_t *slot)
{
	struct anchor *more;

	*slot = SIZE_MAX;
	if (name == NULL)
		return 0;
	if (r->anchors == DOC_EXPANSIONS) {
		error_at(r, mark, "more than 1000 anchors");
		return -1;
	}
	more = realloc(r->anchor, (r->anchors + 1) * sizeof(*more));
	if (more == NULL)
		goto fail;
	r->anchor = more;
	more[r->anchors].node = NULL;
	more[r->anchors].name = strdup((const char *)name);
	if (more[r->anchors].name == NULL)
		goto fail;
	*slot = r->anchors++;
	return 0;
fail:
	error_at(r, mark, "not enough memory");
	return -1;
}

static bool
tag_allowed(const yaml_char_t *tag)
{
	return tag == NULL || strcmp((const char *)tag, "!") == 0 ||
	       strncmp((const char *)tag, "tag:yaml.org,2002:", 18) == 0;
}

/* The node that begins with the event; NULL with an error appended. */
static struct doc_node *
node_read(struct reader *r, const yaml_event_t *ev)
{
	const yaml_char_t *anchor, *tag;
	struct doc_node *n;
	size_t slot;

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return alias_read(r, ev);
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	default:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	}
	if (!tag_allowed(tag)) {
		error_at(r, &ev->start_mark, "tags are not known here");
		return NULL;
	}
	if (anchor_open(r, anchor, &ev->start_mark, &slot) < 0)
		return NULL;
	if (ev->type == YAML_SCALAR_EVENT)
		n = scalar_read(r, ev);
	else
		n = collection_read(r, ev,
		    ev->type == YAML_MAPPING_START_EVENT ? DOC_MAP : DOC_LIST);
	if (slot != SIZE_MAX)
		r->anchor[slot].node = n;
	return n;
}

/* A document without a word in it: a null at the start of the text. */
static struct doc_node *
empty_new(struct reader *r)
{
	yaml_mark_t start = {0};

	return scalar_new(r, "", 0, &start);
}

static struct doc_node *
stream_read(struct reader *r)
{
	struct doc_node *root = NULL;
	yaml_event_t ev;

	/* stream start, document start or stream end */
	for (int i = 0; i < 2; i++) {
		if (next_event(r, &ev) < 0)
			return NULL;
		if (ev.type == YAML_STREAM_END_EVENT)
			root = empty_new(r);
		yaml_event_delete(&ev);
	}
	if (root != NULL || next_event(r, &ev) < 0)
		return root;
	root = node_read(r, &ev);
	yaml_event_delete(&ev);
	/* document end, stream end */
	for (int i = 0; root != NULL && i < 2; i++) {
		bool more;

		if (next_event(r, &ev) < 0)
			goto fail;
		more = ev.type == YAML_DOCUMENT_START_EVENT;
		if (more)
			error_at(r, &ev.start_mark,
			    "a second document starts here; one is allowed");
		yaml_event_delete(&ev);
		if (more)
			goto fail;
	}
	return root;
fail:
	doc_free(root);
	return NULL;
}

struct doc_node *
doc_parse(const char *text, size_t len, struct doc_errors *errors)
{
	struct reader r = {.errors = errors, .text = text};
	struct doc_node *root;

	if (len > DOC_BYTES) {
		doc_error(errors, NULL, "larger than 16 MiB");
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		doc_error(errors, NULL, "not enough memory");
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &r.parser, (const unsigned char *)text, len);
	root = stream_read(&r);
	yaml_parser_delete(&r.parser);
	for (size_t i = 0; i < r.anchors; i++)
		free(r.anchor[i].name);
	free(r.anchor);
	if (root != NULL)
		doc_check_keys(root, errors);
	return root;
}
