/* Which targets the needs of requirements became: their own or others'. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inventory_plan.h"

int
inventory_link_add(struct inventory_links *l, uint32_t need, const char *key)
{
	char *copy = strdup(key);

	if (l->items == l->room) {
		size_t room = l->room > 0 ? 2 * l->room : 64;
		struct inventory_key *more =
		    realloc(l->item, room * sizeof(*more));

		if (more == NULL) {
			free(copy);
			return -ENOMEM;
		}
		l->item = more;
		l->room = room;
	}
	if (copy == NULL)
		return -ENOMEM;
	l->item[l->items++] = (struct inventory_key){need, copy};
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp((*(struct target *const *)a)->key,
	    (*(struct target *const *)b)->key);
}

static int
find_key(const void *key, const void *t)
{
	return strcmp(key, (*(struct target *const *)t)->key);
}

/* Of one need in the order of the names. */
static int
by_need(const void *a, const void *b)
{
	const struct inventory_link *x = a, *y = b;

	if (x->need != y->need)
		return x->need < y->need ? -1 : 1;
	return strcmp(x->target->name, y->target->name);
}

int
inventory_link_make(struct inventory *i, struct inventory_links *l)
{
	struct target **sorted;

	if (l->items == 0)
		return 0;
	sorted = calloc(i->targets + 1, sizeof(*sorted));
	i->link = calloc(l->items, sizeof(*i->link));
	if (sorted == NULL || i->link == NULL) {
		free(sorted);
		return -ENOMEM;
	}
	if (i->targets > 0)
		memcpy(sorted, i->target, i->targets * sizeof(*sorted));
	qsort(sorted, i->targets, sizeof(*sorted), by_key);
	for (size_t k = 0; k < l->items; k++) {
		struct target **t = bsearch(l->item[k].key, sorted, i->targets,
		    sizeof(*sorted), find_key);

		if (t != NULL)
			i->link[i->links++] = (struct inventory_link){
			    l->item[k].need, target_ref(*t)};
	}
	qsort(i->link, i->links, sizeof(*i->link), by_need);
	free(sorted);
	return 0;
}

void
inventory_link_free(struct inventory_links *l)
{
	for (size_t i = 0; i < l->items; i++)
		free(l->item[i].key);
	free(l->item);
}
