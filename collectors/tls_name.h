/* Whom a TLS client asks for, and whom the certificate is to be for. */
#ifndef TLS_NAME_H
#define TLS_NAME_H

struct path;

/* The name or address that the certificate must hold; NULL or "": nobody can
 * say. */
const char *tls_name(const struct path *p);
/* The same when it is to be asked for; NULL: an address is none (RFC 6066). */
const char *tls_name_asked(const struct path *p);

#endif
