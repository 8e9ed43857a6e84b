/*
 * libcurl asks for sockets and one timer; here they are uv_poll handles and
 * one uv_timer. A timeout of 0 becomes 1 ms: libuv runs a timer of 0 that is
 * set by a timer again in the same pass and starves the sockets. Names are
 * resolved by curl's thread, and QUICK_EXIT keeps curl from waiting for it.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "buf.h"
#include "clock.h"
#include "transfer.h"

enum { BODY_MOST = 16 << 20, HEADERS_MOST = 256 << 10, TIMEOUT_S = 30 };

struct transfer_carrier {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct transfer *first; /* those under way */
	bool busy, closing;
};

struct transfer {
	struct transfer_carrier *carrier;
	struct transfer *next, **link;
	CURL *easy;
	struct curl_slist *headers;
	char *secret; /* the header line with the token: one of headers */
	struct buf body;
	size_t most, header_bytes;
	const char *limit; /* which bound was crossed, static; NULL: none */
	char error[CURL_ERROR_SIZE];
	void (*done)(void *arg, const struct transfer_result *r);
	void *arg;
};

struct socket {
	uv_poll_t poll;
	struct transfer_carrier *carrier;
	curl_socket_t fd;
	int events;
	bool gone;
};

static void reap(struct transfer_carrier *c);

/* ---- sockets and the timer ---- */

static void
on_socket_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct socket *s = h->data;
	struct transfer_carrier *c = s->carrier;
	int flags = 0, running;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* libuv reports a refused connection so, and stops the handle. */
	if (status < 0)
		flags = CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
	c->busy = true;
	curl_multi_socket_action(c->multi, s->fd, flags, &running);
	c->busy = false;
	if (status < 0 && !s->gone)
		uv_poll_start(&s->poll, s->events, on_ready);
	reap(c);
}

static struct socket *
socket_new(struct transfer_carrier *c, curl_socket_t fd)
{
	struct socket *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->carrier = c;
	s->fd = fd;
	if (uv_poll_init_socket(c->loop, &s->poll, fd)) {
		free(s);
		return NULL;
	}
	s->poll.data = s;
	curl_multi_assign(c->multi, fd, s);
	return s;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct transfer_carrier *c = arg;
	struct socket *s = socket_arg;
	if (what == CURL_POLL_REMOVE) {
		if (!s)
			return 0;
		s->gone = true;
		curl_multi_assign(c->multi, fd, NULL);
		uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		return 0;
	}
	if (!s)
		s = socket_new(c, fd);
	if (!s)
		return 0; /* its time-out ends the transfer */
	s->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
		    (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	uv_poll_start(&s->poll, s->events, on_ready);
	return 0;
}

static void
on_time(uv_timer_t *h)
{
	struct transfer_carrier *c = h->data;
	int running;
	c->busy = true;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	c->busy = false;
	reap(c);
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct transfer_carrier *c = arg;
	if (ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(
		    &c->timer, on_time, ms > 0 ? (uint64_t)ms : 1, 0);
	return 0;
}

/* ---- the carrier ---- */

struct transfer_carrier *
transfer_open(struct uv_loop_s *loop)
{
	struct transfer_carrier *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(c);
		return NULL;
	}
	c->multi = curl_multi_init();
	if (!c->multi) {
		curl_global_cleanup();
		free(c);
		return NULL;
	}
	c->loop = loop;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

static void
on_carrier_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
destroy(struct transfer_carrier *c)
{
	while (c->first)
		transfer_cancel(c->first);
	curl_multi_cleanup(c->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&c->timer, on_carrier_closed);
}

void
transfer_close(struct transfer_carrier *c)
{
	if (!c)
		return;
	c->closing = true;
	if (!c->busy)
		destroy(c);
}

/* ---- one transfer ---- */

static size_t
on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	if (n > t->most - t->body.len) {
		t->limit = "the answer is too large";
		return 0;
	}
	buf_put(&t->body, bytes, n);
	return t->body.err ? 0 : n;
}

static size_t
on_header(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	t->header_bytes += n;
	if (t->header_bytes <= HEADERS_MOST)
		return n;
	t->limit = "the headers of the answer are too large";
	return 0;
}

static void
transfer_free(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	if (t->secret)
		explicit_bzero(t->secret, strlen(t->secret));
	curl_slist_free_all(t->headers);
	buf_free(&t->body);
	free(t);
}

static void
unlink_transfer(struct transfer *t)
{
	curl_multi_remove_handle(t->carrier->multi, t->easy);
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
}

static int
to_errno(const struct transfer *t, CURLcode code)
{
	if (t->limit || code == CURLE_FILESIZE_EXCEEDED)
		return -EFBIG;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
		return -EACCES;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void
finish(struct transfer *t, CURLcode code)
{
	long status = 0;
	curl_off_t after = 0;
	char *redirect = NULL;
	struct transfer_result r = {.error = to_errno(t, code)};
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &redirect);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
	r.status = status > 0 && status < 1000 ? (int)status : 0;
	r.body = buf_str(&t->body);
	r.len = t->body.len;
	r.redirect = redirect;
	if (after > 0)
		r.retry_after =
		    (uint64_t)(after < 86400 ? after : 86400) * CLOCK_SEC;
	if (r.error == -EFBIG)
		r.why = t->limit ? t->limit : "the answer is too large";
	else if (r.error)
		r.why = t->error[0] ? t->error : curl_easy_strerror(code);
	unlink_transfer(t);
	t->done(t->arg, &r);
	transfer_free(t);
}

/* Tells of all that ended; a carrier closed meanwhile goes away at the end. */
static void
reap(struct transfer_carrier *c)
{
	CURLMsg *msg;
	int left;
	c->busy = true;
	while (!c->closing && (msg = curl_multi_info_read(c->multi, &left))) {
		struct transfer *t = NULL;
		CURLcode code = msg->data.result;
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		finish(t, code);
	}
	c->busy = false;
	if (c->closing)
		destroy(c);
}

static int
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);
	if (!more)
		return -ENOMEM;
	t->headers = more;
	return 0;
}

