/* SIP on the wire: requests to the byte, and which responses are answers. */
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

#include "addr.h"
#include "dice.h"
#include "wire_sip.h"

static const uint8_t id[SIP_ID] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
    0xef, 0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96, 0x87};

#define ID   "0123456789abcdeff0e1d2c3b4a59687"
#define TAG  "0123456789abcdef"
#define VIA  "Via: SIP/2.0/UDP 192.0.2.9:5555;rport;branch=z9hG4bK" ID "\r\n"
#define FROM "From: <sip:reachd@192.0.2.9>;tag=" TAG "\r\n"
#define TO   "To: <sip:example.com>;tag=as5d3\r\n"
#define CALL "Call-ID: " ID "\r\n"
#define CSEQ "CSeq: 1 OPTIONS\r\n"
#define NONE "Content-Length: 0\r\n"
#define OK   "SIP/2.0 200 OK\r\n"
#define GOOD OK VIA FROM TO CALL CSEQ NONE "\r\n"

/* ---- requests ---- */

static size_t
write_request(char out[SIP_REQUEST_MAX + 1], struct sip_request r,
    const char *local, uint16_t port)
{
	struct addr a;
	size_t len;

	assert_int_equal(addr_parse_host(&a, local), 0);
	addr_set_port(&a, port);
	r.local = &a;
	r.id = id;
	len = wire_sip_request((uint8_t *)out, SIP_REQUEST_MAX, &r);
	out[len] = '\0';
	return len;
}

static void
test_request(void **state)
{
	static const char expected[] =
	    "OPTIONS sip:example.com SIP/2.0\r\n"
	    "Via: SIP/2.0/UDP 192.0.2.9:5555;rport;branch=z9hG4bK" ID "\r\n"
	    "Max-Forwards: 70\r\n"
	    "From: <sip:reachd@192.0.2.9>;tag=" TAG "\r\n"
	    "To: <sip:example.com>\r\n"
	    "Call-ID: " ID "\r\n"
	    "CSeq: 1 OPTIONS\r\n"
	    "Contact: <sip:reachd@192.0.2.9:5555>\r\n"
	    "Accept: application/sdp\r\n"
	    "User-Agent: reachd\r\n"
	    "Content-Length: 0\r\n"
	    "\r\n";
	char out[SIP_REQUEST_MAX + 1];

	write_request(out,
	    (struct sip_request){.transport = TRANSPORT_SIP_UDP,
		.host = "example.com",
		.port = 5060},
	    "192.0.2.9", 5555);
	assert_string_equal(out, expected);
}

