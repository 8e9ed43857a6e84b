/*
 * The HTTP server: libmicrohttpd on a thread of its own, one daemon per
 * listening socket, all of them turned by one loop. So limits, deadlines and
 * requests are one thread's, and need no lock.
 */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "http.h"
#include "http_conn.h"
#include "http_job.h"
#include "http_listen.h"
#include "http_request.h"
#include "http_route.h"
#include "http_tls.h"
#include "http_web.h"
#include "log.h"
#include "webconfig.h"

enum {
	CONNECTIONS = 256,
	CONNECTIONS_PER_IP = 64,
	IDLE_MS = 30000,
	HEADER_MS = 10000,
	TOTAL_MS = 120000,
	/*
	 * What libmicrohttpd may take for one connection: the header, and
	 * afterwards the piece of the answer that is under way.
	 */
	POOL = 64 * 1024,
	LOG_EVERY_S = 10,
	STRAINED_MS = 200
};

struct listener {
	struct http_listen socket;
	const char *address; /* borrowed, as written */
	struct MHD_Daemon *daemon;
};

struct http {
	struct http_route_site site;
	char *telemetry_path;
	struct listener *listener;
	size_t listeners;
	struct pollfd *poll; /* of the daemons, and of wake behind them */
	int wake;	     /* eventfd: a job has ended, or stop */
	bool stop;	     /* atomic */
	bool running;
	/*
	 * The process ran out of descriptors: the library looks away from its
	 * socket, and back when it is turned again. No event tells.
	 */
	bool strained;
	unsigned idle_s;
	pthread_t thread;
	struct http_conn_list conns;
	struct http_jobs *jobs;
	struct http_web web;
	struct http_request_env env;
	/* log lines are held back: peers could make them */
	uint64_t log_from;
	unsigned log_held;
};

/* ---- log ---- */

/* Peers can make these lines: one in a while must do. */
static void
complain(struct http *h, const char *text)
{
	uint64_t now = clock_mono();

	if (now < h->log_from) {
		h->log_held++;
		return;
	}
	if (h->log_held > 0)
		log_warn("http", "%s (and %u more lines)", text, h->log_held);
	else
		log_warn("http", "%s", text);
	h->log_held = 0;
	h->log_from = now + LOG_EVERY_S * CLOCK_SEC;
}

/*
 * What the library has to say is nearly always about what a peer did. That
 * the process ran into a limit is not.
 */
__attribute__((format(printf, 2, 0))) static void
on_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	if (strstr(text, "limit") == NULL) {
		log_debug("http", "%s", text);
		return;
	}
	((struct http *)arg)->strained = true;
	complain(arg, text);
}

/* ---- connections and requests ---- */

/* The signature is libmicrohttpd's. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	struct http *h = arg;
	struct http_request_head head = {c, path, method};

	return http_request_step(&h->env, &head, upload_size, state) ? MHD_YES
								     : MHD_NO;
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct http *h = arg;

	http_request_done(&h->env, c, state);
}

static enum MHD_Result
on_accept(void *arg, const struct sockaddr *from, socklen_t len)
{
	struct http *h = arg;
	char text[128];

	h->strained = false;
	if (http_conn_admit(&h->conns, from))
		return MHD_YES;
	snprintf(text, sizeof(text),
	    "a connection was refused: %u of %u are open, at most %u from one "
	    "address",
	    h->conns.count, h->conns.limits.connections,
	    h->conns.limits.per_address);
	complain(h, text);
	return MHD_NO;
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_ConnectionNotificationCode what)
{
	struct http *h = arg;
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *from =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_conn_close(&h->conns, *state);
		*state = NULL;
		return;
	}
	*state = http_conn_open(&h->conns, fd->connect_fd,
	    from != NULL ? from->client_addr : NULL, clock_mono());
	/* One that cannot be watched is not served. */
	if (*state == NULL)
		shutdown(fd->connect_fd, SHUT_RDWR);
	else if (h->web.config != NULL && h->web.config->tls)
		http_tls_expect(c, h->web.config);
}

/* ---- daemons of the library ---- */