static int
add_headers(struct transfer *t, const char *bearer)
{
	if (add_header(t, "Accept: application/json"))
		return -ENOMEM;
	if (!bearer)
		return 0;
	struct buf line = BUF_INIT;
	buf_printf(&line, "Authorization: Bearer %s", bearer);
	int rc = add_header(t, buf_str(&line));
	if (line.data)
		explicit_bzero(line.data, line.size);
	buf_free(&line);
	if (rc)
		return rc;
	struct curl_slist *last = t->headers;
	while (last->next)
		last = last->next;
	t->secret = last->data;
	return 0;
}

static long
to_ms(uint64_t ns)
{
	uint64_t ms = (ns + CLOCK_MS - 1) / CLOCK_MS;
	return ms < 86400000 ? (long)ms : 86400000;
}

/* What is refused, whoever asks: nothing here depends on the environment. */
static void
set_policy(struct transfer *t)
{
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	/* The token is for the origin, never for the proxy's CONNECT. */
	curl_easy_setopt(e, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "reachd/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
}

static int
set_request(struct transfer *t, const struct transfer_request *req)
{
	CURL *e = t->easy;
	uint64_t all = req->timeout ? req->timeout : TIMEOUT_S * CLOCK_SEC;
	uint64_t connect = req->connect_timeout ? req->connect_timeout : all;
	set_policy(t);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, to_ms(all));
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, to_ms(connect));
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->most);
	if (add_headers(t, req->bearer))
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	if (curl_easy_setopt(e, CURLOPT_URL, req->url))
		return -EINVAL;
	/* Set even when there is none, or curl takes the environment's. */
	if (curl_easy_setopt(e, CURLOPT_PROXY, req->proxy ? req->proxy : ""))
		return -EINVAL;
	if (!req->ca_file)
		return 0;
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, req->ca_file);
	return curl_easy_setopt(e, CURLOPT_CAINFO, req->ca_file) ? -EINVAL : 0;
}

struct transfer *
transfer_get(struct transfer_carrier *c, const struct transfer_request *req)
{
	if (c->closing)
		return NULL;
	struct transfer *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->carrier = c;
	t->most = req->most ? req->most : BODY_MOST;
	t->done = req->done;
	t->arg = req->arg;
	t->easy = curl_easy_init();
	if (!t->easy) {
		free(t);
		return NULL;
	}
	if (set_request(t, req) || curl_multi_add_handle(c->multi, t->easy)) {
		transfer_free(t);
		return NULL;
	}
	t->next = c->first;
	if (t->next)
		t->next->link = &t->next;
	t->link = &c->first;
	c->first = t;
	return t;
}

void
transfer_cancel(struct transfer *t)
{
	unlink_transfer(t);
	transfer_free(t);
}
