/*
 * The tree of the MIB, made from mib.def and stats.def: tables, columns and
 * notifications with their numbers. Below "objects" a column is
 * GROUP.TABLE.1.NUMBER and an instance that with the index behind it; a
 * scalar is GROUP.NUMBER with 0 behind it.
 */
#ifndef FACES_MIB_H
#define FACES_MIB_H /* MIB_H is that of net-snmp */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "stats.h"

enum { MIB_INDEXES = 4, MIB_PREFIX = 4, MIB_ROOT_MAX = 32 };

/* Arcs below the root. */
enum {
	MIB_NOTIFICATIONS = 0,
	MIB_OBJECTS = 1,
	MIB_CONFORMANCE = 2,
	MIB_PROBE_TYPES = 3,
	MIB_CAPABILITIES = 4
};
/* The group of objects that stand in notifications only. */
enum { MIB_NOTIFY_GROUP = 7 };

enum mib_index {
	MIB_NO_INDEX,
#define MIB_INDEX(index, scope, number, object, syntax, units, help) \
	MIB_##index,
#include "mib.def"
};

enum mib_form {
#define MIB_FORM(form, syntax) MIB_FORM_##form,
#include "mib.def"
	MIB_FORMS
};

enum mib_notify {
	MIB_NOTIFY_NONE,
#define MIB_NOTIFY(name, number, object, syntax, units, when, help) \
	MIB_NOTIFY_##name = number,
#include "mib.def"
	MIB_NOTIFIES
};

struct mib_table {
	enum stats_scope scope;
	const char *group;   /* "Clusters" */
	const char *name;    /* "Cluster"; NULL for scalars */
	unsigned arc, table; /* table 0: scalars */
	enum mib_index index[MIB_INDEXES];
	unsigned indexes;
	const char *help;
};

enum mib_source { MIB_OF_INDEX, MIB_OF_STAT, MIB_OF_LABEL, MIB_OF_AGAIN };

struct mib_column {
	const struct mib_table *table;
	unsigned number;
	uint32_t prefix[MIB_PREFIX]; /* below "objects" */
	unsigned prefix_len;
	const char *object; /* without "reachd" */
	const char *syntax, *units, *help;
	enum mib_source source;
	enum mib_index index;	       /* of MIB_OF_INDEX */
	const struct stats_desc *stat; /* of MIB_OF_STAT */
	const char *label;	       /* of MIB_OF_LABEL */
	enum mib_form form;
	size_t offset; /* of the field with the value */
};

struct mib_notify_object {
	enum mib_notify which;
	const char *object, *syntax, *units, *help;
};

extern const struct mib_table mib_tables[];
extern const unsigned mib_table_rows;

/* Every column and scalar in the order of their OIDs; owned by the caller.
 * NULL: no memory. */
struct mib_column *mib_columns_new(size_t *n);

/* Name of the group that its objects are in: a table, or all scalars below
 * one arc. */
const char *mib_group(const struct mib_table *t);
/* Whether it is the first table of its group. */
bool mib_begins_group(const struct mib_table *t);

/* The object that is that index. */
const char *mib_index_object(enum mib_index index);

/* Object number n from 0 on; NULL behind the last. */
const struct mib_notify_object *mib_notify_at(unsigned n);
/* Whether notifications of that kind have the object. */
bool mib_notify_has(enum event_kind kind, enum mib_notify which);

/* Column number n of those that its row has in it; NULL behind the last. */
const char *mib_notify_row(enum event_kind kind, unsigned n);

/* The root's OID as configured; returns its length. */
unsigned mib_root(uint32_t out[MIB_ROOT_MAX]);

#endif
