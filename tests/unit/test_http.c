/* The server as clients see it: every route, formats, methods, reloads. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "body.h"
#include "buf.h"
#include "event.h"
#include "expo_text.h"
#include "log.h"
#include "mock_snapshot.h"
#include "web.h"

static char *
rendered(bool openmetrics)
{
	struct snapshot *s = snapshot_get(NULL);
	struct body *b = expo_text_body(s, openmetrics);
	struct buf out = BUF_INIT;

	assert_int_equal(body_drain(b, &out), 0);
	body_free(b);
	snapshot_unref(s);
	return buf_steal(&out);
}

static void
exposition(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	char *plain = rendered(false), *openmetrics = rendered(true);
	struct web_reply r = web_ask(h, "GET /metrics", "");

	assert_int_equal(r.code, 200);
	assert_string_equal(r.body, plain);
	web_expect_header(&r, "Content-Type: text/plain; version=0.0.4; "
			      "charset=utf-8");
	web_expect_header(&r, "Vary: Accept, Accept-Encoding");
	web_expect_header(&r, "X-Content-Type-Options: nosniff");
	free(r.all);
	r = web_ask(h, "GET /metrics",
	    "Accept: application/openmetrics-text;version=1.0.0,"
	    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n");
	assert_string_equal(r.body, openmetrics);
	web_expect_header(&r, "Content-Type: application/openmetrics-text; "
			      "version=1.0.0; charset=utf-8");
	free(r.all);
	/* a list in two lines is one list */
	r = web_ask(h, "GET /metrics",
	    "Accept: text/plain;q=0.5\r\n"
	    "Accept: application/openmetrics-text;version=0.0.1\r\n");
	assert_string_equal(r.body, openmetrics);
	web_expect_header(&r, "Content-Type: application/openmetrics-text; "
			      "version=0.0.1; charset=utf-8");
	free(r.all);
	free(plain);
	free(openmetrics);
	http_stop(h);
}

static void
compressed(void **state)
{
	struct http_setup setup = web_setup();
	char *plain, *back;
	struct http *h;
	struct web_reply r;
	z_stream z = {0};

	mock_publish(mock_many(2000));
	h = web_start(&setup);
	plain = rendered(false);
	back = malloc(strlen(plain) + 1);
	assert_non_null(back);
	r = web_ask(h, "GET /metrics", "Accept-Encoding: deflate, gzip\r\n");
	web_expect_header(&r, "Content-Encoding: gzip");
	assert_true(r.length < strlen(plain) / 4);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)r.body;
	z.avail_in = (uInt)r.length;
	z.next_out = (Bytef *)back;
	z.avail_out = (uInt)strlen(plain) + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, strlen(plain));
	assert_memory_equal(back, plain, z.total_out);
	inflateEnd(&z);
	free(r.all);
	r = web_ask(h, "GET /metrics", "Accept-Encoding: gzip;q=0, *\r\n");
	assert_null(strcasestr(r.all, "Content-Encoding"));
	assert_string_equal(r.body, plain);
	free(r.all);
	free(plain);
	free(back);
	http_stop(h);
}

static void
head_and_old(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	char *plain = rendered(false), *all;
	struct web_reply r = web_ask(h, "HEAD /metrics", "");
	int fd;

	assert_int_equal(r.code, 200);
	assert_int_equal(r.length, 0);
	web_expect_header(&r, "Content-Type: text/plain; version=0.0.4; "
			      "charset=utf-8");
	free(r.all);
	r = web_ask(h, "HEAD /-/healthy", "");
	assert_int_equal(r.length, 0);
	web_expect_header(&r, "Content-Length: 8");
	free(r.all);
	/* HTTP/1.0 has no chunks: the end of the connection is the end. */
	fd = web_connect(h, 0);
	web_say(fd, "GET /metrics HTTP/1.0\r\n\r\n");
	all = web_hear_all(fd);
	assert_null(strcasestr(all, "chunked"));
	assert_string_equal(strstr(all, "\r\n\r\n") + 4, plain);
	free(all);
	free(plain);
	http_stop(h);
}

