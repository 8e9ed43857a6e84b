/*
 * Links and addresses are kept in tables, so that a message that repeats what
 * is known (statistics, IPv6 lifetimes refreshed by each router
 * advertisement) is told from news. Routes are not kept: there may be a
 * million of them; the kernel is asked about the ones that matter. IPv4
 * routes vanish with their link without a message, so links count most.
 */
#include "build.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "clock.h"
#include "log.h"
#include "netwatch.h"
#include "rtnl.h"

#define SETTLE	    (2 * CLOCK_SEC)
#define LEAST	    (5 * CLOCK_SEC)
#define PATHS_LEAST (100 * CLOCK_MS)
#define PATIENCE    5  /* settles: how long a flood can put changed() off */
#define DRAINS	    64 /* of a flood, before the tables are read */
#define RCVBUF	    (1 << 20)
#define CAUSE	    112

struct table {
	struct rtnl_message *row;
	size_t rows, size;
};

struct netwatch {
	struct netwatch_setup setup;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handles;  /* not yet closed */
	int fd, query;	   /* subscribed; asked about routes */
	struct table link; /* sorted by index */
	struct table address;
	bool news;	      /* paths() is owed */
	uint64_t paths_at;    /* last call of it */
	unsigned kinds;	      /* changed() is owed when not 0 */
	unsigned changes;     /* in this burst */
	uint64_t first, last; /* of the burst */
	uint64_t changed_at;  /* last call of it */
	char cause[CAUSE];
};

/* ---- tables ---- */

static bool
table_add(struct table *t, const struct rtnl_message *m, size_t at)
{
	if (t->rows == t->size) {
		size_t size = t->size ? 2 * t->size : 16;
		struct rtnl_message *more =
		    realloc(t->row, size * sizeof(*more));
		if (!more)
			return false;
		t->row = more;
		t->size = size;
	}
	memmove(&t->row[at + 1], &t->row[at], (t->rows - at) * sizeof(*m));
	t->row[at] = *m;
	t->rows++;
	return true;
}

static void
table_remove(struct table *t, struct rtnl_message *m)
{
	size_t at = (size_t)(m - t->row);
	t->rows--;
	memmove(m, m + 1, (t->rows - at) * sizeof(*m));
}

