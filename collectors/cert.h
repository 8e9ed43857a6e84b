/* What a certificate says, for people and metrics; it judges nothing. */
#ifndef CERT_H
#define CERT_H

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

#endif
