/*
 * One HTTP request, from its header to the end of its answer, between
 * libmicrohttpd and the routes. One thread's, as all of the server.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct http_conn;
struct http_conn_list;
struct http_job;
struct http_jobs;
struct http_route_site;

/* What requests need; all borrowed. */
struct http_request_env {
	const struct http_route_site *site;
	struct http_conn_list *conns;
	struct http_jobs *jobs;
	uint64_t *count; /* atomic; http_request_counts() of them */
	struct http_web *web;
};

/* What is known of a request when its header is complete. */
struct http_request_head {
	struct MHD_Connection *connection;
	const char *path, *method;
};

/*
 * To be called with the header (*state is NULL), for each piece of a body,
 * and at the end of it. 0: the connection is to be closed.
 */
int http_request_step(const struct http_request_env *env,
    const struct http_request_head *head, size_t *upload_size, void **state);
/* The answer was sent, or the connection is gone. */
void http_request_done(const struct http_request_env *env,
    struct MHD_Connection *connection, void **state);
/* Goes on with a request whose job has run. */
void http_request_resume(struct http_job *job);

/* Requests answered, by route and status code; see http_each_count(). */
size_t http_request_counts(void);
void http_request_each_count(const struct http_request_env *env,
    void (*each)(void *arg, const char *handler, unsigned code, uint64_t n),
    void *arg);

#endif
