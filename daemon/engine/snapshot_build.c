/* Items and texts of a snapshot that is being taken: all that fills one. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "snapshot.h"
#include "snapshot_rows.h"

/* A gauge without a value is left out, so that is what an item starts with. */
static void
item_blank(enum stats_scope scope, void *item)
{
	memset(item, 0, stats_scopes[scope].size);
	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];

		if (d->scope == scope &&
		    (d->nature == STATS_GAUGE || d->nature == STATS_STATESET))
			*(uint64_t *)((char *)item + d->offset) = STATS_NONE;
	}
}

void *
snapshot_item(
    struct snapshot_builder *b, enum stats_scope scope, const char *labels)
{
	struct stats_items *s = &b->snapshot->scope[scope];
	size_t size = stats_scopes[scope].size;
	char *item;

	if (s->count == b->room[scope]) {
		size_t room = b->room[scope] > 0 ? 2 * b->room[scope] : 16;

		item = realloc(s->item, room * size);
		if (item == NULL) {
			b->err = true;
			return NULL;
		}
		s->item = item;
		b->room[scope] = room;
	}
	item = (char *)s->item + s->count++ * size;
	if (b->blank[scope] == NULL) {
		b->blank[scope] = arena_take(b->arena, size);
		if (b->blank[scope] == NULL) {
			b->err = true;
			return NULL;
		}
		item_blank(scope, b->blank[scope]);
	}
	memcpy(item, b->blank[scope], size);
	/* Every scope's struct begins with its labels. */
	*(const char **)item = snapshot_text(b, labels);
	return item;
}

void *
snapshot_only(struct snapshot_builder *b, enum stats_scope scope)
{
	struct stats_items *s = &b->snapshot->scope[scope];

	return s->count > 0 ? s->item : snapshot_item(b, scope, "");
}

const char *
snapshot_text(struct snapshot_builder *b, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = arena_take(b->arena, n);

	if (copy == NULL) {
		b->err = true;
		return NULL;
	}
	return memcpy(copy, text, n);
}

const struct snapshot *
snapshot_of(const struct snapshot_builder *b)
{
	return b->snapshot;
}

uint64_t
snapshot_time(const struct snapshot_builder *b, uint64_t mono)
{
	return mono == 0 ? STATS_NONE : (uint64_t)((int64_t)mono + b->offset);
}
