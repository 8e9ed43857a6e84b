/*
 * The datagram sockets of a loop: those that new probes may use, and retired
 * ones, which stay until their requests are over.
 */
#ifndef DGRAM_SET_H
#define DGRAM_SET_H

#include <stdint.h>

#include "dgram_socket.h"

struct pollfd;

struct dgram_set {
	struct dgram_socket *active, *retired; /* owned */
	unsigned count;			       /* of both */
	struct pollfd *poll; /* owned, like its sockets' list */
	struct dgram_socket **polled;
	unsigned size, ready;
};

void dgram_set_free(struct dgram_set *set); /* of an empty one */

void dgram_set_add(struct dgram_set *set, struct dgram_socket *s);
/* An active one of that kind with n slots free; NULL: none. */
struct dgram_socket *dgram_set_find(
    const struct dgram_set *set, const struct dgram_key *key, unsigned n);
/* Those that were opened by then are not for new probes any more. */
void dgram_set_retire(struct dgram_set *set, uint64_t opened);
/* A retired one whose time is over, out of the set, the caller's; or NULL. */
struct dgram_socket *dgram_set_done(struct dgram_set *set, uint64_t now);

/* Asks for what has come in; then sockets one by one, until NULL. */
void dgram_set_poll(struct dgram_set *set);
struct dgram_socket *dgram_set_next(struct dgram_set *set, int *events);

#endif
