/*
 * HTTP(S) requests on a loop, through libcurl's multi interface: directly or
 * through a proxy, TLS verified, bounded in time and size. Redirects are not
 * followed and nothing is taken from the environment. Thread of the loop only;
 * the process ignores SIGPIPE, since OpenSSL writes where nobody reads.
 */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct transfer_carrier;
struct transfer;

/* How it ended; everything is borrowed for the length of done(). */
struct transfer_result {
	int error;  /* 0: there is a whole answer; else -errno */
	int status; /* HTTP, 0 when there was none */
	const char *body;
	size_t len;
	const char *redirect; /* where a 3xx points to; NULL */
	uint64_t retry_after; /* ns, as the server asks; 0 */
	const char *why;      /* for people, when error is not 0; no secrets */
};

struct transfer_request {
	const char *url;	  /* http: or https: */
	const char *bearer;	  /* token or NULL; copied, the copy is wiped */
	const char *proxy;	  /* URL; NULL: none */
	const char *ca_file;	  /* trust anchors; NULL: the system's */
	uint64_t connect_timeout; /* ns; 0: that of the whole */
	uint64_t timeout;	  /* ns for the whole; 0: 30 s */
	size_t most;		  /* bytes of body; 0: 16 MiB */
	/*
	 * Called once, never from within transfer_get(). It may start and
	 * cancel others and close the carrier.
	 */
	void (*done)(void *arg, const struct transfer_result *r);
	void *arg;
};

/* NULL: libcurl or memory failed. */
struct transfer_carrier *transfer_open(struct uv_loop_s *loop);
/* Ends all transfers without a call; closes its handles on the loop. */
void transfer_close(struct transfer_carrier *c);

/* A GET. NULL: no memory or a URL beyond sense; done() is then not called. */
struct transfer *transfer_get(
    struct transfer_carrier *c, const struct transfer_request *req);
/* Ends it without a call; not for one whose done() has been called. */
void transfer_cancel(struct transfer *t);

#endif
