/*
 * The tables of DISMAN-PING-MIB. Targets are put in the order of their names
 * as an index (length before octets) when the roster changes; a row's number
 * then says which target, and in the history which sample, so that nothing is
 * made or searched for a row that is not asked for.
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "agentx_ping.h"
#include "snapshot.h"

/* A target; its name stands here, so that a search stays in one array. */
struct place {
	uint32_t entry; /* of the roster */
	uint8_t len;
	uint8_t name[TARGET_NAME];
};

struct agentx_ping {
	struct agentx_tree tree;
	size_t hint;			   /* the tree's */
	struct agentx_branch *branch;	   /* owned: scalars, columns */
	const struct ping_column **column; /* theirs, owned */
	unsigned traps;
	struct snapshot *snapshot; /* reference or NULL */
	struct place *place;	   /* owned, in the order of the names */
	size_t targets;
};

/* ---- keys ---- */

static const uint32_t owner_key[] = {6, 'r', 'e', 'a', 'c', 'h', 'd'};

enum { OWNER = sizeof(owner_key) / sizeof(owner_key[0]) };

static void
set_key(struct agentx_oid *oid, const uint8_t *name, size_t len)
{
	memcpy(oid->sub + oid->len, owner_key, sizeof(owner_key));
	oid->len += OWNER;
	oid->sub[oid->len++] = (uint32_t)len;
	for (size_t i = 0; i < len; i++)
		oid->sub[oid->len++] = name[i];
}

void
agentx_ping_key(struct agentx_oid *oid, const char *name)
{
	set_key(oid, (const uint8_t *)name, strlen(name));
}

/* The key of a target against as many subidentifiers as it has at most. */
static int
compare_name(const struct place *t, const uint32_t *sub, size_t n)
{
	int order =
	    agentx_tree_compare(owner_key, OWNER, sub, n < OWNER ? n : OWNER);

	if (order != 0)
		return order;
	sub += OWNER;
	n -= OWNER;
	if (n == 0 || t->len != sub[0])
		return n == 0 || t->len > sub[0] ? 1 : -1;
	for (size_t i = 0; i < t->len; i++)
		if (i + 1 == n || t->name[i] != sub[i + 1])
			return i + 1 == n || t->name[i] > sub[i + 1] ? 1 : -1;
	return 0;
}

static const struct snapshot_history *
history_of(const struct agentx_ping *p, size_t target)
{
	return p->snapshot->history != NULL
		   ? &p->snapshot->history[p->place[target].entry]
		   : NULL;
}

/*
 * Samples are numbered from 1 on, and from 1 again after 2^32 - 1: which one
 * stands at a place in the order of their numbers. False: so many are not.
 */
static bool
sample_at(const struct agentx_ping *p, size_t target, size_t place,
    size_t *sample, uint32_t *number)
{
	const struct snapshot_history *h = history_of(p, target);
	uint64_t first;
	size_t wrapped;

	if (h == NULL || place >= h->samples)
		return false;
	first = (h->last - h->samples) % UINT32_MAX + 1;
	wrapped = first + h->samples - 1 > UINT32_MAX
		      ? (size_t)(first + h->samples - 1 - UINT32_MAX)
		      : 0;
	*sample =
	    place < wrapped ? h->samples - wrapped + place : place - wrapped;
	*number = place < wrapped ? (uint32_t)(place + 1)
				  : (uint32_t)(first + *sample);
	return true;
}

/* ---- the order of targets ---- */

static int
by_name(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->name, y->name, x->len);
}

/* Without memory there are no rows. */
static void
sort(struct agentx_ping *p)
{
	const struct roster *r = p->snapshot->roster;
	struct place *place =
	    realloc(p->place, (r->entries + 1) * sizeof(*place));

	p->targets = 0;
	if (place == NULL)
		return;
	p->place = place;
	p->targets = r->entries;
	for (size_t i = 0; i < r->entries; i++) {
		const char *name = r->entry[i].target->name;

		place[i].entry = (uint32_t)i;
		place[i].len = (uint8_t)strlen(name);
		memcpy(place[i].name, name, place[i].len);
	}
	qsort(place, r->entries, sizeof(*place), by_name);
}

