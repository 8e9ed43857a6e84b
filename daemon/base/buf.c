/* A growing byte buffer. */
#include "build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { BUF_LEAST = 256, BUF_DIGITS = 20 };

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

void
buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_putc(b, '-');
	buf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
buf_decimal(struct buf *b, uint64_t v, unsigned digits)
{
	/* 20 digits, as many zeros before them, and the point. */
	char text[2 * BUF_DIGITS + 2], *end = text + sizeof(text), *p;
	size_t n;

	if (digits > BUF_DIGITS) {
		b->err = true;
		return;
	}
	/* 1500 with 3 digits is 15 with 1: no zeros at the end. */
	while (digits > 0 && v % 10 == 0) {
		v /= 10;
		digits--;
	}
	p = digits_before(end, v);
	if (digits > 0) {
		while ((size_t)(end - p) <= digits)
			*--p = '0';
		n = (size_t)(end - p) - digits;
		memmove(p - 1, p, n);
		p--;
		p[n] = '.';
	}
	buf_put(b, p, (size_t)(end - p));
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
