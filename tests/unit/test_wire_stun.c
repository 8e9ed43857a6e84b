/* The STUN codec against the vectors of RFC 5769 and hostile messages. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire_stun.h"

/* RFC 5769 section 2.1: a request, with FINGERPRINT. */
static const uint8_t request[] =
    "\x00\x01\x00\x58\x21\x12\xa4\x42"
    "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x10STUN test client"
    "\x00\x24\x00\x04\x6e\x00\x01\xff"
    "\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
    "\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
    "\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5"
    "\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2"
    "\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/* Section 2.2: a response with an IPv4 address. */
static const uint8_t response4[] =
    "\x01\x01\x00\x3c\x21\x12\xa4\x42"
    "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0btest vector "
    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
    "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9"
    "\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7"
    "\x80\x28\x00\x04\xc0\x7d\x4c\x96";

/* Section 2.3: a response with an IPv6 address. */
static const uint8_t response6[] =
    "\x01\x01\x00\x48\x21\x12\xa4\x42"
    "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0btest vector "
    "\x00\x20\x00\x14\x00\x02\xa1\x47"
    "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"
    "\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c"
    "\x82\x92\xc2\x75\xbf\xe3\xed\x41"
    "\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

/* Section 2.4: a request with long-term credentials, no FINGERPRINT. */
static const uint8_t request_long[] =
    "\x00\x01\x00\x60\x21\x12\xa4\x42"
    "\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"
    "\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83"
    "\xe3\x82\xaf\xe3\x82\xb9\x00\x00"
    "\x00\x15\x00\x1c\x66\x2f\x2f\x34\x39\x39\x6b\x39\x35\x34\x64\x36"
    "\x4f\x4c\x33\x34\x6f\x4c\x39\x46\x53\x54\x76\x79\x36\x34\x73\x41"
    "\x00\x14\x00\x0b\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6f\x72\x67\x00"
    "\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71"
    "\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

static const uint8_t id[STUN_ID] = "abcdefghijkl";

/* A copy that ends where the message ends, for the sanitizer to watch. */
static int
parse(const uint8_t *bytes, size_t len, struct stun_message *m)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	rc = wire_stun_parse(copy, len, m);
	free(copy);
	return rc;
}

static struct addr
address(const char *host, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host), 0);
	addr_set_port(&a, port);
	return a;
}

static void
test_vector_request(void **state)
{
	struct stun_message m;

	assert_int_equal(parse(request, sizeof(request) - 1, &m), 0);
	assert_int_equal(m.class, STUN_CLASS_REQUEST);
	assert_true(m.fingerprint);
	assert_memory_equal(m.id, request + 8, STUN_ID);
	/* PRIORITY is ICE's: to a plain server it is unknown and required. */
	assert_int_equal(m.unknowns, 1);
	assert_int_equal(m.unknown[0], 0x0024);
	assert_int_equal(wire_stun_outcome(&m), OUTCOME_PROTOCOL);
}

static void
test_vector_responses(void **state)
{
	struct addr four = address("192.0.2.1", 32853);
	struct addr six =
	    address("2001:db8:1234:5678:11:2233:4455:6677", 32853);
	struct stun_message m;

	assert_int_equal(parse(response4, sizeof(response4) - 1, &m), 0);
	assert_int_equal(m.class, STUN_CLASS_SUCCESS);
	assert_true(m.fingerprint);
	assert_true(addr_equal(&m.mapped, &four));
	assert_int_equal(wire_stun_outcome(&m), OUTCOME_ANSWERED);

	assert_int_equal(parse(response6, sizeof(response6) - 1, &m), 0);
	assert_int_equal(m.class, STUN_CLASS_SUCCESS);
	assert_true(addr_equal(&m.mapped, &six));
	assert_int_equal(wire_stun_outcome(&m), OUTCOME_ANSWERED);
}

static void
test_vector_long_term(void **state)
{
	struct stun_message m;

	assert_int_equal(parse(request_long, sizeof(request_long) - 1, &m), 0);
	assert_int_equal(m.class, STUN_CLASS_REQUEST);
	assert_false(m.fingerprint);
	assert_int_equal(m.unknowns, 0);
}

static const struct {
	const uint8_t *bytes;
	size_t len;
} vectors[] = {
    {request, sizeof(request) - 1},
    {response4, sizeof(response4) - 1},
    {response6, sizeof(response6) - 1},
    {request_long, sizeof(request_long) - 1},
};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void
test_every_truncation(void **state)
{
	struct stun_message m;

	for (unsigned i = 0; i < VECTORS; i++) {
		for (size_t n = 0; n < vectors[i].len; n++)
			assert_int_equal(
			    parse(vectors[i].bytes, n, &m), -EBADMSG);
	}
}