void
agentx_ping_show(struct agentx_ping *p, struct snapshot *s)
{
	const struct roster *before =
	    p->snapshot != NULL ? p->snapshot->roster : NULL;
	struct snapshot *old = p->snapshot;

	if (s == old)
		return;
	p->snapshot = snapshot_ref(s);
	if (s->roster != before)
		sort(p);
	snapshot_unref(old);
}

/* ---- the tree ---- */

static bool
is_scalar(const struct agentx_ping *p, size_t branch)
{
	return p->column[branch]->table == PING_TABLES;
}

static bool
is_history(const struct agentx_ping *p, size_t branch)
{
	return p->column[branch]->table == PING_HISTORY;
}

/* In the history each target has room for the same number of rows. */
static size_t
tree_rows(void *owner, size_t branch)
{
	const struct agentx_ping *p = owner;

	if (p->snapshot == NULL)
		return 0;
	if (is_scalar(p, branch))
		return 1;
	return is_history(p, branch) ? p->targets * PING_KEPT : p->targets;
}

static int
tree_compare(void *owner, struct agentx_cell at, const uint32_t *sub, size_t n)
{
	const struct agentx_ping *p = owner;
	bool history = is_history(p, at.branch);
	size_t target = history ? at.row / PING_KEPT : at.row, sample, keys;
	uint32_t number = 0;
	int order;

	if (is_scalar(p, at.branch))
		return agentx_tree_compare(&number, 1, sub, n);
	order = compare_name(&p->place[target], sub, n);
	if (order != 0)
		return order;
	keys = OWNER + 1 + (size_t)p->place[target].len;
	if (!history)
		return n > keys ? -1 : 0;
	/* Room that is not used stands behind all that can be asked for. */
	if (!sample_at(p, target, at.row % PING_KEPT, &sample, &number))
		return 1;
	return agentx_tree_compare(&number, 1, sub + keys, n - keys);
}

static void
tree_key(void *owner, struct agentx_cell at, struct agentx_oid *oid)
{
	const struct agentx_ping *p = owner;
	bool history = is_history(p, at.branch);
	size_t target = history ? at.row / PING_KEPT : at.row, sample;

	if (is_scalar(p, at.branch)) {
		oid->sub[oid->len++] = 0;
		return;
	}
	set_key(oid, p->place[target].name, p->place[target].len);
	if (history && sample_at(p, target, at.row % PING_KEPT, &sample,
			   &oid->sub[oid->len]))
		oid->len++;
}

static bool
tree_read(void *owner, struct agentx_cell at, struct agentx_value *out)
{
	const struct agentx_ping *p = owner;
	const struct ping_column *c = p->column[at.branch];
	struct ping_row row;
	size_t target = at.row, sample;
	uint32_t number;

	switch (c->table) {
	case PING_CTL:
		ping_control(
		    &row, p->snapshot, p->place[target].entry, p->traps);
		break;
	case PING_RESULTS:
		ping_results(&row, p->snapshot, p->place[target].entry);
		break;
	case PING_HISTORY:
		target = at.row / PING_KEPT;
		if (!sample_at(p, target, at.row % PING_KEPT, &sample, &number))
			return false;
		ping_probe(&row, p->snapshot, p->place[target].entry, sample);
		break;
	case PING_TABLES: /* a scalar: fixed */
		break;
	}
	return agentx_ping_value(out, c, &row);
}

/* ---- values ---- */

static void
put_octets(struct agentx_value *out, const void *bytes, size_t n)
{
	out->type = AGENTX_OCTETS;
	out->len = n < AGENTX_TEXT ? n : AGENTX_TEXT;
	memcpy(out->octets, bytes, out->len);
}

static void
put_number(struct agentx_value *out, enum agentx_type type, uint64_t v)
{
	out->type = type;
	out->number = v < UINT32_MAX ? v : UINT32_MAX;
}

/* BITS (RFC 2578 section 7.1.4): bit 0 is the first of the first octet. */
static void
put_bits(struct agentx_value *out, uint64_t traps)
{
	uint8_t bits = 0;

	for (unsigned n = 1; n < PING_NOTIFICATION_END; n++)
		if ((traps & UINT64_C(1) << n) != 0)
			bits |= (uint8_t)(0x80 >> (n - 1));
	put_octets(out, &bits, 1);
}

