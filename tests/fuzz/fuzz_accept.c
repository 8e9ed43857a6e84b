/*
 * The headers of a request. Besides memory errors: a format is always one of
 * ours, and an element that is malformed never changes the choice.
 */
#include "build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char junk[] = "@;q=1, ,";
	char *text = malloc(size + sizeof(junk));
	const char *header;

	if (text == NULL)
		return 0;
	memcpy(text, junk, sizeof(junk) - 1);
	memcpy(text + sizeof(junk) - 1, data, size);
	text[sizeof(junk) - 1 + size] = '\0';
	header = text + sizeof(junk) - 1;
	if ((unsigned)accept_format(header) >= ACCEPT_FORMATS ||
	    accept_format(header) != accept_format(text) ||
	    accept_gzip(header) != accept_gzip(text))
		abort();
	free(text);
	return 0;
}
