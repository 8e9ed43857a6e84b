/*
 * The addresses of one name, asked for now in both families: of the hosts
 * file, then of the name servers. Thread of the resolver only.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"
#include "stub.h"

struct resolve;

enum { LOOKUP_HALVES = 2, LOOKUP_WHY = 128 };

struct lookup {
	struct lookup_half {
		struct lookup *lookup;
		bool pending;
		size_t addrs;
		struct addr addr[STUB_ADDRESSES];
		char why[LOOKUP_WHY]; /* there are none; "" */
	} half[LOOKUP_HALVES];	      /* IPv6 and IPv4 */
	bool asking;
	void (*done)(struct lookup *l);
};

/*
 * family: 4, 6 or 0 for both. done() is called once, maybe before this
 * returns; a literal is its own address.
 */
void lookup_start(struct lookup *l, struct resolve *r, const char *host,
    unsigned family, void (*done)(struct lookup *l));
/* Whether some answer may still come: it must stay where it is. */
bool lookup_pending(const struct lookup *l);
/* done() is not called any more. */
void lookup_forget(struct lookup *l);
/* No answer will come: those who ask have forgotten it. */
void lookup_lost(struct lookup *l);
/* The n-th of what was found, those of IPv6 first; or NULL. */
const struct addr *lookup_get(const struct lookup *l, size_t n);

#endif
