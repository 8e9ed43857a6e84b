/* Single paths to probe: items of `targets`, and files of Prometheus' kind. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_ask.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "option.h"
#include "proxy.h"
#include "url.h"

enum { HOST_MAX = 256 };

void
config_target_clear(struct config_target *t)
{
	free(t->host);
	t->host = NULL;
	ask_unref(t->ask);
	free(t->url);
	proxy_unref(t->proxy);
	t->ask = NULL;
	t->url = NULL;
	t->proxy = NULL;
}

void
config_targets_free(struct config_target *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		config_target_clear(&t[i]);
	free(t);
}

void
config_target_suffix(char out[TARGET_NAME + 1], const char *name,
    const char *text, unsigned salt)
{
	enum { ROOM = TARGET_NAME - 7 };
	uint64_t h = target_hash(text, salt);
	size_t len = strlen(name);

	if (len > ROOM) {
		len = ROOM;
		/* not within a character of UTF-8 */
		while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, name, len);
	snprintf(out + len, 8, "-%06x",
	    (unsigned)((h ^ h >> 24 ^ h >> 48) & 0xffffff));
}

/* Where a kind has its own word for it: "tcp" of dns is dns_tcp. */
static const struct kind *
kind_over(struct config_target *t)
{
	const struct kind *k = kind_find(t->probe, t->transport);
	char word[64];
	unsigned n;

	if (k != NULL)
		return k;
	snprintf(word, sizeof(word), "%s_%s", t->probe,
	    word_label(WORD_TRANSPORT, t->transport));
	n = word_number(WORD_TRANSPORT, word);
	k = n != 0 ? kind_find(t->probe, (enum transport)n) : NULL;
	if (k != NULL)
		t->transport = k->transport;
	return k;
}

const struct kind *
config_target_kind(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t)
{
	const struct kind *k;
	char words[128] = "";
	size_t len = 0;

	if (t->transport == 0)
		t->transport = kind_first(t->probe)->transport;
	k = kind_over(t);
	if (k != NULL)
		return k;
	for (unsigned i = 0; kind_row(i) != NULL; i++) {
		if (strcmp(kind_row(i)->name, t->probe) == 0)
			len += (size_t)snprintf(words + len,
			    sizeof(words) - len, "%s%s", len > 0 ? ", " : "",
			    word_label(WORD_TRANSPORT, kind_row(i)->transport));
	}
	doc_error(errors, at, "'%s' is no transport of %s (one of: %s)",
	    word_label(WORD_TRANSPORT, t->transport), t->probe, words);
	return NULL;
}

const char *
config_target_lookup(const struct config_target *t)
{
	const struct kind *k = kind_find(t->probe, t->transport);

	return t->port == 0 && k->has_port ? NULL : t->host;
}

int
config_target_address(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t)
{
	const struct kind *k = kind_find(t->probe, t->transport);
	char host[HOST_MAX], shown[DOC_SHOWN];
	/* A port that the text has not is left as it is: two tell. */
	uint16_t port = 0, other = 1;
	const char *why = NULL;

	/* Its port is that of each server, as the system has it. */
	if (strcmp(t->probe, "dns") == 0 && strcmp(at->scalar, "system") == 0) {
		t->host = strdup(at->scalar);
		return t->host != NULL ? 0 : -ENOMEM;
	}
	doc_error_shown(at->scalar, shown);
	if (addr_split(at->scalar, host, sizeof(host), &port) < 0 ||
	    addr_split(at->scalar, host, sizeof(host), &other) < 0 ||
	    other == 0)
		why = "is not HOST:PORT with a port from 1 to 65535";
	else if (!nodelist_host_ok(host))
		why = "has no name or address of one host";
	else if (!k->has_port && port == other)
		why = "has a port, and this kind of probe knows none";
	else if (k->has_port && port != other && k->port == 0)
		why = "has no port";
	if (why != NULL) {
		doc_error(errors, at, "'%s' %s", shown, why);
		return -EINVAL;
	}
	t->host = nodelist_copy_host(host);
	t->port = port != 0 ? port : k->port;
	return t->host != NULL ? 0 : -ENOMEM;
}

/* Whether the host can be probed; it becomes the target's. */
static int
take_host(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t, const char *host)
{
	char shown[DOC_SHOWN];

	if (!nodelist_host_ok(host)) {
		doc_error(errors, at, "'%s' has no name or address of one host",
		    doc_error_shown(at->scalar, shown));
		return -EINVAL;
	}
	t->host = nodelist_copy_host(host);
	return t->host != NULL ? 0 : -ENOMEM;
}

