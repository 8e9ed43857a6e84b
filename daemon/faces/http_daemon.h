/*
 * libmicrohttpd: a daemon of its for each listening socket, all turned by the
 * one who calls. The library knows TLS at a daemon's start only, so another
 * one takes over the socket where that changes; the old one ends what it has
 * begun. Connections are watched as http_conn.h says.
 */
#ifndef HTTP_DAEMON_H
#define HTTP_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_listen.h"

struct MHD_Daemon;
struct http_request_env;
struct pollfd;

struct http_daemon {
	struct http_listen socket; /* the caller's to open and to close */
	const char *address;	   /* borrowed, as written */
	struct MHD_Daemon *now, *old;
};

struct http_daemons {
	struct http_daemon *daemon; /* borrowed */
	size_t count;
	/* Borrowed: of each the one and the old one; -1 where there is none. */
	struct pollfd *poll;
	const struct http_request_env *env; /* borrowed */
	unsigned idle_s;
	/*
	 * The process ran out of descriptors: the library looks away from its
	 * socket, and back when it is turned again. No event tells.
	 */
	bool strained;
	/* log lines are held back: peers could make them */
	uint64_t log_from;
	unsigned log_held;
};

/* The i-th, as the web configuration is. 0, or -1 with a message. */
int http_daemon_start(struct http_daemons *d, size_t i, char error[256]);
/* All of them are old now, there is none that listens; none was old before. */
void http_daemon_retire(struct http_daemons *d);
/*
 * Stops the old ones that have ended, or all, with what they do; then no
 * request of them waits for a job. Whether none is left.
 */
bool http_daemon_bury(struct http_daemons *d, bool all);
/* Stops them all; no request waits for a job. */
void http_daemon_stop(struct http_daemons *d);

/* Does what there is to do. */
void http_daemon_turn(struct http_daemons *d);
/* When to do that though no descriptor is ready, in ms; UINT64_MAX: never. */
uint64_t http_daemon_timeout(const struct http_daemons *d);

#endif
