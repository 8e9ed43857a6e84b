/*
 * The 49 messages of RFC 4475, and what they are to a client that waits for
 * the answer to its OPTIONS: data/rfc4475.txt has them.
 */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "file.h"
#include "wire_sip.h"

enum { MESSAGES = 49 };

static const uint8_t id[SIP_ID] = {0xa1, 0xb2, 0xc3, 0xd4};

#define HEX "a1b2c3d4000000000000000000000000"
#define TAG "a1b2c3d400000000"

struct bytes {
	uint8_t *at; /* exactly len of them */
	size_t len;
};

/* ---- the file ---- */

static void
put(struct bytes *b, const void *from, size_t len)
{
	b->at = realloc(b->at, b->len + len + 1);
	assert_non_null(b->at);
	memcpy(b->at + b->len, from, len);
	b->len += len;
}

/* <hex>0D0A</hex>; past its end. */
static const char *
put_hex(struct bytes *b, const char *from)
{
	for (from += strlen("<hex>"); *from != '<'; from += 2) {
		char digits[3] = {from[0], from[1], '\0'};
		uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);

		put(b, &byte, 1);
	}
	return from + strlen("</hex>");
}

/* <repeat count=3>ab</repeat> */
static const char *
put_repeated(struct bytes *b, const char *from)
{
	char *word;
	unsigned long n = strtoul(from + strlen("<repeat count="), &word, 10);
	const char *end = strchr(++word, '<');

	while (n-- > 0)
		put(b, word, (size_t)(end - word));
	return end + strlen("</repeat>");
}

static struct bytes
expand(const char *from, const char *end)
{
	struct bytes b = {NULL, 0};

	while (from < end) {
		if (strncmp(from, "<hex>", 5) == 0) {
			from = put_hex(&b, from);
		} else if (strncmp(from, "<repeat ", 8) == 0) {
			from = put_repeated(&b, from);
		} else if (*from == '\n') {
			put(&b, "\r\n", 2);
			from++;
		} else {
			put(&b, from++, 1);
		}
	}
	b.at = realloc(b.at, b.len);
	return b;
}

static char *text; /* of the file */

static int
read_all(void **state)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/unit/data/rfc4475.txt",
	    srcdir != NULL ? srcdir : ".");
	return file_read(path, 1 << 20, &text, &len);
}

static int
free_all(void **state)
{
	free(text);
	return 0;
}

static struct bytes
message(const char *name)
{
	char title[32];
	const char *at, *end;

	snprintf(title, sizeof(title), "\n== %s\n", name);
	at = strstr(text, title);
	assert_non_null(at);
	at += strlen(title);
	end = strstr(at, "\n== ");
	return expand(at, end != NULL ? end + 1 : at + strlen(at));
}

/* ---- as they are ---- */

/* On a stream: how long it is, that it is no message, that more must come. */
enum framed { WHOLE, NO_FRAME, MORE };

/*
 * 0: well-formed, and not for us, as a request or as a response with a code;
 * -EBADMSG: malformed.
 */
static const struct {
	const char *name;
	int parsed;
	enum framed framed;
	unsigned code;
} expected[MESSAGES] = {
    {"wsinv", 0, WHOLE, 0},
    {"intmeth", 0, WHOLE, 0},
    {"esc01", 0, WHOLE, 0},
    {"escnull", 0, WHOLE, 0},
    {"esc02", 0, WHOLE, 0},
    {"lwsdisp", 0, WHOLE, 0},
    {"longreq", 0, WHOLE, 0},
    {"dblreq", 0, WHOLE, 0},
    {"semiuri", 0, WHOLE, 0},
    {"transports", 0, WHOLE, 0},
    {"mpart01", 0, WHOLE, 0},
    {"unreason", 0, WHOLE, 200},
    {"noreason", 0, WHOLE, 100},
    {"badinv01", -EBADMSG, NO_FRAME, 0},
    {"clerr", -EBADMSG, MORE, 0},
    {"ncl", -EBADMSG, NO_FRAME, 0},
    {"scalar02", -EBADMSG, NO_FRAME, 0},
    {"scalarlg", 0, WHOLE, 503},
    {"quotbal", -EBADMSG, NO_FRAME, 0},
    {"ltgtruri", -EBADMSG, NO_FRAME, 0},
    {"lwsruri", -EBADMSG, NO_FRAME, 0},
    {"lwsstart", -EBADMSG, NO_FRAME, 0},
    {"trws", -EBADMSG, NO_FRAME, 0},
    {"escruri", -EBADMSG, NO_FRAME, 0},
    {"baddate", -EBADMSG, NO_FRAME, 0},
    {"regbadct", -EBADMSG, NO_FRAME, 0},
    {"badaspec", -EBADMSG, NO_FRAME, 0},
    {"baddn", -EBADMSG, NO_FRAME, 0},
    {"badvers", -EBADMSG, NO_FRAME, 0},
    /* Framed well: that the methods differ is seen when it is read. */
    {"mismatch01", -EBADMSG, WHOLE, 0},
    {"mismatch02", -EBADMSG, WHOLE, 0},
    {"bigcode", -EBADMSG, NO_FRAME, 0},
    {"badbranch", 0, WHOLE, 0},
    {"insuf", 0, WHOLE, 0},
    {"unkscm", 0, WHOLE, 0},
    {"novelsc", 0, WHOLE, 0},
    {"unksm2", 0, WHOLE, 0},
    {"bext01", 0, WHOLE, 0},
    {"invut", 0, WHOLE, 0},
    {"regaut01", 0, WHOLE, 0},
    {"multi01", 0, WHOLE, 0},
    {"mcl01", -EBADMSG, NO_FRAME, 0},
    {"bcast", 0, WHOLE, 200},
    {"zeromf", 0, WHOLE, 0},
    {"cparam01", 0, WHOLE, 0},
    {"cparam02", 0, WHOLE, 0},
    {"regescrt", 0, WHOLE, 0},
    {"sdp01", 0, WHOLE, 0},
    /* Of the RFC before: no Content-Length, which a stream must have. */
    {"inv2543", 0, NO_FRAME, 0},
};

