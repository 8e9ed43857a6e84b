/* Buffers: numbers against snprintf(), growth, and after an error. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static uint64_t
next_random(uint64_t *v)
{
	*v ^= *v << 13;
	*v ^= *v >> 7;
	*v ^= *v << 17;
	return *v;
}

static void
test_put(void **state)
{
	struct buf b = BUF_INIT;

	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_put(&b, "d\0e", 3);
	buf_put(&b, "", 0);
	buf_printf(&b, "%d-%s", 7, "x");
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "abcd\0e7-x", 9);
	buf_reset(&b);
	buf_puts(&b, "z");
	assert_string_equal(buf_str(&b), "z");
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.size, 0);
	buf_free(&b);
}

/* Every size around each doubling, by every way of writing. */
static void
test_growth(void **state)
{
	for (size_t n = 0; n < 2100; n++) {
		struct buf b = BUF_INIT;
		char *text = malloc(n + 1);

		memset(text, 'y', n);
		text[n] = '\0';
		buf_printf(&b, "%s", text);
		buf_puts(&b, text);
		buf_printf(&b, "%s!", text);
		assert_false(b.err);
		assert_int_equal(b.len, 3 * n + 1);
		assert_int_equal(strspn(buf_str(&b), "y"), 3 * n);
		assert_int_equal(b.data[3 * n], '!');
		buf_free(&b);
		free(text);
	}
}

static void
check_number(uint64_t v)
{
	struct buf b = BUF_INIT;
	char want[64];

	buf_u64(&b, v);
	snprintf(want, sizeof(want), "%" PRIu64, v);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void
test_numbers(void **state)
{
	uint64_t v = 88172645463325252, ten = 1;

	check_number(0);
	check_number(UINT64_MAX);
	check_number(INT64_MAX);
	check_number((uint64_t)INT64_MIN);
	for (int i = 0; i < 19; i++, ten *= 10) {
		check_number(ten);
		check_number(ten * 10 - 1);
	}
	for (int i = 0; i < 20000; i++) {
		next_random(&v);
		check_number(v >> (i % 64));
	}
}

static void
test_decimals(void **state)
{
	static const struct {
		uint64_t v;
		unsigned digits;
		const char *text;
	} t[] = {
	    {1500, 3, "1.5"},
	    {1000, 3, "1"},
	    {1, 3, "0.001"},
	    {10, 3, "0.01"},
	    {0, 9, "0"},
	    {0, 0, "0"},
	    {1234, 0, "1234"},
	    {1200, 0, "1200"},
	    {12345678, 6, "12.345678"},
	    {100000000, 6, "100"},
	    {20000000, 9, "0.02"},
	    {UINT64_MAX, 9, "18446744073.709551615"},
	    {UINT64_MAX, 20, "0.18446744073709551615"},
	    {1, 20, "0.00000000000000000001"},
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&b);
		buf_decimal(&b, t[i].v, t[i].digits);
		assert_string_equal(buf_str(&b), t[i].text);
	}
	buf_free(&b);
}

/* Slow and obvious: whole part, all digits after the point, cut zeros. */
static void
reference_decimal(char *out, size_t size, uint64_t v, unsigned digits)
{
	uint64_t scale = 1;

	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	snprintf(out, size, "%" PRIu64, v / scale);
	if (v % scale == 0)
		return;
	snprintf(out + strlen(out), size - strlen(out), ".%0*" PRIu64,
	    (int)digits, v % scale);
	while (out[strlen(out) - 1] == '0')
		out[strlen(out) - 1] = '\0';
}

static void
test_decimals_random(void **state)
{
	struct buf b = BUF_INIT;
	uint64_t v = 362436069362436069;
	char want[64];

	for (int i = 0; i < 20000; i++) {
		uint64_t n = next_random(&v) >> (i % 64);
		unsigned digits = (unsigned)(i / 64) % 10;

		if (i % 3 == 0)
			n = n / 100 * 100;
		reference_decimal(want, sizeof(want), n, digits);
		buf_reset(&b);
		buf_decimal(&b, n, digits);
		assert_string_equal(buf_str(&b), want);
	}
	buf_free(&b);
}

/* After an error everything is a no-op until the buffer is reset. */
static void
test_error(void **state)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "before");
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.err);
	assert_null(buf_reserve(&b, 1));
	buf_puts(&b, "x");
	buf_putc(&b, 'x');
	buf_u64(&b, 1);
	buf_decimal(&b, 1, 3);
	buf_printf(&b, "%d", 1);
	assert_int_equal(b.len, 6);
	assert_string_equal(buf_str(&b), "");
	assert_null(buf_steal(&b));
	assert_null(b.data);
	buf_decimal(&b, 1, 21);
	assert_true(b.err);
	buf_reset(&b);
	buf_puts(&b, "ok");
	assert_string_equal(buf_str(&b), "ok");
	buf_free(&b);
}

static void
test_steal(void **state)
{
	struct buf b = BUF_INIT;
	char *text = buf_steal(&b);

	assert_string_equal(text, "");
	free(text);
	buf_puts(&b, "mine");
	text = buf_steal(&b);
	assert_string_equal(text, "mine");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.size, 0);
	free(text);
}

static void
test_reserve(void **state)
{
	struct buf b = BUF_INIT;
	char *p = buf_reserve(&b, 1000);

	assert_non_null(p);
	assert_int_equal(b.len, 0);
	memset(p, 'r', 1000);
	b.len += 1000;
	assert_int_equal(strspn(buf_str(&b), "r"), 1000);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_decimals),
	    cmocka_unit_test(test_decimals_random),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_steal),
	    cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
