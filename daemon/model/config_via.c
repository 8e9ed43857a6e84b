/* The ways to a URL: directly, and through proxies, each a path of its own. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config_read.h"
#include "doc.h"
#include "environ.h"
#include "proxy.h"

static int
not_there(struct config_reader *r, const struct doc_node *at)
{
	const struct config *c = r->c;
	struct buf known = BUF_INIT;
	char shown[DOC_SHOWN];

	for (size_t i = 0; i < c->proxies; i++)
		buf_printf(&known, "%s, ", c->proxy[i]->name);
	doc_error(r->errors, at,
	    "there is no proxy '%s' (there: %sdirect, env)",
	    doc_error_shown(at->scalar, shown), buf_str(&known));
	buf_free(&known);
	return -EINVAL;
}

/* What the environment says of this URL; its proxy is kept for others. */
static int
from_environment(struct config_reader *r, const struct doc_node *at,
    const struct config_target *t, struct proxy **out)
{
	struct config *c = r->c;
	const char *why = NULL;
	struct proxy *p, **more;
	int err = environ_proxy(t->transport, t->host, t->port, &p, &why);

	if (err == -EINVAL)
		doc_error(r->errors, at, "the environment's proxy: %s", why);
	if (err < 0 || p == NULL)
		return err;
	for (size_t i = 0; i < c->proxies; i++) {
		if (strcmp(c->proxy[i]->name, p->name) == 0) {
			proxy_unref(p);
			*out = proxy_ref(c->proxy[i]);
			return 0;
		}
	}
	more = realloc(c->proxy, (c->proxies + 1) * sizeof(struct proxy *));
	if (more == NULL) {
		proxy_unref(p);
		return -ENOMEM;
	}
	c->proxy = more;
	c->proxy[c->proxies++] = p;
	*out = proxy_ref(p);
	return 0;
}

int
config_via_find(struct config_reader *r, const struct doc_node *at,
    const struct config_target *t, struct proxy **out)
{
	struct config *c = r->c;

	*out = NULL;
	if (at->kind != DOC_SCALAR || at->scalar[0] == '\0') {
		doc_error(r->errors, at,
		    "must be direct, env or the name of a proxy, not %s",
		    doc_kind_text(at));
		return -EINVAL;
	}
	if (strcmp(at->scalar, "direct") == 0)
		return 0;
	if (strcmp(at->scalar, "env") == 0)
		return from_environment(r, at, t, out);
	for (size_t i = 0; i < c->proxies; i++) {
		if (strcmp(c->proxy[i]->name, at->scalar) == 0) {
			*out = proxy_ref(c->proxy[i]);
			return 0;
		}
	}
	return not_there(r, at);
}

size_t
config_via_count(const struct doc_node *map)
{
	const struct doc_node *list =
	    map->kind == DOC_MAP ? doc_get(map, "via") : NULL;

	return list != NULL && list->kind == DOC_LIST && list->items > 0
		   ? list->items
		   : 1;
}

/* NAME@WAY, or with a hash where that is too long. */
static void
name_way(struct config_target *t, const char *name, const char *way)
{
	char whole[TARGET_NAME + PROXY_NAME + 2];

	snprintf(whole, sizeof(whole), "%s@%s", name, way);
	if (strlen(whole) <= TARGET_NAME)
		memcpy(t->name, whole, strlen(whole) + 1);
	else
		config_target_suffix(t->name, name, whole, 0);
}

/* Another target like the first, which is direct. */
static int
copy_target(struct config_target *to, const struct config_target *from)
{
	*to = *from;
	to->host = strdup(from->host);
	to->url = strdup(from->url);
	to->ask = ask_ref(from->ask);
	to->proxy = NULL;
	return to->host != NULL && to->url != NULL ? 0 : -ENOMEM;
}

void
config_via_read(struct config_reader *r, const struct doc_node *list,
    struct config_target *t, size_t *n)
{
	char name[TARGET_NAME + 1];

	*n = 1;
	if (list == NULL || t->host == NULL)
		return;
	if (list->items == 0)
		doc_error(r->errors, list, "must have at least one way");
	memcpy(name, t->name, sizeof(name));
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *at = list->item[i];

		*n = i + 1;
		if (i > 0 && copy_target(&t[i], &t[0]) < 0) {
			doc_error(r->errors, at, "not enough memory");
			return;
		}
		for (size_t k = 0; k < i; k++) {
			if (at->kind == DOC_SCALAR &&
			    list->item[k]->kind == DOC_SCALAR &&
			    strcmp(at->scalar, list->item[k]->scalar) == 0)
				doc_error(
				    r->errors, at, "is in the list twice");
		}
		if (config_via_find(r, at, t, &t[i].proxy) < 0)
			continue;
		if (strcmp(at->scalar, "direct") != 0)
			name_way(&t[i], name, at->scalar);
		else
			memcpy(t[i].name, name, sizeof(name));
	}
}
