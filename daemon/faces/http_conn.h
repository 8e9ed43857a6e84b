/*
 * The connections that are open: how many in all and from one address, and
 * until when each may take for what it does. A time-out on idleness alone
 * lets a client that sends a byte a second stay for ever. One thread's.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct http_conn_limits {
	unsigned connections, per_address;
	uint64_t header_ns;	/* from the connection to the whole header */
	uint64_t idle_ns;	/* between requests, before header_ns begins */
	uint64_t total_ns;	/* from the header to the end of the answer */
};

struct http_conn;

/* Every list is made here; zeroed but for the limits. */
struct http_conn_list {
	struct http_conn_limits limits;
	struct http_conn *first;
	unsigned count;
	uint64_t due;		/* nothing is overdue before */
};

/* Whether one more from that address (NULL: unknown) may come. */
bool http_conn_admit(
    const struct http_conn_list *list, const struct sockaddr *from);

/* NULL: no memory. fd is borrowed, from is copied. */
struct http_conn *http_conn_open(struct http_conn_list *list, int fd,
    const struct sockaddr *from, uint64_t now);
void http_conn_close(struct http_conn_list *list, struct http_conn *c);

/* A request's header is complete; its answer is sent. */
void http_conn_begin(
    struct http_conn_list *list, struct http_conn *c, uint64_t now);
void http_conn_end(
    struct http_conn_list *list, struct http_conn *c, uint64_t now);

/* Shuts down what is overdue; returns how many. Its owner then closes it. */
unsigned http_conn_expire(struct http_conn_list *list, uint64_t now);
/* When to call that next; UINT64_MAX: no need to. */
uint64_t http_conn_due(const struct http_conn_list *list);

#endif
