/* The server against clients that want too much, and where it listens. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "log.h"
#include "mock_snapshot.h"
#include "web.h"

static void
too_large(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct buf big = BUF_INIT;
	struct web_reply r;
	char *all;
	int fd = web_connect(h, 0);

	buf_puts(&big, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 600; i++)
		buf_puts(&big, "X-Filler: 0123456789abcdef\r\n");
	buf_puts(&big, "\r\n");
	web_say(fd, buf_str(&big));
	all = web_hear_until(fd, "\r\n\r\n");
	assert_memory_equal(all, "HTTP/1.1 431 ", 13);
	free(all);
	close(fd);
	/* beyond what the library would hold at all */
	fd = web_connect(h, 0);
	buf_reset(&big);
	buf_puts(&big, "GET /-/healthy HTTP/1.1\r\nX: ");
	for (int i = 0; i < 100000; i++)
		buf_putc(&big, 'x');
	web_say(fd, buf_str(&big));
	all = web_hear_until(fd, "\r\n");
	assert_memory_equal(all, "HTTP/1.1 431 ", 13);
	free(all);
	close(fd);
	r = web_ask(h, "POST /-/probe", "Content-Length: 99999999\r\n");
	assert_int_equal(r.code, 413);
	free(r.all);
	/* chunks that never end are cut off */
	fd = web_connect(h, 0);
	web_say(fd, "POST /-/probe HTTP/1.1\r\nHost: x\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n8000\r\n");
	buf_reset(&big);
	for (int i = 0; i < 0x8000; i++)
		buf_putc(&big, 'x');
	web_say(fd, buf_str(&big));
	all = web_hear_all(fd);
	assert_null(strstr(all, " 202 "));
	free(all);
	buf_free(&big);
	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	http_stop(h);
}

