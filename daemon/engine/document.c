/*
 * A document's file is read when it changed and at each refresh; a URL at
 * each refresh, or with growing pauses after failures. Tokens live for the
 * length of the request only.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "document.h"
#include "file.h"
#include "log.h"
#include "secret.h"
#include "transfer.h"
#include "watch.h"

#define NEVER	   UINT64_MAX
#define REFRESH	   (1800 * CLOCK_SEC)
#define RETRY	   (15 * CLOCK_SEC)
#define PAUSE_MOST (3600 * CLOCK_SEC) /* that a server may ask for */

static uint64_t
refresh_of(const struct document *doc)
{
	return doc->spec.refresh ? doc->spec.refresh : REFRESH;
}

/* ---- documents behind URLs ---- */

/* A redirect's target for people: no query, where tokens stand. */
static const char *
shown_url(const char *url, char *out, size_t size)
{
	size_t n = url ? strcspn(url, "?#") : 0;
	if (!n)
		return "elsewhere";
	for (size_t i = 0; i < n; i++)
		if (url[i] <= ' ' || url[i] > '~' || url[i] == '@')
			return "elsewhere";
	snprintf(out, size, "%.*s", n < 80 ? (int)n : 80, url);
	return out;
}

static void
fail_status(struct document *doc, const struct transfer_result *r)
{
	char url[96];
	const char *token = doc->spec.bearer_token_file;
	if (r->status / 100 == 3 && r->redirect)
		feed_fail(doc->feed,
		    "HTTP %d to %s: redirects are not followed", r->status,
		    shown_url(r->redirect, url, sizeof(url)));
	else if ((r->status == 401 || r->status == 403) && token)
		feed_fail(doc->feed, "HTTP %d: the token in %s is refused",
		    r->status, token);
	else if (r->status == 401 || r->status == 403)
		feed_fail(doc->feed,
		    "HTTP %d: it wants a token, and no bearer_token_file is "
		    "configured",
		    r->status);
	else
		feed_fail(doc->feed, "HTTP %d", r->status);
}

/* 15 s, doubled each time up to the refresh; later if the server says so. */
static uint64_t
pause_after_failure(struct document *doc, uint64_t retry_after)
{
	uint64_t most = refresh_of(doc);
	unsigned shift = doc->tries < 10 ? doc->tries : 10;
	uint64_t ns = RETRY << shift;
	doc->tries++;
	if (ns > most)
		ns = most;
	ns = feed_spread(ns);
	if (retry_after > PAUSE_MOST)
		retry_after = PAUSE_MOST;
	return ns > retry_after ? ns : retry_after;
}

static void
rest(struct document *doc, uint64_t retry_after)
{
	uint64_t ns;
	if (doc->feed->failing)
		ns = pause_after_failure(doc, retry_after);
	else
		ns = feed_spread(refresh_of(doc));
	if (!doc->feed->failing)
		doc->tries = 0;
	doc->due = clock_mono() + ns;
}

static void
on_fetched(void *arg, const struct transfer_result *r)
{
	struct document *doc = arg;
	bool changed = false;
	doc->get = NULL;
	if (r->error)
		feed_fail(doc->feed, "%s", r->why);
	else if (r->status != 200)
		fail_status(doc, r);
	else
		changed =
		    feed_accept(doc->feed, doc->env->config, r->body, r->len);
	rest(doc, r->retry_after);
	doc->env->published(doc->env->arg, changed);
}

static void
fetch(struct document *doc)
{
	const struct config_discovery *spec = &doc->spec;
	struct secret token = {0};
	int rc = 0;
	if (spec->bearer_token_file)
		rc = secret_read(&token, spec->bearer_token_file);
	if (rc) {
		feed_fail(doc->feed, "token file %s: %s",
		    spec->bearer_token_file, file_why(rc));
		rest(doc, 0);
		return;
	}
	struct transfer_request req = {
	    .url = spec->url,
	    .bearer = spec->bearer_token_file ? token.text : NULL,
	    .proxy = spec->proxy,
	    .ca_file = spec->ca_file,
	    .timeout = spec->timeout,
	    .most = FEED_MOST,
	    .done = on_fetched,
	    .arg = doc,
	};
	doc->get = transfer_get(doc->env->carrier, &req);
	secret_wipe(&token);
	doc->due = NEVER;
	if (doc->get)
		return;
	feed_fail(doc->feed, "this URL cannot be fetched");
	rest(doc, 0);
}

