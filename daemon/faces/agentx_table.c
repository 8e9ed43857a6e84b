/* The columns of the MIB over the items of a snapshot. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "agentx_rows.h"
#include "agentx_table.h"
#include "buf.h"
#include "index.h"
#include "labels.h"
#include "snapshot.h"

struct agentx_table {
	struct agentx_tree tree;
	size_t hint;		      /* the tree's */
	struct mib_column *column;    /* owned, in the order of their OIDs */
	struct agentx_branch *branch; /* theirs, owned */
	struct agentx_rows *rows;     /* one per table, owned */
	bool *made;		      /* whether they are the snapshot's */
	struct index clusters;	      /* names to indexes */
	struct snapshot *snapshot;    /* reference or NULL */
	int64_t boot;
	struct buf text; /* scratch */
};

void
agentx_table_show(struct agentx_table *t, struct snapshot *s, int64_t boot)
{
	t->boot = boot;
	if (s == t->snapshot)
		return;
	snapshot_unref(t->snapshot);
	t->snapshot = s != NULL ? snapshot_ref(s) : NULL;
	memset(t->made, 0, mib_table_rows * sizeof(*t->made));
	index_free(&t->clusters);
	t->clusters = (struct index){NULL, 0, 0};
	/* Without memory for the names their rows are left out. */
	if (s != NULL)
		agentx_rows_clusters(&t->clusters, s);
}

/* The rows of a table, made when they are first asked for. */
static const struct agentx_rows *
rows_of(struct agentx_table *t, const struct mib_table *table)
{
	size_t i = (size_t)(table - mib_tables);

	if (!t->made[i]) {
		t->made[i] = true;
		agentx_rows_make(&t->rows[i], table, t->snapshot, &t->clusters);
	}
	return &t->rows[i];
}

/* ---- values ---- */

static bool
read_label(struct agentx_table *t, const struct mib_column *c,
    const char *labels, struct agentx_value *out)
{
	buf_reset(&t->text);
	if (!labels_value(labels, c->label, &t->text))
		return false;
	out->type = AGENTX_UNSIGNED;
	if (c->form == MIB_FORM_CLUSTER)
		out->number =
		    agentx_rows_cluster(&t->clusters, buf_str(&t->text));
	else if (c->form == MIB_FORM_PROXY)
		out->number = agentx_rows_proxy(t->snapshot, buf_str(&t->text));
	else
		return agentx_value_text(out, c->form, buf_str(&t->text));
	return out->number != UINT32_MAX;
}

static bool
read_item(struct agentx_table *t, const struct mib_column *c, const char *item,
    unsigned bucket, struct agentx_value *out)
{
	const void *field = item + c->offset;

	if (c->source == MIB_OF_LABEL)
		return read_label(t, c, *(const char *const *)field, out);
	if (c->source == MIB_OF_AGAIN)
		return agentx_value_moment(
		    out, c->form, *(const uint64_t *)field, t->snapshot->real);
	if (c->stat->nature == STATS_HISTOGRAM) {
		agentx_value_bucket(out, field, bucket);
		return true;
	}
	return agentx_value_number(
	    out, c->stat, *(const uint64_t *)field, t->boot);
}

/* A scalar; of a scope with several items (counters) their sum. */
static bool
read_scalar(struct agentx_table *t, const struct mib_column *c,
    struct agentx_value *out)
{
	const struct stats_items *items = &t->snapshot->scope[c->table->scope];
	size_t size = stats_scopes[c->table->scope].size;
	uint64_t sum = 0;

	if (items->count == 0)
		return false;
	if (items->count == 1 || c->source != MIB_OF_STAT)
		return read_item(t, c, items->item, 0, out);
	for (size_t i = 0; i < items->count; i++)
		sum += *(
		    const uint64_t *)(const void *)((const char *)items->item +
						    i * size + c->offset);
	return agentx_value_number(out, c->stat, sum, t->boot);
}

