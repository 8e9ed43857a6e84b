/*
 * DNS messages on the wire (RFC 1035, EDNS0 of RFC 6891): a query with one
 * question, and what answers it. Pure: no socket, no clock, no allocation; a
 * message is read in place, and how far a hostile one can lead is bounded.
 */
#ifndef WIRE_DNS_H
#define WIRE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire_dns_name.h"
#include "wire_dns_text.h"

enum {
	DNS_ID = 2, /* bytes of a message's id, at its beginning */
	DNS_HEADER = 12,
	DNS_QUERY = 282,    /* bytes of the longest query */
	DNS_UDP = 1232,	    /* that we take over UDP with EDNS0 */
	DNS_MAX = 65535,    /* of a message over TCP */
	DNS_RECORDS = 2048, /* in a message that is looked at */
	DNS_CHAIN = 16	    /* aliases that are followed */
};

/* Those that are spelled; others may be asked for all the same. */
enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_NAPTR = 35,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_CAA = 257
};

enum dns_rcode { DNS_NOERROR = 0, DNS_NXDOMAIN = 3 };

/* What is asked; class IN. */
struct dns_question {
	struct dns_name name;
	uint16_t type;
	bool recurse; /* recursion desired */
	bool edns;
};

/* What a response says of the question; plain data. */
struct dns_answer {
	unsigned rcode; /* 12 bits with EDNS0 */
	bool truncated;
	bool edns;	  /* it has an OPT record, which is no data */
	bool looped;	  /* its aliases lead in a circle, or too far */
	unsigned aliases; /* followed from the name that was asked for */
	/* Records of the type asked for, of the name at the aliases' end. */
	unsigned records;
	/*
	 * Seconds for which it may be kept: the least of the aliases' and
	 * records'; of a negative answer as RFC 2308 section 5 has it; -1:
	 * not said.
	 */
	int64_t ttl;
	/* For wire_dns_first(). */
	struct dns_name owner;
	uint16_t answers_at, answers;
	uint16_t authorities, additionals; /* as the header counts them */
};

/* Writes the query; its length. id is random and borrowed. */
size_t wire_dns_query(uint8_t out[DNS_QUERY], const struct dns_question *q,
    const uint8_t id[DNS_ID]);

/*
 * Reads a response to the question; who sent it and its id are the caller's
 * to check. 0, or -EBADMSG when it is none: a query, another question, or
 * bytes that are not a well-formed message. Of a truncated one only what is
 * whole is looked at.
 */
int wire_dns_parse(const uint8_t *bytes, size_t len,
    const struct dns_question *q, struct dns_answer *out);

/*
 * The records that were counted, one by one as text: false when there are no
 * more. bytes and the others are what wire_dns_parse() was given, borrowed.
 */
struct dns_walk {
	const uint8_t *bytes;
	size_t len, at;
	unsigned left;
	uint16_t type;
	const struct dns_answer *answer;
};

void wire_dns_first(struct dns_walk *w, const uint8_t *bytes, size_t len,
    const struct dns_question *q, const struct dns_answer *a);
bool wire_dns_next(struct dns_walk *w, char text[DNS_TEXT]);

#endif
