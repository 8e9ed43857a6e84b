/*
 * libcurl's multi interface on a loop: its sockets and its timer. What the
 * transfers are, is their owners' to say. Thread of the loop only; the
 * process ignores SIGPIPE, since OpenSSL writes where nobody reads.
 *
 * Within a callback of libcurl's no handle may come or go, and so none of the
 * calls below but multi_call() may be made. In done() and turn() all may.
 */
#ifndef MULTI_H
#define MULTI_H

#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct multi;
struct multi_job;

struct multi_ops {
	/*
	 * It ended, with this CURLcode. The job is not driven any more, and
	 * stays until it is dropped.
	 */
	void (*done)(struct multi_job *j, int code);
	/* What multi_call() asked for. May be NULL. */
	void (*turn)(struct multi_job *j);
	/* Its socket has news that libcurl does not know yet. May be NULL. */
	void (*news)(struct multi_job *j, int fd);
	/* Dropped: ends the handle (curl_easy_cleanup) and itself. */
	void (*free)(struct multi_job *j);
};

/* One transfer; in the owner's struct. */
struct multi_job {
	const struct multi_ops *ops; /* set by the owner, as is easy */
	void *easy;		     /* CURL; its CURLOPT_PRIVATE is set here */
	struct multi *multi;
	struct multi_job *next, **link;
	bool call; /* turn() is wanted */
};

/* NULL: libcurl or memory failed. */
struct multi *multi_open(struct uv_loop_s *loop);
/* Drops all jobs; closes its handles on the loop. NULL is fine. */
void multi_close(struct multi *m);
bool multi_closing(const struct multi *m);

/*
 * When libcurl last came back from a call that held the loop for seconds, as
 * Kerberos can; monotonic, 0: never.
 */
uint64_t multi_stalled(const struct multi *m);

/*
 * What holds for every transfer, whoever asks: HTTP/1.1 over a connection of
 * its own, no redirects, no older TLS than 1.2, no signals, and headers for
 * the origin (tokens) never for the proxy's CONNECT. easy: a CURL.
 */
void multi_policy(void *easy);
/* Starts the transfer. 0 or -ENOMEM: nothing will be called. */
int multi_add(struct multi *m, struct multi_job *j);
/* At once: nothing is called for it any more. */
void multi_drop(struct multi_job *j);
/* turn() is called once libcurl has returned; from its callbacks. */
void multi_call(struct multi_job *j);

#endif
