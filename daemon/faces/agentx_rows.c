/* Items to rows. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agentx_rows.h"
#include "buf.h"
#include "clock.h"
#include "index.h"
#include "labels.h"
#include "outcome.h"
#include "proxy.h"
#include "snapshot.h"
#include "word.h"

/* The last bound of a histogram: everything. */
enum { NANOSECONDS = 1000 };

/* The making of a table's rows. */
struct making {
	struct agentx_rows *rows;
	const struct mib_table *table;
	const struct snapshot *snapshot;
	const struct index *clusters;
	size_t target;	 /* the one that the last item belonged to */
	struct buf text; /* scratch */
};

int
agentx_rows_clusters(struct index *out, const struct snapshot *s)
{
	for (size_t i = 0; i < s->roster->clusters; i++) {
		struct index_entry *e =
		    index_add(out, s->roster->cluster[i].name);

		if (e == NULL)
			return -ENOMEM;
		e->value = s->roster->cluster[i].index;
	}
	return 0;
}

uint32_t
agentx_rows_cluster(const struct index *clusters, const char *name)
{
	const struct index_entry *e;

	if (name[0] == '\0')
		return 0;
	e = index_find(clusters, name);
	return e != NULL ? (uint32_t)e->value : UINT32_MAX;
}

/* They are few. */
uint32_t
agentx_rows_proxy(const struct snapshot *s, const char *name)
{
	if (name[0] == '\0')
		return 0;
	for (size_t i = 0; i < s->roster->proxies; i++)
		if (strcmp(s->roster->proxy[i].proxy->name, name) == 0)
			return s->roster->proxy[i].index;
	return UINT32_MAX;
}

void
agentx_rows_free(struct agentx_rows *r)
{
	free(r->row);
	*r = (struct agentx_rows){NULL, 0, 0};
}

/* ---- keys ---- */

static const char *
label_of(struct making *m, const char *labels, const char *name)
{
	buf_reset(&m->text);
	return labels_value(labels, name, &m->text) ? buf_str(&m->text) : NULL;
}

/* Items stand in the order of the targets (snapshot.h). UINT32_MAX: none. */
static uint32_t
target_of(struct making *m, const char *labels)
{
	const struct roster *r = m->snapshot->roster;

	if (strncmp(labels, "target=", 7) != 0)
		return 0; /* of a media cluster and transport */
	for (; m->target < r->entries; m->target++)
		if (labels_rest(labels, r->entry[m->target].target->labels))
			return r->entry[m->target].target->index;
	return UINT32_MAX;
}

static uint32_t
reason_of(const char *label)
{
	for (unsigned o = 1; o < OUTCOME_END; o++)
		if (strcmp(outcome_label((enum outcome)o), label) == 0)
			return o;
	return UINT32_MAX;
}

/* One part of the key of item number i; UINT32_MAX: it has none. */
static uint32_t
key_of(struct making *m, enum mib_index index, const char *labels, size_t i)
{
	const struct snapshot *s = m->snapshot;
	const char *text;

	switch (index) {
	case MIB_TARGET:
		return target_of(m, labels);
	case MIB_WINDOW:
		return s->windows == 0
			   ? UINT32_MAX
			   : (uint32_t)(s->window[i % s->windows] / CLOCK_SEC);
	case MIB_CLUSTER:
		text = label_of(m, labels, "media_cluster");
		return text != NULL ? agentx_rows_cluster(m->clusters, text)
				    : UINT32_MAX;
	case MIB_TRANSPORT:
		text = label_of(m, labels, "transport");
		return text != NULL ? word_number(WORD_TRANSPORT, text)
				    : UINT32_MAX;
	case MIB_REASON:
		text = label_of(m, labels, "reason");
		return text != NULL ? reason_of(text) : UINT32_MAX;
	case MIB_REQUIREMENT: /* as the configuration has them */
		return (uint32_t)i + 1;
	case MIB_PROXY:
		text = label_of(m, labels, "proxy");
		return text != NULL ? agentx_rows_proxy(s, text) : UINT32_MAX;
	case MIB_BOUND: /* a row per bucket has it */
	case MIB_NO_INDEX:
		break;
	}
	return 0;
}

/* ---- rows ---- */

static int
add(struct agentx_rows *r, const struct agentx_row *row)
{
	if (r->rows == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : 64;
		struct agentx_row *more = realloc(r->row, room * sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		r->row = more;
		r->room = room;
	}
	r->row[r->rows++] = *row;
	return 0;
}

/* A row per bucket; the bound is the last part of the key. */
static int
add_buckets(struct making *m, struct agentx_row *row)
{
	uint32_t *bound = &row->key[m->table->indexes - 1];

	for (unsigned b = 0; b < STATS_BUCKETS; b++) {
		int err;

		*bound = b < STATS_BOUNDS
			     ? (uint32_t)(stats_bounds[b] / NANOSECONDS)
			     : UINT32_MAX;
		row->bucket = b;
		err = add(m->rows, row);
		if (err < 0)
			return err;
	}
	return 0;
}

static int
add_item(struct making *m, const char *item, size_t i)
{
	const struct mib_table *t = m->table;
	const char *labels = *(const char *const *)(const void *)item;
	struct agentx_row row = {.item = item};

	for (unsigned k = 0; k < t->indexes; k++) {
		row.key[k] = key_of(m, t->index[k], labels, i);
		if (row.key[k] == UINT32_MAX)
			return 0;
	}
	if (t->index[t->indexes - 1] == MIB_BOUND)
		return add_buckets(m, &row);
	return add(m->rows, &row);
}

static int
by_key(const void *a, const void *b)
{
	const struct agentx_row *x = a, *y = b;

	for (unsigned i = 0; i < MIB_INDEXES; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return 0;
}

/* Most tables come in order: targets have that of their indexes. */
static void
sort(struct agentx_rows *r)
{
	size_t kept = 0;

	for (size_t i = 1; i < r->rows; i++) {
		if (by_key(&r->row[i - 1], &r->row[i]) < 0)
			continue;
		qsort(r->row, r->rows, sizeof(*r->row), by_key);
		break;
	}
	/* A walk must not meet a key twice, whatever came in. */
	for (size_t i = 0; i < r->rows; i++)
		if (kept == 0 || by_key(&r->row[kept - 1], &r->row[i]) != 0)
			r->row[kept++] = r->row[i];
	r->rows = kept;
}

int
agentx_rows_make(struct agentx_rows *r, const struct mib_table *t,
    const struct snapshot *s, const struct index *clusters)
{
	const struct stats_items *items = &s->scope[t->scope];
	struct making m = {r, t, s, clusters, 0, BUF_INIT};
	int err = 0;

	r->rows = 0;
	for (size_t i = 0; i < items->count && err == 0; i++)
		err = add_item(&m,
		    (const char *)items->item + i * stats_scopes[t->scope].size,
		    i);
	if (m.text.err)
		err = -ENOMEM;
	buf_free(&m.text);
	if (err < 0) {
		r->rows = 0;
		return err;
	}
	sort(r);
	return 0;
}
