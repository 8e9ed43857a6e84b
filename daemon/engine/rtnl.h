/*
 * rtnetlink(7): what the kernel says about links, addresses and routes, as
 * plain structs. Which of it matters is netwatch.c's. Noise that matters to
 * nobody is left out: the local table, cached and multicast routes, what
 * bridges say about their ports.
 */
#ifndef RTNL_H
#define RTNL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

enum rtnl_kind { RTNL_LINK, RTNL_ADDRESS, RTNL_ROUTE };

struct rtnl_message {
	enum rtnl_kind kind;
	bool gone;	/* deleted, else new or changed */
	int index;	/* of the link; of a route's first, 0: several */
	unsigned flags; /* IFF_x of a link, IFA_F_x of an address */
	uint32_t mtu;
	char name[IFNAMSIZ]; /* of a link */
	struct addr addr;    /* the address; of a route its prefix */
	unsigned prefix;     /* bits */
	unsigned type;	     /* of a route: RTN_x */
};

/* A socket, -errno. watch: subscribed to changes, non-blocking. */
int rtnl_open(bool watch, int rcvbuf);

/*
 * Messages that wait on a watching socket, not all of a flood: 0 when there
 * are no more, 1 when there may be, -ENOBUFS when some were lost, -errno.
 */
int rtnl_read(
    int fd, void (*each)(void *arg, const struct rtnl_message *m), void *arg);

/* All links or addresses, asked on another socket. 0 or -errno. */
int rtnl_dump(int fd, enum rtnl_kind kind,
    void (*each)(void *arg, const struct rtnl_message *m), void *arg);

/*
 * The route that a packet would take; src and oif may be unset. 0 with *out,
 * else -errno: what a send would fail with.
 */
int rtnl_route(int fd, const struct addr *dst, const struct addr *src, int oif,
    struct rtnl_message *out);

#endif
