/*
 * TLS on a stream: a client that offers TLS 1.2 and later (unless asked for
 * others), resumes nothing, wants a staple and lets any certificate pass: who
 * uses it reads what it was, and judges. One context a loop; what must be read
 * from files is read by other threads.
 */
#ifndef STREAM_TLS_H
#define STREAM_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tls_facts.h"

struct ask_tls;
struct ssl_st;
struct stream;
struct stream_tls;
struct tls_keeper_setup;

/* NULL: no memory. Nothing is read yet. */
struct stream_tls *stream_tls_new(const struct tls_keeper_setup *setup);
/* Other trust anchors, or the same file changed; see tls_keeper.h. */
void stream_tls_adjust(struct stream_tls *tls, const char *ca_file);
/* After its last session has ended. NULL is fine. */
void stream_tls_free(struct stream_tls *tls);

/*
 * Whether a session can be had for what is asked (NULL: nothing). 0; -EAGAIN:
 * once ready() of the setup has been called; other -errno: the files that it
 * needs cannot be used.
 */
int stream_tls_prepare(struct stream_tls *tls, const struct ask_tls *ask);
/* Whether there are trust anchors that a chain is held against. */
bool stream_tls_trusts(const struct stream_tls *tls);

/*
 * A session on a connected stream, which must outlive it, after
 * stream_tls_prepare() said 0. sni: the name to ask for, NULL for none. notes
 * are zeroed, and filled in while the session lives. NULL: no memory.
 */
struct ssl_st *stream_tls_session(struct stream_tls *tls, struct stream *stream,
    const struct ask_tls *ask, const char *sni, struct tls_notes *notes);
void stream_tls_end(struct ssl_st *ssl); /* sends nothing */
/* Tells the peer that nothing more will come, if that can be written now. */
void stream_tls_goodbye(struct ssl_st *ssl);

/*
 * Goes on with the handshake: 0 done, -EAGAIN wait for the stream, -EPROTO
 * failed in TLS, other -errno failed in the stream. *alert: the number of the
 * alert that the peer sent (RFC 8446 section 6), or 0.
 */
int stream_tls_handshake(struct ssl_st *ssl, int *alert);
/* As stream_read() and stream_write(), with the errors of the handshake. */
ssize_t stream_tls_read(struct ssl_st *ssl, void *buf, size_t len, int *alert);
ssize_t stream_tls_write(struct ssl_st *ssl, const void *buf, size_t len);

#endif
