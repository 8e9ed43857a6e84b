/*
 * Datagrams are read in batches and answered from the address that they were
 * sent to, also when the socket is bound to all.
 */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "reflect_fate.h"
#include "reflect_udp.h"
#include "wire_stun.h"

enum { BATCH = 64, ROUNDS = 16, CONTROL = 64, BUFFER = 4 << 20 };

struct slot {
	struct addr peer;
	struct iovec iov;
	char control[CONTROL];
	uint8_t bytes[STUN_MAX];
};

struct reflect_udp {
	uv_poll_t poll;
	int fd;
	struct reflect_fate *fate; /* borrowed */
	struct slot slot[BATCH];
	struct mmsghdr msg[BATCH];
};

/* The address the datagram was sent to. */
static void
local_of(struct msghdr *m, struct reflect_answer *a)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo p;

			memcpy(&p, CMSG_DATA(c), sizeof(p));
			addr_from_bytes(&a->from, AF_INET, &p.ipi_spec_dst, 0);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo p;

			memcpy(&p, CMSG_DATA(c), sizeof(p));
			addr_from_bytes(&a->from, AF_INET6, &p.ipi6_addr, 0);
			a->ifindex = p.ipi6_ifindex;
		}
	}
}

static void
put_local(struct msghdr *m, const struct reflect_answer *a)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (addr_family(&a->from) == AF_INET) {
		struct in_pktinfo p = {.ipi_spec_dst = a->from.in.sin_addr};

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
		m->msg_controllen = CMSG_SPACE(sizeof(p));
	} else {
		struct in6_pktinfo p = {.ipi6_addr = a->from.in6.sin6_addr,
		    .ipi6_ifindex = a->ifindex};

		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(p));
		memcpy(CMSG_DATA(c), &p, sizeof(p));
		m->msg_controllen = CMSG_SPACE(sizeof(p));
	}
}

void
reflect_udp_send(const struct reflect_answer *a)
{
	union {
		char bytes[CONTROL];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {(void *)(uintptr_t)a->bytes, a->len};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)&a->to,
	    .msg_namelen = addr_len(&a->to),
	    .msg_iov = &iov,
	    .msg_iovlen = 1};

	if (addr_family(&a->from) != 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = CONTROL;
		put_local(&m, a);
	}
	/* A full buffer or a pending ICMP error loses it, as a network may. */
	if (sendmsg(a->fd, &m, 0) < 0 && errno == ECONNREFUSED)
		(void)!sendmsg(a->fd, &m, 0);
}

static void
answer(struct reflect_udp *u, unsigned i)
{
	struct slot *s = &u->slot[i];
	struct msghdr *m = &u->msg[i].msg_hdr;
	struct reflect_answer a = {.fd = u->fd};

	a.to = s->peer;
	local_of(m, &a);
	if (reflect_fate_answer(
		u->fate, s->bytes, u->msg[i].msg_len, &a.to, &a))
		reflect_fate_release(u->fate, &a);
}

static void
on_readable(uv_poll_t *p, int status, int events)
{
	struct reflect_udp *u = p->data;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int n;

		for (unsigned i = 0; i < BATCH; i++) {
			struct slot *s = &u->slot[i];

			s->iov = (struct iovec){s->bytes, sizeof(s->bytes)};
			u->msg[i].msg_hdr =
			    (struct msghdr){.msg_name = &s->peer,
				.msg_namelen = sizeof(s->peer),
				.msg_iov = &s->iov,
				.msg_iovlen = 1,
				.msg_control = s->control,
				.msg_controllen = CONTROL};
		}
		n = recvmmsg(u->fd, u->msg, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			answer(u, (unsigned)i);
		if (n < BATCH)
			return;
	}
}

static int
bound_socket(struct addr *at)
{
	int fd = socket(
	    addr_family(at), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, size = BUFFER;
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (addr_family(at) == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	if (bind(fd, &at->sa, addr_len(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	addr_from_sockaddr(at, (struct sockaddr *)&bound, len);
	return fd;
}

struct reflect_udp *
reflect_udp_listen(struct uv_loop_s *loop, struct addr *at,
    struct reflect_fate *fate, char error[256])
{
	struct reflect_udp *u = calloc(1, sizeof(*u));
	char text[ADDR_TEXT];
	int fd, err;

	if (u == NULL)
		return NULL;
	fd = bound_socket(at);
	err = fd < 0 ? fd : uv_poll_init(loop, &u->poll, fd);
	if (err < 0) {
		snprintf(
		    error, 256, "%s: %s", addr_text(at, text), strerror(-err));
		if (fd >= 0)
			close(fd);
		free(u);
		return NULL;
	}
	u->fd = fd;
	u->fate = fate;
	u->poll.data = u;
	uv_poll_start(&u->poll, UV_READABLE, on_readable);
	return u;
}

static void
on_closed(uv_handle_t *h)
{
	struct reflect_udp *u = h->data;

	close(u->fd);
	free(u);
}

void
reflect_udp_close(struct reflect_udp *u)
{
	uv_close((uv_handle_t *)&u->poll, on_closed);
}
