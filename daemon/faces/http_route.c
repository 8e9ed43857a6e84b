/* The routes, and how each is answered. */
#include "build.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "accept.h"
#include "body.h"
#include "buf.h"
#include "event.h"
#include "expo_json.h"
#include "expo_proto.h"
#include "expo_sd.h"
#include "expo_text.h"
#include "http.h"
#include "http_route.h"
#include "page.h"
#include "page_requirements.h"
#include "snapshot.h"
#include "summary.h"

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"
#define TYPE_HTML "text/html; charset=utf-8"

/* Methods of a route. */
enum { READ = 1, ACT = 2 };

typedef void respond_fn(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer);

/* ---- answers ---- */

void
http_route_text(
    struct http_route_answer *answer, unsigned code, const char *text)
{
	struct buf line = BUF_INIT;

	buf_puts(&line, text);
	if (line.len > 0)
		buf_putc(&line, '\n');
	answer->code = code;
	answer->type = TYPE_TEXT;
	answer->retry = code == 429 || code == 503;
	answer->body = body_of(&line);
}

/* A reference, or NULL and the answer says so. */
static struct snapshot *
get(const struct http_route_site *site, struct http_route_answer *answer)
{
	struct snapshot *s = snapshot_get(site->snapshots);

	if (s == NULL)
		http_route_text(answer, 503, "out of memory");
	return s;
}

static void
metrics(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	enum accept_format format = accept_format(request->accept);
	struct snapshot *s = get(site, answer);

	answer->negotiated = true;
	if (s == NULL)
		return;
	answer->code = 200;
	answer->type = accept_content_type(format);
	answer->body = format == ACCEPT_PROTOBUF
			   ? expo_proto_body(s)
			   : expo_text_body(s, format != ACCEPT_TEXT);
	snapshot_unref(s);
}

static void
document(const struct http_route_site *site, enum expo_json_document which,
    struct http_route_answer *answer)
{
	struct snapshot *s = get(site, answer);

	if (s == NULL)
		return;
	answer->code = 200;
	answer->type = TYPE_JSON;
	answer->body = expo_json_body(s, which);
	snapshot_unref(s);
}

static void
targets(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	document(site, EXPO_JSON_TARGETS, answer);
}

static void
clusters(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	document(site, EXPO_JSON_CLUSTERS, answer);
}

static void
requirements_json(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	document(site, EXPO_JSON_REQUIREMENTS, answer);
}

static void
site_json(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	document(site, EXPO_JSON_SITE, answer);
}

static void
discovery(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	struct snapshot *s = get(site, answer);

	if (s == NULL)
		return;
	answer->code = 200;
	answer->type = TYPE_JSON;
	answer->body = expo_sd_body(s);
	snapshot_unref(s);
}

/* The page for a terminal: curl HOST/status. */
static void
status(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	struct snapshot *s = get(site, answer);
	struct buf text = BUF_INIT;

	if (s == NULL)
		return;
	if (summary_text(&text, s) < 0) {
		http_route_text(answer, 503, "out of memory");
		buf_free(&text);
	} else {
		answer->code = 200;
		answer->type = TYPE_TEXT;
		answer->body = body_of(&text);
	}
	snapshot_unref(s);
}

static void
events(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	struct event event[EVENT_HISTORY];
	uint64_t total;
	size_t n = event_recent(event, EVENT_HISTORY, &total);

	answer->code = 200;
	answer->type = TYPE_JSON;
	answer->body = expo_json_events(event, n, total);
}

static int
make_nonce(char nonce[HTTP_ROUTE_NONCE])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[(HTTP_ROUTE_NONCE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EAGAIN;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		nonce[2 * i] = hex[bytes[i] >> 4];
		nonce[2 * i + 1] = hex[bytes[i] & 15];
	}
	nonce[2 * sizeof(bytes)] = '\0';
	return 0;
}

static void
page(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	struct event event[EVENT_HISTORY];
	struct page_setup setup = {.telemetry_path = site->telemetry_path,
	    .nonce = answer->nonce,
	    .event = event};
	struct snapshot *s;

	if (make_nonce(answer->nonce) < 0) {
		http_route_text(answer, 503, "no random numbers yet");
		return;
	}
	s = get(site, answer);
	if (s == NULL)
		return;
	setup.events = event_recent(event, EVENT_HISTORY, NULL);
	answer->code = 200;
	answer->type = TYPE_HTML;
	answer->body = page_body(s, &setup);
	snapshot_unref(s);
}

static void
requirements(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	struct snapshot *s;

	if (make_nonce(answer->nonce) < 0) {
		http_route_text(answer, 503, "no random numbers yet");
		return;
	}
	s = get(site, answer);
	if (s == NULL)
		return;
	answer->code = 200;
	answer->type = TYPE_HTML;
	answer->body = page_requirements_body(s, answer->nonce);
	snapshot_unref(s);
}

