/* Reading the web configuration; what it allows is in tables. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "doc.h"
#include "file.h"
#include "option.h"
#include "webconfig.h"

enum { FILE_MOST = 1 << 20, HASH_LEN = 60, COST_LEAST = 4, COST_MOST = 31 };

/* A name as the file has it, and what GnuTLS calls its parts. */
struct known {
	const char *name, *parts;
};

/* Those that the toolkit knows; the first three are TLS 1.3's. */
static const struct known suites[] = {
    {"TLS_AES_128_GCM_SHA256", "+AES-128-GCM:+AEAD"},
    {"TLS_AES_256_GCM_SHA384", "+AES-256-GCM:+AEAD"},
    {"TLS_CHACHA20_POLY1305_SHA256", "+CHACHA20-POLY1305:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "+ECDHE-ECDSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "+ECDHE-ECDSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "+ECDHE-RSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "+ECDHE-RSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	"+ECDHE-ECDSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	"+ECDHE-ECDSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "+ECDHE-RSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "+ECDHE-RSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	"+ECDHE-RSA:+CHACHA20-POLY1305:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	"+ECDHE-ECDSA:+CHACHA20-POLY1305:+AEAD"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "+RSA:+AES-128-CBC:+SHA1"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "+RSA:+AES-256-CBC:+SHA1"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "+RSA:+AES-128-GCM:+AEAD"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "+RSA:+AES-256-GCM:+AEAD"},
    {NULL, NULL}};

static const struct known groups[] = {{"X25519", "+GROUP-X25519"},
    {"CurveP256", "+GROUP-SECP256R1"}, {"CurveP384", "+GROUP-SECP384R1"},
    {"CurveP521", "+GROUP-SECP521R1"}, {NULL, NULL}};

/* Headers that may be set, and what they may be; "": anything. */
static const struct {
	const char *name, *value[3];
} headers[] = {{"Content-Security-Policy", {""}},
    {"Strict-Transport-Security", {""}},
    {"X-Content-Type-Options", {"nosniff"}},
    {"X-Frame-Options", {"deny", "sameorigin"}}, {"X-XSS-Protection", {""}}};

enum { HEADERS = sizeof(headers) / sizeof(headers[0]) };

struct reader {
	struct webconfig *w;
	const char *directory;
	struct doc_errors *errors;
};

/* ---- lists and mappings ---- */

static bool
is_text(struct reader *r, const struct doc_node *n)
{
	if (n->kind == DOC_SCALAR && !doc_null(n))
		return true;
	doc_error(r->errors, n, "must be a text, not %s", doc_kind_text(n));
	return false;
}

/* The parts of what the list names, each once, or NULL without a list. */
static char *
read_known(struct reader *r, const struct doc_node *list,
    const struct known *table, const char *what)
{
	struct buf out = BUF_INIT;
	char shown[DOC_SHOWN];

	if (list == NULL || list->items == 0)
		return NULL;
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		const struct known *k = table;

		if (!is_text(r, n))
			continue;
		while (k->name != NULL && strcmp(k->name, n->scalar) != 0)
			k++;
		if (k->name == NULL)
			doc_error(r->errors, n, "'%s' is no %s that is known",
			    doc_error_shown(n->scalar, shown), what);
		else
			buf_printf(&out, ":%s", k->parts);
	}
	return buf_steal(&out);
}

static void
read_sans(struct reader *r, const struct doc_node *list)
{
	struct webconfig *w = r->w;

	if (list == NULL || list->items == 0)
		return;
	w->san = calloc(list->items, sizeof(*w->san));
	for (size_t i = 0; w->san != NULL && i < list->items; i++) {
		if (!is_text(r, list->item[i]))
			continue;
		w->san[w->sans] = strdup(list->item[i]->scalar);
		w->sans += w->san[w->sans] != NULL;
	}
	if (w->sans < list->items && doc_errors_count(r->errors) == 0)
		doc_error(r->errors, list, "not enough memory");
}

/* Pairs of the mapping that check() lets pass. */
static size_t
read_pairs(struct reader *r, const struct doc_node *map,
    struct webconfig_pair **out,
    void (*check)(struct reader *r, const char *name, const struct doc_node *n))
{
	struct webconfig_pair *p;

	if (map == NULL || map->items == 0)
		return 0;
	p = calloc(map->items, sizeof(*p));
	*out = p;
	for (size_t i = 0; p != NULL && i < map->items; i++) {
		if (!is_text(r, map->item[i]))
			continue;
		check(r, map->key[i]->scalar, map->item[i]);
		p[i].name = strdup(map->key[i]->scalar);
		p[i].value = strdup(map->item[i]->scalar);
		if (p[i].name == NULL || p[i].value == NULL)
			doc_error(r->errors, map, "not enough memory");
	}
	if (p == NULL)
		doc_error(r->errors, map, "not enough memory");
	return p != NULL ? map->items : 0;
}

