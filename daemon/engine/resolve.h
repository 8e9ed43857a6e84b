/*
 * Names to addresses, off the probe path: c-ares on the control loop. Every
 * name that is asked for is kept fresh by its TTL; a name that stops
 * resolving keeps its last addresses. Control thread only.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct uv_loop_s;
struct resolve;
struct stub_answer;

struct resolve_setup {
	struct uv_loop_s *loop;
	const char *server; /* "192.0.2.53:53", NULL: resolv.conf (watched) */
	unsigned family;    /* 0 both, 4, 6 */
	unsigned max_addresses;	      /* of a name and family */
	uint64_t ttl_least, ttl_most; /* ns: bounds put on TTLs; 0: 10 s, 1 h */
	uint64_t retry;	  /* ns after a failure; 0: 10 s; grows to 8 times */
	uint64_t timeout; /* ns for one server's answer; 0: 2 s */
	const char *hosts_file;	 /* NULL: /etc/hosts (watched) */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	/*
	 * The addresses of some name changed, or its first answer or failure
	 * came, or the name servers are others; once per batch, always from
	 * the loop.
	 */
	void (*changed)(void *arg);
	void *arg;
};

/* NULL: c-ares or memory failed. */
struct resolve *resolve_new(const struct resolve_setup *setup);
/* Ends all queries; asynchronous handles are closed on the loop. */
void resolve_free(struct resolve *r);

/*
 * The names that are wanted from now on; others are forgotten after a while.
 * Literals and names of the hosts file are known when it returns, without a
 * query and without a call of changed().
 */
void resolve_want(struct resolve *r, char *const *host, size_t n);

/* What is known: number of addresses (sorted, port 0), *out borrowed. */
size_t resolve_get(
    const struct resolve *r, const char *host, const struct addr **out);
/* The name servers that are asked, with their ports; *out borrowed. */
size_t resolve_servers(const struct resolve *r, const struct addr **out);
/* How long the last good lookup of the name took, ns; 0: there was none. */
uint64_t resolve_took(const struct resolve *r, const char *host);
/* Failed refreshes of the name since it last resolved; 0: it is fine. */
unsigned resolve_failures(
    const struct resolve *r, const char *host, const char **why);
/* The name that its aliases lead to, or NULL; borrowed till asked again. */
const char *resolve_alias(const struct resolve *r, const char *host);
/*
 * One question now, whatever is known: the hosts file, then the servers.
 * family is AF_INET or AF_INET6; done() is called once, maybe before this
 * returns. 0, or -ENOMEM and it is not called.
 */
int resolve_ask(struct resolve *r, const char *host, int family,
    void (*done)(void *arg, const struct stub_answer *a), void *arg);
/*
 * Who asks so is told here when the servers are others, or it is freed: no
 * question that is under way is answered any more.
 */
void resolve_watch(struct resolve *r, void (*renewed)(void *arg), void *arg);
/* Whether every wanted name has had an answer or a failure. */
int resolve_settled(const struct resolve *r);

#endif
