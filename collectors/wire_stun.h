/*
 * STUN messages on the wire (RFC 8489; RFC 5389 is the same for us): Binding
 * requests and what answers them. Pure: no socket, no clock, no allocation.
 * Both sides are here, for the responder reads requests and writes responses.
 */
#ifndef WIRE_STUN_H
#define WIRE_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "outcome.h"

enum {
	STUN_HEADER = 20,
	STUN_ID = 12,	      /* bytes of a transaction id */
	STUN_ID_AT = 8,	      /* and where they stand in a message */
	STUN_REQUEST = 28,    /* bytes that wire_stun_request() writes */
	STUN_MAX = 2048,      /* bytes of the longest message taken */
	STUN_ATTRIBUTES = 64, /* in a message, at most */
	STUN_UNKNOWN = 8      /* unknown attributes remembered */
};

enum stun_class {
	STUN_CLASS_REQUEST,
	STUN_CLASS_INDICATION,
	STUN_CLASS_SUCCESS,
	STUN_CLASS_ERROR
};

/* Attributes that we write or read, section 18.3. */
enum stun_type {
	STUN_MAPPED_ADDRESS = 0x0001,
	STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_UNKNOWN_ATTRIBUTES = 0x000a,
	STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_SOFTWARE = 0x8022,
	STUN_FINGERPRINT = 0x8028
};

/* What a well-formed message says; plain data. */
struct stun_message {
	enum stun_class class;
	uint8_t id[STUN_ID];
	struct addr mapped; /* XOR- before MAPPED-ADDRESS; family 0: none */
	unsigned code;	    /* of ERROR-CODE, 300..699; 0: none */
	bool fingerprint;   /* there was one, and it was right */
	/* Comprehension-required attributes that we do not know. */
	unsigned unknowns; /* how many; the first STUN_UNKNOWN are kept */
	uint16_t unknown[STUN_UNKNOWN];
};

/* A Binding request with FINGERPRINT; id is random and borrowed. */
void wire_stun_request(uint8_t out[STUN_REQUEST], const uint8_t id[STUN_ID]);

/*
 * Reads a whole message: len is that of the datagram, or what wire_stun_frame
 * said. 0, or -EBADMSG when the bytes are not one well-formed Binding message
 * (class, cookie, length, attribute bounds, address, code, fingerprint).
 */
int wire_stun_parse(const uint8_t *bytes, size_t len, struct stun_message *out);

/*
 * What a message with our transaction id means for the request: ANSWERED,
 * ERROR_RESPONSE (see m->code), or PROTOCOL for what is not an answer: a
 * request or indication, an unknown comprehension-required attribute
 * (section 6.3.3), a success without an address, an error without a code.
 */
enum outcome wire_stun_outcome(const struct stun_message *m);

/*
 * Framing on streams, section 6.2.2. bytes is what has come so far and begins
 * with a message: returns how many bytes that message has in all, STUN_HEADER
 * while too few are there to tell; -EBADMSG as soon as they cannot be the
 * beginning of a message, -EMSGSIZE when it would be longer than STUN_MAX.
 */
int wire_stun_frame(const uint8_t *bytes, size_t len);

/*
 * Writing a message, attribute by attribute, into size bytes at out. What
 * does not fit makes wire_stun_end() return 0; nothing is written beyond.
 *
 *	wire_stun_begin(&w, out, sizeof(out), STUN_CLASS_SUCCESS, request.id);
 *	wire_stun_put_xor_mapped(&w, &from);
 *	wire_stun_put_mapped(&w, &from);
 *	len = wire_stun_end(&w, true);
 */
struct stun_writer {
	uint8_t *out; /* borrowed */
	size_t size, len;
	bool full; /* something did not fit */
};

void wire_stun_begin(struct stun_writer *w, uint8_t *out, size_t size,
    enum stun_class class, const uint8_t id[STUN_ID]);
/* Any attribute; value is padded with zeros to a multiple of four. */
void wire_stun_put(
    struct stun_writer *w, uint16_t type, const void *value, size_t len);
void wire_stun_put_mapped(struct stun_writer *w, const struct addr *a);
void wire_stun_put_xor_mapped(struct stun_writer *w, const struct addr *a);
/* SOFTWARE or another attribute of text; the reason of a code may be "". */
void wire_stun_put_text(struct stun_writer *w, uint16_t type, const char *s);
void wire_stun_put_error(
    struct stun_writer *w, unsigned code, const char *reason);
/* UNKNOWN-ATTRIBUTES, for a 420 to the request m. */
void wire_stun_put_unknown(struct stun_writer *w, const struct stun_message *m);
/* Completes it, with FINGERPRINT if asked for. Its length, or 0: too long. */
size_t wire_stun_end(struct stun_writer *w, bool fingerprint);

#endif