/* ---- the tree ---- */

static size_t
tree_rows(void *owner, size_t branch)
{
	struct agentx_table *t = owner;
	const struct mib_column *c = &t->column[branch];

	if (t->snapshot == NULL || c->source == MIB_OF_INDEX)
		return 0;
	return c->table->indexes == 0 ? 1 : rows_of(t, c->table)->rows;
}

static const struct agentx_row *
row_of(struct agentx_table *t, struct agentx_cell at)
{
	return &rows_of(t, t->column[at.branch].table)->row[at.row];
}

static const uint32_t *
key_of(struct agentx_table *t, struct agentx_cell at, size_t *keys)
{
	static const uint32_t scalar[] = {0};
	unsigned indexes = t->column[at.branch].table->indexes;

	*keys = indexes > 0 ? indexes : 1;
	return indexes > 0 ? row_of(t, at)->key : scalar;
}

static int
tree_compare(void *owner, struct agentx_cell at, const uint32_t *sub, size_t n)
{
	size_t keys;
	const uint32_t *key = key_of(owner, at, &keys);

	return agentx_tree_compare(key, keys, sub, n);
}

static void
tree_key(void *owner, struct agentx_cell at, struct agentx_oid *oid)
{
	size_t keys;
	const uint32_t *key = key_of(owner, at, &keys);

	memcpy(oid->sub + oid->len, key, keys * sizeof(*key));
	oid->len += keys;
}

static bool
tree_read(void *owner, struct agentx_cell at, struct agentx_value *out)
{
	struct agentx_table *t = owner;
	const struct mib_column *c = &t->column[at.branch];
	const struct agentx_row *row;

	if (c->table->indexes == 0)
		return read_scalar(t, c, out);
	row = row_of(t, at);
	return read_item(t, c, row->item, row->bucket, out);
}

/* ---- life ---- */

struct agentx_table *
agentx_table_new(void)
{
	struct agentx_table *t = calloc(1, sizeof(*t));
	size_t n = 0;

	if (t == NULL)
		return NULL;
	t->column = mib_columns_new(&n);
	t->branch = calloc(n + 1, sizeof(*t->branch));
	t->rows = calloc(mib_table_rows, sizeof(*t->rows));
	t->made = calloc(mib_table_rows, sizeof(*t->made));
	if (t->column == NULL || t->branch == NULL || t->rows == NULL ||
	    t->made == NULL) {
		agentx_table_free(t);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(t->branch[i].prefix, t->column[i].prefix,
		    sizeof(t->branch[i].prefix));
		t->branch[i].prefix_len = t->column[i].prefix_len;
	}
	t->tree = (struct agentx_tree){t->branch, n, tree_rows, tree_compare,
	    tree_key, tree_read, t, &t->hint};
	return t;
}

const struct agentx_tree *
agentx_table_tree(const struct agentx_table *t)
{
	return &t->tree;
}

bool
agentx_table_cell(const struct agentx_table *t, const char *object,
    uint32_t index, struct agentx_instance *out)
{
	for (size_t i = 0; i < t->tree.branches; i++) {
		const struct mib_column *c = &t->column[i];

		if (strcmp(c->object, object) != 0)
			continue;
		memcpy(out->oid.sub, c->prefix, sizeof(c->prefix));
		out->oid.len = c->prefix_len;
		out->oid.sub[out->oid.len++] = index;
		return agentx_tree_get(
		    &t->tree, out->oid.sub, out->oid.len, &out->value);
	}
	return false;
}

void
agentx_table_free(struct agentx_table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; t->rows != NULL && i < mib_table_rows; i++)
		agentx_rows_free(&t->rows[i]);
	snapshot_unref(t->snapshot);
	index_free(&t->clusters);
	buf_free(&t->text);
	free(t->column);
	free(t->branch);
	free(t->rows);
	free(t->made);
	free(t);
}
