/*
 * The connections that are open: how many in all and from one address, and
 * until when each may take for what it does. A time-out on idleness alone
 * lets a client that sends a byte a second stay for ever; and a crowd that asks
 * for nothing must not keep out who does. One thread's.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct http_conn_limits {
	unsigned connections, per_address;
	unsigned checks, checks_per_address; /* of passwords, under way */
	uint64_t request_ns; /* from the connection to the whole request */
	uint64_t idle_ns;    /* between requests, before request_ns begins */
	uint64_t total_ns;   /* from the request to the end of the answer */
};

/* So many more may be open for a moment: those that are shut down. */
enum { HTTP_CONN_LEAVING = 32 };

struct http_conn;

/* Every list is made here; zeroed but for the limits. */
struct http_conn_list {
	struct http_conn_limits limits;
	struct http_conn *first;
	unsigned count, leaving; /* open; of them, shut down */
	uint64_t due;		 /* nothing is overdue before */
};

/*
 * Whether one more from that address (NULL: unknown) may come. If it would be
 * one too many, the one that has asked for nothing for the longest time is
 * shut down in its favour; where all are being answered, it may not.
 */
bool http_conn_admit(struct http_conn_list *list, const struct sockaddr *from);

/* NULL: no memory. fd is borrowed, from is copied. */
struct http_conn *http_conn_open(struct http_conn_list *list, int fd,
    const struct sockaddr *from, uint64_t now);
void http_conn_close(struct http_conn_list *list, struct http_conn *c);

/* A request is complete; its answer is sent. */
void http_conn_begin(
    struct http_conn_list *list, struct http_conn *c, uint64_t now);
void http_conn_end(
    struct http_conn_list *list, struct http_conn *c, uint64_t now);

/*
 * Whether a password may be checked for it now; few at a time, as each takes
 * long on purpose. To be told when that is over.
 */
bool http_conn_check(struct http_conn_list *list, struct http_conn *c);
void http_conn_checked(struct http_conn *c); /* NULL is fine */

/* Shuts all of them down, each when it has got the answer under way. */
void http_conn_dismiss(struct http_conn_list *list);

/* Shuts down what is overdue; returns how many. Its owner then closes it. */
unsigned http_conn_expire(struct http_conn_list *list, uint64_t now);
/* When to call that next; UINT64_MAX: no need to. */
uint64_t http_conn_due(const struct http_conn_list *list);

#endif
