/* The statistics as data, from stats.def and units.def. */
#include "build.h"

#include "stats.h"
#include "word.h"

/* 100 us to 2.5 s: the media thresholds (20, 100, 150, 300 ms) are among. */
const uint64_t stats_bounds[STATS_BOUNDS] = {100000, 250000, 500000, 1000000,
    2500000, 5000000, 10000000, 20000000, 30000000, 50000000, 75000000,
    100000000, 150000000, 200000000, 300000000, 500000000, 1000000000,
    2500000000};

unsigned
stats_bucket(uint64_t ns)
{
	unsigned n = 0;

	/* No early end: 18 comparisons without a branch are the faster way. */
	for (unsigned i = 0; i < STATS_BOUNDS; i++)
		n += ns > stats_bounds[i];
	return n;
}

const struct stats_unit_desc stats_units[STATS_UNITS] = {
#define UNIT(name, suffix, digits, words, smi_syntax, smi_units, smi_divisor) \
	{#name, suffix, digits, WORD_##words, smi_syntax, smi_units,          \
	    smi_divisor, false},
#define UNIT_SIGNED(                                                 \
    name, suffix, digits, words, smi_syntax, smi_units, smi_divisor) \
	{#name, suffix, digits, WORD_##words, smi_syntax, smi_units, \
	    smi_divisor, true},
#include "units.def"
};

const struct stats_scope_desc stats_scopes[STATS_SCOPES] = {
#define SCOPE(name, labels) {#name, labels, sizeof(struct snap_##name)},
#define SCOPE_END(name)
#include "stats.def"
};

const struct stats_desc stats_table[] = {
#define STAT(scope, field, nature, unit, number, object, family, help)     \
	{SCOPE_##scope, STATS_##nature, UNIT_##unit,                       \
	    offsetof(struct snap_##scope, field), number, #field, #object, \
	    family, help},
#include "stats.def"
};

const unsigned stats_rows = sizeof(stats_table) / sizeof(stats_table[0]);
