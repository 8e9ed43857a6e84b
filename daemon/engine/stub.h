/*
 * A stub resolver: asks name servers for the addresses of a name, one after
 * the other until one knows (c-ares: one channel per server, since with one
 * channel for all it is either no failover or no response code). Thread of
 * the loop only.
 */
#ifndef STUB_H
#define STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct uv_loop_s;
struct stub;

enum { STUB_SERVERS = 3, STUB_ADDRESSES = 64, STUB_ALIAS = 256 };

struct stub_setup {
	struct uv_loop_s *loop;
	const struct addr *server; /* with ports; copied, at most 3 */
	size_t servers;
	uint64_t timeout; /* ns for one server's answer */
	unsigned tries;	  /* rounds through all servers */
};

struct stub_answer {
	const char *why;	 /* NULL: there are addresses; static text */
	bool none;		 /* a server said that there are none */
	uint32_t ttl;		 /* s, the least of the chain */
	const struct addr *addr; /* port 0; borrowed */
	size_t addrs;
	const char *alias;	 /* the name that has them, or NULL; borrowed */
};

/* NULL: c-ares or memory failed. */
struct stub *stub_new(const struct stub_setup *setup);
/* Nothing is called any more. Not from within done(). */
void stub_free(struct stub *s);

/*
 * family AF_INET or AF_INET6. done() is called once, maybe before this
 * returns. 0, or -ENOMEM and done() is not called.
 */
int stub_ask(struct stub *s, const char *host, int family,
    void (*done)(void *arg, const struct stub_answer *a), void *arg);

#endif
