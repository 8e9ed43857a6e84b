/*
 * TLS on a stream: a client that offers TLS 1.2 and later, resumes nothing
 * and lets any certificate pass, noting what it was. One context a loop; the
 * trust anchors are read once, never for a probe.
 */
#ifndef STREAM_TLS_H
#define STREAM_TLS_H

#include <stddef.h>
#include <sys/types.h>

struct ssl_st;
struct stream;
struct stream_tls;
struct tls_facts;
struct uv_loop_s;

/*
 * ca_file: PEM trust anchors, NULL for the system's. 0, -ENOMEM, or another
 * -errno when the file cannot be used. Blocks for as long as reading takes.
 */
int stream_tls_new(
    struct uv_loop_s *loop, const char *ca_file, struct stream_tls **out);
/*
 * Other trust anchors, or the same file changed: they are read by another
 * thread and taken when they are there; when they cannot be used (logged),
 * the old ones stay.
 */
void stream_tls_adjust(struct stream_tls *tls, const char *ca_file);
/* After its last session has ended. NULL is fine. */
void stream_tls_free(struct stream_tls *tls);

/*
 * A session on a connected stream, which must outlive it. sni: the name to
 * ask for, NULL for none. NULL: no memory.
 */
struct ssl_st *stream_tls_session(
    struct stream_tls *tls, struct stream *stream, const char *sni);
void stream_tls_end(struct ssl_st *ssl);	/* sends nothing */

/*
 * Goes on with the handshake: 0 done, -EAGAIN wait for the stream, -EPROTO
 * failed in TLS, other -errno failed in the stream. *alert: the number of the
 * alert that the peer sent (RFC 8446 section 6), or 0.
 */
int stream_tls_handshake(struct ssl_st *ssl, int *alert);
/* As stream_read() and stream_write(), with the errors of the handshake. */
ssize_t stream_tls_read(struct ssl_st *ssl, void *buf, size_t len, int *alert);
ssize_t stream_tls_write(struct ssl_st *ssl, const void *buf, size_t len);

/* What is known so far, also after a failure; all else is zeroed. */
void stream_tls_facts(const struct ssl_st *ssl, struct tls_facts *facts);

#endif
