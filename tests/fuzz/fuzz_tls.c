/*
 * Fuzzing the reader of a TLS server's first flight: what came in pieces is
 * read as what came at once, and shows nothing beyond what came.
 */
#include "build.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "wire_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ROOM = 4096 };

static bool
is_within(const uint8_t *at, size_t len, const struct wire_tls_input *in)
{
	return at == NULL
		   ? len == 0
		   : at >= in->bytes && at + len <= in->bytes + in->joined;
}

static int
read_all(uint8_t *room, const uint8_t *bytes, size_t len, size_t piece,
    struct wire_tls_flight *f)
{
	struct wire_tls_input in = {.bytes = room, .alert = -1};
	int done = 0;

	for (size_t at = 0; at < len && done == 0; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		memcpy(room + in.len, bytes + at, n);
		in.len += n;
		done = wire_tls_join(&in);
		assert(in.joined <= in.len && in.len <= at + n);
		if (done == 0)
			done = wire_tls_flight(&in, WIRE_TLS_1_3, f);
		if (done == 1)
			assert(is_within(f->leaf, f->leaf_len, &in) &&
			       is_within(f->staple, f->staple_len, &in));
	}
	return done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t one[ROOM], other[ROOM];
	struct wire_tls_flight a = {0}, b = {0};
	int whole, parts;

	if (len > ROOM)
		return 0;
	whole = read_all(one, bytes, len, ROOM, &a);
	parts = read_all(other, bytes, len, 7, &b);
	/* What is wrong behind a whole flight is not looked at in time. */
	assert(whole == parts || (whole < 0 && parts == 1));
	if (whole == 1)
		assert(a.version == b.version && a.cipher == b.cipher &&
		       a.leaf_len == b.leaf_len &&
		       a.staple_len == b.staple_len &&
		       (a.leaf == NULL ||
			   memcmp(a.leaf, b.leaf, a.leaf_len) == 0));
	return 0;
}
