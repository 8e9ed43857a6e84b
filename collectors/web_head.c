/*
 * The head of an answer, line by line: of the proxy to CONNECT, and of the
 * origin. It is all that is read; libcurl is stopped where it ends. But who
 * wants details of this one answer wants its body, too, which is counted.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "details.h"
#include "proxy.h"
#include "web_job.h"

enum { HEAD_MOST = 64 << 10, BODY_MOST = 16 << 20 };

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

/* A head begins: what an earlier one said (100, 407) is forgotten. */
static void
note_status(struct details *d, const char *line, size_t n, int status)
{
	if (d == NULL)
		return;
	d->status = status;
	d->version = n > 7 && memcmp(line + 5, "1.0", 3) == 0 ? 10 : 11;
	/* RFC 9110 section 6.4.1: these have none. */
	d->length = status == 204 || status == 304 ? 0 : -1;
	d->modified = 0;
	d->location[0] = '\0';
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

/* The value of "Name: value" (RFC 9112 section 5); "" when it has no room. */
static void
copy_value(char *out, size_t size, const char *line, size_t n)
{
	const char *end = line + n, *from = memchr(line, ':', n);

	for (from++; from < end && (*from == ' ' || *from == '\t'); from++)
		continue;
	while (end > from && (unsigned char)end[-1] <= ' ')
		end--;
	n = (size_t)(end - from) < size ? (size_t)(end - from) : 0;
	memcpy(out, from, n);
	out[n] = '\0';
}

/* RFC 9110 section 8.6: digits only. */
static int64_t
length_of(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0
		   ? (int64_t)n
		   : -1;
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
	w->whole = w->probe->details == NULL;
	return !w->whole;
}

static void
note_field(struct details *d, const char *line, size_t n)
{
	char text[64];

	if (is_field(line, n, "Location"))
		copy_value(d->location, sizeof(d->location), line, n);
	copy_value(text, sizeof(text), line, n);
	if (is_field(line, n, "Content-Length"))
		d->length = length_of(text);
	else if (is_field(line, n, "Last-Modified"))
		d->modified = (int64_t)curl_getdate(text, NULL);
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
		note_status(w->probe->details, line, n, status_of(line, n));
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
	if (w->probe->details != NULL && memchr(line, ':', n) != NULL)
		note_field(w->probe->details, line, n);
	return n;
}

/* A body without end is whole when it is more than anybody wants to count. */
static size_t
count_body(struct web *w, struct details *d, size_t n)
{
	d->body += n;
	w->whole = d->body > BODY_MOST;
	return w->whole ? 0 : n;
}

/* Else only what libcurl reads on its own: the page of a demand. */
static size_t
on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct web *w = arg;

	(void)bytes;
	(void)one;
	if (w->probe->details != NULL && w->status != 0)
		return count_body(w, w->probe->details, n);
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
