/* Limits of what is offered, by OpenSSL's hook for what is secure. */
#include "build.h"

#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls_offer.h"

enum { DH_BITS_MOST = 2048 };

static bool
allows_old(const SSL *ssl)
{
	return ssl != NULL && SSL_get_min_proto_version((SSL *)(uintptr_t)ssl) <
				  TLS1_2_VERSION;
}

static bool
is_finite_field(int group)
{
	return group == NID_ffdhe2048 || group == NID_ffdhe3072 ||
	       group == NID_ffdhe4096 || group == NID_ffdhe6144 ||
	       group == NID_ffdhe8192;
}

/*
 * The last one is OpenSSL's own judgement.
 * The signature is OpenSSL's.
 */
static int
on_security(const SSL *ssl, const SSL_CTX *ctx, int what, int bits, int nid,
    void *other, void *usual)
{
	switch (what) {
	case SSL_SECOP_CIPHER_SUPPORTED:
	case SSL_SECOP_CIPHER_CHECK:
		if (SSL_CIPHER_get_kx_nid(other) == NID_kx_dhe &&
		    !allows_old(ssl))
			return 0;
		break;
	case SSL_SECOP_CURVE_SUPPORTED:
	case SSL_SECOP_CURVE_CHECK:
		if (is_finite_field(nid))
			return 0;
		break;
	case SSL_SECOP_TMP_DH:
		if (EVP_PKEY_get_bits(other) > DH_BITS_MOST)
			return 0;
		break;
	default:
		break;
	}
	return ((int (*)(const SSL *, const SSL_CTX *, int, int, int, void *,
	    void *))(uintptr_t)usual)(ssl, ctx, what, bits, nid, other, NULL);
}

void
tls_offer_limit(SSL_CTX *ctx)
{
	SSL_CTX_set0_security_ex_data(
	    ctx, (void *)(uintptr_t)SSL_CTX_get_security_callback(ctx));
	SSL_CTX_set_security_callback(ctx, on_security);
}
