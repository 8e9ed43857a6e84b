/* watch: what is seen as a change of a file, and what is not. */
#include "build.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "clock.h"
#include "folder.h"
#include "loop.h"
#include "watch.h"

struct bench {
	struct loop loop;
	struct folder folder;
	struct watch *watch;
	unsigned changes;
	uv_timer_t writer;
	unsigned writes;
};

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
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;
	watch_free(b->watch);
	loop_close(&b->loop);
	folder_close(&b->folder);
	free(b);
	return 0;
}

/* Events only, unless recheck is given: a look without events is far away. */
static void
begin_with(struct bench *b, const char *name, bool glob, uint64_t recheck)
{
	struct watch_setup setup = {
	    .loop = &b->loop.uv,
	    .path = folder_path(&b->folder, name),
	    .glob = glob,
	    .settle = 30 * CLOCK_MS,
	    .recheck = recheck ? recheck : 3600 * CLOCK_SEC,
	    .changed = on_changed,
	    .arg = b,
	};
	b->watch = watch_new(&setup);
	assert_non_null(b->watch);
}

static void
begin(struct bench *b, const char *name)
{
	begin_with(b, name, false, 0);
}

/* One more call, and as many files as that. */
static void
expect(struct bench *b, size_t files)
{
	const struct watch_file *file;
	unsigned before = b->changes;
	loop_until_count(&b->loop, &b->changes, before + 1);
	assert_int_equal(b->changes, before + 1);
	assert_int_equal(watch_files(b->watch, &file), files);
}

static uint64_t
stamp_of(struct bench *b, size_t i)
{
	const struct watch_file *file;
	assert_true(watch_files(b->watch, &file) > i);
	return file[i].stamp;
}

static void
test_life_of_a_file(void **state)
{
	struct bench *b = *state;
	begin(b, "a");
	folder_write(&b->folder, "a", "one");
	expect(b, 1);
	uint64_t first = stamp_of(b, 0);
	folder_write(&b->folder, "a", "two");
	expect(b, 1);
	uint64_t second = stamp_of(b, 0);
	assert_true(first != second);
	folder_replace(&b->folder, "a", "two");
	expect(b, 1);
	assert_true(second != stamp_of(b, 0));
	assert_int_equal(chmod(folder_path(&b->folder, "a"), 0), 0);
	expect(b, 1);
	folder_unlink(&b->folder, "a");
	expect(b, 0);
	folder_replace(&b->folder, "a", "");
	expect(b, 1);
}

/* Neighbours and reading are no change: exactly one call for the real one. */
static void
test_noise(void **state)
{
	struct bench *b = *state;
	char line[8];
	folder_write(&b->folder, "a", "one");
	begin(b, "a");
	for (unsigned i = 0; i < 20; i++) {
		FILE *in = fopen(folder_path(&b->folder, "a"), "re");
		assert_non_null(fgets(line, sizeof(line), in));
		fclose(in);
		folder_write(&b->folder, "b", "other");
		uv_run(&b->loop.uv, UV_RUN_NOWAIT);
	}
	folder_unlink(&b->folder, "b");
	folder_write(&b->folder, "a", "two");
	expect(b, 1);
	assert_int_equal(b->changes, 1);
}

static void
test_burst_is_one(void **state)
{
	struct bench *b = *state;
	begin(b, "a");
	for (unsigned i = 0; i < 50; i++)
		folder_replace(&b->folder, "a", i % 2 ? "x" : "yy");
	expect(b, 1);
	folder_write(&b->folder, "a", "end");
	expect(b, 1);
	assert_int_equal(b->changes, 2);
}

static void
on_write(uv_timer_t *t)
{
	struct bench *b = t->data;
	folder_write(&b->folder, "a", b->writes++ % 2 ? "x" : "yy");
}

/* A file that is written to without end is told of all the same. */
static void
test_endless_burst(void **state)
{
	struct bench *b = *state;
	begin(b, "a");
	uv_timer_init(&b->loop.uv, &b->writer);
	b->writer.data = b;
	uv_timer_start(&b->writer, on_write, 1, 5);
	loop_until_count(&b->loop, &b->changes, 2);
	assert_true(b->writes > b->changes);
	uv_close((uv_handle_t *)&b->writer, NULL);
}

/* The same inode number comes back often, the watch on it is dead. */
static void
test_directory_made_again(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "d");
	folder_write(&b->folder, "d/a", "one");
	begin(b, "d/a");
	for (unsigned i = 0; i < 4; i++) {
		folder_unlink(&b->folder, "d/a");
		folder_rmdir(&b->folder, "d");
		expect(b, 0);
		folder_mkdir(&b->folder, "d");
		folder_write(&b->folder, "d/a", "two");
		expect(b, 1);
		folder_write(&b->folder, "d/a", "three");
		expect(b, 1);
	}
}

