/* The connections that are open, with their limits and deadlines. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addr.h"
#include "http_conn.h"

struct http_conn {
	struct http_conn *next, *prev;
	struct addr from; /* unset for a Unix socket */
	int fd;		  /* borrowed */
	uint64_t deadline;
};

static struct addr
address(const struct sockaddr *from)
{
	struct addr a = {0};
	socklen_t len;

	if (from == NULL)
		return a;
	len = from->sa_family == AF_INET6 ? sizeof(a.in6) : sizeof(a.in);
	if (addr_from_sockaddr(&a, from, len) < 0)
		return (struct addr){0};
	return a;
}

static unsigned
count_from(const struct http_conn_list *list, const struct addr *a)
{
	unsigned n = 0;

	for (const struct http_conn *c = list->first; c != NULL; c = c->next)
		n += addr_same_host(&c->from, a);
	return n;
}

bool
http_conn_admit(const struct http_conn_list *list, const struct sockaddr *from)
{
	struct addr a = address(from);

	if (list->count >= list->limits.connections)
		return false;
	return addr_family(&a) == AF_UNSPEC ||
	       count_from(list, &a) < list->limits.per_address;
}

static void
set_deadline(struct http_conn_list *list, struct http_conn *c, uint64_t at)
{
	c->deadline = at;
	if (list->count == 1 || at < list->due)
		list->due = at;
}

struct http_conn *
http_conn_open(struct http_conn_list *list, int fd, const struct sockaddr *from,
    uint64_t now)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->from = address(from);
	c->next = list->first;
	if (c->next != NULL)
		c->next->prev = c;
	list->first = c;
	list->count++;
	set_deadline(list, c, now + list->limits.header_ns);
	return c;
}

void
http_conn_close(struct http_conn_list *list, struct http_conn *c)
{
	if (c == NULL)
		return;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		list->first = c->next;
	list->count--;
	free(c);
}

void
http_conn_begin(struct http_conn_list *list, struct http_conn *c, uint64_t now)
{
	if (c != NULL)
		set_deadline(list, c, now + list->limits.total_ns);
}

void
http_conn_end(struct http_conn_list *list, struct http_conn *c, uint64_t now)
{
	const struct http_conn_limits *l = &list->limits;

	if (c != NULL)
		set_deadline(list, c, now + l->idle_ns + l->header_ns);
}

unsigned
http_conn_expire(struct http_conn_list *list, uint64_t now)
{
	unsigned n = 0;

	if (list->count == 0 || now < list->due)
		return 0;
	list->due = UINT64_MAX;
	for (struct http_conn *c = list->first; c != NULL; c = c->next) {
		if (c->deadline <= now) {
			/* Once is enough: its owner sees the end of it. */
			shutdown(c->fd, SHUT_RDWR);
			c->deadline = UINT64_MAX;
			n++;
		}
		if (c->deadline < list->due)
			list->due = c->deadline;
	}
	return n;
}

uint64_t
http_conn_due(const struct http_conn_list *list)
{
	return list->count > 0 ? list->due : UINT64_MAX;
}
