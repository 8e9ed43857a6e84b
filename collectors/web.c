/*
 * Requests over HTTP through libcurl. It tells little of its times and less
 * of failures, so that all of it is seen from its callbacks: it gets its
 * socket from us, and asks before it connects, shakes hands, sends, reads a
 * line and closes. The collector is only called once libcurl has returned.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "clock.h"
#include "details.h"
#include "proxy.h"
#include "tls_keeper.h"
#include "web_job.h"

static void
on_news(struct multi_job *j, int fd)
{
	struct web *w = (struct web *)j;

	w->turned = true;
	web_socket_note(w);
	if (fd == w->fd && w->connected != 0)
		web_socket_look(w);
}

/* All is set up; the request follows unless the certificate is bad. */
static int
on_set_up(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct web *w = arg;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	web_socket_note(w);
	if (w->handshake != 0)
		web_tls_judge(w);
	if (w->end.verdict != OUTCOME_NONE)
		return CURL_PREREQFUNC_ABORT;
	w->ready = w->sent = clock_mono();
	w->end.ready = true;
	multi_call(&w->job);
	return CURL_PREREQFUNC_OK;
}

/* ---- one at a time ---- */

/*
 * Kerberos may hold the loop for half a minute while its servers are silent:
 * not for one path of the proxy after the other.
 */
static bool
takes_turns(const struct web *w)
{
	return w->path->proxy != NULL &&
	       w->path->proxy->auth == PROXY_AUTH_NEGOTIATE;
}

static int
begin(struct web *w)
{
	struct proxy *p = w->path->proxy;

	if (takes_turns(w)) {
		w->queued = p->asking;
		if (w->queued) {
			w->next_queued = p->queue;
			p->queue = w;
			return 0;
		}
		p->asking = w->asks = true;
		w->begun_at = clock_mono();
	}
	return web_tls_start(w);
}

static void
unqueue(struct web *w)
{
	struct web *at = w->path->proxy->queue, *before = NULL;

	while (at != w) {
		before = at;
		at = at->next_queued;
	}
	if (before != NULL)
		before->next_queued = w->next_queued;
	else
		w->path->proxy->queue = w->next_queued;
	w->queued = false;
}

/* Those that wait, once the loop comes to it. */
struct next {
	uv_timer_t timer;
	struct proxy *proxy; /* a reference */
};

static void
on_next_closed(uv_handle_t *h)
{
	struct next *next = h->data;

	proxy_unref(next->proxy);
	free(next);
}

static void
on_next(uv_timer_t *timer)
{
	struct proxy *p = ((struct next *)timer->data)->proxy;
	struct web *w;

	while (!p->asking && (w = p->queue) != NULL) {
		unqueue(w);
		if (proxy_held(p, clock_mono()))
			w->pool->setup.ops->failed(w, OUTCOME_PROXY_AUTH, 407);
		else if (begin(w) < 0)
			w->pool->setup.ops->failed(w, OUTCOME_LOCAL, 0);
	}
	uv_close((uv_handle_t *)timer, on_next_closed);
}

/* The proxy has said its word to us: another one may ask. */
static void
let_next(struct web *w)
{
	struct proxy *p = w->path->proxy;
	struct next *next;

	if (!w->asks)
		return;
	w->asks = p->asking = false;
	if (multi_stalled(w->pool->multi) >= w->begun_at)
		proxy_hold(p);
	next = p->queue != NULL ? calloc(1, sizeof(*next)) : NULL;
	if (next == NULL)
		return; /* their time-outs end them */
	next->proxy = proxy_ref(p);
	next->timer.data = next;
	uv_timer_init(w->pool->loop, &next->timer);
	uv_timer_start(&next->timer, on_next, 0, 0);
}

/* ---- telling ---- */

static void
count_proxy(struct web *w, int status)
{
	if (w->path->proxy == NULL || w->counted)
		return;
	w->counted = true;
	proxy_count(w->path->proxy, status);
}

