/* A socket that writes to itself until what it reads is stamped. */
#include "build.h"

#include <linux/net_tstamp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "dgram_keeper.h"

enum { ATTEMPTS = 10, WAIT_MS = 1 };

/* Of the loopback and connected to itself: nobody else can write to it. */
static int
open_loop(int family, const char *host)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct addr at;
	socklen_t len = sizeof(at);

	if (fd < 0)
		return -1;
	addr_parse_host(&at, host);
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
	if (bind(fd, &at.sa, addr_len(&at)) == 0 &&
	    getsockname(fd, &at.sa, &len) == 0 &&
	    connect(fd, &at.sa, addr_len(&at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
is_stamped(int fd)
{
	char byte = 0;
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct iovec iov = {&byte, 1};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct pollfd wait = {fd, POLLIN, 0};

	if (send(fd, &byte, 1, 0) < 0 || poll(&wait, 1, WAIT_MS) <= 0)
		return false;
	return recvmsg(fd, &h, 0) >= 0 && CMSG_FIRSTHDR(&h) != NULL;
}

int
dgram_keeper_open(void)
{
	int fd = open_loop(AF_INET, "127.0.0.1");

	if (fd < 0)
		fd = open_loop(AF_INET6, "::1");
	for (unsigned i = 0; i < ATTEMPTS && fd >= 0 && !is_stamped(fd); i++)
		poll(NULL, 0, WAIT_MS);
	return fd;
}

void
dgram_keeper_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
