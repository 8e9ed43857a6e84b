/*
 * What DISMAN-PING-MIB (RFC 4560) says of a target, from a snapshot. Its
 * "probe" is one request, its "test" the last whole rounds of requests, at
 * most 15; requests that this host itself failed count as none. Pure.
 */
#ifndef FACES_PING_H
#define FACES_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "word.h"

struct snapshot;

enum { PING_KEPT = 50, PING_TEST_MOST = 15 };

enum ping_form {
	PING_INTEGER,
	PING_UNSIGNED,
	PING_BITS, /* bit n - 1 is number n - 1 of BITS */
	PING_TYPE, /* 1 + row of the types; 0: none */
	PING_DATE, /* ns since 1970; STATS_NONE: no instance */
	PING_TEXT,
	PING_EMPTY, /* no octets */
	PING_ADDRESS,
	PING_ADDRESS_TYPE
};

enum ping_access { PING_READ, PING_WRITE, PING_CREATE };

enum ping_table {
#define PING_TABLE(table, arc, keys) PING_##table,
#include "ping.def"
	PING_TABLES
};

/* InetAddressType and InetAddress (RFC 4001). */
struct ping_host {
	unsigned type;
	size_t len;
	const void *bytes; /* the target's */
};

/* One row of each table; a fill sets those of its own. */
struct ping_row {
	struct ping_host target, source;
	uint64_t data_size, timeout, count, frequency, traps, test_filter;
	uint64_t type, interface, ds_field;
	uint64_t status;
	char descr[256];

	struct ping_host resolved;
	uint64_t rtt_min, rtt_max, rtt_mean, squares; /* ms */
	uint64_t responses, sent, last_good;

	uint64_t response, result, code, at;
};

struct ping_column {
	enum ping_table table;
	unsigned number;
	const char *object;
	enum ping_form form;
	bool fixed;
	size_t offset;		 /* of the field, unless fixed */
	uint64_t value;		 /* of all rows, if fixed */
	enum ping_access access; /* that the module allows */
	const char *syntax, *note;
};

struct ping_table_desc {
	unsigned arc, keys;
};

struct ping_type {
	const char *probe;
	enum transport transport;
	unsigned number, octets;
	const char *object, *help; /* NULL: the RFC's own */
};

extern const struct ping_column ping_scalars[];
extern const unsigned ping_scalar_rows;
extern const struct ping_column ping_columns[]; /* in order */
extern const unsigned ping_column_rows;
extern const struct ping_table_desc ping_tables[PING_TABLES];
/* NULL behind the last. */
const struct ping_type *ping_type_at(unsigned n);

/* Entry i of the roster; traps: bits 1 << enum ping_notification. */
void ping_control(
    struct ping_row *out, const struct snapshot *s, size_t i, unsigned traps);
void ping_results(struct ping_row *out, const struct snapshot *s, size_t i);
/* Sample k of its history. */
void ping_probe(
    struct ping_row *out, const struct snapshot *s, size_t i, size_t k);

/* Its number, of enum ping_notification; 0: none is sent then. */
unsigned ping_notification(enum event_kind kind);
/* Whether notifications have the column: address and results, in order. */
bool ping_is_notified(const struct ping_column *c);

#endif