static void
check(unsigned i)
{
	struct bytes b = message(expected[i].name);
	int framed = wire_sip_frame(b.at, b.len);
	struct sip_message m;

	print_message("%s\n", expected[i].name);
	assert_int_equal(wire_sip_parse(b.at, b.len, &m), expected[i].parsed);
	if (expected[i].parsed == 0) {
		assert_int_equal(m.request, expected[i].code == 0);
		assert_int_equal(m.code, expected[i].code);
	}
	assert_int_equal(wire_sip_judge(b.at, b.len, id, &m),
	    expected[i].parsed == 0 ? SIP_STRANGER : SIP_MALFORMED);
	if (expected[i].framed == NO_FRAME)
		assert_int_equal(framed, -EBADMSG);
	else if (expected[i].framed == MORE)
		assert_in_range(framed, b.len + 1, SIP_MAX);
	else if (strcmp(expected[i].name, "dblreq") == 0)
		/* The first of two, and the line end between them. */
		assert_memory_equal(
		    b.at + framed, "\r\nINVITE sip:joe@example.com", 28);
	else
		assert_int_equal(framed, b.len);
	free(b.at);
}

static void
test_as_they_are(void **state)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		check(i);
}

/* Every one of them, cut off anywhere: read within its bounds. */
static void
test_cut_off(void **state)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct bytes b = message(expected[i].name);
		size_t step = b.len > 1500 ? 7 : 1;

		for (size_t n = 0; n < b.len; n += step) {
			uint8_t *exact = malloc(n + 1), read[SIP_ID];
			struct sip_message m;

			memcpy(exact, b.at, n);
			assert_true(
			    wire_sip_judge(exact, n, id, &m) < SIP_PROVISIONAL);
			wire_sip_frame(exact, n);
			wire_sip_id(exact, n, read);
			free(exact);
		}
		free(b.at);
	}
}

/* ---- as if they were answers to us ---- */

/* The value of the first header of that name: its place in the text. */
static char *
value_of(char *in, const char *name)
{
	char key[64], *at;

	snprintf(key, sizeof(key), "\r\n%s:", name);
	at = strcasestr(in, key);
	assert_non_null(at);
	return at + strlen(key);
}

/* Puts another value in its place. */
static void
change(struct bytes *b, const char *name, const char *value)
{
	struct bytes out = {NULL, 0};
	char *at, *end;

	put(b, "", 1);
	b->len--;
	at = value_of((char *)b->at, name);
	end = strstr(at, "\r\n");
	put(&out, b->at, (size_t)(at - (char *)b->at));
	put(&out, value, strlen(value));
	put(&out, end, b->len - (size_t)(end - (char *)b->at));
	free(b->at);
	*b = out;
}

/* Makes it a response, if it is none, and ours by each header that it has. */
static struct bytes
ours(const char *name)
{
	struct bytes b = message(name), out = {NULL, 0};
	const char *end;

	if (memcmp(b.at, "SIP/", 4) != 0) {
		put(&b, "", 1);
		b.len--;
		end = strstr((char *)b.at, "\r\n");
		put(&out, "SIP/2.0 200 OK", 14);
		put(&out, end, b.len - (size_t)(end - (char *)b.at));
		free(b.at);
		b = out;
	}
	change(&b, "Via", "SIP/2.0/UDP h;branch=z9hG4bK" HEX);
	change(&b, "CSeq", "1 OPTIONS");
	if (strcmp(name, "insuf") == 0)
		return b;
	change(&b, "From", "<sip:a@b>;tag=" TAG);
	change(&b, "Call-ID", HEX);
	return b;
}

static void
test_as_answers(void **state)
{
	static const struct {
		const char *name;
		enum sip_verdict verdict;
		unsigned code;
	} cases[] = {
	    {"unreason", SIP_FINAL, 200},
	    {"noreason", SIP_PROVISIONAL, 100},
	    {"scalarlg", SIP_FINAL, 503},
	    {"bigcode", SIP_MALFORMED, 0},
	    {"bcast", SIP_STRANGER, 0},
	    {"insuf", SIP_STRANGER, 0},
	    {"multi01", SIP_STRANGER, 0},
	    {"mcl01", SIP_MALFORMED, 0},
	    {"clerr", SIP_MALFORMED, 0},
	    {"ncl", SIP_MALFORMED, 0},
	    {"quotbal", SIP_MALFORMED, 0},
	    /* A client need not care for the others' date and contact. */
	    {"baddate", SIP_FINAL, 200},
	    {"zeromf", SIP_FINAL, 200},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes b = ours(cases[i].name);
		struct sip_message m;

		print_message("%s\n", cases[i].name);
		assert_int_equal(
		    wire_sip_judge(b.at, b.len, id, &m), cases[i].verdict);
		if (cases[i].code != 0)
			assert_int_equal(m.code, cases[i].code);
		free(b.at);
	}
}

/* Numbers that no integer holds do not become small ones. */
static void
test_overflow(void **state)
{
	struct bytes b = message("scalarlg");
	struct sip_message m;

	assert_int_equal(wire_sip_parse(b.at, b.len, &m), 0);
	assert_int_equal(m.code, 503);
	assert_int_equal(m.cseq, UINT32_MAX);
	free(b.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_as_they_are),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_as_answers),
	    cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, read_all, free_all);
}
