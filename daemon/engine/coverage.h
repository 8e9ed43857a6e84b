/*
 * Which requirements of the profiles are met from here: what is known of
 * targets, clusters, names and the site is put before the rows once a second,
 * and what comes of it is shown and told. Control thread, but for the source.
 */
#ifndef COVERAGE_H
#define COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot.h"
#include "store.h"

struct config;
struct config_target;
struct coverage;
struct inventory;
struct resolve;

/* watched: whether local network changes are noticed. NULL: no memory. */
struct coverage *coverage_new(struct store *s, bool watched);
void coverage_free(struct coverage *c);
struct snapshot_source coverage_source(struct coverage *c);

/*
 * Other rows from now on; the configuration is borrowed until the next call.
 * Rows of the same profile and id go on. 0 or -ENOMEM: then there are none.
 */
int coverage_configure(struct coverage *c, const struct config *config);
/* The targets that its needs became in this roster. */
void coverage_adopt(struct coverage *c, const struct inventory *inv,
    const struct roster *r);
/*
 * Judges every row, shows it and tells what changed. True: there are other
 * needs than before (coverage_learned), so that another roster is due.
 */
bool coverage_run(
    struct coverage *c, const struct resolve *names, uint64_t now);
/* What was learned to be needed, too: *n targets, borrowed until adopted. */
const struct config_target *coverage_learned(struct coverage *c, size_t *n);

#endif
