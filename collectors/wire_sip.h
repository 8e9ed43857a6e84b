/*
 * SIP messages on the wire (RFC 3261): OPTIONS requests, and what answers
 * them. Pure: no socket, no clock, no allocation.
 */
#ifndef WIRE_SIP_H
#define WIRE_SIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire_sip_text.h"
#include "word.h"

struct addr;

enum {
	SIP_ID = 16,		/* random bytes of a request */
	SIP_REQUEST_MAX = 1536, /* bytes that one may have */
	SIP_MAX = 16384,	/* bytes of the longest message taken */
	SIP_LINE_MAX = 4096,	/* of its first line */
	SIP_HEADERS_MAX = 256,
	SIP_CRLF = 2 /* what keeps a stream alive: no message */
};

/* What a request is made from; all of it is borrowed. */
struct sip_request {
	enum transport transport; /* one of the SIP_ ones */
	const char *user;	  /* of the Request-URI; NULL: none */
	const char *host;	  /* a name, or an address without port */
	uint16_t port;
	const char *from_domain;  /* of From; NULL: our own address */
	const struct addr *local; /* our own, with its port */
	const uint8_t *id;	  /* SIP_ID random bytes */
};

/*
 * Writes an OPTIONS request: its length, 0 when it does not fit. The branch,
 * the tag and the Call-ID are made of the id: an answer must bring back each.
 */
size_t wire_sip_request(uint8_t *out, size_t size, const struct sip_request *r);

/*
 * The id in the branch of the first Via, read leniently, for what comes may
 * be cut off or malformed and still be about our request. False: none there.
 */
bool wire_sip_id(const uint8_t *bytes, size_t len, uint8_t id[SIP_ID]);

/*
 * Framing on streams, section 18.3. bytes is what has come so far and begins
 * with a message: how many bytes it has in all, or SIP_CRLF for a line end
 * before it; 0 while too few are there to tell; -EBADMSG as soon as they
 * cannot be a message, -EMSGSIZE when it would be longer than SIP_MAX.
 */
int wire_sip_frame(const uint8_t *bytes, size_t len);

/* What a message says, pointing into its bytes. */
struct sip_message {
	bool request;
	unsigned code;		/* of a response, 100..699 */
	uint32_t cseq;		/* UINT32_MAX: that or more */
	struct sip_text method; /* of CSeq, also that of a request */
	struct sip_text branch; /* of the first Via; len 0: none */
	struct sip_text call_id, from_tag;
	unsigned vias; /* values of Via */
	bool single;   /* From, To, Call-ID and CSeq: each there, once */
};

/*
 * Reads a message: a datagram, or what wire_sip_frame() said. 0, or -EBADMSG
 * when it is malformed: its first line; a header that has a part in telling
 * whose answer it is; Content-Length beyond the end, or twice; in a request
 * some more (Contact, Date, Max-Forwards).
 */
int wire_sip_parse(const uint8_t *bytes, size_t len, struct sip_message *out);

enum sip_verdict {
	SIP_STRANGER,	 /* answers nothing that we asked */
	SIP_MALFORMED,	 /* not a message */
	SIP_ECHO,	 /* our own request, come back */
	SIP_PROVISIONAL, /* the answer is still to come */
	SIP_FINAL	 /* out->code is the answer */
};

/* What it is to the request with the id. */
enum sip_verdict wire_sip_judge(const uint8_t *bytes, size_t len,
    const uint8_t id[SIP_ID], struct sip_message *out);

#endif
