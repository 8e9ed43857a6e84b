/*
 * The journal: exact bytes of entries, what is done when it is behind or
 * gone, and when standard error is taken for it.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "log_journal.h"

/* A socket that stands for the journal's. */
static char directory[] = "/tmp/reachd-journal-XXXXXX", path[64];
static int journal = -1;

static int
open_journal(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	memcpy(un.sun_path, path, strlen(path) + 1);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return bind(journal, (struct sockaddr *)&un, sizeof(un));
}

static int
close_journal(void **state)
{
	close(journal);
	unlink(path);
	return rmdir(directory);
}

/* The next entry, "" for none. */
static const char *
entry(size_t *len)
{
	static char bytes[8192];
	ssize_t n = recv(journal, bytes, sizeof(bytes) - 1, 0);

	*len = n > 0 ? (size_t)n : 0;
	bytes[*len] = '\0';
	return bytes;
}

static void
expect(const char *bytes, size_t len)
{
	size_t n;
	const char *got = entry(&n);

	if (n != len || memcmp(got, bytes, len) != 0)
		fail_msg("got %zu octets, not %zu:\n%s", n, len, got);
}

#define EXPECT(text) expect(text, sizeof(text) - 1)

static void
entries(void **state)
{
	log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_to_journal(path), 0);
	log_warn("sched", "late by %d ms", 12);
	EXPECT("REACHD_COMPONENT=sched\nMESSAGE=late by 12 ms\nPRIORITY=4\n"
	       "SYSLOG_IDENTIFIER=reachd\n");
	log_fields(LOG_LEVEL_INFO, "event", "target is down", "event",
	    "target_down", "target", "edge 1", "from", NULL, "media-cluster",
	    "fra1", NULL);
	EXPECT("REACHD_COMPONENT=event\nREACHD_EVENT=target_down\n"
	       "REACHD_TARGET=edge 1\nREACHD_MEDIA_CLUSTER=fra1\n"
	       "MESSAGE=target is down event=target_down target=\"edge 1\" "
	       "media-cluster=fra1\nPRIORITY=6\nSYSLOG_IDENTIFIER=reachd\n");
	log_error("x", "e");
	EXPECT("REACHD_COMPONENT=x\nMESSAGE=e\nPRIORITY=3\n"
	       "SYSLOG_IDENTIFIER=reachd\n");
	log_debug("x", "d");
	EXPECT("REACHD_COMPONENT=x\nMESSAGE=d\nPRIORITY=7\n"
	       "SYSLOG_IDENTIFIER=reachd\n");
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL);
	log_debug("x", "not wanted");
	EXPECT("");
}

/* Text from outside makes no field of its own, and no escape sequence. */
static void
hostile_text(void **state)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_to_journal(path), 0);
	log_fields(LOG_LEVEL_INFO, "c", "m\nPRIORITY=0", "cause",
	    "a\nPRIORITY=0", NULL);
	EXPECT("REACHD_COMPONENT=c\n"
	       "REACHD_CAUSE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n"
	       "MESSAGE=m\\nPRIORITY=0 cause=\"a\\nPRIORITY=0\"\nPRIORITY=6\n"
	       "SYSLOG_IDENTIFIER=reachd\n");
	log_info("c", "%s", "\x1b[2J \"q\" \\ \xff");
	EXPECT("REACHD_COMPONENT=c\nMESSAGE=\\u001b[2J \"q\" \\ \\ufffd\n"
	       "PRIORITY=6\nSYSLOG_IDENTIFIER=reachd\n");
}

/* What goes to standard error while f runs, in a pipe's worth. */
static const char *
errors_of(void (*f)(void))
{
	static char text[4096];
	int fd[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	dup2(fd[1], STDERR_FILENO);
	f();
	dup2(saved, STDERR_FILENO);
	n = read(fd[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(saved);
	close(fd[0]);
	close(fd[1]);
	return text;
}

static void
one_line(void)
{
	log_fields(LOG_LEVEL_WARN, "c", "m", "k", "v w", NULL);
}

/* Its socket was never reached: text with the priority. */
static void
no_journal_yet(void **state)
{
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JOURNAL);
	assert_int_equal(log_to_journal("/nowhere/socket"), -ENOENT);
	assert_string_equal(errors_of(one_line), "<4>m k=\"v w\"\n");
}

static void
many_lines(void)
{
	for (int i = 0; i < 190; i++)
		log_line(LOG_LEVEL_INFO, "c", "a line of its own kind");
}

/* Nobody reads: lines are counted, nothing waits, nothing else is written. */
static void
a_journal_that_is_behind(void **state)
{
	uint64_t before = log_left_out(LOG_LEVEL_INFO);
	size_t n, got = 0;

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_to_journal(path), 0);
	assert_string_equal(errors_of(many_lines), "");
	while (entry(&n)[0] != '\0')
		got++;
	assert_true(got > 0 && got < 190);
	assert_int_equal(log_left_out(LOG_LEVEL_INFO) - before, 190 - got);
}

/* It is gone: text with the priority, which the manager understands. */
static void
a_journal_that_is_gone(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_to_journal("/nowhere/socket"), -ENOENT);
	assert_non_null(strstr(errors_of(one_line), "level=warn"));
	assert_int_equal(log_to_journal(path), 0);
	close(journal);
	unlink(path);
	assert_string_equal(errors_of(one_line), "<4>m k=\"v w\"\n");
	memcpy(un.sun_path, path, strlen(path) + 1);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(journal, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(log_to_journal(path), 0);
	assert_string_equal(errors_of(one_line), "");
}

static void
whose_standard_error_it_is(void **state)
{
	static const char *const wrong[] = {"", "1", "1:", ":1", "x:y", "0:0"};
	char text[64], more[80];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	unsetenv("JOURNAL_STREAM");
	assert_false(log_journal_is_stderr());
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		setenv("JOURNAL_STREAM", wrong[i], 1);
		assert_false(log_journal_is_stderr());
	}
	setenv("JOURNAL_STREAM", text, 1);
	assert_true(log_journal_is_stderr());
	snprintf(more, sizeof(more), "%s1", text);
	setenv("JOURNAL_STREAM", more, 1);
	assert_false(log_journal_is_stderr());
	snprintf(more, sizeof(more), "%s ", text);
	setenv("JOURNAL_STREAM", more, 1);
	assert_false(log_journal_is_stderr());
	unsetenv("JOURNAL_STREAM");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_journal_yet),
	    cmocka_unit_test(entries),
	    cmocka_unit_test(hostile_text),
	    cmocka_unit_test(a_journal_that_is_behind),
	    cmocka_unit_test(a_journal_that_is_gone),
	    cmocka_unit_test(whose_standard_error_it_is),
	};

	return cmocka_run_group_tests(tests, open_journal, close_journal);
}
