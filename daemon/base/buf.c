/* A growing byte buffer. */
#include "build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { BUF_LEAST = 256 };

static const char two_digits[] = "00010203040506070809"
				 "10111213141516171819"
				 "20212223242526272829"
				 "30313233343536373839"
				 "40414243444546474849"
				 "50515253545556575859"
				 "60616263646566676869"
				 "70717273747576777879"
				 "80818283848586878889"
				 "90919293949596979899";

static const uint64_t powers[BUF_DIGITS] = {1, 10, 100, 1000, 10000, 100000,
    1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
    1000000000000, 10000000000000, 100000000000000, 1000000000000000,
    10000000000000000, 100000000000000000, 1000000000000000000,
    10000000000000000000u};

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
	b->err = false;
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = false;
}

static char *
grow(struct buf *b, size_t n)
{
	size_t size = b->size > 0 ? b->size : BUF_LEAST;
	char *data;

	if (b->err)
		return NULL;
	if (n > SIZE_MAX / 2 - b->len)
		goto fail;
	while (size - b->len < n)
		size *= 2;
	data = realloc(b->data, size);
	if (data == NULL)
		goto fail;
	b->data = data;
	b->size = size;
	return data + b->len;
fail:
	b->err = true;
	return NULL;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->data == NULL || b->size - b->len < n || b->err)
		return grow(b, n);
	return b->data + b->len;
}

void
buf_put(struct buf *b, const void *bytes, size_t n)
{
	char *p = buf_reserve(b, n);

	if (p == NULL || n == 0)
		return;
	memcpy(p, bytes, n);
	b->len += n;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_putc(struct buf *b, char c)
{
	char *p = buf_reserve(b, 1);

	if (p == NULL)
		return;
	*p = c;
	b->len++;
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *p = buf_reserve(b, BUF_LEAST / 2);
	int n;

	if (p == NULL)
		return;
	va_copy(again, ap);
	n = vsnprintf(p, b->size - b->len, fmt, ap);
	if (n < 0) {
		b->err = true;
		goto out;
	}
	if ((size_t)n >= b->size - b->len) {
		p = buf_reserve(b, (size_t)n + 1);
		if (p == NULL)
			goto out;
		vsnprintf(p, (size_t)n + 1, fmt, again);
	}
	b->len += (size_t)n;
out:
	va_end(again);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

/* Writes v so that it ends before `end`; returns where it begins. */
static char *
digits_before(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, two_digits + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, two_digits + v * 2, 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char text[BUF_DIGITS], *end = text + sizeof(text);
	char *p = digits_before(end, v);

	buf_put(b, p, (size_t)(end - p));
}

/* How many decimal digits v has. */
static unsigned
length(uint64_t v)
{
	/* 1233 / 4096 is log10(2): right, or one too few. */
	unsigned least = (64 - (unsigned)__builtin_clzll(v | 1)) * 1233 >> 12;

	return least + ((v | 1) >= powers[least]);
}

char *
buf_decimal_at(char *p, uint64_t v, unsigned digits)
{
	uint64_t whole = v, rest = 0;
	unsigned n;

	/* Nanoseconds are nearly all: division by a constant is cheap. */
	if (digits == 9) {
		whole = v / 1000000000;
		rest = v % 1000000000;
	} else if (digits > 0) {
		whole = digits < BUF_DIGITS ? v / powers[digits] : 0;
		rest = v - (whole > 0 ? whole * powers[digits] : 0);
	}
	n = length(whole);
	digits_before(p + n, whole);
	p += n;
	if (rest == 0)
		return p;
	*p++ = '.';
	for (n = digits; n >= 2; n -= 2, rest /= 100)
		memcpy(p + n - 2, two_digits + rest % 100 * 2, 2);
	if (n == 1)
		*p = (char)('0' + rest);
	for (p += digits; p[-1] == '0';)
		p--;
	return p;
}

void
buf_decimal(struct buf *b, uint64_t v, unsigned digits)
{
	char *p = buf_reserve(b, BUF_DECIMAL);

	if (digits > BUF_DIGITS)
		b->err = true;
	if (p != NULL && !b->err)
		b->len = (size_t)(buf_decimal_at(p, v, digits) - b->data);
}

const char *
buf_str(struct buf *b)
{
	char *p = buf_reserve(b, 1);

	if (p == NULL)
		return "";
	*p = '\0';
	return b->data;
}

char *
buf_steal(struct buf *b)
{
	char *p = buf_reserve(b, 1), *data;

	if (p == NULL) {
		buf_free(b);
		return NULL;
	}
	*p = '\0';
	data = b->data;
	b->data = NULL;
	b->len = b->size = 0;
	return data;
}
