/* Protobuf fields: the examples of its own manual, and the limits. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "wire_proto.h"

#define EXPECT(b, bytes)                                                  \
	do {                                                              \
		assert_int_equal((b)->len, sizeof(bytes) - 1);            \
		assert_memory_equal((b)->data, bytes, sizeof(bytes) - 1); \
		buf_reset(b);                                             \
	} while (0)

static void
test_numbers(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	wire_proto_uint(&b, 1, 150); /* the manual's first example */
	EXPECT(&b, "\x08\x96\x01");
	wire_proto_varint(&b, 0);
	wire_proto_varint(&b, 127);
	wire_proto_varint(&b, 128);
	wire_proto_varint(&b, UINT64_MAX);
	EXPECT(&b, "\x00\x7f\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	wire_proto_signed(&b, 0);
	wire_proto_signed(&b, -1);
	wire_proto_signed(&b, 1);
	wire_proto_signed(&b, -2);
	EXPECT(&b, "\x00\x01\x02\x03");
	wire_proto_signed(&b, INT64_MAX);
	wire_proto_signed(&b, INT64_MIN);
	EXPECT(&b, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		   "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
	wire_proto_sint(&b, 16, -3);
	EXPECT(&b, "\x80\x01\x05");
	wire_proto_double(&b, 2, 1.0);
	EXPECT(&b, "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f");
	buf_free(&b);
}

static void
test_bytes(void **state)
{
	struct buf b = BUF_INIT, inner = BUF_INIT;

	(void)state;
	wire_proto_bytes(&b, 2, "testing", 7);
	EXPECT(&b, "\x12\x07testing");
	wire_proto_uint(&inner, 1, 150);
	wire_proto_message(&b, 3, &inner);
	EXPECT(&b, "\x1a\x03\x08\x96\x01");
	buf_reset(&inner);
	wire_proto_message(&b, 3, &inner);
	EXPECT(&b, "\x1a\x00");
	buf_free(&b);
	buf_free(&inner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