int
config_target_url(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t)
{
	const char *wanted = word_label(WORD_TRANSPORT, t->transport);
	char shown[DOC_SHOWN];
	const char *why;
	struct url u;

	doc_error_shown(at->scalar, shown);
	if (url_split(at->scalar, &u, &why) < 0) {
		doc_error(errors, at, "'%s' is not a URL that can be used: %s",
		    shown, why);
		return -EINVAL;
	}
	if (u.user_len > 0) {
		doc_error(errors, at,
		    "credentials do not belong into a URL (of %s)", u.host);
		return -EINVAL;
	}
	if (strcmp(u.scheme, wanted) != 0) {
		doc_error(errors, at,
		    "'%s' does not start with %s://, as a %s probe over %s "
		    "must",
		    shown, wanted, t->probe, wanted);
		return -EINVAL;
	}
	t->port =
	    u.port != 0 ? u.port : kind_find(t->probe, t->transport)->port;
	t->url = strdup(at->scalar);
	if (t->url == NULL)
		return -ENOMEM;
	return take_host(errors, at, t, u.host);
}

/* A URL says over what it is reached. */
static void
transport_of_url(struct config_target *t, const struct doc_node *map)
{
	const struct doc_node *url = doc_get(map, "url");
	const char *why;
	struct url u;
	unsigned n;

	if (t->transport != 0 || url == NULL || url->kind != DOC_SCALAR ||
	    url_split(url->scalar, &u, &why) < 0)
		return;
	n = word_number(WORD_TRANSPORT, u.scheme);
	if (n != 0 && kind_find(t->probe, n) != NULL)
		t->transport = n;
}

/* What says where the target is; NULL with an error. */
static const struct doc_node *
place_of(
    struct config_reader *r, const struct doc_node *map, const struct kind *k)
{
	bool web = (k->asks & 1u << ASK_HTTP) != 0;
	const char *key = web ? "url" : "address";
	const char *other = web ? "address" : "url";
	const struct doc_node *place = doc_get(map, key);
	const struct doc_node *wrong = doc_get(map, other);

	if (!web && wrong == NULL)
		wrong = doc_get(map, "via");
	if (wrong != NULL)
		doc_error(r->errors, wrong,
		    "'%s' is no key of a %s probe over %s",
		    wrong == doc_get(map, "via") ? "via" : other, k->name,
		    word_label(WORD_TRANSPORT, k->transport));
	if (place == NULL)
		doc_error(r->errors, map, "'%s' is missing", key);
	return place != NULL && place->kind == DOC_SCALAR && !doc_null(place)
		   ? place
		   : NULL;
}

static void
check_count(struct config_reader *r, const struct doc_node *map,
    const struct config_target *t, const struct kind *k)
{
	const struct doc_node *count = doc_get(map, "count");

	if (count != NULL && t->probing.count > k->count_most)
		doc_error(r->errors, count,
		    "a probe of this kind has at most %u request%s",
		    k->count_most, k->count_most == 1 ? "" : "s");
}

static unsigned
count_of(const struct config_target *t, const struct kind *k)
{
	unsigned count = t->probing.count > 0 ? t->probing.count : k->count;

	return count < k->count_most ? count : k->count_most;
}

void
config_target_read(struct config_reader *r, const struct doc_node *map,
    struct config_target *t)
{
	const struct doc_node *thresholds, *place, *transport;
	const struct kind *k;

	option_defaults(OPTION_target, t);
	t->probing = r->defaults;
	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	t->line = map->line;
	option_check_keys(map, OPTION_target, r->errors);
	option_read(map, OPTION_target, t, r->directory, r->errors);
	thresholds = option_shape(map, OPTION_target, "thresholds", r->errors);
	config_probing_read(r, map, thresholds, &t->probing);
	transport = doc_get(map, "transport");
	transport_of_url(t, map);
	k = config_target_kind(
	    r->errors, transport != NULL ? transport : map, t);
	if (k == NULL)
		return;
	t->ask = config_ask_read(r, map, k, false);
	check_count(r, map, t, k);
	config_probing_finish(r, map, thresholds, &t->probing, count_of(t, k));
	/* until now they were texts of the file */
	option_free(OPTION_target, t);
	place = place_of(r, map, k);
	if (place == NULL)
		return;
	if ((k->asks & 1u << ASK_HTTP) != 0) {
		config_target_url(r->errors, place, t);
		return;
	}
	if (config_target_address(r->errors, place, t) == 0)
		config_probing_check_host(r, place, &t->probing, t->host);
}
