/*
 * libmicrohttpd's daemons, one for each listening socket, and what it calls.
 */
#include "build.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "http_conn.h"
#include "http_daemon.h"
#include "http_request.h"
#include "http_tls.h"
#include "http_web.h"
#include "log.h"
#include "webconfig.h"

enum {
	/*
	 * What libmicrohttpd may take for one connection: the header, and
	 * afterwards the piece of the answer that is under way.
	 */
	POOL = 64 * 1024,
	LOG_EVERY_S = 10,
	STRAINED_MS = 200
};

/* ---- log ---- */

/* Peers can make these lines: one in a while must do. */
static void
complain(struct http_daemons *d, const char *text)
{
	uint64_t now = clock_mono();

	if (now < d->log_from) {
		d->log_held++;
		return;
	}
	if (d->log_held > 0)
		log_warn("http", "%s (and %u more lines)", text, d->log_held);
	else
		log_warn("http", "%s", text);
	d->log_held = 0;
	d->log_from = now + LOG_EVERY_S * CLOCK_SEC;
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
	((struct http_daemons *)arg)->strained = true;
	complain(arg, text);
}

/* ---- connections and requests ---- */

/* The signature is libmicrohttpd's. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
	struct http_daemons *d = arg;
	struct http_request_head head = {c, path, method};

	return http_request_step(d->env, &head, upload_size, state) ? MHD_YES
								     : MHD_NO;
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct http_daemons *d = arg;

	http_request_done(d->env, c, state);
}

static enum MHD_Result
on_accept(void *arg, const struct sockaddr *from, socklen_t len)
{
	struct http_daemons *d = arg;
	char text[128];

	d->strained = false;
	if (http_conn_admit(d->env->conns, from))
		return MHD_YES;
	snprintf(text, sizeof(text),
	    "a connection was refused: %u of %u are open, at most %u from one "
	    "address",
	    d->env->conns->count, d->env->conns->limits.connections,
	    d->env->conns->limits.per_address);
	complain(d, text);
	return MHD_NO;
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_ConnectionNotificationCode what)
{
	struct http_daemons *d = arg;
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *from =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_conn_close(d->env->conns, *state);
		*state = NULL;
		return;
	}
	*state = http_conn_open(d->env->conns, fd->connect_fd,
	    from != NULL ? from->client_addr : NULL, clock_mono());
	/* One that cannot be watched is not served. */
	if (*state == NULL)
		shutdown(fd->connect_fd, SHUT_RDWR);
	else if (d->env->web->config != NULL && d->env->web->config->tls)
		http_tls_expect(c, d->env->web->config);
}

/* ---- daemons of the library ---- */

/* What it is told of TLS; the texts are copied by it. */
static void
tls_options(const struct http_daemons *d, struct MHD_OptionItem out[5])
{
	const struct http_tls_pem *pem = &d->env->web->pem;
	unsigned n = 0;

	if (d->env->web->config != NULL && d->env->web->config->tls) {
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_CERT, 0, pem->cert};
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key};
		out[n++] = (struct MHD_OptionItem){
		    MHD_OPTION_HTTPS_PRIORITIES, 0, d->env->web->priorities};
		if (pem->client_ca != NULL)
			out[n++] = (struct MHD_OptionItem){
			    MHD_OPTION_HTTPS_MEM_TRUST, 0, pem->client_ca};
	}
	out[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static struct pollfd
watched(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);

	return (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
}

int
http_daemon_start(struct http_daemons *d, size_t i, char error[256])
{
	struct http_daemon *l = &d->daemon[i];
	bool tls = d->env->web->config != NULL && d->env->web->config->tls;
	struct MHD_OptionItem options[5];
	/* A copy: the library closes it. */
	int fd = fcntl(l->socket.fd, F_DUPFD_CLOEXEC, 0);

	tls_options(d, options);
	if (fd >= 0)
		l->now = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
					      MHD_ALLOW_SUSPEND_RESUME |
					      (tls ? MHD_USE_TLS : 0),
		    0, on_accept, d, on_request, d, MHD_OPTION_EXTERNAL_LOGGER,
		    on_log, d, MHD_OPTION_LISTEN_SOCKET, fd,
		    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL,
		    /* Ours says why; theirs would let clients hang. */
		    MHD_OPTION_CONNECTION_LIMIT,
		    d->env->conns->limits.connections + HTTP_CONN_LEAVING + 1,
		    MHD_OPTION_CONNECTION_TIMEOUT, d->idle_s,
		    MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
		    MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
		    MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (l->now == NULL) {
		snprintf(error, 256, "cannot serve HTTP on %s", l->address);
		if (fd >= 0)
			close(fd);
		d->poll[2 * i].fd = -1;
		return -1;
	}
	d->poll[2 * i] = watched(l->now);
	return 0;
}

void
http_daemon_retire(struct http_daemons *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct http_daemon *l = &d->daemon[i];
		int fd = l->now != NULL ? MHD_quiesce_daemon(l->now) : -1;

		if (fd >= 0)
			close(fd);
		l->old = l->now;
		l->now = NULL;
		d->poll[2 * i + 1] = d->poll[2 * i];
		d->poll[2 * i].fd = -1;
	}
	http_conn_dismiss(d->env->conns);
}

static void
stop(struct MHD_Daemon **daemon, struct pollfd *poll)
{
	if (*daemon != NULL)
		MHD_stop_daemon(*daemon);
	*daemon = NULL;
	poll->fd = -1;
}

bool
http_daemon_bury(struct http_daemons *d, bool all)
{
	bool left = false;

	for (size_t i = 0; i < d->count; i++) {
		struct http_daemon *l = &d->daemon[i];
		const union MHD_DaemonInfo *info;

		if (l->old == NULL)
			continue;
		info = MHD_get_daemon_info(
		    l->old, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		if (all || info->num_connections == 0)
			stop(&l->old, &d->poll[2 * i + 1]);
		else
			left = true;
	}
	return !left;
}

void
http_daemon_stop(struct http_daemons *d)
{
	for (size_t i = 0; i < d->count; i++) {
		stop(&d->daemon[i].old, &d->poll[2 * i + 1]);
		stop(&d->daemon[i].now, &d->poll[2 * i]);
	}
}

void
http_daemon_turn(struct http_daemons *d)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->daemon[i].now != NULL)
			MHD_run(d->daemon[i].now);
		if (d->daemon[i].old != NULL)
			MHD_run(d->daemon[i].old);
	}
}

static uint64_t
timeout(struct MHD_Daemon *daemon, uint64_t most)
{
	MHD_UNSIGNED_LONG_LONG t;

	return daemon != NULL && MHD_get_timeout(daemon, &t) == MHD_YES &&
		       t < most
		   ? t
		   : most;
}

uint64_t
http_daemon_timeout(const struct http_daemons *d)
{
	uint64_t ms = d->strained ? STRAINED_MS : UINT64_MAX;

	for (size_t i = 0; i < d->count; i++) {
		ms = timeout(d->daemon[i].now, ms);
		ms = timeout(d->daemon[i].old, ms);
	}
	return ms;
}
