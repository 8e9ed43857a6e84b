/* Log lines: exact bytes of both formats, hostile text, one write a line. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

enum { THREADS = 4, LINES = 40 };

/* What was written to standard error, one write(2) at a time. */
static int saved, reader;

static void
capture(void)
{
	int fd[2];

	/* O_DIRECT: each read(2) returns the bytes of one write(2). */
	assert_int_equal(pipe2(fd, O_DIRECT | O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(fd[1], STDERR_FILENO) >= 0);
	close(fd[1]);
	reader = fd[0];
}

static void
release(void)
{
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(reader);
}

/* The next write, NUL-terminated; "" when there is none. */
static const char *
next(void)
{
	static char text[4097];
	ssize_t n = read(reader, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_logfmt(void **state)
{
	clock_fake(1, INT64_C(1684923072123456789));
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	capture();
	log_info("sched", "late by %d ms", 12);
	log_warn("sched", "x");
	log_fields(LOG_LEVEL_ERROR, "config", "not loaded", "file", "/etc/a b",
	    "line", "7", "empty", "", "eq", "a=b", NULL);
	assert_string_equal(next(),
	    "ts=2023-05-24T10:11:12.123Z level=info component=sched "
	    "msg=\"late by 12 ms\"\n");
	assert_string_equal(next(),
	    "ts=2023-05-24T10:11:12.123Z level=warn component=sched msg=x\n");
	assert_string_equal(next(),
	    "ts=2023-05-24T10:11:12.123Z level=error component=config "
	    "msg=\"not loaded\" file=\"/etc/a b\" line=7 empty=\"\" "
	    "eq=\"a=b\"\n");
	assert_string_equal(next(), "");
	release();
}

static void
test_json(void **state)
{
	clock_fake(1, 0);
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	capture();
	log_fields(LOG_LEVEL_DEBUG, "tls", "a \"b\"", "k", "1\\2", NULL);
	assert_string_equal(next(),
	    "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"debug\","
	    "\"component\":\"tls\",\"msg\":\"a \\\"b\\\"\","
	    "\"k\":\"1\\\\2\"}\n");
	release();
}

static const struct {
	const char *in, *logfmt, *text;
} hostile[] = {
    {"a\nlevel=error", "\"a\\nlevel=error\"", "a\nlevel=error"},
    {"\r\t", "\"\\r\\t\"", "\r\t"},
    {"\x1b[2J", "\"\\u001b[2J\"", "\x1b[2J"},
    {"\x7f", "\"\\u007f\"", "\x7f"},
    /* C1 CSI, well-formed UTF-8 and yet a terminal's command. */
    {"\xc2\x9b", "\"\\u009b\"", "\xc2\x9b"},
    {"caf\xc3\xa9", "\"caf\xc3\xa9\"", "caf\xc3\xa9"},
    {"\xf0\x9f\x8e\xa7", "\"\xf0\x9f\x8e\xa7\"", "\xf0\x9f\x8e\xa7"},
    {"\xff", "\"\\ufffd\"", "\xef\xbf\xbd"},
    {"\xc3", "\"\\ufffd\"", "\xef\xbf\xbd"},
    /* Overlong "/", a surrogate, beyond U+10FFFF. */
    {"\xc0\xaf", "\"\\ufffd\\ufffd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"",
	"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
	"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\\", "\"\\\\\"", "\\"},
    {"back\\slash\"quote", "\"back\\\\slash\\\"quote\"", "back\\slash\"quote"},
};

/* Logfmt by its bytes, JSON by what another implementation reads. */
static void
test_hostile(void **state)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		char want[256];
		json_t *j;

		capture();
		log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
		log_info("c", "%s", hostile[i].in);
		snprintf(want, sizeof(want),
		    "ts=1970-01-01T00:00:00.000Z level=info component=c "
		    "msg=%s\n",
		    hostile[i].logfmt);
		assert_string_equal(next(), want);
		log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
		log_info("c", "%s", hostile[i].in);
		j = json_loads(next(), 0, NULL);
		assert_non_null(j);
		assert_string_equal(
		    json_string_value(json_object_get(j, "msg")),
		    hostile[i].text);
		json_decref(j);
		release();
	}
}

static void
test_levels(void **state)
{
	uint64_t before[LOG_LEVELS];

	for (unsigned i = 0; i < LOG_LEVELS; i++)
		before[i] = log_count((enum log_level)i);
	capture();
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	log_debug("c", "a");
	log_info("c", "b");
	log_warn("c", "c");
	log_error("c", "d");
	log_fields(LOG_LEVEL_INFO, "c", "e", "k", "v", NULL);
	assert_non_null(strstr(next(), "level=warn component=c msg=c"));
	assert_non_null(strstr(next(), "level=error component=c msg=d"));
	assert_string_equal(next(), "");
	release();
	assert_int_equal(log_count(LOG_LEVEL_DEBUG), before[0]);
	assert_int_equal(log_count(LOG_LEVEL_INFO), before[1]);
	assert_int_equal(log_count(LOG_LEVEL_WARN), before[2] + 1);
	assert_int_equal(log_count(LOG_LEVEL_ERROR), before[3] + 1);
}

static void
test_names(void **state)
{
	enum log_level level;
	enum log_format format;

	for (unsigned i = 0; i < LOG_LEVELS; i++) {
		const char *name = log_level_name((enum log_level)i);

		assert_int_equal(log_level_parse(name, &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("WARN", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_int_equal(log_level_parse("warning", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_string_equal(log_level_name((enum log_level)9), "none");
	assert_int_equal(log_format_parse("json", &format), 0);
	assert_int_equal(format, LOG_FORMAT_JSON);
	assert_int_equal(log_format_parse("logfmt", &format), 0);
	assert_int_equal(format, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_format_parse("xml", &format), -EINVAL);
}

/* A message longer than any buffer inside comes out whole. */
static void
test_long(void **state)
{
	char text[3001];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	capture();
	errno = ENOENT;
	log_info("c", "%s", text);
	assert_int_equal(errno, ENOENT);
	line = next();
	assert_int_equal(strspn(strstr(line, "msg=") + 4, "x"), 3000);
	assert_int_equal(line[strlen(line) - 1], '\n');
	release();
}

static void *
write_lines(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_info("thread", "%d:%d", *(int *)arg, i);
	return NULL;
}

/* Lines of one thread stay in order, and every write is one whole line. */
static void
test_threads(void **state)
{
	pthread_t thread[THREADS];
	int id[THREADS], seen[THREADS] = {0};
	uint64_t before = log_count(LOG_LEVEL_INFO);

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	capture();
	assert_true(fcntl(reader, F_SETPIPE_SZ, 1 << 20) > 0);
	assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, O_DIRECT), 0);
	assert_int_equal(fcntl(reader, F_SETFL, O_DIRECT), 0);
	for (int i = 0; i < THREADS; i++) {
		id[i] = i;
		assert_int_equal(
		    pthread_create(&thread[i], NULL, write_lines, &id[i]), 0);
	}
	for (int i = 0; i < THREADS * LINES; i++) {
		const char *line = next();
		int who = -1, n = -1;
		char newline = 0;

		assert_int_equal(sscanf(line,
				     "ts=1970-01-01T00:00:00.000Z level=info "
				     "component=thread msg=%d:%d%c",
				     &who, &n, &newline),
		    3);
		assert_int_equal(newline, '\n');
		assert_true(who >= 0 && who < THREADS);
		assert_int_equal(n, seen[who]++);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	release();
	assert_int_equal(log_count(LOG_LEVEL_INFO), before + THREADS * LINES);
}

/* Beyond a burst lines of a kind are counted, and told of at the next tick. */
static void
test_too_many(void **state)
{
	uint64_t before = log_left_out(LOG_LEVEL_WARN);

	clock_fake(CLOCK_SEC, 0);
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	capture();
	assert_true(fcntl(reader, F_SETPIPE_SZ, 1 << 20) > 0);
	for (int i = 0; i < 203; i++)
		log_fields(
		    LOG_LEVEL_WARN, "event", "target is gone", "k", "v", NULL);
	for (int i = 0; i < 23; i++)
		log_debug("event", "target is gone");
	for (int i = 0; i < 200; i++)
		assert_non_null(strstr(next(), "msg=\"target is gone\" k=v\n"));
	for (int i = 0; i < 23; i++)
		assert_non_null(strstr(next(), "level=debug"));
	assert_string_equal(next(), "");
	assert_int_equal(log_left_out(LOG_LEVEL_WARN) - before, 3);
	log_tick();
	assert_string_equal(next(),
	    "ts=1970-01-01T00:00:00.000Z level=warn component=event "
	    "msg=\"too many lines of one kind: some were left out\" "
	    "count=3 kind=\"target is gone\"\n");
	log_tick();
	assert_string_equal(next(), "");
	release();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_logfmt),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
