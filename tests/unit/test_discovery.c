/*
 * discovery: documents in files and behind URLs, target files; what is kept
 * when they fail, and what is said about it.
 */
#include "build.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "clock.h"
#include "config.h"
#include "discovery.h"
#include "event.h"
#include "folder.h"
#include "log.h"
#include "loop.h"
#include "origin.h"

#define NODE(host) "{\"clusters\":{\"c1\":{\"udp\":[\"stun:" host ":5004\"]}}}"
#define TWO                                                        \
	"{\"clusters\":{\"c1\":{\"udp\":[\"stun:192.0.2.1:5004\"," \
	"\"bad:\"]},\"c2\":{\"tcp\":[\"stun:192.0.2.2:5004\"]}}}"
#define HTTP(status, body) \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define TARGETS(host) "- targets: ['" host ":3478']\n"

/* What was told since the last look. */
static struct {
	unsigned failed, ok;
	char subject[160], cause[160];
} told;

struct bench {
	struct loop loop;
	struct folder folder;
	struct origin *origin;
	struct discovery *discovery;
	struct config *config;
	unsigned changes;
};

static void
on_event(void *arg, const struct event *e)
{
	if (e->kind == EVENT_DISCOVERY_OK)
		told.ok++;
	else if (e->kind == EVENT_DISCOVERY_FAILED)
		told.failed++;
	snprintf(told.subject, sizeof(told.subject), "%s", e->subject);
	snprintf(told.cause, sizeof(told.cause), "%s", e->cause);
}

static void
on_changed(void *arg)
{
	((struct bench *)arg)->changes++;
}

static int
set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	loop_open(&b->loop);
	folder_open(&b->folder);
	b->origin = origin_open(&b->loop.uv);
	struct discovery_setup setup = {
	    .loop = &b->loop.uv, .changed = on_changed, .arg = b};
	b->discovery = discovery_new(&setup);
	assert_non_null(b->discovery);
	memset(&told, 0, sizeof(told));
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;
	discovery_free(b->discovery);
	origin_close(b->origin);
	config_free(b->config);
	loop_close(&b->loop);
	folder_close(&b->folder);
	free(b);
	return 0;
}

/* A configuration with this, whose paths are relative to the folder. */
static void
configure(struct bench *b, const char *fmt, ...)
{
	struct doc_errors errors = {0};
	struct config *old = b->config;
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	b->config = config_parse(
	    folder_path(&b->folder, "reachd.yml"), text, strlen(text), &errors);
	for (size_t i = 0; i < errors.errors; i++)
		print_error("%s\n", errors.error[i].text);
	assert_non_null(b->config);
	discovery_configure(b->discovery, b->config);
	config_free(old);
	doc_errors_free(&errors);
}

/* Quick refreshes, where a test is about them. */
static void
hurry(struct bench *b, uint64_t refresh, uint64_t timeout)
{
	struct config_discovery *d = &b->config->discovery[0];
	d->refresh = refresh;
	d->timeout = timeout;
	discovery_configure(b->discovery, b->config);
}

static size_t
lists(struct bench *b)
{
	const struct nodelist *const *list;
	return discovery_lists(b->discovery, &list);
}

/* The first node of the first list, "" for none. */
static const char *
node(struct bench *b)
{
	const struct nodelist *const *list;
	if (!discovery_lists(b->discovery, &list) || !list[0]->clusters)
		return "";
	return list[0]->cluster[0].node[0].host;
}

static size_t
files(struct bench *b)
{
	const struct config_target *const *target;
	const size_t *count;
	return discovery_targets(b->discovery, &target, &count);
}

/* Target k of file i. */
static const struct config_target *
target_of(struct bench *b, size_t i, size_t k)
{
	const struct config_target *const *target;
	const size_t *count;
	assert_true(i < discovery_targets(b->discovery, &target, &count));
	assert_true(k < count[i]);
	return &target[i][k];
}

static struct discovery_status
status_of(struct bench *b, size_t i)
{
	struct discovery_status s[8];
	assert_true(i < discovery_sources(b->discovery, s, 8));
	return s[i];
}

static uint64_t
failures(struct bench *b)
{
	return status_of(b, 0).failures;
}

