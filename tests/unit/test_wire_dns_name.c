/* Domain names: from text, and out of messages that lead astray. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire_dns_name.h"

static void
test_names(void **state)
{
	static const char *const bad[] = {"", "..", ".a", "a..b", "a..", "\\",
	    "a.\\", "\\25", "\\256", "\\2x5",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct dns_name n;

	assert_int_equal(wire_dns_name_parse(".", &n), 0);
	assert_int_equal(n.len, 1);
	assert_int_equal(wire_dns_name_parse("a.", &n), 0);
	assert_int_equal(n.len, 3);
	assert_memory_equal(n.octets,
	    "\x01"
	    "a\x00",
	    3);
	assert_int_equal(wire_dns_name_parse("_sip\\._x.\\097\\ ", &n), 0);
	assert_int_equal(n.len, 12);
	assert_memory_equal(n.octets,
	    "\x07_sip._x\x02"
	    "a \x00",
	    12);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (wire_dns_name_parse(bad[i], &n) == 0)
			fail_msg("'%s' was taken", bad[i]);
}

/* RFC 1035 section 4.1.4: the names of its own example. */
static void
test_compression(void **state)
{
	struct dns_name n;
	uint8_t bytes[93] = {0};

	memcpy(bytes + 20,
	    "\x01"
	    "F\x03ISI\x04"
	    "ARPA",
	    12);
	memcpy(bytes + 40,
	    "\x03"
	    "FOO\xc0\x14",
	    6);
	memcpy(bytes + 64, "\xc0\x1a", 2);
	assert_int_equal(wire_dns_name_read(bytes, 93, 20, &n), 32);
	assert_memory_equal(n.octets,
	    "\x01"
	    "f\x03isi\x04"
	    "arpa",
	    12);
	assert_int_equal(wire_dns_name_read(bytes, 93, 40, &n), 46);
	assert_memory_equal(n.octets,
	    "\x03"
	    "foo\x01"
	    "f\x03isi\x04"
	    "arpa",
	    16);
	assert_int_equal(wire_dns_name_read(bytes, 93, 64, &n), 66);
	assert_memory_equal(n.octets,
	    "\x04"
	    "arpa",
	    6);
	assert_int_equal(wire_dns_name_read(bytes, 93, 92, &n), 93);
	assert_int_equal(n.len, 1);
	assert_int_equal(wire_dns_name_read(bytes, 93, 93, &n), -EBADMSG);
}

static void
test_bad_pointers(void **state)
{
	uint8_t bytes[600] = {0};
	struct dns_name n;

	/* To itself, forwards, to each other, out of the message. */
	memcpy(bytes + 12, "\xc0\x0c\xc0\x12", 4);
	assert_int_equal(wire_dns_name_read(bytes, 100, 12, &n), -EBADMSG);
	assert_int_equal(wire_dns_name_read(bytes, 100, 14, &n), -EBADMSG);
	memcpy(bytes + 20, "\xc0\x16\xc0\x14", 4);
	assert_int_equal(wire_dns_name_read(bytes, 100, 20, &n), -EBADMSG);
	assert_int_equal(wire_dns_name_read(bytes, 100, 22, &n), -EBADMSG);
	memcpy(bytes + 30, "\xff\xff", 2);
	assert_int_equal(wire_dns_name_read(bytes, 100, 30, &n), -EBADMSG);
	/* A label that leads back to itself through a pointer. */
	memcpy(bytes + 40,
	    "\x01"
	    "a\xc0\x28",
	    4);
	assert_int_equal(wire_dns_name_read(bytes, 100, 40, &n), -EBADMSG);
	/* Half a pointer; the two kinds of label that nobody has. */
	assert_int_equal(wire_dns_name_read(bytes, 31, 30, &n), -EBADMSG);
	bytes[50] = 0x41;
	bytes[52] = 0x81;
	assert_int_equal(wire_dns_name_read(bytes, 100, 50, &n), -EBADMSG);
	assert_int_equal(wire_dns_name_read(bytes, 100, 52, &n), -EBADMSG);
}

/* Each pointer to the one before it: as many as are allowed, one more. */
static void
test_many_pointers(void **state)
{
	uint8_t bytes[200] = {0};
	struct dns_name n;

	for (unsigned i = 1; i < 100; i++) {
		bytes[2 * i] = 0xc0;
		bytes[2 * i + 1] = (uint8_t)(2 * i - 2);
	}
	assert_int_equal(
	    wire_dns_name_read(bytes, 200, 2 * DNS_JUMPS, &n), 130);
	assert_int_equal(n.len, 1);
	assert_int_equal(
	    wire_dns_name_read(bytes, 200, 2 * DNS_JUMPS + 2, &n), -EBADMSG);
}

static void
test_long_names(void **state)
{
	uint8_t bytes[300];
	struct dns_name n;

	/* 127 labels of one letter and the root are 255 octets. */
	for (unsigned i = 0; i < 256; i += 2) {
		bytes[i] = 1;
		bytes[i + 1] = 'x';
	}
	bytes[254] = 0;
	assert_int_equal(wire_dns_name_read(bytes, 255, 0, &n), 255);
	assert_int_equal(n.len, 255);
	bytes[254] = 1;
	bytes[256] = 0;
	assert_int_equal(wire_dns_name_read(bytes, 257, 0, &n), -EBADMSG);
	/* Each prefix of it lacks its end. */
	bytes[254] = 0;
	for (size_t len = 0; len < 255; len++)
		assert_int_equal(
		    wire_dns_name_read(bytes, len, 0, &n), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_compression),
	    cmocka_unit_test(test_bad_pointers),
	    cmocka_unit_test(test_many_pointers),
	    cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests_name("wire_dns_name", tests, NULL, NULL);
}
