/*
 * The proxies that the targets of a roster go through, and what was counted
 * of each, kept by name. Control thread.
 */
#ifndef STORE_PROXY_H
#define STORE_PROXY_H

#include "index.h"

struct roster;

struct store_proxies {
	struct index tally; /* name -> struct proxy_tally *, a reference */
};

void store_proxy_free(struct store_proxies *s); /* the contents */
/*
 * The roster's proxies from its targets, each once, without their indexes;
 * each gets its tally. 0 or -ENOMEM.
 */
int store_proxy_gather(struct store_proxies *s, struct roster *r);

#endif
