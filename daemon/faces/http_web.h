/*
 * The web configuration while it is in use: read again when one of its files
 * changes, with the passwords that were found right and the rate limit. A
 * file that cannot be used changes nothing, and is said once.
 */
#ifndef HTTP_WEB_H
#define HTTP_WEB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "http_auth.h"
#include "http_tls.h"

struct webconfig;

enum { HTTP_WEB_FILES = 4 };

struct http_web {
	const char *file;	  /* borrowed; NULL: there is none */
	struct webconfig *config; /* owned; NULL without a file */
	struct http_tls_pem pem;
	char *priorities; /* owned; NULL without TLS */
	struct http_auth auth;
	uint64_t tokens_at, tokens; /* the rate limit, ns of credit */
	uint64_t look_at;	    /* when to look at the files again */
	struct stat seen[HTTP_WEB_FILES];
};

/* file NULL: everybody may, without TLS. 0, or -1 with the errors. */
struct buf;
int http_web_open(struct http_web *w, const char *file, struct buf *errors);
void http_web_close(struct http_web *w);

/*
 * Looks whether a file changed, once a second. True: *old is the one until
 * now, to be freed by the caller when nothing uses it any more, and
 * *listen_again tells that the sockets must be served anew.
 */
bool http_web_renew(struct http_web *w, uint64_t now, struct webconfig **old,
    bool *listen_again);

/* Whether one more request may be answered. */
bool http_web_allow(struct http_web *w, uint64_t now);

#endif
