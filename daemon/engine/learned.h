/*
 * Hosts that certificates name for their status and revocation: probed once
 * a handshake has shown them, for the rows that want it. What a certificate
 * holds is its maker's, so only hosts that match a row's patterns are; others
 * are told of. Control thread only.
 */
#ifndef LEARNED_H
#define LEARNED_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct learned;
struct tls_facts;

struct learned *learned_new(void); /* NULL: no memory */
void learned_free(struct learned *l);

/* Another configuration: everything is forgotten that it does not want. */
void learned_configure(struct learned *l, const struct config *c);
/* What a handshake showed. True: there are hosts that were not known. */
bool learned_note(struct learned *l, const struct tls_facts *f);
/*
 * The targets of them, and which row each is for; *n, borrowed until the next
 * call or configuration.
 */
const struct config_target *learned_targets(struct learned *l, size_t *n);
const struct requirement *learned_row(const struct learned *l, size_t i);

/* A host that is named and that the row does not list. */
struct learned_other {
	const char *host;
	const struct requirement *row;
};
/* *n of them; borrowed as the targets are. */
const struct learned_other *learned_others(const struct learned *l, size_t *n);

#endif
