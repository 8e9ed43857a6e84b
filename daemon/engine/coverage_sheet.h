/*
 * What is shown of the requirements: texts that stay and verdicts that
 * change, copied from the configuration, so that readers in other threads
 * need nothing else. For coverage.c, which locks it.
 */
#ifndef COVERAGE_SHEET_H
#define COVERAGE_SHEET_H

#include "requirement.h"
#include "snapshot.h"

struct config;

struct coverage_row {
	char *labels, *about, *supply; /* escaped, but for supply; owned */
	char *name; /* profile and id, for people; owned */
	char *id;   /* owned */
	struct requirement_verdict verdict;
	uint64_t changed_at; /* monotonic; 0: never */
	bool told;	     /* that it failed */
	char **target;	     /* labels of targets; owned */
	uint8_t *state;	     /* of these */
	size_t targets;
};

struct coverage_sheet {
	struct coverage_row *row;
	size_t rows;
};

/* The rows of all profiles. NULL: no memory. */
struct coverage_sheet *coverage_sheet_new(const struct config *c);
void coverage_sheet_free(struct coverage_sheet *s);
/* Verdicts of rows that the old sheet has, too. */
void coverage_sheet_follow(
    struct coverage_sheet *s, const struct coverage_sheet *old);
/* The targets of a row are these; labels are copied. 0 or -ENOMEM. */
int coverage_sheet_targets(
    struct coverage_row *row, const char *const *labels, size_t n);
void coverage_sheet_fill(
    const struct coverage_sheet *s, struct snapshot_builder *b);

#endif
