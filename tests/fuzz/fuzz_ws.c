/*
 * Fuzzing the WebSocket codec: heads in pieces are read as in one, and frames
 * that are stepped through never lead beyond what came.
 */
#include "build.h"

#include <assert.h>
#include <string.h>

#include "wire_ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char accept_text[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/* What was said of the whole must not have been said of a part. */
static size_t
read_head(const char *text, size_t len)
{
	struct wire_ws_head whole, part;
	ssize_t n = wire_ws_head(text, len, accept_text, &whole);

	if (n <= 0)
		return 0;
	assert((size_t)n <= len && whole.status >= 100 && whole.status < 1000);
	assert(!whole.good || whole.status == 101);
	assert(wire_ws_head(text, (size_t)n, accept_text, &part) == n);
	assert(part.status == whole.status && part.good == whole.good);
	for (size_t cut = n > 64 ? (size_t)n - 64 : 0; cut < (size_t)n; cut++)
		assert(wire_ws_head(text, cut, accept_text, &part) == 0);
	return (size_t)n;
}

static void
read_frames(const uint8_t *bytes, size_t len)
{
	struct wire_ws_header h;

	while (len > 0) {
		int n = wire_ws_header(bytes, len, &h);

		if (n <= 0)
			return;
		assert((size_t)n <= len && h.payload <= INT64_MAX);
		for (int cut = 0; cut < n; cut++)
			assert(wire_ws_header(bytes, (size_t)cut, &h) <= 0);
		assert(wire_ws_header(bytes, len, &h) == n);
		if (h.payload > len - (size_t)n)
			return;
		if (h.opcode == WIRE_WS_CLOSE)
			assert(wire_ws_close_code(bytes + n, h.payload) <=
			       UINT16_MAX);
		bytes += (size_t)n + h.payload;
		len -= (size_t)n + h.payload;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t n = read_head((const char *)bytes, len);

	read_frames(bytes + n, len - n);
	return 0;
}