/* Cut short, with a length that says so: what is inside must still hold. */
static void
test_every_shorter_length(void **state)
{
	uint8_t copy[256];
	struct stun_message m;

	for (unsigned i = 0; i < VECTORS; i++) {
		memcpy(copy, vectors[i].bytes, vectors[i].len);
		for (size_t n = STUN_HEADER; n < vectors[i].len; n++) {
			copy[2] = 0;
			copy[3] = (uint8_t)(n - STUN_HEADER);
			if (parse(copy, n, &m) == 0)
				assert_false(m.fingerprint);
			else
				continue;
			assert_int_equal(n % 4, 0);
		}
	}
}

static void
test_longer_than_said(void **state)
{
	uint8_t copy[256] = {0};
	struct stun_message m;

	for (unsigned i = 0; i < VECTORS; i++) {
		memcpy(copy, vectors[i].bytes, vectors[i].len);
		for (size_t n = 1; n <= 8; n++)
			assert_int_equal(
			    parse(copy, vectors[i].len + n, &m), -EBADMSG);
	}
}

/* One bit wrong anywhere: a FINGERPRINT finds it, whatever else does. */
static void
test_every_bit(void **state)
{
	uint8_t copy[256];
	struct stun_message m;

	for (unsigned i = 0; i < 3; i++) {
		size_t len = vectors[i].len;

		for (size_t bit = 0; bit < len * 8; bit++) {
			memcpy(copy, vectors[i].bytes, len);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* A type or length can hide it, not satisfy it. */
			if (parse(copy, len, &m) == 0)
				assert_false(m.fingerprint);
		}
	}
}

static void
test_misaligned(void **state)
{
	uint8_t room[256];
	struct stun_message m;

	for (unsigned shift = 1; shift < 8; shift++) {
		memcpy(room + shift, response6, sizeof(response6) - 1);
		assert_int_equal(
		    wire_stun_parse(room + shift, sizeof(response6) - 1, &m),
		    0);
		assert_int_equal(wire_stun_outcome(&m), OUTCOME_ANSWERED);
	}
}

static void
test_request_bytes(void **state)
{
	/* Header and CRC-32 of it, worked out with another implementation. */
	static const uint8_t want[STUN_REQUEST] =
	    "\x00\x01\x00\x08\x21\x12\xa4\x42"
	    "abcdefghijkl"
	    "\x80\x28\x00\x04\x3f\x07\x24\xbd";
	uint8_t out[STUN_REQUEST];
	struct stun_message m;

	wire_stun_request(out, id);
	assert_memory_equal(out, want, sizeof(want));
	assert_int_equal(parse(out, sizeof(out), &m), 0);
	assert_int_equal(m.class, STUN_CLASS_REQUEST);
	assert_true(m.fingerprint);
	assert_memory_equal(m.id, id, STUN_ID);
}

/* The writer makes the responses of the RFC, byte for byte. */
static void
test_write_vectors(void **state)
{
	struct addr four = address("192.0.2.1", 32853);
	struct addr six =
	    address("2001:db8:1234:5678:11:2233:4455:6677", 32853);
	struct stun_writer w;
	uint8_t out[128];

	wire_stun_begin(
	    &w, out, sizeof(out), STUN_CLASS_SUCCESS, response4 + 8);
	wire_stun_put_text(&w, STUN_SOFTWARE, "test vector");
	out[STUN_HEADER + 15] = ' '; /* the RFC pads with a space */
	wire_stun_put_xor_mapped(&w, &four);
	wire_stun_put(&w, STUN_MESSAGE_INTEGRITY, response4 + 52, 20);
	assert_int_equal(wire_stun_end(&w, true), sizeof(response4) - 1);
	assert_memory_equal(out, response4, sizeof(response4) - 1);

	wire_stun_begin(
	    &w, out, sizeof(out), STUN_CLASS_SUCCESS, response6 + 8);
	wire_stun_put_text(&w, STUN_SOFTWARE, "test vector");
	out[STUN_HEADER + 15] = ' ';
	wire_stun_put_xor_mapped(&w, &six);
	wire_stun_put(&w, STUN_MESSAGE_INTEGRITY, response6 + 64, 20);
	assert_int_equal(wire_stun_end(&w, true), sizeof(response6) - 1);
	assert_memory_equal(out, response6, sizeof(response6) - 1);
}

