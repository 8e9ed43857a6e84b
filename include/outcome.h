/* How a request ended; made from outcomes.def. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdbool.h>

enum outcome {
	OUTCOME_NONE = 0,
#define OUTCOME(name, number, label, class, wall, meaning) \
	OUTCOME_##name = number,
#include "outcomes.def"
	OUTCOME_END
};

enum outcome_class {
	OUTCOME_CLASS_ANSWER = 1,
	OUTCOME_CLASS_LOSS,
	OUTCOME_CLASS_LOCAL
};

/* What an outcome says of a path that must be blocked. */
enum outcome_wall {
	OUTCOME_WALL_NOTHING,
	OUTCOME_WALL_OPEN,
	OUTCOME_WALL_SHUT
};

/* "timeout", or "none" for a number that is not in the list. */
const char *outcome_label(enum outcome o);
const char *outcome_meaning(enum outcome o);
enum outcome_class outcome_class(enum outcome o);
enum outcome_wall outcome_wall(enum outcome o);

/*
 * The outcome of a socket error (a positive errno), as the kernel reports it
 * for a refused, reset, filtered or unroutable path. local says that the
 * error was returned by our own call before anything was sent.
 */
enum outcome outcome_of_errno(int err, bool local);

/*
 * The outcome of an ICMP error. family is AF_INET or AF_INET6; type and code
 * are those of RFC 792/1812 or RFC 4443.
 */
enum outcome outcome_of_icmp(int family, unsigned type, unsigned code);

#endif
