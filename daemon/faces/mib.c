/* The tree of the MIB, from mib.def and stats.def. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "mib.h"
#include "word.h"

#define COUNT(...) (sizeof((int[]){__VA_ARGS__}) / sizeof(int))
#define BRACED(...)         \
	{                   \
		__VA_ARGS__ \
	}

const struct mib_table mib_tables[] = {
#define MIB_SCALARS(scope, group, arc) \
	{SCOPE_##scope, #group, NULL, arc, 0, {MIB_NO_INDEX}, 0, ""},
#define MIB_TABLE(scope, group, arc, table, name, indexes, help)   \
	{SCOPE_##scope, #group, #name, arc, table, BRACED indexes, \
	    COUNT indexes, help},
#include "mib.def"
};

const unsigned mib_table_rows = sizeof(mib_tables) / sizeof(mib_tables[0]);

static const struct index_row {
	enum mib_index index;
	enum stats_scope scope;
	unsigned number;
	const char *object, *syntax, *units, *help;
} index_rows[] = {
#define MIB_INDEX(index, scope, number, object, syntax, units, help) \
	{MIB_##index, SCOPE_##scope, number, #object, syntax, units, help},
#include "mib.def"
};

static const struct label_row {
	enum stats_scope scope;
	size_t offset;
	const char *label;
	enum mib_form form;
	unsigned number;
	const char *object, *help;
} label_rows[] = {
#define MIB_LABEL(scope, field, label, form, number, object, help)    \
	{SCOPE_##scope, offsetof(struct snap_##scope, field), #label, \
	    MIB_FORM_##form, number, #object, help},
#include "mib.def"
};

static const struct again_row {
	enum stats_scope scope;
	size_t offset;
	enum mib_form form;
	unsigned number;
	const char *object, *units, *help;
} again_rows[] = {
#define MIB_AGAIN(scope, field, form, number, object, units, help)             \
	{SCOPE_##scope, offsetof(struct snap_##scope, field), MIB_FORM_##form, \
	    number, #object, units, help},
#include "mib.def"
};

static const char *const form_syntax[MIB_FORMS] = {
#define MIB_FORM(form, syntax) [MIB_FORM_##form] = syntax,
#include "mib.def"
};

enum when {
	WHEN_ALWAYS,
	WHEN_STATE,
	WHEN_TRANSPORT,
	WHEN_RTT,
	WHEN_LOSS,
	WHEN_DAYS,
	WHEN_VALUE
};

static const struct mib_notify_object notify_objects[] = {
#define MIB_NOTIFY(name, number, object, syntax, units, when, help) \
	{MIB_NOTIFY_##name, #object, syntax, units, help},
#include "mib.def"
};
static const enum when notify_when[MIB_NOTIFIES] = {
#define MIB_NOTIFY(name, number, object, syntax, units, when, help) \
	[MIB_NOTIFY_##name] = WHEN_##when,
#include "mib.def"
};

static const struct row_row {
	enum event_of of;
	const char *object;
} row_rows[] = {
#define MIB_NOTIFY_ROW(of, object) {EVENT_OF_##of, #object},
#include "mib.def"
};

/* ---- columns ---- */

enum {
	INDEX_ROWS = sizeof(index_rows) / sizeof(index_rows[0]),
	LABEL_ROWS = sizeof(label_rows) / sizeof(label_rows[0]),
	AGAIN_ROWS = sizeof(again_rows) / sizeof(again_rows[0]),
	ROW_ROWS = sizeof(row_rows) / sizeof(row_rows[0])
};

static const struct mib_table *
table_of(enum stats_scope scope)
{
	for (unsigned i = 0; i < mib_table_rows; i++)
		if (mib_tables[i].scope == scope)
			return &mib_tables[i];
	return NULL;
}

static void
set_prefix(struct mib_column *c)
{
	const struct mib_table *t = c->table;

	c->prefix[c->prefix_len++] = t->arc;
	if (t->table != 0) {
		c->prefix[c->prefix_len++] = t->table;
		c->prefix[c->prefix_len++] = 1;
	}
	c->prefix[c->prefix_len++] = c->number;
}

static const char *
stat_syntax(const struct stats_desc *d)
{
	if (d->nature == STATS_COUNTER || d->nature == STATS_HISTOGRAM)
		return "Counter64";
	return stats_units[d->unit].smi_syntax;
}

static struct mib_column
column_of_stat(const struct stats_desc *d)
{
	/* A histogram counts samples, whatever its bounds are. */
	return (struct mib_column){.number = d->number,
	    .object = d->object,
	    .syntax = stat_syntax(d),
	    .units = d->nature == STATS_HISTOGRAM
			 ? "samples"
			 : stats_units[d->unit].smi_units,
	    .help = d->help,
	    .source = MIB_OF_STAT,
	    .stat = d,
	    .offset = d->offset};
}

