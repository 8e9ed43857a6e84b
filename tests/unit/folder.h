/* Files in a directory of the test's own, below the build directory. */
#ifndef FOLDER_H
#define FOLDER_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[256];
};

static inline void
folder_open(struct folder *f)
{
	char here[200];
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(f->path, sizeof(f->path), "%s/folder.XXXXXX", here);
	assert_non_null(mkdtemp(f->path));
}

static inline int
folder_remove(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void
folder_close(struct folder *f)
{
	nftw(f->path, folder_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path of a name in it; static storage, four at a time. */
static inline char *
folder_path(const struct folder *f, const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned at;
	char *out = path[at++ % 4];
	snprintf(out, PATH_MAX, "%s/%s", f->path, name);
	return out;
}

/* Writes the file where it is, as careless programs do. */
static inline void
folder_write(const struct folder *f, const char *name, const char *text)
{
	FILE *out = fopen(folder_path(f, name), "we");
	assert_non_null(out);
	assert_int_equal(fputs(text, out) < 0, 0);
	assert_int_equal(fclose(out), 0);
}

static inline void
folder_rename(const struct folder *f, const char *from, const char *to)
{
	assert_int_equal(rename(folder_path(f, from), folder_path(f, to)), 0);
}

/* Writes another file and puts it in its place, as careful ones do. */
static inline void
folder_replace(const struct folder *f, const char *name, const char *text)
{
	folder_write(f, ".new", text);
	folder_rename(f, ".new", name);
}

static inline void
folder_unlink(const struct folder *f, const char *name)
{
	assert_int_equal(unlink(folder_path(f, name)), 0);
}

static inline void
folder_mkdir(const struct folder *f, const char *name)
{
	assert_int_equal(mkdir(folder_path(f, name), 0700), 0);
}

static inline void
folder_rmdir(const struct folder *f, const char *name)
{
	assert_int_equal(rmdir(folder_path(f, name)), 0);
}

#endif
