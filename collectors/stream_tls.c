/*
 * TLS sessions over streams, by OpenSSL. It reads and writes through a BIO
 * of ours, so that each read keeps the kernel's receive time: while other
 * handshakes keep the loop busy, only that time is right.
 */
#include "build.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "identity.h"
#include "stream.h"
#include "stream_tls.h"
#include "tls_facts.h"
#include "tls_keeper.h"
#include "tls_offer.h"

struct stream_tls {
	SSL_CTX *ctx;
	BIO_METHOD *method;
	struct tls_keeper *keeper;
	unsigned anchors; /* version of those in ctx; 0: none */
};

static int
bio_write(BIO *bio, const char *buf, int len)
{
	ssize_t n = stream_write(BIO_get_data(bio), buf, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n >= 0)
		return (int)n;
	if (n == -EAGAIN)
		BIO_set_retry_write(bio);
	return -1;
}

static int
bio_read(BIO *bio, char *buf, int len)
{
	ssize_t n = stream_read(BIO_get_data(bio), buf, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n >= 0)
		return (int)n;
	if (n == -EAGAIN)
		BIO_set_retry_read(bio);
	return -1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	/* Nothing is buffered, so a flush has always been done. */
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(
	    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reachd stream");

	if (m == NULL)
		return NULL;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

static SSL_CTX *
make_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	/* The verdict is taken and kept, never acted on. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	tls_offer_limit(ctx);
	/* One recvmsg() a flight, not two a record. */
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

struct stream_tls *
stream_tls_new(const struct tls_keeper_setup *setup)
{
	struct stream_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	tls->ctx = make_context();
	tls->method = make_method();
	tls->keeper = tls_keeper_new(setup);
	if (tls->ctx == NULL || tls->method == NULL || tls->keeper == NULL) {
		stream_tls_free(tls);
		return NULL;
	}
	return tls;
}

void
stream_tls_adjust(struct stream_tls *tls, const char *ca_file)
{
	tls_keeper_adjust(tls->keeper, ca_file);
}

void
stream_tls_free(struct stream_tls *tls)
{
	if (tls == NULL)
		return;
	tls_keeper_free(tls->keeper);
	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->method);
	free(tls);
}

static int
prepare_identity(struct stream_tls *tls, const struct ask_tls *ask,
    const struct identity **id)
{
	*id = NULL;
	if (ask == NULL || ask->client_cert == NULL || ask->client_key == NULL)
		return 0;
	return tls_keeper_identity(
	    tls->keeper, ask->client_cert, ask->client_key, id);
}

int
stream_tls_prepare(struct stream_tls *tls, const struct ask_tls *ask)
{
	const struct identity *id;
	X509_STORE *store;
	int err = tls_keeper_anchors(tls->keeper, &store, &tls->anchors);

	if (store != NULL)
		SSL_CTX_set_cert_store(tls->ctx, store);
	if (err == -EAGAIN)
		return err;
	/* Without anchors nothing is valid, and the handshake still tells. */
	return prepare_identity(tls, ask, &id);
}

/* An old server is talked to in its own terms, if that is asked for. */
static bool
allow_old(SSL *ssl, unsigned least)
{
	if (least == 0 || least >= TLS1_2_VERSION)
		return true;
	SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	return SSL_set_min_proto_version(ssl, (int)least) == 1 &&
	       SSL_set_cipher_list(ssl, "DEFAULT:@SECLEVEL=0") == 1;
}

static bool
set_up(struct stream_tls *tls, SSL *ssl, const struct ask_tls *ask,
    const char *sni)
{
	const struct identity *id;

	return (sni == NULL || SSL_set_tlsext_host_name(ssl, sni) == 1) &&
	       SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) == 1 &&
	       (ask == NULL || allow_old(ssl, ask->least)) &&
	       prepare_identity(tls, ask, &id) == 0 &&
	       (id == NULL || identity_show(id, ssl) == 0);
}

struct ssl_st *
stream_tls_session(struct stream_tls *tls, struct stream *stream,
    const struct ask_tls *ask, const char *sni, struct tls_notes *notes)
{
	SSL *ssl = SSL_new(tls->ctx);
	BIO *bio = BIO_new(tls->method);

	if (ssl == NULL || bio == NULL || !set_up(tls, ssl, ask, sni)) {
		ERR_clear_error();
		BIO_free(bio);
		SSL_free(ssl);
		return NULL;
	}
	tls_facts_watch(ssl, notes);
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	return ssl;
}

bool
stream_tls_trusts(const struct stream_tls *tls)
{
	return tls->anchors != 0;
}

void
stream_tls_end(struct ssl_st *ssl)
{
	SSL_free(ssl);
}

void
stream_tls_goodbye(struct ssl_st *ssl)
{
	SSL_shutdown(ssl);
	ERR_clear_error();
}

/* What a call that did not succeed means; clears OpenSSL's queue. */
static int
explain(SSL *ssl, int result, int *alert)
{
	int why = SSL_get_error(ssl, result);
	int reason = ERR_GET_REASON(ERR_peek_error());
	int err;

	*alert = 0;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN)
		return -ECONNRESET;
	if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL &&
	    reason > SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		*alert = reason - SSL_AD_REASON_OFFSET;
	ERR_clear_error();
	if (*alert != 0)
		return -EPROTO;
	err = stream_error(BIO_get_data(SSL_get_rbio(ssl)));
	return err != 0 ? -err : -EPROTO;
}

int
stream_tls_handshake(struct ssl_st *ssl, int *alert)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(ssl);
	if (result == 1)
		return 0;
	return explain(ssl, result, alert);
}

ssize_t
stream_tls_read(struct ssl_st *ssl, void *buf, size_t len, int *alert)
{
	size_t n = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(ssl, buf, len, &n);
	if (result == 1)
		return (ssize_t)n;
	return explain(ssl, result, alert);
}

ssize_t
stream_tls_write(struct ssl_st *ssl, const void *buf, size_t len)
{
	size_t n = 0;
	int result, alert;

	ERR_clear_error();
	result = SSL_write_ex(ssl, buf, len, &n);
	if (result == 1)
		return (ssize_t)n;
	return explain(ssl, result, &alert);
}
