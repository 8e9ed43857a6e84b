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
 * Within one boot of the machine windows go on, whatever was done to the wall
 * clock meanwhile. After another boot they begin anew, for then only that
 * clock could tell how old a sample is; other times are brought over by it.
 * After a long stop states begin anew, too. Counters always go on.
 */
int state_load(struct store *s, const char *file);

#endif
