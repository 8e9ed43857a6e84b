/*
 * What a target asks beyond its path, and what it wants back: settings that
 * only some kinds of probes know. Immutable once read, shared by reference
 * by the configuration, targets and their paths.
 */
#ifndef ASK_H
#define ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "codes.h"

/* Groups of such settings; a row of kinds.def names those it knows. */
enum ask_group {
	ASK_TLS,
	ASK_SIP,
	ASK_DNS,
	ASK_NTP,
	ASK_HTTP,
	ASK_LIGHT,
	ASK_GROUPS
};

/* A TLS client: what it names, shows and demands. */
struct ask_tls {
	char *server_name; /* NULL: none given */
	char *client_cert; /* PEM files, absolute; both or neither */
	char *client_key;
	char *ciphers;	/* patterns of those allowed, one a line */
	char *issuers;	/* the same, of those expected at the top of
			   a chain; NULL: any */
	uint16_t least; /* version as on the wire; 0: none given */
	uint8_t verify; /* enum ask_verify */
	bool staple;	/* there must be a good one */
};

/* Whether a certificate that is not as it must be fails the probe. */
enum ask_verify { ASK_VERIFY_USUAL, ASK_VERIFY_NO, ASK_VERIFY_YES };

/* Whom SIP asks, as whom, and which status is wanted. */
struct ask_sip {
	char *user;		/* NULL: the server itself */
	char *from_domain;	/* NULL: our own address */
	struct codes codes;	/* empty: any final one, see sip_ask.c */
};

/* A question to a name server, and what is right as its answer. */
struct ask_dns {
	char *query;		/* the name */
	char *answer;		/* texts of records, with * and ?, one a
				   line; NULL: any */
	uint16_t type, rcode;	/* as on the wire */
	uint16_t least;		/* records */
	bool recursion, edns;
};

/* What a time server must be like. */
struct ask_ntp {
	uint64_t offset_degraded; /* ns; 0: never */
	uint8_t stratum_most;
};

enum ask_method { ASK_GET, ASK_HEAD, ASK_POST };

/* What is asked of a web server. */
struct ask_http {
	uint8_t method;		/* enum ask_method */
	struct codes codes;	/* empty: the collector's own rule */
};

/* How often a TLS server is only looked at; see tls_light.h. */
struct ask_light {
	uint8_t full_every; /* 1: never */
};

struct ask {
	unsigned refs;	 /* atomic; ask_ref/unref only */
	unsigned groups; /* 1 << ASK_x, for each that was read */
	char *text;	 /* what was given, "key=value ...": targets
			    that differ in it are different paths */
	struct ask_tls tls;
	struct ask_sip sip;
	struct ask_dns dns;
	struct ask_ntp ntp;
	struct ask_http http;
	struct ask_light light;
};

/* Zeroed, one reference. NULL: no memory. */
struct ask *ask_new(unsigned groups);
/* NULL is fine for both. */
struct ask *ask_ref(struct ask *a);
void ask_unref(struct ask *a);

#endif