static void
tell_phase(struct web *w, enum phase phase, uint64_t from, uint64_t to)
{
	if (from != 0 && to > from)
		probe_phase(w->probe, phase, to - from);
}

/* How far it has come: also told of a way that ends nowhere. */
static void
tell_progress(struct web *w)
{
	if (w->connected != 0 && !w->told_connect) {
		w->told_connect = true;
		if (w->path->resolve_ns != 0)
			probe_phase(
			    w->probe, PHASE_RESOLVE, w->path->resolve_ns);
		probe_phase(w->probe, PHASE_CONNECT, w->connect_ns);
		w->pool->counts.stamp[w->connect_stamp]++;
	}
	if (w->tunnelled != 0 && !w->told_tunnel) {
		w->told_tunnel = true;
		tell_phase(w, PHASE_PROXY, w->connected, w->tunnelled);
	}
}

/* What is known of the way, whether it led anywhere or not. */
static void
tell_way(struct web *w)
{
	struct probe *p = w->probe;

	tell_progress(w);
	if (w->told)
		return;
	w->told = true;
	tell_phase(w, PHASE_TLS, w->handshake, w->ready);
	if (w->facts.version[0] != '\0')
		probe_tls(p, &w->facts);
}

static void
fail(struct web *w)
{
	int code;
	enum outcome o;

	w->end.proxied = w->path->proxy != NULL;
	o = web_end_outcome(&w->end, &code);
	if (!w->end.tunnelled && w->handshake == 0)
		count_proxy(
		    w, w->end.proxy_status > 0 ? w->end.proxy_status : -1);
	tell_way(w);
	w->pool->setup.ops->failed(w, o, code);
}

/* Of a request in clear: what the proxy itself said of it. */
static bool
is_by_proxy(const struct web *w)
{
	return w->path->proxy != NULL && w->handshake == 0 &&
	       (w->status == 407 || w->named);
}

static void
answer(struct web *w)
{
	struct web_answer a = {.status = w->status,
	    .by_proxy = is_by_proxy(w),
	    .redirects = w->moved && w->status / 100 == 3};

	a.stamp = w->first == w->received ? w->stamp : STAMP_USER;
	a.rtt_ns = w->first > w->sent ? w->first - w->sent : 1;
	count_proxy(w, a.by_proxy ? w->status : 0);
	w->pool->counts.stamp[a.stamp]++;
	tell_phase(w, PHASE_REQUEST, w->ready, w->sent);
	probe_phase(w->probe, PHASE_RESPONSE, a.rtt_ns);
	if (w->probe->details != NULL && w->first != 0)
		w->probe->details->transfer_ns = clock_mono() - w->first;
	w->pool->setup.ops->answered(w, &a);
}

static void
on_turn(struct multi_job *j)
{
	struct web *w = (struct web *)j;

	tell_progress(w);
	if (w->tunnelled != 0)
		let_next(w);
	/* libcurl let go of a way that is ours. */
	if (w->pool->setup.way) {
		if (w->told && w->fd < 0)
			web_end(w, 0);
		return;
	}
	if (w->told || w->ready == 0)
		return;
	tell_way(w);
	if (w->handshake != 0)
		count_proxy(w, 0);
	w->pool->setup.ops->ready(w);
}

/* ---- a way ---- */

static void
take_over(struct web *w)
{
	if (w->fd < 0 || web_socket_watch(w) < 0) {
		w->end.local = w->fd >= 0;
		fail(w);
		return;
	}
	tell_way(w);
	count_proxy(w, 0);
	w->pool->setup.ops->ready(w);
}

static void
on_done(struct multi_job *j, int code)
{
	struct web *w = (struct web *)j;

	w->end.error = code;
	if (w->pool->setup.way && code == CURLE_OK)
		take_over(w);
	else if (w->whole || (code == CURLE_OK && w->status != 0))
		answer(w);
	else
		fail(w);
}

ssize_t
web_read(struct web *w, void *buf, size_t len)
{
	size_t n = 0;
	CURLcode code = curl_easy_recv(w->easy, buf, len, &n);

	if (code == CURLE_OK)
		return (ssize_t)n;
	return code == CURLE_AGAIN ? -EAGAIN : -EIO;
}

