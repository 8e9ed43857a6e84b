/*
 * What GnuTLS, which libmicrohttpd speaks TLS with, has to be told: the
 * priorities, and what a client must show.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

struct MHD_Connection;
struct buf;
struct webconfig;

/* The PEM texts that the configuration names, read; owned. */
struct http_tls_pem {
	char *cert, *key, *client_ca; /* client_ca may be NULL */
};

/*
 * Reads the files and sees that the key is the certificate's. 0, or -1 with a
 * message in error[256].
 */
int http_tls_read(
    struct http_tls_pem *pem, const struct webconfig *w, char error[256]);
void http_tls_free(struct http_tls_pem *pem); /* the contents, wiped */

/* What stands for versions, suites and groups, appended. */
void http_tls_priorities(const struct webconfig *w, struct buf *out);

/*
 * To be called for a new connection, before its handshake: what is asked of
 * the client, and a check that ends the handshake. w outlives it.
 */
void http_tls_expect(struct MHD_Connection *c, const struct webconfig *w);

#endif
