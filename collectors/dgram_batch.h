/*
 * Datagrams as they come out of a socket, many at a time: the bytes, the
 * sender, and what the kernel has to say of them in control messages.
 */
#ifndef DGRAM_BATCH_H
#define DGRAM_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum { DGRAM_BATCH = 64 }; /* datagrams at a time */

/* What stands in the error queue; DATA is from the other one. */
enum dgram_item_kind {
	DGRAM_DATA,
	DGRAM_STAMP, /* our packet number `key` left at `stamp` */
	DGRAM_ICMP,  /* `bytes` of ours to `peer` met type and code */
	DGRAM_LOCAL, /* the same, with our own kernel's error */
};

struct dgram_item {
	enum dgram_item_kind kind;
	const uint8_t *bytes; /* borrowed, until the next reading */
	size_t len;
	const struct addr *peer; /* borrowed likewise */
	int64_t stamp;		 /* CLOCK_REALTIME, 0: none */
	uint32_t key;
	uint32_t drops; /* lost by the socket so far; 0: not said */
	int error;	/* errno */
	uint8_t type, code;
	uint8_t hop_limit; /* 0: not said */
};

struct dgram_batch;

/* bytes is the longest datagram that is kept whole. NULL: no memory. */
struct dgram_batch *dgram_batch_new(size_t bytes);
void dgram_batch_free(struct dgram_batch *b);

/*
 * Reads up to DGRAM_BATCH of what the socket holds, with flags MSG_ERRQUEUE
 * from its error queue, and does not wait. How many; 0: none.
 */
unsigned dgram_batch_read(struct dgram_batch *b, int fd, int flags);

/* Number i of what dgram_batch_read() returned. */
void dgram_batch_item(
    struct dgram_batch *b, unsigned i, struct dgram_item *out);

#endif