static void
wait_change(struct bench *b)
{
	unsigned before = b->changes;
	LOOP_UNTIL(&b->loop, b->changes > before);
	assert_int_equal(b->changes, before + 1);
}

/* The condition was raised n times, cleared m times, since the last look. */
static void
check_told(unsigned failed, unsigned ok, const char *cause)
{
	assert_int_equal(told.failed, failed);
	assert_int_equal(told.ok, ok);
	if (cause)
		assert_string_equal(told.cause, cause);
	memset(&told, 0, sizeof(told));
}

/* ---- documents in files ---- */

static void
test_file(void **state)
{
	struct bench *b = *state;
	folder_write(&b->folder, "a.json", TWO);
	configure(b, "media: {discovery: [{file: a.json}]}");
	/* Read before it returned, and nothing to tell about. */
	assert_int_equal(lists(b), 1);
	assert_int_equal(b->changes, 0);
	assert_true(discovery_settled(b->discovery));
	struct discovery_status s = status_of(b, 0);
	assert_int_equal(s.kind, SOURCE_DISCOVERY_FILE);
	assert_non_null(strstr(s.name, "a.json"));
	assert_int_equal(s.nodes, 2);
	assert_int_equal(s.rejected, 1);
	assert_int_equal(s.failures, 0);
	assert_true(s.tried && !s.failing);
	assert_true(clock_real() - s.last_success < 60 * 1000000000LL);
	check_told(0, 0, NULL);
	folder_replace(&b->folder, "a.json", NODE("192.0.2.7"));
	wait_change(b);
	assert_string_equal(node(b), "192.0.2.7");
	assert_int_equal(status_of(b, 0).nodes, 1);
	assert_int_equal(status_of(b, 0).rejected, 0);
}

/* Each way to fail: counted, told of once, the last good list kept. */
static void
test_file_fails(void **state)
{
	struct bench *b = *state;
	folder_write(&b->folder, "a.json", NODE("192.0.2.1"));
	configure(b, "media: {discovery: [{file: a.json}]}");
	folder_replace(&b->folder, "a.json", "{\"clusters\": [");
	LOOP_UNTIL(&b->loop, failures(b) == 1);
	assert_int_equal(told.failed, 1);
	assert_non_null(strstr(told.subject, "folder"));
	assert_true(strlen(told.cause) > 10);
	folder_write(&b->folder, "a.json", "");
	LOOP_UNTIL(&b->loop, failures(b) == 2);
	folder_unlink(&b->folder, "a.json");
	LOOP_UNTIL(&b->loop, failures(b) == 3);
	folder_mkdir(&b->folder, "a.json");
	LOOP_UNTIL(&b->loop, failures(b) == 4);
	folder_rmdir(&b->folder, "a.json");
	LOOP_UNTIL(&b->loop, failures(b) == 5);
	assert_true(status_of(b, 0).failing);
	/* Still that one condition, and that list. */
	check_told(1, 0, NULL);
	assert_int_equal(b->changes, 0);
	assert_string_equal(node(b), "192.0.2.1");
	folder_replace(&b->folder, "a.json", NODE("192.0.2.1"));
	LOOP_UNTIL(&b->loop, told.ok > 0);
	check_told(0, 1, "1 nodes");
	assert_int_equal(b->changes, 0); /* it is the list that we have */
	folder_replace(&b->folder, "a.json", NODE("192.0.2.2"));
	wait_change(b);
	assert_string_equal(node(b), "192.0.2.2");
	check_told(0, 0, NULL);
}

static void
test_reasons_of_files(void **state)
{
	struct bench *b = *state;
	folder_write(&b->folder, "empty", "");
	folder_mkdir(&b->folder, "dir");
	assert_int_equal(mkfifo(folder_path(&b->folder, "fifo"), 0600), 0);
	FILE *big = fopen(folder_path(&b->folder, "big"), "we");
	assert_int_equal(ftruncate(fileno(big), (16 << 20) + 1), 0);
	fclose(big);
	configure(b, "media: {discovery: [{file: none}]}");
	check_told(1, 0, "there is no such file");
	configure(b, "media: {discovery: [{file: empty}]}");
	check_told(1, 0, "it is empty");
	configure(b, "media: {discovery: [{file: dir}]}");
	check_told(1, 0, "it is a directory");
	configure(b, "media: {discovery: [{file: fifo}]}");
	check_told(1, 0, "it is not a regular file");
	configure(b, "media: {discovery: [{file: big}]}");
	check_told(1, 0, "it is too large");
	assert_true(discovery_settled(b->discovery));
	assert_int_equal(lists(b), 0);
}