/* Removed and made again before anybody looked. */
static void
test_directory_swapped(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "d");
	folder_write(&b->folder, "d/a", "one");
	begin(b, "d/a");
	folder_mkdir(&b->folder, "e");
	folder_write(&b->folder, "e/a", "two");
	folder_rename(&b->folder, "d", "old");
	folder_rename(&b->folder, "e", "d");
	expect(b, 1);
	folder_write(&b->folder, "d/a", "three");
	expect(b, 1);
}

static void
test_directory_comes_late(void **state)
{
	struct bench *b = *state;
	begin(b, "x/y/a");
	folder_mkdir(&b->folder, "x");
	folder_mkdir(&b->folder, "x/y");
	folder_write(&b->folder, "x/y/a", "one");
	expect(b, 1);
	folder_replace(&b->folder, "x/y/a", "two");
	expect(b, 1);
}

/* As container managers mount files: file -> ..data/file, ..data -> ..1 */
static void
test_symlink_swapped(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "..1");
	folder_mkdir(&b->folder, "..2");
	folder_write(&b->folder, "..1/a", "same");
	folder_write(&b->folder, "..2/a", "same");
	assert_int_equal(symlink("..1", folder_path(&b->folder, "..data")), 0);
	assert_int_equal(symlink("..data/a", folder_path(&b->folder, "a")), 0);
	begin(b, "a");
	assert_int_equal(symlink("..2", folder_path(&b->folder, "..tmp")), 0);
	folder_rename(&b->folder, "..tmp", "..data");
	expect(b, 1);
	/* In its new place it is watched, too. */
	folder_write(&b->folder, "..2/a", "another");
	expect(b, 1);
}

/* As resolv.conf is: a symlink to what others write elsewhere. */
static void
test_symlink_target_written(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "etc");
	folder_mkdir(&b->folder, "run");
	folder_write(&b->folder, "run/a", "one");
	assert_int_equal(
	    symlink("../run/a", folder_path(&b->folder, "etc/a")), 0);
	begin(b, "etc/a");
	folder_replace(&b->folder, "run/a", "two");
	expect(b, 1);
}

static void
test_pattern(void **state)
{
	struct bench *b = *state;
	const struct watch_file *file;
	folder_mkdir(&b->folder, "d");
	folder_write(&b->folder, "d/m.yml", "one");
	begin_with(b, "d/*.yml", true, 0);
	assert_int_equal(watch_files(b->watch, &file), 1);
	uint64_t stamp = file[0].stamp;
	folder_write(&b->folder, "d/a.yml", "one");
	folder_write(&b->folder, "d/a.txt", "no");
	expect(b, 2);
	watch_files(b->watch, &file);
	assert_string_equal(file[0].path, folder_path(&b->folder, "d/a.yml"));
	assert_string_equal(file[1].path, folder_path(&b->folder, "d/m.yml"));
	assert_true(file[1].stamp == stamp);
	folder_replace(&b->folder, "d/m.yml", "two");
	expect(b, 2);
	assert_true(stamp_of(b, 1) != stamp);
	folder_rename(&b->folder, "d/a.yml", "d/a.off");
	expect(b, 1);
	folder_unlink(&b->folder, "d/m.yml");
	expect(b, 0);
}

/* A plain path is one, whatever stands in it. */
static void
test_brackets(void **state)
{
	struct bench *b = *state;
	folder_write(&b->folder, "a", "wrong");
	begin(b, "[a]*");
	folder_write(&b->folder, "[a]*", "right");
	expect(b, 1);
}

/* What sends no event is seen by looking. */
static void
test_recheck(void **state)
{
	struct bench *b = *state;
	folder_mkdir(&b->folder, "d");
	folder_mkdir(&b->folder, "far");
	folder_write(&b->folder, "far/a", "one");
	assert_int_equal(
	    symlink("../far/a", folder_path(&b->folder, "d/a.yml")), 0);
	begin_with(b, "d/*.yml", true, 50 * CLOCK_MS);
	folder_write(&b->folder, "far/a", "two");
	expect(b, 1);
}

/* Freed with events and calls on their way: nothing is called. */
static void
test_free_while_pending(void **state)
{
	struct bench *b = *state;
	begin(b, "a");
	folder_write(&b->folder, "a", "one");
	uv_run(&b->loop.uv, UV_RUN_NOWAIT);
	watch_free(b->watch);
	watch_free(NULL);
	begin(b, "a");
	folder_write(&b->folder, "a", "two");
	expect(b, 1);
	assert_int_equal(b->changes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_life_of_a_file),
	    T(test_noise),
	    T(test_burst_is_one),
	    T(test_endless_burst),
	    T(test_directory_made_again),
	    T(test_directory_swapped),
	    T(test_directory_comes_late),
	    T(test_symlink_swapped),
	    T(test_symlink_target_written),
	    T(test_pattern),
	    T(test_brackets),
	    T(test_recheck),
	    T(test_free_while_pending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
