/*
 * The statistics: structs made from stats.def, and their descriptions for
 * those who write them out. Values are integers in base units; STATS_NONE
 * means that there is no value now, and the writers leave the sample out.
 */
#ifndef STATS_H
#define STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_NONE UINT64_MAX

enum stats_unit {
#define UNIT(name, suffix, digits, words, syntax, units, divisor) \
	UNIT_##name,
#include "units.def"
	STATS_UNITS
};

enum stats_nature {
	STATS_GAUGE,
	STATS_COUNTER,
	STATS_INFO,
	STATS_STATESET,
	STATS_HISTOGRAM
};

enum stats_scope {
#define SCOPE(name, labels) SCOPE_##name,
#define SCOPE_END(name)
#include "stats.def"
	STATS_SCOPES
};

/* Upper bounds of the round-trip histogram, ns; the last bucket is +Inf. */
enum { STATS_BOUNDS = 18, STATS_BUCKETS = STATS_BOUNDS + 1 };
extern const uint64_t stats_bounds[STATS_BOUNDS];
unsigned stats_bucket(uint64_t ns);	/* index of the bucket that ns is in */

/*
 * The same times in exponential buckets, eight to an octave (schema 3 of
 * Prometheus' native histograms): the first one ends at 2^(FIRST/8) s, 33 us,
 * the last one at 64 s. What is less stands in the zero bucket.
 */
enum {
	STATS_NATIVE_SCHEMA = 3,
	STATS_NATIVE_FIRST = -119,
	STATS_NATIVE_LAST = 48,
	STATS_NATIVE = STATS_NATIVE_LAST - STATS_NATIVE_FIRST + 1
};
#define STATS_NATIVE_ZERO (1.0 / 32768) /* s; 2^((FIRST - 1)/8) */

struct snap_native {
	uint64_t zero;
	unsigned first, n;	/* count[k] is of bucket first + k, from 0 */
	uint64_t count[];
};

/* An answer that is in a bucket of the histogram, the newest one. */
struct snap_exemplar {
	const char *labels;	/* NULL: there is none */
	uint64_t value, at;	/* ns; ns since 1970 */
};

struct snap_hist {
	uint64_t bucket[STATS_BUCKETS];	/* not cumulative */
	uint64_t count;
	uint64_t sum;			/* ns */
	const struct snap_native *native;	/* NULL: not kept */
	const struct snap_exemplar *exemplar;	/* one a bucket, or NULL */
};

/* A field of STATS_INFO is a string of labels, '' or NULL for none. */
#define STATS_FIELD_GAUGE uint64_t
#define STATS_FIELD_COUNTER uint64_t
#define STATS_FIELD_STATESET uint64_t
#define STATS_FIELD_INFO const char *
#define STATS_FIELD_HISTOGRAM struct snap_hist

/*
 * One struct per scope: struct snap_agent, struct snap_target and so on. Each
 * begins with its labels, escaped and ready to print:
 * target="fra1-udp",transport="udp",media_cluster="fra1".
 */
#define SCOPE(name, text) struct snap_##name { const char *labels;
#define SCOPE_END(name) };
#define STAT(scope, field, nature, unit, number, object, family, help) \
	STATS_FIELD_##nature field;
#include "stats.def"

struct stats_desc {
	enum stats_scope scope;
	enum stats_nature nature;
	enum stats_unit unit;
	size_t offset;		/* of the field in its scope's struct */
	unsigned number;	/* column in the MIB, 0 for none */
	const char *field;
	const char *object;
	const char *family;	/* "" when it has no metric */
	const char *help;
};

struct stats_unit_desc {
	const char *name;
	const char *suffix;
	unsigned digits;
	unsigned words;		/* enum word_set, WORD_SETS for none */
	const char *smi_syntax;
	const char *smi_units;
	uint32_t smi_divisor;
	bool is_signed;		/* an int64_t, stored as its complement */
};

struct stats_scope_desc {
	const char *name;
	const char *labels;	/* for people: "target,transport,..." */
	size_t size;		/* of one item */
};

/* The items of one scope in a snapshot: count structs of the scope's size. */
struct stats_items {
	void *item;
	size_t count;
};

extern const struct stats_desc stats_table[];
extern const unsigned stats_rows;
extern const struct stats_unit_desc stats_units[STATS_UNITS];
extern const struct stats_scope_desc stats_scopes[STATS_SCOPES];

#endif