/* Root reads everything, so that another user has to try. */
static void
test_unreadable_file(void **state)
{
	struct bench *b = *state;
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	configure(b, "media: {discovery: [{file: /proc/1/mem}]}");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	check_told(1, 0, "permission denied");
}

static void
test_directory_made_again(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "d");
	folder_write(&b->folder, "d/a.json", NODE("192.0.2.1"));
	configure(b, "media: {discovery: [{file: d/a.json}]}");
	folder_unlink(&b->folder, "d/a.json");
	folder_rmdir(&b->folder, "d");
	LOOP_UNTIL(&b->loop, failures(b) == 1);
	assert_string_equal(node(b), "192.0.2.1");
	folder_mkdir(&b->folder, "d");
	folder_write(&b->folder, "d/a.json", NODE("192.0.2.2"));
	wait_change(b);
	assert_string_equal(node(b), "192.0.2.2");
}

/* ---- documents behind URLs ---- */

static void
test_url(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", TWO));
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	assert_false(discovery_settled(b->discovery));
	assert_int_equal(lists(b), 0);
	wait_change(b);
	assert_true(discovery_settled(b->discovery));
	assert_int_equal(lists(b), 1);
	assert_int_equal(status_of(b, 0).kind, SOURCE_DISCOVERY_URL);
	assert_int_equal(status_of(b, 0).nodes, 2);
	assert_null(strstr(origin_request(b->origin), "Authorization"));
}

static void
test_url_is_refreshed(void **state)
{
	struct bench *b = *state;
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.1")));
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	hurry(b, 100 * CLOCK_MS, CLOCK_SEC);
	wait_change(b);
	unsigned asked = origin_requests(b->origin);
	uint64_t start = clock_mono();
	LOOP_UNTIL(&b->loop, origin_requests(b->origin) >= asked + 4);
	assert_true(clock_mono() - start >= 3 * 85 * CLOCK_MS);
	assert_int_equal(b->changes, 1); /* the same again is no change */
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.2")));
	wait_change(b);
	assert_string_equal(node(b), "192.0.2.2");
}

static void
test_answers_that_are_none(void **state)
{
	static const struct {
		const char *answer, *cause;
	} row[] = {
	    {HTTP("500 Oops", ""), "HTTP 500"},
	    {HTTP("204 None", ""), "HTTP 204"},
	    {HTTP("200 OK", ""), "it is empty"},
	    {HTTP("401 No", ""), "HTTP 401: it wants a token, and no "
				 "bearer_token_file is configured"},
	    {HTTP("403 No", ""), "HTTP 403: it wants a token, and no "
				 "bearer_token_file is configured"},
	    {"HTTP/1.1 302 Go\r\nLocation: http://a.test/b?token=s3cret\r\n"
	     "Content-Length: 0\r\n\r\n",
		"HTTP 302 to http://a.test/b: redirects are not followed"},
	    {"HTTP/1.1 301 Go\r\nLocation: http://u:p@a.test/\r\n"
	     "Content-Length: 0\r\n\r\n",
		"HTTP 301 to elsewhere: redirects are not followed"},
	    {HTTP("200 OK", "<html>log in here</html>"), NULL},
	    {"junk", NULL},
	};
	struct bench *b = *state;
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.1")));
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	hurry(b, 20 * CLOCK_MS, 5 * CLOCK_SEC);
	wait_change(b);
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		memset(&told, 0, sizeof(told));
		origin_on(b->origin, "/c", ORIGIN_SEND, row[i].answer);
		LOOP_UNTIL(&b->loop, told.failed > 0);
		uint64_t n = failures(b);
		LOOP_UNTIL(&b->loop, failures(b) >= n + 2);
		check_told(1, 0, row[i].cause);
		assert_string_equal(node(b), "192.0.2.1");
		origin_on(b->origin, "/c", ORIGIN_SEND,
		    HTTP("200 OK", NODE("192.0.2.1")));
		LOOP_UNTIL(&b->loop, told.ok > 0);
		check_told(0, 1, "1 nodes");
	}
	assert_int_equal(b->changes, 1);
}

