/* secret, and reading regular files: what is taken and what is not. */
#include "build.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "file.h"
#include "folder.h"
#include "secret.h"

static int
set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	folder_open(f);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	folder_close(*state);
	free(*state);
	return 0;
}

static void
check(struct folder *f, const char *content, int rc, const char *text)
{
	struct secret s;
	folder_write(f, "s", content);
	assert_int_equal(secret_read(&s, folder_path(f, "s")), rc);
	assert_string_equal(s.text, text);
	assert_int_equal(s.len, strlen(text));
}

static bool
is_zero(const struct secret *s)
{
	const unsigned char *b = (const void *)s;
	for (size_t i = 0; i < sizeof(*s); i++)
		if (b[i])
			return false;
	return true;
}

static void
test_content(void **state)
{
	struct folder *f = *state;
	struct secret s;
	char most[SECRET_MOST + 2];
	check(f, "abc.DEF-123", 0, "abc.DEF-123");
	check(f, "abc\n", 0, "abc");
	check(f, "abc \t\r\n\n", 0, "abc");
	check(f, "", -EBADMSG, "");
	check(f, "\n \n", -EBADMSG, "");
	check(f, "two words", -EBADMSG, "");
	check(f, "line\r\nX-Evil: 1", -EBADMSG, "");
	check(f, " abc", -EBADMSG, "");
	check(f, "del\x7f", -EBADMSG, "");
	memset(most, 'x', sizeof(most));
	most[SECRET_MOST] = '\0';
	check(f, most, 0, most);
	most[SECRET_MOST] = 'x';
	most[SECRET_MOST + 1] = '\0';
	check(f, most, -EFBIG, "");
	folder_write(f, "s", "abc");
	assert_int_equal(secret_read(&s, folder_path(f, "s")), 0);
	secret_wipe(&s);
	assert_true(is_zero(&s));
	/* Nothing of a secret that was refused stays behind either. */
	folder_write(f, "s", "two words");
	assert_int_equal(secret_read(&s, folder_path(f, "s")), -EBADMSG);
	assert_true(is_zero(&s));
}

/* A NUL cannot end a token early, nor be a white space at its end. */
static void
test_nul(void **state)
{
	struct folder *f = *state;
	struct secret s;
	FILE *out = fopen(folder_path(f, "s"), "we");
	assert_int_equal(fwrite("ab\0", 1, 3, out), 3);
	fclose(out);
	assert_int_equal(secret_read(&s, folder_path(f, "s")), -EBADMSG);
}

static void
test_no_regular_file(void **state)
{
	struct folder *f = *state;
	struct secret s;
	char *text = NULL;
	size_t len;
	/* A FIFO that nobody writes to would hold an open() for ever. */
	assert_int_equal(mkfifo(folder_path(f, "fifo"), 0600), 0);
	assert_int_equal(secret_read(&s, folder_path(f, "fifo")), -EINVAL);
	assert_int_equal(
	    file_read_regular(folder_path(f, "fifo"), 9, &text, &len), -EINVAL);
	assert_int_equal(
	    file_read_regular("/dev/zero", 9, &text, &len), -EINVAL);
	assert_int_equal(secret_read(&s, f->path), -EISDIR);
	assert_int_equal(secret_read(&s, folder_path(f, "none")), -ENOENT);
	assert_null(text);
}

static void
test_regular_file(void **state)
{
	struct folder *f = *state;
	char *text = NULL;
	size_t len;
	folder_write(f, "a", "hello");
	assert_int_equal(
	    file_read_regular(folder_path(f, "a"), 5, &text, &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(text, "hello");
	free(text);
	text = NULL;
	assert_int_equal(
	    file_read_regular(folder_path(f, "a"), 4, &text, &len), -EFBIG);
	assert_null(text);
	folder_write(f, "a", "");
	assert_int_equal(
	    file_read_regular(folder_path(f, "a"), 4, &text, &len), 0);
	assert_int_equal(len, 0);
	assert_string_equal(text, "");
	free(text);
}

static void
test_reasons(void **state)
{
	assert_string_equal(file_why(-ENOENT), "there is no such file");
	assert_string_equal(file_why(-EACCES), "permission denied");
	assert_string_equal(file_why(-EISDIR), "it is a directory");
	assert_string_equal(file_why(-EINVAL), "it is not a regular file");
	assert_string_equal(file_why(-EFBIG), "it is too large");
	assert_string_equal(file_why(-EIO), strerror(EIO));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_content),
	    T(test_nul),
	    T(test_no_regular_file),
	    T(test_regular_file),
	    cmocka_unit_test(test_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