static void
pipelined(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	int fd = web_connect(h, 0);
	char *all, *second;

	web_say(fd,
	    "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	all = web_hear_all(fd);
	second = strstr(all, "\r\n\r\nHealthy\nHTTP/1.1 200 ");
	assert_non_null(second);
	assert_non_null(strstr(second, "\r\n\r\nReady\nHTTP/1.1 404 "));
	free(all);
	http_stop(h);
}

static void
wrong_requests(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct web_reply r;

	web_expect(h, "GET /nowhere", 404, "404 page not found\n");
	web_expect(h, "POST /nowhere", 404, "404 page not found\n");
	web_expect(h, "GET /metrics/", 404, "404 page not found\n");
	web_expect(h, "GET /../etc/passwd", 404, "404 page not found\n");
	web_expect(h, "GET /-/reload", 405,
	    "This endpoint requires a POST request.\n");
	web_expect(h, "DELETE /-/probe", 405,
	    "This endpoint requires a POST request.\n");
	web_expect(
	    h, "POST /metrics", 405, "This endpoint requires a GET request.\n");
	r = web_ask(h, "PUT /", "Content-Length: 0\r\n");
	assert_int_equal(r.code, 405);
	web_expect_header(&r, "Allow: GET, HEAD");
	free(r.all);
	r = web_ask(h, "GET /-/reload", "");
	web_expect_header(&r, "Allow: POST, PUT");
	free(r.all);
	assert_int_equal(web_daemon.reloads, 0);
	http_stop(h);
	setup.lifecycle = false;
	h = web_start(&setup);
	web_expect(h, "POST /-/reload", 403,
	    "Lifecycle API is not enabled (--web.enable-lifecycle)\n");
	web_expect(h, "PUT /-/probe", 403,
	    "Lifecycle API is not enabled (--web.enable-lifecycle)\n");
	web_expect(
	    h, "GET /-/probe", 405, "This endpoint requires a POST request.\n");
	assert_int_equal(web_daemon.reloads, 0);
	http_stop(h);
}

static void
health(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct web_reply r;

	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	web_expect(h, "GET /-/ready", 200, "Ready\n");
	web_daemon.ready = web_daemon.healthy = false;
	web_expect(h, "GET /-/healthy", 503, "A probe loop stands still\n");
	r = web_ask(h, "GET /-/ready", "");
	assert_int_equal(r.code, 503);
	web_expect_header(&r, "Retry-After: 1");
	free(r.all);
	http_stop(h);
}

static void
probes(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);

	web_expect(h, "POST /-/probe", 202, "A round was started\n");
	assert_string_equal(web_daemon.probed, "(all)");
	web_expect(h, "POST /-/probe?target=", 202, "A round was started\n");
	assert_string_equal(web_daemon.probed, "(all)");
	web_expect(h, "PUT /-/probe?x=1&target=fra1%20%22a%22", 202,
	    "A round was started\n");
	assert_string_equal(web_daemon.probed, "fra1 \"a\"");
	web_daemon.probe_rc = -ENOENT;
	web_expect(
	    h, "POST /-/probe?target=x", 404, "There is no such target\n");
	web_daemon.probe_rc = -EAGAIN;
	web_expect(h, "POST /-/probe", 429,
	    "A round was started a moment ago; try again later\n");
	http_stop(h);
}

/* Without memory for a snapshot there is an answer all the same. */
static void
no_snapshot(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);

	mock_publish(NULL);
	web_expect(h, "GET /metrics", 503, "out of memory\n");
	web_expect(h, "GET /", 503, "out of memory\n");
	web_expect(h, "GET /api/v1/site", 503, "out of memory\n");
	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	http_stop(h);
}

/* While reloads wait, others are served; then they end one by one. */
static void
reloads(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	int one = web_connect(h, 0), two = web_connect(h, 0);
	char *all;

	web_expect(h, "POST /-/reload", 200, "");
	web_daemon.reload_rc = -EINVAL;
	web_expect(h, "PUT /-/reload", 500,
	    "failed to reload config: reachd.yml:3:5: targets: no such key\n");
	web_daemon.reload_rc = 0;
	web_daemon.waiting = 0;
	web_daemon.held = true;
	web_say(one,
	    "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
	    "Connection: close\r\n\r\nhello");
	pthread_mutex_lock(&web_daemon.lock);
	while (web_daemon.waiting == 0)
		pthread_cond_wait(&web_daemon.changed, &web_daemon.lock);
	pthread_mutex_unlock(&web_daemon.lock);
	web_say(two, "POST /-/reload HTTP/1.1\r\nHost: x\r\n"
		     "Connection: close\r\n\r\n");
	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	assert_int_equal(web_daemon.reloads, 2);
	pthread_mutex_lock(&web_daemon.lock);
	web_daemon.held = false;
	pthread_cond_broadcast(&web_daemon.changed);
	pthread_mutex_unlock(&web_daemon.lock);
	all = web_hear_all(one);
	assert_memory_equal(all, "HTTP/1.1 200 ", 13);
	free(all);
	all = web_hear_all(two);
	assert_memory_equal(all, "HTTP/1.1 200 ", 13);
	free(all);
	assert_int_equal(web_daemon.reloads, 4);
	http_stop(h);
}

