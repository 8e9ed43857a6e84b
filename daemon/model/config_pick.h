/*
 * What the operator picks of a profile's requirements, while it is read; for
 * config_need.c, which makes targets of it.
 */
#ifndef CONFIG_PICK_H
#define CONFIG_PICK_H

#include "config_read.h"
#include "requirement.h"

/* A host that is given for a row: text, or a mapping with more. */
struct config_given {
	const struct doc_node *at;	/* the mapping or the text */
	const char *address;		/* "HOST" or "HOST:PORT"; borrowed */
	enum transport transport;	/* 0: not said */
	const struct requirement *row;
	size_t group;			/* of its hosts that it belongs to */
};

struct config_pick {
	const struct doc_node *map;	/* of the profile; NULL: only a name */
	struct profile *profile;
	const struct doc_node *via, *out; /* lists, or NULL */
	struct config_given *given;
	size_t givens;
	struct config_probing probing;
};

/*
 * Reads the keys of the mapping, and says of each row of the profile whether
 * it is taken (left). config_pick_free() in any case.
 */
void config_pick_read(struct config_reader *r, struct config_pick *p);
void config_pick_free(struct config_pick *p);
/* Whether the text is in the list leave_out. */
bool config_pick_is_out(const struct config_pick *p, const char *text);

#endif
