/*
 * The HTTP server: all listening sockets are turned by one loop, on a thread of
 * its own. So limits, deadlines and requests are one thread's, and need no
 * lock.
 */
#include "build.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "http_conn.h"
#include "http_daemon.h"
#include "http_job.h"
#include "http_request.h"
#include "http_route.h"
#include "http_web.h"
#include "log.h"
#include "webconfig.h"

enum {
	CONNECTIONS = 512,
	CONNECTIONS_PER_IP = 320, /* above all that may be probed */
	IDLE_MS = 30000,
	REQUEST_MS = 10000,
	TOTAL_MS = 120000,
	/* Passwords: 16 of them take 1 s where bcrypt takes 60 ms. */
	CHECKS = 16,
	CHECKS_PER_IP = 8
};

struct http {
	struct http_route_site site;
	char *telemetry_path;
	struct http_daemons daemons;
	int wake;  /* eventfd: a job has ended, or stop */
	bool stop; /* atomic */
	bool running;
	pthread_t thread;
	struct http_conn_list conns;
	struct http_jobs *jobs;
	struct http_web web;
	struct webconfig *old_web; /* owned; of old daemons, or NULL */
	struct http_request_env env;
};

/* ---- the loop ---- */

/* A daemon must not be stopped while a connection is suspended. */
static void
drop_jobs(struct http *h)
{
	const struct http_hooks *hooks = h->site.hooks;
	struct http_job *job;

	if (http_job_lent(h->jobs) > 0)
		hooks->recall(hooks->arg);
	http_job_drop(h->jobs);
	while ((job = http_job_collect(h->jobs)) != NULL)
		http_request_resume(job);
}

