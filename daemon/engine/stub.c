/*
 * The flags of each channel: NOCHECKRESP keeps the response code (else c-ares
 * calls a SERVFAIL "could not contact"), NOSEARCH and NOALIASES keep the
 * environment out. A truncated answer is asked again over TCP by c-ares.
 */
#include "build.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <uv.h>

#include "clock.h"
#include "stub.h"

/* RFC 1035 4.1.1, 4.1.2: header size, class, and types; RFC 3596 for AAAA. */
enum { DNS_HEADER = 12, CLASS_IN = 1, TYPE_A = 1, TYPE_AAAA = 28 };

/* RFC 1035 4.1.1: RCODE. */
enum { RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3 };

struct server {
	struct stub *stub;
	struct addr addr;
	ares_channel channel;
};

struct socket {
	uv_poll_t poll;
	struct server *server;
	struct socket *next;
	ares_socket_t fd;
	int events;
};

struct stub {
	uv_loop_t *loop;
	uv_timer_t timer;
	struct server server[STUB_SERVERS];
	size_t servers;
	unsigned tries;
	struct socket *sockets;
};

struct question {
	struct stub *stub;
	int family;
	unsigned attempt;
	void (*done)(void *arg, const struct stub_answer *a);
	void *arg;
	char host[];
};

/* ---- sockets and time ---- */

static void on_timeout(uv_timer_t *h);

/* One timer for all channels, after anything that may have moved it. */
static void
set_timer(struct stub *s)
{
	struct timeval most = {3600, 0}, tv;
	for (size_t i = 0; i < s->servers; i++) {
		struct timeval *t =
		    ares_timeout(s->server[i].channel, &most, &tv);
		if (t && timercmp(t, &most, <))
			most = *t;
	}
	if (most.tv_sec >= 3600)
		uv_timer_stop(&s->timer);
	else
		uv_timer_start(&s->timer, on_timeout,
		    (uint64_t)most.tv_sec * 1000 +
			(uint64_t)most.tv_usec / 1000 + 1,
		    0);
}

/*
 * Reads before it judges: when the loop was away for long, answers wait that
 * came in time, and libuv runs timers first.
 */
static void
on_timeout(uv_timer_t *h)
{
	struct stub *s = h->data;
	for (size_t i = 0; i < s->servers; i++) {
		ares_socket_t fd = ARES_SOCKET_BAD;
		for (struct socket *k = s->sockets; k; k = k->next)
			if (k->server == &s->server[i])
				fd = k->fd;
		ares_process_fd(s->server[i].channel, fd, ARES_SOCKET_BAD);
	}
	set_timer(s);
}

