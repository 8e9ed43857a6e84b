/* Listening sockets, from what the operator writes. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "addr.h"
#include "http_listen.h"

enum { PORT = 19115, UNIX_MODE = 0660, HOST_SIZE = 256, INHERITED_MOST = 64 };

static int
fail(char error[256], const char *address, const char *why)
{
	snprintf(error, 256, "cannot listen on %s: %s", address, why);
	return -1;
}

/* fd, bound and listening, or -errno. */
static int
listen_on(const struct sockaddr *sa, socklen_t len, int only_v6)
{
	int fd, on = 1, err;

	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa->sa_family == AF_INET6)
		setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	if (bind(fd, sa, len) < 0 || listen(fd, SOMAXCONN) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* A socket file that nobody listens on was left by a process that is gone. */
static void
remove_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd;

	if (lstat(un->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(un->sun_path);
	close(fd);
}

static int
open_unix(struct http_listen *l, const char *address, char error[256])
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (path[0] != '/' || strlen(path) >= sizeof(un.sun_path))
		return fail(
		    error, address, "not an absolute path, or too long");
	memcpy(un.sun_path, path, strlen(path) + 1);
	remove_stale(&un);
	l->path = strdup(path);
	if (l->path == NULL)
		return fail(error, address, strerror(ENOMEM));
	l->fd = listen_on((struct sockaddr *)&un, sizeof(un), 0);
	if (l->fd < 0) {
		fail(error, address, strerror(-l->fd));
		free(l->path);
		l->path = NULL;
		return -1;
	}
	/* Who may connect is a matter of the group and of the directory. */
	chmod(path, UNIX_MODE);
	return 0;
}

/* One socket for both families where the host has IPv6. fd or -errno. */
static int
open_any(uint16_t port)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_ANY_INIT};
	struct sockaddr_in any4 = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_ANY)};
	int fd = listen_on((struct sockaddr *)&any6, sizeof(any6), 0);

	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		fd = listen_on((struct sockaddr *)&any4, sizeof(any4), 0);
	return fd;
}

/* The first address of a name; names are for "localhost" above all. */
static int
open_name(const char *host, uint16_t port, const char **why)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	struct addr a = {0};
	int rc = getaddrinfo(host, NULL, &hints, &found);

	if (rc != 0) {
		*why = gai_strerror(rc);
		return -1;
	}
	rc = addr_from_sockaddr(&a, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (rc == 0) {
		addr_set_port(&a, port);
		rc = listen_on(&a.sa, addr_len(&a), 1);
	}
	if (rc < 0)
		*why = strerror(-rc);
	return rc;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a = {0};

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ||
	    addr_from_sockaddr(&a, (struct sockaddr *)&ss, len) < 0)
		return 0;
	return addr_port(&a);
}

/* Whoever made the socket keeps the file that may belong to it. */
static int
open_inherited(struct http_listen *l, const char *address, char error[256])
{
	int fd = -1, listening = 0, type = 0;
	socklen_t len = sizeof(int);
	char end;

	if (sscanf(address, "fd:%d%c", &fd, &end) != 1 || fd <= STDERR_FILENO)
		return fail(error, address, "not the number of a socket");
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    !listening || type != SOCK_STREAM)
		return fail(error, address, "it is no listening socket");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	l->fd = fd;
	l->port = bound_port(fd);
	return 0;
}

unsigned
http_listen_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long n;

	if (pid == NULL || fds == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	n = strtol(fds, NULL, 10);
	return n > 0 && n <= INHERITED_MOST ? (unsigned)n : 0;
}

int
http_listen_open(struct http_listen *l, const char *address, char error[256])
{
	char host[HOST_SIZE], whole[HOST_SIZE];
	const char *why = NULL;
	uint16_t port = PORT;

	*l = (struct http_listen){.fd = -1};
	if (strncmp(address, "unix:", 5) == 0)
		return open_unix(l, address, error);
	if (strncmp(address, "fd:", 3) == 0)
		return open_inherited(l, address, error);
	/* addr_split() wants a host; "*" is a name that nobody has. */
	snprintf(whole, sizeof(whole), "%s%s", address[0] == ':' ? "*" : "",
	    address);
	if (addr_split(whole, host, sizeof(host), &port) < 0)
		return fail(error, address, "not an address:port");
	if (strcmp(host, "*") == 0)
		l->fd = open_any(port);
	else
		l->fd = open_name(host, port, &why);
	if (l->fd < 0)
		return fail(
		    error, address, why != NULL ? why : strerror(-l->fd));
	l->port = bound_port(l->fd);
	return 0;
}

void
http_listen_close(struct http_listen *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (l->path != NULL)
		unlink(l->path);
	free(l->path);
	l->path = NULL;
}
