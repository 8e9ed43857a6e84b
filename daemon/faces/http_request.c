/* One HTTP request, from its header to the end of its answer. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include <microhttpd.h>

#include "accept.h"
#include "body.h"
#include "buf.h"
#include "clock.h"
#include "http_ask.h"
#include "http_conn.h"
#include "http_job.h"
#include "http_request.h"
#include "http_route.h"
#include "http_web.h"
#include "webconfig.h"

enum {
	HEADER_MAX = 16 * 1024,
	UPLOAD_MAX = 16 * 1024, /* bodies are read and let go of */
	PIECE = 32 * 1024
};

/* Status codes that are counted; the first stands for all others. */
static const unsigned codes[] = {
    500, 200, 202, 400, 401, 403, 404, 405, 413, 429, 431, 503};
enum { CODES = sizeof(codes) / sizeof(codes[0]) };

/* A request; from its header to the end of its answer. */
struct request {
	const struct http_request_env *env;
	struct MHD_Connection *connection;
	unsigned row;
	struct http_route_request what;
	struct http_route_answer answer;
	struct buf accept;
	bool gzip, begun, answered;
	size_t uploaded;
	struct http_job job;
	struct http_auth_check *check; /* of a password, under way */
	struct http_ask ask;
	bool asked; /* it is under way */
	bool allowed;
};

