/* Proxies by environment variables. There is no standard: this is the part
   that curl, Go and Python agree on. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "clock.h"
#include "environ.h"
#include "proxy.h"
#include "subnet.h"
#include "url.h"

enum { ITEM_MAX = 300, CREDENTIAL = 256 };

/* ---- no_proxy ---- */

static bool
is_below(const char *host, const char *domain)
{
	size_t h = strlen(host), d = strlen(domain);

	if (d == 0 || h < d || strcasecmp(host + h - d, domain) != 0)
		return false;
	return h == d || host[h - d - 1] == '.';
}

static bool
is_in_network(const char *host, const char *network)
{
	struct subnet_table *table;
	struct subnet s;
	struct addr a;
	bool is;

	if (addr_parse_host(&a, host) < 0 || subnet_parse(&s, network) < 0)
		return false;
	table = subnet_table_new(&s, 1);
	is = table != NULL && subnet_find(table, &a) > 0;
	subnet_table_free(table);
	return is;
}

static bool
item_exempts(char *item, const char *host, uint16_t port)
{
	char name[ITEM_MAX];
	uint16_t only = 0;

	if (strcmp(item, "*") == 0)
		return true;
	if (strchr(item, '/') != NULL)
		return is_in_network(host, item);
	if (addr_split(item, name, sizeof(name), &only) < 0)
		return false;
	if (only != 0 && only != port)
		return false;
	return is_below(host, name[0] == '.' ? name + 1 : name);
}

bool
environ_exempts(const char *list, const char *host, uint16_t port)
{
	char item[ITEM_MAX];

	while (*list != '\0') {
		size_t len = strcspn(list, ", ");

		if (len > 0 && len < sizeof(item)) {
			memcpy(item, list, len);
			item[len] = '\0';
			if (item_exempts(item, host, port))
				return true;
		}
		list += len;
		list += strspn(list, ", ");
	}
	return false;
}

/* ---- the proxy ---- */

/* http_proxy in capitals is what a CGI script is sent: not believed. */
static const char *
look_up(const char *name, bool capitals)
{
	const char *value = getenv(name);
	char other[32];

	if (value == NULL && capitals) {
		size_t i;

		for (i = 0; name[i] != '\0'; i++)
			other[i] = (char)toupper((unsigned char)name[i]);
		other[i] = '\0';
		value = getenv(other);
	}
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Name and password of a URL, which wants the scheme Basic. */
static int
take_credentials(struct proxy *p, const struct url *u)
{
	const char *colon = memchr(u->user, ':', u->user_len);
	unsigned len =
	    colon != NULL ? (unsigned)(colon - u->user) : u->user_len;
	char text[CREDENTIAL];

	if (url_unescape(u->user, len, text, sizeof(text)) < 0)
		return -EINVAL;
	p->username = strdup(text);
	p->auth = PROXY_AUTH_BASIC;
	if (p->username == NULL || colon == NULL)
		return p->username != NULL ? 0 : -ENOMEM;
	len = u->user_len - len - 1;
	if (url_unescape(colon + 1, len, text, sizeof(text)) < 0)
		return -EINVAL;
	p->password = strdup(text);
	explicit_bzero(text, sizeof(text));
	return p->password != NULL ? 0 : -ENOMEM;
}

static int
fill_proxy(struct proxy *p, const struct url *u)
{
	enum { HTTP_PROXY = 1080, HTTPS_PROXY = 443 }; /* curl's defaults */
	char url[URL_HOST + 32];
	bool literal = strchr(u->host, ':') != NULL;

	p->tls = strcmp(u->scheme, "https") == 0;
	p->port = u->port != 0 ? u->port : p->tls ? HTTPS_PROXY : HTTP_PROXY;
	p->auth = PROXY_AUTH_NONE;
	p->retry_ns = 300 * CLOCK_SEC;
	snprintf(url, sizeof(url), "%s://%s%s%s:%u", u->scheme,
	    literal ? "[" : "", u->host, literal ? "]" : "", p->port);
	p->url = strdup(url);
	p->host = strdup(u->host);
	if (p->url == NULL || p->host == NULL)
		return -ENOMEM;
	return u->user_len > 0 ? take_credentials(p, u) : 0;
}

static int
make_proxy(
    const char *text, const char *name, struct proxy **out, const char **why)
{
	char with_scheme[URL_HOST * 3];
	struct proxy *p;
	struct url u;
	int err;

	/* "host:port" is a proxy over HTTP. */
	if (strstr(text, "://") == NULL) {
		snprintf(with_scheme, sizeof(with_scheme), "http://%s", text);
		text = with_scheme;
	}
	if (url_split(text, &u, why) < 0)
		return -EINVAL;
	*why = "it is neither http nor https";
	if (strcmp(u.scheme, "http") != 0 && strcmp(u.scheme, "https") != 0)
		return -EINVAL;
	p = proxy_new();
	if (p == NULL)
		return -ENOMEM;
	snprintf(p->name, sizeof(p->name), "%s", name);
	*why = "its credentials cannot be read";
	err = fill_proxy(p, &u);
	if (err < 0) {
		proxy_unref(p);
		return err;
	}
	*out = p;
	return 0;
}

int
environ_proxy(enum transport t, const char *host, uint16_t port,
    struct proxy **out, const char **why)
{
	bool clear = t == TRANSPORT_HTTP;
	const char *text =
	    clear ? look_up("http_proxy", false) : look_up("https_proxy", true);
	const char *no = look_up("no_proxy", true);

	*out = NULL;
	if (text == NULL)
		text = look_up("all_proxy", true);
	if (text == NULL || (no != NULL && environ_exempts(no, host, port)))
		return 0;
	return make_proxy(text, clear ? "env-http" : "env", out, why);
}
