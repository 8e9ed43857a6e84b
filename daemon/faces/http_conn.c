/* The connections that are open, with their limits and deadlines. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addr.h"
#include "http_conn.h"

struct http_conn {
	struct http_conn *next, *prev;
	struct addr from;	  /* unset for a Unix socket */
	int fd;			  /* borrowed */
	uint64_t deadline, since; /* since: its last answer, or it came */
	bool busy;		  /* being answered */
	bool leaving;		  /* shut down */
	bool last;		  /* to be, after this answer */
	bool checking;		  /* its password */
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

/* Connections from one address, and which of them asks for nothing. */
struct crowd {
	unsigned count, checks;
	struct http_conn *idlest; /* NULL: all are busy */
};

static void
add(struct crowd *crowd, struct http_conn *c)
{
	crowd->checks += c->checking;
	if (c->leaving)
		return;
	crowd->count++;
	if (!c->busy &&
	    (crowd->idlest == NULL || c->since < crowd->idlest->since))
		crowd->idlest = c;
}

/* All of them, and those from that address; of unknown ones there is none. */
static void
look_around(const struct http_conn_list *list, const struct addr *from,
    struct crowd *all, struct crowd *here)
{
	bool known = addr_family(from) != AF_UNSPEC;

	*all = *here = (struct crowd){0};
	for (struct http_conn *c = list->first; c != NULL; c = c->next) {
		add(all, c);
		if (known && addr_same_host(&c->from, from))
			add(here, c);
	}
}

/* Once is enough: its owner sees the end of it. */
static void
leave(struct http_conn_list *list, struct http_conn *c)
{
	if (c->leaving)
		return;
	shutdown(c->fd, SHUT_RDWR);
	c->leaving = true;
	c->deadline = UINT64_MAX;
	list->leaving++;
}

bool
http_conn_admit(struct http_conn_list *list, const struct sockaddr *from)
{
	struct crowd all, here, *full = NULL;
	struct addr a = address(from);

	look_around(list, &a, &all, &here);
	if (here.count >= list->limits.per_address)
		full = &here;
	else if (all.count >= list->limits.connections)
		full = &all;
	if (full == NULL)
		return true;
	if (full->idlest == NULL || list->leaving >= HTTP_CONN_LEAVING)
		return false;
	leave(list, full->idlest);
	return true;
}

bool
http_conn_check(struct http_conn_list *list, struct http_conn *c)
{
	struct crowd all, here;

	if (c == NULL)
		return false;
	look_around(list, &c->from, &all, &here);
	c->checking = all.checks < list->limits.checks &&
		      here.checks < list->limits.checks_per_address;
	return c->checking;
}

void
http_conn_checked(struct http_conn *c)
{
	if (c != NULL)
		c->checking = false;
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
	c->since = now;
	set_deadline(list, c, now + list->limits.request_ns);
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
	list->leaving -= c->leaving;
	free(c);
}

void
http_conn_begin(struct http_conn_list *list, struct http_conn *c, uint64_t now)
{
	if (c == NULL || c->leaving)
		return;
	c->busy = true;
	set_deadline(list, c, now + list->limits.total_ns);
}

void
http_conn_end(struct http_conn_list *list, struct http_conn *c, uint64_t now)
{
	const struct http_conn_limits *l = &list->limits;

	if (c == NULL || c->leaving)
		return;
	c->busy = false;
	c->since = now;
	if (c->last)
		leave(list, c);
	else
		set_deadline(list, c, now + l->idle_ns + l->request_ns);
}

void
http_conn_dismiss(struct http_conn_list *list)
{
	for (struct http_conn *c = list->first; c != NULL; c = c->next) {
		c->last = true;
		if (!c->busy)
			leave(list, c);
	}
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
			leave(list, c);
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