/* Servers that hold the line, drip, or flood: the loop is never held. */
static void
test_hostile_servers(void **state)
{
	static const struct {
		enum origin_mode mode;
		const char *text, *cause;
	} row[] = {
	    {ORIGIN_HOLD, "", "timed out"},
	    {ORIGIN_DRIP, HTTP("200 OK", NODE("192.0.2.66")), "timed out"},
	    {ORIGIN_RESET, "HTTP/1.1 200 OK\r\n", ""},
	    {ORIGIN_FLOOD, "HTTP/1.1 200 OK\r\n\r\n{", "too large"},
	    {ORIGIN_FLOOD,
		"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n"
		"\r\n{",
		"too large"},
	};
	struct bench *b = *state;
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	loop_watch_gaps(&b->loop);
	for (unsigned i = 0; i < sizeof(row) / sizeof(*row); i++) {
		origin_on(b->origin, "/c", row[i].mode, row[i].text);
		configure(b, "media: {discovery: []}");
		configure(b, "media: {discovery: [{url: '%s', timeout: %s}]}",
		    origin_url(b->origin, "/c"),
		    strstr(row[i].cause, "timed") ? "400ms" : "20s");
		memset(&told, 0, sizeof(told));
		LOOP_UNTIL(&b->loop, told.failed > 0);
		assert_non_null(strstr(told.cause, row[i].cause));
	}
	assert_int_equal(lists(b), 0);
	assert_true(b->loop.gap < CLOCK_SEC);
}

/* Pauses grow from 15 s on, and a server that asks for more gets it. */
static void
test_pauses_after_failures(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/c", ORIGIN_SEND,
	    "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	hurry(b, 50 * CLOCK_MS, CLOCK_SEC);
	LOOP_UNTIL(&b->loop, failures(b) == 1);
	uint64_t start = clock_mono();
	LOOP_UNTIL(&b->loop, failures(b) == 2);
	assert_true(clock_mono() - start >= CLOCK_SEC);
}

/* ---- tokens ---- */

static void
test_token(void **state)
{
	struct bench *b = *state;
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.1")));
	folder_write(&b->folder, "token", "first.Token\n");
	configure(b,
	    "media: {discovery: [{url: '%s', bearer_token_file: token}]}",
	    origin_url(b->origin, "/c"));
	hurry(b, 50 * CLOCK_MS, CLOCK_SEC);
	wait_change(b);
	assert_non_null(strstr(origin_request(b->origin),
	    "Authorization: Bearer first.Token\r\n"));
	/* Read anew each time. */
	folder_replace(&b->folder, "token", "second.Token");
	LOOP_UNTIL(&b->loop, strstr(origin_request(b->origin),
				 "Authorization: Bearer second.Token\r\n"));
	/* Refused: the message names the file and not what is in it. */
	memset(&told, 0, sizeof(told));
	origin_on(b->origin, "/c", ORIGIN_SEND, HTTP("401 No", ""));
	LOOP_UNTIL(&b->loop, told.failed > 0);
	assert_non_null(strstr(told.cause, "HTTP 401: the token in "));
	assert_non_null(strstr(told.cause, "/token is refused"));
	assert_null(strstr(told.cause, "second"));
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.1")));
	LOOP_UNTIL(&b->loop, told.ok > 0);
	/* Gone or unusable: not even asked. */
	memset(&told, 0, sizeof(told));
	folder_unlink(&b->folder, "token");
	LOOP_UNTIL(&b->loop, told.failed > 0);
	assert_non_null(strstr(told.cause, "token: there is no such file"));
	unsigned asked = origin_requests(b->origin);
	folder_write(&b->folder, "token", "a b\r\nX-Evil: 1");
	uint64_t n = failures(b);
	LOOP_UNTIL(&b->loop, failures(b) >= n + 3);
	assert_int_equal(origin_requests(b->origin), asked);
}

