/*
 * A request at /probe: its parameters become an inquiry, whose end becomes
 * the answer. The HTTP thread's, and nobody waits.
 */
#ifndef HTTP_ASK_H
#define HTTP_ASK_H

#include <stdbool.h>

#include "http_job.h"
#include "inquiry.h"

struct http_hooks;
struct http_route_answer;

/* As they stand in the request; NULL: it has none. */
struct http_ask_words {
	const char *target, *module, *hostname, *debug;
	const char *timeout; /* what Prometheus says of its own */
};

struct http_ask {
	struct inquiry q;
	struct http_jobs *jobs; /* borrowed */
	struct http_job *job;	/* borrowed: lent to the end of it */
	bool debug;
};

/* True: they make sense, and must stay. False: the answer is there. */
bool http_ask_read(struct http_ask *a, const struct http_ask_words *words,
    struct http_route_answer *answer);
/*
 * Lends the job until it is collected; http_ask_answer() then says what to
 * answer.
 */
void http_ask_begin(struct http_ask *a, const struct http_hooks *hooks);
void http_ask_answer(struct http_ask *a, struct http_route_answer *answer);

/*
 * How much of what Prometheus gives itself a probe may take, in ns: half a
 * second less, at most a minute. 0: the text is no such time.
 */
uint64_t http_ask_timeout(const char *seconds);

#endif
