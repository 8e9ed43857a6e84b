/* Bodies in pieces, compressed ones, failing ones. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "body.h"
#include "buf.h"

/* Counts from 0: "0 1 2 ..."; at `fail` it runs out of memory. */
struct counter {
	unsigned next, end, fail, *freed;
};

static bool
counter_more(void *arg, struct buf *out)
{
	struct counter *c = arg;

	if (c->next == c->fail)
		out->err = true;
	/* Every third piece is empty: that is not the end. */
	if (c->next % 3 != 1)
		buf_printf(out, "%u ", c->next);
	return ++c->next < c->end;
}

static void
counter_free(void *arg)
{
	struct counter *c = arg;

	(*c->freed)++;
	free(c);
}

static struct body *
counter_body(unsigned end, unsigned fail, unsigned *freed)
{
	static const struct body_kind kind = {counter_more, counter_free};
	struct counter *c = malloc(sizeof(*c));

	assert_non_null(c);
	*c = (struct counter){0, end, fail, freed};
	return body_new(&kind, c);
}

static void
pieces(void **state)
{
	unsigned freed = 0;
	struct body *b = counter_body(12, 99, &freed);
	char out[64];
	size_t at = 0;
	ssize_t n;

	while ((n = body_read(b, out + at, 5)) > 0)
		at += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(body_read(b, out + at, 5), 0);
	out[at] = '\0';
	assert_string_equal(out, "0 2 3 5 6 8 9 11 ");
	body_free(b);
	assert_int_equal(freed, 1);
	body_free(NULL);
}

static void
failures(void **state)
{
	unsigned freed = 0;
	struct body *b = body_gzip(counter_body(12, 6, &freed));
	struct buf out = BUF_INIT;

	assert_int_equal(body_drain(b, &out), -ENOMEM);
	body_free(b);
	assert_int_equal(freed, 1);
	buf_free(&out);
	b = counter_body(12, 6, &freed);
	assert_int_equal(body_drain(b, &out), -ENOMEM);
	assert_int_equal(body_read(b, (char[8]){0}, 8), 0);
	body_free(b);
	buf_free(&out);
	assert_null(body_gzip(NULL));
	out.err = true;
	assert_null(body_of(&out));
}

static void
text(void **state)
{
	struct buf t = BUF_INIT, out = BUF_INIT;
	struct body *b;

	buf_puts(&t, "Healthy\n");
	b = body_of(&t);
	assert_null(t.data);
	assert_int_equal(body_drain(b, &out), 0);
	assert_string_equal(buf_str(&out), "Healthy\n");
	body_free(b);
	buf_free(&out);
	/* nothing at all, and freed unread */
	b = body_of(&t);
	assert_int_equal(body_drain(b, &out), 0);
	assert_int_equal(out.len, 0);
	body_free(b);
	buf_puts(&t, "unread");
	body_free(body_of(&t));
	buf_free(&out);
}

/* zlib's own reader must give back the same bytes, a CRC included. */
static void
gzip(void **state)
{
	enum { END = 200000 };
	unsigned freed = 0;
	struct body *plain = counter_body(END, END + 1, &freed);
	struct body *packed = body_gzip(counter_body(END, END + 1, &freed));
	struct buf want = BUF_INIT, got = BUF_INIT;
	z_stream z = {0};
	char *back;

	assert_int_equal(body_drain(plain, &want), 0);
	assert_int_equal(body_drain(packed, &got), 0);
	assert_true(got.len < want.len / 2);
	back = malloc(want.len + 1);
	assert_non_null(back);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)got.data;
	z.avail_in = (uInt)got.len;
	z.next_out = (Bytef *)back;
	z.avail_out = (uInt)want.len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, want.len);
	assert_memory_equal(back, want.data, want.len);
	inflateEnd(&z);
	free(back);
	buf_free(&want);
	buf_free(&got);
	body_free(plain);
	body_free(packed);
	assert_int_equal(freed, 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces),
	    cmocka_unit_test(failures),
	    cmocka_unit_test(text),
	    cmocka_unit_test(gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
