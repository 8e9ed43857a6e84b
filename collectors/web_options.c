/*
 * What a request asks of libcurl. Nothing is taken from the environment, no
 * name is resolved, nothing is followed, kept or used again; certificates
 * pass, since they are judged by ourselves.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "proxy.h"
#include "secret.h"
#include "url.h"
#include "web_job.h"

/*
 * libcurl connects to an address that is put in place of this one when it
 * asks for the socket: so its cache of names holds one row for each port.
 */
#define PLACEHOLDER "127.0.0.1"

static const long auth_bits[PROXY_AUTH_END] = {
    [PROXY_AUTH_BASIC] = (long)CURLAUTH_BASIC,
    [PROXY_AUTH_DIGEST] = (long)CURLAUTH_DIGEST,
    [PROXY_AUTH_NTLM] = (long)CURLAUTH_NTLM,
    [PROXY_AUTH_NEGOTIATE] = (long)CURLAUTH_NEGOTIATE,
};

static int
put_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more == NULL)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* The password, for as long as libcurl takes to copy it. */
static int
set_credentials(CURL *e, struct proxy *p)
{
	struct secret secret = {.len = 0};
	const char *password = p->password != NULL ? p->password : "";
	int err = 0;

	if (p->password_file != NULL) {
		err = secret_read(&secret, p->password_file);
		password = secret.text;
		if (err < 0 && err != p->said)
			log_error("proxy", "%s: the password of %s: %s",
			    p->password_file, p->name, file_why(err));
		p->said = err;
	}
	if (err == 0 &&
	    (curl_easy_setopt(e, CURLOPT_PROXYUSERNAME,
		 p->username != NULL ? p->username : "") != 0 ||
		curl_easy_setopt(e, CURLOPT_PROXYPASSWORD, password) != 0))
		err = -ENOMEM;
	secret_wipe(&secret);
	return err;
}

/* One scheme only: what the proxy would take besides is not for it to say. */
static int
set_proxy(struct web *w)
{
	struct proxy *p = w->path->proxy;
	char line[URL_HOST + 64];
	CURL *e = w->easy;

	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	if (p == NULL) {
		/* Set even so, or libcurl takes the environment's. */
		curl_easy_setopt(e, CURLOPT_PROXY, "");
		if (put_line(&w->lines, "::" PLACEHOLDER ":") < 0)
			return -ENOMEM;
		curl_easy_setopt(e, CURLOPT_CONNECT_TO, w->lines);
		return 0;
	}
	if (curl_easy_setopt(e, CURLOPT_PROXY, p->url) != 0)
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL,
	    w->path->transport != TRANSPORT_HTTP ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, NULL);
	snprintf(line, sizeof(line), "%s:%u:" PLACEHOLDER, p->host, p->port);
	if (put_line(&w->lines, line) < 0)
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_RESOLVE, w->lines);
	if (p->auth == PROXY_AUTH_NONE)
		return 0;
	curl_easy_setopt(e, CURLOPT_PROXYAUTH, auth_bits[p->auth]);
	return set_credentials(e, p);
}

static void
set_policy(CURL *e)
{
	multi_policy(e);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	/* Nothing is read for a probe: the anchors are ours. */
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
}

static void
set_method(CURL *e, unsigned method)
{
	if (method == ASK_HEAD) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else if (method == ASK_POST) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, "");
	}
}

int
web_options(struct web *w)
{
	const struct ask *ask = w->path->ask;
	char url[URL_MOST + 8];
	CURL *e = w->easy;

	set_policy(e);
	if (w->pool->setup.way) {
		curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
		/* libcurl is not to know what the way is for: wss is https. */
		snprintf(
		    url, sizeof(url), "https%s", w->path->url + strlen("wss"));
	} else {
		curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
		snprintf(url, sizeof(url), "%s", w->path->url);
	}
	if (curl_easy_setopt(e, CURLOPT_URL, url) != 0)
		return -ENOMEM;
	set_method(e, ask != NULL ? ask->http.method : ASK_GET);
	return set_proxy(w);
}
