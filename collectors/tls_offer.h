/*
 * What a server may choose from. A key exchange that takes our processor
 * longer than other probes can wait is not offered: the server picks it.
 */
#ifndef TLS_OFFER_H
#define TLS_OFFER_H

struct ssl_ctx_st;

/*
 * No Diffie-Hellman over finite fields, which no client of today offers and
 * which takes up to seconds; where versions below TLS 1.2 are allowed it is,
 * of 2048 bits at most.
 */
void tls_offer_limit(struct ssl_ctx_st *ctx);

#endif
