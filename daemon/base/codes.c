/* Sets of status codes, as few ranges. */
#include "build.h"

#include <errno.h>
#include <stddef.h>

#include "codes.h"

/* Three digits: the code, or 0; *text is moved past them. */
static unsigned
take_code(const char **text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 3; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return 0;
		n = 10 * n + (unsigned)(c - '0');
	}
	*text += 3;
	return n >= CODES_LEAST && n <= CODES_MOST ? n : 0;
}

int
codes_add(struct codes *c, const char *text)
{
	unsigned from = take_code(&text), to = from;

	if (from != 0 && *text == '-') {
		text++;
		to = take_code(&text);
	}
	if (from == 0 || to < from || *text != '\0')
		return -EINVAL;
	if (c->ranges == CODES_RANGES)
		return -ENOSPC;
	c->range[c->ranges].from = (uint16_t)from;
	c->range[c->ranges].to = (uint16_t)to;
	c->ranges++;
	return 0;
}

bool
codes_has(const struct codes *c, unsigned code)
{
	for (unsigned i = 0; i < c->ranges; i++) {
		if (code >= c->range[i].from && code <= c->range[i].to)
			return true;
	}
	return false;
}