static void
healthy(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	const struct http_hooks *h = site->hooks;

	if (h->healthy(h->arg))
		http_route_text(answer, 200, "Healthy");
	else
		http_route_text(answer, 503, "A probe loop stands still");
}

static void
ready(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	const struct http_hooks *h = site->hooks;

	if (h->ready(h->arg))
		http_route_text(answer, 200, "Ready");
	else
		http_route_text(answer, 503,
		    "Not ready: the first round of probes is under way");
}

static void
reload(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	const struct http_hooks *h = site->hooks;
	struct buf errors = BUF_INIT, text = BUF_INIT;

	if (h->reload(h->arg, &errors) == 0) {
		http_route_text(answer, 200, "");
	} else {
		buf_puts(&text, "failed to reload config: ");
		buf_puts(&text, buf_str(&errors));
		while (text.len > 0 && text.data[text.len - 1] == '\n')
			text.len--;
		http_route_text(answer, 500, buf_str(&text));
	}
	buf_free(&errors);
	buf_free(&text);
}

static void
probe(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	const struct http_hooks *h = site->hooks;
	const char *target = request->target;
	int err;

	if (target != NULL && target[0] == '\0')
		target = NULL;
	err = h->probe(h->arg, target);
	if (err == 0)
		http_route_text(answer, 202, "A round was started");
	else if (err == -ENOENT)
		http_route_text(answer, 404, "There is no such target");
	else if (err == -EAGAIN)
		http_route_text(answer, 429,
		    "A round was started a moment ago; try again later");
	else
		http_route_text(answer, 503, strerror(-err));
}

/* Where nobody can be asked. */
static void
no_probe(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	http_route_text(answer, 503, "Nothing can be probed");
}

static void
not_found(const struct http_route_site *site,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	http_route_text(answer, 404, "404 page not found");
}

/* ---- the table ---- */

/* The path of the exposition is the operator's. */
static const struct route {
	const char *path; /* NULL: the telemetry path */
	unsigned methods;
	enum { AT_ONCE, BLOCKS, ASKS } how;
	respond_fn *respond;
} routes[] = {
    {NULL, READ, AT_ONCE, metrics},
    {"/", READ, AT_ONCE, page},
    {"/requirements", READ, AT_ONCE, requirements},
    {"/status", READ, AT_ONCE, status},
    {"/api/v1/clusters", READ, AT_ONCE, clusters},
    {"/api/v1/events", READ, AT_ONCE, events},
    {"/api/v1/requirements", READ, AT_ONCE, requirements_json},
    {"/api/v1/site", READ, AT_ONCE, site_json},
    {"/api/v1/targets", READ, AT_ONCE, targets},
    {"/sd/targets", READ, AT_ONCE, discovery},
    {"/probe", READ, ASKS, no_probe},
    {"/-/healthy", READ, AT_ONCE, healthy},
    {"/-/ready", READ, AT_ONCE, ready},
    {"/-/reload", ACT, BLOCKS, reload},
    {"/-/probe", ACT, AT_ONCE, probe},
    /* last: whatever else is asked for */
    {"other", READ | ACT, AT_ONCE, not_found},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

unsigned
http_route_count(void)
{
	return ROUTES;
}

const char *
http_route_name(const struct http_route_site *site, unsigned row)
{
	return routes[row].path != NULL ? routes[row].path
					: site->telemetry_path;
}

unsigned
http_route_find(const struct http_route_site *site, const char *path)
{
	unsigned row = 0;

	while (
	    row < ROUTES - 1 && strcmp(path, http_route_name(site, row)) != 0)
		row++;
	return row;
}

static unsigned
method_kind(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return READ;
	if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
		return ACT;
	return 0;
}

static bool
is_allowed(const struct http_route_site *site, unsigned row, const char *method)
{
	const struct route *r = &routes[row];

	return (r->methods & method_kind(method)) != 0 &&
	       (r->methods != ACT || site->lifecycle);
}

bool
http_route_blocks(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request)
{
	return routes[row].how == BLOCKS &&
	       is_allowed(site, row, request->method);
}

bool
http_route_asks(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request)
{
	return routes[row].how == ASKS &&
	       is_allowed(site, row, request->method);
}

void
http_route_respond(const struct http_route_site *site, unsigned row,
    const struct http_route_request *request, struct http_route_answer *answer)
{
	const struct route *r = &routes[row];

	*answer = (struct http_route_answer){.code = 500};
	if (is_allowed(site, row, request->method) || row == ROUTES - 1) {
		r->respond(site, request, answer);
	} else if ((r->methods & method_kind(request->method)) != 0) {
		http_route_text(answer, 403,
		    "Lifecycle API is not enabled (--web.enable-lifecycle)");
	} else if (r->methods == ACT) {
		http_route_text(
		    answer, 405, "This endpoint requires a POST request.");
		answer->allow = "POST, PUT";
	} else {
		http_route_text(
		    answer, 405, "This endpoint requires a GET request.");
		answer->allow = "GET, HEAD";
	}
}
