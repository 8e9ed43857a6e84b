/*
 * What is served: the routes as a table, and how each is answered. It knows
 * no HTTP library, so an answer can be tested without a connection.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

struct body;
struct http_hooks;
struct snapshotter;

enum { HTTP_ROUTE_NONCE = 33 };

/* What answers are made from; all borrowed. */
struct http_route_site {
	struct snapshotter *snapshots;
	const struct http_hooks *hooks;
	const char *telemetry_path;
	bool lifecycle;
};

/* What of a request an answer depends on. */
struct http_route_request {
	const char *method, *path;
	const char *accept;	/* the Accept headers, joined; or NULL */
	const char *target;	/* ?target= or NULL */
};

/* Texts are static, but for the nonce. */
struct http_route_answer {
	unsigned code;
	const char *type;	/* Content-Type */
	const char *allow;	/* with 405, else NULL */
	bool negotiated;	/* it depends on the Accept header */
	bool retry;		/* with 429 and 503: in a second */
	/* Of a page: the one script and style that it may run; "" for none. */
	char nonce[HTTP_ROUTE_NONCE];
	struct body *body;	/* owned; NULL: no memory */
};

/* The row of a path; one that is not served has the last row. */
unsigned http_route_find(const struct http_route_site *site, const char *path);
/* How many rows there are, and what a row is called in the metrics. */
unsigned http_route_count(void);
const char *http_route_name(const struct http_route_site *site, unsigned row);

/*
 * Whether the answer to that must wait for another part of the daemon: it is
 * then asked for in a thread where that harms nobody.
 */
bool http_route_blocks(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request);

/* Whether it is for a probe to be done, and answered by what becomes of it. */
bool http_route_asks(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request);

/* Fills in the answer; any thread. */
void http_route_respond(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request, struct http_route_answer *answer);

/* An answer of one line of text, such as an error. */
void http_route_text(
    struct http_route_answer *answer, unsigned code, const char *text);

#endif