static struct socket **
find_socket(struct stub *s, ares_socket_t fd)
{
	struct socket **at = &s->sockets;
	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct socket *sock = h->data;
	struct server *server = sock->server;
	struct stub *s = server->stub;
	ares_socket_t fd = sock->fd;
	/* libuv reports an ICMP error so, and stops the handle. */
	bool failed = status < 0;
	ares_process_fd(server->channel,
	    failed || events & UV_READABLE ? fd : ARES_SOCKET_BAD,
	    failed || events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	sock = *find_socket(s, fd);
	if (failed && sock && !uv_is_active((uv_handle_t *)&sock->poll))
		uv_poll_start(&sock->poll, sock->events, on_ready);
	set_timer(s);
}

static void
on_socket_closed(uv_handle_t *h)
{
	free(h->data);
}

static struct socket *
socket_new(struct server *server, ares_socket_t fd)
{
	struct stub *s = server->stub;
	struct socket *sock = calloc(1, sizeof(*sock));
	if (!sock)
		return NULL;
	if (uv_poll_init_socket(s->loop, &sock->poll, fd)) {
		free(sock);
		return NULL;
	}
	sock->poll.data = sock;
	sock->server = server;
	sock->fd = fd;
	sock->next = s->sockets;
	s->sockets = sock;
	return sock;
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct server *server = arg;
	struct socket **at = find_socket(server->stub, fd), *sock = *at;
	if (!readable && !writable) {
		if (!sock)
			return;
		*at = sock->next;
		uv_close((uv_handle_t *)&sock->poll, on_socket_closed);
		return;
	}
	if (!sock)
		sock = socket_new(server, fd);
	if (!sock)
		return; /* c-ares times out */
	sock->events =
	    (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
	uv_poll_start(&sock->poll, sock->events, on_ready);
}

/* c-ares knows no scope of a link-local server: the device says it. */
static int
on_configure(ares_socket_t fd, int type, void *arg)
{
	const struct server *server = arg;
	if (addr_family(&server->addr) != AF_INET6)
		return 0;
	int scope = (int)server->addr.in6.sin6_scope_id;
	if (scope > 0)
		setsockopt(
		    fd, SOL_SOCKET, SO_BINDTOIFINDEX, &scope, sizeof(scope));
	return 0;
}

/* ---- channels ---- */

static int
set_server(struct server *server)
{
	struct ares_addr_port_node node = {0};
	unsigned len;
	const uint8_t *bytes = addr_bytes(&server->addr, &len);
	if (!bytes)
		return -EINVAL;
	node.family = addr_family(&server->addr);
	memcpy(&node.addr, bytes, len);
	node.udp_port = node.tcp_port = addr_port(&server->addr);
	return ares_set_servers_ports(server->channel, &node) ? -ENOMEM : 0;
}

static int
open_channel(struct stub *s, const struct addr *addr, uint64_t timeout)
{
	struct server *server = &s->server[s->servers];
	char none[] = "/dev/null";
	struct ares_options o = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
		     ARES_FLAG_NOCHECKRESP,
	    .timeout = (int)((timeout + CLOCK_MS - 1) / CLOCK_MS),
	    .tries = 1,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = server,
	    .resolvconf_path = none,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
	server->stub = s;
	server->addr = *addr;
	if (ares_init_options(&server->channel, &o, mask))
		return -ENOMEM;
	s->servers++;
	ares_set_socket_configure_callback(
	    server->channel, on_configure, server);
	return set_server(server);
}

struct stub *
stub_new(const struct stub_setup *setup)
{
	struct stub *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	if (ares_library_init(ARES_LIB_INIT_ALL)) {
		free(s);
		return NULL;
	}
	s->loop = setup->loop;
	s->tries = setup->tries ? setup->tries : 1;
	uv_timer_init(s->loop, &s->timer);
	s->timer.data = s;
	int rc = setup->servers ? 0 : -EINVAL;
	for (size_t i = 0; i < setup->servers && i < STUB_SERVERS && !rc; i++)
		rc = open_channel(s, &setup->server[i], setup->timeout);
	if (!rc)
		return s;
	stub_free(s);
	return NULL;
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

void
stub_free(struct stub *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->servers; i++)
		ares_destroy(s->server[i].channel);
	ares_library_cleanup();
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

/* ---- questions ---- */

static const char *
rcode_name(unsigned rcode)
{
	static const char *const name[] = {
	    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
	return rcode < sizeof(name) / sizeof(*name) ? name[rcode]
						    : "unknown response code";
}

static const char *
status_name(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return "timeout";
	case ARES_ECONNREFUSED:
		return "name server cannot be reached";
	case ARES_EBADNAME:
		return "not a host name";
	case ARES_ENOMEM:
		return "out of memory";
	default:
		return "malformed answer";
	}
}

/* What an answer is read into. */
struct found {
	struct addr addr[STUB_ADDRESSES];
	char alias[STUB_ALIAS];
};

/* The name at the end of the aliases: the one asked for, if there are none. */
static void
read_alias(const struct hostent *h, char alias[STUB_ALIAS])
{
	if (h && h->h_name && strlen(h->h_name) < STUB_ALIAS)
		memcpy(alias, h->h_name, strlen(h->h_name) + 1);
}

/* Addresses of an answer with NOERROR. */
static void
read_addresses(const unsigned char *msg, int len, int family,
    struct stub_answer *a, struct found *to)
{
	struct hostent *host = NULL;
	struct addr *out = to->addr;
	struct ares_addrttl v4[STUB_ADDRESSES];
	struct ares_addr6ttl v6[STUB_ADDRESSES];
	int n = STUB_ADDRESSES;
	int rc = family == AF_INET
		     ? ares_parse_a_reply(msg, len, &host, v4, &n)
		     : ares_parse_aaaa_reply(msg, len, &host, v6, &n);
	read_alias(host, to->alias);
	if (host)
		ares_free_hostent(host);
	a->alias = to->alias;
	if (rc && rc != ARES_ENODATA) {
		a->why = status_name(rc);
		return;
	}
	a->addr = out;
	a->addrs = rc || n < 0 ? 0 : (size_t)n;
	a->none = !a->addrs;
	a->why = a->none ? "no address" : NULL;
	a->ttl = UINT32_MAX;
	for (size_t i = 0; i < a->addrs; i++) {
		int ttl = family == AF_INET ? v4[i].ttl : v6[i].ttl;
		addr_from_bytes(&out[i], family,
		    family == AF_INET ? (void *)&v4[i].ipaddr
				      : (void *)&v6[i].ip6addr,
		    0);
		/* RFC 2181 8: a TTL with the top bit set is 0. */
		if (ttl < 0)
			ttl = 0;
		if ((uint32_t)ttl < a->ttl)
			a->ttl = (uint32_t)ttl;
	}
}

static void ask(struct question *q);

static void
on_answer(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct question *q = arg;
	struct stub *s = q->stub;
	struct found to = {.alias = ""};
	struct stub_answer a = {0};
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
		free(q);
		return;
	}
	if (!msg || len < DNS_HEADER) {
		a.why = status_name(status);
	} else if ((msg[3] & 0xf) == RCODE_NOERROR) {
		read_addresses(msg, len, q->family, &a, &to);
	} else {
		a.why = rcode_name(msg[3] & 0xf);
		a.none = (msg[3] & 0xf) == RCODE_NXDOMAIN;
	}
	if (a.why && !a.none && status != ARES_EBADNAME &&
	    ++q->attempt < s->tries * s->servers) {
		ask(q);
		return;
	}
	q->done(q->arg, &a);
	free(q);
}

static void
ask(struct question *q)
{
	struct stub *s = q->stub;
	struct server *server = &s->server[q->attempt % s->servers];
	ares_query(server->channel, q->host, CLASS_IN,
	    q->family == AF_INET ? TYPE_A : TYPE_AAAA, on_answer, q);
}

int
stub_ask(struct stub *s, const char *host, int family,
    void (*done)(void *arg, const struct stub_answer *a), void *arg)
{
	size_t len = strlen(host);
	struct question *q = calloc(1, sizeof(*q) + len + 1);
	if (!q)
		return -ENOMEM;
	memcpy(q->host, host, len + 1);
	q->stub = s;
	q->family = family;
	q->done = done;
	q->arg = arg;
	ask(q);
	set_timer(s);
	return 0;
}
