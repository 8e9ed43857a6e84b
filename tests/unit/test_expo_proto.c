/* Families in protobuf, byte by byte, read in any slices. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "body.h"
#include "buf.h"
#include "expo_proto.h"
#include "mock_snapshot.h"
#include "wire_proto.h"

static struct buf
render(struct snapshot *s, size_t slice)
{
	struct body *body = expo_proto_body(s);
	struct buf out = BUF_INIT;
	char piece[256];
	ssize_t n;

	assert_non_null(body);
	while ((n = body_read(body, piece, slice)) > 0)
		buf_put(&out, piece, (size_t)n);
	assert_int_equal(n, 0);
	body_free(body);
	return out;
}

#define HAS(out, bytes)  \
	assert_non_null( \
	    memmem((out)->data, (out)->len, bytes, sizeof(bytes) - 1))

static void
nothing(void **state)
{
	struct snapshot *s = mock_snapshot();
	struct buf out = render(s, 100);

	(void)state;
	assert_int_equal(out.len, 0);
	buf_free(&out);
	snapshot_unref(s);
}

static void
numbers(void **state)
{
	/* reachd_cluster_nodes{media_cluster="x \"\\\n"} 3, and a counter */
	struct snapshot *s = mock_snapshot();
	struct snap_cluster *c =
	    MOCK(s, cluster, "media_cluster=\"x \\\"\\\\\\n\"");
	struct buf out, other;

	(void)state;
	c->nodes = 3;
	c->transport_changes = 7;
	out = render(s, 256);
	HAS(&out, "\x0a\x14reachd_cluster_nodes\x12\x2b"
		  "Nodes of the media cluster that are probed.\x18\x01");
	HAS(&out, "\x22\x23"
		  "\x0a\x16\x0a\x0dmedia_cluster\x12\x05x \"\\\n"
		  "\x12\x09\x09\x00\x00\x00\x00\x00\x00\x08\x40");
	HAS(&out, "\x0a\x26reachd_cluster_transport_changes_total");
	HAS(&out, "\x1a\x09\x09\x00\x00\x00\x00\x00\x00\x1c\x40");
	for (size_t slice = 1; slice < 40; slice += 6) {
		other = render(s, slice);
		assert_int_equal(other.len, out.len);
		assert_memory_equal(other.data, out.data, out.len);
		buf_free(&other);
	}
	buf_free(&out);
	snapshot_unref(s);
}

/* Each family's length is that of what follows it. */
/* -61 is 0xc04e800000000000. */
static void
signs(void **state)
{
	struct snapshot *s = mock_snapshot();
	struct buf out;

	(void)state;
	MOCK(s, fact, "target=\"a\"")->ntp_offset =
	    (uint64_t)INT64_C(-61000000000);
	out = render(s, 256);
	assert_non_null(memmem(out.data, out.len, "\0\0\0\0\0\x80\x4e\xc0", 8));
	buf_free(&out);
	snapshot_unref(s);
}

static void
lengths(void **state)
{
	struct snapshot *s = mock_snapshot();
	struct buf out;
	unsigned families = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct snap_target *t = MOCK(s, target, "target=\"a\"");

		t->state = i % 4 + 1;
		t->info = i % 3 == 0 ? "host=\"x\"" : "";
		t->last_rtt = i % 2 == 0 ? i : STATS_NONE;
	}
	out = render(s, 256);
	for (size_t at = 0; at < out.len; families++) {
		uint64_t n = 0;
		unsigned shift = 0;
		uint8_t byte;

		do {
			byte = (uint8_t)out.data[at++];
			n |= (uint64_t)(byte & 127) << shift;
			shift += 7;
		} while (byte > 127);
		assert_true(n <= out.len - at);
		assert_int_equal(out.data[at], 0x0a);
		at += n;
	}
	assert_int_equal(families, 3);
	buf_free(&out);
	snapshot_unref(s);
}

static void
native(void **state)
{
	static const uint64_t count[] = {1, 0, 0, 0, 5, 0, 0, 2};
	struct snapshot *s = mock_snapshot();
	struct snap_rtt *r = MOCK(s, rtt, "transport=\"udp\"");
	struct snap_native *n = malloc(sizeof(*n) + sizeof(count));
	struct snap_exemplar exemplar[STATS_BUCKETS] = {{0}};
	struct buf out;

	(void)state;
	n->zero = 4;
	n->first = 10;
	n->n = 8;
	memcpy(n->count, count, sizeof(count));
	r->rtt.bucket[2] = 12;
	r->rtt.count = 12;
	r->rtt.sum = 1500000000;
	r->rtt.native = n;
	r->rtt.exemplar = exemplar;
	exemplar[2] = (struct snap_exemplar){
	    "target=\"t\"", 500000000, UINT64_C(3000000007)};
	out = render(s, 256);
	/* count, sum */
	HAS(&out, "\x08\x0c\x11\x00\x00\x00\x00\x00\x00\xf8\x3f");
	/* bucket 3: 12 up to 0.0005, with target t, 0.5 s, at 3.000000007 */
	HAS(&out,
	    "\x1a\x29\x08\x0c\x11\xfc\xa9\xf1\xd2\x4d\x62\x40\x3f"
	    "\x1a\x1c\x0a\x0b\x0a\x06target\x12\x01t"
	    "\x11\x00\x00\x00\x00\x00\x00\xe0\x3f\x1a\x04\x08\x03\x10\x07");
	/* schema 3, zero threshold 2^-15, zero count 4 */
	HAS(&out, "\x28\x06\x31\x00\x00\x00\x00\x00\x00\x00\x3f\x38\x04");
	/* Bucket -109 alone; three on, four: 5 0 0 2. First, then changes. */
	HAS(&out, "\x62\x05\x08\xd9\x01\x10\x01\x62\x04\x08\x06\x10\x04"
		  "\x6a\x05\x02\x08\x09\x00\x04");
	buf_free(&out);
	/* None at all is one span of none, or it would pass for a classic. */
	n->n = 0;
	r->rtt.exemplar = NULL;
	out = render(s, 256);
	HAS(&out, "\x62\x04\x08\x00\x10\x00\x6a\x00");
	buf_free(&out);
	free(n);
	snapshot_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(signs),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(native),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
