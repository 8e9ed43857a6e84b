/*
 * What tests of collectors stand on: an engine for one probe that notes all
 * that it is told, and peers on loopback whose threads follow a script.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "collector.h"
#include "probe.h"

struct ssl_ctx_st;
struct ssl_st;

/* ---- one probe ---- */

struct lab {
	const struct collector *collector;
	struct path path;
	struct probe probe;
	bool manual;	       /* requests are the test's to make */
	bool stops_when_ready; /* stop() from within probe_ready() */
	bool patient;	       /* go on after a failure or the last answer */
	bool over;	       /* failed, or all requests answered */
	/* what was told */
	unsigned readies, fails, answers, handshakes;
	enum outcome outcome; /* of the failure, or of the last answer */
	int code;
	uint64_t phase[PHASE_END];
	struct answer answer[PROBE_REQUESTS_MAX];
	unsigned answered[PROBE_REQUESTS_MAX];
	struct addr mapped;
	struct tls_facts facts;
	int64_t fact[FACT_END];
	uint64_t started_ns, ended_ns;
	void *private; /* the loop and its timers */
};

/* A loop with this collector; ca_file as in collector_setup. */
struct lab *lab_new(const struct collector *c, const char *ca_file);
/* The same for two probes at once in one loop: shares loop and collector. */
struct lab *lab_sibling(struct lab *lab);
void lab_free(struct lab *lab);

/* Where the probe goes: loopback of the family. */
void lab_aim(struct lab *lab, int family, uint16_t port);
/* Starts the probe with this many requests; returns start()'s. */
int lab_start(struct lab *lab, unsigned count);
void lab_stop(struct lab *lab);
/* Runs the loop until *what is true; fails the test after 10 s. */
void lab_until(struct lab *lab, const bool *what);
/* lab_start() and lab_until(over). */
void lab_probe(struct lab *lab, unsigned count);
struct collector_counts lab_counts(struct lab *lab);
struct uv_loop_s *lab_loop(struct lab *lab);

/* ---- peers ---- */

struct peer {
	uint16_t port;
	/* For each connection, in the peer's thread, one after the other. */
	void (*script)(struct peer *peer, int fd);
	void *arg;
	unsigned connections; /* read it after peer_stop() */
	struct peer_thread *thread;
};

/* Listens on loopback of the family, at a port that the kernel chooses. */
void peer_start(struct peer *peer, int family);
/* Waits until one more connection was accepted. */
void peer_wait(struct peer *peer);
/* Ends the thread; its script must come to its end by itself. */
void peer_stop(struct peer *peer);

/* Reads exactly that many bytes; false at the end of the connection. */
bool peer_read(int fd, void *buf, unsigned len);
void peer_write(int fd, const void *buf, unsigned len);
/* Waits for the other side to close; true: it did so by a reset. */
bool peer_wait_closed(int fd);
/* A success response to a request, FINGERPRINT in it; returns its length. */
unsigned peer_answer(const uint8_t request[28], uint8_t out[128]);

/* A port of loopback where nothing listens, to the end of the process. */
uint16_t peer_dead_port(int family);

/* ---- certificates ---- */

struct lab_cert {
	const char *subject;	 /* common name */
	int days;		 /* until it expires; negative: since it did */
	struct lab_cert *issuer; /* NULL: self-signed */
	bool is_ca;
	struct {
		int nid;
		const char *value; /* as openssl's configuration has it */
	} ext[4];
	/* made by lab_cert_make() */
	struct x509_st *x509;
	struct evp_pkey_st *key;
};

void lab_cert_make(struct lab_cert *c);
void lab_cert_free(struct lab_cert *c);
/* A file with its PEM, to be unlinked by the caller. */
char *lab_cert_file(const struct lab_cert *c);
/* The same for its key. */
char *lab_key_file(const struct lab_cert *c);
/* A server's context that sends the certificate and its issuers but the root.
 */
struct ssl_ctx_st *lab_server(const struct lab_cert *c);

#endif