/* What differs among transports, hosts and settings: a line each. */
static void
test_request_lines(void **state)
{
	static const struct {
		struct sip_request r;
		const char *local;
		const char *lines[4];
	} cases[] = {
	    {{.transport = TRANSPORT_SIP_TCP,
		 .host = "example.com",
		 .port = 5060},
		"192.0.2.9",
		{"OPTIONS sip:example.com;transport=tcp SIP/2.0\r\n",
		    "\r\nVia: SIP/2.0/TCP 192.0.2.9:5555;rport;branch=z9",
		    "\r\nContact: <sip:reachd@192.0.2.9:5555;transport=tcp>"}},
	    {{.transport = TRANSPORT_SIP_TLS,
		 .host = "example.com",
		 .port = 5061},
		"192.0.2.9",
		{"OPTIONS sip:example.com;transport=tls SIP/2.0\r\n",
		    "\r\nVia: SIP/2.0/TLS 192.0.2.9:5555;rport;branch=z9",
		    "\r\nContact: <sip:reachd@192.0.2.9:5555;transport=tls>"}},
	    {{.transport = TRANSPORT_SIP_MTLS,
		 .user = "ping",
		 .host = "example.com",
		 .port = 8934},
		"192.0.2.9",
		{"OPTIONS sip:ping@example.com:8934;transport=tls SIP/2.0\r\n",
		    "\r\nVia: SIP/2.0/TLS 192.0.2.9:5555;rport;branch=z9",
		    "\r\nTo: <sip:ping@example.com:8934>\r\n"}},
	    {{.transport = TRANSPORT_SIP_TLS,
		 .host = "192.0.2.1",
		 .port = 5060,
		 .from_domain = "edge.example.net"},
		"192.0.2.9",
		{"OPTIONS sip:192.0.2.1:5060;transport=tls SIP/2.0\r\n",
		    "\r\nFrom: <sip:reachd@edge.example.net>;tag=" TAG "\r\n",
		    "\r\nContact: <sip:reachd@192.0.2.9:5555;transport=tls>"}},
	    {{.transport = TRANSPORT_SIP_UDP,
		 .host = "2001:db8::1",
		 .port = 5070},
		"2001:db8::9",
		{"OPTIONS sip:[2001:db8::1]:5070 SIP/2.0\r\n",
		    "\r\nVia: SIP/2.0/UDP [2001:db8::9]:5555;rport;branch=",
		    "\r\nFrom: <sip:reachd@[2001:db8::9]>;tag=",
		    "\r\nContact: <sip:reachd@[2001:db8::9]:5555>\r\n"}},
	    {{.transport = TRANSPORT_SIP_UDP,
		 .host = "fe80::1%lo",
		 .port = 5060},
		"fe80::9%lo",
		{"OPTIONS sip:[fe80::1] SIP/2.0\r\n",
		    "\r\nVia: SIP/2.0/UDP [fe80::9]:5555;",
		    "\r\nTo: <sip:[fe80::1]>\r\n"}},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[SIP_REQUEST_MAX + 1];

		assert_in_range(
		    write_request(out, cases[i].r, cases[i].local, 5555), 1,
		    SIP_REQUEST_MAX);
		assert_memory_equal(
		    out, cases[i].lines[0], strlen(cases[i].lines[0]));
		for (unsigned k = 1; k < 4 && cases[i].lines[k]; k++)
			assert_non_null(strstr(out, cases[i].lines[k]));
	}
}

