/*
 * A target's row: what store.h offers, and its making, which is the store's.
 */
#ifndef ROW_H
#define ROW_H

#include <stdatomic.h>

#include "kind.h"
#include "store.h"

struct cell {
	_Atomic uint64_t sent, rest; /* struct sample, word by word */
};

struct ring {
	struct ring *older; /* in the list of replaced ones */
	uint32_t mask;	    /* capacity - 1 */
	struct cell cell[];
};

enum { TLS_WORDS = (sizeof(struct tls_facts) + 7) / 8 };

/* What of a handshake stays until somebody changes it. */
struct row_look {
	char version[16], cipher[64];
	uint8_t fingerprint[32], chain;
};

struct row_tls {
	_Atomic bool set;
	_Atomic uint64_t word[TLS_WORDS];
	_Atomic uint64_t changed_at; /* monotonic; 0: nothing was shown yet */
	struct row_look look;	     /* the writer's */
};

struct row_facts {
	_Atomic uint64_t known; /* 1 << FACT_x */
	_Atomic int64_t value[FACT_END];
};

struct row {
	_Atomic uint32_t seq; /* odd while the writer is within */
	_Atomic uint32_t refs;
	_Atomic uint64_t appended;	  /* samples ever written to the ring */
	_Atomic(struct ring *) ring;	  /* owned */
	_Atomic(struct ring *) next_ring; /* left by the control */
	_Atomic(struct ring *) replaced;  /* left to the control */
	_Atomic bool link_down;
	_Atomic uint64_t link_up_at;
	struct row_tls *tls;	 /* owned; NULL unless its kind shows it */
	struct row_facts *facts; /* the same */
	struct native *native;	 /* of its group; the store's */
	struct judge judge;	 /* the writer's */
	void *owner;		 /* the writer's run */
	uint32_t wanted;	 /* ring size; the control's, as the next */
	uint64_t generation;	 /* of the last roster that had it */
	uint64_t made_at;	 /* monotonic; constant */
	_Atomic uint64_t word[TALLY_WORDS];
};

/*
 * One reference. capacity is a power of two; shows as kind.h has it. NULL: no
 * memory.
 */
struct row *row_new(uint32_t capacity, unsigned shows);
/* Its words, and the judge from them, before its writer has it. */
void row_restore(struct row *r, const uint64_t words[TALLY_WORDS]);
/* Room for what its kind shows in a restored row, before its writer has it. */
int row_want(struct row *r, unsigned shows);
struct ring *row_ring_new(uint32_t capacity);
void row_rings_free(struct ring *g); /* g and its older ones */

#endif
