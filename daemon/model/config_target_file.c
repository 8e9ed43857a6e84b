/* Target files in the format of Prometheus' file_sd, YAML or JSON. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_ask.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "proxy.h"
#include "option.h"

struct file_reader {
	struct config_reader r;
	struct config_target *target;
	size_t targets, size;
};

/* A target that has what the labels of its group say. */
struct labels {
	struct config_target as;
	const struct doc_node *transport, *via;
	bool web; /* targets are URLs */
};

/* The label stands for a key of `targets`; other labels are not for us. */
static const struct label {
	const char *label, *key;
} label_keys[] = {{"__probe__", "probe"}, {"__transport__", "transport"},
    {"media_cluster", "media_cluster"}, {"name", "name"}};

static const struct option *
find_option(const char *key)
{
	for (unsigned i = 0; i < option_rows; i++) {
		if (option_table[i].group == OPTION_target &&
		    strcmp(option_table[i].key, key) == 0)
			return &option_table[i];
	}
	return NULL;
}

static void
read_labels(struct file_reader *f, const struct doc_node *map, struct labels *l)
{
	struct doc_errors *errors = f->r.errors;

	for (size_t i = 0; i < map->items; i++) {
		if (map->item[i]->kind != DOC_SCALAR)
			doc_error(errors, map->item[i],
			    "a label must be text, not %s",
			    doc_kind_text(map->item[i]));
	}
	for (size_t i = 0; i < sizeof(label_keys) / sizeof(*label_keys); i++) {
		const struct doc_node *n = doc_get(map, label_keys[i].label);
		const struct option *o = find_option(label_keys[i].key);

		if (n == NULL || n->kind != DOC_SCALAR || n->scalar[0] == '\0')
			continue;
		option_value_parse(
		    o, n, (char *)&l->as + o->offset, "", errors);
	}
	l->transport = doc_get(map, "__transport__");
	l->via = doc_get(map, "__via__");
}

/*
 * A name for a target that was given none: no address may be in it, for it
 * is a label of every metric.
 */
static void
make_name(struct config_target *t)
{
	char base[TARGET_NAME + 1], where[512];

	snprintf(base, sizeof(base), "%s-%s", t->probe,
	    word_label(WORD_TRANSPORT, t->transport));
	if (t->url != NULL)
		snprintf(where, sizeof(where), "%s", t->url);
	else
		snprintf(where, sizeof(where), "%s:%u", t->host, t->port);
	config_target_suffix(t->name, base, where, 0);
}

static struct config_target *
next_target(struct file_reader *f)
{
	struct config_target *more;
	size_t size = f->size > 0 ? f->size * 2 : 64;

	if (f->targets == f->size) {
		more = realloc(f->target, size * sizeof(*more));
		if (more == NULL)
			return NULL;
		f->target = more;
		f->size = size;
	}
	return &f->target[f->targets];
}

/* Where the target is, and the way there. */
static int
read_place(struct file_reader *f, const struct doc_node *n,
    const struct labels *l, struct config_target *t)
{
	int err;

	if (!l->web)
		return config_target_address(f->r.errors, n, t);
	err = config_target_url(f->r.errors, n, t);
	if (err == 0 && l->via != NULL)
		err = config_via_find(&f->r, l->via, t, &t->proxy);
	return err;
}

static void
read_address(struct file_reader *f, const struct doc_node *n,
    const struct labels *l, bool alone)
{
	struct config_target *t = next_target(f);
	char name[TARGET_NAME + 1];

	if (n->kind != DOC_SCALAR) {
		doc_error(
		    f->r.errors, n, "must be a text, not %s", doc_kind_text(n));
		return;
	}
	if (t == NULL) {
		doc_error(f->r.errors, n, "not enough memory");
		return;
	}
	*t = l->as;
	t->ask = ask_ref(l->as.ask);
	t->line = n->line;
	f->targets++;
	if (read_place(f, n, l, t) < 0)
		return;
	config_probing_check_host(
	    &f->r, n, &t->probing, t->proxy != NULL ? t->proxy->host : t->host);
	if (t->name[0] == '\0') {
		make_name(t);
	} else if (!alone) {
		memcpy(name, t->name, sizeof(name));
		config_target_suffix(t->name, name, n->scalar, 0);
	}
}