/* A byte now and then keeps no connection open. */
static void
slow_header(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h;
	struct pollfd p = {.events = POLLIN};
	unsigned sent = 0;

	setup.request_ms = 1000;
	h = web_start(&setup);
	p.fd = web_connect(h, 0);
	web_say(p.fd, "GET /-/healthy HTTP/1.1\r\nX: ");
	while (poll(&p, 1, 30) == 0 && sent < 1000)
		sent += send(p.fd, "x", 1, MSG_NOSIGNAL) == 1;
	assert_true(sent > 2);
	assert_true(sent < 1000);
	free(web_hear_all(p.fd));
	/* one that says nothing at all fares alike */
	free(web_hear_all(web_connect(h, 0)));
	/* and between requests there is time, but not for ever */
	http_stop(h);
	setup.idle_ms = 300;
	h = web_start(&setup);
	p.fd = web_connect(h, 0);
	web_say(p.fd, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
	free(web_hear_until(p.fd, "Healthy\n"));
	web_say(p.fd, "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
	free(web_hear_until(p.fd, "Ready\n"));
	free(web_hear_all(p.fd));
	http_stop(h);
}

/* What a client gets that asks for a sign of life; "" when it is refused. */
static char *
try_health(const struct http *h)
{
	int fd = web_connect(h, 0);
	const char *line = "GET /-/healthy HTTP/1.0\r\n\r\n";

	/* It may be closed already. */
	(void)!send(fd, line, strlen(line), MSG_NOSIGNAL);
	return web_hear_all(fd);
}

/* Nor does a client that does not take its answer: another gets its place. */
static void
slow_reader(void **state)
{
	struct http_setup setup = web_setup();
	struct pollfd p = {.events = POLLRDHUP};
	int small = 4096, tries = 0;
	struct http *h;
	char *all;

	mock_publish(mock_many(4000));
	setup.total_ms = 400;
	setup.connections = 1;
	h = web_start(&setup);
	p.fd = web_connect(h, 0);
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	web_say(p.fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	free(web_hear_until(p.fd, "HTTP/1.1 200 "));
	for (all = try_health(h); all[0] == '\0'; all = try_health(h)) {
		free(all);
		assert_true(tries++ < 1000);
		poll(&p, 1, 20);
	}
	assert_true(tries > 0);
	assert_non_null(strstr(all, "Healthy\n"));
	free(all);
	close(p.fd);
	http_stop(h);
}

/* One that has asked for something, and may again. */
static int
kept(const struct http *h)
{
	int fd = web_connect(h, 0);

	web_say(fd, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
	free(web_hear_until(fd, "Healthy\n"));
	return fd;
}

/* Who asks for nothing makes room for who does, the idlest first. */
static void
crowds(void **state)
{
	struct http_setup setup = web_setup();

	for (unsigned way = 0; way < 2; way++) {
		struct http *h;
		int fd[3];

		setup.connections = way == 0 ? 3 : 0;
		setup.connections_per_ip = way == 0 ? 0 : 3;
		h = web_start(&setup);
		fd[0] = web_connect(h, 0);
		web_say(fd[0], "GET /-/hea");
		fd[1] = kept(h);
		fd[2] = kept(h);
		web_expect(h, "GET /-/healthy", 200, "Healthy\n");
		free(web_hear_all(fd[0]));
		for (unsigned i = 1; i < 3; i++) {
			web_say(
			    fd[i], "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
			free(web_hear_until(fd[i], "Ready\n"));
		}
		/* of those that have asked, the one that did so first goes */
		fd[0] = kept(h);
		close(kept(h));
		free(web_hear_all(fd[1]));
		close(fd[0]);
		close(fd[2]);
		http_stop(h);
	}
}

/* Where all are being answered, there is no place for more. */
static void
all_busy(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h;
	char *all;
	int fd[2];

	setup.connections = 2;
	h = web_start(&setup);
	web_daemon.held = true;
	for (unsigned i = 0; i < 2; i++) {
		fd[i] = web_connect(h, 0);
		web_say(fd[i], "POST /-/reload HTTP/1.1\r\nHost: x\r\n"
			       "Connection: close\r\n\r\n");
	}
	pthread_mutex_lock(&web_daemon.lock);
	while (web_daemon.waiting == 0)
		pthread_cond_wait(&web_daemon.changed, &web_daemon.lock);
	pthread_mutex_unlock(&web_daemon.lock);
	for (all = try_health(h); all[0] != '\0'; all = try_health(h))
		free(all); /* the second was not read yet */
	free(all);
	pthread_mutex_lock(&web_daemon.lock);
	web_daemon.held = false;
	pthread_cond_broadcast(&web_daemon.changed);
	pthread_mutex_unlock(&web_daemon.lock);
	for (unsigned i = 0; i < 2; i++) {
		all = web_hear_all(fd[i]);
		assert_memory_equal(all, "HTTP/1.1 200 ", 13);
		free(all);
	}
	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	http_stop(h);
}

static void
listeners(void **state)
{
	char path[64], unix_path[80], error[256];
	const char *const many[] = {"127.0.0.1:0", unix_path, ":0"};
	struct http_setup setup = web_setup();
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct http *h;
	char *all;
	int fd;

	snprintf(path, sizeof(path), "/tmp/reachd-test-%d.sock", (int)getpid());
	snprintf(unix_path, sizeof(unix_path), "unix:%s", path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	/* what a process that is gone left behind is replaced */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	setup.listen = many;
	setup.listens = 3;
	h = web_start(&setup);
	assert_int_not_equal(http_port(h, 0), http_port(h, 2));
	assert_int_equal(http_port(h, 1), 0);
	assert_int_equal(http_port(h, 3), 0);
	for (size_t i = 0; i < 3; i += 2) {
		fd = web_connect(h, i);
		web_say(fd, "GET /-/healthy HTTP/1.0\r\n\r\n");
		all = web_hear_all(fd);
		assert_non_null(strstr(all, "Healthy\n"));
		free(all);
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	web_say(fd, "GET /-/healthy HTTP/1.0\r\n\r\n");
	all = web_hear_all(fd);
	assert_non_null(strstr(all, "Healthy\n"));
	free(all);
	/* one that is in use is not */
	setup.listen = &many[1];
	setup.listens = 1;
	assert_null(http_start(&setup, error));
	assert_non_null(strstr(error, "Address already in use"));
	http_stop(h);
	assert_int_equal(access(path, F_OK), -1);
}

static void
bad_addresses(void **state)
{
	static const struct {
		const char *address, *error;
	} rows[] = {
	    {"127.0.0.1:port", "not an address:port"},
	    {"[::1", "not an address:port"},
	    {"127.0.0.1:70000", "not an address:port"},
	    {"192.0.2.1:0", "Cannot assign requested address"},
	    {"unix:relative", "not an absolute path"},
	    {"unix:/nowhere/at/all", "No such file or directory"},
	};
	struct http_setup setup = web_setup();
	char error[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup.listen = &rows[i].address;
		assert_null(http_start(&setup, error));
		if (strstr(error, rows[i].error) == NULL ||
		    strstr(error, rows[i].address) == NULL)
			fail_msg("%s: %s", rows[i].address, error);
	}
	http_stop(NULL);
}

/*
 * Clients that take all descriptors there are, and go: the next one is
 * served.
 */
static void
no_descriptors(void **state)
{
	enum { CLIENTS = 4 };
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct rlimit l, few;
	struct pollfd p = {.events = POLLIN};
	int fd[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++) {
		fd[i] = web_connect(h, 0);
		web_say(fd[i], "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n");
		free(web_hear_until(fd[i], "Ready\n"));
	}
	/* The only one left is taken by the client's end. */
	p.fd = dup(fd[0]);
	close(p.fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	few = l;
	few.rlim_cur = (rlim_t)p.fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(web_connect(h, 0), p.fd);
	web_say(p.fd, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(poll(&p, 1, 100), 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fd[i]);
	free(web_hear_until(p.fd, "Healthy\n"));
	close(p.fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	http_stop(h);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, web_fresh, web_settled)
	static const struct CMUnitTest tests[] = {T(too_large), T(slow_header),
	    T(slow_reader), T(crowds), T(all_busy), T(listeners),
	    T(bad_addresses), T(no_descriptors)};

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
