/*
 * The native histograms of a store, one for each transport and cluster that
 * there ever was. The control thread makes them; any thread may walk them.
 */
#ifndef STORE_NATIVE_H
#define STORE_NATIVE_H

#include "index.h"
#include "target.h"

struct native;
struct store_native_group;

struct store_natives {
	struct index index; /* group -> struct store_native_group * */
	_Atomic(struct store_native_group *) first; /* owned, as the rest */
};

void store_native_free(struct store_natives *s); /* the contents */
/* Made if there is none; NULL: no memory. Control thread. */
struct native *store_native_of(
    struct store_natives *s, enum transport transport, const char *cluster);
void store_native_walk(struct store_natives *s,
    void (*each)(void *arg, enum transport transport, const char *cluster,
	const struct native *n),
    void *arg);

#endif