/* What is logged meanwhile, at the most talkative, holds no token. */
static void
test_token_is_not_logged(void **state)
{
	struct bench *b = *state;
	char line[512];
	FILE *log = tmpfile();
	int kept = dup(2);
	dup2(fileno(log), 2);
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	origin_on(b->origin, "/c", ORIGIN_SEND, HTTP("403 No", ""));
	folder_write(&b->folder, "token", "s3cretToken");
	configure(b,
	    "media: {discovery: [{url: '%s', bearer_token_file: token}]}",
	    origin_url(b->origin, "/c"));
	hurry(b, 20 * CLOCK_MS, CLOCK_SEC);
	LOOP_UNTIL(&b->loop, failures(b) >= 3);
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	dup2(kept, 2);
	close(kept);
	rewind(log);
	bool warned = false, any = false;
	while (fgets(line, sizeof(line), log)) {
		assert_null(strstr(line, "s3cret"));
		warned |= strstr(line, "clear text") != NULL;
		any |= strstr(line, "still: HTTP 403") != NULL;
	}
	fclose(log);
	assert_true(warned);
	assert_true(any);
}

/* ---- another configuration ---- */

static void
test_sources_that_stay_keep_their_list(void **state)
{
	struct bench *b = *state;
	char *url = origin_url(b->origin, "/c");
	origin_on(
	    b->origin, "/c", ORIGIN_SEND, HTTP("200 OK", NODE("192.0.2.1")));
	folder_write(&b->folder, "a.json", NODE("192.0.2.2"));
	configure(b, "media: {discovery: [{file: a.json}, {url: '%s'}]}", url);
	wait_change(b);
	assert_int_equal(lists(b), 2);
	/* In another order, and with a third one. */
	configure(b,
	    "media: {discovery: [{url: '%s'}, {file: a.json}, {file: b}]}",
	    url);
	assert_int_equal(lists(b), 2);
	assert_string_equal(node(b), "192.0.2.1");
	assert_int_equal(origin_requests(b->origin), 1);
	/* One goes, with its list. */
	configure(b, "media: {discovery: [{file: a.json}]}");
	assert_int_equal(lists(b), 1);
	assert_string_equal(node(b), "192.0.2.2");
	/* Fetched in another way: at once, and the list stays meanwhile. */
	configure(b, "media: {discovery: [{url: '%s'}]}", url);
	LOOP_UNTIL(&b->loop, lists(b) == 1);
	configure(b, "media: {discovery: [{url: '%s', timeout: 7s}]}", url);
	assert_int_equal(lists(b), 1);
	LOOP_UNTIL(&b->loop, origin_requests(b->origin) == 3);
	configure(b, "media: {discovery: []}");
	assert_int_equal(lists(b), 0);
	assert_true(discovery_settled(b->discovery));
}

static void
test_gone_while_fetching(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/c", ORIGIN_HOLD, "");
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	LOOP_UNTIL(&b->loop, origin_requests(b->origin) == 1);
	configure(b, "media: {discovery: []}");
	configure(b, "media: {discovery: [{url: '%s'}]}",
	    origin_url(b->origin, "/c"));
	LOOP_UNTIL(&b->loop, origin_requests(b->origin) == 2);
	check_told(0, 0, NULL);
}

/* ---- target files ---- */

static void
test_target_files(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "t");
	folder_write(&b->folder, "t/a.yml", TARGETS("a.test"));
	configure(b, "target_files: [t/*.yml]");
	assert_int_equal(files(b), 1);
	assert_string_equal(target_of(b, 0, 0)->host, "a.test");
	assert_int_equal(status_of(b, 0).kind, SOURCE_TARGET_FILE);
	assert_int_equal(status_of(b, 0).nodes, 1);
	/* One comes, JSON as well as YAML, with labels. */
	folder_replace(&b->folder, "t/b.yml",
	    "[{\"targets\":[\"b.test:1\",\"c.test:2\"],"
	    "\"labels\":{\"media_cluster\":\"c9\"}}]");
	wait_change(b);
	assert_int_equal(files(b), 2);
	assert_string_equal(target_of(b, 1, 1)->host, "c.test");
	assert_string_equal(target_of(b, 1, 1)->cluster, "c9");
	/* One changes, one goes. */
	folder_replace(&b->folder, "t/a.yml", TARGETS("d.test"));
	wait_change(b);
	assert_string_equal(target_of(b, 0, 0)->host, "d.test");
	folder_unlink(&b->folder, "t/b.yml");
	wait_change(b);
	assert_int_equal(files(b), 1);
	folder_unlink(&b->folder, "t/a.yml");
	folder_rmdir(&b->folder, "t");
	wait_change(b);
	assert_int_equal(files(b), 0);
	check_told(0, 0, NULL); /* a pattern may match nothing */
}

