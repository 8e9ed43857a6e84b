/* The service manager's socket. */
#include "build.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "notify.h"

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
	uint64_t watchdog;
};

/* A path, or "@name" in the abstract namespace of unix(7). */
static int
set_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || path[1] == '\0' ||
	    len >= sizeof(n->to.sun_path))
		return -EINVAL;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len);
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	return 0;
}

/* sd_watchdog_enabled(3): the time may be meant for another process. */
static uint64_t
read_watchdog(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long n;
	char *end;

	if (us == NULL || us[0] < '0' || us[0] > '9')
		return 0;
	if (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())
		return 0;
	n = strtoull(us, &end, 10);
	return *end == '\0' && n < UINT64_MAX / 1000 ? n * 1000 : 0;
}

struct notify *
notify_new(void)
{
	const struct timeval second = {.tv_sec = 1};
	const char *path = getenv("NOTIFY_SOCKET");
	struct notify *n;

	if (path == NULL || path[0] == '\0')
		return NULL;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0 || set_address(n, path) < 0) {
		log_warn("notify", "NOTIFY_SOCKET: '%s' cannot be used", path);
		notify_free(n);
		return NULL;
	}
	setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	n->watchdog = read_watchdog();
	return n;
}

void
notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

uint64_t
notify_watchdog(const struct notify *n)
{
	return n != NULL ? n->watchdog : 0;
}

void
notify_send(struct notify *n, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	ssize_t sent;
	va_list ap;

	if (n == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	do
		sent = sendto(n->fd, text.data, text.len, MSG_NOSIGNAL,
		    (const struct sockaddr *)&n->to, n->len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		log_warn("notify", "the service manager was not told: %s",
		    strerror(errno));
	buf_free(&text);
}
