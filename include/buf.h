/*
 * A growing byte buffer. A failed allocation sets err and makes later writes
 * no-ops, so that a writer checks once at its end.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;		/* owned; not NUL-terminated unless buf_str() */
	size_t len;
	size_t size;
	bool err;
};

#define BUF_INIT { NULL, 0, 0, false }

void buf_free(struct buf *b);		/* frees the bytes, not the struct */
void buf_reset(struct buf *b);		/* empty, no error; keeps the memory */
/* Room for n more bytes: a place to write to, or NULL. */
char *buf_reserve(struct buf *b, size_t n);
void buf_put(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* Decimal of v; buf_decimal writes v * 10^-digits exactly: 1500, 3: "1.5". */
void buf_u64(struct buf *b, uint64_t v);
void buf_decimal(struct buf *b, uint64_t v, unsigned digits);
/* The same at p, where BUF_DECIMAL bytes are free; returns its end. */
enum { BUF_DIGITS = 20, BUF_DECIMAL = BUF_DIGITS + 4 };
char *buf_decimal_at(char *p, uint64_t v, unsigned digits);
/* The text with a NUL after it, owned by the buffer; "" after an error. */
const char *buf_str(struct buf *b);
/* Hands the NUL-terminated bytes to the caller and empties the buffer. */
char *buf_steal(struct buf *b);

#endif
