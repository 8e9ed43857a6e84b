/*
 * A probe: one run of a target, as a collector sees it. A collector says what
 * happened through the calls below; what is made of it is the engine's.
 *
 * Order of events. The engine calls start(). When the path is ready to carry
 * requests (at once for datagrams, after connect or handshake for streams)
 * the collector calls probe_ready(), and the engine then calls request() for
 * each request, `spacing` apart. Each ends by probe_answer(), or by the
 * engine's own clock as a time-out. probe_fail() ends the whole probe. After
 * that, and at any time the engine likes, comes stop(); nothing may be
 * called for the probe after it.
 */
#ifndef PROBE_H
#define PROBE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "ask.h"
#include "outcome.h"
#include "word.h"

struct details;
struct proxy;

enum { PROBE_REQUESTS_MAX = 32, TLS_TEXT = 128, TLS_AUTHORITIES = 512 };

/* Where a probe goes and how: the part of a target that a collector needs. */
struct path {
	enum transport transport;
	struct addr addr;		/* with port; family 0: not resolved */
	uint64_t resolve_ns;		/* how long that lookup took; 0 */
	struct addr source;		/* family 0: any; port ignored */
	char interface[IFNAMSIZ];	/* "": any */
	uint8_t dscp;			/* 0..63 */
	const char *host;		/* as configured; owned by the target */
	const char *url;		/* of probes over HTTP; the target's */
	struct proxy *proxy;		/* addr is its address then, host and
					   url the origin's; the target's */
	const struct ask *ask;		/* the target's; NULL: its kind asks
					   nothing */
	uint64_t timeout_ns;
};

/* How one request ended; everything else is the engine's to know. */
struct answer {
	enum outcome outcome;
	int code;			/* of the peer's protocol, or 0 */
	uint64_t rtt_ns;		/* of an answer; 0 otherwise */
	enum stamp stamp;		/* what clock rtt_ns is from */
	const struct addr *mapped;	/* as the server saw us; or NULL */
	uint16_t local_port;		/* our own, for NAT verdicts; or 0 */
};

/* What a TLS handshake showed; plain data, copied by whoever keeps it. */
struct tls_facts {
	char version[16];		/* "TLSv1.3"; "" before a ServerHello */
	char cipher[64];		/* RFC name */
	char subject[TLS_TEXT], issuer[TLS_TEXT], serial[48];
	uint8_t fingerprint[32];	/* SHA-256 of the leaf */
	char root[TLS_TEXT];		/* issuer of the top of the chain */
	/*
	 * Where the issuers say more of the certificates, each with a space
	 * behind: "ocsp=http://..." and so with crl and ca.
	 */
	char authorities[TLS_AUTHORITIES];
	int64_t not_after;		/* s since 1970, first of the chain */
	int64_t staple_next;		/* s since 1970; 0: none */
	int verify_error;		/* X509_V_*; 0: chain valid; -1: there
					   is nothing to hold it against */
	uint8_t have_cert;
	uint8_t chain;			/* enum chain: verify_error in a word */
	uint8_t staple;			/* enum staple; 0: no certificate */
	uint8_t must_staple;		/* the certificate says so */
	/* 0 not known or not asked, 1 no, 2 yes */
	uint8_t sni_required;
	uint8_t for_host;		/* the certificate is for the host */
	uint8_t policy;			/* version and cipher are allowed */
	uint8_t intercepted;		/* the issuer is not an expected one */
};

/* Numbers that an answer showed; see facts.def. */
enum fact {
#define FACT(name, field) FACT_##name,
#include "facts.def"
	FACT_END
};

/* What a peer may demand of those who ask it. */
enum hold {
	HOLD_SLOWER, /* to do so half as often */
	HOLD_STOP    /* not to do so any more */
};

struct probe;

struct probe_ops {
	void (*ready)(struct probe *p);
	void (*answer)(struct probe *p, unsigned seq, const struct answer *a);
	void (*fail)(struct probe *p, enum outcome o, int code);
	void (*phase)(struct probe *p, enum phase phase, uint64_t ns);
	void (*tls)(struct probe *p, const struct tls_facts *facts);
	void (*fact)(struct probe *p, enum fact fact, int64_t value);
	void (*hold)(struct probe *p, enum hold how);
};

struct probe {
	const struct path *path;	/* valid from start() to stop() */
	void *loop;			/* the collector's own, from open() */
	void *state;			/* the collector's, zero at start() */
	void *memory;			/* the same, from the probe before */
	unsigned count;			/* requests in this probe */
	uint32_t round;			/* number of this probe of the target */
	const struct probe_ops *ops;	/* the engine's */
	struct details *details;	/* room for them, or NULL */
};

/* The path is ready: the engine may call request(). */
void probe_ready(struct probe *p);
/*
 * Request seq ended. One that had ended before may do so again: an answer
 * after its time-out is late, and the engine counts it as that.
 */
void probe_answer(struct probe *p, unsigned seq, const struct answer *a);
/* The probe cannot go on: requests not yet ended end like this. */
void probe_fail(struct probe *p, enum outcome o, int code);
/* A phase of the probe took so long. */
void probe_phase(struct probe *p, enum phase phase, uint64_t ns);
/* A handshake showed this, whether it succeeded or not. */
void probe_tls(struct probe *p, const struct tls_facts *facts);
/* An answer showed this; it holds until another one is told. */
void probe_fact(struct probe *p, enum fact fact, int64_t value);
/* The peer demands it; from the next round on, until a reload. */
void probe_hold(struct probe *p, enum hold how);

#endif
