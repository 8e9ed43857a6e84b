/*
 * TCP sockets as probes want them: made for a path, their connect and what
 * they receive timed by the kernel, their errors told from what ICMP said.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "probe.h"

struct msghdr;

/*
 * Made but not connected; closing it resets, so that nothing lingers in
 * TIME_WAIT. payload: bytes will follow the connect: no Nagle, kernel receive
 * times. The descriptor or -errno.
 */
int socket_open(const struct path *path, bool payload);

/* Closing it will end the connection as others do, not reset it. */
void socket_end_gently(int fd);

/*
 * The kernel stamps packets while some socket asks for it, and is slow to
 * begin: one that stays open keeps it at it between two connections. A
 * descriptor to be closed at the end, or -1.
 */
int socket_hold_stamps(void);

/* Whether the other side has taken the connection. */
bool socket_connected(int fd);

/* What a socket error (errno) means; asks the ICMP message behind it. */
enum outcome socket_outcome(int fd, int err);

/*
 * How long the connect took: the kernel's own time of the SYN, exact however
 * late it is asked for, but not after bytes have been sent. When the SYN had
 * to be repeated (a loss that TCP would hide), or the kernel has no time, the
 * time from started_ns until now, and *stamp says so.
 */
uint64_t socket_connect_time(int fd, uint64_t started_ns, enum stamp *stamp);

/* A moment of a connection by which the two clocks are compared. */
struct socket_clock {
	uint64_t mono;	/* clock_mono() */
	int64_t offset; /* clock_offset() */
};

/*
 * When the message was received, monotonic: by the kernel's stamp in it,
 * unless it has none or the wall clock was stepped since then; else now.
 */
uint64_t socket_received(const struct msghdr *msg,
    const struct socket_clock *since, enum stamp *stamp);

#endif