static void
wake(void *arg)
{
	struct http *h = arg;
	uint64_t one = 1;

	while (write(h->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int
timeout_ms(const struct http *h)
{
	uint64_t now = clock_mono(), due = http_conn_due(&h->conns);
	uint64_t ms = http_daemon_timeout(&h->daemons);

	if (due != UINT64_MAX && due <= now)
		ms = 0;
	else if (due != UINT64_MAX && (due - now) / CLOCK_MS + 1 < ms)
		ms = (due - now) / CLOCK_MS + 1;
	return ms >= INT32_MAX ? -1 : (int)ms;
}

static void
collect_jobs(struct http *h)
{
	struct http_job *job;

	while ((job = http_job_collect(h->jobs)) != NULL)
		http_request_resume(job);
}

/* What old daemons needed; when the last of them is gone. */
static void
forget(struct http *h, bool all)
{
	if (h->old_web == NULL || !http_daemon_bury(&h->daemons, all))
		return;
	webconfig_free(h->old_web);
	h->old_web = NULL;
}

/*
 * Another certificate, or other demands on clients. The sockets stay, and so
 * do connections that are being answered, until they are.
 */
static void
listen_again(struct http *h, struct webconfig *old)
{
	char error[256];

	if (h->old_web != NULL) {
		drop_jobs(h);
		forget(h, true);
	}
	/* Handshakes under way look at it. */
	h->old_web = old;
	http_daemon_retire(&h->daemons);
	for (size_t i = 0; i < h->daemons.count; i++)
		if (http_daemon_start(&h->daemons, i, error) < 0)
			log_error("http", "%s", error);
}

static void
renew(struct http *h)
{
	struct webconfig *old = NULL;
	bool again = false;

	if (!http_web_renew(&h->web, clock_mono(), &old, &again))
		return;
	if (again)
		listen_again(h, old);
	else
		webconfig_free(old);
}

static void *
serve(void *arg)
{
	struct http *h = arg;
	uint64_t n;

	while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
		poll(h->daemons.poll, 2 * h->daemons.count + 1, timeout_ms(h));
		if (read(h->wake, &n, sizeof(n)) > 0)
			collect_jobs(h);
		http_conn_expire(&h->conns, clock_mono());
		renew(h);
		http_daemon_turn(&h->daemons);
		forget(h, false);
	}
	drop_jobs(h);
	return NULL;
}

/* ---- start and stop ---- */

static int
start_listener(struct http *h, const char *address, char error[256])
{
	size_t i = h->daemons.count;
	struct http_daemon *d = &h->daemons.daemon[i];

	d->address = address;
	if (http_listen_open(&d->socket, address, error) < 0)
		return -1;
	h->daemons.count++;
	h->daemons.poll[2 * i].fd = h->daemons.poll[2 * i + 1].fd = -1;
	return http_daemon_start(&h->daemons, i, error);
}

static int
start_thread(struct http *h)
{
	sigset_t all, before;
	int rc;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&h->thread, NULL, serve, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(h->thread, "reachd-http");
	h->running = rc == 0;
	return rc;
}

static uint64_t
ms_or(unsigned ms, unsigned otherwise)
{
	return (ms > 0 ? ms : otherwise) * CLOCK_MS;
}

static void
set_limits(struct http_conn_limits *l, const struct http_setup *setup)
{
	l->connections =
	    setup->connections > 0 ? setup->connections : CONNECTIONS;
	l->per_address = setup->connections_per_ip > 0
			     ? setup->connections_per_ip
			     : CONNECTIONS_PER_IP;
	l->checks = CHECKS;
	l->checks_per_address = CHECKS_PER_IP;
	l->idle_ns = ms_or(setup->idle_ms, IDLE_MS);
	l->request_ns = ms_or(setup->request_ms, REQUEST_MS);
	l->total_ns = ms_or(setup->total_ms, TOTAL_MS);
}

/* Everything that needs memory. NULL: none, or what *err says. */
static struct http *
http_new(const struct http_setup *setup, int *err)
{
	struct http *h = calloc(1, sizeof(*h));
	struct http_daemons *d;

	if (h == NULL)
		return NULL;
	d = &h->daemons;
	set_limits(&h->conns.limits, setup);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0)
		*err = errno;
	h->telemetry_path = strdup(setup->telemetry_path);
	d->daemon = calloc(setup->listens + 1, sizeof(*d->daemon));
	d->poll = calloc(2 * setup->listens + 1, sizeof(*d->poll));
	h->env.count = calloc(http_request_counts(), sizeof(*h->env.count));
	h->jobs = http_job_new(wake, h);
	h->site = (struct http_route_site){.snapshots = setup->snapshots,
	    .hooks = setup->hooks,
	    .telemetry_path = h->telemetry_path,
	    .lifecycle = setup->lifecycle};
	h->env.site = &h->site;
	h->env.conns = &h->conns;
	h->env.jobs = h->jobs;
	h->env.web = &h->web;
	d->env = &h->env;
	d->idle_s = (setup->idle_ms > 0 ? setup->idle_ms : IDLE_MS) / 1000;
	d->idle_s += d->idle_s == 0;
	if (h->wake < 0 || h->telemetry_path == NULL || d->daemon == NULL ||
	    d->poll == NULL || h->env.count == NULL || h->jobs == NULL) {
		http_stop(h);
		return NULL;
	}
	return h;
}

/* All that is wrong with it goes to the log: error has one line's room. */
static int
open_web(struct http *h, const char *file, char error[256])
{
	struct buf errors = BUF_INIT;
	int rc = http_web_open(&h->web, file, &errors);

	if (rc < 0) {
		log_error("http", "%s", buf_str(&errors));
		snprintf(error, 256, "the web configuration cannot be used");
	}
	buf_free(&errors);
	return rc;
}

struct http *
http_start(const struct http_setup *setup, char error[256])
{
	int err = ENOMEM;
	struct http *h = http_new(setup, &err);

	if (h == NULL) {
		snprintf(error, 256, "cannot serve HTTP: %s", strerror(err));
		return NULL;
	}
	if (open_web(h, setup->web_file, error) < 0) {
		http_stop(h);
		return NULL;
	}
	for (size_t i = 0; i < setup->listens; i++) {
		if (start_listener(h, setup->listen[i], error) < 0) {
			http_stop(h);
			return NULL;
		}
	}
	h->daemons.poll[2 * h->daemons.count] =
	    (struct pollfd){.fd = h->wake, .events = POLLIN};
	if (start_thread(h) != 0) {
		snprintf(error, 256, "cannot start the HTTP thread");
		http_stop(h);
		return NULL;
	}
	return h;
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	if (h->running) {
		__atomic_store_n(&h->stop, true, __ATOMIC_RELEASE);
		wake(h);
		pthread_join(h->thread, NULL);
	}
	http_daemon_stop(&h->daemons);
	for (size_t i = 0; i < h->daemons.count; i++)
		http_listen_close(&h->daemons.daemon[i].socket);
	webconfig_free(h->old_web);
	http_job_free(h->jobs);
	if (h->wake >= 0)
		close(h->wake);
	free(h->telemetry_path);
	free(h->daemons.daemon);
	free(h->daemons.poll);
	free(h->env.count);
	http_web_close(&h->web);
	free(h);
}

uint16_t
http_port(const struct http *h, size_t i)
{
	return i < h->daemons.count ? h->daemons.daemon[i].socket.port : 0;
}

void
http_each_count(const struct http *h,
    void (*each)(void *arg, const char *handler, unsigned code, uint64_t n),
    void *arg)
{
	http_request_each_count(&h->env, each, arg);
}