/* Where the link with that index is, or would be. */
static size_t
link_place(const struct netwatch *w, int index)
{
	size_t lo = 0, hi = w->link.rows;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (w->link.row[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct rtnl_message *
link_find(const struct netwatch *w, int index)
{
	size_t at = link_place(w, index);
	if (at < w->link.rows && w->link.row[at].index == index)
		return &w->link.row[at];
	return NULL;
}

static const struct rtnl_message *
link_named(const struct netwatch *w, const char *name)
{
	for (size_t i = 0; i < w->link.rows; i++)
		if (!strcmp(w->link.row[i].name, name))
			return &w->link.row[i];
	return NULL;
}

static const char *
link_name(const struct netwatch *w, int index)
{
	const struct rtnl_message *l = link_find(w, index);
	return l ? l->name : "?";
}

/* The same link, or the same address on it. */
static bool
is_same(const struct rtnl_message *a, const struct rtnl_message *b)
{
	if (a->index != b->index || a->kind != b->kind)
		return false;
	return a->kind == RTNL_LINK ||
	       (a->prefix == b->prefix && addr_same_host(&a->addr, &b->addr));
}

static struct rtnl_message *
address_find(const struct netwatch *w, const struct rtnl_message *m)
{
	for (size_t i = 0; i < w->address.rows; i++)
		if (is_same(&w->address.row[i], m))
			return &w->address.row[i];
	return NULL;
}

/* ---- what is news ---- */

/* RUNNING is the kernel's word for: operational state up, or not known. */
static bool
is_running(const struct rtnl_message *l)
{
	return (l->flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

/* Tentative addresses cannot be sent from; optimistic ones can. */
static bool
is_ready(const struct rtnl_message *a)
{
	if (a->flags & IFA_F_DADFAILED)
		return false;
	return !(a->flags & IFA_F_TENTATIVE) || a->flags & IFA_F_OPTIMISTIC;
}

static void note(struct netwatch *w, enum netchange kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
note(struct netwatch *w, enum netchange kind, const char *fmt, ...)
{
	va_list ap;
	w->last = clock_mono();
	if (!w->kinds) {
		w->first = w->last;
		w->changes = 0;
		va_start(ap, fmt);
		vsnprintf(w->cause, sizeof(w->cause), fmt, ap);
		va_end(ap);
	}
	w->changes++;
	w->kinds |= 1U << kind;
	w->news = true;
}

static void
on_link(struct netwatch *w, const struct rtnl_message *m)
{
	struct rtnl_message *old = link_find(w, m->index);
	bool was = old && is_running(old), is = !m->gone && is_running(m);
	bool other =
	    was && is && (old->mtu != m->mtu || strcmp(old->name, m->name));
	if (m->gone && old)
		table_remove(&w->link, old);
	else if (!m->gone && old)
		*old = *m;
	else if (!m->gone)
		table_add(&w->link, m, link_place(w, m->index));
	if (was && !is)
		note(w, NETCHANGE_LINK, "link %s %s", m->name,
		    m->gone ? "was removed" : "went down");
	else if (is && !was)
		note(w, NETCHANGE_LINK, "link %s came up", m->name);
	else if (other)
		note(w, NETCHANGE_LINK, "link %s changed (mtu %u)", m->name,
		    m->mtu);
}

static void
on_address(struct netwatch *w, const struct rtnl_message *m)
{
	char text[ADDR_TEXT];
	struct rtnl_message *old = address_find(w, m);
	bool was = old && is_ready(old), is = !m->gone && is_ready(m);
	bool other = was && is && (old->flags ^ m->flags) & IFA_F_DEPRECATED;
	if (m->gone && old)
		table_remove(&w->address, old);
	else if (!m->gone && old)
		*old = *m;
	else if (!m->gone)
		table_add(&w->address, m, w->address.rows);
	if (was == is && !other)
		return;
	note(w, NETCHANGE_ADDRESS, "address %s %s %s",
	    addr_host_text(&m->addr, text),
	    other ? "changed on"
	    : is  ? "came to"
		  : "went from",
	    link_name(w, m->index));
}

static void
on_route(struct netwatch *w, const struct rtnl_message *m)
{
	char text[ADDR_TEXT], route[ADDR_TEXT + 4] = "default";
	if (m->prefix)
		snprintf(route, sizeof(route), "%s/%u",
		    addr_host_text(&m->addr, text), m->prefix);
	note(w, NETCHANGE_ROUTE, "%s route%s%s was %s", route,
	    m->index ? " by " : "", m->index ? link_name(w, m->index) : "",
	    m->gone ? "removed" : "added");
}

static void
on_message(void *arg, const struct rtnl_message *m)
{
	struct netwatch *w = arg;
	if (m->kind == RTNL_LINK)
		on_link(w, m);
	else if (m->kind == RTNL_ADDRESS)
		on_address(w, m);
	else
		on_route(w, m);
}

/* ---- dumps ---- */

static void
collect(void *arg, const struct rtnl_message *m)
{
	struct table *t = arg;
	table_add(t, m, t->rows);
}

/* Rows of the old table that the new one lacks are told of as gone. */
static void
retire(struct netwatch *w, enum rtnl_kind kind, const struct table *now)
{
	struct table *old = kind == RTNL_LINK ? &w->link : &w->address;
	for (size_t i = old->rows; i-- > 0;) {
		struct rtnl_message m = old->row[i];
		bool there = false;
		for (size_t k = 0; k < now->rows && !there; k++)
			there = is_same(&now->row[k], &m);
		m.gone = true;
		if (!there)
			on_message(w, &m);
	}
}

/* Brings a table up to date with the kernel's; news are told of. */
static int
sync_table(struct netwatch *w, enum rtnl_kind kind)
{
	struct table now = {0};
	int rc = rtnl_dump(w->query, kind, collect, &now);
	if (!rc)
		retire(w, kind, &now);
	for (size_t i = 0; i < now.rows && !rc; i++)
		on_message(w, &now.row[i]);
	free(now.row);
	return rc;
}

/*
 * Some messages were lost, others wait. The tables are read from the kernel
 * once those were applied: they are older, and would undo what it says.
 */
static void
resync(struct netwatch *w)
{
	int rc = -ENOBUFS;
	note(w, NETCHANGE_RESYNC, "messages of the kernel were lost");
	for (unsigned i = 0; i < DRAINS && (rc == -ENOBUFS || rc == 1); i++)
		rc = rtnl_read(w->fd, on_message, w);
	rc = sync_table(w, RTNL_LINK);
	if (!rc)
		rc = sync_table(w, RTNL_ADDRESS);
	if (rc)
		log_warn("netwatch", "cannot list links and addresses: %s",
		    strerror(-rc));
}

/* ---- calls ---- */

static void on_timer(uv_timer_t *h);

static uint64_t
changed_due(const struct netwatch *w)
{
	uint64_t due = w->last + w->setup.settle;
	uint64_t latest = w->first + PATIENCE * w->setup.settle;
	if (due > latest)
		due = latest;
	if (w->changed_at && due < w->changed_at + w->setup.least)
		due = w->changed_at + w->setup.least;
	return due;
}

static void
schedule(struct netwatch *w, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	if (w->kinds)
		next = changed_due(w);
	if (w->news && w->paths_at + PATHS_LEAST < next)
		next = w->paths_at + PATHS_LEAST;
	if (next == UINT64_MAX)
		uv_timer_stop(&w->timer);
	else
		uv_timer_start(&w->timer, on_timer,
		    next > now ? (next - now) / CLOCK_MS + 1 : 1, 0);
}

static void
tell_changed(struct netwatch *w)
{
	char text[CAUSE + 32];
	unsigned kinds = w->kinds;
	w->kinds = 0;
	w->changed_at = clock_mono();
	snprintf(text, sizeof(text), "%s", w->cause);
	if (w->changes > 1)
		snprintf(text, sizeof(text), "%s, and %u more", w->cause,
		    w->changes - 1);
	w->setup.changed(w->setup.arg, kinds, text);
}

/* Calls what is due: changed() never before paths(). */
static void
deliver(struct netwatch *w)
{
	uint64_t now = clock_mono();
	bool changed = w->kinds && now >= changed_due(w);
	bool rested = !w->paths_at || now >= w->paths_at + PATHS_LEAST;
	if (w->news && (changed || rested)) {
		w->news = false;
		w->paths_at = now;
		w->setup.paths(w->setup.arg);
	}
	if (changed)
		tell_changed(w);
	schedule(w, clock_mono());
}

static void
on_timer(uv_timer_t *h)
{
	deliver(h->data);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct netwatch *w = h->data;
	int rc = rtnl_read(w->fd, on_message, w);
	if (rc == -ENOBUFS)
		resync(w);
	else if (rc < 0)
		log_warn("netwatch", "netlink: %s", strerror(-rc));
	/* libuv reports lost messages as an error, and stops the handle. */
	if (!uv_is_active((uv_handle_t *)h))
		uv_poll_start(h, UV_READABLE, on_ready);
	deliver(w);
}

/* ---- exported ---- */

static int
open_sockets(struct netwatch *w)
{
	int rcvbuf = w->setup.rcvbuf ? w->setup.rcvbuf : RCVBUF;
	w->fd = rtnl_open(true, rcvbuf);
	if (w->fd < 0)
		return w->fd;
	w->query = rtnl_open(false, 0);
	if (w->query < 0)
		return w->query;
	/* Subscribed first, so that nothing is missed in between. */
	int rc = rtnl_dump(w->query, RTNL_LINK, on_message, w);
	return rc ? rc : rtnl_dump(w->query, RTNL_ADDRESS, on_message, w);
}

static void
on_closed(uv_handle_t *h)
{
	struct netwatch *w = h->data;
	if (--w->handles)
		return;
	close(w->fd);
	close(w->query);
	free(w->link.row);
	free(w->address.row);
	free(w);
}

struct netwatch *
netwatch_new(const struct netwatch_setup *setup)
{
	struct netwatch *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->setup = *setup;
	w->setup.settle = setup->settle ? setup->settle : SETTLE;
	w->setup.least = setup->least ? setup->least : LEAST;
	w->fd = w->query = -1;
	int rc = open_sockets(w);
	if (!rc)
		rc = uv_poll_init(setup->loop, &w->poll, w->fd);
	if (rc) {
		log_error("netwatch",
		    "changes of the network will not be seen: %s",
		    strerror(-rc));
		w->handles = 1;
		w->timer.data = w;
		on_closed((uv_handle_t *)&w->timer);
		return NULL;
	}
	uv_timer_init(setup->loop, &w->timer);
	w->poll.data = w->timer.data = w;
	w->handles = 2;
	/* What is there at the start is no change. */
	w->kinds = w->changes = 0;
	w->news = false;
	uv_poll_start(&w->poll, UV_READABLE, on_ready);
	return w;
}

void
netwatch_free(struct netwatch *w)
{
	if (!w)
		return;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	uv_close((uv_handle_t *)&w->timer, on_closed);
}

/* ---- paths ---- */

static bool
is_loopback(const struct addr *a)
{
	if (addr_family(a) == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* A source that is gone, or not yet ready, cannot be bound to. */
static bool
can_bind(const struct addr *source)
{
	struct addr a = *source;
	addr_set_port(&a, 0);
	int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	bool can = !bind(fd, &a.sa, addr_len(&a)) || errno != EADDRNOTAVAIL;
	close(fd);
	return can;
}

/* There is a link to the outside, so names could be resolved. */
static bool
is_online(const struct netwatch *w)
{
	for (size_t i = 0; i < w->link.rows; i++)
		if (is_running(&w->link.row[i]) &&
		    !(w->link.row[i].flags & IFF_LOOPBACK))
			return true;
	return false;
}

bool
netwatch_usable(const struct netwatch *w, const struct path *path)
{
	struct rtnl_message route;
	const struct rtnl_message *link;
	int oif = 0;
	if (!addr_family(&path->addr))
		return is_online(w);
	if (is_loopback(&path->addr))
		return true;
	if (path->interface[0]) {
		link = link_named(w, path->interface);
		if (!link || !is_running(link))
			return false;
		oif = link->index;
	} else if (addr_family(&path->addr) == AF_INET6) {
		oif = (int)path->addr.in6.sin6_scope_id;
	}
	if (addr_family(&path->source) && !can_bind(&path->source))
		return false;
	int rc = rtnl_route(w->query, &path->addr, &path->source, oif, &route);
	if (rc == -ENETUNREACH || rc == -EHOSTUNREACH || rc == -ENETDOWN ||
	    rc == -ENODEV)
		return false;
	if (rc)
		return true;
	if (route.type != RTN_UNICAST)
		return route.type != RTN_UNREACHABLE;
	link = link_find(w, route.index);
	return !link || is_running(link);
}
