/* Reading sessions: handshake, chain, name, issuer, staple, policy. */
#include "build.h"

#include <fnmatch.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "cert.h"
#include "clock.h"
#include "details.h"
#include "ocsp.h"
#include "probe.h"
#include "tls_facts.h"
#include "tls_judge.h"

enum {
	NO = 1,
	YES = 2,
	CHAIN_MOST = 8,
	/* A long chain has 100 k, a talk over a WebSocket has 1 M at most. */
	TAKEN_MOST = 5 << 18,
	SHAKEN_MOST = 1 << 18,
	TICKETS_MOST = 16,
};

/* ---- what goes by ---- */

void
tls_facts_bound(
    SSL *ssl, struct tls_notes *notes, int type, const void *buf, uint64_t len)
{
	const uint8_t *m = buf;
	uint32_t most = SSL_is_init_finished(ssl) ? TAKEN_MOST : SHAKEN_MOST;

	if (type == SSL3_RT_HEADER && len >= SSL3_RT_HEADER_LENGTH)
		notes->taken += (uint32_t)(m[3] << 8 | m[4]);
	else if (type == SSL3_RT_HANDSHAKE && len > 0)
		notes->tickets += m[0] == SSL3_MT_NEWSESSION_TICKET;
	if (notes->taken > most || notes->tickets > TICKETS_MOST)
		BIO_set_init(SSL_get_rbio(ssl), 0);
}

/* The signature is OpenSSL's. */
static void
on_message(int sent, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_notes *notes = arg;
	const uint8_t *m = buf;

	(void)version;
	if (sent)
		return;
	tls_facts_bound(ssl, notes, type, buf, len);
	if (type != SSL3_RT_HANDSHAKE || len < 4)
		return;
	if (m[0] == SSL3_MT_SERVER_HELLO && len >= 6)
		notes->hello = (uint16_t)(m[4] << 8 | m[5]);
	else if (m[0] == SSL3_MT_CERTIFICATE_REQUEST)
		notes->verdict_due = SSL_version(ssl) == TLS1_3_VERSION;
	/* A ticket comes after what we showed was looked at. */
	else if (m[0] == SSL3_MT_NEWSESSION_TICKET)
		notes->verdict_good = true;
}

void
tls_facts_watch(SSL *ssl, struct tls_notes *notes)
{
	memset(notes, 0, sizeof(*notes));
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, notes);
}

/* ---- version and cipher ---- */

static void
read_cipher(const SSL *ssl, struct tls_facts *facts)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const char *name = SSL_CIPHER_standard_name(cipher);

	snprintf(
	    facts->version, sizeof(facts->version), "%s", SSL_get_version(ssl));
	snprintf(facts->cipher, sizeof(facts->cipher), "%s",
	    name != NULL ? name : SSL_CIPHER_get_name(cipher));
}

/* A version that we did not agree to, as the server has it. */
static const char *
old_version(unsigned hello)
{
	switch (hello) {
	case SSL3_VERSION:
		return "SSLv3";
	case TLS1_VERSION:
		return "TLSv1";
	case TLS1_1_VERSION:
		return "TLSv1.1";
	default:
		return "";
	}
}

/* Whether any line of the patterns is like the text. */
static bool
any_like(const char *patterns, const char *text)
{
	char pattern[TLS_TEXT];

	while (*patterns != '\0') {
		size_t n = strcspn(patterns, "\n");

		snprintf(pattern, sizeof(pattern), "%.*s", (int)n, patterns);
		if (fnmatch(pattern, text, FNM_CASEFOLD) == 0)
			return true;
		patterns += n + (patterns[n] == '\n');
	}
	return false;
}

static uint8_t
judge_policy(const struct ask_tls *ask, unsigned version, const char *cipher)
{
	if (ask == NULL || (ask->least == 0 && ask->ciphers == NULL) ||
	    version == 0)
		return 0;
	if (version < ask->least)
		return NO;
	if (ask->ciphers == NULL)
		return YES;
	if (cipher[0] == '\0')
		return 0;
	return any_like(ask->ciphers, cipher) ? YES : NO;
}

/* ---- certificates ---- */

/* The last one that the chain could be followed to, leaf first. */
static X509 *
top_of(const SSL *ssl, X509 *leaf)
{
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int n = chain != NULL ? sk_X509_num(chain) : 0;

	return n > 0 ? sk_X509_value(chain, n - 1) : leaf;
}

