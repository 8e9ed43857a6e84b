/*
 * TCP connections of a collector. One epoll descriptor watches all of a pool
 * and is itself watched by the loop: a connection costs one epoll_ctl() and
 * no handle to close later, and libuv never sees the POLLERR that would stop
 * its watcher. Events are edge-triggered.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "clock.h"
#include "socket.h"
#include "stream.h"

enum {
	BATCH_MAX = 64,
	RUN_MAX = 64,	      /* batches in one call */
	READ_MAX = 256 * 1024 /* bytes of a connection; a long chain: 100 k */
};

struct stream {
	struct stream_pool *pool;
	struct stream *next_free;
	void *owner;
	uint32_t slot;
	uint32_t generation; /* tells events of an earlier use apart */
	int fd;		     /* -1: not in use */
	bool connected;
	int error;
	enum stamp stamp;
	uint64_t started_ns;
	uint64_t received_ns;
	uint64_t bytes; /* read so far */
	int64_t offset; /* clock_offset() as of started_ns */
	max_align_t room[];
};

struct stream_pool {
	struct stream_setup setup;
	uv_poll_t poll; /* unless at_tick */
	int epoll;
	int anchor;	      /* see socket_hold_stamps() */
	struct stream **slot; /* owned; all that were ever made */
	uint32_t slots;
	struct stream *free;
};

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	stream_pool_run(poll->data);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int
watch_pool(struct stream_pool *pool)
{
	int err = uv_poll_init(pool->setup.loop, &pool->poll, pool->epoll);

	if (err < 0)
		return err;
	pool->poll.data = pool;
	return uv_poll_start(&pool->poll, UV_READABLE, on_readable);
}

int
stream_pool_new(const struct stream_setup *setup, struct stream_pool **out)
{
	struct stream_pool *pool = calloc(1, sizeof(*pool));
	int err = 0;

	if (pool == NULL)
		return -ENOMEM;
	pool->setup = *setup;
	if (pool->setup.batch == 0 || pool->setup.batch > BATCH_MAX)
		pool->setup.batch = BATCH_MAX;
	pool->anchor = -1;
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (pool->epoll < 0) {
		err = -errno;
		free(pool);
		return err;
	}
	if (setup->payload)
		pool->anchor = socket_hold_stamps();
	if (!setup->at_tick)
		err = watch_pool(pool);
	if (err < 0) {
		stream_pool_free(pool);
		return err;
	}
	*out = pool;
	return 0;
}

void
stream_pool_free(struct stream_pool *pool)
{
	if (pool == NULL)
		return;
	for (uint32_t i = 0; i < pool->slots; i++) {
		stream_close(pool->slot[i]);
		free(pool->slot[i]);
	}
	free(pool->slot);
	/* A handle that uv_poll_init() took is the loop's until it says so. */
	if (pool->poll.data != NULL)
		uv_close((uv_handle_t *)&pool->poll, on_closed);
	if (pool->anchor >= 0)
		close(pool->anchor);
	close(pool->epoll);
	if (pool->poll.data == NULL)
		free(pool);
}

/* One more connection's memory, in use. */
static struct stream *
grow(struct stream_pool *pool)
{
	struct stream *s;

	/* The array grows by doubling, at each power of two. */
	if ((pool->slots & (pool->slots - 1)) == 0) {
		size_t size = pool->slots == 0 ? 1 : (size_t)pool->slots * 2;
		struct stream **slot =
		    realloc(pool->slot, size * sizeof(struct stream *));

		if (slot == NULL)
			return NULL;
		pool->slot = slot;
	}
	s = calloc(1, sizeof(*s) + pool->setup.room);
	if (s == NULL)
		return NULL;
	s->pool = pool;
	s->slot = pool->slots;
	pool->slot[pool->slots++] = s;
	return s;
}

static struct stream *
take(struct stream_pool *pool)
{
	struct stream *s = pool->free;

	if (s == NULL)
		return grow(pool);
	pool->free = s->next_free;
	return s;
}

static void
give_back(struct stream *s)
{
	s->fd = -1;
	s->generation++;
	s->next_free = s->pool->free;
	s->pool->free = s;
}

