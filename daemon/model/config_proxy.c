/* Proxies: items of `proxies`. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "doc.h"
#include "option.h"
#include "proxy.h"
#include "url.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

/* Words that stand for other ways than a proxy of the file. */
static const char *const reserved[] = {"direct", "env", "env-http"};

static void
check_name(
    struct config_reader *r, const struct doc_node *map, const struct proxy *p)
{
	const struct doc_node *at = doc_get(map, "name");

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strcmp(p->name, reserved[i]) == 0)
			doc_error(r->errors, at,
			    "'%s' stands for another way; a proxy needs "
			    "another name",
			    p->name);
	}
	if (strpbrk(p->name, "@,") != NULL)
		doc_error(r->errors, at,
		    "'%s' has a character that ends a name: @ or ,", p->name);
}

static void
check_credentials(
    struct config_reader *r, const struct doc_node *map, const struct proxy *p)
{
	const struct doc_node *auth = doc_get(map, "auth");
	const struct doc_node *at = auth != NULL ? auth : map;
	bool none = p->auth == PROXY_AUTH_NONE;

	if (none && (p->username != NULL || p->password_file != NULL))
		doc_error(r->errors, at,
		    "credentials are given, but 'auth' is none (one of: %s)",
		    word_list(WORD_PROXY_AUTH));
	if ((p->username == NULL) != (p->password_file == NULL))
		doc_error(r->errors, map,
		    "'username' and 'password_file' must be given together");
	if (!none && p->auth != PROXY_AUTH_NEGOTIATE && p->username == NULL)
		doc_error(r->errors, at,
		    "'username' is missing: %s cannot do without",
		    word_label(WORD_PROXY_AUTH, p->auth));
}

static void
take_url(struct config_reader *r, const struct doc_node *map, struct proxy *p)
{
	const struct doc_node *at = doc_get(map, "url");
	const char *why = "";
	struct url u;

	if (p->url == NULL)
		return; /* said why */
	if (url_split(p->url, &u, &why) < 0) {
		doc_error(
		    r->errors, at, "is not a URL that can be used: %s", why);
		return;
	}
	if (u.path[0] != '\0' && strcmp(u.path, "/") != 0)
		doc_error(r->errors, at,
		    "a proxy has no path: write %s://HOST:PORT", u.scheme);
	if (!nodelist_host_ok(u.host))
		doc_error(r->errors, at, "has no name or address of one host");
	p->tls = strcmp(u.scheme, "https") == 0;
	p->port = u.port != 0 ? u.port : p->tls ? HTTPS_PORT : HTTP_PORT;
	p->host = strdup(u.host);
	if (p->host == NULL)
		doc_error(r->errors, map, "not enough memory");
}

static void
read_proxy(struct config_reader *r, const struct doc_node *map, struct proxy *p)
{
	option_defaults(OPTION_proxy, p);
	if (map->kind != DOC_MAP) {
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
		return;
	}
	option_check_keys(map, OPTION_proxy, r->errors);
	option_read(map, OPTION_proxy, p, r->directory, r->errors);
	check_name(r, map, p);
	check_credentials(r, map, p);
	take_url(r, map, p);
}

void
config_proxies_read(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->proxy = calloc(list->items, sizeof(struct proxy *));
	for (size_t i = 0; c->proxy != NULL && i < list->items; i++) {
		struct proxy *p = proxy_new();

		if (p == NULL)
			break;
		c->proxy[c->proxies++] = p;
		read_proxy(r, list->item[i], p);
	}
	if (c->proxies < list->items)
		doc_error(r->errors, list, "not enough memory");
	config_unique(r->errors, list, "name");
}

void
config_proxies_free(struct config *c)
{
	for (size_t i = 0; i < c->proxies; i++)
		proxy_unref(c->proxy[i]);
	free(c->proxy);
}
