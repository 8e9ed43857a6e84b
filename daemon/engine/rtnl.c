/* rtnetlink: sockets, requests and the parsing of what comes back. */
#include "build.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "rtnl.h"

enum {
	BUFFER = 32 << 10, /* what the kernel fills at most in a dump */
	DATAGRAMS = 64,	   /* in one go */
	DUMP_TRIES = 4,
	ANSWER_MS = 100 /* the kernel answers within the send */
};

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
	};
	char attributes[128];
};

/* ---- parsing ---- */

struct attributes {
	const void *at[64];
	unsigned len[64];
};

static void
read_attributes(const struct rtattr *a, int len, struct attributes *out)
{
	memset(out, 0, sizeof(*out));
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		unsigned type = a->rta_type & NLA_TYPE_MASK;
		if (type >= 64)
			continue;
		out->at[type] = RTA_DATA(a);
		out->len[type] = RTA_PAYLOAD(a);
	}
}

static uint32_t
get_u32(const struct attributes *a, unsigned type, uint32_t fallback)
{
	uint32_t v = fallback;
	if (a->at[type] && a->len[type] >= sizeof(v))
		memcpy(&v, a->at[type], sizeof(v));
	return v;
}

static void
get_addr(
    const struct attributes *a, unsigned type, int family, struct addr *out)
{
	static const uint8_t zero[16];
	unsigned size = family == AF_INET6 ? 16 : 4;
	bool have = a->at[type] && a->len[type] >= size;
	addr_from_bytes(out, family, have ? a->at[type] : zero, 0);
}

/* The fixed part of a message, or NULL when it is cut short. */
static const void *
fixed_part(const struct nlmsghdr *n, size_t size, struct attributes *a)
{
	if (n->nlmsg_len < NLMSG_LENGTH(size))
		return NULL;
	const char *body = NLMSG_DATA(n);
	read_attributes((const void *)(body + NLMSG_ALIGN(size)),
	    (int)(n->nlmsg_len - NLMSG_LENGTH(size)), a);
	return body;
}

static bool
parse_link(const struct nlmsghdr *n, struct rtnl_message *m)
{
	struct attributes a;
	const struct ifinfomsg *i = fixed_part(n, sizeof(*i), &a);
	/* AF_BRIDGE is about a port of a bridge, not about the link. */
	if (!i || i->ifi_family != AF_UNSPEC)
		return false;
	m->kind = RTNL_LINK;
	m->gone = n->nlmsg_type == RTM_DELLINK;
	m->index = i->ifi_index;
	m->flags = i->ifi_flags;
	m->mtu = get_u32(&a, IFLA_MTU, 0);
	if (a.at[IFLA_IFNAME])
		memcpy(m->name, a.at[IFLA_IFNAME],
		    a.len[IFLA_IFNAME] < IFNAMSIZ ? a.len[IFLA_IFNAME]
						  : IFNAMSIZ - 1);
	return true;
}

static bool
parse_address(const struct nlmsghdr *n, struct rtnl_message *m)
{
	struct attributes a;
	const struct ifaddrmsg *i = fixed_part(n, sizeof(*i), &a);
	if (!i || (i->ifa_family != AF_INET && i->ifa_family != AF_INET6))
		return false;
	m->kind = RTNL_ADDRESS;
	m->gone = n->nlmsg_type == RTM_DELADDR;
	m->index = (int)i->ifa_index;
	m->prefix = i->ifa_prefixlen;
	m->flags = get_u32(&a, IFA_FLAGS, i->ifa_flags);
	/* IFA_ADDRESS is the peer's on point-to-point links. */
	get_addr(&a, a.at[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS, i->ifa_family,
	    &m->addr);
	return true;
}

static bool
parse_route(const struct nlmsghdr *n, struct rtnl_message *m)
{
	struct attributes a;
	const struct rtmsg *r = fixed_part(n, sizeof(*r), &a);
	if (!r || (r->rtm_family != AF_INET && r->rtm_family != AF_INET6))
		return false;
	m->kind = RTNL_ROUTE;
	m->gone = n->nlmsg_type == RTM_DELROUTE;
	m->index = (int)get_u32(&a, RTA_OIF, 0);
	m->type = r->rtm_type;
	m->prefix = r->rtm_dst_len;
	m->flags = r->rtm_flags;
	get_addr(&a, RTA_DST, r->rtm_family, &m->addr);
	return true;
}

/* Routes that come and go with addresses, or with traffic. */
static bool
is_noise(const struct nlmsghdr *n, const struct rtnl_message *m)
{
	struct attributes a;
	const struct rtmsg *r = fixed_part(n, sizeof(*r), &a);
	return get_u32(&a, RTA_TABLE, r->rtm_table) == RT_TABLE_LOCAL ||
	       m->flags & RTM_F_CLONED || m->type == RTN_LOCAL ||
	       m->type == RTN_BROADCAST || m->type == RTN_ANYCAST ||
	       m->type == RTN_MULTICAST;
}

static bool
parse(const struct nlmsghdr *n, struct rtnl_message *m)
{
	memset(m, 0, sizeof(*m));
	switch (n->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return parse_link(n, m);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return parse_address(n, m);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_route(n, m);
	default:
		return false;
	}
}

/* ---- sockets ---- */

static int
subscribe(int fd)
{
	static const int group[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
	    RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	for (unsigned i = 0; i < sizeof(group) / sizeof(*group); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			&group[i], sizeof(group[i])) < 0)
			return -errno;
	return 0;
}

int
rtnl_open(bool watch, int rcvbuf)
{
	struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	struct timeval tv = {.tv_usec = ANSWER_MS * 1000};
	int fd = socket(AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | (watch ? SOCK_NONBLOCK : 0),
	    NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	int rc = bind(fd, (struct sockaddr *)&any, sizeof(any)) ? -errno : 0;
	if (!rc && watch)
		rc = subscribe(fd);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* One datagram of the kernel: its length, -errno. A cut one was lost. */
static ssize_t
receive(int fd, void *buffer, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {buffer, size};
		struct msghdr m = {
		    .msg_name = &from,
		    .msg_namelen = sizeof(from),
		    .msg_iov = &iov,
		    .msg_iovlen = 1,
		};
		ssize_t n = recvmsg(fd, &m, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from.nl_pid)
			continue; /* some process, not the kernel */
		return m.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
	}
}

int
rtnl_read(
    int fd, void (*each)(void *arg, const struct rtnl_message *m), void *arg)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER];
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		ssize_t got = receive(fd, buffer, sizeof(buffer));
		if (got < 0)
			return got == -EAGAIN ? 0 : (int)got;
		unsigned len = (unsigned)got;
		for (const struct nlmsghdr *n = (void *)buffer;
		     NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
			struct rtnl_message m;
			if (parse(n, &m) &&
			    !(m.kind == RTNL_ROUTE && is_noise(n, &m)))
				each(arg, &m);
		}
	}
	return 1;
}