/* It fits or it is nothing; and the longest there can be does fit. */
static void
test_request_room(void **state)
{
	char whole[SIP_REQUEST_MAX + 1], host[254], user[65];
	uint8_t *out = malloc(SIP_REQUEST_MAX);
	struct addr a;
	struct sip_request r = {.transport = TRANSPORT_SIP_TLS,
	    .host = "example.com",
	    .port = 5061,
	    .local = &a,
	    .id = id};
	size_t len = write_request(whole, r, "192.0.2.9", 5555);

	assert_int_equal(addr_parse_host(&a, "192.0.2.9"), 0);
	addr_set_port(&a, 5555);
	for (size_t n = 0; n <= len; n++) {
		uint8_t *exact = malloc(n + 1);

		assert_int_equal(wire_sip_request(exact, n, &r), 0);
		free(exact);
	}
	assert_int_equal(wire_sip_request(out, len + 1, &r), len);
	memset(host, 'h', sizeof(host) - 1);
	memset(user, 'u', sizeof(user) - 1);
	host[sizeof(host) - 1] = user[sizeof(user) - 1] = '\0';
	r.host = r.from_domain = host;
	r.user = user;
	r.port = 65535;
	assert_int_equal(
	    addr_parse_host(&a, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"), 0);
	addr_set_port(&a, 65535);
	assert_in_range(
	    wire_sip_request(out, SIP_REQUEST_MAX, &r), 1, SIP_REQUEST_MAX);
	free(out);
}

/* ---- responses ---- */

/* In memory of exactly its size, so that reading beyond it is seen. */
static enum sip_verdict
judge(const void *bytes, size_t len, struct sip_message *m)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum sip_verdict v;

	memcpy(exact, bytes, len);
	v = wire_sip_judge(exact, len, id, m);
	free(exact);
	return v;
}

static enum sip_verdict
verdict(const char *text)
{
	struct sip_message m;

	return judge(text, strlen(text), &m);
}

static void
expect_final(const char *text, unsigned code)
{
	struct sip_message m;
	enum sip_verdict v = judge(text, strlen(text), &m);

	if (v != SIP_FINAL || m.code != code)
		print_message("%u, %u of:\n%s\n", v, m.code, text);
	assert_int_equal(v, SIP_FINAL);
	assert_int_equal(m.code, code);
}

static void
test_answers(void **state)
{
	uint8_t read[SIP_ID];

	expect_final(GOOD, 200);
	/* Names and tokens in any case, compact, folded, spaced, reordered. */
	expect_final("sip/2.0 405 No\r\n"
		     "l : 0\r\n"
		     "i:" ID "\r\n"
		     "cseq:\t0001 \r\n OPTIONS\r\n"
		     "F: \"a \\\"; tag=b, <\" <sip:x@y>;p=\"q;\";TAG = " TAG
		     "\r\n"
		     "t: sip:x;tag=0\r\n"
		     "v: sip / 2.0 / udp host : 5060 ;\r\n"
		     "\treceived=2001:db8::9 ;BRANCH=Z9HG4BK" ID "\r\n\r\n",
	    405);
	/* What only a request would be refused for. */
	expect_final(OK VIA FROM TO CALL CSEQ "Date: yesterday\r\n"
					      "Contact: <\r\n"
					      "Max-Forwards: 999\r\n\r\n",
	    200);
	/* No Content-Length: the body goes to the end of the datagram. */
	expect_final("SIP/2.0 503 \r\n" VIA FROM TO CALL CSEQ "\r\nv=0", 503);
	expect_final(GOOD "and what follows is not looked at", 200);
	expect_final("SIP/2.0 404\r\n" VIA FROM TO CALL CSEQ "\r\n", 404);
	assert_int_equal(
	    verdict("SIP/2.0 100 Trying\r\n" VIA FROM TO CALL CSEQ "\r\n"),
	    SIP_PROVISIONAL);
	assert_int_equal(
	    verdict("SIP/2.0 183 \r\n" VIA FROM TO CALL CSEQ "\r\n"),
	    SIP_PROVISIONAL);
	assert_true(wire_sip_id((const uint8_t *)GOOD, strlen(GOOD), read));
	assert_memory_equal(read, id, SIP_ID);
}

/* Well-formed, and not the answer to what was asked. */
static void
test_strangers(void **state)
{
	static const char *const texts[] = {
	    /* another branch, none, one that begins or ends like ours */
	    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" FROM TO CALL CSEQ
	       "\r\n",
	    OK "Via: SIP/2.0/UDP a\r\n" FROM TO CALL CSEQ "\r\n",
	    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK" ID "0\r\n" FROM TO CALL CSEQ
	       "\r\n",
	    OK "Via: SIP/2.0/UDP a;branch=" ID "\r\n" FROM TO CALL CSEQ "\r\n",
	    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK0123456789abcdeff0e1d2c3b4a596"
	       "88\r\n" FROM TO CALL CSEQ "\r\n",
	    /* ours is not the first Via, or not the only one */
	    OK "Via: SIP/2.0/UDP b;branch=z9hG4bKx\r\n" VIA FROM TO CALL CSEQ
	       "\r\n",
	    OK VIA "Via: SIP/2.0/UDP b;branch=z9hG4bKx\r\n" FROM TO CALL CSEQ
		   "\r\n",
	    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK" ID
	       " , SIP/2.0/UDP b\r\n" FROM TO CALL CSEQ "\r\n",
	    /* another dialog, transaction or method */
	    OK VIA FROM TO "Call-ID: " ID "@x\r\n" CSEQ "\r\n",
	    OK VIA FROM TO "Call-ID: x\r\n" CSEQ "\r\n",
	    OK VIA "From: <sip:a>\r\n" TO CALL CSEQ "\r\n",
	    OK VIA "From: <sip:a>;tag=1\r\n" TO CALL CSEQ "\r\n",
	    OK VIA "From: <sip:a;tag=" TAG ">\r\n" TO CALL CSEQ "\r\n",
	    OK VIA FROM TO CALL "CSeq: 2 OPTIONS\r\n\r\n",
	    OK VIA FROM TO CALL "CSeq: 1 INVITE\r\n\r\n",
	    OK VIA FROM TO CALL "CSeq: 1 options\r\n\r\n",
	    OK VIA FROM TO CALL "CSeq: 4294967297 OPTIONS\r\n\r\n",
	    /* something missing, something twice */
	    OK FROM TO CALL CSEQ "\r\n",
	    OK VIA TO CALL CSEQ "\r\n",
	    OK VIA FROM CALL CSEQ "\r\n",
	    OK VIA FROM TO CSEQ "\r\n",
	    OK VIA FROM TO CALL "\r\n",
	    OK VIA FROM FROM TO CALL CSEQ "\r\n",
	    OK VIA FROM TO TO CALL CSEQ "\r\n",
	    OK VIA FROM TO CALL CALL CSEQ "\r\n",
	    OK VIA FROM TO CALL CSEQ CSEQ "\r\n",
	    OK "\r\n",
	    /* a request from the other side */
	    "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP "
	    "b;branch=z9hG4bKx\r\n" FROM TO CALL CSEQ "\r\n",
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (verdict(texts[i]) != SIP_STRANGER)
			print_message("number %u:\n%s\n", i, texts[i]);
		assert_int_equal(verdict(texts[i]), SIP_STRANGER);
	}
}

/* With our branch in it where that can be: a wrong answer, not a stranger. */
#define REST VIA FROM TO CALL CSEQ "\r\n"
#define HEAD OK VIA
static const char *const malformed[] = {
    "",
    "\r\n",
    "\r\n\r\n",
    "SIP/2.0\r\n" REST,
    "SIP/2.0 \r\n" REST,
    "SIP/2.0 20\r\n" REST,
    "SIP/2.0 20 OK\r\n" REST,
    "SIP/2.0 2000 OK\r\n" REST,
    "SIP/2.0 200OK\r\n" REST,
    "SIP/2.0  200 OK\r\n" REST,
    "SIP/2.0 -20 OK\r\n" REST,
    "SIP/2.0 2x0 OK\r\n" REST,
    "SIP/2.0 000 OK\r\n" REST,
    "SIP/2.0 099 OK\r\n" REST,
    "SIP/2.0 700 OK\r\n" REST,
    "SIP/2.0 999 OK\r\n" REST,
    "SIP/2.0 4294967496 OK\r\n" REST,
    "SIP/2.1 200 OK\r\n" REST,
    "SIP/3.0 200 OK\r\n" REST,
    "SIP/2.0\t200 OK\r\n" REST,
    "SIPS/2.0 200 OK\r\n" REST,
    " SIP/2.0 200 OK\r\n" REST,
    "\r\nSIP/2.0 200 OK\r\n" REST,
    "HTTP/1.1 200 OK\r\n" REST,
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "SIP/2.0 200 OK\n" REST,
    "SIP/2.0 200 OK\r\n" VIA FROM TO CALL CSEQ,
    "SIP/2.0 200 OK\r\n" VIA FROM TO CALL CSEQ "\r",
    HEAD FROM TO CALL CSEQ "Content-Length: 1\r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: -1\r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: \r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: 0x0\r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: 0 0\r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: 4294967296\r\n\r\n",
    HEAD FROM TO CALL CSEQ "Content-Length: 18446744073709551616\r\n"
			   "\r\n",
    HEAD FROM TO CALL CSEQ NONE "l: 0\r\n\r\n",
    HEAD FROM TO CALL "CSeq: OPTIONS\r\n\r\n",
    HEAD FROM TO CALL "CSeq: 1OPTIONS\r\n\r\n",
    HEAD FROM TO CALL "CSeq: 1\r\n\r\n",
    HEAD FROM TO CALL "CSeq: -1 OPTIONS\r\n\r\n",
    HEAD FROM TO CALL "CSeq: 1 OPTIONS x\r\n\r\n",
    HEAD FROM TO "Call-ID:\r\n" CSEQ "\r\n",
    HEAD "From: <sip:a\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: \"a <sip:a>\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: \"a\\\" <sip:a>\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: a, b <sip:a>\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: < sip:a>\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: <sip:a>;\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: <sip:a>;tag=\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: <sip:a>;tag=" TAG ";tag=" TAG "\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: <sip:a>;tag=" TAG " x\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: sip:a?b=c;tag=" TAG "\r\n" TO CALL CSEQ "\r\n",
    HEAD "From: nothing\r\n" TO CALL CSEQ "\r\n",
    HEAD "From:\r\n" TO CALL CSEQ "\r\n",
    HEAD FROM "To: \r\n" CALL CSEQ "\r\n",
    OK "Via: SIP/2.0/UDP\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via: SIP/2.0 a;branch=z9hG4bK" ID "\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via: SIP/2.0/UDP a;;branch=z9hG4bK" ID "\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via: SIP/2.0/UDP a:x;branch=z9hG4bK" ID "\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via: SIP/2.0/UDP [::1;branch=z9hG4bK" ID "\r\n" FROM TO CALL CSEQ
       "\r\n",
    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK" ID ",\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via: SIP/2.0/UDP a;branch=z9hG4bK" ID
       ";branch=z9hG4bK\r\n" FROM TO CALL CSEQ "\r\n",
    OK "Via SIP/2.0/UDP a;branch=z9hG4bK" ID "\r\n" FROM TO CALL CSEQ "\r\n",
    OK ": x\r\n" VIA FROM TO CALL CSEQ "\r\n",
    OK " x: y\r\n" VIA FROM TO CALL CSEQ "\r\n",
    OK "x\r\n" VIA FROM TO CALL CSEQ "\r\n",
    OK VIA FROM TO CALL CSEQ "x: a\rb\r\n\r\n",
    OK VIA FROM TO CALL CSEQ "x: a\nb\r\n\r\n",
};

static void
test_malformed(void **state)
{
	for (unsigned i = 0; i < sizeof(malformed) / sizeof(malformed[0]);
	     i++) {
		if (verdict(malformed[i]) != SIP_MALFORMED)
			print_message("number %u:\n%s\n", i, malformed[i]);
		assert_int_equal(verdict(malformed[i]), SIP_MALFORMED);
	}
}

/* Limits of what a request may say; a response may, for all we care. */
static void
test_requests(void **state)
{
#define ASKED "OPTIONS sip:a SIP/2.0\r\n" VIA FROM TO CALL
	assert_int_equal(verdict(ASKED CSEQ "\r\n"), SIP_ECHO);
	assert_int_equal(
	    verdict(ASKED "CSeq: 2147483647 OPTIONS\r\n\r\n"), SIP_ECHO);
	assert_int_equal(
	    verdict(ASKED "CSeq: 2147483648 OPTIONS\r\n\r\n"), SIP_MALFORMED);
	assert_int_equal(
	    verdict(ASKED CSEQ "Max-Forwards: 255\r\n\r\n"), SIP_ECHO);
	assert_int_equal(
	    verdict(ASKED CSEQ "Max-Forwards: 256\r\n\r\n"), SIP_MALFORMED);
	assert_int_equal(
	    verdict(ASKED CSEQ "m: *\r\nDate: x GMT\r\n\r\n"), SIP_ECHO);
	assert_int_equal(verdict(ASKED CSEQ "m: <*>\r\n\r\n"), SIP_MALFORMED);
	assert_int_equal(
	    verdict(ASKED CSEQ "Date: GMT\r\n\r\n"), SIP_MALFORMED);
}

/* Headers without end are no message; as many as there may be are one. */
static void
test_many_headers(void **state)
{
	for (unsigned n = SIP_HEADERS_MAX - 6; n < SIP_HEADERS_MAX + 4; n++) {
		char text[SIP_MAX] = OK VIA FROM TO CALL CSEQ;
		size_t len = strlen(text);

		for (unsigned i = 0; i < n; i++) {
			memcpy(text + len, "x: y\r\n", 6);
			len += 6;
		}
		memcpy(text + len, "\r\n", 3);
		assert_int_equal(verdict(text),
		    n + 5 <= SIP_HEADERS_MAX ? SIP_FINAL : SIP_MALFORMED);
	}
}

static void
test_echo(void **state)
{
	char out[SIP_REQUEST_MAX + 1];
	uint8_t read[SIP_ID];
	struct sip_message m;
	size_t len;

	for (enum transport t = TRANSPORT_SIP_UDP; t <= TRANSPORT_SIP_MTLS;
	     t++) {
		struct sip_request r = {.transport = t,
		    .user = "ping",
		    .host = "2001:db8::1",
		    .port = 5060};

		len = write_request(out, r, "2001:db8::9", 65535);
		assert_int_equal(judge(out, len, &m), SIP_ECHO);
		assert_true(wire_sip_id((uint8_t *)out, len, read));
		assert_memory_equal(read, id, SIP_ID);
	}
}

/* What ICMP brings back is cut off; the Via comes early enough. */
static void
test_quotation(void **state)
{
	char out[SIP_REQUEST_MAX + 1];
	struct sip_request r = {.transport = TRANSPORT_SIP_UDP,
	    .host = "example.com",
	    .port = 5060};
	size_t len = write_request(out, r, "192.0.2.9", 5555);
	size_t via = (size_t)(strstr(out, "\r\nMax-") + 2 - out);

	for (size_t n = 0; n <= len; n++) {
		uint8_t *exact = malloc(n + 1), read[SIP_ID];

		memcpy(exact, out, n);
		/* A line may be folded: its end shows in the one after it. */
		assert_int_equal(wire_sip_id(exact, n, read), n >= via);
		free(exact);
	}
	assert_in_range(via, 1, 256);
}

/* ---- damage ---- */

static const char *const whole[] = {
    GOOD,
    "SIP/2.0 503 Service Unavailable\r\nv: SIP/2.0/TLS "
    "[2001:db8::9]:5555;rport=5555;received=2001:db8::9;branch=z9hG4bK" ID
    "\r\nf: <sip:reachd@x>;tag=" TAG "\r\nt: <sip:y>;tag=z\r\ni: " ID
    "\r\nCSeq: 1 OPTIONS\r\nRetry-After: 10\r\nl: 5\r\n\r\nv=0\r\n",
};

static void
test_prefixes(void **state)
{
	for (unsigned k = 0; k < 2; k++) {
		size_t len = strlen(whole[k]);

		for (size_t n = 0; n < len; n++) {
			uint8_t *exact = malloc(n + 1);
			struct sip_message m;
			int framed;

			memcpy(exact, whole[k], n);
			framed = wire_sip_frame(exact, n);
			assert_true(framed == 0 || framed == (int)len);
			free(exact);
			assert_int_equal(judge(whole[k], n, &m), SIP_MALFORMED);
		}
		assert_int_equal(
		    wire_sip_frame((const uint8_t *)whole[k], len), len);
	}
}

/*
 * A bit that is wrong makes it no answer, or is where it does not matter: in
 * the reason, the names of others' headers; or it makes another code. What is
 * ours is never taken to be there when it is not.
 */
static void
check_damaged(const char *text, size_t len)
{
	struct sip_message m;

	if (judge(text, len, &m) < SIP_PROVISIONAL)
		return;
	assert_non_null(strcasestr(text, "branch=z9hG4bK" ID));
	assert_non_null(strcasestr(text, ";tag=" TAG));
	assert_non_null(strcasestr(text, ": " ID));
	assert_non_null(strstr(text, "1 OPTIONS\r\n"));
	assert_int_equal(m.code, strtoul(text + 8, NULL, 10));
	assert_true(text[8] >= '1' && text[8] <= '6');
}

static void
test_bits(void **state)
{
	for (unsigned k = 0; k < 2; k++) {
		size_t len = strlen(whole[k]);
		char text[SIP_REQUEST_MAX];

		for (size_t bit = 0; bit < 8 * len; bit++) {
			memcpy(text, whole[k], len + 1);
			text[bit / 8] ^= (char)(1 << bit % 8);
			if (memchr(text, '\0', len) == NULL)
				check_damaged(text, len);
		}
	}
}

/* Pieces of good and bad messages in any order: nothing is read beyond. */
static void
test_shuffled(void **state)
{
	static const char *const piece[] = {OK, VIA, FROM, TO, CALL, CSEQ, NONE,
	    "\r\n", "v: ", "SIP/2.0/UDP", " ", ";", "=", "\"", "\\", "<", ">",
	    "sip:", ",", ":", "\t", "\r", "\n", "l:", "9", "[", "]"};
	struct dice d = dice_case(1);

	for (unsigned i = 0; i < 20000; i++) {
		char text[4096] = "";
		size_t len = 0;
		struct sip_message m;
		uint8_t read[SIP_ID];

		for (unsigned n = dice_below(&d, 30); n > 0; n--) {
			const char *p = piece[dice_below(
			    &d, sizeof(piece) / sizeof(piece[0]))];

			len += (size_t)snprintf(
			    text + len, sizeof(text) - len, "%s", p);
		}
		judge(text, len, &m);
		wire_sip_id((uint8_t *)text, len, read);
		assert_in_range(wire_sip_frame((uint8_t *)text, len) + EMSGSIZE,
		    0, SIP_MAX + EMSGSIZE);
	}
}

/* ---- framing ---- */

static int
frame(const char *text)
{
	return wire_sip_frame((const uint8_t *)text, strlen(text));
}

static void
test_frame(void **state)
{
	assert_int_equal(frame(""), 0);
	assert_int_equal(frame("\r"), 0);
	assert_int_equal(frame("\r\n"), SIP_CRLF);
	assert_int_equal(frame("\r\n\r\n" GOOD), SIP_CRLF);
	assert_int_equal(frame("\n"), -EBADMSG);
	assert_int_equal(frame("\rSIP"), -EBADMSG);
	assert_int_equal(frame(GOOD GOOD), strlen(GOOD));
	assert_int_equal(frame("S"), 0);
	/* As soon as the first line is there, it must be one. */
	assert_int_equal(frame("SSH-2.0-OpenSSH_9.2p1\r\n"), -EBADMSG);
	assert_int_equal(frame("220 smtp.example.com ESMTP\r\n"), -EBADMSG);
	assert_int_equal(frame("HTTP/1.1 400 Bad Request\r\n"), -EBADMSG);
	assert_int_equal(frame("SIP/2.0 2000 OK\r\n"), -EBADMSG);
	assert_int_equal(frame("a\nb"), -EBADMSG);
	assert_int_equal(
	    wire_sip_frame((const uint8_t *)"\x16\x03\x01\0\x05", 5), -EBADMSG);
	/* A stream needs Content-Length, once, and one that is a number. */
	assert_int_equal(frame(OK VIA "\r\n"), -EBADMSG);
	assert_int_equal(frame(OK "l: 1\r\nl: 1\r\n\r\nx"), -EBADMSG);
	assert_int_equal(frame(OK "l: x\r\n\r\nx"), -EBADMSG);
	assert_int_equal(frame(OK "l: 3\r\n\r\nabcd"), strlen(OK) + 6 + 2 + 3);
	assert_int_equal(frame(OK "l: 3\r\n\r\nab"), strlen(OK) + 6 + 2 + 3);
	assert_int_equal(frame(OK "l: 2147483647\r\n\r\n"), -EMSGSIZE);
	assert_int_equal(frame(OK "l: 2147483648\r\n\r\n"), -EBADMSG);
	assert_int_equal(frame(OK "l: 16384\r\n\r\n"), -EMSGSIZE);
}

/* A header or a first line without end is not waited for for ever. */
static void
test_frame_limits(void **state)
{
	static uint8_t text[SIP_MAX + 1];
	size_t head = strlen(OK "x: ");

	memset(text, 'a', sizeof(text));
	assert_int_equal(wire_sip_frame(text, SIP_LINE_MAX - 1), 0);
	assert_int_equal(wire_sip_frame(text, SIP_LINE_MAX), -EMSGSIZE);
	memcpy(text, OK "x: ", head);
	assert_int_equal(wire_sip_frame(text, SIP_MAX - 1), 0);
	assert_int_equal(wire_sip_frame(text, SIP_MAX), -EMSGSIZE);
	/* The longest that there may be. */
	memcpy(text + SIP_MAX - 10, "\r\nl:2\r\n\r\n", 9);
	assert_int_equal(wire_sip_frame(text, SIP_MAX), -EMSGSIZE);
	memcpy(text + SIP_MAX - 10, "\r\nl:1\r\n\r\n", 9);
	assert_int_equal(wire_sip_frame(text, SIP_MAX - 1), SIP_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_request_lines),
	    cmocka_unit_test(test_request_room),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_strangers),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_many_headers),
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_quotation),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_bits),
	    cmocka_unit_test(test_shuffled),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_frame_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
