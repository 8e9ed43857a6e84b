/*
 * TCP as a carrier: connections made on a path, watched by one descriptor for
 * a whole pool of them. Their memory is the pool's and is used again, so that
 * a probe allocates nothing.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe.h"

struct uv_loop_s;
struct stream_pool;
struct stream;

/*
 * What becomes of a connection. Any of these may close it, or others of the
 * pool; none is called for it once it is closed.
 */
struct stream_ops {
	void (*connected)(struct stream *s);
	/* Could not connect; the connection is still the owner's to close. */
	void (*failed)(struct stream *s, enum outcome o);
	/*
	 * There is something to read, or room to write again. Told once: read
	 * until -EAGAIN.
	 */
	void (*io)(struct stream *s);
};

struct stream_setup {
	struct uv_loop_s *loop;
	const struct stream_ops *ops;	/* borrowed */
	size_t room;		/* bytes of the owner's beside a connection */
	unsigned batch;		/* connections served at once, at most */
	/*
	 * The loop is not woken: the owner calls stream_pool_run() at each
	 * tick. For those whose times are all the kernel's.
	 */
	bool at_tick;
	/* Bytes will follow the connect: no Nagle, kernel receive times. */
	bool payload;
};

/* 0 or -errno. */
int stream_pool_new(const struct stream_setup *setup, struct stream_pool **out);
/* Closes what is open. Not from within the pool's own calls. */
void stream_pool_free(struct stream_pool *pool);
/* Serves what is ready now. */
void stream_pool_run(struct stream_pool *pool);
/* Calls each() for every open connection; it may close the one it is given. */
void stream_pool_each(struct stream_pool *pool,
    void (*each)(struct stream *s, void *arg), void *arg);

/*
 * Starts to connect. -errno: nothing was sent, nothing will be called. owner
 * is what stream_owner() gives back.
 */
int stream_open(struct stream_pool *pool, const struct path *path, void *owner,
    struct stream **out);
/* At once, with a reset: nothing lingers in TIME_WAIT. NULL is fine. */
void stream_close(struct stream *s);
/*
 * Closing it later will end it as others do: for servers that log a reset, or
 * do not bear it. Only when all was well: what is unsent would linger, too.
 */
void stream_end_gently(struct stream *s);

/*
 * A number that changes when the connection is closed: one that was closed
 * and opened again within a call can be told from the one before.
 */
uint32_t stream_use(const struct stream *s);
void *stream_owner(const struct stream *s);
/* The owner's bytes: setup.room of them, zero after stream_open(). */
void *stream_room(struct stream *s);

/* Our own address and port; of a connected one. 0 or -errno. */
int stream_local(const struct stream *s, struct addr *out);
/* Monotonic time of stream_open(). */
uint64_t stream_started(const struct stream *s);

/* As socket_connect_time(). */
uint64_t stream_connect_time(const struct stream *s, enum stamp *stamp);

/*
 * Bytes read; 0 at the end; -EAGAIN; -errno. -EMSGSIZE: the peer sent more
 * than any answer could need.
 */
ssize_t stream_read(struct stream *s, void *buf, size_t len);
/* When the bytes last read came in, monotonic, and by which clock. */
uint64_t stream_received(const struct stream *s, enum stamp *stamp);
/* Bytes written, maybe less than len; -EAGAIN; -errno. */
ssize_t stream_write(struct stream *s, const void *buf, size_t len);
/* The error (positive errno) that ended reading or writing; 0: none. */
int stream_error(const struct stream *s);

#endif
