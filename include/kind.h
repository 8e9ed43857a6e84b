/*
 * Probe kinds as the configuration knows them, made from kinds.def: so that
 * what may be asked for is known without the code that does it.
 */
#ifndef KIND_H
#define KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "word.h"

/* What a probe tells besides how its requests ended. */
enum kind_shows { SHOWS_TLS = 1, SHOWS_FACTS = 2 };

struct kind {
	const char *name; /* static: "stun" */
	enum transport transport;
	uint16_t port; /* unless configured; 0: must be */
	bool has_port;
	unsigned count; /* requests of a probe, unless configured */
	unsigned count_most;
	unsigned asks;	/* 1 << ASK_x, as ask.h has them */
	unsigned shows; /* enum kind_shows */
};

/* The kind of that name over the transport, or NULL. */
const struct kind *kind_find(const char *name, enum transport t);
/* The first (preferred) transport of the kind of that name, or NULL. */
const struct kind *kind_first(const char *name);
/* Every row, for walks: NULL past the last. */
const struct kind *kind_row(unsigned i);

#endif
