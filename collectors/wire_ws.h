/*
 * WebSocket (RFC 6455) as far as a prober needs it: the opening handshake of
 * a client, control frames out, frame headers in. Pure.
 */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	WIRE_WS_NONCE = 16,
	WIRE_WS_KEY = 25,      /* text and NUL */
	WIRE_WS_ACCEPT = 29,   /* the same */
	WIRE_WS_CONTROL = 125, /* payload of a control frame, at most */
	WIRE_WS_FRAME = 6 + WIRE_WS_CONTROL
};

enum wire_ws_opcode {
	WIRE_WS_MORE = 0,
	WIRE_WS_TEXT = 1,
	WIRE_WS_BINARY = 2,
	WIRE_WS_CLOSE = 8,
	WIRE_WS_PING = 9,
	WIRE_WS_PONG = 10
};

/* Sec-WebSocket-Key of a nonce, and the Sec-WebSocket-Accept it calls for. */
void wire_ws_key(const uint8_t nonce[WIRE_WS_NONCE], char out[WIRE_WS_KEY]);
void wire_ws_accept(const char *key, char out[WIRE_WS_ACCEPT]);

/*
 * The request for a URL "wss://host:port/path": its length, or -EMSGSIZE or
 * -EINVAL.
 */
ssize_t wire_ws_request(
    char *out, size_t size, const char *url, const char *key);

/* The answer to it. */
struct wire_ws_head {
	int status;
	bool good; /* 101, and what RFC 6455 section 4.1 wants with it */
};

/*
 * Bytes of the head, 0 when it has not ended yet, -EPROTO when it is none.
 * accept: what our key calls for. Heads of status 1xx but 101 are stepped
 * over.
 */
ssize_t wire_ws_head(
    const char *in, size_t len, const char *accept, struct wire_ws_head *out);

/* A control frame, masked; len at most WIRE_WS_CONTROL. Returns its length. */
size_t wire_ws_frame(uint8_t out[WIRE_WS_FRAME], enum wire_ws_opcode opcode,
    const uint8_t mask[4], const void *payload, size_t len);

/* A frame that a server sends. */
struct wire_ws_header {
	enum wire_ws_opcode opcode;
	bool last;	  /* of its message */
	uint64_t payload; /* bytes that follow the header */
};

/*
 * Bytes of the header, 0 when there are not enough yet, -EPROTO when no
 * server may send this.
 */
int wire_ws_header(const uint8_t *in, size_t len, struct wire_ws_header *out);

/* The code in a Close frame's payload (section 7.4); 1005 when it has none. */
unsigned wire_ws_close_code(const uint8_t *payload, size_t len);

#endif
