/*
 * Connections of the reflector: libuv moves the bytes, OpenSSL (where there
 * is TLS) stands between two memory BIOs, frames are RFC 8489 section 6.2.2.
 */
#include "build.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "reflect_fate.h"
#include "reflect_stream.h"
#include "wire_stun.h"

enum {
	BACKLOG = 512,
	CHUNK = 4096,
	/* What strangers may hold of us, for a listener and for a connection.
	 */
	CONNECTIONS = 2048,
	IDLE_MS = 60000,
	SWEEP_MS = 10000,
	UNSENT = 65536
};

struct reflect_tls {
	SSL_CTX *ctx;
	bool require_sni;
};

struct reflect_acceptor {
	uv_tcp_t tcp;
	uv_timer_t sweeper;
	unsigned handles;	      /* of these two, still open */
	struct reflect_tls *tls;      /* borrowed, or NULL */
	struct reflect_fate *fate;    /* borrowed */
	struct reflect_stream *first; /* its connections */
	unsigned connections;
};

struct reflect_stream {
	uv_tcp_t tcp;
	struct reflect_acceptor *acceptor;
	struct reflect_stream *next, **link;
	unsigned refs; /* the connection, and answers */
	bool closed;
	uint64_t heard_ms; /* when its last bytes came, by the loop */
	struct addr peer;
	SSL *ssl;      /* owned, or NULL */
	BIO *in, *out; /* the ssl's */
	size_t len;
	uint8_t data[STUN_MAX]; /* what has come of the next frame */
	char chunk[CHUNK];
};

struct write {
	uv_write_t request;
	char bytes[];
};

/* ---- connections ---- */

void
reflect_stream_ref(struct reflect_stream *s)
{
	if (s != NULL)
		s->refs++;
}

void
reflect_stream_unref(struct reflect_stream *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	SSL_free(s->ssl);
	free(s);
}

static void
on_closed(uv_handle_t *h)
{
	reflect_stream_unref(h->data);
}

static void
stream_close(struct reflect_stream *s)
{
	if (s->closed)
		return;
	s->closed = true;
	s->acceptor->connections--;
	*s->link = s->next;
	if (s->next != NULL)
		s->next->link = s->link;
	uv_close((uv_handle_t *)&s->tcp, on_closed);
}

static void
on_written(uv_write_t *w, int status)
{
	free(w);
}

static void
put(struct reflect_stream *s, const void *bytes, size_t n)
{
	struct write *w;
	uv_buf_t b;

	/* One who asks and does not read is no peer. */
	if (uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp) > UNSENT) {
		stream_close(s);
		return;
	}
	w = s->closed ? NULL : malloc(sizeof(*w) + n);
	if (w == NULL)
		return;
	memcpy(w->bytes, bytes, n);
	b = uv_buf_init(w->bytes, (unsigned)n);
	if (uv_write(&w->request, (uv_stream_t *)&s->tcp, &b, 1, on_written) <
	    0)
		free(w);
}

/* What TLS has to say goes out. */
static void
flush(struct reflect_stream *s)
{
	char bytes[CHUNK];
	int n;

	while ((n = BIO_read(s->out, bytes, sizeof(bytes))) > 0)
		put(s, bytes, (size_t)n);
}

void
reflect_stream_send(const struct reflect_answer *a)
{
	struct reflect_stream *s = a->stream;

	if (s->closed)
		return;
	if (s->ssl == NULL) {
		put(s, a->bytes, a->len);
		return;
	}
	if (SSL_write(s->ssl, a->bytes, (int)a->len) > 0)
		flush(s);
	ERR_clear_error();
}

static void
take_frame(struct reflect_stream *s, size_t len)
{
	struct reflect_answer a = {.fd = -1, .stream = s};

	if (reflect_fate_answer(s->acceptor->fate, s->data, len, &s->peer, &a))
		reflect_fate_release(s->acceptor->fate, &a);
}

/* Plain bytes: frames are taken as they get whole. False: not STUN. */
static bool
take(struct reflect_stream *s, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		size_t part = sizeof(s->data) - s->len;
		int need;

		part = n < part ? n : part;
		memcpy(s->data + s->len, bytes, part);
		s->len += part;
		bytes += part;
		n -= part;
		while (s->len > 0) {
			need = wire_stun_frame(s->data, s->len);
			if (need < 0)
				return false;
			if ((size_t)need > s->len)
				break;
			take_frame(s, (size_t)need);
			s->len -= (size_t)need;
			memmove(s->data, s->data + need, s->len);
		}
	}
	return true;
}

/* TLS bytes. False: the connection is over. */
static bool
take_tls(struct reflect_stream *s, const char *bytes, size_t n)
{
	uint8_t plain[CHUNK];
	int got, err;

	BIO_write(s->in, bytes, (int)n);
	for (;;) {
		got = SSL_read(s->ssl, plain, sizeof(plain));
		if (got <= 0)
			break;
		if (!take(s, plain, (size_t)got))
			return false;
	}
	err = SSL_get_error(s->ssl, got);
	ERR_clear_error();
	flush(s);
	return err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE;
}

static void
on_room(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct reflect_stream *s = h->data;

	*b = uv_buf_init(s->chunk, sizeof(s->chunk));
}

static void
on_read(uv_stream_t *t, ssize_t n, const uv_buf_t *b)
{
	struct reflect_stream *s = t->data;
	bool on;

	if (n == 0)
		return;
	if (n < 0) {
		stream_close(s);
		return;
	}
	s->heard_ms = uv_now(t->loop);
	on = s->ssl != NULL ? take_tls(s, b->base, (size_t)n)
			    : take(s, (const uint8_t *)b->base, (size_t)n);
	if (!on)
		stream_close(s);
}

