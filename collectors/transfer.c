/*
 * A transfer is an easy handle of libcurl's. Names are resolved by curl's
 * thread, and QUICK_EXIT keeps curl from waiting for it.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "multi.h"
#include "transfer.h"

enum { BODY_MOST = 16 << 20, HEADERS_MOST = 256 << 10, TIMEOUT_S = 30 };

struct transfer_carrier {
	struct multi *multi;
};

struct transfer {
	struct multi_job job; /* first: it is cast to what it is in */
	CURL *easy;
	struct curl_slist *headers;
	char *secret; /* the header line with the token: one of headers */
	struct buf body;
	size_t most, header_bytes;
	const char *limit; /* which bound was crossed, static; NULL: none */
	char error[CURL_ERROR_SIZE];
	void (*done)(void *arg, const struct transfer_result *r);
	void *arg;
};

/* ---- the carrier ---- */

struct transfer_carrier *
transfer_open(struct uv_loop_s *loop)
{
	struct transfer_carrier *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->multi = multi_open(loop);
	if (c->multi != NULL)
		return c;
	free(c);
	return NULL;
}

void
transfer_close(struct transfer_carrier *c)
{
	if (c == NULL)
		return;
	multi_close(c->multi);
	free(c);
}

/* ---- one transfer ---- */

static size_t
on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	if (n > t->most - t->body.len) {
		t->limit = "the answer is too large";
		return 0;
	}
	buf_put(&t->body, bytes, n);
	return t->body.err ? 0 : n;
}

static size_t
on_header(char *bytes, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	t->header_bytes += n;
	if (t->header_bytes <= HEADERS_MOST)
		return n;
	t->limit = "the headers of the answer are too large";
	return 0;
}

static void
transfer_free(struct multi_job *j)
{
	struct transfer *t = (struct transfer *)j;

	curl_easy_cleanup(t->easy);
	if (t->secret)
		explicit_bzero(t->secret, strlen(t->secret));
	curl_slist_free_all(t->headers);
	buf_free(&t->body);
	free(t);
}

static int
to_errno(const struct transfer *t, CURLcode code)
{
	if (t->limit || code == CURLE_FILESIZE_EXCEEDED)
		return -EFBIG;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_PEER_FAILED_VERIFICATION:
		return -EACCES;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void
finish(struct multi_job *j, int code)
{
	struct transfer *t = (struct transfer *)j;
	long status = 0;
	curl_off_t after = 0;
	char *redirect = NULL;
	struct transfer_result r = {.error = to_errno(t, (CURLcode)code)};
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &redirect);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
	r.status = status > 0 && status < 1000 ? (int)status : 0;
	r.body = buf_str(&t->body);
	r.len = t->body.len;
	r.redirect = redirect;
	if (after > 0)
		r.retry_after =
		    (uint64_t)(after < 86400 ? after : 86400) * CLOCK_SEC;
	if (r.error == -EFBIG)
		r.why = t->limit ? t->limit : "the answer is too large";
	else if (r.error)
		r.why =
		    t->error[0] ? t->error : curl_easy_strerror((CURLcode)code);
	t->done(t->arg, &r);
	multi_drop(j);
}

static const struct multi_ops transfer_ops = {
    .done = finish, .free = transfer_free};

static int
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);
	if (!more)
		return -ENOMEM;
	t->headers = more;
	return 0;
}

static int
add_headers(struct transfer *t, const char *bearer)
{
	if (add_header(t, "Accept: application/json"))
		return -ENOMEM;
	if (!bearer)
		return 0;
	struct buf line = BUF_INIT;
	buf_printf(&line, "Authorization: Bearer %s", bearer);
	int rc = add_header(t, buf_str(&line));
	if (line.data)
		explicit_bzero(line.data, line.size);
	buf_free(&line);
	if (rc)
		return rc;
	struct curl_slist *last = t->headers;
	while (last->next)
		last = last->next;
	t->secret = last->data;
	return 0;
}

static long
to_ms(uint64_t ns)
{
	uint64_t ms = (ns + CLOCK_MS - 1) / CLOCK_MS;
	return ms < 86400000 ? (long)ms : 86400000;
}

/* What is refused, whoever asks: nothing here depends on the environment. */
static void
set_policy(struct transfer *t)
{
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	multi_policy(e);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
}

static int
set_request(struct transfer *t, const struct transfer_request *req)
{
	CURL *e = t->easy;
	uint64_t all = req->timeout ? req->timeout : TIMEOUT_S * CLOCK_SEC;
	uint64_t connect = req->connect_timeout ? req->connect_timeout : all;
	set_policy(t);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, to_ms(all));
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, to_ms(connect));
	curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->most);
	if (add_headers(t, req->bearer))
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	if (curl_easy_setopt(e, CURLOPT_URL, req->url))
		return -EINVAL;
	/* Set even when there is none, or curl takes the environment's. */
	if (curl_easy_setopt(e, CURLOPT_PROXY, req->proxy ? req->proxy : ""))
		return -EINVAL;
	if (!req->ca_file)
		return 0;
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, req->ca_file);
	return curl_easy_setopt(e, CURLOPT_CAINFO, req->ca_file) ? -EINVAL : 0;
}

struct transfer *
transfer_get(struct transfer_carrier *c, const struct transfer_request *req)
{
	struct transfer *t;

	if (multi_closing(c->multi))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->job.ops = &transfer_ops;
	t->most = req->most ? req->most : BODY_MOST;
	t->done = req->done;
	t->arg = req->arg;
	t->job.easy = t->easy = curl_easy_init();
	if (t->easy == NULL) {
		free(t);
		return NULL;
	}
	if (set_request(t, req) < 0 || multi_add(c->multi, &t->job) < 0) {
		transfer_free(&t->job);
		return NULL;
	}
	return t;
}

void
transfer_cancel(struct transfer *t)
{
	multi_drop(&t->job);
}
