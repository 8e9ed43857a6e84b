/* Locks of state files, between processes. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "folder.h"
#include "state_lock.h"

#define LONG (60 * CLOCK_SEC)

/* A process that holds a lock until `end` is closed, or it is killed. */
struct holder {
	pid_t pid;
	int end;
};

static void
hold(struct holder *h, const char *file)
{
	int ready[2], end[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		struct state_lock l = {0};
		struct buf errors = BUF_INIT;

		close(end[1]);
		if (state_lock_move(&l, file, 0, &errors) < 0 ||
		    write(ready[1], "y", 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	h->end = end[1];
}

static int
reap(struct holder *h)
{
	int status;

	close(h->end);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	return status;
}

static void
test_another_has_it(void **state)
{
	struct state_lock l = {0};
	struct buf errors = BUF_INIT;
	struct folder f;
	struct holder h;
	char who[96];

	folder_open(&f);
	hold(&h, folder_path(&f, "state"));
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "state"), 0, &errors), -EBUSY);
	assert_null(l.file);
	snprintf(who, sizeof(who),
	    "/state is in use by another reachd (process %ld); stop that one",
	    (long)h.pid);
	assert_non_null(strstr(buf_str(&errors), who));
	/* Another file beside it is free. */
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "other"), 0, &errors), 0);
	/* What is held is kept when the next is not to be had. */
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "state"), 0, &errors), -EBUSY);
	assert_string_equal(l.file, folder_path(&f, "other"));
	state_lock_drop(&l);
	assert_int_equal(reap(&h), 0);
	buf_free(&errors);
	folder_close(&f);
}

/* However it ends: the next one may. */
static void
test_the_other_ends(void **state)
{
	struct buf errors = BUF_INIT;
	struct folder f;

	folder_open(&f);
	for (int killed = 0; killed < 2; killed++) {
		struct state_lock l = {0};
		struct holder h;

		hold(&h, folder_path(&f, "state"));
		if (killed)
			kill(h.pid, SIGKILL);
		close(h.end);
		/* It is ending while we wait. */
		assert_int_equal(state_lock_move(&l, folder_path(&f, "state"),
				     LONG, &errors),
		    0);
		assert_int_equal(errors.len, 0);
		h.end = -1;
		assert_int_equal(WIFSIGNALED(reap(&h)) != 0, killed);
		state_lock_drop(&l);
	}
	buf_free(&errors);
	folder_close(&f);
}

/* By the same name, another name of the same file, another file, none. */
static void
test_moves(void **state)
{
	struct state_lock l = {0};
	struct buf errors = BUF_INIT;
	struct folder f;
	struct holder h;
	char again[PATH_MAX];

	folder_open(&f);
	assert_int_equal(state_lock_move(&l, NULL, 0, &errors), 0);
	assert_null(l.file);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "a"), 0, &errors), 0);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "a"), 0, &errors), 0);
	snprintf(again, sizeof(again), "%s/./a", f.path);
	assert_int_equal(state_lock_move(&l, again, 0, &errors), 0);
	assert_string_equal(l.file, again);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "b"), 0, &errors), 0);
	hold(&h, folder_path(&f, "a"));
	assert_int_equal(reap(&h), 0);
	assert_int_equal(state_lock_move(&l, NULL, 0, &errors), 0);
	hold(&h, folder_path(&f, "b"));
	assert_int_equal(reap(&h), 0);
	state_lock_drop(&l);
	state_lock_drop(&l);
	assert_int_equal(errors.len, 0);
	buf_free(&errors);
	folder_close(&f);
}

/* Where there can be no lock the state is still kept; nothing hangs. */
static void
test_no_place_for_it(void **state)
{
	struct state_lock l = {0};
	struct buf errors = BUF_INIT;
	struct folder f;

	folder_open(&f);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "gone/state"), LONG, &errors),
	    0);
	assert_int_equal(l.fd, -1);
	folder_mkdir(&f, "state.lock");
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "state"), LONG, &errors), 0);
	assert_int_equal(l.fd, -1);
	folder_write(&f, "precious", "text");
	assert_int_equal(
	    symlink(folder_path(&f, "precious"), folder_path(&f, "s.lock")), 0);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "s"), LONG, &errors), 0);
	assert_int_equal(l.fd, -1);
	assert_int_equal(mkfifo(folder_path(&f, "fifo.lock"), 0600), 0);
	assert_int_equal(
	    state_lock_move(&l, folder_path(&f, "fifo"), LONG, &errors), 0);
	assert_int_equal(errors.len, 0);
	state_lock_drop(&l);
	buf_free(&errors);
	folder_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_another_has_it),
	    cmocka_unit_test(test_the_other_ends),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_no_place_for_it),
	};

	return cmocka_run_group_tests_name("state_lock", tests, NULL, NULL);
}
