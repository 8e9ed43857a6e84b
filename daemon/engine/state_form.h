/*
 * What a state file looks like: shared by who writes and who reads it.
 */
#ifndef STATE_FORM_H
#define STATE_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

enum {
	STATE_VERSION = 1,
	STATE_MAGIC = 8,
	STATE_BOOT_ID = 36, /* a UUID as text */
	STATE_WORDS = 29,
	STATE_PHASES = PHASE_END - 1,
	STATE_OUTCOMES = OUTCOME_END - 1
};

extern const char state_form_magic[STATE_MAGIC];

/* What follows the header, each with one of these before it. */
enum state_tag {
	STATE_TAG_INDEX = 'I',
	STATE_TAG_ROW = 'R',
	STATE_TAG_DEPARTED = 'D',
	STATE_TAG_NATIVE = 'N',
	STATE_TAG_END = 'E'
};

/* The plain numbers of a row in the file's order: append only. */
struct state_word {
	uint8_t word; /* enum tally */
	bool time;
};

extern const struct state_word state_form_words[STATE_WORDS];

/* The machine's boot; all zero when the system does not say. */
void state_form_boot_id(char id[STATE_BOOT_ID]);

#endif
