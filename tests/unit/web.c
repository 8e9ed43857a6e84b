/* A server in a test, the daemon behind it, and a client of raw sockets. */
#include "build.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "mock_snapshot.h"
#include "web.h"

struct web_daemon web_daemon = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int
on_reload(void *arg, struct buf *errors)
{
	pthread_mutex_lock(&web_daemon.lock);
	web_daemon.waiting++;
	pthread_cond_broadcast(&web_daemon.changed);
	while (web_daemon.held)
		pthread_cond_wait(&web_daemon.changed, &web_daemon.lock);
	web_daemon.reloads++;
	if (web_daemon.reload_rc < 0)
		buf_puts(errors, "reachd.yml:3:5: targets: no such key\n");
	pthread_mutex_unlock(&web_daemon.lock);
	return web_daemon.reload_rc;
}

static int
on_probe(void *arg, const char *target)
{
	snprintf(web_daemon.probed, sizeof(web_daemon.probed), "%s",
	    target != NULL ? target : "(all)");
	return web_daemon.probe_rc;
}

/* Held, it is answered by web_release(). */
static bool
on_ask(void *arg, struct inquiry *q)
{
	bool held;

	if (web_daemon.full)
		return false;
	snprintf(web_daemon.asked, sizeof(web_daemon.asked),
	    "%s %s %s %" PRIu64, q->module, q->target,
	    q->hostname != NULL ? q->hostname : "-", q->timeout_ns / 1000000);
	pthread_mutex_lock(&web_daemon.lock);
	held = web_daemon.held;
	if (held) {
		q->next = web_daemon.inquiry;
		web_daemon.inquiry = q;
		web_daemon.waiting++;
		pthread_cond_broadcast(&web_daemon.changed);
	}
	pthread_mutex_unlock(&web_daemon.lock);
	if (!held)
		web_answer(q);
	return true;
}

static void
on_recall(void *arg)
{
	web_daemon.recalled++;
}

void
web_answer(struct inquiry *q)
{
	q->end = web_daemon.end;
	q->success = true;
	inquiry_log(q, 0, "asked");
	snprintf(q->why, sizeof(q->why), "because");
	q->done(q);
}

static bool
is_ready(void *arg)
{
	return web_daemon.ready;
}

static bool
is_healthy(void *arg)
{
	return web_daemon.healthy;
}

static const struct http_hooks hooks = {
    on_reload, on_probe, on_ask, on_recall, is_ready, is_healthy, NULL};
static const char *const loopback[] = {"127.0.0.1:0"};

struct http_setup
web_setup(void)
{
	return (struct http_setup){.listen = loopback,
	    .listens = 1,
	    .telemetry_path = "/metrics",
	    .lifecycle = true,
	    .hooks = &hooks};
}

struct http *
web_start(const struct http_setup *setup)
{
	char error[256] = "";
	struct http *h = http_start(setup, error);

	if (h == NULL)
		fail_msg("%s", error);
	return h;
}

int
web_fresh(void **state)
{
	web_daemon.healthy = web_daemon.ready = true;
	web_daemon.reload_rc = web_daemon.probe_rc = 0;
	web_daemon.reloads = web_daemon.waiting = 0;
	web_daemon.held = web_daemon.full = false;
	web_daemon.inquiry = NULL;
	web_daemon.recalled = 0;
	web_daemon.end = INQUIRY_PROBED;
	mock_publish(mock_site());
	return 0;
}

int
web_settled(void **state)
{
	unsigned left = mock_refs();

	mock_publish(NULL);
	return left == 0 ? 0 : -1;
}

int
web_connect(const struct http *h, size_t i)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(http_port(h, i)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {WEB_PATIENCE_S, 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void
web_say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything until the server closes; it must. A reset is an end as well. */
char *
web_hear_all(int fd)
{
	struct buf out = BUF_INIT;
	ssize_t n;

	do {
		char *p = buf_reserve(&out, 65536);

		n = recv(fd, p, 65536, 0);
		if (n > 0)
			out.len += (size_t)n;
		if (n < 0)
			assert_int_equal(errno, ECONNRESET);
	} while (n > 0);
	close(fd);
	return buf_steal(&out);
}

/* Reads until the text has come. */
char *
web_hear_until(int fd, const char *text)
{
	struct buf out = BUF_INIT;
	ssize_t n;

	while (strstr(buf_str(&out), text) == NULL) {
		char *p = buf_reserve(&out, 4096);

		n = recv(fd, p, 4096, 0);
		if (n <= 0)
			fail_msg("no \"%s\" in: %s", text, buf_str(&out));
		out.len += (size_t)n;
	}
	return buf_steal(&out);
}

/* RFC 9112 §7.1. */
static size_t
join_chunks(char *p, size_t n)
{
	char *out = p, *from = p, *next;
	size_t size;

	while ((size = strtoul(from, &next, 16)) > 0) {
		next += 2;
		assert_true(next + size <= p + n);
		memmove(out, next, size);
		out += size;
		from = next + size + 2;
	}
	assert_memory_equal(next, "\r\n\r\n", 4);
	return (size_t)(out - p);
}

/* A request on a connection of its own; more is lines of the header. */
struct web_reply
web_ask(const struct http *h, const char *line, const char *more)
{
	int fd = web_connect(h, 0);
	char request[512], *end;
	struct web_reply r = {0};
	struct buf all = BUF_INIT;
	ssize_t n;

	snprintf(request, sizeof(request),
	    "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", line,
	    more);
	web_say(fd, request);
	while ((n = recv(fd, buf_reserve(&all, 65536), 65536, 0)) > 0)
		all.len += (size_t)n;
	assert_int_equal(n, 0);
	close(fd);
	r.length = all.len;
	r.all = buf_steal(&all);
	end = strstr(r.all, "\r\n\r\n");
	assert_non_null(end);
	r.length -= (size_t)(end + 4 - r.all);
	r.body = end + 4;
	end[2] = '\0';
	assert_int_equal(sscanf(r.all, "HTTP/1.1 %u ", &r.code), 1);
	if (strcasestr(r.all, "\r\nTransfer-Encoding: chunked\r\n") &&
	    r.length > 0) {
		r.length = join_chunks(end + 4, r.length);
		end[4 + r.length] = '\0';
	}
	return r;
}

void
web_expect_header(const struct web_reply *r, const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "\r\n%s\r\n", line);
	if (strcasestr(r->all, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, r->all);
}

void
web_expect(
    const struct http *h, const char *line, unsigned code, const char *body)
{
	struct web_reply r = web_ask(h, line, "");

	if (r.code != code || strcmp(r.body, body) != 0)
		fail_msg("%s: %u \"%s\"", line, r.code, r.body);
	web_expect_header(&r, "Content-Type: text/plain; charset=utf-8");
	free(r.all);
}
