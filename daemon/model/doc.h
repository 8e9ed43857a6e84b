/*
 * A YAML (or JSON) document as a tree that knows where each value stands, and
 * a list of errors, so that all mistakes of a file are shown at once. (Not
 * named yaml: libyaml exports yaml_free and has a yaml.h of its own.)
 */
#ifndef DOC_H
#define DOC_H

#include <stdbool.h>
#include <stddef.h>

enum doc_kind { DOC_SCALAR, DOC_LIST, DOC_MAP };

enum {
	DOC_DEPTH = 64,	       /* lists and mappings in each other */
	DOC_EXPANSIONS = 1000, /* uses of aliases */
	DOC_NODES = 1000000,   /* values in all, expanded */
	DOC_BYTES = 16 << 20,
	DOC_SHOWN = 72 /* what doc_error_shown() writes */
};

struct doc_node {
	enum doc_kind kind;
	unsigned line, column; /* from 1 */
	char *scalar;	       /* DOC_SCALAR; "" when empty */
	bool quoted;
	struct doc_node **item; /* list items, or map values */
	struct doc_node **key;	/* map keys (scalars) */
	size_t items;
	const struct doc_node *parent; /* NULL for the root */
	size_t index; /* in the parent's items; SIZE_MAX: a key */
};

struct doc_errors {
	struct doc_error {
		unsigned line, column; /* 0: about the whole file */
		char *file;	       /* NULL: the one that the caller reads */
		char *text; /* "interval: '10' is not a duration: ..." */
	} * error;
	size_t errors;	  /* in the array */
	size_t limit;	  /* 0: 100; the rest is counted only */
	size_t dropped;	  /* that rest */
	const char *file; /* borrowed: file of the errors to come */
};

/*
 * Parses one document of len bytes, within the bounds above; duplicate keys
 * are errors. An empty text is a document without a value (null). NULL when
 * the text is no YAML (error appended). The root is owned by the caller.
 */
struct doc_node *doc_parse(
    const char *text, size_t len, struct doc_errors *errors);
void doc_free(struct doc_node *root);

/* Appends an error for each key that is given twice, here and below. */
void doc_check_keys(const struct doc_node *n, struct doc_errors *errors);

/* The value of a key, or NULL. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);

/* Whether it is no value at all: empty, "~" or "null", not in quotes. */
bool doc_null(const struct doc_node *n);
/* "a list", "a mapping", "text", "nothing": for messages. */
const char *doc_kind_text(const struct doc_node *n);
/* The start of a scalar that fits a message; what is cut off ends in "...". */
char *doc_error_shown(const char *text, char buf[DOC_SHOWN]);

/*
 * Appends an error about a value, or about a whole file (NULL). The path of
 * the value is put in front: "media.clusters[2].class: ".
 */
void doc_error(struct doc_errors *e, const struct doc_node *at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* Errors in all, those that were only counted too. */
size_t doc_errors_count(const struct doc_errors *e);
void doc_errors_sort(struct doc_errors *e); /* by line, column */
void doc_errors_free(struct doc_errors *e);

#endif
