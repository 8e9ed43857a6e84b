/* Items of `targets`: single paths, or several to one URL. */
#include "build.h"

#include <stdlib.h>

#include "config_read.h"
#include "doc.h"
#include "option.h"
#include "proxy.h"

/* Whether a literal is of a family that is probed: our own next hop's. */
static void
check_next_hop(struct config_reader *r, const struct doc_node *map,
    const struct config_target *t)
{
	if (t->url != NULL && t->host != NULL)
		config_probing_check_host(r, doc_get(map, "url"), &t->probing,
		    t->proxy != NULL ? t->proxy->host : t->host);
}

void
config_targets_read(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;
	size_t paths = 0;

	if (list == NULL || list->items == 0)
		return;
	for (size_t i = 0; i < list->items; i++)
		paths += config_via_count(list->item[i]);
	c->target = calloc(paths, sizeof(*c->target));
	if (c->target == NULL) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *map = list->item[i];
		struct config_target *t = &c->target[c->targets];
		size_t ways = 1;

		config_target_read(r, map, t);
		if (map->kind == DOC_MAP && t->url != NULL)
			config_via_read(r,
			    option_shape(map, OPTION_target, "via", r->errors),
			    t, &ways);
		c->targets += ways;
		for (size_t k = 0; k < ways; k++)
			check_next_hop(r, map, &t[k]);
	}
	config_unique(r->errors, list, "name");
}
