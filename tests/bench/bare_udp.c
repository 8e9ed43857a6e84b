/*
 * The least that sends a fleet's requests at the daemon's times: a timer of
 * 100 ms, a sendto each, answers and transmit stamps read at the next tick.
 * Prints the CPU seconds it took. For bench_daemon.py.
 *
 *	bare_udp PORT TARGETS INTERVAL_MS SECONDS
 */
#include "build.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "wire_stun.h"

enum { BATCH = 64, TICK_MS = 100, ROOM = 4 << 20 };

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = ROOM;
	int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
		    SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
		    SOF_TIMESTAMPING_OPT_TSONLY;

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) <
	    0)
		die("SO_TIMESTAMPING");
	return fd;
}

static void
drain(int fd, int flags)
{
	static uint8_t bytes[BATCH][256], control[BATCH][256];
	static struct addr peer[BATCH];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int n;

	do {
		memset(m, 0, sizeof(m));
		for (unsigned i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
			m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
			    .msg_iovlen = 1,
			    .msg_name = &peer[i],
			    .msg_namelen = sizeof(peer[i]),
			    .msg_control = control[i],
			    .msg_controllen = sizeof(control[i])};
		}
		n = recvmmsg(fd, m, BATCH, flags | MSG_DONTWAIT, NULL);
	} while (n == BATCH);
}

static void
send_one(int fd, unsigned number, uint16_t port)
{
	uint8_t bytes[4] = {
	    127, 1, (uint8_t)(number / 200), (uint8_t)(number % 200 + 1)};
	uint8_t packet[STUN_REQUEST], id[STUN_ID] = {0};
	struct addr to;

	memcpy(id, &number, sizeof(number));
	addr_from_bytes(&to, AF_INET, bytes, port);
	wire_stun_request(packet, id);
	if (sendto(fd, packet, sizeof(packet), 0, &to.sa, addr_len(&to)) < 0 &&
	    errno != ECONNREFUSED)
		die("sendto");
}

int
main(int argc, char **argv)
{
	unsigned targets, next = 0, interval, ticks;
	int fd = open_socket();
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec every = {
	    {0, TICK_MS * (long)CLOCK_MS}, {0, TICK_MS * (long)CLOCK_MS}};
	uint64_t due = 0, turns;
	double began;

	if (argc < 5)
		return 2;
	targets = (unsigned)strtoul(argv[2], NULL, 10);
	interval = (unsigned)strtoul(argv[3], NULL, 10);
	ticks = (unsigned)(strtod(argv[4], NULL) * 1000) / TICK_MS;
	if (interval == 0 || targets == 0 ||
	    timerfd_settime(timer, 0, &every, NULL) < 0)
		die("timer");
	began = cpu_now();
	for (unsigned t = 0; t < ticks; t++) {
		if (read(timer, &turns, sizeof(turns)) < 0)
			die("read");
		drain(fd, 0);
		drain(fd, MSG_ERRQUEUE);
		for (due += (uint64_t)targets * TICK_MS; due >= interval;
		     due -= interval)
			send_one(fd, next++ % targets,
			    (uint16_t)strtoul(argv[1], NULL, 10));
	}
	printf("%.6f CPU seconds, %u requests\n", cpu_now() - began, next);
	return 0;
}
