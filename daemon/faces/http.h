/*
 * The HTTP server: its own thread, routes as a table, limits and time-outs.
 * It knows snapshots and the hooks below, nothing else of the daemon.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct inquiry;
struct snapshotter;

/*
 * What a request may ask of the daemon. The calls are made in the HTTP
 * thread, which serves nobody until they return; only reload has a thread of
 * its own and may take its time. http_stop() waits for it: who stops the
 * server sees to it that reload returns.
 */
struct http_hooks {
	/*
	 * Loads the configuration again and waits for the result. 0, or
	 * negative with the errors, for people, in *errors.
	 */
	int (*reload)(void *arg, struct buf *errors);
	/*
	 * Starts a round now: of the target of that name, or of all for NULL.
	 * 0, -ENOENT, or -EAGAIN when the rate limit forbids it.
	 */
	int (*probe)(void *arg, const char *target);
	/*
	 * Probes what q says; it is answered from another thread, at the
	 * latest soon after recall(). False: too many are under way.
	 */
	bool (*ask)(void *arg, struct inquiry *q);
	/* All that is asked is answered now, whatever is under way for it. */
	void (*recall)(void *arg);
	/* Whether a first round is over (or its grace time). */
	bool (*ready)(void *arg);
	/* Whether the probe loops turn. */
	bool (*healthy)(void *arg);
	void *arg;
};

struct http_setup {
	/* "127.0.0.1:19115", ":19115", "unix:/path" */
	const char *const *listen;
	size_t listens;
	const char *telemetry_path;  /* "/metrics" */
	const char *web_file;	     /* webconfig.h; NULL: none. Borrowed */
	unsigned connections;	     /* limit; 0: 512 */
	unsigned connections_per_ip; /* 0: 320 */
	/*
	 * Time-outs: without a byte, until the request is complete, from there
	 * to the end of the answer. 0: 30 s, 10 s, 120 s.
	 */
	unsigned idle_ms, request_ms, total_ms;
	bool lifecycle;			/* /-/reload and /-/probe are allowed */
	struct snapshotter *snapshots;	/* borrowed */
	const struct http_hooks *hooks; /* borrowed */
};

struct http;

/* NULL, with a message in error[256], when it cannot listen. */
struct http *http_start(const struct http_setup *setup, char error[256]);
void http_stop(struct http *h); /* waits for its thread; NULL is fine */
/* The port of listener i as bound (":0" lets the kernel choose). */
uint16_t http_port(const struct http *h, size_t i);

/* Requests answered, for the exposition: handler and status code. */
void http_each_count(const struct http *h,
    void (*each)(void *arg, const char *handler, unsigned code, uint64_t n),
    void *arg);

#endif