/* ---- requests ---- */

static void
put(struct request *r, unsigned type, const void *data, size_t len)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));
	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	r->head.nlmsg_len =
	    (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static int
send_request(int fd, struct request *r)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	r->head.nlmsg_seq = (uint32_t)clock_mono();
	if (sendto(fd, r, r->head.nlmsg_len, 0, (struct sockaddr *)&kernel,
		sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* The error that a message carries: 0 for none; 1 when it ends the answer. */
static int
end_of(const struct nlmsghdr *n)
{
	int error = 0;
	if (n->nlmsg_type == NLMSG_DONE)
		return 1;
	if (n->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (n->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		error = ((const struct nlmsgerr *)NLMSG_DATA(n))->error;
	return error < 0 ? error : 1;
}

/* One pass through a dump; -EINTR when it changed while it was written. */
static int
read_dump(int fd, uint32_t seq,
    void (*each)(void *arg, const struct rtnl_message *m), void *arg)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER];
	bool torn = false;
	for (;;) {
		ssize_t got = receive(fd, buffer, sizeof(buffer));
		if (got < 0)
			return (int)got;
		unsigned len = (unsigned)got;
		for (const struct nlmsghdr *n = (void *)buffer;
		     NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
			struct rtnl_message m;
			if (n->nlmsg_seq != seq)
				continue;
			torn |= n->nlmsg_flags & NLM_F_DUMP_INTR;
			int end = end_of(n);
			if (end)
				return end < 0 ? end : torn ? -EINTR : 0;
			if (parse(n, &m))
				each(arg, &m);
		}
	}
}

int
rtnl_dump(int fd, enum rtnl_kind kind,
    void (*each)(void *arg, const struct rtnl_message *m), void *arg)
{
	uint32_t mask = RTEXT_FILTER_SKIP_STATS;
	int rc = -EINVAL;
	for (unsigned i = 0; i < DUMP_TRIES; i++) {
		struct request r = {0};
		bool links = kind == RTNL_LINK;
		r.head.nlmsg_type = links ? RTM_GETLINK : RTM_GETADDR;
		r.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		r.head.nlmsg_len =
		    NLMSG_LENGTH(links ? sizeof(r.link) : sizeof(r.address));
		if (links)
			put(&r, IFLA_EXT_MASK, &mask, sizeof(mask));
		rc = send_request(fd, &r);
		if (!rc)
			rc = read_dump(fd, r.head.nlmsg_seq, each, arg);
		if (rc != -EINTR)
			break;
	}
	return rc;
}

/* The first message with that sequence number says it all. */
static int
read_route(int fd, uint32_t seq, struct rtnl_message *out)
{
	_Alignas(struct nlmsghdr) char buffer[4096];
	for (;;) {
		ssize_t got = receive(fd, buffer, sizeof(buffer));
		if (got < 0)
			return got == -EAGAIN ? -ETIMEDOUT : (int)got;
		unsigned len = (unsigned)got;
		const struct nlmsghdr *n = (void *)buffer;
		if (!NLMSG_OK(n, len) || n->nlmsg_seq != seq)
			continue; /* late, of an earlier question */
		int end = end_of(n);
		if (end)
			return end < 0 ? end : -EBADMSG;
		return parse(n, out) && out->kind == RTNL_ROUTE ? 0 : -EBADMSG;
	}
}

int
rtnl_route(int fd, const struct addr *dst, const struct addr *src, int oif,
    struct rtnl_message *out)
{
	struct request r = {0};
	unsigned len;
	const uint8_t *bytes = addr_bytes(dst, &len);
	if (!bytes)
		return -EINVAL;
	r.head.nlmsg_type = RTM_GETROUTE;
	r.head.nlmsg_flags = NLM_F_REQUEST;
	r.head.nlmsg_len = NLMSG_LENGTH(sizeof(r.route));
	r.route.rtm_family = (unsigned char)addr_family(dst);
	r.route.rtm_dst_len = (unsigned char)(8 * len);
	put(&r, RTA_DST, bytes, len);
	if (addr_family(src) == addr_family(dst)) {
		bytes = addr_bytes(src, &len);
		r.route.rtm_src_len = (unsigned char)(8 * len);
		put(&r, RTA_SRC, bytes, len);
	}
	if (oif > 0)
		put(&r, RTA_OIF, &oif, sizeof(oif));
	int rc = send_request(fd, &r);
	return rc ? rc : read_route(fd, r.head.nlmsg_seq, out);
}
