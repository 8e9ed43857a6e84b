/* Reading what a target asks, in the mapping of a target or in labels. */
#ifndef CONFIG_ASK_H
#define CONFIG_ASK_H

#include <stdbool.h>

struct ask;
struct config_reader;
struct doc_node;
struct kind;

/*
 * The keys of the kind's groups that the mapping gives; others have their
 * defaults. A key of a group that the kind does not know is an error. In
 * labels the keys are written __key__. NULL (no error): the kind asks
 * nothing, or there is no memory (an error). Owned by the caller.
 */
struct ask *config_ask_read(struct config_reader *r, const struct doc_node *map,
    const struct kind *k, bool labels);

#endif