static void
test_write_nothing_beyond(void **state)
{
	struct addr six = address("2001:db8::1", 1);
	uint8_t out[128];

	for (size_t size = 0; size < sizeof(out); size++) {
		struct stun_writer w;
		size_t len;

		memset(out, 0xee, sizeof(out));
		wire_stun_begin(&w, out, size, STUN_CLASS_SUCCESS, id);
		wire_stun_put_xor_mapped(&w, &six);
		wire_stun_put_mapped(&w, &six);
		wire_stun_put_text(&w, STUN_SOFTWARE, "x");
		len = wire_stun_end(&w, true);
		/* 20 + 24 + 24 + 8 + 8 */
		assert_int_equal(len, size < 84 ? 0 : 84);
		for (size_t i = size; i < sizeof(out); i++)
			assert_int_equal(out[i], 0xee);
	}
}

/* A message made by hand; the outcome, or NONE when it cannot be read. */
static enum outcome
verdict(enum stun_class class, const void *attributes, size_t len,
    struct stun_message *m)
{
	uint8_t out[4096];
	struct stun_writer w;

	wire_stun_begin(&w, out, sizeof(out), class, id);
	assert_true(len % 4 == 0 && len <= sizeof(out) - STUN_HEADER);
	memcpy(out + STUN_HEADER, attributes, len);
	w.len += len;
	assert_int_equal(wire_stun_end(&w, false), STUN_HEADER + len);
	return parse(out, w.len, m) == 0 ? wire_stun_outcome(m) : OUTCOME_NONE;
}

#define VERDICT(class, text, m) \
	verdict(STUN_CLASS_##class, text, sizeof(text) - 1, m)
#define MAPPED	"\x00\x01\x00\x08\x00\x01\x12\x34\xc0\x00\x02\x07"
#define XORED	"\x00\x20\x00\x08\x00\x01\x33\x26\xe1\x12\xa6\x43"
#define UNKNOWN "\x7f\xff\x00\x00"

static void
test_mapped(void **state)
{
	struct addr plain = address("192.0.2.7", 0x1234);
	struct addr xored = address("192.0.2.1", 0x1234);
	struct stun_message m;

	assert_int_equal(VERDICT(SUCCESS, MAPPED, &m), OUTCOME_ANSWERED);
	assert_true(addr_equal(&m.mapped, &plain));
	assert_int_equal(VERDICT(SUCCESS, XORED, &m), OUTCOME_ANSWERED);
	assert_true(addr_equal(&m.mapped, &xored));
	/* The combined one counts, wherever it stands. */
	VERDICT(SUCCESS, MAPPED XORED, &m);
	assert_true(addr_equal(&m.mapped, &xored));
	VERDICT(SUCCESS, XORED MAPPED, &m);
	assert_true(addr_equal(&m.mapped, &xored));
	/* Of two of a kind the first. */
	VERDICT(SUCCESS,
	    XORED "\x00\x20\x00\x08\x00\x01\xff\xff\xff\xff\xff\xff", &m);
	assert_true(addr_equal(&m.mapped, &xored));
	/* What follows an integrity check is not covered by it. */
	assert_int_equal(VERDICT(SUCCESS,
			     "\x00\x08\x00\x14"
			     "12345678901234567890" XORED,
			     &m),
	    OUTCOME_PROTOCOL);
}

static void
test_bad_addresses(void **state)
{
	struct stun_message m;

	/* Family 3, family 0, a v4 address of 20 bytes, a v6 one of 8. */
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x20\x00\x08\x00\x03\x33\x26\xe1\x12\xa6\x43",
		&m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x01\x00\x08\x00\x00\x33\x26\xe1\x12\xa6\x43",
		&m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x01\x00\x14\x00\x01\x33\x26 234567890123456",
		&m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x20\x00\x08\x00\x02\x33\x26\xe1\x12\xa6\x43",
		&m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x20\x00\x00", &m), OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, "\x00\x20\x00\x04\x00\x01\x33\x26", &m),
	    OUTCOME_NONE);
}

