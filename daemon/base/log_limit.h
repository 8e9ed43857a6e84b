/*
 * How often a kind of line is written: so many at once, then so many a
 * second; what is beyond is counted, and told as one line. A kind is the
 * place in the program that writes it, known by its text's address. Pure.
 */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

enum {
	LOG_LIMIT_ROWS = 128,	/* kinds; further ones are not limited */
	LOG_LIMIT_BURST = 200,	/* lines of a kind at once */
	LOG_LIMIT_RATE = 10,	/* and a second */
	LOG_LIMIT_TELL = 10	/* s between two counts of a kind */
};

struct log_limit_row {
	const char *text, *component;	/* constants of the program */
	enum log_level level;
	uint64_t credit;		/* ns, a line costs 1 s / RATE */
	uint64_t filled_at, told_at;	/* monotonic; told_at 0: never */
	uint64_t left_out;		/* not told of yet */
};

struct log_limit {
	struct log_limit_row row[LOG_LIMIT_ROWS];
	unsigned rows;
};

/* Whether the line may be written; otherwise it was counted. */
bool log_limit_pass(struct log_limit *l, enum log_level level,
    const char *component, const char *text, uint64_t now);

/*
 * A kind that lines were left out of and that it is time to tell of; its
 * count goes to out->left_out and starts anew. False: there is none.
 */
bool log_limit_take(
    struct log_limit *l, uint64_t now, struct log_limit_row *out);

#endif
