/* URLs (RFC 3986) as far as a prober needs them. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "addr.h"
#include "url.h"

static int
refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EINVAL;
}

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

/* What stands after "scheme://", or NULL. */
static const char *
take_scheme(const char *text, struct url *out)
{
	const char *end = strstr(text, "://");
	size_t len = end != NULL ? (size_t)(end - text) : 0;

	if (len == 0 || len >= sizeof(out->scheme))
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (!isalpha((unsigned char)text[i]) &&
		    (i == 0 || (!isdigit((unsigned char)text[i]) &&
				   strchr("+-.", text[i]) == NULL)))
			return NULL;
		out->scheme[i] = (char)tolower((unsigned char)text[i]);
	}
	out->scheme[len] = '\0';
	return end + 3;
}

/* The last '@' of the authority ends the credentials. */
static const char *
take_user(const char *at, const char *end, struct url *out)
{
	const char *p = end;

	while (p > at && p[-1] != '@')
		p--;
	if (p == at)
		return at;
	out->user = at;
	out->user_len = (unsigned)(p - at) - 1;
	return p;
}

int
url_split(const char *text, struct url *out, const char **why)
{
	char authority[URL_HOST + 8];
	const char *at, *end;

	memset(out, 0, sizeof(*out));
	if (strlen(text) > URL_MOST)
		return refuse(why, "it is longer than 1,024 octets");
	if (!is_plain(text))
		return refuse(why, "it has a space or a control character");
	at = take_scheme(text, out);
	if (at == NULL)
		return refuse(why, "it does not start with a scheme and ://");
	end = at + strcspn(at, "/?#");
	out->path = end;
	at = take_user(at, end, out);
	if ((size_t)(end - at) >= sizeof(authority))
		return refuse(why, "its host is too long");
	memcpy(authority, at, (size_t)(end - at));
	authority[end - at] = '\0';
	if (addr_split(authority, out->host, sizeof(out->host), &out->port) <
		0 ||
	    out->host[0] == '\0')
		return refuse(why, "it has no host, or a wrong port");
	return 0;
}

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p =
	    c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

int
url_unescape(const char *text, unsigned len, char *out, unsigned size)
{
	unsigned n = 0;

	if (size == 0)
		return -EINVAL;
	out[0] = '\0';
	for (unsigned i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			if (i + 2 >= len || hex(text[i + 1]) < 0 ||
			    hex(text[i + 2]) < 0)
				return -EINVAL;
			c = hex(text[i + 1]) << 4 | hex(text[i + 2]);
			i += 2;
		}
		if (c == 0 || n + 1 >= size)
			return -EINVAL;
		out[n++] = (char)c;
		out[n] = '\0';
	}
	return 0;
}