static void
check_header(struct reader *r, const char *name, const struct doc_node *n)
{
	char shown[DOC_SHOWN];
	unsigned i = 0;

	while (i < HEADERS && strcasecmp(headers[i].name, name) != 0)
		i++;
	if (i == HEADERS) {
		doc_error(r->errors, n,
		    "the header '%s' cannot be set (those that can: "
		    "Content-Security-Policy, Strict-Transport-Security, "
		    "X-Content-Type-Options, X-Frame-Options, "
		    "X-XSS-Protection)",
		    doc_error_shown(name, shown));
		return;
	}
	for (const char *p = n->scalar; *p != '\0'; p++) {
		if (iscntrl((unsigned char)*p)) {
			doc_error(r->errors, n,
			    "a control character cannot stand in a header");
			return;
		}
	}
	if (headers[i].value[0][0] == '\0')
		return;
	for (unsigned k = 0; headers[i].value[k] != NULL; k++)
		if (strcmp(headers[i].value[k], n->scalar) == 0)
			return;
	doc_error(r->errors, n, "must be %s%s%s", headers[i].value[0],
	    headers[i].value[1] != NULL ? " or " : "",
	    headers[i].value[1] != NULL ? headers[i].value[1] : "");
}

/* $2y$10$ and 53 characters: salt and hash, in bcrypt's own base 64. */
static void
check_user(struct reader *r, const char *name, const struct doc_node *n)
{
	const char *h = n->scalar;
	int cost = 0;
	bool ok = strlen(h) == HASH_LEN && strncmp(h, "$2", 2) == 0 &&
		  strchr("aby", h[2]) != NULL && h[3] == '$' &&
		  isdigit((unsigned char)h[4]) &&
		  isdigit((unsigned char)h[5]) && h[6] == '$';

	if (ok) {
		cost = (h[4] - '0') * 10 + h[5] - '0';
		for (unsigned i = 7; i < HASH_LEN; i++)
			ok &= isalnum((unsigned char)h[i]) ||
			      strchr("./", h[i]) != NULL;
	}
	if (!ok || cost < COST_LEAST || cost > COST_MOST)
		doc_error(r->errors, n,
		    "is no bcrypt hash (htpasswd -nBC 10 NAME makes one)");
	if (name[0] == '\0' || strchr(name, ':') != NULL)
		doc_error(r->errors, n,
		    "the name of a user is not empty and has no ':'");
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct webconfig_pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* ---- groups ---- */

/* Exactly one of a pair of keys. */
static void
need_one(
    struct reader *r, const struct doc_node *map, const char *a, const char *b)
{
	bool has_a = doc_get(map, a) != NULL, has_b = doc_get(map, b) != NULL;

	if (!has_a && !has_b)
		doc_error(r->errors, map, "'%s' is missing", a);
	else if (has_a && has_b)
		doc_error(r->errors, map, "has both '%s' and '%s'", a, b);
}

static void
check_tls(struct reader *r, const struct doc_node *map)
{
	const struct webconfig *w = r->w;
	bool ca = w->client_ca != NULL || w->client_ca_file != NULL;

	need_one(r, map, "cert_file", "cert");
	need_one(r, map, "key_file", "key");
	if (w->client_ca != NULL && w->client_ca_file != NULL)
		doc_error(r->errors, map,
		    "has both 'client_ca_file' and 'client_ca'");
	if (ca && w->client_auth == WEBCONFIG_CLIENT_NONE)
		doc_error(r->errors, map,
		    "has certificates for clients, and client_auth_type asks "
		    "for none");
	if (!ca && w->client_auth >= WEBCONFIG_CLIENT_IF_GIVEN)
		doc_error(
		    r->errors, map, "client_auth_type needs 'client_ca_file'");
	if (w->sans > 0 && w->client_auth == WEBCONFIG_CLIENT_NONE)
		doc_error(r->errors, map,
		    "has client_allowed_sans, and client_auth_type asks for "
		    "no certificate");
	if (w->min_version > w->max_version)
		doc_error(
		    r->errors, map, "min_version is greater than max_version");
}

static void
read_tls(struct reader *r, const struct doc_node *map)
{
	struct doc_errors *e = r->errors;

	if (map == NULL)
		return;
	r->w->tls = true;
	option_check_keys(map, OPTION_web_tls, e);
	option_read(map, OPTION_web_tls, r->w, r->directory, e);
	r->w->suites =
	    read_known(r, option_shape(map, OPTION_web_tls, "cipher_suites", e),
		suites, "cipher suite");
	r->w->groups = read_known(r,
	    option_shape(map, OPTION_web_tls, "curve_preferences", e), groups,
	    "curve");
	read_sans(
	    r, option_shape(map, OPTION_web_tls, "client_allowed_sans", e));
	check_tls(r, map);
}

static void
read_root(struct reader *r, const struct doc_node *root)
{
	struct doc_errors *e = r->errors;
	const struct doc_node *http, *limit;

	option_check_keys(root, OPTION_web, e);
	read_tls(r, option_shape(root, OPTION_web, "tls_server_config", e));
	http = option_shape(root, OPTION_web, "http_server_config", e);
	if (http != NULL) {
		option_check_keys(http, OPTION_web_http, e);
		option_read(http, OPTION_web_http, r->w, r->directory, e);
		r->w->headers = read_pairs(r,
		    option_shape(http, OPTION_web_http, "headers", e),
		    &r->w->header, check_header);
	}
	limit = option_shape(root, OPTION_web, "rate_limit", e);
	if (limit != NULL) {
		option_check_keys(limit, OPTION_web_limit, e);
		option_read(limit, OPTION_web_limit, r->w, r->directory, e);
	}
	r->w->users =
	    read_pairs(r, option_shape(root, OPTION_web, "basic_auth_users", e),
		&r->w->user, check_user);
}

/* ---- the file ---- */

static struct webconfig *
webconfig_new(void)
{
	struct webconfig *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	option_defaults(OPTION_web_tls, w);
	option_defaults(OPTION_web_http, w);
	option_defaults(OPTION_web_limit, w);
	return w;
}

static char *
directory_of(const char *file)
{
	char *full = realpath(file, NULL), *copy;

	copy = full != NULL ? full : strdup(file);
	if (copy != NULL) {
		char *directory = strdup(dirname(copy));

		free(copy);
		return directory;
	}
	return NULL;
}

struct webconfig *
webconfig_parse(
    const char *file, const char *text, size_t len, struct doc_errors *errors)
{
	size_t before = doc_errors_count(errors);
	char *directory = directory_of(file);
	struct reader r = {webconfig_new(), directory, errors};
	struct doc_node *root = doc_parse(text, len, errors);

	if (r.w == NULL || directory == NULL)
		doc_error(errors, NULL, "not enough memory");
	else if (root != NULL && root->kind == DOC_MAP)
		read_root(&r, root);
	else if (root != NULL && !doc_null(root))
		doc_error(errors, root, "must be a mapping, not %s",
		    doc_kind_text(root));
	doc_free(root);
	free(directory);
	if (doc_errors_count(errors) == before) {
		if (r.w->users > 0)
			qsort(r.w->user, r.w->users, sizeof(*r.w->user),
			    compare_pairs);
		return r.w;
	}
	webconfig_free(r.w);
	doc_errors_sort(errors);
	return NULL;
}

struct webconfig *
webconfig_load(const char *file, struct doc_errors *errors)
{
	struct webconfig *w;
	char *text;
	size_t len;
	int err = file_read_regular(file, FILE_MOST, &text, &len);

	if (err < 0) {
		doc_error(errors, NULL, "cannot be read: %s", file_why(err));
		return NULL;
	}
	w = webconfig_parse(file, text, len, errors);
	explicit_bzero(text, len);
	free(text);
	return w;
}

static void
pairs_free(struct webconfig_pair *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].name);
		free(p[i].value);
	}
	free(p);
}

void
webconfig_free(struct webconfig *w)
{
	if (w == NULL)
		return;
	if (w->key != NULL)
		explicit_bzero(w->key, strlen(w->key));
	option_free(OPTION_web_tls, w);
	pairs_free(w->header, w->headers);
	pairs_free(w->user, w->users);
	for (size_t i = 0; i < w->sans; i++)
		free(w->san[i]);
	free(w->san);
	free(w->suites);
	free(w->groups);
	free(w);
}

const char *
webconfig_user(const struct webconfig *w, const char *name)
{
	struct webconfig_pair key = {.name = (char *)name}, *found = NULL;

	if (w->users > 0)
		found = bsearch(
		    &key, w->user, w->users, sizeof(*w->user), compare_pairs);
	return found != NULL ? found->value : NULL;
}
