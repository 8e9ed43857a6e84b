/*
 * The settings of the configuration file, made from options.def: reading one
 * mapping of the file into a struct, and the reference for people.
 */
#ifndef OPTION_H
#define OPTION_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct doc_errors;
struct doc_node;

enum option_group {
	OPTION_NONE,
#define OPTION_GROUP(group, title, help) OPTION_##group,
#include "options.def"
	OPTION_GROUPS
};

enum option_type {
	OPTION_DURATION,
	OPTION_PERCENT,
	OPTION_UINT,
	OPTION_BOOL,
	OPTION_TEXT,
	OPTION_PATH,
	OPTION_URL,
	OPTION_NAME,
	OPTION_DSCP,
	OPTION_ADDRESS,
	OPTION_SERVER,
	OPTION_KIND,
	OPTION_TRANSPORT,
	OPTION_WORD,
	OPTION_CHOICE,
	OPTION_CODES,
	OPTION_TEXTS,
	/* shapes: what they hold is read by the caller */
	OPTION_MAP,
	OPTION_LIST,
	OPTION_ALSO
};

/* The sets of words that only the configuration knows. */
enum option_choice {
	CHOICE_FAMILY,
	CHOICE_ADDRESSES,
	CHOICE_HISTOGRAMS,
	CHOICE_DNS_TYPE,
	CHOICE_DNS_RCODE,
	CHOICE_CLIENT_AUTH,
	CHOICE_WEB_TLS,
	CHOICE_VERIFY,
	CHOICE_TLS_VERSION,
	CHOICE_STAPLE,
	CHOICE_METHOD,
	CHOICE_PROBER
};

struct option {
	enum option_group group;
	enum option_type type;
	const char *key;
	size_t offset, size; /* of the field in the group's struct */
	uint64_t least, most;
	const char *fallback;	 /* "" for none, NULL: must be given */
	enum option_group child; /* of shapes */
	const char *help;
};

struct option_group_desc {
	const char *title, *help;
};

extern const struct option option_table[];
extern const unsigned option_rows;
extern const struct option_group_desc option_groups[OPTION_GROUPS];

/* Sets every field of the group that has a default; texts become NULL. */
void option_defaults(enum option_group group, void *base);

/*
 * Reads the scalars of the group that the mapping gives into the struct at
 * base; others are left as they are. Appends an error for each that is wrong
 * and for each that is missing. Texts are owned by the struct: option_free().
 * Relative paths are made absolute with directory.
 */
void option_read(const struct doc_node *map, enum option_group group,
    void *base, const char *directory, struct doc_errors *errors);
void option_free(enum option_group group, void *base);

/* An error for each key of the mapping that is not one of the group. */
void option_check_keys(const struct doc_node *map, enum option_group group,
    struct doc_errors *errors);

/*
 * The value of a MAP or LIST key of the group; NULL when it is not given, has
 * no value, or is of another kind (with an error).
 */
const struct doc_node *option_shape(const struct doc_node *map,
    enum option_group group, const char *key, struct doc_errors *errors);

/* One value by its row: 0, or -errno with an error appended. */
int option_value_parse(const struct option *o, const struct doc_node *n,
    void *field, const char *directory, struct doc_errors *errors);

/* Durations of list items: the same words as for keys. 0 or -EINVAL. */
int option_duration(const struct doc_node *n, uint64_t least, uint64_t most,
    uint64_t *ns, struct doc_errors *errors);

/* directory/path, or a copy of an absolute path; NULL: no memory. */
char *option_path(const char *directory, const char *path);

/*
 * One row's bounds ("100ms to 1d", "one of: a, b"; nothing when it has none),
 * and its type with an article ("a duration").
 */
void option_words_bounds(struct buf *b, const struct option *o);
const char *option_words_type(const struct option *o);

/* The reference: for people, and as mdoc for the manual. */
void option_reference_text(struct buf *b);
void option_reference_mdoc(struct buf *b);

#endif