static void
test_not_an_answer(void **state)
{
	struct stun_message m;

	assert_int_equal(VERDICT(SUCCESS, "", &m), OUTCOME_PROTOCOL);
	assert_int_equal(VERDICT(REQUEST, XORED, &m), OUTCOME_PROTOCOL);
	assert_int_equal(VERDICT(INDICATION, XORED, &m), OUTCOME_PROTOCOL);
	assert_int_equal(VERDICT(ERROR, XORED, &m), OUTCOME_PROTOCOL);
	assert_int_equal(VERDICT(SUCCESS, XORED UNKNOWN, &m), OUTCOME_PROTOCOL);
	/* Comprehension-optional ones change nothing. */
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x00\x00\x00\xff\xff\x00\x00", &m),
	    OUTCOME_ANSWERED);
	/* Nor do those that servers of RFC 3489 add. */
	assert_int_equal(
	    VERDICT(SUCCESS,
		XORED "\x00\x04\x00\x08\x00\x01\x0d\x96\xc0\x00\x02\x01"
		      "\x00\x05\x00\x08\x00\x01\x0d\x97\xc0\x00\x02\x02",
		&m),
	    OUTCOME_ANSWERED);
}

static void
test_error_codes(void **state)
{
	struct stun_message m;

	assert_int_equal(VERDICT(ERROR, "\x00\x09\x00\x04\x00\x00\x04\x14", &m),
	    OUTCOME_ERROR_RESPONSE);
	assert_int_equal(m.code, 420);
	/* The 21 bits above the class are reserved and ignored. */
	assert_int_equal(
	    VERDICT(ERROR, "\x00\x09\x00\x06\xff\xff\xfb\x63xy\x00\x00", &m),
	    OUTCOME_ERROR_RESPONSE);
	assert_int_equal(m.code, 399);
	/* A 420 names what it did not know; that list is no surprise. */
	assert_int_equal(VERDICT(ERROR,
			     "\x00\x09\x00\x04\x00\x00\x04\x14"
			     "\x00\x0a\x00\x02\x00\x24\x00\x00",
			     &m),
	    OUTCOME_ERROR_RESPONSE);
	assert_int_equal(
	    VERDICT(ERROR, "\x00\x09\x00\x04\x00\x00\x04\x14" UNKNOWN, &m),
	    OUTCOME_PROTOCOL);
	/* Class 2 and 7, number 100, too short. */
	assert_int_equal(VERDICT(ERROR, "\x00\x09\x00\x04\x00\x00\x02\x00", &m),
	    OUTCOME_NONE);
	assert_int_equal(VERDICT(ERROR, "\x00\x09\x00\x04\x00\x00\x07\x00", &m),
	    OUTCOME_NONE);
	assert_int_equal(VERDICT(ERROR, "\x00\x09\x00\x04\x00\x00\x04\x64", &m),
	    OUTCOME_NONE);
	assert_int_equal(VERDICT(ERROR, "\x00\x09\x00\x03\x00\x00\x04\x00", &m),
	    OUTCOME_NONE);
}

static void
test_oversized_attributes(void **state)
{
	uint8_t many[4 * (STUN_ATTRIBUTES + 1)];
	struct stun_message m;

	/* Lengths beyond the end, by one, by much, and at the very end. */
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x22\x00\x05\x61\x61\x61\x61", &m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x22\xff\xff\x61\x61\x61\x61", &m),
	    OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x22\xff\xfc", &m), OUTCOME_NONE);
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x22\x00\x01", &m), OUTCOME_NONE);
	/* Attributes without a value do not make a loop, nor a long one. */
	for (size_t i = 0; i < sizeof(many); i += 4)
		memcpy(many + i, "\x80\x22\x00\x00", 4);
	assert_int_equal(
	    verdict(STUN_CLASS_SUCCESS, many, 4 * STUN_ATTRIBUTES, &m),
	    OUTCOME_PROTOCOL);
	assert_int_equal(
	    verdict(STUN_CLASS_SUCCESS, many, sizeof(many), &m), OUTCOME_NONE);
	/* More unknown ones than we remember are still counted. */
	for (size_t i = 0; i < sizeof(many); i += 4)
		memcpy(many + i, UNKNOWN, 4);
	assert_int_equal(
	    verdict(STUN_CLASS_SUCCESS, many, 4 * (STUN_UNKNOWN + 3), &m),
	    OUTCOME_PROTOCOL);
	assert_int_equal(m.unknowns, STUN_UNKNOWN + 3);
}

