/*
 * The right to write a state file: a lock on FILE.lock, which the kernel lets
 * go of when its process ends, however it does. The file itself cannot carry
 * it, for each save puts another in its place. The lock's file stays, with
 * the number of the last process that held it.
 */
#ifndef STATE_LOCK_H
#define STATE_LOCK_H

#include <stdint.h>

#include "buf.h"

struct state_lock {
	char *file; /* owned; NULL: none is held */
	int fd;	    /* -1: the file system has no locks for us */
};

/*
 * Holds the lock of that file, and none of another; of a NULL file none. For
 * a process that may be ending it waits so many nanoseconds. -EBUSY: another
 * has it, errors says who and what to do; -ENOMEM. Then what was held is kept.
 * Where there can be no lock a warning is logged and it is 0: the state is
 * worth more than what guards it.
 */
int state_lock_move(
    struct state_lock *l, const char *file, uint64_t wait, struct buf *errors);
void state_lock_drop(struct state_lock *l);

#endif