static void
check_group_keys(const struct doc_node *group, struct doc_errors *errors)
{
	for (size_t i = 0; i < group->items; i++) {
		const char *key = group->key[i]->scalar;
		char shown[DOC_SHOWN];

		if (strcmp(key, "targets") != 0 && strcmp(key, "labels") != 0)
			doc_error(errors, group->key[i],
			    "unknown key '%s' (allowed: targets, labels)",
			    doc_error_shown(key, shown));
	}
}

static void
read_group(struct file_reader *f, const struct doc_node *group)
{
	struct doc_errors *errors = f->r.errors;
	const struct doc_node *list = doc_get(group, "targets");
	const struct doc_node *labels = doc_get(group, "labels");
	const struct kind *k;
	struct labels l = {0};

	if (group->kind != DOC_MAP) {
		doc_error(errors, group, "must be a mapping, not %s",
		    doc_kind_text(group));
		return;
	}
	check_group_keys(group, errors);
	option_defaults(OPTION_target, &l.as);
	l.as.probing = f->r.c->defaults;
	if (labels != NULL && labels->kind == DOC_MAP)
		read_labels(f, labels, &l);
	else if (labels != NULL && !doc_null(labels))
		doc_error(errors, labels, "must be a mapping, not %s",
		    doc_kind_text(labels));
	if (list == NULL || list->kind != DOC_LIST) {
		doc_error(errors, list != NULL ? list : group,
		    "'targets' must be a list of HOST:PORT");
		return;
	}
	k = config_target_kind(
	    errors, l.transport != NULL ? l.transport : group, &l.as);
	if (k == NULL)
		return;
	l.as.ask =
	    config_ask_read(&f->r, labels != NULL ? labels : group, k, true);
	l.web = (k->asks & 1u << ASK_HTTP) != 0;
	for (size_t i = 0; i < list->items; i++)
		read_address(f, list->item[i], &l, list->items == 1);
	ask_unref(l.as.ask);
}

static int
compare_names(const void *a, const void *b)
{
	const struct config_target *x = *(struct config_target *const *)a;
	const struct config_target *y = *(struct config_target *const *)b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

/* Names that stand twice; the same target in two groups is one of them. */
static void
check_names(struct file_reader *f)
{
	struct config_target **sorted;

	if (f->targets < 2)
		return;
	sorted = malloc(f->targets * sizeof(*sorted));
	if (sorted == NULL)
		return;
	for (size_t i = 0; i < f->targets; i++)
		sorted[i] = &f->target[i];
	qsort(sorted, f->targets, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < f->targets; i++) {
		struct doc_node at = {.line = sorted[i]->line, .column = 1};

		if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
			doc_error(f->r.errors, &at,
			    "the target '%s' stands twice (first in line %u)",
			    sorted[i]->name, sorted[i - 1]->line);
	}
	free(sorted);
}

ssize_t
config_target_file(const struct config *c, const char *text, size_t len,
    struct config_target **out, struct doc_errors *errors)
{
	struct file_reader f = {.r = {.c = (struct config *)c,
				    .directory = "",
				    .errors = errors,
				    .files = true}};
	size_t before = doc_errors_count(errors);
	struct doc_node *root = doc_parse(text, len, errors);

	if (root != NULL && root->kind != DOC_LIST)
		doc_error(errors, root,
		    "must be a list of {targets, labels}, not %s%s",
		    doc_kind_text(root),
		    doc_null(root) ? "; for no targets write []" : "");
	for (size_t i = 0;
	     root != NULL && root->kind == DOC_LIST && i < root->items; i++)
		read_group(&f, root->item[i]);
	check_names(&f);
	doc_free(root);
	if (doc_errors_count(errors) > before) {
		config_targets_free(f.target, f.targets);
		doc_errors_sort(errors);
		return -EINVAL;
	}
	*out = f.target;
	return (ssize_t)f.targets;
}
