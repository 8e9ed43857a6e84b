/* Requests at /probe: they wait, and nobody else does. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "web.h"

static void
expect_asked(
    const struct http *h, const char *line, const char *more, const char *asked)
{
	struct web_reply r = web_ask(h, line, more);

	assert_int_equal(r.code, 200);
	assert_string_equal(web_daemon.asked, asked);
	assert_non_null(strstr(r.body, "probe_success 1\n"));
	free(r.all);
}

static void
words(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);

	expect_asked(h, "GET /probe?target=a.test", "", "http_2xx a.test - 0");
	expect_asked(h, "GET /probe?module=&target=a", "", "http_2xx a - 0");
	expect_asked(h, "GET /probe?module=m&target=http%3A%2F%2Fa%2F%3Fb",
	    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n",
	    "m http://a/?b - 9500");
	expect_asked(
	    h, "GET /probe?hostname=b&target=a&module=m", "", "m a b 0");
	web_daemon.asked[0] = '\0';
	web_expect(h, "GET /probe", 400, "Target parameter is missing\n");
	web_expect(
	    h, "GET /probe?target", 400, "Target parameter is missing\n");
	web_expect(
	    h, "GET /probe?target=", 400, "Target parameter is missing\n");
	web_expect(h, "POST /probe?target=a", 405,
	    "This endpoint requires a GET request.\n");
	assert_string_equal(web_daemon.asked, "");
	http_stop(h);
}

static void
refusals(void **state)
{
	static const struct {
		enum inquiry_end end;
		unsigned code;
		const char *header;
	} row[] = {
	    {INQUIRY_BAD, 400, "Cache-Control: no-store"},
	    {INQUIRY_FORBIDDEN, 403, "Cache-Control: no-store"},
	    {INQUIRY_LIMITED, 429, "Retry-After: 1"},
	    {INQUIRY_BUSY, 503, "Retry-After: 1"},
	};
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct web_reply r;

		web_daemon.end = row[i].end;
		r = web_ask(h, "GET /probe?target=a", "");
		assert_int_equal(r.code, row[i].code);
		assert_string_equal(r.body, "because\n");
		web_expect_header(&r, row[i].header);
		free(r.all);
	}
	web_daemon.full = true;
	web_expect(
	    h, "GET /probe?target=a", 503, "Too many probes are under way\n");
	web_daemon.full = false;
	web_daemon.end = INQUIRY_PROBED;
	expect_asked(h, "GET /probe?target=a", "", "http_2xx a - 0");
	http_stop(h);
}

static void
debug(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	struct web_reply r = web_ask(h, "GET /probe?target=a&debug=true", "");

	assert_int_equal(r.code, 200);
	web_expect_header(&r, "Content-Type: text/plain; charset=utf-8");
	assert_non_null(strstr(r.body, "0.000000 asked\n"));
	assert_non_null(strstr(r.body, "probe_success 1\n"));
	free(r.all);
	r = web_ask(h, "GET /probe?target=a&debug=false", "");
	web_expect_header(
	    &r, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	assert_null(strstr(r.body, "asked"));
	free(r.all);
	http_stop(h);
}

static void
wait_for(unsigned n)
{
	pthread_mutex_lock(&web_daemon.lock);
	while (web_daemon.waiting < n)
		pthread_cond_wait(&web_daemon.changed, &web_daemon.lock);
	pthread_mutex_unlock(&web_daemon.lock);
}

/* Answers what is held, the newest first. */
static void *
release(void *arg)
{
	struct inquiry *q, *next;

	pthread_mutex_lock(&web_daemon.lock);
	q = web_daemon.inquiry;
	web_daemon.inquiry = NULL;
	web_daemon.held = false;
	pthread_mutex_unlock(&web_daemon.lock);
	for (; q != NULL; q = next) {
		next = q->next;
		web_answer(q);
	}
	return NULL;
}

/* Others are served while some wait, one of whom goes away. */
static void
meanwhile(void **state)
{
	enum { MANY = 20 };
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	int fd[MANY];
	char *heard;

	web_daemon.held = true;
	for (unsigned i = 0; i < MANY; i++) {
		fd[i] = web_connect(h, 0);
		web_say(fd[i], "GET /probe?target=a HTTP/1.1\r\nHost: x\r\n"
			       "Connection: close\r\n\r\n");
	}
	wait_for(MANY);
	web_expect(h, "GET /-/healthy", 200, "Healthy\n");
	close(fd[0]);
	release(NULL);
	for (unsigned i = 1; i < MANY; i++) {
		heard = web_hear_all(fd[i]);
		assert_non_null(strstr(heard, "probe_success 1\n"));
		free(heard);
	}
	http_stop(h);
}

/* The end of the server waits for what is under way. */
static void
stopped_meanwhile(void **state)
{
	struct http_setup setup = web_setup();
	struct http *h = web_start(&setup);
	pthread_t thread;
	int fd = web_connect(h, 0);

	web_daemon.held = true;
	web_say(fd, "GET /probe?target=a HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for(1);
	pthread_create(&thread, NULL, release, NULL);
	http_stop(h);
	pthread_join(thread, NULL);
	/* Unless it had been answered before, it was asked to be. */
	assert_in_range(web_daemon.recalled, 0, 1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(words, web_fresh, web_settled),
	    cmocka_unit_test_setup_teardown(refusals, web_fresh, web_settled),
	    cmocka_unit_test_setup_teardown(debug, web_fresh, web_settled),
	    cmocka_unit_test_setup_teardown(meanwhile, web_fresh, web_settled),
	    cmocka_unit_test_setup_teardown(
		stopped_meanwhile, web_fresh, web_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
