/* From the words of a request to a probe and back. */
#include "build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "expo_blackbox.h"
#include "http.h"
#include "http_ask.h"
#include "http_route.h"

#define USUAL "http_2xx"
#define LEFT  0.5 /* s, for the way back */
#define MOST  60.0

uint64_t
http_ask_timeout(const char *seconds)
{
	char *end;
	double s = strtod(seconds, &end);

	if (end == seconds || *end != '\0' || !(s > 0) || !isfinite(s))
		return 0;
	s = s > 2 * LEFT ? s - LEFT : s / 2;
	if (s > MOST)
		s = MOST;
	return s * 1e9 >= 1 ? (uint64_t)(s * 1e9) : 1;
}

static void
on_done(struct inquiry *q)
{
	struct http_ask *a = (struct http_ask *)q;

	http_job_return(a->jobs, a->job);
}

/* NULL: nothing is wrong with it. */
static const char *
refusal(const struct http_ask_words *words, uint64_t *timeout)
{
	*timeout = 0;
	if (words->target == NULL || words->target[0] == '\0')
		return "Target parameter is missing";
	if (words->timeout != NULL) {
		*timeout = http_ask_timeout(words->timeout);
		if (*timeout == 0)
			return "Failed to parse timeout from Prometheus "
			       "header: it is no number of seconds above 0";
	}
	return NULL;
}

bool
http_ask_read(struct http_ask *a, const struct http_ask_words *words,
    struct http_route_answer *answer)
{
	uint64_t timeout;
	const char *why = refusal(words, &timeout);

	if (why != NULL) {
		http_route_text(answer, 400, why);
		return false;
	}
	a->q = (struct inquiry){.target = words->target,
	    .module = words->module != NULL && words->module[0] != '\0'
			  ? words->module
			  : USUAL,
	    .hostname = words->hostname,
	    .timeout_ns = timeout,
	    .done = on_done};
	a->debug = words->debug != NULL && strcmp(words->debug, "true") == 0;
	return true;
}

void
http_ask_begin(struct http_ask *a, const struct http_hooks *hooks)
{
	http_job_lend(a->jobs);
	if (hooks->ask(hooks->arg, &a->q))
		return;
	a->q.end = INQUIRY_BUSY;
	snprintf(a->q.why, sizeof(a->q.why), "Too many probes are under way");
	on_done(&a->q);
}

static void
put_probed(struct http_ask *a, struct http_route_answer *answer)
{
	struct buf text = BUF_INIT;

	if (a->debug)
		expo_blackbox_debug(&text, &a->q);
	else
		expo_blackbox_text(&text, &a->q);
	answer->code = 200;
	answer->type = a->debug ? "text/plain; charset=utf-8"
				: "text/plain; version=0.0.4; charset=utf-8";
	answer->body = text.err ? NULL : body_of(&text);
	buf_free(&text);
}

void
http_ask_answer(struct http_ask *a, struct http_route_answer *answer)
{
	static const unsigned codes[] = {
	    [INQUIRY_BAD] = 400,
	    [INQUIRY_FORBIDDEN] = 403,
	    [INQUIRY_LIMITED] = 429,
	    [INQUIRY_BUSY] = 503,
	};

	if (a->q.end == INQUIRY_PROBED)
		put_probed(a, answer);
	else
		http_route_text(answer, codes[a->q.end], a->q.why);
	inquiry_clear(&a->q);
}
