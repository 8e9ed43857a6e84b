/* Responders and lists of revoked certificates as targets. */
#include "build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learned.h"
#include "requirement.h"
#include "url.h"

/* So many at most: certificates are what others choose to show. */
enum { LEARNED_MOST = 32, STRANGERS_MOST = 16, URL_MAX = 300 };

struct learned {
	const struct config *config; /* borrowed */
	char *host[LEARNED_MOST];    /* "host" or "host:port"; owned */
	size_t hosts;
	size_t strangers; /* of them, when they came: no row lists them */
	struct config_target *target; /* hosts times learners; owned texts */
	const struct requirement **row;
	size_t targets;
	struct learned_other *other; /* hosts times learners */
	size_t others;
	bool stale; /* there are hosts that are no targets yet */
};

struct learned *
learned_new(void)
{
	return calloc(1, sizeof(struct learned));
}

static void
drop_targets(struct learned *l)
{
	for (size_t i = 0; i < l->targets; i++) {
		free(l->target[i].host);
		free(l->target[i].url);
		ask_unref(l->target[i].ask);
	}
	free(l->target);
	free(l->row);
	free(l->other);
	l->target = NULL;
	l->row = NULL;
	l->other = NULL;
	l->targets = l->others = 0;
}

void
learned_free(struct learned *l)
{
	if (l == NULL)
		return;
	drop_targets(l);
	for (size_t i = 0; i < l->hosts; i++)
		free(l->host[i]);
	free(l);
}

/* "dom-15-ocsp.example.com", with a hash where that is too long. */
static void
name_target(struct config_target *t, const char *id, const char *host)
{
	char whole[URL_MAX];

	snprintf(whole, sizeof(whole), "%s-%s", id, host);
	for (char *c = whole; *c != '\0'; c++)
		*c = isalnum((unsigned char)*c) || *c == '.'
			 ? (char)tolower((unsigned char)*c)
			 : '-';
	if (strlen(whole) <= TARGET_NAME)
		memcpy(t->name, whole, strlen(whole) + 1);
	else
		config_target_suffix(t->name, whole, whole, 0);
}

static void
make_target(
    struct learned *l, const struct config_learner *by, const char *host)
{
	struct config_target *t = &l->target[l->targets];
	char text[URL_MAX];
	const char *why;
	struct url u;

	snprintf(text, sizeof(text), "%s://%s/",
	    word_label(WORD_TRANSPORT, by->like.transport), host);
	if (url_split(text, &u, &why) < 0)
		return;
	*t = by->like;
	t->host = strdup(u.host);
	t->url = strdup(text);
	t->ask = ask_ref(by->like.ask);
	if (u.port != 0)
		t->port = u.port;
	if (t->host == NULL || t->url == NULL) {
		free(t->host);
		free(t->url);
		ask_unref(t->ask);
		return;
	}
	name_target(t, by->row->id, host);
	l->row[l->targets++] = by->row;
}

static bool
is_listed(const struct requirement *row, const char *host)
{
	char bare[URL_MAX];

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host, ":"), host);
	for (size_t i = 0; i < row->groups; i++)
		if (row->hosts[i].match != NULL &&
		    requirement_match(row->hosts[i].match, bare))
			return true;
	return false;
}

static void
make_targets(struct learned *l)
{
	size_t learners = l->config->learners;

	drop_targets(l);
	l->target = calloc(l->hosts * learners + 1, sizeof(*l->target));
	l->row = calloc(l->hosts * learners + 1, sizeof(*l->row));
	l->other = calloc(l->hosts * learners + 1, sizeof(*l->other));
	if (l->target == NULL || l->row == NULL || l->other == NULL)
		return;
	for (size_t i = 0; i < learners; i++)
		for (size_t k = 0; k < l->hosts; k++) {
			const struct config_learner *by =
			    &l->config->learner[i];

			if (is_listed(by->row, l->host[k]))
				make_target(l, by, l->host[k]);
			else
				l->other[l->others++] =
				    (struct learned_other){l->host[k], by->row};
		}
}

void
learned_configure(struct learned *l, const struct config *c)
{
	l->config = c;
	drop_targets(l);
	l->stale = true;
}

static bool
is_listed_by_any(const struct config *c, const char *host)
{
	for (size_t i = 0; i < c->learners; i++)
		if (is_listed(c->learner[i].row, host))
			return true;
	return false;
}

/* Hosts that anybody makes up leave room for those that rows list. */
static bool
add_host(struct learned *l, const char *host)
{
	bool strange;

	for (size_t i = 0; i < l->hosts; i++)
		if (strcmp(l->host[i], host) == 0)
			return false;
	strange = !is_listed_by_any(l->config, host);
	if (l->hosts == LEARNED_MOST ||
	    (strange && l->strangers == STRANGERS_MOST))
		return false;
	l->host[l->hosts] = strdup(host);
	if (l->host[l->hosts] == NULL)
		return false;
	l->hosts++;
	l->strangers += strange;
	return true;
}

/* "ocsp=http://host/path": who says more of a certificate's status. */
static bool
note_url(struct learned *l, const char *text, size_t len)
{
	char url[URL_MAX], host[URL_MAX];
	const char *at = memchr(text, '=', len), *why;
	struct url u;

	if (at == NULL ||
	    (strncmp(text, "ocsp=", 5) != 0 && strncmp(text, "crl=", 4) != 0))
		return false;
	len -= (size_t)(at + 1 - text);
	if (len >= sizeof(url))
		return false;
	memcpy(url, at + 1, len);
	url[len] = '\0';
	if (url_split(url, &u, &why) < 0 || strcmp(u.scheme, "http") != 0)
		return false;
	if (u.port != 0)
		snprintf(host, sizeof(host), "%s:%u", u.host, u.port);
	else
		snprintf(host, sizeof(host), "%s", u.host);
	return add_host(l, host);
}

bool
learned_note(struct learned *l, const struct tls_facts *f)
{
	const char *at = f->authorities;
	bool fresh = false;

	if (l->config == NULL || l->config->learners == 0)
		return false;
	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		fresh |= note_url(l, at, len);
		at += len + strspn(at + len, " ");
	}
	l->stale |= fresh;
	return fresh;
}

const struct config_target *
learned_targets(struct learned *l, size_t *n)
{
	if (l->stale && l->config != NULL)
		make_targets(l);
	l->stale = false;
	*n = l->targets;
	return l->target;
}

const struct requirement *
learned_row(const struct learned *l, size_t i)
{
	return l->row[i];
}

const struct learned_other *
learned_others(const struct learned *l, size_t *n)
{
	*n = l->others;
	return l->other;
}
