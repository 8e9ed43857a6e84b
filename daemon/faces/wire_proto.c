/* The four ways in which a protobuf field is written, but for groups. */
#include "build.h"

#include <endian.h>
#include <string.h>

#include "buf.h"
#include "wire_proto.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, VARINT_MAX = 10 };

void
wire_proto_varint(struct buf *b, uint64_t v)
{
	char bytes[VARINT_MAX];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_put(b, bytes, n);
}

void
wire_proto_signed(struct buf *b, int64_t v)
{
	wire_proto_varint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static void
put_key(struct buf *b, unsigned field, unsigned wire)
{
	wire_proto_varint(b, (uint64_t)field << 3 | wire);
}

void
wire_proto_uint(struct buf *b, unsigned field, uint64_t v)
{
	put_key(b, field, WIRE_VARINT);
	wire_proto_varint(b, v);
}

void
wire_proto_sint(struct buf *b, unsigned field, int64_t v)
{
	put_key(b, field, WIRE_VARINT);
	wire_proto_signed(b, v);
}

void
wire_proto_double(struct buf *b, unsigned field, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	bits = htole64(bits);
	put_key(b, field, WIRE_64);
	buf_put(b, (const char *)&bits, sizeof(bits));
}

void
wire_proto_bytes(struct buf *b, unsigned field, const void *bytes, size_t n)
{
	put_key(b, field, WIRE_LEN);
	wire_proto_varint(b, n);
	buf_put(b, bytes, n);
}

void
wire_proto_message(struct buf *b, unsigned field, const struct buf *m)
{
	wire_proto_bytes(b, field, m->data, m->len);
}