static ssize_t
read_body(void *arg, uint64_t at, char *out, size_t max)
{
	ssize_t n = body_read(arg, out, max);

	if (n > 0)
		return n;
	return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
		      : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void
free_body(void *arg)
{
	body_free(arg);
}

static void
count(const struct http_request_env *env, unsigned row, unsigned code)
{
	unsigned i = CODES - 1;

	while (i > 0 && codes[i] != code)
		i--;
	__atomic_fetch_add(&env->count[row * CODES + i], 1, __ATOMIC_RELAXED);
}

/* Those of the operator stand in the place of ours. */
static void
add_configured(struct MHD_Response *r, const struct webconfig *c)
{
	for (size_t i = 0; c != NULL && i < c->headers; i++) {
		const struct webconfig_pair *p = &c->header[i];
		const char *old = MHD_get_response_header(r, p->name);

		if (old != NULL)
			MHD_del_response_header(r, p->name, old);
		MHD_add_response_header(r, p->name, p->value);
	}
}

static void
add_headers(struct MHD_Response *r, const struct http_route_answer *a,
    bool may_gzip, bool gzip)
{
	char policy[256];

	if (a->code == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, "WWW-Authenticate", "Basic");
	MHD_add_response_header(r, "Content-Type", a->type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (a->allow != NULL)
		MHD_add_response_header(r, "Allow", a->allow);
	if (a->retry)
		MHD_add_response_header(r, "Retry-After", "1");
	if (gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	if (a->negotiated)
		MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
	else if (may_gzip)
		MHD_add_response_header(r, "Vary", "Accept-Encoding");
	if (a->nonce[0] == '\0')
		return;
	snprintf(policy, sizeof(policy),
	    "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
	    "connect-src 'self'; img-src data:; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'self'",
	    a->nonce, a->nonce);
	MHD_add_response_header(r, "Content-Security-Policy", policy);
}

/* A short text that is complete goes as it is, and with its length. */
static enum MHD_Result
send_answer(struct request *q)
{
	struct http_route_answer *a = &q->answer;
	enum MHD_Result rc = MHD_NO;
	struct MHD_Response *r;
	bool may_gzip, gzip;
	ssize_t length;

	q->answered = true;
	if (a->body == NULL)
		return MHD_NO;
	may_gzip = body_length(a->body) < 0;
	gzip = may_gzip && q->gzip;
	if (gzip)
		a->body = body_gzip(a->body);
	if (a->body == NULL)
		return MHD_NO;
	length = body_length(a->body);
	r = MHD_create_response_from_callback(
	    length >= 0 ? (uint64_t)length : MHD_SIZE_UNKNOWN,
	    length >= 0 ? (size_t)length + 1 : PIECE, read_body, a->body,
	    free_body);
	if (r == NULL)
		return MHD_NO;
	a->body = NULL; /* the response's */
	add_headers(r, a, may_gzip, gzip);
	add_configured(r, q->env->web->config);
	count(q->env, q->row, a->code);
	rc = MHD_queue_response(q->connection, a->code, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
send_text(struct request *q, unsigned code, const char *text)
{
	http_route_text(&q->answer, code, text);
	return send_answer(q);
}

/* A header may come in several lines: they are one list. */
static enum MHD_Result
join_accept(
    void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct request *q = arg;

	if (strcasecmp(key, "Accept") != 0 || value == NULL)
		return MHD_YES;
	if (q->accept.len > 0)
		buf_putc(&q->accept, ',');
	buf_puts(&q->accept, value);
	return MHD_YES;
}

static size_t
header_size(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return i != NULL ? i->header_size : 0;
}

static struct http_conn *
conn_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i != NULL ? i->socket_context : NULL;
}

/* The strings of the library last as long as the request. */
static struct request *
request_new(
    const struct http_request_env *env, const struct http_request_head *head)
{
	struct MHD_Connection *c = head->connection;
	struct request *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->env = env;
	q->connection = c;
	q->row = http_route_find(env->site, head->path);
	q->what.method = head->method;
	q->what.path = head->path;
	MHD_get_connection_values(c, MHD_HEADER_KIND, join_accept, q);
	if (q->accept.len > 0)
		q->what.accept = buf_str(&q->accept);
	q->what.target =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "target");
	q->gzip = accept_gzip(MHD_lookup_connection_value(
	    c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	return q;
}

static void
request_free(struct request *q)
{
	if (q == NULL)
		return;
	body_free(q->answer.body);
	http_auth_check_free(q->check);
	inquiry_clear(&q->ask.q); /* who asked may have gone away */
	buf_free(&q->accept);
	free(q);
}

static void
run_job(void *arg)
{
	struct request *q = arg;

	http_route_respond(q->env->site, q->row, &q->what, &q->answer);
}

static void
run_check(void *arg)
{
	http_auth_run(((struct request *)arg)->check);
}

/* Goes on in the thread of the jobs; respond() is called again after it. */
static enum MHD_Result
run_apart(struct request *q, void (*run)(void *arg))
{
	q->job.run = run;
	q->job.arg = q;
	/* Suspended first: the job may have ended before it is. */
	MHD_suspend_connection(q->connection);
	if (http_job_add(q->env->jobs, &q->job) == 0)
		return MHD_YES;
	q->job.run = run_job;
	http_route_text(&q->answer, 503, "out of threads");
	MHD_resume_connection(q->connection);
	return MHD_YES;
}

static const char *
parameter(const struct request *q, const char *name)
{
	return MHD_lookup_connection_value(
	    q->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Goes on when it has been probed; respond() is called again after it. */
static enum MHD_Result
ask(struct request *q)
{
	const struct http_ask_words words = {.target = q->what.target,
	    .module = parameter(q, "module"),
	    .hostname = parameter(q, "hostname"),
	    .debug = parameter(q, "debug"),
	    .timeout = MHD_lookup_connection_value(q->connection,
		MHD_HEADER_KIND, "X-Prometheus-Scrape-Timeout-Seconds")};

	if (!http_ask_read(&q->ask, &words, &q->answer))
		return send_answer(q);
	q->ask.jobs = q->env->jobs;
	q->ask.job = &q->job;
	q->job.arg = q;
	q->asked = true;
	/* Suspended first: it may have ended before it is. */
	MHD_suspend_connection(q->connection);
	http_ask_begin(&q->ask, q->env->site->hooks);
	return MHD_YES;
}

/* As http_auth_ask(), for what the request says of its user. */
static int
ask_user(struct request *q)
{
	struct http_web *web = q->env->web;
	char *password = NULL, *user;
	int right = 0;

	user = MHD_basic_auth_get_username_password(q->connection, &password);
	if (user != NULL && password != NULL)
		right = http_auth_ask(
		    &web->auth, web->config, user, password, &q->check);
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	MHD_free(user);
	MHD_free(password);
	return right;
}

/*
 * 1: the user may; 0: not; -EAGAIN: a job is needed to find out; -EBUSY: too
 * many are.
 */
static int
admit(struct request *q)
{
	struct http_web *web = q->env->web;
	struct http_conn *c = conn_of(q->connection);
	bool right;
	int rc;

	if (q->allowed || web->config == NULL || web->config->users == 0)
		return 1;
	if (q->check == NULL) {
		rc = ask_user(q);
		return rc != -EAGAIN || http_conn_check(q->env->conns, c)
			   ? rc
			   : -EBUSY;
	}
	http_conn_checked(c);
	right = http_auth_learn(&web->auth, q->check);
	q->check = NULL;
	q->job.run = NULL;
	return right;
}

/* From here on the connection is one that is being answered. */
static void
occupy(struct request *q)
{
	if (!q->begun)
		http_conn_begin(
		    q->env->conns, conn_of(q->connection), clock_mono());
	q->begun = true;
}

static enum MHD_Result
respond(struct request *q)
{
	const struct http_request_env *env = q->env;
	int may = 1;

	occupy(q);
	if (q->job.dropped)
		return send_text(q, 503, "Not done: it ends");
	if (q->asked) {
		http_ask_answer(&q->ask, &q->answer);
		return send_answer(q);
	}
	if (q->job.run == NULL || q->job.run == run_check)
		may = admit(q);
	else /* resumed: its job has run */
		return send_answer(q);
	if (may == -EAGAIN)
		return run_apart(q, run_check);
	if (may == -EBUSY)
		return send_text(q, 503, "Too many passwords are checked");
	if (may == 0)
		return send_text(q, MHD_HTTP_UNAUTHORIZED, "Unauthorized");
	if (may < 0)
		return send_text(q, 503, "out of memory");
	q->allowed = true;
	if (http_route_blocks(env->site, q->row, &q->what))
		return run_apart(q, run_job);
	if (http_route_asks(env->site, q->row, &q->what))
		return ask(q);
	http_route_respond(env->site, q->row, &q->what, &q->answer);
	return send_answer(q);
}

/* What is wrong with the header; 0: nothing. */
static unsigned
refusal(const struct request *q, const char **why)
{
	const char *length = MHD_lookup_connection_value(
	    q->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (!http_web_allow(q->env->web, clock_mono())) {
		*why = "Too many requests";
		return 429;
	}
	if (header_size(q->connection) > HEADER_MAX) {
		*why = "The header is too large";
		return 431;
	}
	*why = "The body is too large";
	return length != NULL && strtoull(length, NULL, 10) > UPLOAD_MAX ? 413
									 : 0;
}

static enum MHD_Result
begin(struct request *q)
{
	const char *why;
	unsigned code = refusal(q, &why);

	if (code == 0)
		return MHD_YES;
	occupy(q);
	return send_text(q, code, why);
}

int
http_request_step(const struct http_request_env *env,
    const struct http_request_head *head, size_t *upload_size, void **state)
{
	struct request *q = *state;

	if (q == NULL) {
		q = *state = request_new(env, head);
		return q != NULL && begin(q) == MHD_YES;
	}
	if (*upload_size > 0) {
		q->uploaded += *upload_size;
		*upload_size = 0;
		return q->uploaded <= UPLOAD_MAX;
	}
	return q->answered || respond(q) == MHD_YES;
}

void
http_request_done(const struct http_request_env *env,
    struct MHD_Connection *connection, void **state)
{
	request_free(*state);
	*state = NULL;
	http_conn_end(env->conns, conn_of(connection), clock_mono());
}

void
http_request_resume(struct http_job *job)
{
	struct request *q = job->arg;

	MHD_resume_connection(q->connection);
}

size_t
http_request_counts(void)
{
	return (size_t)http_route_count() * CODES;
}

/* A code that a route never gave is no series, but for 200. */
void
http_request_each_count(const struct http_request_env *env,
    void (*each)(void *arg, const char *handler, unsigned code, uint64_t n),
    void *arg)
{
	for (unsigned row = 0; row < http_route_count(); row++) {
		for (unsigned i = 0; i < CODES; i++) {
			uint64_t n = __atomic_load_n(
			    &env->count[row * CODES + i], __ATOMIC_RELAXED);

			if (n > 0 || codes[i] == 200)
				each(arg, http_route_name(env->site, row),
				    codes[i], n);
		}
	}
}
