/* The web configuration in use: files watched, requests counted. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "http_web.h"
#include "log.h"
#include "webconfig.h"

/* ---- files ---- */

static void
look(const char *file, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	if (file != NULL && stat(file, st) < 0)
		memset(st, 0, sizeof(*st));
}

static void
look_at_all(const struct http_web *w, struct stat st[HTTP_WEB_FILES])
{
	const struct webconfig *c = w->config;

	look(w->file, &st[0]);
	look(c != NULL ? c->cert_file : NULL, &st[1]);
	look(c != NULL ? c->key_file : NULL, &st[2]);
	look(c != NULL ? c->client_ca_file : NULL, &st[3]);
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Everything that the file stands for, or NULL and the errors. */
static struct webconfig *
load(const char *file, struct http_tls_pem *pem, char **priorities,
    struct buf *errors)
{
	struct doc_errors e = {0};
	struct webconfig *c = webconfig_load(file, &e);
	struct buf text = BUF_INIT;
	char why[256];

	*pem = (struct http_tls_pem){0};
	*priorities = NULL;
	if (c == NULL)
		config_errors_text(errors, file, &e);
	doc_errors_free(&e);
	if (c == NULL || !c->tls)
		return c;
	if (http_tls_read(pem, c, why) < 0) {
		buf_printf(
		    errors, "%s: error: tls_server_config: %s\n", file, why);
		webconfig_free(c);
		return NULL;
	}
	http_tls_priorities(c, &text);
	*priorities = buf_steal(&text);
	return c;
}

int
http_web_open(struct http_web *w, const char *file, struct buf *errors)
{
	*w = (struct http_web){.file = file};
	if (file == NULL)
		return 0;
	w->config = load(file, &w->pem, &w->priorities, errors);
	look_at_all(w, w->seen);
	return w->config != NULL ? 0 : -1;
}

void
http_web_close(struct http_web *w)
{
	webconfig_free(w->config);
	http_tls_free(&w->pem);
	free(w->priorities);
	*w = (struct http_web){0};
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether connections would be made in another way. */
static bool
other_tls(const struct http_web *w, const struct webconfig *c,
    const struct http_tls_pem *pem, const char *priorities)
{
	return !same_text(w->pem.cert, pem->cert) ||
	       !same_text(w->pem.key, pem->key) ||
	       !same_text(w->pem.client_ca, pem->client_ca) ||
	       !same_text(w->priorities, priorities) ||
	       /* Handshakes under way look at the configuration. */
	       w->config->client_auth != WEBCONFIG_CLIENT_NONE ||
	       c->client_auth != WEBCONFIG_CLIENT_NONE;
}

bool
http_web_renew(struct http_web *w, uint64_t now, struct webconfig **old,
    bool *listen_again)
{
	struct buf errors = BUF_INIT;
	struct stat st[HTTP_WEB_FILES];
	struct http_tls_pem pem;
	struct webconfig *c;
	bool changed = false;
	char *priorities;

	if (w->file == NULL || now < w->look_at)
		return false;
	w->look_at = now + CLOCK_SEC;
	look_at_all(w, st);
	for (unsigned i = 0; i < HTTP_WEB_FILES; i++)
		changed |= !same(&w->seen[i], &st[i]);
	if (!changed)
		return false;
	memcpy(w->seen, st, sizeof(st));
	c = load(w->file, &pem, &priorities, &errors);
	if (c == NULL) {
		log_error("http", "the web configuration stays as it was: %s",
		    buf_str(&errors));
		buf_free(&errors);
		return false;
	}
	buf_free(&errors);
	*old = w->config;
	*listen_again = other_tls(w, c, &pem, priorities);
	http_tls_free(&w->pem);
	free(w->priorities);
	w->config = c;
	w->pem = pem;
	w->priorities = priorities;
	look_at_all(w, w->seen);
	log_info("http", "%s was read again", w->file);
	return true;
}

/* ---- the rate limit ---- */

/* A bucket of burst tokens, one more each interval; time is the unit. */
bool
http_web_allow(struct http_web *w, uint64_t now)
{
	const struct webconfig *c = w->config;
	uint64_t most, gone;

	if (c == NULL || c->interval == 0)
		return true;
	most = c->interval * c->burst;
	gone = w->tokens_at == 0 ? most : now - w->tokens_at;
	w->tokens = gone >= most - w->tokens ? most : w->tokens + gone;
	w->tokens_at = now;
	if (w->tokens < c->interval)
		return false;
	w->tokens -= c->interval;
	return true;
}
