/* The web server of tests; see origin.h. */
#include "build.h"

#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>
#include <uv.h>

#include "origin.h"

enum { HEAD = 16384, PATHS = 32, CHUNK = 256 << 10, DRIP_MS = 50 };

struct origin {
	uv_tcp_t listener;
	uint16_t port;
	struct path {
		const char *path, *text;
		enum origin_mode mode;
	} path[PATHS];
	unsigned paths, requests, connections;
	uint64_t sent;
	char request[HEAD];
	struct conn *first;
};

struct conn {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t write;
	struct origin *web;
	struct conn *next;
	char head[HEAD];
	size_t len;
	const struct path *path;
	const char *at; /* of the text, when it drips */
	unsigned handles;
	int closing;
};

static char flood[CHUNK];

static void
on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	if (!--c->handles)
		free(c);
}

/* Closes both handles, the connection by a reset if that is wanted. */
static void
end(struct conn *c, int by_reset)
{
	if (c->closing)
		return;
	c->closing = 1;
	struct conn **at = &c->web->first;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (by_reset)
		uv_tcp_close_reset(&c->tcp, on_closed);
	else
		uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void
shut(struct conn *c)
{
	end(c, 0);
}

static void on_written(uv_write_t *req, int status);

static void
send_bytes(struct conn *c, const char *bytes, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
	c->web->sent += len;
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written))
		shut(c);
}

static void
on_drip(uv_timer_t *t)
{
	struct conn *c = t->data;
	if (*c->at)
		send_bytes(c, c->at++, 1);
}

static void
on_written(uv_write_t *req, int status)
{
	struct conn *c = req->data;
	if (c->closing)
		return;
	if (status < 0) {
		shut(c);
		return;
	}
	switch (c->path->mode) {
	case ORIGIN_SEND:
		shut(c);
		break;
	case ORIGIN_FLOOD:
		send_bytes(c, flood, sizeof(flood));
		break;
	case ORIGIN_RESET:
		end(c, 1);
		break;
	default:
		break;
	}
}

static const struct path *
find_path(const struct origin *w, const char *head)
{
	static const struct path none = {"",
	    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ORIGIN_SEND};
	const char *from = strchr(head, ' ') + 1;
	size_t n = strcspn(from, " ");
	for (unsigned i = 0; i < w->paths; i++)
		if (strlen(w->path[i].path) == n &&
		    !strncmp(w->path[i].path, from, n))
			return &w->path[i];
	return &none;
}

static void
serve(struct conn *c)
{
	struct origin *w = c->web;
	w->requests++;
	memcpy(w->request, c->head, c->len + 1);
	c->path = find_path(w, c->head);
	if (c->path->mode == ORIGIN_DRIP) {
		c->at = c->path->text;
		uv_timer_start(&c->timer, on_drip, DRIP_MS, DRIP_MS);
	} else if (*c->path->text) {
		send_bytes(c, c->path->text, strlen(c->path->text));
	} else if (c->path->mode == ORIGIN_SEND) {
		shut(c);
	}
}

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct conn *c = h->data;
	*buf = uv_buf_init(c->head + c->len, (unsigned)(HEAD - 1 - c->len));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = s->data;
	if (n < 0) {
		shut(c);
		return;
	}
	c->len += (size_t)n;
	c->head[c->len] = '\0';
	if (!c->path && strstr(c->head, "\r\n\r\n"))
		serve(c);
}

static void
on_connection(uv_stream_t *s, int status)
{
	struct origin *w = s->data;
	struct conn *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->web = w;
	c->handles = 2;
	uv_tcp_init(s->loop, &c->tcp);
	uv_timer_init(s->loop, &c->timer);
	c->tcp.data = c->timer.data = c->write.data = c;
	c->next = w->first;
	w->first = c;
	w->connections++;
	assert_int_equal(uv_accept(s, (uv_stream_t *)&c->tcp), 0);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

struct origin *
origin_open(struct uv_loop_s *loop)
{
	struct origin *w = calloc(1, sizeof(*w));
	struct sockaddr_in a;
	struct sockaddr_storage own;
	int len = sizeof(own);
	assert_non_null(w);
	uv_ip4_addr("127.0.0.1", 0, &a);
	uv_tcp_init(loop, &w->listener);
	w->listener.data = w;
	assert_int_equal(
	    uv_tcp_bind(&w->listener, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(
	    uv_listen((uv_stream_t *)&w->listener, 64, on_connection), 0);
	uv_tcp_getsockname(&w->listener, (struct sockaddr *)&own, &len);
	w->port = ntohs(((struct sockaddr_in *)&own)->sin_port);
	return w;
}

static void
on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

void
origin_close(struct origin *w)
{
	while (w->first)
		shut(w->first);
	uv_close((uv_handle_t *)&w->listener, on_listener_closed);
}

uint16_t
origin_port(const struct origin *w)
{
	return w->port;
}

void
origin_on(
    struct origin *w, const char *path, enum origin_mode mode, const char *text)
{
	unsigned i = 0;
	while (i < w->paths && strcmp(w->path[i].path, path))
		i++;
	assert_true(i < PATHS);
	w->path[i] = (struct path){path, text, mode};
	if (i == w->paths)
		w->paths++;
}

const char *
origin_request(const struct origin *w)
{
	return w->request;
}

unsigned
origin_requests(const struct origin *w)
{
	return w->requests;
}

unsigned
origin_connections(const struct origin *w)
{
	return w->connections;
}

uint64_t
origin_sent(const struct origin *w)
{
	return w->sent;
}

char *
origin_url(const struct origin *w, const char *path)
{
	static char url[4][256];
	static unsigned at;
	char *out = url[at++ % 4];
	snprintf(out, sizeof(url[0]), "http://127.0.0.1:%u%s", w->port, path);
	return out;
}
