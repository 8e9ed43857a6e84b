/*
 * What an answer showed that only he wants to know who asked for this one
 * probe: collectors write it down where a probe has room for it, and keep
 * nothing of it otherwise. Plain data; all zero: nothing was shown.
 */
#ifndef DETAILS_H
#define DETAILS_H

#include <stdbool.h>
#include <stdint.h>

enum { DETAILS_NAMES = 1024, DETAILS_NAME = 512, DETAILS_LOCATION = 2048 };

struct details {
	/* of an answer over HTTP; its body is read for them */
	int status;			 /* 0: none came */
	uint8_t version;		 /* 10, 11 */
	int64_t length;			 /* as its head says; -1: it does not */
	uint64_t body;			 /* octets of it */
	int64_t modified;		 /* s since 1970; 0: not said */
	uint64_t transfer_ns;		 /* of the body */
	char location[DETAILS_LOCATION]; /* as given; "": none */
	/* of an ICMP echo; 0: not known */
	uint8_t hop_limit;
	/* of a name server */
	bool dns;
	uint16_t answers, authorities, additionals; /* records */
	bool has_serial;
	uint32_t serial; /* of the first SOA record of the answer */
	/* of a TLS handshake */
	int64_t chain_end; /* s since 1970, of the chain that verified; 0 */
	char subject[DETAILS_NAME], issuer[DETAILS_NAME]; /* RFC 2253 */
	char names[DETAILS_NAMES]; /* DNS names of the leaf, with commas */
};

#endif
