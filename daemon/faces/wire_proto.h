/*
 * Fields of protobuf messages, appended to a buffer in the order of the
 * calls: https://protobuf.dev/programming-guides/encoding.
 */
#ifndef WIRE_PROTO_H
#define WIRE_PROTO_H

#include <stddef.h>
#include <stdint.h>

struct buf;

void wire_proto_varint(struct buf *b, uint64_t v); /* no field, the number */
void wire_proto_signed(struct buf *b, int64_t v);  /* the same, zigzag */

void wire_proto_uint(struct buf *b, unsigned field, uint64_t v);
void wire_proto_sint(struct buf *b, unsigned field, int64_t v); /* zigzag */
void wire_proto_double(struct buf *b, unsigned field, double v);
void wire_proto_bytes(
    struct buf *b, unsigned field, const void *bytes, size_t n);
/* A message, or packed numbers, that stand in another buffer. */
void wire_proto_message(struct buf *b, unsigned field, const struct buf *m);

#endif