/* What it is told of TLS; the texts are copied by it. */
static void
tls_options(const struct http *h, struct MHD_OptionItem out[5])
{
	const struct http_tls_pem *pem = &h->web.pem;
	unsigned n = 0;

	if (h->web.config != NULL && h->web.config->tls) {
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_CERT, 0, pem->cert};
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key};
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_PRIORITIES, 0, h->web.priorities};
		if (pem->client_ca != NULL)
			out[n++] = (struct MHD_OptionItem){
			    MHD_OPTION_HTTPS_MEM_TRUST, 0, pem->client_ca};
	}
	out[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

/* On listener i, with a copy of its descriptor: the library closes it. */
static int
start_daemon(struct http *h, size_t i, char error[256])
{
	struct listener *l = &h->listener[i];
	bool tls = h->web.config != NULL && h->web.config->tls;
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem options[5];
	int fd = fcntl(l->socket.fd, F_DUPFD_CLOEXEC, 0);

	tls_options(h, options);
	if (fd >= 0)
		l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
						 MHD_ALLOW_SUSPEND_RESUME |
						 (tls ? MHD_USE_TLS : 0),
		    0, on_accept, h, on_request, h, MHD_OPTION_EXTERNAL_LOGGER,
		    on_log, h, MHD_OPTION_LISTEN_SOCKET, fd,
		    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
		    /* Ours says why; theirs would let clients hang. */
		    MHD_OPTION_CONNECTION_LIMIT,
		    h->conns.limits.connections + 1,
		    MHD_OPTION_CONNECTION_TIMEOUT, h->idle_s,
		    MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		    MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		    MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (l->daemon == NULL) {
		snprintf(error, 256, "cannot serve HTTP on %s", l->address);
		if (fd >= 0)
			close(fd);
		h->poll[i].fd = -1;
		return -1;
	}
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->poll[i] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
	return 0;
}

static void
stop_daemon(struct listener *l)
{
	if (l->daemon != NULL)
		MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
}

/* ---- the loop ---- */

static void
wake(void *arg)
{
	struct http *h = arg;
	uint64_t one = 1;

	while (write(h->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static int
timeout_ms(struct http *h)
{
	uint64_t now = clock_mono(), due = http_conn_due(&h->conns), ms;
	MHD_UNSIGNED_LONG_LONG t;

	ms = due == UINT64_MAX ? INT32_MAX
	     : due > now       ? (due - now) / CLOCK_MS + 1
			       : 0;
	if (h->strained && ms > STRAINED_MS)
		ms = STRAINED_MS;
	for (size_t i = 0; i < h->listeners; i++)
		if (h->listener[i].daemon != NULL &&
		    MHD_get_timeout(h->listener[i].daemon, &t) == MHD_YES &&
		    t < ms)
			ms = t;
	if (ms >= INT32_MAX)
		return -1;
	return (int)ms;
}

static void
collect_jobs(struct http *h)
{
	struct http_job *job;

	while ((job = http_job_collect(h->jobs)) != NULL)
		http_request_resume(job);
}

static void
turn(struct http *h)
{
	for (size_t i = 0; i < h->listeners; i++)
		if (h->listener[i].daemon != NULL)
			MHD_run(h->listener[i].daemon);
}

/*
 * Another certificate, or other demands on clients: the library knows them at
 * the start of a daemon only. The socket stays, connections do not.
 */
static void
listen_again(struct http *h)
{
	char error[256];

	/* A daemon must not be stopped while a connection is suspended. */
	http_job_wait(h->jobs);
	collect_jobs(h);
	for (size_t i = 0; i < h->listeners; i++) {
		stop_daemon(&h->listener[i]);
		if (start_daemon(h, i, error) < 0)
			log_error("http", "%s", error);
	}
}

static void
renew(struct http *h)
{
	struct webconfig *old = NULL;
	bool again = false;

	if (!http_web_renew(&h->web, clock_mono(), &old, &again))
		return;
	if (again)
		listen_again(h);
	webconfig_free(old);
}

static void *
serve(void *arg)
{
	struct http *h = arg;
	uint64_t n;

	while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
		poll(h->poll, h->listeners + 1, timeout_ms(h));
		if (read(h->wake, &n, sizeof(n)) > 0)
			collect_jobs(h);
		http_conn_expire(&h->conns, clock_mono());
		renew(h);
		turn(h);
	}
	/* A daemon must not be stopped while a connection is suspended. */
	http_job_wait(h->jobs);
	collect_jobs(h);
	return NULL;
}

/* ---- start and stop ---- */

static int
start_listener(
    struct http *h, size_t i, const struct http_setup *setup, char error[256])
{
	struct listener *l = &h->listener[i];

	l->address = setup->listen[i];
	if (http_listen_open(&l->socket, l->address, error) < 0)
		return -1;
	h->listeners++;
	return start_daemon(h, i, error);
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
	l->idle_ns = ms_or(setup->idle_ms, IDLE_MS);
	l->header_ns = ms_or(setup->header_ms, HEADER_MS);
	l->total_ns = ms_or(setup->total_ms, TOTAL_MS);
}

/* Everything that needs memory. NULL: none, or what *err says. */
static struct http *
http_new(const struct http_setup *setup, int *err)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	set_limits(&h->conns.limits, setup);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0)
		*err = errno;
	h->telemetry_path = strdup(setup->telemetry_path);
	h->listener = calloc(setup->listens + 1, sizeof(*h->listener));
	h->poll = calloc(setup->listens + 1, sizeof(*h->poll));
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
	h->idle_s = (setup->idle_ms > 0 ? setup->idle_ms : IDLE_MS) / 1000;
	h->idle_s += h->idle_s == 0;
	if (h->wake < 0 || h->telemetry_path == NULL || h->listener == NULL ||
	    h->poll == NULL || h->env.count == NULL || h->jobs == NULL) {
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
		if (start_listener(h, i, setup, error) < 0) {
			http_stop(h);
			return NULL;
		}
	}
	h->poll[h->listeners] =
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
	for (size_t i = 0; i < h->listeners; i++) {
		stop_daemon(&h->listener[i]);
		http_listen_close(&h->listener[i].socket);
	}
	http_job_free(h->jobs);
	if (h->wake >= 0)
		close(h->wake);
	free(h->telemetry_path);
	free(h->listener);
	free(h->poll);
	free(h->env.count);
	http_web_close(&h->web);
	free(h);
}

uint16_t
http_port(const struct http *h, size_t i)
{
	return i < h->listeners ? h->listener[i].socket.port : 0;
}

void
http_each_count(const struct http *h,
    void (*each)(void *arg, const char *handler, unsigned code, uint64_t n),
    void *arg)
{
	http_request_each_count(&h->env, each, arg);
}
