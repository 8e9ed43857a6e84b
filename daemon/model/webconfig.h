/*
 * The file of --web.config.file as the HTTP server uses it: who may ask, over
 * what TLS, how often. The format is that of Prometheus' exporter-toolkit
 * (docs/web-configuration.md there), so that one file serves all exporters.
 */
#ifndef WEBCONFIG_H
#define WEBCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doc_errors;

enum webconfig_client {
	WEBCONFIG_CLIENT_NONE,
	WEBCONFIG_CLIENT_REQUEST,  /* if it likes, whatever it is */
	WEBCONFIG_CLIENT_ANY,	   /* any, but one */
	WEBCONFIG_CLIENT_IF_GIVEN, /* if there is one it must be right */
	WEBCONFIG_CLIENT_VERIFY	   /* one that is right */
};

struct webconfig_pair {
	char *name, *value;
};

struct webconfig {
	bool tls;
	char *cert_file, *key_file, *client_ca_file; /* absolute or NULL */
	char *cert, *key, *client_ca;		     /* PEM or NULL */
	unsigned client_auth;			     /* enum webconfig_client */
	char **san;
	size_t sans;
	unsigned min_version, max_version; /* 12: TLS 1.2 */
	bool prefer_server, http2;
	/* What GnuTLS calls the suites and groups: "+ECDHE-RSA:..." or NULL. */
	char *suites, *groups;
	struct webconfig_pair *header; /* of every answer */
	size_t headers;
	struct webconfig_pair *user; /* name, bcrypt hash; sorted by name */
	size_t users;
	uint64_t interval; /* ns for one more request; 0: no limit */
	unsigned burst;
};

/*
 * From memory; file names it in messages, and paths are relative to it. NULL
 * with errors appended. Owned by the caller.
 */
struct webconfig *webconfig_parse(
    const char *file, const char *text, size_t len, struct doc_errors *errors);
struct webconfig *webconfig_load(const char *file, struct doc_errors *errors);
/* Wipes the key; NULL is fine. */
void webconfig_free(struct webconfig *w);

/* The hash of a user's password, or NULL. */
const char *webconfig_user(const struct webconfig *w, const char *name);

#endif
