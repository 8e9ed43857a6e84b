/* Certificates of clients, and how TLS is spoken. */
#include "build.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "buf.h"
#include "file.h"
#include "http_tls.h"
#include "webconfig.h"

enum { PEM_MOST = 1 << 20, SAN_MOST = 512 };

/* ---- files ---- */

static int
read_pem(char **out, const char *file, const char *inline_text, char error[256])
{
	size_t len;
	int err;

	*out = NULL;
	if (file == NULL) {
		*out = inline_text != NULL ? strdup(inline_text) : NULL;
		return 0;
	}
	err = file_read_regular(file, PEM_MOST, out, &len);
	if (err == 0)
		return 0;
	snprintf(error, 256, "%.180s: %s", file, file_why(err));
	return -1;
}

/* As libmicrohttpd will do it, so that it is known why it fails. */
static int
try_pair(const struct http_tls_pem *pem, char error[256])
{
	gnutls_certificate_credentials_t c;
	gnutls_datum_t cert = {(unsigned char *)pem->cert,
	    pem->cert != NULL ? (unsigned)strlen(pem->cert) : 0};
	gnutls_datum_t key = {(unsigned char *)pem->key,
	    pem->key != NULL ? (unsigned)strlen(pem->key) : 0};
	gnutls_datum_t ca = {(unsigned char *)pem->client_ca,
	    pem->client_ca != NULL ? (unsigned)strlen(pem->client_ca) : 0};
	int rc = gnutls_certificate_allocate_credentials(&c);

	if (rc < 0) {
		snprintf(error, 256, "%s", gnutls_strerror(rc));
		return -1;
	}
	rc = gnutls_certificate_set_x509_key_mem(
	    c, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (rc < 0)
		snprintf(
		    error, 256, "certificate and key: %s", gnutls_strerror(rc));
	else if (pem->client_ca != NULL) {
		rc = gnutls_certificate_set_x509_trust_mem(
		    c, &ca, GNUTLS_X509_FMT_PEM);
		if (rc <= 0)
			snprintf(error, 256, "client_ca: %s",
			    rc < 0 ? gnutls_strerror(rc)
				   : "there is no certificate in it");
		rc = rc > 0 ? 0 : -1;
	}
	gnutls_certificate_free_credentials(c);
	return rc < 0 ? -1 : 0;
}

int
http_tls_read(
    struct http_tls_pem *pem, const struct webconfig *w, char error[256])
{
	*pem = (struct http_tls_pem){0};
	if (read_pem(&pem->cert, w->cert_file, w->cert, error) == 0 &&
	    read_pem(&pem->key, w->key_file, w->key, error) == 0 &&
	    read_pem(&pem->client_ca, w->client_ca_file, w->client_ca, error) ==
		0 &&
	    try_pair(pem, error) == 0)
		return 0;
	http_tls_free(pem);
	return -1;
}

void
http_tls_free(struct http_tls_pem *pem)
{
	if (pem->key != NULL)
		explicit_bzero(pem->key, strlen(pem->key));
	free(pem->cert);
	free(pem->key);
	free(pem->client_ca);
	*pem = (struct http_tls_pem){0};
}

/* ---- how it is spoken ---- */

static const struct version {
	unsigned version;
	const char *name;
} versions[] = {{13, ":+VERS-TLS1.3"}, {12, ":+VERS-TLS1.2"},
    {11, ":+VERS-TLS1.1"}, {10, ":+VERS-TLS1.0"}};

void
http_tls_priorities(const struct webconfig *w, struct buf *out)
{
	buf_puts(out, w->min_version < 12 ? "LEGACY" : "NORMAL");
	buf_puts(out, ":-VERS-ALL");
	for (unsigned i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (versions[i].version >= w->min_version &&
		    versions[i].version <= w->max_version)
			buf_puts(out, versions[i].name);
	/* Those of TLS 1.3 are cut down to the same ciphers. */
	if (w->suites != NULL)
		buf_printf(out, ":-KX-ALL:-CIPHER-ALL:-MAC-ALL%s", w->suites);
	if (w->groups != NULL)
		buf_printf(out, ":-GROUP-ALL%s", w->groups);
	if (w->prefer_server)
		buf_puts(out, ":%SERVER_PRECEDENCE");
}

/* ---- what a client shows ---- */

static bool
same_address(const char *want, const gnutls_datum_t *san)
{
	unsigned char bytes[16];

	if (san->size == 4)
		return inet_pton(AF_INET, want, bytes) == 1 &&
		       memcmp(bytes, san->data, 4) == 0;
	return san->size == 16 && inet_pton(AF_INET6, want, bytes) == 1 &&
	       memcmp(bytes, san->data, 16) == 0;
}

static bool
is_same(const char *want, int type, const gnutls_datum_t *san)
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return same_address(want, san);
	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME &&
	    type != GNUTLS_SAN_URI)
		return false;
	return strlen(want) == san->size &&
	       memcmp(want, san->data, san->size) == 0;
}

static bool
is_allowed(const struct webconfig *w, int type, const gnutls_datum_t *san)
{
	for (size_t i = 0; i < w->sans; i++)
		if (is_same(w->san[i], type, san))
			return true;
	return false;
}

/* Whether one of the certificate's names is allowed. */
static bool
has_allowed_name(const struct webconfig *w, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t crt;
	bool found = false;
	int type = 0;

	if (gnutls_x509_crt_init(&crt) < 0)
		return false;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) < 0)
		type = -1;
	for (unsigned i = 0; type >= 0 && !found; i++) {
		unsigned char text[SAN_MOST];
		size_t size = sizeof(text);
		gnutls_datum_t san = {text, 0};

		type = gnutls_x509_crt_get_subject_alt_name(
		    crt, i, text, &size, NULL);
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER) {
			type = 0;
			continue;
		}
		san.size = (unsigned)size;
		found = type >= 0 && is_allowed(w, type, &san);
	}
	gnutls_x509_crt_deinit(crt);
	return found;
}

/* 0 lets the handshake go on. Peers do not log here. */
static int
check_client(gnutls_session_t session)
{
	const struct webconfig *w = gnutls_session_get_ptr(session);
	unsigned n = 0, status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
	    (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
	bool must = w->client_auth == WEBCONFIG_CLIENT_ANY ||
		    w->client_auth == WEBCONFIG_CLIENT_VERIFY;

	if (chain == NULL || n == 0)
		return must ? -1 : 0;
	if (w->client_auth >= WEBCONFIG_CLIENT_IF_GIVEN &&
	    (gnutls_certificate_verify_peers(session, &purpose, 1, &status) <
		    0 ||
		status != 0))
		return -1;
	return w->sans == 0 || has_allowed_name(w, &chain[0]) ? 0 : -1;
}

void
http_tls_expect(struct MHD_Connection *c, const struct webconfig *w)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	bool must = w->client_auth == WEBCONFIG_CLIENT_ANY ||
		    w->client_auth == WEBCONFIG_CLIENT_VERIFY;
	gnutls_session_t session;

	if (i == NULL || w->client_auth == WEBCONFIG_CLIENT_NONE)
		return;
	session = (gnutls_session_t)i->tls_session;
	gnutls_session_set_ptr(session, (void *)w);
	gnutls_certificate_server_set_request(
	    session, must ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
	gnutls_session_set_verify_function(session, check_client);
}
