/*
 * Which codes of an answer are wanted: a list such as [200, "400-499"]. What
 * it is a list of, a status of SIP or of HTTP, is its owner's to know.
 */
#ifndef CODES_H
#define CODES_H

#include <stdbool.h>
#include <stdint.h>

enum { CODES_LEAST = 100, CODES_MOST = 699, CODES_RANGES = 16 };

/* Plain data; zeroed it is empty. */
struct codes {
	uint16_t ranges;
	struct {
		uint16_t from, to; /* both are within */
	} range[CODES_RANGES];
};

/* Adds "200" or "400-499". 0; -EINVAL: neither; -ENOSPC: too many. */
int codes_add(struct codes *c, const char *text);
/* An empty list has none. */
bool codes_has(const struct codes *c, unsigned code);

#endif
