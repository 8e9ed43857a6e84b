/* Reading what is asked for, and what answers lead on to. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aim.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "url.h"

/* A text that is no part of any file, for what reads files. */
static void
take_error(const struct doc_errors *e, char why[AIM_WHY])
{
	const char *text = e->errors > 0 ? e->error[0].text : NULL;

	snprintf(why, AIM_WHY, "%s", text != NULL ? text : "out of memory");
}

static int
read_place(struct config_target *t, char *text, bool url, char why[AIM_WHY])
{
	struct doc_node at = {.kind = DOC_SCALAR, .scalar = text};
	struct doc_errors errors = {0};
	int err = url ? config_target_url(&errors, &at, t)
		      : config_target_address(&errors, &at, t);

	if (err == -EINVAL)
		take_error(&errors, why);
	doc_errors_free(&errors);
	return err;
}

/* "https://...", not a path with such a thing in it. */
static bool
has_scheme(const char *text)
{
	const char *p = strstr(text, "://");

	return p != NULL && (size_t)(p - text) < strcspn(text, "/?#");
}

/* Over what it goes is for its URL to say. */
static int
read_url(struct aim *a, const char *target, char why[AIM_WHY])
{
	char text[URL_MOST + 8];
	size_t len = strcspn(target, "#");
	struct url u;
	const char *bad;

	if (len >= URL_MOST) {
		snprintf(why, AIM_WHY, "the URL is too long");
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "%s%.*s",
	    has_scheme(target) ? "" : "http://", (int)len, target);
	if (url_split(text, &u, &bad) == 0)
		a->t.transport = strcmp(u.scheme, "http") == 0
				     ? TRANSPORT_HTTP
				     : TRANSPORT_HTTPS;
	return read_place(&a->t, text, true, why);
}

/* The URL with another host in it. */
static char *
renamed(const char *url, const char *hostname)
{
	char text[URL_MOST + URL_HOST];
	struct url u;
	const char *why;
	bool literal = strchr(hostname, ':') != NULL;
	int n;

	if (url_split(url, &u, &why) < 0)
		return NULL;
	n = snprintf(text, sizeof(text), "%s://%s%s%s", u.scheme,
	    literal ? "[" : "", hostname, literal ? "]" : "");
	if (u.port != 0)
		n +=
		    snprintf(text + n, sizeof(text) - (size_t)n, ":%u", u.port);
	snprintf(text + n, sizeof(text) - (size_t)n, "%s", u.path);
	return strdup(text);
}

static int
rename_host(struct aim *a, const char *hostname, char why[AIM_WHY])
{
	char *url = NULL, *host;

	if (strlen(hostname) >= URL_HOST || !nodelist_host_ok(hostname)) {
		snprintf(why, AIM_WHY, "the hostname is none");
		return -EINVAL;
	}
	host = nodelist_copy_host(hostname);
	if (host != NULL && a->t.url != NULL)
		url = renamed(a->t.url, host);
	if (host == NULL || (a->t.url != NULL && url == NULL)) {
		free(host);
		return -ENOMEM;
	}
	free(a->t.host);
	free(a->t.url);
	a->t.host = host;
	a->t.url = url;
	return 0;
}

int
aim_at(struct aim *out, const struct config_module *m, const char *target,
    const char *hostname, char why[AIM_WHY])
{
	const struct config_target *like = &m->like;
	bool web = m->prober == PROBER_HTTP;
	char text[URL_MOST];
	int err;

	*out = (struct aim){.t = {.probe = like->probe,
				.transport = like->transport,
				.probing = like->probing}};
	if (web) {
		err = read_url(out, target, why);
	} else if (strlen(target) >= sizeof(text) ||
		   strcmp(target, "system") == 0) {
		snprintf(why, AIM_WHY, "the target is no host");
		return -EINVAL;
	} else {
		snprintf(text, sizeof(text), "%s", target);
		err = read_place(&out->t, text, false, why);
	}
	if (err == 0)
		out->lookup = strdup(out->t.host);
	if (err == 0 && out->lookup == NULL)
		err = -ENOMEM;
	if (err == 0 && hostname != NULL && hostname[0] != '\0')
		err = rename_host(out, hostname, why);
	out->t.ask = err == 0 && like->ask != NULL ? ask_ref(like->ask) : NULL;
	if (err < 0)
		aim_clear(out);
	return err;
}

/* RFC 3986 section 5.2, for what servers send: no dots are taken out. */
static int
join(char *out, size_t size, const char *base, const char *location)
{
	const char *authority = strstr(base, "://") + 3;
	size_t scheme = (size_t)(authority - base) - 2;
	size_t host = (size_t)(authority - base) + strcspn(authority, "/?#");
	size_t path = host + strcspn(base + host, "?#"), keep = host;
	const char *slash = "";
	int n;

	if (has_scheme(location)) {
		keep = 0;
	} else if (strncmp(location, "//", 2) == 0) {
		keep = scheme;
	} else if (location[0] == '?') {
		keep = path;
	} else if (location[0] != '/') {
		while (path > host && base[path - 1] != '/')
			path--;
		keep = path;
		slash = path == host ? "/" : "";
	}
	n = snprintf(out, size, "%.*s%s%s", (int)keep, base, slash, location);
	return n >= 0 && (size_t)n < size ? 0 : -EINVAL;
}

int
aim_follow(struct aim *out, const struct config_module *m,
    const struct aim *from, const char *location, char why[AIM_WHY])
{
	char url[URL_MOST];

	if (join(url, sizeof(url), from->t.url, location) < 0) {
		snprintf(why, AIM_WHY, "the redirection's URL is too long");
		return -EINVAL;
	}
	return aim_at(out, m, url, NULL, why);
}

void
aim_clear(struct aim *a)
{
	config_target_clear(&a->t);
	free(a->lookup);
	a->lookup = NULL;
}