bool
document_refresh(struct document *doc)
{
	if (!doc->spec.file) {
		fetch(doc);
		return false;
	}
	doc->due = clock_mono() + feed_spread(refresh_of(doc));
	return feed_read(doc->feed, doc->env->config, doc->spec.file);
}

static void
on_changed(void *arg)
{
	struct document *doc = arg;
	doc->env->published(doc->env->arg, document_refresh(doc));
}

/* ---- sources of a configuration ---- */

static void
spec_free(struct config_discovery *s)
{
	free(s->name);
	free(s->file);
	free(s->url);
	free(s->bearer_token_file);
	free(s->ca_file);
	free(s->proxy);
}

static bool
copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

static bool
spec_copy(struct config_discovery *to, const struct config_discovery *from)
{
	*to = (struct config_discovery){
	    .refresh = from->refresh,
	    .timeout = from->timeout,
	    .about = from->about,
	};
	bool all = copy_text(&to->name, from->name);
	all &= copy_text(&to->file, from->file);
	all &= copy_text(&to->url, from->url);
	all &= copy_text(&to->bearer_token_file, from->bearer_token_file);
	all &= copy_text(&to->ca_file, from->ca_file);
	all &= copy_text(&to->proxy, from->proxy);
	if (!all)
		spec_free(to);
	return all;
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* How it is fetched, beside what. */
static bool
same_ways(const struct config_discovery *a, const struct config_discovery *b)
{
	return same_text(a->bearer_token_file, b->bearer_token_file) &&
	       same_text(a->ca_file, b->ca_file) &&
	       same_text(a->proxy, b->proxy) && a->refresh == b->refresh &&
	       a->timeout == b->timeout;
}

static void
warn_of_clear_token(const struct config_discovery *spec)
{
	if (spec->url && spec->bearer_token_file &&
	    !strncasecmp(spec->url, "http:", 5))
		log_warn("discovery", "%s: its token is sent in clear text",
		    spec->name);
}

void
document_close(struct document *doc)
{
	if (!doc)
		return;
	if (doc->get)
		transfer_cancel(doc->get);
	watch_free(doc->watch);
	feed_free(doc->feed);
	spec_free(&doc->spec);
	free(doc);
}

static struct watch *
watch_spec(struct document *doc)
{
	struct watch_setup setup = {
	    .loop = doc->env->loop,
	    .path = doc->spec.file,
	    .changed = on_changed,
	    .arg = doc,
	};
	return watch_new(&setup);
}

struct document *
document_open(struct feed_env *env, const struct config_discovery *spec)
{
	struct document *doc = calloc(1, sizeof(*doc));
	if (!doc)
		return NULL;
	doc->env = env;
	if (!spec_copy(&doc->spec, spec)) {
		free(doc);
		return NULL;
	}
	doc->feed =
	    feed_new(spec->file ? SOURCE_DISCOVERY_FILE : SOURCE_DISCOVERY_URL,
		spec->name);
	if (spec->file)
		doc->watch = watch_spec(doc);
	if (!doc->feed || (spec->file && !doc->watch)) {
		document_close(doc);
		return NULL;
	}
	warn_of_clear_token(spec);
	return doc;
}

bool
document_is(const struct document *doc, const struct config_discovery *spec)
{
	return same_text(doc->spec.file, spec->file) &&
	       same_text(doc->spec.url, spec->url) &&
	       same_text(doc->spec.name, spec->name);
}

void
document_adopt(struct document *doc, const struct config_discovery *spec)
{
	struct config_discovery copy;
	doc->spec.about = spec->about;
	if (same_ways(&doc->spec, spec) || !spec_copy(&copy, spec))
		return;
	spec_free(&doc->spec);
	doc->spec = copy;
	if (doc->get)
		transfer_cancel(doc->get);
	doc->get = NULL;
	doc->due = doc->tries = 0;
	warn_of_clear_token(spec);
}
