/*
 * One request over HTTP, or the way to a server that speaks it: libcurl
 * connects, asks proxies and does TLS on our socket; times, certificates and
 * what the end means are ours. A connection for each, never used again.
 */
#ifndef WEB_H
#define WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe.h"

struct collector_counts;
struct collector_setup;
struct web;
struct web_pool;

/* What the origin answered; the head is all of it that is read. */
struct web_answer {
	int status;
	uint64_t rtt_ns; /* from the request to the first byte */
	enum stamp stamp;
	bool by_proxy;	/* the proxy itself gave it, for a request in clear */
	bool redirects; /* to another place; it is not followed */
};

struct web_ops {
	/* The path is there and the request goes out; or it may be written. */
	void (*ready)(struct web *w);
	void (*answered)(struct web *w, const struct web_answer *a);
	/* It ended otherwise. */
	void (*failed)(struct web *w, enum outcome o, int code);
	/*
	 * Of a way only (see below): bytes came, or there is room again; read
	 * until -EAGAIN.
	 */
	void (*io)(struct web *w);
};

struct web_setup {
	const struct collector_setup *collector;
	const struct web_ops *ops; /* each may close the web it is given */
	/* Only the way to the server: what follows is written and read here. */
	bool way;
};

/* 0 or -errno. */
int web_pool_new(const struct web_setup *setup, struct web_pool **out);
void web_pool_free(struct web_pool *pool);
void web_pool_adjust(
    struct web_pool *pool, const struct collector_setup *setup);
void web_pool_counts(const struct web_pool *pool, struct collector_counts *add);

/* On the probe's path. -errno: nothing was sent, nothing will be called. */
int web_open(struct web_pool *pool, struct probe *p, struct web **out);
/* At once; NULL is fine. */
void web_close(struct web *w);

struct probe *web_probe(const struct web *w);

/*
 * Bytes read or written; -EAGAIN; 0 (reading) or another -errno is the end of
 * the way: web_end() says how it ended.
 */
ssize_t web_read(struct web *w, void *buf, size_t len);
ssize_t web_write(struct web *w, const void *buf, size_t len);
/* Calls failed(). */
void web_end(struct web *w, ssize_t n);
/* When the bytes read last came in, monotonic. */
uint64_t web_received(const struct web *w, enum stamp *stamp);

#endif
