/*
 * Passwords of the HTTP server: bcrypt takes 50 ms on purpose, so a password
 * is checked on a thread of its own, one at a time, and remembered. Whether
 * there is such a user does not show in the time.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

struct webconfig;

enum { HTTP_AUTH_KEPT = 100, HTTP_AUTH_KEY = 32 };

struct http_auth_ring {
	uint8_t key[HTTP_AUTH_KEPT][HTTP_AUTH_KEY];
	unsigned used, next;
};

/* What was found out, zeroed at first; of the HTTP thread. */
struct http_auth {
	struct http_auth_ring good, bad; /* a flood of bad ones evicts none */
};

/* One password on its way; made and read in the HTTP thread. */
struct http_auth_check {
	char *password; /* owned, wiped */
	char hash[64];	/* of the user, or of another */
	bool known;	/* there is such a user */
	bool right;
	uint8_t key[HTTP_AUTH_KEY];
};

/* There are users. 1 right, 0 wrong, -EAGAIN: not known, *check is to be run.
 * -ENOMEM. */
int http_auth_ask(struct http_auth *a, const struct webconfig *w,
    const char *user, const char *password, struct http_auth_check **check);
/* In any thread. */
void http_auth_run(struct http_auth_check *c);
/* Remembers it and frees it; whether the password was right. */
bool http_auth_learn(struct http_auth *a, struct http_auth_check *c);
void http_auth_check_free(struct http_auth_check *c); /* NULL is fine */

#endif