static void
test_bad_target_file_keeps_groups(void **state)
{
	static const char *const bad[] = {"", "targets: [", "- 7", "{}",
	    "- targets: ['nonsense:port']\n",
	    "- targets: [a.test]\n  labels: {__probe__: nope}\n"};
	struct bench *b = *state;
	folder_write(&b->folder, "a.yml", TARGETS("a.test"));
	folder_write(&b->folder, "b.yml", TARGETS("b.test"));
	configure(b, "target_files: ['*.yml']");
	folder_replace(&b->folder, "b.yml", "- 8");
	LOOP_UNTIL(&b->loop, told.failed > 0);
	memset(&told, 0, sizeof(told));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		folder_replace(&b->folder, "a.yml", bad[i]);
		LOOP_UNTIL(&b->loop, failures(b) == i + 1);
	}
	check_told(1, 0, "it is empty");
	assert_int_equal(files(b), 2);
	assert_string_equal(target_of(b, 0, 0)->host, "a.test");
	/* The other one was not read, nor counted, again. */
	assert_int_equal(status_of(b, 1).failures, 1);
	assert_int_equal(b->changes, 0);
	folder_replace(&b->folder, "a.yml", "[]\n");
	wait_change(b);
	assert_int_equal(files(b), 1);
	check_told(0, 1, "0 nodes");
	folder_replace(&b->folder, "a.yml", "\n- targets:\n  - 7:x\n");
	LOOP_UNTIL(&b->loop, told.failed > 0);
	assert_non_null(strstr(told.cause, "line 3, column 5: "));
}

/* A name without wildcards has to be there; its targets stay. */
static void
test_named_target_file(void **state)
{
	struct bench *b = *state;
	configure(b, "target_files: [a.yml]");
	check_told(1, 0, "there is no such file");
	folder_write(&b->folder, "a.yml", TARGETS("a.test"));
	wait_change(b);
	assert_int_equal(files(b), 1);
	check_told(0, 1, "1 nodes");
	folder_unlink(&b->folder, "a.yml");
	LOOP_UNTIL(&b->loop, told.failed > 0);
	assert_int_equal(files(b), 1);
	assert_int_equal(b->changes, 1);
}

/*
 * Defaults of the configuration are in the targets: they are read again. A
 * file that two patterns match is there once.
 */
static void
test_targets_follow_defaults(void **state)
{
	struct discovery_status st[8];
	struct bench *b = *state;
	folder_write(&b->folder, "a.yml", TARGETS("a.test"));
	configure(b, "defaults: {interval: 10s}\ntarget_files: ['*.yml']");
	assert_true(target_of(b, 0, 0)->probing.interval == 10 * CLOCK_SEC);
	configure(b, "defaults: {interval: 30s}\ntarget_files: ['*.yml']");
	assert_true(target_of(b, 0, 0)->probing.interval == 30 * CLOCK_SEC);
	assert_int_equal(b->changes, 0);
	configure(b, "target_files: ['*.yml', 'a.*']");
	assert_int_equal(files(b), 1);
	assert_int_equal(discovery_sources(b->discovery, st, 8), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_file),
	    T(test_file_fails),
	    T(test_reasons_of_files),
	    T(test_unreadable_file),
	    T(test_directory_made_again),
	    T(test_url),
	    T(test_url_is_refreshed),
	    T(test_answers_that_are_none),
	    T(test_hostile_servers),
	    T(test_pauses_after_failures),
	    T(test_token),
	    T(test_token_is_not_logged),
	    T(test_sources_that_stay_keep_their_list),
	    T(test_gone_while_fetching),
	    T(test_target_files),
	    T(test_bad_target_file_keeps_groups),
	    T(test_named_target_file),
	    T(test_targets_follow_defaults),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	event_subscribe(on_event, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
