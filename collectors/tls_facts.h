/*
 * What a TLS session showed, for people and metrics: read from a session of
 * any carrier, at any moment, also after its handshake has failed.
 */
#ifndef TLS_FACTS_H
#define TLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct ask_tls;
struct details;
struct ssl_st;
struct tls_facts;

/* What OpenSSL forgets, or never tells; see tls_facts_watch(). */
struct tls_notes {
	uint16_t hello; /* version in the ServerHello, before extensions */
	/*
	 * What the server thinks of our certificate comes only after the
	 * handshake (TLS 1.3); it has come, and was good.
	 */
	bool verdict_due, verdict_good;
	uint32_t taken;	  /* bytes of records; see tls_facts_bound() */
	uint32_t tickets; /* that the server gave */
};

/* The notes are filled in from now on, as long as the session lives. */
void tls_facts_watch(struct ssl_st *ssl, struct tls_notes *notes);

/*
 * For a message callback that takes the place of the one that fills in the
 * notes: counts what comes in, by its arguments type, buf and len. OpenSSL
 * skips greetings and takes tickets in one call for as long as they come;
 * after more than any server needs the session reads nothing any more.
 */
void tls_facts_bound(struct ssl_st *ssl, struct tls_notes *notes, int type,
    const void *buf, uint64_t len);

/*
 * Everything that is known by now. host is what the certificate is to be for,
 * NULL or "": not judged; ask may be NULL, notes too.
 */
void tls_facts_read(const struct ssl_st *ssl, const struct tls_notes *notes,
    const struct ask_tls *ask, const char *host, struct tls_facts *facts);

/* What only some ask for; NULL: nobody does. */
void tls_facts_details(const struct ssl_st *ssl, struct details *details);

#endif
