/* A server in a test, the daemon behind it, and a client of raw sockets. */
#ifndef WEB_H
#define WEB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "inquiry.h"

enum { WEB_PATIENCE_S = 20 };

/* What the hooks say, and what they were asked. */
struct web_daemon {
	bool healthy, ready;
	int reload_rc, probe_rc;
	char probed[64];
	unsigned reloads;
	/* what is asked at /probe, and how that ends */
	bool full;
	unsigned recalled;
	enum inquiry_end end;
	char asked[256];
	struct inquiry *inquiry; /* those held; by next */
	/* a reload, or what is asked, waits while it is held */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held;
	unsigned waiting;
};
extern struct web_daemon web_daemon;

/* Ends one that was held. */
void web_answer(struct inquiry *q);

/* Around each test: mock_site() is served; nothing of it is left behind. */
int web_fresh(void **state);
int web_settled(void **state);

/* One listener, on a port that the kernel chooses. */
struct http_setup web_setup(void);
struct http *web_start(const struct http_setup *setup);

int web_connect(const struct http *h, size_t listener);
void web_say(int fd, const char *text);
/* Everything until the server closes, which it must; closes fd. */
char *web_hear_all(int fd);
/* Reads until the text has come. */
char *web_hear_until(int fd, const char *text);

struct web_reply {
	char *all;		/* owned */
	const char *body;	/* within it; chunks are put together */
	size_t length;
	unsigned code;
};

/* A request on a connection of its own; more is lines of the header. */
struct web_reply web_ask(
    const struct http *h, const char *line, const char *more);
void web_expect_header(const struct web_reply *r, const char *line);
/* Asks, and compares the code and a body of text. */
void web_expect(const struct http *h, const char *line, unsigned code,
    const char *body);

#endif
