/*
 * Changes of the local network, by rtnetlink: links, addresses, routes;
 * debounced. Control thread only. Needs no privilege.
 */
#ifndef NETWATCH_H
#define NETWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "probe.h"
#include "word.h"

struct uv_loop_s;
struct netwatch;

struct netwatch_setup {
	struct uv_loop_s *loop;
	uint64_t settle; /* ns without a further message; 0: 2 s */
	uint64_t least;	 /* ns between two calls of changed(); 0: 5 s */
	int rcvbuf;	 /* bytes of the socket's buffer; 0: 1 MiB */
	/*
	 * At once, undebounced, when a link or route came or went: paths may be
	 * usable or not; ask netwatch_usable() for each. At most every 100 ms,
	 * as a routing daemon may send thousands of routes.
	 */
	void (*paths)(void *arg);
	/* Debounced: probe again. kinds is a mask of 1 << NETCHANGE_x. */
	void (*changed)(void *arg, unsigned kinds, const char *cause);
	void *arg;
};

/* NULL when netlink cannot be opened (logged): the daemon goes on without. */
struct netwatch *netwatch_new(const struct netwatch_setup *setup);
/* Not from within its callbacks. */
void netwatch_free(struct netwatch *w);

/*
 * Whether this host can send on the path now: it has the source address, there
 * is a route, and the link that it leaves by is up and running. True when it
 * cannot tell (for a name without an address: when any link but the loopback
 * runs), and for blackhole and prohibit routes: these are policy, which
 * a probe reports as what it is. One question to the kernel, about 2 us.
 */
bool netwatch_usable(const struct netwatch *w, const struct path *path);

#endif
