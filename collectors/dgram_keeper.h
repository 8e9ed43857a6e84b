/*
 * The kernel stamps what it receives as long as any socket of the machine
 * asks for it, turns that on some time after the first one did, and turning
 * it is not cheap. This is a socket that always asks.
 */
#ifndef DGRAM_KEEPER_H
#define DGRAM_KEEPER_H

/*
 * A descriptor to keep open, or -1: it works without. It is on when this
 * returns, which takes a few milliseconds, 20 at most.
 */
int dgram_keeper_open(void);
void dgram_keeper_close(int fd);

#endif
