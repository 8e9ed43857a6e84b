/*
 * A stream on which a collector can talk, over TCP or TLS: connected, its
 * handshake done as the target asks for it, what that took and showed told to
 * the probe, and judged. Media TLS names no server; when such a handshake
 * fails, a second one that does tells whether the path only wanted a name.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe.h"

struct uv_loop_s;
struct anchors;
struct channel;
struct channel_pool;

/* Both may close the channel; what fails goes to probe_fail() from here. */
struct channel_ops {
	void (*ready)(struct channel *c); /* once: bytes may be written */
	/* Bytes came, or there is room again: read until -EAGAIN. */
	void (*io)(struct channel *c);
};

struct channel_setup {
	struct uv_loop_s *loop;
	const struct channel_ops *ops; /* borrowed */
	size_t room;		       /* bytes of the owner's in each */
	bool tls;
	/* Unless the target says otherwise: */
	bool unnamed;		 /* ask for no server name */
	bool judged;		 /* a bad certificate fails the probe */
	struct anchors *anchors; /* as tls_keeper_new() takes both */
	const char *ca_file;
};

/* 0 or -errno. */
int channel_pool_new(
    const struct channel_setup *setup, struct channel_pool **out);
void channel_pool_free(struct channel_pool *pool);
/* To be called now and then while probes over TLS are under way. */
void channel_pool_tick(struct channel_pool *pool, uint64_t now);
void channel_pool_adjust(struct channel_pool *pool, const char *ca_file);

/*
 * Starts for the probe, on its path. -errno: nothing was sent and nothing
 * will be called. *at is where the owner keeps the channel: it is set here,
 * and again when another connection takes the place of the first.
 */
int channel_open(
    struct channel_pool *pool, struct probe *p, struct channel **at);
/* At once; NULL is fine. */
void channel_close(struct channel *c);
/* As stream_end_gently(). */
void channel_end_gently(struct channel *c);

struct probe *channel_probe(const struct channel *c);
/* The owner's bytes, zero at first. */
void *channel_room(struct channel *c);
/* As stream_use(). */
uint32_t channel_use(const struct channel *c);

/*
 * Bytes read or written; -EAGAIN; any other number, 0 for reading among
 * them, is the end of the channel: give it to channel_end().
 */
ssize_t channel_read(struct channel *c, void *buf, size_t len);
ssize_t channel_write(struct channel *c, const void *buf, size_t len);
/* As stream_local(). */
int channel_local(const struct channel *c, struct addr *out);
/* As stream_received(). */
uint64_t channel_received(const struct channel *c, enum stamp *stamp);

/* As stream_connect_time(), of the one that is ready. */
uint64_t channel_connect_time(const struct channel *c, enum stamp *stamp);
/* What the handshake of one that is ready showed; borrowed. */
const struct tls_facts *channel_facts(const struct channel *c);
/*
 * The server may still refuse the certificate that it asked for: what it says
 * comes after the handshake, and only a refusal is sure to come.
 */
bool channel_undecided(const struct channel *c);

/* Fails the probe: by what reading or writing said, or by an outcome. */
void channel_end(struct channel *c, ssize_t n);
void channel_fail(struct channel *c, enum outcome o, int code);

#endif
