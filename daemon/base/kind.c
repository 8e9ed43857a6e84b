/* The table of probe kinds, expanded, and look-ups in it. */
#include "build.h"

#include <stddef.h>
#include <string.h>

#include "ask.h"
#include "kind.h"

static const struct kind kinds[] = {
#define ASKS(group) (1u << ASK_##group)
#define KIND(name, transport, port, count, most, asks, shows)                \
	{#name, TRANSPORT_##transport, (port) > 0 ? (port) : 0, (port) >= 0, \
	    count, most, asks, shows},
#include "kinds.def"
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const struct kind *
kind_row(unsigned i)
{
	return i < KINDS ? &kinds[i] : NULL;
}

const struct kind *
kind_find(const char *name, enum transport t)
{
	for (unsigned i = 0; i < KINDS; i++) {
		if (kinds[i].transport == t && strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

const struct kind *
kind_first(const char *name)
{
	for (unsigned i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}
