/* Taking a URL apart: where it leads, and who one is to be there. Pure. */
#ifndef URL_H
#define URL_H

#include <stdint.h>

enum { URL_HOST = 256, URL_MOST = 1024 };

struct url {
	char scheme[8];		/* lower case: "https" */
	char host[URL_HOST];	/* a name or a literal without brackets */
	uint16_t port;		/* 0: not given */
	const char *user;	/* "name" or "name:password", as written */
	unsigned user_len;	/* 0: none; both within the text */
	const char *path;	/* from '/', '?' or '#' on, or "" */
};

/*
 * 0 with *out, which points into the text; or -EINVAL with *why, for people
 * (static): "it has a space or a control character".
 */
int url_split(const char *text, struct url *out, const char **why);

/*
 * A part of a URL without its escapes (RFC 3986 section 2.1), always
 * terminated. 0 or -EINVAL: no escape, too long, or a NUL in it.
 */
int url_unescape(const char *text, unsigned len, char *out, unsigned size);

#endif