static void
test_fingerprint_place(void **state)
{
	uint8_t out[128];
	struct stun_writer w;
	struct stun_message m;
	size_t len;

	/* Right, but not the last one. */
	wire_stun_begin(&w, out, sizeof(out), STUN_CLASS_SUCCESS, id);
	wire_stun_put(&w, 0x0020, XORED + 4, 8);
	assert_int_equal(wire_stun_end(&w, true), 40);
	wire_stun_put_text(&w, STUN_SOFTWARE, "");
	len = wire_stun_end(&w, false);
	assert_int_equal(len, 44);
	assert_int_equal(parse(out, len, &m), -EBADMSG);
	/* Of the wrong size. */
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x28\x00\x00", &m), OUTCOME_NONE);
	assert_int_equal(VERDICT(SUCCESS, XORED "\x80\x28\x00\x08 2345678", &m),
	    OUTCOME_NONE);
	/* Wrong. */
	assert_int_equal(
	    VERDICT(SUCCESS, XORED "\x80\x28\x00\x04\x01\x02\x03\x04", &m),
	    OUTCOME_NONE);
}

static void
test_420(void **state)
{
	struct stun_message m, answer;
	struct stun_writer w;
	uint8_t out[128];
	size_t len;

	assert_int_equal(parse(request, sizeof(request) - 1, &m), 0);
	wire_stun_begin(&w, out, sizeof(out), STUN_CLASS_ERROR, m.id);
	wire_stun_put_error(&w, 420, "Unknown Attribute");
	wire_stun_put_unknown(&w, &m);
	len = wire_stun_end(&w, true);
	/* 20 + (4 + 4 + 17 + 3) + (4 + 2 + 2) + 8 */
	assert_int_equal(len, 64);
	assert_memory_equal(out + 48, "\x00\x0a\x00\x02\x00\x24\x00\x00", 8);
	assert_int_equal(parse(out, len, &answer), 0);
	assert_int_equal(answer.code, 420);
	assert_memory_equal(answer.id, m.id, STUN_ID);
	assert_int_equal(wire_stun_outcome(&answer), OUTCOME_ERROR_RESPONSE);
}

static void
test_frame(void **state)
{
	static const uint8_t http[] = "HTTP/1.1 400 Bad Request\r\n";
	uint8_t long_one[STUN_HEADER];
	size_t len = sizeof(response4) - 1;

	for (size_t n = 0; n <= len; n++)
		assert_int_equal(wire_stun_frame(response4, n),
		    n < STUN_HEADER ? STUN_HEADER : (int)len);
	/* Junk is known at its first byte that cannot be. */
	assert_int_equal(wire_stun_frame(http, 1), -EBADMSG);
	assert_int_equal(
	    wire_stun_frame((const uint8_t *)"\x00\x01\x00\x58\x21\x12\xa5", 6),
	    STUN_HEADER);
	assert_int_equal(
	    wire_stun_frame((const uint8_t *)"\x00\x01\x00\x58\x21\x12\xa5", 7),
	    -EBADMSG);
	assert_int_equal(
	    wire_stun_frame((const uint8_t *)"\x01\x01\x00\x02", 4), -EBADMSG);
	memcpy(long_one, response4, sizeof(long_one));
	long_one[2] = 0xff;
	long_one[3] = 0xfc;
	assert_int_equal(
	    wire_stun_frame(long_one, sizeof(long_one)), -EMSGSIZE);
}

static void
test_header(void **state)
{
	uint8_t copy[sizeof(request_long)];
	struct stun_message m;
	size_t len = sizeof(request_long) - 1;

	/* Another method (Allocate), RTP's and DTLS's first byte. */
	memcpy(copy, request_long, len);
	copy[1] = 0x03;
	assert_int_equal(parse(copy, len, &m), -EBADMSG);
	copy[1] = 0x01;
	copy[0] = 0x80;
	assert_int_equal(parse(copy, len, &m), -EBADMSG);
	copy[0] = 0x16;
	assert_int_equal(parse(copy, len, &m), -EBADMSG);
	copy[0] = 0x00;
	assert_int_equal(parse(copy, len, &m), 0);
	/* RFC 3489 had no cookie. */
	copy[4] = 0x22;
	assert_int_equal(parse(copy, len, &m), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vector_request),
	    cmocka_unit_test(test_vector_responses),
	    cmocka_unit_test(test_vector_long_term),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_every_shorter_length),
	    cmocka_unit_test(test_longer_than_said),
	    cmocka_unit_test(test_every_bit),
	    cmocka_unit_test(test_misaligned),
	    cmocka_unit_test(test_request_bytes),
	    cmocka_unit_test(test_write_vectors),
	    cmocka_unit_test(test_write_nothing_beyond),
	    cmocka_unit_test(test_mapped),
	    cmocka_unit_test(test_bad_addresses),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_error_codes),
	    cmocka_unit_test(test_oversized_attributes),
	    cmocka_unit_test(test_fingerprint_place),
	    cmocka_unit_test(test_420),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests_name("wire_stun", tests, NULL, NULL);
}
