/*
 * libcurl asks for sockets and one timer; here they are uv_poll handles and
 * one uv_timer. A timeout of 0 becomes 1 ms: libuv runs a timer of 0 that is
 * set by a timer again in the same pass and starves the sockets.
 */
#include "build.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "clock.h"
#include "multi.h"

#define STALL (2 * CLOCK_SEC)

struct multi {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct multi_job *first;
	bool inside;  /* libcurl is running */
	bool telling; /* of what came of it */
	bool called;  /* some job wants its turn */
	bool closing;
	uint64_t stalled;
};

struct socket {
	uv_poll_t poll;
	struct multi *multi;
	struct multi_job *job;
	curl_socket_t fd;
	int events;
	bool gone;
};

/* ---- jobs ---- */

void
multi_drop(struct multi_job *j)
{
	assert(!j->multi->inside);
	curl_multi_remove_handle(j->multi->multi, j->easy);
	*j->link = j->next;
	if (j->next != NULL)
		j->next->link = j->link;
	j->ops->free(j);
}

void
multi_call(struct multi_job *j)
{
	j->call = true;
	j->multi->called = true;
}

/* From the start after each: a turn may drop any of them. */
static void
give_turns(struct multi *m)
{
	struct multi_job *j = m->called ? m->first : NULL;

	m->called = false;
	while (j != NULL && !m->closing) {
		if (!j->call) {
			j = j->next;
			continue;
		}
		j->call = false;
		j->ops->turn(j);
		j = m->first;
	}
}

static void
on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
destroy(struct multi *m)
{
	while (m->first != NULL)
		multi_drop(m->first);
	curl_multi_cleanup(m->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&m->timer, on_timer_closed);
}

/* Tells of all that ended; one that was closed meanwhile goes at the end. */
static void
tell(struct multi *m)
{
	CURLMsg *msg;
	int left;

	m->telling = true;
	give_turns(m);
	while (!m->closing &&
	       (msg = curl_multi_info_read(m->multi, &left)) != NULL) {
		struct multi_job *j = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j);
		j->ops->done(j, (int)msg->data.result);
	}
	m->telling = false;
	if (m->closing)
		destroy(m);
}

static void
act(struct multi *m, curl_socket_t fd, int flags)
{
	uint64_t start = clock_mono(), end;
	int running;

	m->inside = true;
	curl_multi_socket_action(m->multi, fd, flags, &running);
	m->inside = false;
	end = clock_mono();
	if (end - start > STALL)
		m->stalled = end;
}

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
	struct multi *m = s->multi;
	int flags = 0;

	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	/* libuv reports a refused connection so, and stops the handle. */
	if (status < 0)
		flags = CURL_CSELECT_IN | CURL_CSELECT_OUT | CURL_CSELECT_ERR;
	if (s->job->ops->news != NULL)
		s->job->ops->news(s->job, s->fd);
	act(m, s->fd, flags);
	if (status < 0 && !s->gone)
		uv_poll_start(&s->poll, s->events, on_ready);
	tell(m);
}

static struct socket *
socket_new(struct multi *m, CURL *easy, curl_socket_t fd)
{
	struct socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->multi = m;
	s->fd = fd;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &s->job);
	if (uv_poll_init_socket(m->loop, &s->poll, fd) < 0) {
		free(s);
		return NULL;
	}
	s->poll.data = s;
	curl_multi_assign(m->multi, fd, s);
	return s;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct multi *m = arg;
	struct socket *s = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (s == NULL)
			return 0;
		s->gone = true;
		curl_multi_assign(m->multi, fd, NULL);
		uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		return 0;
	}
	if (s == NULL)
		s = socket_new(m, easy, fd);
	if (s == NULL)
		return 0; /* its time-out ends the transfer */
	s->events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
		    ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
	uv_poll_start(&s->poll, s->events, on_ready);
	return 0;
}

static void
on_time(uv_timer_t *h)
{
	struct multi *m = h->data;

	act(m, CURL_SOCKET_TIMEOUT, 0);
	tell(m);
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct multi *m = arg;

	if (ms < 0)
		uv_timer_stop(&m->timer);
	else
		uv_timer_start(
		    &m->timer, on_time, ms > 0 ? (uint64_t)ms : 1, 0);
	return 0;
}

/* ---- life ---- */

struct multi *
multi_open(struct uv_loop_s *loop)
{
	struct multi *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(m);
		return NULL;
	}
	m->multi = curl_multi_init();
	if (m->multi == NULL) {
		curl_global_cleanup();
		free(m);
		return NULL;
	}
	m->loop = loop;
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
	return m;
}

void
multi_close(struct multi *m)
{
	if (m == NULL)
		return;
	assert(!m->inside);
	m->closing = true;
	if (!m->telling)
		destroy(m);
}

uint64_t
multi_stalled(const struct multi *m)
{
	return m->stalled;
}

bool
multi_closing(const struct multi *m)
{
	return m->closing;
}

void
multi_policy(void *easy)
{
	CURL *e = easy;

	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "reachd/" PACKAGE_VERSION);
}

int
multi_add(struct multi *m, struct multi_job *j)
{
	assert(!m->inside);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	if (curl_multi_add_handle(m->multi, j->easy) != CURLM_OK)
		return -ENOMEM;
	j->multi = m;
	j->call = false;
	j->next = m->first;
	if (j->next != NULL)
		j->next->link = &j->next;
	j->link = &m->first;
	m->first = j;
	return 0;
}
