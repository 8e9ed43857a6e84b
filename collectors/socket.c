/* Making TCP sockets, and asking the kernel what it knows of them. */
#include "build.h"

#include <errno.h>
#include <time.h> /* before errqueue.h, which lacks it */
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "socket.h"

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno
									: 0;
}

void
socket_end_gently(int fd)
{
	const struct linger off = {0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
}

int
socket_hold_stamps(void)
{
	int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		set_int(fd, SOL_SOCKET, SO_TIMESTAMPING, flags);
	return fd;
}

/* What the path asks for. Errors are the operator's to know. */
static int
apply_path(int fd, const struct path *path)
{
	bool v6 = addr_family(&path->addr) == AF_INET6;
	int err = 0;

	if (path->interface[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, path->interface,
		(socklen_t)strlen(path->interface)) < 0)
		return -errno;
	if (path->dscp != 0)
		err = set_int(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		    v6 ? IPV6_TCLASS : IP_TOS, path->dscp << 2);
	if (err < 0 || addr_family(&path->source) == AF_UNSPEC)
		return err;
	/* The port is chosen at connect(), where it need only be free there. */
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (bind(fd, &path->source.sa, addr_len(&path->source)) < 0)
		return -errno;
	return 0;
}

/*
 * What we ask for. RECVERR brings ICMP errors as they are, so that a filter
 * can be told from a missing host, and over IPv6 at once instead of with the
 * next SYN.
 */
static void
apply_setup(int fd, int family, bool payload)
{
	bool v6 = family == AF_INET6;
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	set_int(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    v6 ? IPV6_RECVERR : IP_RECVERR, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (!payload)
		return;
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_TIMESTAMPING,
	    SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
}

int
socket_open(const struct path *path, bool payload)
{
	int family = addr_family(&path->addr), err;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	err = apply_path(fd, path);
	if (err < 0) {
		close(fd);
		return err;
	}
	apply_setup(fd, family, payload);
	return fd;
}

/*
 * The ICMP message behind an error, if there is one: errno alone cannot tell
 * "administratively prohibited" from "no such host" (RFC 1812, 5.2.7.1).
 */
enum outcome
socket_outcome(int fd, int err)
{
	char control[256];
	struct msghdr msg = {
	    .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;

	if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0)
		return outcome_of_errno(err, false);
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		struct sock_extended_err ee;

		if ((c->cmsg_level != IPPROTO_IP ||
			c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 ||
			c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin == SO_EE_ORIGIN_ICMP)
			return outcome_of_icmp(AF_INET, ee.ee_type, ee.ee_code);
		if (ee.ee_origin == SO_EE_ORIGIN_ICMP6)
			return outcome_of_icmp(
			    AF_INET6, ee.ee_type, ee.ee_code);
	}
	return outcome_of_errno(err, false);
}

bool
socket_connected(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state != TCP_SYN_SENT &&
	       info.tcpi_state != TCP_SYN_RECV && info.tcpi_state != TCP_CLOSE;
}

uint64_t
socket_connect_time(int fd, uint64_t started_ns, enum stamp *stamp)
{
	uint64_t elapsed = clock_mono() - started_ns;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	*stamp = STAMP_USER;
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    info.tcpi_rtt == 0 || info.tcpi_total_retrans != 0 ||
	    info.tcpi_rtt > elapsed / 1000 + 1)
		return elapsed;
	*stamp = STAMP_TCP_INFO;
	return (uint64_t)info.tcpi_rtt * 1000;
}

/* The kernel's receive time in the message, CLOCK_REALTIME; 0: none. */
static int64_t
find_stamp(const struct msghdr *msg)
{
	/* CMSG_NXTHDR() wants one that may be written, and writes nothing. */
	struct msghdr *m = (struct msghdr *)(uintptr_t)msg;
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPING)
			continue;
		/* The first of three is the software one. */
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (int64_t)ts.tv_sec * (int64_t)CLOCK_SEC + ts.tv_nsec;
	}
	return 0;
}

/* Slewing a clock is at most 1 in 1,000; more was a step. */
uint64_t
socket_received(const struct msghdr *msg, const struct socket_clock *since,
    enum stamp *stamp)
{
	uint64_t now = clock_mono();
	int64_t real = find_stamp(msg), offset, drift, at;

	*stamp = STAMP_USER;
	if (real == 0)
		return now;
	offset = clock_offset();
	at = real - offset;
	drift = offset - since->offset;
	if (drift < 0)
		drift = -drift;
	if ((uint64_t)drift > CLOCK_MS + (now - since->mono) / 1000)
		return now;
	if (at < (int64_t)since->mono || at > (int64_t)now)
		return now;
	*stamp = STAMP_KERNEL_RX;
	return (uint64_t)at;
}