static struct mib_column
column_of_label(const struct label_row *r)
{
	return (struct mib_column){.number = r->number,
	    .object = r->object,
	    .syntax = form_syntax[r->form],
	    .units = "",
	    .help = r->help,
	    .source = MIB_OF_LABEL,
	    .label = r->label,
	    .form = r->form,
	    .offset = r->offset};
}

static struct mib_column
column_of_again(const struct again_row *r)
{
	return (struct mib_column){.number = r->number,
	    .object = r->object,
	    .syntax = form_syntax[r->form],
	    .units = r->units,
	    .help = r->help,
	    .source = MIB_OF_AGAIN,
	    .form = r->form,
	    .offset = r->offset};
}

static struct mib_column
column_of_index(const struct index_row *r)
{
	return (struct mib_column){.number = r->number,
	    .object = r->object,
	    .syntax = r->syntax,
	    .units = r->units,
	    .help = r->help,
	    .source = MIB_OF_INDEX,
	    .index = r->index};
}

static int
by_prefix(const void *a, const void *b)
{
	const struct mib_column *x = a, *y = b;

	for (unsigned i = 0; i < x->prefix_len && i < y->prefix_len; i++)
		if (x->prefix[i] != y->prefix[i])
			return x->prefix[i] < y->prefix[i] ? -1 : 1;
	return 0;
}

static void
add(struct mib_column *list, size_t *n, enum stats_scope scope,
    struct mib_column c)
{
	c.table = table_of(scope);
	if (c.table == NULL || c.number == 0)
		return;
	set_prefix(&c);
	list[(*n)++] = c;
}

struct mib_column *
mib_columns_new(size_t *n)
{
	struct mib_column *list = calloc(
	    stats_rows + INDEX_ROWS + LABEL_ROWS + AGAIN_ROWS, sizeof(*list));

	*n = 0;
	if (list == NULL)
		return NULL;
	for (unsigned i = 0; i < INDEX_ROWS; i++)
		add(list, n, index_rows[i].scope,
		    column_of_index(&index_rows[i]));
	for (unsigned i = 0; i < LABEL_ROWS; i++)
		add(list, n, label_rows[i].scope,
		    column_of_label(&label_rows[i]));
	for (unsigned i = 0; i < AGAIN_ROWS; i++)
		add(list, n, again_rows[i].scope,
		    column_of_again(&again_rows[i]));
	for (unsigned i = 0; i < stats_rows; i++)
		add(list, n, stats_table[i].scope,
		    column_of_stat(&stats_table[i]));
	qsort(list, *n, sizeof(*list), by_prefix);
	return list;
}

const char *
mib_index_object(enum mib_index index)
{
	for (unsigned i = 0; i < INDEX_ROWS; i++)
		if (index_rows[i].index == index)
			return index_rows[i].object;
	return "";
}

/* ---- groups ---- */

const char *
mib_group(const struct mib_table *t)
{
	return t->name != NULL ? t->name : t->group;
}

bool
mib_begins_group(const struct mib_table *t)
{
	for (const struct mib_table *o = mib_tables; o < t; o++)
		if (strcmp(mib_group(o), mib_group(t)) == 0)
			return false;
	return true;
}

/* ---- notifications ---- */

const struct mib_notify_object *
mib_notify_at(unsigned n)
{
	return n < sizeof(notify_objects) / sizeof(notify_objects[0])
		   ? &notify_objects[n]
		   : NULL;
}

bool
mib_notify_has(enum event_kind kind, enum mib_notify which)
{
	enum stats_unit unit = event_unit(kind);

	switch (notify_when[which]) {
	case WHEN_STATE:
		return event_words(kind) == WORD_STATE;
	case WHEN_TRANSPORT:
		return event_words(kind) == WORD_TRANSPORT;
	case WHEN_RTT:
		return unit == UNIT_NANOSECONDS;
	case WHEN_LOSS:
		return unit == UNIT_PPM;
	case WHEN_DAYS:
		return unit == UNIT_DAYS;
	case WHEN_VALUE:
		return unit == UNIT_NANOSECONDS || unit == UNIT_PPM;
	case WHEN_ALWAYS:
		break;
	}
	return true;
}

const char *
mib_notify_row(enum event_kind kind, unsigned n)
{
	for (unsigned i = 0; i < ROW_ROWS; i++)
		if (row_rows[i].of == event_of(kind) && n-- == 0)
			return row_rows[i].object;
	return NULL;
}

unsigned
mib_root(uint32_t out[MIB_ROOT_MAX])
{
	const char *at = REACHD_OID_ROOT;
	unsigned n = 0;
	char *end;

	while (*at != '\0' && n < MIB_ROOT_MAX) {
		out[n++] = (uint32_t)strtoul(at, &end, 10);
		at = *end == '.' ? end + 1 : end;
	}
	return n;
}
