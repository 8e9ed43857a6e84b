/* Listening sockets of the HTTP server, from what the operator writes. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stdint.h>

struct http_listen {
	int fd;	       /* -1: closed */
	uint16_t port; /* as bound; 0 for a Unix socket */
	char *path;    /* of a Unix socket, owned; else NULL */
};

/*
 * "127.0.0.1:19115", "[::1]:0", "localhost:19115", ":19115" (all addresses,
 * IPv4 and IPv6), "unix:/path", "fd:3" (a listening socket that this process
 * was started with); port 19115 unless it is given. 0, or -1 with a message in
 * error[256].
 */
int http_listen_open(
    struct http_listen *l, const char *address, char error[256]);

/*
 * How many sockets the service manager handed over by sd_listen_fds(3): fd:3
 * and on.
 */
unsigned http_listen_inherited(void);

/* Closes it, and removes the Unix socket unless it was handed over. */
void http_listen_close(struct http_listen *l);

#endif
