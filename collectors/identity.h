/*
 * Who we are to servers that ask: a client certificate with its chain and
 * key, read from PEM files. Immutable once read; any
 * thread.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>

struct identity;
struct ssl_st;

/*
 * Blocks for as long as reading takes. 0 and a reference, or -errno; *why
 * then says which file it is and, of -EINVAL, what is wrong with it (static
 * storage).
 */
int identity_read(const char *cert_file, const char *key_file,
    struct identity **out, const char **why);
struct identity *identity_ref(struct identity *id); /* NULL is fine */
void identity_unref(struct identity *id);	    /* here, too */

/* Whether the files are still those that were read. */
bool identity_fresh(const struct identity *id);

/* The session shows it when the server asks. 0 or -EINVAL. */
int identity_show(const struct identity *id, struct ssl_st *ssl);

#endif
