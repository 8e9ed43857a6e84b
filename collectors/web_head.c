/*
 * The head of an answer, line by line: of the proxy to CONNECT, and of the
 * origin. It is all that is read; libcurl is stopped where it ends.
 */
#include "build.h"

#include <curl/curl.h>
#include <string.h>

#include "clock.h"
#include "proxy.h"
#include "web_job.h"

enum { HEAD_MOST = 64 << 10 };

/* Of the answers 407 that a scheme needs, those that are one too many. */
static const unsigned refusals_most[PROXY_AUTH_END] = {
    [PROXY_AUTH_NONE] = 1,
    [PROXY_AUTH_BASIC] = 1,
    [PROXY_AUTH_DIGEST] = 2,
    [PROXY_AUTH_NTLM] = 2,
    [PROXY_AUTH_NEGOTIATE] = 3,
};

static bool
refused_for_good(struct web *w)
{
	return ++w->refusals >= refusals_most[w->path->proxy->auth];
}

/* The status of "HTTP/1.1 200 OK" (RFC 9112 section 4), or -1. */
static int
status_of(const char *line, size_t len)
{
	const char *p = memchr(line, ' ', len);
	int status = 0;

	if (p == NULL || len - (size_t)(p - line) < 4)
		return -1;
	for (unsigned i = 1; i <= 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		status = status * 10 + (p[i] - '0');
	}
	if (len - (size_t)(p - line) > 4 && p[4] >= '0' && p[4] <= '9')
		return -1;
	return status >= 100 ? status : -1;
}

/* To CONNECT. False: that is all there is to know. */
static bool
take_tunnel(struct web *w, int status)
{
	if (status < 200)
		return true; /* it will say more */
	w->end.proxy_status = status;
	if (status < 300) {
		w->end.tunnelled = true;
		w->tunnelled = clock_mono();
		multi_call(&w->job);
		return true;
	}
	return status != 407 || !refused_for_good(w);
}

static bool
take_status(struct web *w, int status)
{
	const struct proxy *p = w->path->proxy;

	w->head = 0;
	if (status < 0)
		return false;
	if (p != NULL && w->ready == 0)
		return take_tunnel(w, status);
	w->status = status;
	w->named = w->moved = false;
	if (w->first == 0)
		w->first = w->received >= w->sent ? w->received : clock_mono();
	return true;
}

static bool
is_field(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && strncasecmp(line, name, n) == 0 && line[n] == ':';
}

/* False: the head is whole, and is all that is wanted. */
static bool
take_end(struct web *w)
{
	const struct proxy *p = w->path->proxy;

	if (w->ready == 0 || (w->status < 200 && w->status != 101))
		return true;
	/* libcurl answers a demand for credentials of a request in clear. */
	if (p != NULL && w->handshake == 0 && w->status == 407 &&
	    !refused_for_good(w)) {
		w->status = 0;
		w->first = 0;
		return true;
	}
	w->whole = true;
	return false;
}

static size_t
on_header(char *line, size_t one, size_t n, void *arg)
{
	struct web *w = arg;

	(void)one;
	w->head += n;
	if (w->head > HEAD_MOST)
		return 0;
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0) {
		w->begun = true;
		return take_status(w, status_of(line, n)) ? n : 0;
	}
	/* What a proxy says is no HTTP: libcurl would read on for ever. */
	if (!w->begun)
		return 0;
	if (n <= 2 && (line[0] == '\r' || line[0] == '\n'))
		return take_end(w) ? n : 0;
	/* RFC 9209; before it, what the proxies of the field send. */
	if (is_field(line, n, "Proxy-Status") ||
	    is_field(line, n, "X-Squid-Error"))
		w->named = true;
	if (is_field(line, n, "Location"))
		w->moved = true;
	return n;
}

/* Only of what libcurl reads on its own: the page of a demand. */
static size_t
on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct web *w = arg;

	(void)bytes;
	(void)one;
	w->head += n;
	return w->head <= HEAD_MOST ? n : 0;
}

/*
 * libcurl skips the page of a demand by itself, one that follows CONNECT byte
 * for byte, without an end and without a turn for others: each byte comes by
 * here. The signature is libcurl's.
 */
static int
on_progress(void *arg, curl_off_t most, curl_off_t now, curl_off_t up_most,
    curl_off_t up)
{
	struct web *w = arg;

	(void)most;
	(void)up_most;
	(void)up;
	return now > HEAD_MOST || ++w->steps > HEAD_MOST;
}

void
web_head_hook(struct web *w)
{
	curl_easy_setopt(w->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(w->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(w->easy, CURLOPT_XFERINFODATA, w);
	curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
}
