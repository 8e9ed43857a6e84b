/*
 * The first flights of a TLS handshake on the wire (RFC 5246, RFC 8446): a
 * ClientHello, and what a server answers before anything is encrypted. For
 * looking at a server, never for talking to it: no key is ever agreed on.
 * Pure.
 */
#ifndef WIRE_TLS_H
#define WIRE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_TLS_RANDOM = 96, /* its random, session identifier, key share */
	WIRE_TLS_NAME = 255,  /* characters of a name */
	WIRE_TLS_HELLO = 640, /* bytes of the longest hello */
	WIRE_TLS_1_0 = 0x0301,
	WIRE_TLS_1_2 = 0x0303,
	WIRE_TLS_1_3 = 0x0304
};

struct wire_tls_hello {
	const char *name;      /* asked for; NULL: none */
	const uint8_t *random; /* WIRE_TLS_RANDOM bytes, never used twice */
	uint16_t newest;       /* WIRE_TLS_1_2, whose server shows its
				  certificate in clear, or 1.3 as well */
};

/* Its length; 0: the name is longer than any is. */
size_t wire_tls_hello(
    const struct wire_tls_hello *h, uint8_t out[WIRE_TLS_HELLO]);

/* What has come from a server, joined from records where it stands. */
struct wire_tls_input {
	uint8_t *bytes;
	size_t joined; /* of handshake messages, at the front */
	size_t len;    /* of all; what comes is put behind */
	bool ended;    /* what follows is no handshake in clear */
	int alert;     /* that ended it; -1: none */
};

/* Takes the records in that are whole. 0, or -EPROTO: that is no TLS. */
int wire_tls_join(struct wire_tls_input *in);

/* What the first flight shows; bytes are borrowed from the input. */
struct wire_tls_flight {
	uint16_t version, cipher;
	const uint8_t *leaf;   /* DER; NULL: not in clear (TLS 1.3) */
	const uint8_t *staple; /* an OCSP response; NULL: none */
	size_t leaf_len, staple_len;
};

/*
 * 1: it is there; 0: there will be more of it; -EPROTO: it is none that
 * answers a hello of ours, or has ended too early.
 */
int wire_tls_flight(const struct wire_tls_input *in, uint16_t newest,
    struct wire_tls_flight *out);

#endif
