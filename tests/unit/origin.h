/*
 * A web server of a test, on the loop of the code under test: each path does
 * what the test wants, also what no honest server would.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct origin;

enum origin_mode {
	ORIGIN_SEND,  /* the text as it is, then close */
	ORIGIN_HOLD,  /* the text, then nothing more, and no end */
	ORIGIN_DRIP,  /* the text, one byte every 50 ms */
	ORIGIN_FLOOD, /* the text, then bytes without end */
	ORIGIN_RESET  /* the text, then a reset */
};

struct origin *origin_open(struct uv_loop_s *loop);
void origin_close(struct origin *w);
uint16_t origin_port(const struct origin *w);

/* What a path does from now on; the text is borrowed. */
void origin_on(struct origin *w, const char *path, enum origin_mode mode,
    const char *text);
/* Head of the last request; "" for none. */
const char *origin_request(const struct origin *w);
unsigned origin_requests(const struct origin *w);
unsigned origin_connections(const struct origin *w);
uint64_t origin_sent(const struct origin *w); /* bytes, by all connections */

/* "http://127.0.0.1:PORT/PATH"; static storage, four at a time. */
char *origin_url(const struct origin *w, const char *path);

#endif