static uint8_t
judge_issuer(const struct ask_tls *ask, const X509 *top)
{
	const char *p = ask != NULL ? ask->issuers : NULL;
	char pattern[TLS_TEXT];

	if (p == NULL)
		return 0;
	while (*p != '\0') {
		size_t n = strcspn(p, "\n");

		snprintf(pattern, sizeof(pattern), "%.*s", (int)n, p);
		if (cert_issuer_like(top, pattern))
			return NO;
		p += n + (p[n] == '\n');
	}
	return YES;
}

/*
 * Who signed the leaf: the next in the chain; where that did not verify only
 * one whose key did sign it.
 */
static X509 *
issuer_of(const SSL *ssl, X509 *leaf, int verify_error)
{
	const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	if (verify_error == X509_V_OK && sk_X509_num(chain) > 1)
		return sk_X509_value(chain, 1);
	chain = SSL_get_peer_cert_chain(ssl);
	for (int i = 0;
	     chain != NULL && i < sk_X509_num(chain) && i < CHAIN_MOST; i++) {
		X509 *x = sk_X509_value(chain, i);

		if (X509_check_issued(x, leaf) == X509_V_OK &&
		    X509_verify(leaf, X509_get0_pubkey(x)) == 1)
			return x;
	}
	return NULL;
}

static void
read_staple(const SSL *ssl, X509 *leaf, struct tls_facts *facts)
{
	struct ocsp_question q = {
	    .leaf = leaf, .now = clock_real() / (int64_t)CLOCK_SEC};
	const uint8_t *der = NULL;
	long len = SSL_get_tlsext_status_ocsp_resp((SSL *)ssl, &der);

	if (der != NULL && len >= 0)
		q.issuer = issuer_of(ssl, leaf, facts->verify_error);
	else
		der = NULL;
	facts->staple = (uint8_t)ocsp_judge(
	    &q, der, der != NULL ? (size_t)len : 0, &facts->staple_next);
	facts->must_staple = cert_must_staple(leaf);
}

static void
read_authorities(const SSL *ssl, struct tls_facts *facts)
{
	const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	for (int i = 0;
	     chain != NULL && i < sk_X509_num(chain) && i < CHAIN_MOST; i++)
		cert_authority_urls(sk_X509_value(chain, i), facts->authorities,
		    sizeof(facts->authorities));
}

void
tls_facts_read(const SSL *ssl, const struct tls_notes *notes,
    const struct ask_tls *ask, const char *host, struct tls_facts *facts)
{
	unsigned version = notes != NULL ? notes->hello : 0;
	X509 *leaf, *top;

	memset(facts, 0, sizeof(*facts));
	/* There is a cipher from the ServerHello on. */
	if (SSL_get_current_cipher(ssl) != NULL) {
		read_cipher(ssl, facts);
		version = (unsigned)SSL_version(ssl);
	} else {
		snprintf(facts->version, sizeof(facts->version), "%s",
		    old_version(version));
		if (facts->version[0] == '\0')
			version = 0;
	}
	facts->policy = judge_policy(ask, version, facts->cipher);
	leaf = SSL_get0_peer_certificate(ssl);
	if (leaf == NULL)
		return;
	cert_facts(leaf, SSL_get_peer_cert_chain(ssl), facts);
	facts->verify_error = (int)SSL_get_verify_result(ssl);
	facts->chain = (uint8_t)tls_judge_chain(facts->verify_error);
	top = top_of(ssl, leaf);
	cert_issuer_text(top, facts->root, sizeof(facts->root));
	facts->intercepted = judge_issuer(ask, top);
	if (host != NULL && host[0] != '\0')
		facts->for_host = cert_is_for(leaf, host) ? YES : NO;
	read_staple(ssl, leaf, facts);
	read_authorities(ssl, facts);
}

void
tls_facts_details(const SSL *ssl, struct details *details)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	if (details == NULL || leaf == NULL)
		return;
	cert_names_usual(leaf, details->subject, details->issuer,
	    sizeof(details->subject));
	cert_dns_names(leaf, details->names, sizeof(details->names));
	details->chain_end = SSL_get_verify_result(ssl) == X509_V_OK
				 ? cert_chain_end(SSL_get0_verified_chain(ssl))
				 : 0;
}
