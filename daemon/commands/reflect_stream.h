/* The reflector's streams: STUN over TCP and over TLS. */
#ifndef REFLECT_STREAM_H
#define REFLECT_STREAM_H

#include <stdbool.h>

#include "addr.h"

struct uv_loop_s;
struct reflect_fate;
struct reflect_answer;
struct reflect_stream;
struct reflect_acceptor;

/* A certificate and key from files, or one made in memory for NULL. */
struct reflect_tls;
/* NULL, with a text for people in error[256], when it cannot be had. */
struct reflect_tls *reflect_stream_tls_new(
    const char *cert, const char *key, bool require_sni, char error[256]);
void reflect_stream_tls_free(struct reflect_tls *t);

/*
 * Listens; tls NULL for plain TCP. at is what was bound afterwards. NULL,
 * with a text in error[256], when it cannot.
 */
struct reflect_acceptor *reflect_stream_listen(struct uv_loop_s *loop,
    struct addr *at, struct reflect_tls *tls, struct reflect_fate *fate,
    char error[256]);
/* Ends it and its connections, on the loop. */
void reflect_stream_close(struct reflect_acceptor *a);

/* For answers that wait. NULL is fine. */
void reflect_stream_ref(struct reflect_stream *s);
void reflect_stream_unref(struct reflect_stream *s);
/* Writes the answer, unless the connection is gone. */
void reflect_stream_send(const struct reflect_answer *a);

#endif
