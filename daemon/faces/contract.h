/*
 * What others rely on, as text made from the tables: names of metrics,
 * settings, events. The checked-in copies are compared with it, so that a
 * change of the contract is a diff.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

struct buf;

struct contract {
	const char *name;
	const char *what;		/* for people, a few words */
	void (*write)(struct buf *out);
};

/* The one of that name, or NULL. */
const struct contract *contract_find(const char *name);
/* Number n from 0 on; NULL behind the last. */
const struct contract *contract_at(unsigned n);

#endif
