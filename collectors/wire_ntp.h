/*
 * NTP packets on the wire (RFC 5905): what a client that never synchronises
 * anything sends, and what a server answers. Pure. The transmit timestamp of
 * a request is random: it says nothing of us (RFC 9109 section 3 does the
 * same to ports), and only who saw the request can answer it.
 */
#ifndef WIRE_NTP_H
#define WIRE_NTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NTP_PACKET = 48,
	NTP_ID = 8,	    /* bytes of the transmit timestamp */
	NTP_ID_AT = 40,	    /* where it stands in a request */
	NTP_ORIGIN_AT = 24, /* and in the answer */
	NTP_KISS = 4,
	NTP_STRATUM_MOST = 15
};

enum ntp_leap { NTP_LEAP_NONE, NTP_LEAP_ADD, NTP_LEAP_DELETE, NTP_LEAP_UNSYNC };

/* What a server says; plain data. */
struct ntp_answer {
	enum ntp_leap leap;
	unsigned stratum;	 /* 0: it is not synchronised */
	char kiss[NTP_KISS + 1]; /* "RATE" with stratum 0; or "" */
	int64_t root_delay_ns, root_dispersion_ns;
	uint64_t receive, transmit; /* NTP timestamps, 32.32 s */
};

/* A client's request, version 4; id is random and borrowed. */
void wire_ntp_request(uint8_t out[NTP_PACKET], const uint8_t id[NTP_ID]);

/*
 * Reads a server's answer; that it is to our request is the caller's to check
 * by its origin. 0, or -EBADMSG: too short, not mode 4, of another version
 * than 1 to 4, with timestamps of 0 or the wrong way round (a kiss-o'-death
 * may have any).
 */
int wire_ntp_parse(const uint8_t *bytes, size_t len, struct ntp_answer *out);

/* Whether it can be told the time by: synchronised, near enough to a root. */
bool wire_ntp_synchronised(const struct ntp_answer *a);

/*
 * RFC 5905 section 8, from when we sent and received (real time, ns since
 * 1970): the offset of the server's clock to ours (positive: ours is slow),
 * and the round trip without the time that the server took.
 */
struct ntp_times {
	int64_t offset_ns, delay_ns;
};

void wire_ntp_times(const struct ntp_answer *a, int64_t sent, int64_t received,
    struct ntp_times *out);

/* The timestamp of that real time, and what one is after another, in ns. */
uint64_t wire_ntp_timestamp(int64_t real_ns);
int64_t wire_ntp_between(uint64_t from, uint64_t to);

#endif
