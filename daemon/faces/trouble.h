/*
 * What keeps clients from signing in though media may work, in words: names
 * that do not resolve, proxies, TLS that is intercepted. From a snapshot.
 */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot;

enum { TROUBLE_MAX = 8, TROUBLE_TEXT = 96 };

struct trouble {
	bool stops;		 /* nobody gets in; else: not as it should be */
	char text[TROUBLE_TEXT]; /* "proxy hq is down"; no stop at its end */
};

/* Those that there are, what stops everybody first; how many. */
size_t trouble_find(const struct snapshot *s, struct trouble out[TROUBLE_MAX]);

/* Names that are looked up, and how many of them fail now. */
struct trouble_names {
	size_t names, failing;
};
struct trouble_names trouble_names(const struct snapshot *s);

#endif
