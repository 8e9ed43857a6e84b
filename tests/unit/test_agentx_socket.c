/* Whether the socket that was connected to is the one that is there. */
#include "build.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "agentx_socket.h"
#include "folder.h"

/* Each stays open, so that no two have the same inode. */
static void
put(const char *path)
{
	assert_true(open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0);
}

static void
test_replaced(void **state)
{
	struct folder f;
	struct agentx_socket s = {0};

	folder_open(&f);
	s.path = folder_path(&f, "master");
	/* Of what was never there nothing can be said. */
	agentx_socket_connected(&s);
	assert_false(agentx_socket_is_replaced(&s));
	put(s.path);
	assert_false(agentx_socket_is_replaced(&s));
	agentx_socket_connected(&s);
	assert_false(agentx_socket_is_replaced(&s));
	/* Other rights do not make it another. */
	assert_int_equal(chmod(s.path, 0660), 0);
	assert_false(agentx_socket_is_replaced(&s));
	/* Removed only: its master may live on. */
	assert_int_equal(unlink(s.path), 0);
	assert_false(agentx_socket_is_replaced(&s));
	put(s.path);
	assert_true(agentx_socket_is_replaced(&s));
	agentx_socket_connected(&s);
	assert_false(agentx_socket_is_replaced(&s));
	folder_close(&f);
}

/* What is logged is remembered, so that it is said once. */
static void
test_reasons(void **state)
{
	struct folder f;
	struct agentx_socket s = {0};

	folder_open(&f);
	s.path = folder_path(&f, "master");
	agentx_socket_look(&s);
	assert_int_equal(s.told, ENOENT);
	put(s.path);
	agentx_socket_look(&s);
	assert_int_equal(s.told, ENOENT); /* it may just have come */
	agentx_socket_look(&s);
	assert_int_equal(s.told, ECONNREFUSED);
	agentx_socket_connected(&s);
	assert_int_equal(s.told, 0);
	folder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