static int
start_connect(struct stream *s, const struct path *path)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	    .data.u64 = (uint64_t)s->generation << 32 | s->slot};

	s->fd = socket_open(path, s->pool->setup.payload);
	if (s->fd < 0)
		return s->fd;
	if (s->pool->setup.payload)
		s->offset = clock_offset();
	s->started_ns = clock_mono();
	if (connect(s->fd, &path->addr.sa, addr_len(&path->addr)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	if (epoll_ctl(s->pool->epoll, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	return 0;
}

int
stream_open(struct stream_pool *pool, const struct path *path, void *owner,
    struct stream **out)
{
	struct stream *s = take(pool);
	int err;

	if (s == NULL)
		return -ENOMEM;
	s->owner = owner;
	s->connected = false;
	s->error = 0;
	s->stamp = STAMP_NONE;
	s->received_ns = 0;
	s->bytes = 0;
	memset(s->room, 0, pool->setup.room);
	err = start_connect(s, path);
	if (err < 0) {
		if (s->fd >= 0)
			close(s->fd);
		give_back(s);
		return err;
	}
	*out = s;
	return 0;
}

void
stream_close(struct stream *s)
{
	if (s == NULL || s->fd < 0)
		return;
	/* Takes it out of the epoll set too: the descriptor has no copies. */
	close(s->fd);
	give_back(s);
}

void
stream_end_gently(struct stream *s)
{
	socket_end_gently(s->fd);
}

/* Returns whether the connection is there and still the same one. */
static bool
finish_connect(struct stream *s, uint32_t events)
{
	const struct stream_ops *ops = s->pool->setup.ops;
	uint32_t generation = s->generation;
	socklen_t len = sizeof(s->error);

	if ((events & (EPOLLERR | EPOLLHUP)) != 0 &&
	    getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &s->error, &len) < 0)
		s->error = errno;
	if (s->error != 0) {
		ops->failed(s, socket_outcome(s->fd, s->error));
		return false;
	}
	if ((events & EPOLLOUT) == 0)
		return false;
	s->connected = true;
	ops->connected(s);
	return s->generation == generation;
}

static void
serve(struct stream *s, uint32_t events)
{
	if (!s->connected) {
		if (!finish_connect(s, events))
			return;
		/* Its own callback has written; only news is worth a call. */
		if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0)
			return;
	}
	s->pool->setup.ops->io(s);
}

void
stream_pool_run(struct stream_pool *pool)
{
	struct epoll_event ev[BATCH_MAX];
	int batch = (int)pool->setup.batch, n = batch;

	/* The loop will call again; at a tick there is only this call. */
	for (unsigned i = 0; n == batch && i < RUN_MAX; i++) {
		n = epoll_wait(pool->epoll, ev, batch, 0);
		for (int k = 0; k < n; k++) {
			struct stream *s =
			    pool->slot[ev[k].data.u64 & UINT32_MAX];

			if (s->generation == ev[k].data.u64 >> 32)
				serve(s, ev[k].events);
		}
		if (!pool->setup.at_tick)
			return;
	}
}

void
stream_pool_each(struct stream_pool *pool,
    void (*each)(struct stream *s, void *arg), void *arg)
{
	for (uint32_t i = 0; i < pool->slots; i++) {
		if (pool->slot[i]->fd >= 0)
			each(pool->slot[i], arg);
	}
}

uint32_t
stream_use(const struct stream *s)
{
	return s->generation;
}

void *
stream_owner(const struct stream *s)
{
	return s->owner;
}

void *
stream_room(struct stream *s)
{
	return s->room;
}

int
stream_local(const struct stream *s, struct addr *out)
{
	socklen_t len = sizeof(*out);

	return getsockname(s->fd, &out->sa, &len) < 0 ? -errno : 0;
}

uint64_t
stream_started(const struct stream *s)
{
	return s->started_ns;
}

int
stream_error(const struct stream *s)
{
	return s->error;
}

uint64_t
stream_connect_time(const struct stream *s, enum stamp *stamp)
{
	return socket_connect_time(s->fd, s->started_ns, stamp);
}

ssize_t
stream_read(struct stream *s, void *buf, size_t len)
{
	char control[256];
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);

	if (n > 0) {
		s->bytes += (uint64_t)n;
		s->received_ns = socket_received(&msg,
		    &(struct socket_clock){s->started_ns, s->offset},
		    &s->stamp);
		if (s->bytes <= READ_MAX)
			return n;
		s->error = EMSGSIZE;
		return -EMSGSIZE;
	}
	if (n == 0) {
		s->error = ECONNRESET;
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	s->error = errno;
	return -s->error;
}

uint64_t
stream_received(const struct stream *s, enum stamp *stamp)
{
	*stamp = s->stamp;
	return s->received_ns;
}

ssize_t
stream_write(struct stream *s, const void *buf, size_t len)
{
	ssize_t n = send(s->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	s->error = errno;
	return -s->error;
}
