/*
 * The socket of a request: ours, on the probe's path, lent to libcurl. What
 * the kernel knows of it is asked for before libcurl goes on.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "clock.h"
#include "web_job.h"

/* A way that is ours to use: its socket on the loop. */
struct web_watch {
	uv_poll_t poll;
	struct web *web;
	int events;
};

static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct web *w = arg;
	const struct addr *to = &w->path->addr;
	int fd = socket_open(w->path, true);

	(void)purpose;
	if (fd < 0) {
		w->end.local = true;
		w->end.socket = outcome_of_errno(-fd, true);
		return CURL_SOCKET_BAD;
	}
	a->family = addr_family(to);
	a->addrlen = addr_len(to);
	memcpy(&a->addr, &to->sa, a->addrlen);
	w->fd = fd;
	w->turned = false;
	w->connected = 0;
	w->started = w->clock.mono = clock_mono();
	w->clock.offset = clock_offset();
	return fd;
}

void
web_socket_note(struct web *w)
{
	if (w->connected != 0 || w->fd < 0 || !socket_connected(w->fd))
		return;
	w->connect_ns =
	    socket_connect_time(w->fd, w->started, &w->connect_stamp);
	w->connected = clock_mono();
	w->end.connected = true;
	multi_call(&w->job);
}

void
web_socket_look(struct web *w)
{
	char control[256];
	struct iovec iov = {
	    .iov_base = w->pool->scrap, .iov_len = sizeof(w->pool->scrap)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	/* MSG_TRUNC: not even copied. */
	ssize_t n = recvmsg(w->fd, &msg, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (n > 0)
		w->received = socket_received(&msg, &w->clock, &w->stamp);
	else if (n == 0)
		w->end.closed = true;
	else if (errno != EAGAIN && errno != EINTR)
		w->end.socket = outcome_of_errno(errno, false);
}

static void
on_watch_closed(uv_handle_t *h)
{
	free(h->data);
}

void
web_socket_unwatch(struct web *w)
{
	if (w->watch == NULL)
		return;
	w->watch->web = NULL;
	uv_close((uv_handle_t *)&w->watch->poll, on_watch_closed);
	w->watch = NULL;
}

static int
on_close(void *arg, curl_socket_t fd)
{
	struct web *w = arg;
	long err = 0;

	if (fd == w->fd) {
		web_socket_note(w);
		if (w->connected == 0)
			curl_easy_getinfo(w->easy, CURLINFO_OS_ERRNO, &err);
		/* What failed in the same breath was never sent. */
		if (err != 0)
			w->end.socket = w->turned
					    ? socket_outcome(fd, (int)err)
					    : outcome_of_errno((int)err, true);
		if (w->watch != NULL) {
			w->end.closed = true;
			web_socket_unwatch(w);
			multi_call(&w->job);
		}
		w->fd = -1;
	}
	return close(fd);
}

static void
on_watch(uv_poll_t *h, int status, int events)
{
	struct web_watch *watch = h->data;
	struct web *w = watch->web;

	(void)events;
	web_socket_look(w);
	if (status < 0 || (watch->events & UV_WRITABLE) != 0) {
		watch->events = UV_READABLE;
		uv_poll_start(&watch->poll, watch->events, on_watch);
	}
	w->pool->setup.ops->io(w);
}

int
web_socket_watch(struct web *w)
{
	struct web_watch *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	if (uv_poll_init_socket(w->pool->loop, &h->poll, w->fd) < 0) {
		free(h);
		return -EIO;
	}
	h->poll.data = h;
	h->web = w;
	h->events = UV_READABLE;
	w->watch = h;
	return uv_poll_start(&h->poll, h->events, on_watch);
}

void
web_socket_want_room(struct web *w)
{
	if (w->watch == NULL)
		return;
	w->watch->events = UV_READABLE | UV_WRITABLE;
	uv_poll_start(&w->watch->poll, w->watch->events, on_watch);
}

void
web_socket_hook(struct web *w)
{
	curl_easy_setopt(w->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(w->easy, CURLOPT_OPENSOCKETDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(w->easy, CURLOPT_CLOSESOCKETDATA, w);
}
