/* What a certificate says, for people and metrics; it judges nothing. */
#ifndef CERT_H
#define CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_facts;
struct x509_st;
struct stack_st_X509;

/*
 * Fills in subject, issuer, serial, fingerprint, not_after and have_cert.
 * chain is what the peer sent, with or without the leaf; NULL: nothing.
 * Whatever bytes the names hold, the texts are printable UTF-8; one that is
 * too long is cut between characters.
 */
void cert_facts(const struct x509_st *leaf, const struct stack_st_X509 *chain,
    struct tls_facts *facts);

/*
 * Whether the certificate is for this host (RFC 9525): a name by its DNS
 * names, wildcards too, never by its subject; a literal by its IP addresses.
 */
bool cert_is_for(struct x509_st *leaf, const char *host);

/* Whether the certificate wants a staple with it (RFC 7633). */
bool cert_must_staple(const struct x509_st *leaf);

/*
 * Both names as Go's libraries write them, which others compare them with:
 * RFC 2253, the usual attributes only, in an order that does not depend on
 * the certificate, the common name first.
 */
void cert_names_usual(const struct x509_st *cert, char *subject, char *issuer,
    size_t size);
/* Its DNS names, with commas between; those that fit whole. */
void cert_dns_names(struct x509_st *leaf, char *out, size_t size);
/* When the first of these ends, in s since 1970; 0: there are none. */
int64_t cert_chain_end(const struct stack_st_X509 *chain);

/* The issuer's whole name, as in the facts. */
void cert_issuer_text(const struct x509_st *cert, char *out, size_t size);
/*
 * Whether the issuer's whole name, or one of its organisation, unit and
 * common names, is like the pattern (*, ?, [...]; case does not matter).
 */
bool cert_issuer_like(const struct x509_st *cert, const char *pattern);

/*
 * Where its issuer says more of the certificate: "ocsp=http://... crl=...
 * ca=...", of http URLs only, appended to text as long as they fit whole;
 * none twice.
 */
void cert_authority_urls(const struct x509_st *cert, char *text, size_t size);

#endif
