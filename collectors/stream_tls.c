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
#include <sys/stat.h>
#include <uv.h>

#include "cert.h"
#include "log.h"
#include "probe.h"
#include "stream.h"
#include "stream_tls.h"

/* Where distributions keep the bundle; OpenSSL's own defaults come last. */
static const char *const ca_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

enum { CA_BUNDLES = sizeof(ca_bundles) / sizeof(ca_bundles[0]) };

/* Reading trust anchors on another thread. */
struct load {
	uv_work_t work;
	struct stream_tls *tls; /* NULL once that is gone */
	char *ca_file;		/* owned, or NULL */
	struct stat stat;
	X509_STORE *store; /* the result */
	int err;
};

struct stream_tls {
	uv_loop_t *loop;
	SSL_CTX *ctx;
	BIO_METHOD *method;
	char *ca_file;	   /* owned, or NULL: the system's */
	struct stat stat;  /* of the file that was read */
	struct load *load; /* under way, or NULL */
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

static const char *
bundle_of(const char *ca_file)
{
	struct stat st;

	if (ca_file != NULL)
		return ca_file;
	ca_file = getenv("SSL_CERT_FILE");
	if (ca_file != NULL)
		return ca_file;
	for (unsigned i = 0; i < CA_BUNDLES; i++) {
		if (stat(ca_bundles[i], &st) == 0)
			return ca_bundles[i];
	}
	return NULL;
}

/* 16 to 19 ms with the usual bundle of 140 anchors. */
static int
read_anchors(const char *ca_file, struct stat *st, X509_STORE **out)
{
	const char *bundle = bundle_of(ca_file);
	X509_STORE *store;

	memset(st, 0, sizeof(*st));
	if (bundle != NULL && stat(bundle, st) < 0)
		return -errno;
	store = X509_STORE_new();
	if (store == NULL)
		return -ENOMEM;
	ERR_clear_error();
	if (bundle == NULL)
		X509_STORE_set_default_paths(store);
	else if (X509_STORE_load_file(store, bundle) != 1) {
		X509_STORE_free(store);
		ERR_clear_error();
		return -EINVAL;
	}
	*out = store;
	return 0;
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
	/* One recvmsg() a flight, not two a record. */
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

int
stream_tls_new(
    struct uv_loop_s *loop, const char *ca_file, struct stream_tls **out)
{
	struct stream_tls *tls = calloc(1, sizeof(*tls));
	X509_STORE *store = NULL;
	int err = -ENOMEM;

	if (tls == NULL)
		return -ENOMEM;
	tls->loop = loop;
	tls->ctx = make_context();
	tls->method = make_method();
	if (tls->ctx == NULL || tls->method == NULL)
		goto out;
	if (ca_file != NULL && (tls->ca_file = strdup(ca_file)) == NULL)
		goto out;
	err = read_anchors(ca_file, &tls->stat, &store);
	if (err < 0)
		goto out;
	SSL_CTX_set_cert_store(tls->ctx, store);
	*out = tls;
out:
	if (err < 0)
		stream_tls_free(tls);
	return err;
}

static void
load_free(struct load *load)
{
	X509_STORE_free(load->store);
	free(load->ca_file);
	free(load);
}

static void
load_work(uv_work_t *work)
{
	struct load *load = work->data;

	load->err = read_anchors(load->ca_file, &load->stat, &load->store);
}

static void
load_done(uv_work_t *work, int status)
{
	struct load *load = work->data;
	struct stream_tls *tls = load->tls;

	if (tls == NULL || status < 0) {
		load_free(load);
		return;
	}
	tls->load = NULL;
	if (load->err < 0) {
		log_warn("tls", "trust anchors not read, the old ones stay: %s",
		    strerror(-load->err));
		load_free(load);
		return;
	}
	SSL_CTX_set_cert_store(tls->ctx, load->store);
	load->store = NULL;
	free(tls->ca_file);
	tls->ca_file = load->ca_file;
	load->ca_file = NULL;
	tls->stat = load->stat;
	load_free(load);
}

static bool
is_same(const struct stream_tls *tls, const char *ca_file)
{
	const char *bundle = bundle_of(ca_file);
	struct stat st;

	if ((ca_file == NULL) != (tls->ca_file == NULL) ||
	    (ca_file != NULL && strcmp(ca_file, tls->ca_file) != 0))
		return false;
	if (bundle == NULL)
		return true;
	return stat(bundle, &st) == 0 && st.st_ino == tls->stat.st_ino &&
	       st.st_size == tls->stat.st_size &&
	       st.st_mtim.tv_sec == tls->stat.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == tls->stat.st_mtim.tv_nsec;
}

void
stream_tls_adjust(struct stream_tls *tls, const char *ca_file)
{
	struct load *load;

	/* The newer wish wins; the older load ends into nothing. */
	if (tls->load != NULL) {
		tls->load->tls = NULL;
		tls->load = NULL;
	} else if (is_same(tls, ca_file)) {
		return;
	}
	load = calloc(1, sizeof(*load));
	if (load == NULL)
		return;
	load->tls = tls;
	load->work.data = load;
	if ((ca_file != NULL && (load->ca_file = strdup(ca_file)) == NULL) ||
	    uv_queue_work(tls->loop, &load->work, load_work, load_done) < 0) {
		load_free(load);
		return;
	}
	tls->load = load;
}

void
stream_tls_free(struct stream_tls *tls)
{
	if (tls == NULL)
		return;
	if (tls->load != NULL) {
		tls->load->tls = NULL;
		uv_cancel((uv_req_t *)&tls->load->work);
	}
	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->method);
	free(tls->ca_file);
	free(tls);
}

struct ssl_st *
stream_tls_session(
    struct stream_tls *tls, struct stream *stream, const char *sni)
{
	SSL *ssl = SSL_new(tls->ctx);
	BIO *bio = BIO_new(tls->method);

	if (ssl == NULL || bio == NULL ||
	    (sni != NULL && SSL_set_tlsext_host_name(ssl, sni) != 1)) {
		BIO_free(bio);
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_connect_state(ssl);
	return ssl;
}

void
stream_tls_end(struct ssl_st *ssl)
{
	SSL_free(ssl);
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

void
stream_tls_facts(const struct ssl_st *ssl, struct tls_facts *facts)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const char *name;
	X509 *leaf;

	memset(facts, 0, sizeof(*facts));
	/* There is a cipher from the ServerHello on. */
	if (cipher == NULL)
		return;
	name = SSL_CIPHER_standard_name(cipher);
	snprintf(
	    facts->version, sizeof(facts->version), "%s", SSL_get_version(ssl));
	snprintf(facts->cipher, sizeof(facts->cipher), "%s",
	    name != NULL ? name : SSL_CIPHER_get_name(cipher));
	leaf = SSL_get0_peer_certificate(ssl);
	if (leaf == NULL)
		return;
	cert_facts(leaf, SSL_get_peer_cert_chain(ssl), facts);
	facts->verify_error = (int)SSL_get_verify_result(ssl);
}
