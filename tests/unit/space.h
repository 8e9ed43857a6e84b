/*
 * Namespaces of a test's own: from space_enter() on, at the start of main(),
 * its network and its mounts are nobody else's. Needs root or user
 * namespaces; where there are neither the test fails and says so.
 */
#ifndef SPACE_H
#define SPACE_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

/* Before the first test there is nobody to catch a failed assertion. */
#define SPACE_CHECK(x)                                                   \
	do {                                                             \
		if (!(x)) {                                              \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
			    __LINE__, #x);                               \
			_exit(1);                                        \
		}                                                        \
	} while (0)

static inline void
space_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	SPACE_CHECK(fd >= 0);
	SPACE_CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline void
space_map_root(unsigned uid, unsigned gid)
{
	char text[64];
	space_put("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	space_put("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	space_put("/proc/self/gid_map", text);
}

/* lo is down in a new network namespace. */
static inline void
space_loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	SPACE_CHECK(fd >= 0);
	r.ifr_flags = IFF_UP;
	SPACE_CHECK(ioctl(fd, SIOCSIFFLAGS, &r) == 0);
	close(fd);
}

static inline void
space_enter(void)
{
	unsigned uid = getuid(), gid = getgid();
	int flags = CLONE_NEWNET | CLONE_NEWNS;
	int rc = unshare(uid ? flags | CLONE_NEWUSER : flags);
	if (rc) {
		fprintf(stderr,
		    "this test needs namespaces of its own (%s): run it as "
		    "root, or allow user namespaces\n",
		    strerror(errno));
		_exit(1);
	}
	if (uid)
		space_map_root(uid, gid);
	SPACE_CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	space_loopback_up();
}

/* Runs a command; it must succeed. */
static inline void space_do(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

static inline void
space_do(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (system(line)) {
		fprintf(stderr, "failed: %s\n", line);
		_exit(1);
	}
}

#endif