ssize_t
web_write(struct web *w, const void *buf, size_t len)
{
	size_t n = 0;
	CURLcode code = curl_easy_send(w->easy, buf, len, &n);

	if (code == CURLE_OK)
		return (ssize_t)n;
	if (code != CURLE_AGAIN)
		return -EIO;
	web_socket_want_room(w);
	return -EAGAIN;
}

void
web_end(struct web *w, ssize_t n)
{
	w->end.error = CURLE_RECV_ERROR;
	w->end.closed |= n == 0;
	if (n == -EPROTO)
		w->end.closed = false;
	fail(w);
}

uint64_t
web_received(const struct web *w, enum stamp *stamp)
{
	*stamp = w->received != 0 ? w->stamp : STAMP_USER;
	return w->received != 0 ? w->received : clock_mono();
}

/* ---- life ---- */

static void
web_free(struct multi_job *j)
{
	struct web *w = (struct web *)j;

	web_socket_unwatch(w);
	curl_easy_cleanup(w->easy);
	curl_slist_free_all(w->lines);
	free(w);
}

static const struct multi_ops web_ops = {
    .done = on_done, .turn = on_turn, .news = on_news, .free = web_free};

static void
set_callbacks(struct web *w)
{
	CURL *e = w->easy;

	web_socket_hook(w);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_set_up);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, w);
	web_head_hook(w);
	web_tls_hook(w);
}

int
web_open(struct web_pool *pool, struct probe *p, struct web **out)
{
	struct web *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (w == NULL)
		return -ENOMEM;
	w->job.ops = &web_ops;
	w->pool = pool;
	w->probe = p;
	w->path = p->path;
	w->fd = -1;
	w->job.easy = w->easy = curl_easy_init();
	if (w->easy != NULL) {
		set_callbacks(w);
		err = web_options(w);
	}
	if (err == 0)
		err = begin(w);
	if (err < 0) {
		if (w->asks)
			w->path->proxy->asking = false;
		web_free(&w->job);
		return err;
	}
	*out = w;
	return 0;
}

void
web_close(struct web *w)
{
	if (w == NULL)
		return;
	/* What the proxy had the time to say, it said. */
	if (!w->end.tunnelled && w->handshake == 0 && !w->queued)
		count_proxy(w, -1);
	web_socket_unwatch(w);
	let_next(w);
	if (w->queued)
		unqueue(w);
	else if (!web_tls_forget(w) && w->job.multi != NULL) {
		multi_drop(&w->job);
		return;
	}
	web_free(&w->job);
}

struct probe *
web_probe(const struct web *w)
{
	return w->probe;
}

int
web_pool_new(const struct web_setup *setup, struct web_pool **out)
{
	struct web_pool *pool = calloc(1, sizeof(*pool));
	int err;

	if (pool == NULL)
		return -ENOMEM;
	pool->setup = *setup;
	pool->loop = setup->collector->loop;
	pool->setup.collector = NULL; /* not kept */
	pool->anchor = socket_hold_stamps();
	pool->multi = multi_open(pool->loop);
	err = pool->multi != NULL ? 0 : -ENOMEM;
	if (err == 0)
		err = web_tls_open(pool, setup->collector);
	if (err < 0) {
		web_pool_free(pool);
		return err;
	}
	*out = pool;
	return 0;
}

void
web_pool_free(struct web_pool *pool)
{
	if (pool == NULL)
		return;
	web_tls_close(pool);
	multi_close(pool->multi);
	if (pool->anchor >= 0)
		close(pool->anchor);
	free(pool);
}

void
web_pool_adjust(struct web_pool *pool, const struct collector_setup *setup)
{
	tls_keeper_adjust(pool->keeper, setup->ca_file);
}

void
web_pool_counts(const struct web_pool *pool, struct collector_counts *add)
{
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += pool->counts.stamp[i];
}
