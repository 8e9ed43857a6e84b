/* WebSocket codec: the RFC's own examples, and what no server may send. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "wire_ws.h"

/* RFC 6455 section 1.3. */
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char accept_of_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#define GOOD                                            \
	"HTTP/1.1 101 Switching Protocols\r\n"          \
	"Upgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static void
test_key(void **state)
{
	char text[WIRE_WS_KEY], accept[WIRE_WS_ACCEPT];

	(void)state;
	wire_ws_key((const uint8_t *)"the sample nonce", text);
	assert_string_equal(text, key);
	wire_ws_accept(key, accept);
	assert_string_equal(accept, accept_of_key);
}

static void
check_request(const char *url, const char *line, const char *host)
{
	char out[512], want[256];
	ssize_t n = wire_ws_request(out, sizeof(out), url, key);

	assert_true(n > 0);
	assert_int_equal(n, strlen(out));
	snprintf(
	    want, sizeof(want), "GET %s HTTP/1.1\r\nHost: %s\r\n", line, host);
	assert_memory_equal(out, want, strlen(want));
	assert_non_null(
	    strstr(out, "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
	assert_non_null(strstr(out, "\r\nSec-WebSocket-Version: 13\r\n"));
	assert_string_equal(out + n - 4, "\r\n\r\n");
}

static void
test_request(void **state)
{
	char small[64];

	(void)state;
	check_request("wss://a.example/chat?x=1#top", "/chat?x=1", "a.example");
	check_request("wss://a.example:8443", "/", "a.example:8443");
	check_request("wss://a.example?q", "/?q", "a.example");
	check_request("wss://[2001:db8::1]/", "/", "[2001:db8::1]");
	assert_int_equal(
	    wire_ws_request(small, sizeof(small), "wss://a/", key), -EMSGSIZE);
	assert_int_equal(
	    wire_ws_request(small, sizeof(small), "a.example", key), -EINVAL);
}

static ssize_t
read_head(const char *text, struct wire_ws_head *h)
{
	return wire_ws_head(text, strlen(text), accept_of_key, h);
}

static void
test_head(void **state)
{
	static const char good[] = GOOD "Server: x\r\n\r\n\x89";
	struct wire_ws_head h;

	(void)state;
	/* Whole, and at each length before that. */
	for (size_t n = 0; n < sizeof(good) - 2; n++)
		assert_int_equal(wire_ws_head(good, n, accept_of_key, &h), 0);
	assert_int_equal(read_head(good, &h), sizeof(good) - 2);
	assert_int_equal(h.status, 101);
	assert_true(h.good);
	/* Other spellings that are right. */
	assert_true(read_head("HTTP/1.1 101 \nupgrade:WebSocket\nconnection: "
			      "keep-alive , UPGRADE\nSEC-WEBSOCKET-ACCEPT:\t"
			      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \n\n",
			&h) > 0);
	assert_true(h.good);
	/* An interim answer before the real one. */
	assert_true(
	    read_head("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" GOOD "\r\n", &h) >
	    0);
	assert_true(h.good);
	assert_true(read_head("HTTP/1.1 403 No\r\nX: y\r\n\r\n", &h) > 0);
	assert_int_equal(h.status, 403);
	assert_false(h.good);
}

static void
test_head_wrong(void **state)
{
	/* 101, and something of what must come with it is not right. */
	static const char *const bad[] = {
	    "HTTP/1.1 101 X\r\n\r\n",
	    GOOD "Upgrade: websocket\r\n\r\n",
	    GOOD "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    GOOD "Sec-WebSocket-Protocol: chat\r\n\r\n",
	    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: close\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n\r\n",
	    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n",
	};
	static const char *const none[] = {"SSH-2.0-x\r\n", "HTTP", "HTTX",
	    "HTTP/2 101\r\n", "HTTP/1.1 99 x\r\n", "HTTP/1.1 1010 x\r\n",
	    "HTTP/1.1 1x1 x\r\n", "HTTP/1.1  101\r\n", "\r\n"};
	struct wire_ws_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_true(read_head(bad[i], &h) > 0);
		assert_int_equal(h.status, 101);
		assert_false(h.good);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(read_head(none[i], &h), i == 1 ? 0 : -EPROTO);
}

static void
test_frame(void **state)
{
	/* Section 5.7: a masked "Hello". */
	static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
	static const uint8_t want[] = {
	    0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
	uint8_t out[WIRE_WS_FRAME], full[WIRE_WS_CONTROL] = {0};

	(void)state;
	assert_int_equal(
	    wire_ws_frame(out, WIRE_WS_PING, mask, "Hello", 5), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
	assert_int_equal(
	    wire_ws_frame(out, WIRE_WS_PONG, mask, full, sizeof(full)),
	    WIRE_WS_FRAME);
	assert_int_equal(wire_ws_frame(out, WIRE_WS_CLOSE, mask, NULL, 0), 6);
}

static void
check_header(const void *bytes, size_t len, int header, uint64_t payload)
{
	struct wire_ws_header h;

	for (size_t n = 0; n < len; n++) {
		int r = wire_ws_header(bytes, n, &h);

		assert_int_equal(r, 0);
	}
	assert_int_equal(wire_ws_header(bytes, len, &h), header);
	if (header > 0)
		assert_int_equal(h.payload, payload);
}

static void
test_header(void **state)
{
	static const char *const bad[] = {"\x89\x81", "\xc9\x01", "\xa9\x01",
	    "\x99\x01", "\x83\x01", "\x8b\x01", "\x09\x01", "\x89\x7e",
	    "\x82\x7e\x00\x7d", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
	    "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00"};
	static const size_t lens[] = {2, 2, 2, 2, 2, 2, 2, 2, 4, 10, 10};
	struct wire_ws_header h;

	(void)state;
	check_header("\x89\x05", 2, 2, 5);
	check_header("\x8a\x7d", 2, 2, 125);
	check_header("\x81\x00", 2, 2, 0);
	check_header("\x01\x7d", 2, 2, 125);
	check_header("\x82\x7e\x01\x00", 4, 4, 256);
	check_header("\x82\x7e\x00\x7e", 4, 4, 126);
	check_header("\x82\x7f\0\0\0\0\0\x01\0\0", 10, 10, 65536);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
		    wire_ws_header((const uint8_t *)bad[i], lens[i], &h),
		    -EPROTO);
}

static void
test_close_code(void **state)
{
	(void)state;
	assert_int_equal(wire_ws_close_code(NULL, 0), 1005);
	assert_int_equal(wire_ws_close_code((const uint8_t *)"\x03", 1), 1005);
	assert_int_equal(
	    wire_ws_close_code((const uint8_t *)"\x11\x31no", 4), 4401);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_head_wrong),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_close_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
