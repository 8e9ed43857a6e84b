/* Columns over rows: the instances of the MIB in their order. */
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
	struct mib_column *column; /* owned, in the order of their OIDs */
	size_t columns;
	struct agentx_rows *rows;  /* one per table, owned */
	bool *made;		   /* whether they are the snapshot's */
	struct index clusters;	   /* names to indexes */
	struct snapshot *snapshot; /* reference or NULL */
	int64_t boot;
	struct buf text; /* scratch */
};

struct agentx_table *
agentx_table_new(void)
{
	struct agentx_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->column = mib_columns_new(&t->columns);
	t->rows = calloc(mib_table_rows, sizeof(*t->rows));
	t->made = calloc(mib_table_rows, sizeof(*t->made));
	if (t->column == NULL || t->rows == NULL || t->made == NULL) {
		agentx_table_free(t);
		return NULL;
	}
	return t;
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
	free(t->rows);
	free(t->made);
	free(t);
}

void
agentx_table_show(struct agentx_table *t, struct snapshot *s, int64_t boot)
{
	t->boot = boot;
	if (s == t->snapshot)
		return;
	snapshot_unref(t->snapshot);
	t->snapshot = snapshot_ref(s);
	memset(t->made, 0, mib_table_rows * sizeof(*t->made));
	index_free(&t->clusters);
	t->clusters = (struct index){NULL, 0, 0};
	/* Without memory for the names their rows are left out. */
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
	if (c->form != MIB_FORM_CLUSTER)
		return agentx_value_text(out, c->form, buf_str(&t->text));
	out->type = AGENTX_UNSIGNED;
	out->number = agentx_rows_cluster(&t->clusters, buf_str(&t->text));
	return out->number != UINT32_MAX;
}

static bool
read_item(struct agentx_table *t, const struct mib_column *c, const char *item,
    unsigned bucket, struct agentx_value *out)
{
	const void *field = item + c->offset;

	if (c->source == MIB_OF_LABEL)
		return read_label(t, c, *(const char *const *)field, out);
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

/* ---- columns ---- */

/* -1: the OID is before all instances of the column; 1: behind all. */
static int
compare(const struct mib_column *c, const uint32_t *sub, size_t n)
{
	for (unsigned i = 0; i < c->prefix_len; i++) {
		if (i == n)
			return -1;
		if (sub[i] != c->prefix[i])
			return sub[i] < c->prefix[i] ? -1 : 1;
	}
	return 0;
}

/* The first column that is not all before the OID. */
static size_t
column_at(const struct agentx_table *t, const uint32_t *sub, size_t n)
{
	size_t low = 0, high = t->columns;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&t->column[mid], sub, n) <= 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

bool
agentx_table_get(struct agentx_table *t, const uint32_t *sub, size_t n,
    struct agentx_value *out)
{
	size_t i = column_at(t, sub, n);
	const struct mib_column *c = &t->column[i];
	const struct agentx_row *row;

	if (t->snapshot == NULL || i == t->columns || compare(c, sub, n) != 0 ||
	    c->source == MIB_OF_INDEX)
		return false;
	sub += c->prefix_len;
	n -= c->prefix_len;
	if (c->table->indexes == 0)
		return n == 1 && sub[0] == 0 && read_scalar(t, c, out);
	row = agentx_rows_find(rows_of(t, c->table), c->table, sub, n);
	return row != NULL && read_item(t, c, row->item, row->bucket, out);
}

static void
set_oid(struct agentx_oid *oid, const struct mib_column *c, const uint32_t *key,
    size_t keys)
{
	memcpy(oid->sub, c->prefix, c->prefix_len * sizeof(*oid->sub));
	memcpy(oid->sub + c->prefix_len, key, keys * sizeof(*key));
	oid->len = c->prefix_len + keys;
}

/* The first instance of the column behind the index; cells may be empty. */
static bool
next_in(struct agentx_table *t, const struct mib_column *c, const uint32_t *sub,
    size_t n, struct agentx_instance *out)
{
	static const uint32_t instance = 0;
	const struct agentx_rows *rows;

	if (c->table->indexes == 0) {
		set_oid(&out->oid, c, &instance, 1);
		return n == 0 && read_scalar(t, c, &out->value);
	}
	rows = rows_of(t, c->table);
	for (size_t i = agentx_rows_after(rows, c->table, sub, n);
	     i < rows->rows; i++) {
		const struct agentx_row *row = &rows->row[i];

		if (!read_item(t, c, row->item, row->bucket, &out->value))
			continue;
		set_oid(&out->oid, c, row->key, c->table->indexes);
		return true;
	}
	return false;
}

bool
agentx_table_next(struct agentx_table *t, const uint32_t *sub, size_t n,
    struct agentx_instance *out)
{
	if (t->snapshot == NULL)
		return false;
	for (size_t i = column_at(t, sub, n); i < t->columns; i++) {
		const struct mib_column *c = &t->column[i];
		/* Only in the first is there something behind the prefix. */
		bool within = compare(c, sub, n) == 0;
		size_t skip = within ? c->prefix_len : n;

		if (c->source != MIB_OF_INDEX &&
		    next_in(t, c, sub + skip, n - skip, out))
			return true;
	}
	return false;
}
