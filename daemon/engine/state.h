/*
 * What survives a restart: indexes, counters, windows. A versioned,
 * checksummed file, written to a temporary one, synced and renamed. A damaged
 * file is set aside with a message and never stops the start.
 */
#ifndef STATE_H
#define STATE_H

#include "store.h"

/* 0 or -errno; what was wrong is logged. Control thread only. */
int state_save(struct store *s, const char *file);
/*
 * Before the first store_adopt(). -ENOENT: no file. A damaged or foreign
 * file is renamed to FILE.damaged, -EBADMSG is returned, nothing is taken in.
 * Monotonic times are brought into this boot by way of the wall clock;
 * samples that would lie in the future are left out.
 */
int state_load(struct store *s, const char *file);

#endif