/* The server may be stopped while a client waits for a reload. */
static void *
release_later(void *arg)
{
	pthread_mutex_lock(&web_daemon.lock);
	while (web_daemon.waiting == 0)
		pthread_cond_wait(&web_daemon.changed, &web_daemon.lock);
	web_daemon.held = false;
	pthread_cond_broadcast(&web_daemon.changed);
	pthread_mutex_unlock(&web_daemon.lock);
	return NULL;
}

static void
stop_meanwhile(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h;
	pthread_t thread;
	int idle, half, busy, reload;
	char *all;

	mock_publish(mock_many(2000));
	h = web_start(&setup);
	idle = web_connect(h, 0);
	half = web_connect(h, 0);
	busy = web_connect(h, 0);
	reload = web_connect(h, 0);
	web_daemon.held = true;
	web_say(half, "GET /-/heal");
	web_say(busy, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	free(web_hear_until(busy, "\r\n\r\n"));
	web_say(reload, "POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(pthread_create(&thread, NULL, release_later, NULL), 0);
	pthread_join(thread, NULL);
	http_stop(h);
	assert_int_equal(web_daemon.reloads, 1);
	all = web_hear_all(idle);
	assert_string_equal(all, "");
	free(all);
	free(web_hear_all(half));
	free(web_hear_all(busy));
	free(web_hear_all(reload));
}

static void
documents(void **state)
{
	static const char *const paths[] = {"GET /api/v1/targets",
	    "GET /api/v1/clusters", "GET /api/v1/site", "GET /api/v1/events"};
	struct http_setup setup = web_setup();
	struct event e = {.kind = EVENT_TARGET_DOWN, .subject = "fra1-udp"};
	struct http *h = web_start(&setup);
	struct web_reply r;
	json_t *j;

	event_emit(&e);
	for (size_t i = 0; i < 4; i++) {
		r = web_ask(h, paths[i], "");
		assert_int_equal(r.code, 200);
		web_expect_header(&r, "Content-Type: application/json");
		j = json_loadb(r.body, r.length, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(j);
		json_decref(j);
		free(r.all);
	}
	r = web_ask(h, "GET /api/v1/events", "");
	assert_non_null(strstr(r.body, "\"subject\":\"fra1-udp\""));
	free(r.all);
	http_stop(h);
}

static void
page(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct web_reply r = web_ask(h, "GET /", ""),
			 again = web_ask(h, "GET /", "");
	const char *nonce = strstr(r.body, "nonce=\"");
	char policy[64];

	assert_int_equal(r.code, 200);
	web_expect_header(&r, "Content-Type: text/html; charset=utf-8");
	web_expect_header(&r, "Cache-Control: no-store");
	assert_non_null(strstr(r.body, "Media would use fra1 over UDP"));
	assert_non_null(nonce);
	snprintf(policy, sizeof(policy), "script-src 'nonce-%.32s'", nonce + 7);
	assert_non_null(strstr(r.all, "default-src 'none'"));
	assert_non_null(strstr(r.all, policy));
	assert_null(strstr(again.all, policy));
	free(r.all);
	free(again.all);
	http_stop(h);
}

static void
add_count(void *arg, const char *handler, unsigned code, uint64_t n)
{
	struct buf *out = arg;

	if (n > 0)
		buf_printf(out, "%s %u %u\n", handler, code, (unsigned)n);
}

static void
counts(void **state)
{
	struct http_setup setup = web_setup();
	struct buf out = BUF_INIT;
	struct http *h;

	setup.telemetry_path = "/telemetry";
	h = web_start(&setup);
	free(web_ask(h, "GET /telemetry", "").all);
	free(web_ask(h, "HEAD /telemetry", "").all);
	free(web_ask(h, "POST /telemetry", "").all);
	free(web_ask(h, "GET /metrics", "").all);
	free(web_ask(h, "GET /a", "").all);
	free(web_ask(h, "POST /-/reload", "").all);
	http_each_count(h, add_count, &out);
	assert_string_equal(buf_str(&out), "/telemetry 200 2\n"
					   "/telemetry 405 1\n"
					   "/-/reload 200 1\n"
					   "other 404 2\n");
	buf_free(&out);
	http_stop(h);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, web_fresh, web_settled)
	static const struct CMUnitTest tests[] = {T(exposition), T(compressed),
	    T(head_and_old), T(pipelined), T(wrong_requests), T(health),
	    T(probes), T(no_snapshot), T(reloads), T(stop_meanwhile),
	    T(documents), T(page), T(counts)};

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
