/* Files as a whole: what they hold, how much at most, and pipes. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"

static char path[] = "/tmp/reachd-file-XXXXXX";

static int
make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int
remove_file(void **state)
{
	return unlink(path);
}

/* A file of n bytes, each its place in 251. */
static void
fill(size_t n)
{
	FILE *f = fopen(path, "w");

	for (size_t i = 0; i < n; i++)
		fputc((int)(i % 251), f);
	assert_int_equal(fclose(f), 0);
}

static void
sizes(void **state)
{
	static const size_t size[] = {0, 1, 4094, 4095, 4096, 4097, 100000};

	for (size_t k = 0; k < sizeof(size) / sizeof(*size); k++) {
		char *text = NULL;
		size_t len;

		fill(size[k]);
		assert_int_equal(file_read(path, size[k], &text, &len), 0);
		assert_int_equal(len, size[k]);
		assert_int_equal(text[len], '\0');
		for (size_t i = 0; i < len; i++)
			assert_int_equal((unsigned char)text[i], i % 251);
		free(text);
		text = NULL;
		if (size[k] > 0)
			assert_int_equal(
			    file_read(path, size[k] - 1, &text, &len), -EFBIG);
		assert_null(text);
	}
}

static void
what_is_no_file(void **state)
{
	char *text = NULL;
	size_t len;

	assert_int_equal(file_read("/nowhere/x", 9, &text, &len), -ENOENT);
	assert_int_equal(file_read("/", 9, &text, &len), -EISDIR);
	assert_int_equal(file_read("/dev/zero", 9, &text, &len), -EFBIG);
	assert_null(text);
}

static void
a_pipe_to_its_end(void **state)
{
	char name[64], *text;
	size_t len;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "hello", 5), 5);
	close(fd[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd[0]);
	assert_int_equal(file_read(name, 9, &text, &len), 0);
	assert_string_equal(text, "hello");
	free(text);
	close(fd[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(what_is_no_file),
	    cmocka_unit_test(a_pipe_to_its_end),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
