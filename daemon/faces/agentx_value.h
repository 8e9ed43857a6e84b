/* How a number or a label of a snapshot is spelled for SNMP. Pure. */
#ifndef AGENTX_VALUE_H
#define AGENTX_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mib.h"

enum agentx_type {
	AGENTX_INTEGER,
	AGENTX_UNSIGNED, /* Gauge32 and Unsigned32: one tag on the wire */
	AGENTX_COUNTER64,
	AGENTX_TICKS,
	AGENTX_OCTETS,
	AGENTX_OID
};

enum { AGENTX_TEXT = 255, AGENTX_DATE = 11, AGENTX_SUBS = 40 };

struct agentx_value {
	enum agentx_type type;
	uint64_t number; /* of all but octets and OIDs */
	size_t len;
	union {
		uint8_t octets[AGENTX_TEXT + 1];
		uint32_t sub[AGENTX_SUBS];
	};
};

/*
 * The number v of a row of the table; boot is when sysUpTime was 0, ns since
 * 1970. False: it has no value now.
 */
bool agentx_value_number(struct agentx_value *out, const struct stats_desc *d,
    uint64_t v, int64_t boot);

/* A moment, in a form of its own; now as well, ns since 1970. */
bool agentx_value_moment(
    struct agentx_value *out, enum mib_form form, uint64_t at, int64_t now);

/* Of a histogram how many were at most as long as the bound of a bucket. */
void agentx_value_bucket(
    struct agentx_value *out, const struct snap_hist *h, unsigned bucket);

/* A label's text without escapes. False: it is not what the form wants. */
bool agentx_value_text(
    struct agentx_value *out, enum mib_form form, const char *text);

/* DateAndTime (RFC 2579) of ns since 1970, in UTC. */
void agentx_value_date(uint8_t out[AGENTX_DATE], int64_t real);

/* Of ns as microseconds, and other units: what is too much is the most. */
uint32_t agentx_value_gauge(enum stats_unit unit, uint64_t v);

#endif
