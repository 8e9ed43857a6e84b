/*
 * The carrier of probes over datagram sockets: UDP, and ICMP echo. Sockets
 * are shared, unconnected, one kind per family, source, interface and DSCP;
 * each is replaced by one with another port after a while. They are read at
 * the engine's tick and at no other time, for the kernel's stamps keep the
 * round-trip times exact; no probe is called back from anywhere else, but
 * for probe_ready() out of dgram_start().
 */
#ifndef DGRAM_H
#define DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "collector.h"
#include "dgram_socket.h"
#include "probe.h"

enum { DGRAM_PACKET = 1536 }; /* bytes of a request, at most */

/* A request, to those who write it and read what answers it. */
struct dgram_talk {
	struct probe *probe; /* borrowed, as is the id */
	const uint8_t *id;   /* random, kind.id_len bytes */
	unsigned seq;
	int family;
	/* Ours: with the port if there is one; any address unless .local. */
	struct addr local;
	/*
	 * When it left and when these bytes came by the real clock, in ns
	 * since 1970; both 0: not known well enough to compare clocks by.
	 */
	int64_t left_ns, came_ns;
	uint8_t hop_limit; /* what is left of it, of ICMP; 0: not known */
};

/* What a collector's packets are. */
struct dgram_kind {
	int protocol4, protocol6; /* socket()'s third argument */
	bool ports;		  /* an answer must come from the port asked */
	bool local;		  /* a request tells our own address */
	/*
	 * How many random bytes tell an answer, or what an ICMP error quotes,
	 * from others, and where they stand: the same place in all three
	 * unless there is identify(), which finds them; quoted: in a request.
	 */
	unsigned id_len, id_at; /* id_len at most DGRAM_ID */
	bool (*identify)(const uint8_t *bytes, size_t len, bool quoted,
	    uint8_t id[DGRAM_ID]);
	size_t answer_max; /* bytes of the longest answer looked at */
	/* Said once when the system gives no such socket to us; or NULL. */
	const char *forbidden;

	/* Writes the request; its length, 0: it does not fit. */
	size_t (*encode)(
	    uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk);
	/*
	 * Judges bytes with the id of a request, from whom it asked: fills in
	 * outcome, code, and mapped (pointing at *mapped), if any. Outcome
	 * NONE: they end nothing, the answer is still to come.
	 */
	void (*accept)(const uint8_t *bytes, size_t len,
	    const struct dgram_talk *talk, struct answer *a,
	    struct addr *mapped);
};

/* What it keeps in p->state; zero at start. */
struct dgram_probe {
	struct dgram_socket *socket; /* NULL: none, or not any more */
	struct addr to;
	uint8_t reserved; /* slots for requests to come */
	uint8_t held;	  /* slots, with these; at 0 it lets go of socket */
	uint8_t slot[PROBE_REQUESTS_MAX]; /* by seq; 0: none, or ended */
};

struct dgram;

/* kind is borrowed for good. 0 and *out, a struct dgram, or -errno. */
int dgram_new(const struct dgram_kind *kind,
    const struct collector_setup *setup, void **out);

/* For struct collector: loop is the struct dgram. */
void dgram_adjust(void *loop, const struct collector_setup *setup);
void dgram_tick(void *loop, uint64_t now);
void dgram_counts(const void *loop, struct collector_counts *add);
void dgram_close(void *loop);
int dgram_start(struct probe *p);
int dgram_request(struct probe *p, unsigned seq);
void dgram_stop(struct probe *p);
/* All of them but open, which names the kind. */
#define DGRAM_CALLS                                                           \
	.lingers = true, .state = sizeof(struct dgram_probe),                 \
	.adjust = dgram_adjust, .tick = dgram_tick, .counts = dgram_counts,   \
	.close = dgram_close, .start = dgram_start, .request = dgram_request, \
	.stop = dgram_stop

#endif
