/*
 * A YAML (or JSON) document as a tree that knows where each value stands, and
 * a list of errors, so that all mistakes of a file are shown at once.
 */
#ifndef YAML_NODE_H
#define YAML_NODE_H

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column;		/* from 1 */
	const char *scalar;		/* YAML_SCALAR; "" when empty */
	bool quoted;
	struct yaml_node **item;	/* list items, or map values */
	struct yaml_node **key;		/* map keys (scalars) */
	size_t items;
};

struct yaml_errors {
	struct yaml_error {
		unsigned line, column;
		char *text;		/* "interval: '10' is not a duration: ..." */
	} *error;
	size_t errors;
	size_t limit;			/* 0: 100; the rest is counted only */
};

struct yaml_doc;

/*
 * Parses one document of len bytes. Depth at most 64, size at most 16 MiB,
 * aliases at most 1,000 expansions; duplicate keys are errors. NULL when the
 * text is no YAML (error appended).
 */
struct yaml_doc *yaml_parse(const char *text, size_t len,
    struct yaml_errors *errors);
const struct yaml_node *yaml_root(const struct yaml_doc *d);
void yaml_free(struct yaml_doc *d);

/* The value of a key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

void yaml_error(struct yaml_errors *e, const struct yaml_node *at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void yaml_errors_sort(struct yaml_errors *e);	/* by line, column */
void yaml_errors_free(struct yaml_errors *e);

#endif