static bool
tls_begin(struct reflect_stream *s)
{
	struct reflect_tls *t = s->acceptor->tls;

	if (t == NULL)
		return true;
	s->ssl = SSL_new(t->ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (s->ssl == NULL || s->in == NULL || s->out == NULL) {
		BIO_free(s->in);
		BIO_free(s->out);
		return false;
	}
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_accept_state(s->ssl);
	return true;
}

static void
on_connection(uv_stream_t *t, int status)
{
	struct reflect_acceptor *a = t->data;
	struct reflect_stream *s;
	struct sockaddr_storage peer;
	int len = sizeof(peer);

	if (status < 0 || (s = calloc(1, sizeof(*s))) == NULL)
		return;
	s->acceptor = a;
	s->refs = 1;
	s->heard_ms = uv_now(t->loop);
	a->connections++;
	s->next = a->first;
	s->link = &a->first;
	if (s->next != NULL)
		s->next->link = &s->next;
	a->first = s;
	uv_tcp_init(t->loop, &s->tcp);
	s->tcp.data = s;
	if (uv_accept(t, (uv_stream_t *)&s->tcp) < 0 ||
	    a->connections > CONNECTIONS ||
	    uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&peer, &len) < 0 ||
	    addr_from_sockaddr(
		&s->peer, (struct sockaddr *)&peer, (socklen_t)len) < 0 ||
	    !tls_begin(s) ||
	    uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read) < 0) {
		stream_close(s);
		return;
	}
	uv_tcp_nodelay(&s->tcp, 1);
}

/* ---- the acceptor ---- */

static void
on_sweep(uv_timer_t *t)
{
	struct reflect_acceptor *a = t->data;
	uint64_t now = uv_now(t->loop);
	struct reflect_stream *next;

	for (struct reflect_stream *s = a->first; s != NULL; s = next) {
		next = s->next;
		if (now - s->heard_ms > IDLE_MS)
			stream_close(s);
	}
}

struct reflect_acceptor *
reflect_stream_listen(struct uv_loop_s *loop, struct addr *at,
    struct reflect_tls *tls, struct reflect_fate *fate, char error[256])
{
	struct reflect_acceptor *a = calloc(1, sizeof(*a));
	struct sockaddr_storage bound;
	char text[ADDR_TEXT];
	int len = sizeof(bound), err;

	if (a == NULL)
		return NULL;
	a->tls = tls;
	a->fate = fate;
	uv_tcp_init(loop, &a->tcp);
	uv_timer_init(loop, &a->sweeper);
	a->tcp.data = a->sweeper.data = a;
	a->handles = 2;
	uv_timer_start(&a->sweeper, on_sweep, SWEEP_MS, SWEEP_MS);
	err = uv_tcp_bind(&a->tcp, &at->sa,
	    addr_family(at) == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
	if (err == 0)
		err = uv_listen((uv_stream_t *)&a->tcp, BACKLOG, on_connection);
	if (err == 0)
		err = uv_tcp_getsockname(
		    &a->tcp, (struct sockaddr *)&bound, &len);
	if (err < 0) {
		snprintf(error, 256, "%s: %s", addr_text(at, text),
		    uv_strerror(err));
		reflect_stream_close(a);
		return NULL;
	}
	addr_from_sockaddr(at, (struct sockaddr *)&bound, (socklen_t)len);
	return a;
}

static void
on_acceptor_closed(uv_handle_t *h)
{
	struct reflect_acceptor *a = h->data;

	if (--a->handles == 0)
		free(a);
}

void
reflect_stream_close(struct reflect_acceptor *a)
{
	while (a->first != NULL)
		stream_close(a->first);
	uv_close((uv_handle_t *)&a->tcp, on_acceptor_closed);
	uv_close((uv_handle_t *)&a->sweeper, on_acceptor_closed);
}

/* ---- certificates ---- */

static int
on_servername(SSL *ssl, int *alert, void *arg)
{
	struct reflect_tls *t = arg;

	if (!t->require_sni ||
	    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL)
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Signed by itself, good for a year; nobody is asked to trust it. */
static bool
self_signed(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name;
	bool ok = false;

	if (key == NULL || cert == NULL)
		goto out;
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 365 * 24 * 3600L);
	X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"reflector", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	ok = X509_sign(cert, key, EVP_sha256()) > 0 &&
	     SSL_CTX_use_certificate(ctx, cert) == 1 &&
	     SSL_CTX_use_PrivateKey(ctx, key) == 1;
out:
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

struct reflect_tls *
reflect_stream_tls_new(
    const char *cert, const char *key, bool require_sni, char error[256])
{
	struct reflect_tls *t = calloc(1, sizeof(*t));
	bool ok;

	if (t == NULL)
		return NULL;
	t->require_sni = require_sni;
	t->ctx = SSL_CTX_new(TLS_server_method());
	ok = t->ctx != NULL;
	if (ok)
		SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION);
	if (ok && cert == NULL)
		ok = self_signed(t->ctx);
	else if (ok)
		ok = SSL_CTX_use_certificate_chain_file(t->ctx, cert) == 1 &&
		     SSL_CTX_use_PrivateKey_file(t->ctx,
			 key != NULL ? key : cert, SSL_FILETYPE_PEM) == 1;
	if (!ok) {
		snprintf(error, 256, "%s: %s",
		    cert != NULL ? cert : "a certificate",
		    ERR_reason_error_string(ERR_peek_last_error()));
		reflect_stream_tls_free(t);
		return NULL;
	}
	SSL_CTX_set_tlsext_servername_callback(t->ctx, on_servername);
	SSL_CTX_set_tlsext_servername_arg(t->ctx, t);
	return t;
}

void
reflect_stream_tls_free(struct reflect_tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}
