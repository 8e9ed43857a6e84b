/*
 * One datagram socket with the requests that are under way on it: its slots
 * are made with it, so that sending takes no memory, and are few enough for
 * its receive buffer to hold every answer and transmit stamp at once.
 */
#ifndef DGRAM_SOCKET_H
#define DGRAM_SOCKET_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct probe;

enum { DGRAM_SLOTS = 128, DGRAM_ID = 16 };

/* What tells sockets apart. */
struct dgram_key {
	struct addr source; /* port 0; family as below or AF_UNSPEC */
	char interface[IFNAMSIZ];
	uint8_t family, dscp;
};

/* A request under way, in a slot. */
struct dgram_request {
	struct probe *probe; /* borrowed; NULL: the slot is free */
	uint64_t sent;	     /* monotonic */
	int64_t tx;	     /* the kernel's transmit stamp, 0: none yet */
	uint32_t key;	     /* number of the packet on its socket */
	uint8_t id[DGRAM_ID];
	uint16_t epoch;	 /* of the clocks' offset when it was sent */
	uint8_t seq;	 /* of the probe */
	uint8_t outcome; /* it failed so, and its probe is to be told */
	uint8_t next;	 /* slot after it in its chain; 0 ends it */
};

struct dgram_socket {
	struct dgram_socket *next; /* in the list that owns it */
	struct dgram_key key;
	int fd;
	uint16_t port; /* ours */
	bool stamps;   /* transmit stamps are on */
	bool unsure;   /* which packet number the kernel is at */
	uint64_t opened, linger;
	uint32_t sends;		 /* packet number of the next one */
	uint32_t drops;		 /* in the receive buffer, so far */
	unsigned used, reserved; /* slots */
	unsigned failed;	 /* slots whose probe is to be told */
	uint8_t free;		 /* first free slot */
	uint8_t chain[256];	 /* first slot, by the id's first byte */
	uint8_t by_number[256];	 /* slot, by the low byte of its key */
	struct dgram_request slot[DGRAM_SLOTS + 1]; /* 0 is no slot */
};

/* 0 and *out, owned by the caller; or -errno. */
int dgram_socket_open(struct dgram_socket **out, const struct dgram_key *key,
    int protocol, bool transmit_stamps);
void dgram_socket_free(struct dgram_socket *s);

/*
 * The address that a socket of the key would send from to there, in *out and
 * without a port, as the kernel's routes are now. 0 or -errno.
 */
int dgram_socket_local(
    const struct dgram_key *key, const struct addr *to, struct addr *out);

bool dgram_socket_fits(
    const struct dgram_socket *s, const struct dgram_key *key);

/* A slot out of the reserved ones, its id entered: there must be one. */
unsigned dgram_socket_take(struct dgram_socket *s, const uint8_t id[DGRAM_ID]);
void dgram_socket_drop(struct dgram_socket *s, unsigned slot);
/* The slot with the id, or 0. */
unsigned dgram_socket_find(
    const struct dgram_socket *s, const uint8_t id[DGRAM_ID]);

/*
 * Sends once for the slot, and numbers the packet. 0 or -errno: not sent,
 * maybe for an ICMP error about an earlier packet.
 */
int dgram_socket_send(struct dgram_socket *s, unsigned slot, const void *bytes,
    size_t len, const struct addr *to);
/* The transmit stamp of packet number key came. */
void dgram_socket_stamp(struct dgram_socket *s, uint32_t key, int64_t stamp);
/* Datagrams lost since the last call, at the least; asks the kernel. */
uint32_t dgram_socket_drops(struct dgram_socket *s);

#endif