/* pingImplementationTypeDomains, or below our own; 0.0 for none. */
static void
put_type(struct agentx_value *out, uint64_t type)
{
	static const uint32_t domains[] = {1, 3, 6, 1, 2, 1, 80, 3};
	const struct ping_type *t =
	    type > 0 ? ping_type_at((unsigned)type - 1) : NULL;

	out->type = AGENTX_OID;
	out->sub[0] = out->sub[1] = 0;
	out->len = 2;
	if (t == NULL)
		return;
	if (t->object == NULL) {
		memcpy(out->sub, domains, sizeof(domains));
		out->len = sizeof(domains) / sizeof(domains[0]);
	} else {
		out->len = mib_root(out->sub);
		out->sub[out->len++] = MIB_PROBE_TYPES;
	}
	out->sub[out->len++] = t->number;
}

static bool
put_date(struct agentx_value *out, uint64_t at)
{
	if (at == STATS_NONE)
		return false;
	out->type = AGENTX_OCTETS;
	out->len = AGENTX_DATE;
	agentx_value_date(out->octets, (int64_t)at);
	return true;
}

static uint64_t
number_of(const struct ping_column *c, const void *field)
{
	return c->fixed ? c->value : *(const uint64_t *)field;
}

bool
agentx_ping_value(struct agentx_value *out, const struct ping_column *c,
    const struct ping_row *row)
{
	const void *field = (const char *)row + c->offset;
	const struct ping_host *h = field;

	switch (c->form) {
	case PING_INTEGER:
		put_number(out, AGENTX_INTEGER, number_of(c, field));
		break;
	case PING_UNSIGNED:
		put_number(out, AGENTX_UNSIGNED, number_of(c, field));
		break;
	case PING_BITS:
		put_bits(out, number_of(c, field));
		break;
	case PING_TYPE:
		put_type(out, number_of(c, field));
		break;
	case PING_DATE:
		return put_date(out, number_of(c, field));
	case PING_TEXT:
		return agentx_value_text(out, MIB_FORM_TEXT, field);
	case PING_EMPTY:
		put_octets(out, "", 0);
		break;
	case PING_ADDRESS:
		put_octets(out, h->bytes, h->len);
		break;
	case PING_ADDRESS_TYPE:
		put_number(out, AGENTX_INTEGER, h->type);
		break;
	}
	return true;
}

/* ---- life ---- */

unsigned
agentx_ping_root(uint32_t out[MIB_ROOT_MAX])
{
	static const uint32_t objects[] = {1, 3, 6, 1, 2, 1, 80, 1};

	memcpy(out, objects, sizeof(objects));
	return sizeof(objects) / sizeof(objects[0]);
}

static void
add(struct agentx_ping *p, const struct ping_column *c)
{
	struct agentx_branch *b = &p->branch[p->tree.branches];

	if (c->table != PING_TABLES) {
		b->prefix[b->prefix_len++] = ping_tables[c->table].arc;
		b->prefix[b->prefix_len++] = 1;
	}
	b->prefix[b->prefix_len++] = c->number;
	p->column[p->tree.branches++] = c;
}

struct agentx_ping *
agentx_ping_new(unsigned traps)
{
	struct agentx_ping *p = calloc(1, sizeof(*p));
	size_t most = ping_scalar_rows + ping_column_rows + 1;

	if (p == NULL)
		return NULL;
	p->traps = traps;
	p->branch = calloc(most, sizeof(*p->branch));
	p->column = calloc(most, sizeof(const struct ping_column *));
	if (p->branch == NULL || p->column == NULL) {
		agentx_ping_free(p);
		return NULL;
	}
	p->tree = (struct agentx_tree){p->branch, 0, tree_rows, tree_compare,
	    tree_key, tree_read, p, &p->hint};
	/* The RFC's scalar stands before its tables. */
	for (unsigned i = 0; i < ping_scalar_rows; i++)
		add(p, &ping_scalars[i]);
	for (unsigned i = 0; i < ping_column_rows; i++)
		add(p, &ping_columns[i]);
	return p;
}

void
agentx_ping_free(struct agentx_ping *p)
{
	if (p == NULL)
		return;
	snapshot_unref(p->snapshot);
	free(p->branch);
	free(p->column);
	free(p->place);
	free(p);
}

const struct agentx_tree *
agentx_ping_tree(const struct agentx_ping *p)
{
	return &p->tree;
}
