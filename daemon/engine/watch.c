/*
 * Watches are made anew at each look: a directory that was removed and made
 * again has a dead inotify watch and often the same inode number, so there is
 * no telling from outside; two system calls per burst of events is the price.
 * A directory that is missing is waited for in its nearest ancestor.
 */
#include "build.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "clock.h"
#include "log.h"
#include "watch.h"

enum {
	DIRS = 2,      /* that of the path, and that of a symlink's target */
	PATIENCE = 10, /* settles: how long a burst can put a look off */
	FILES_MOST = 10000
};

struct watch {
	uv_timer_t timer;
	uv_fs_event_t dir[DIRS];
	unsigned handles; /* not yet closed */
	char *path;
	bool glob, complained;
	uint64_t settle, recheck;
	uint64_t burst; /* monotonic ns of its first event, 0: none */
	struct watch_file *file;
	size_t files;
	void (*changed)(void *arg);
	void *arg;
};

static void
files_free(struct watch_file *file, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(file[i].path);
	free(file);
}

/* ---- what is there ---- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++, v >>= 8)
		h = (h ^ (v & 0xff)) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
stamp(const struct stat *st)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	h = mix(h, st->st_dev);
	h = mix(h, st->st_ino);
	h = mix(h, st->st_mode);
	h = mix(h, (uint64_t)st->st_size);
	h = mix(h, (uint64_t)st->st_mtim.tv_sec);
	h = mix(h, (uint64_t)st->st_mtim.tv_nsec);
	h = mix(h, (uint64_t)st->st_ctim.tv_sec);
	return mix(h, (uint64_t)st->st_ctim.tv_nsec);
}

static void
add_file(const char *path, struct watch_file *file, size_t *n)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return;
	char *copy = strdup(path);
	if (copy)
		file[(*n)++] = (struct watch_file){copy, stamp(&st)};
}

/* The files that are there now; NULL with *n 0 when there are none. */
static struct watch_file *
scan(const struct watch *w, size_t *n)
{
	glob_t g = {0};
	size_t most = 1;
	*n = 0;
	if (w->glob) {
		if (glob(w->path, 0, NULL, &g))
			g.gl_pathc = 0;
		most = g.gl_pathc < FILES_MOST ? g.gl_pathc : FILES_MOST;
	}
	struct watch_file *file = calloc(most + 1, sizeof(*file));
	if (file && !w->glob)
		add_file(w->path, file, n);
	for (size_t i = 0; file && w->glob && i < most; i++)
		add_file(g.gl_pathv[i], file, n);
	if (w->glob)
		globfree(&g);
	return file;
}

static bool
same(const struct watch *w, const struct watch_file *file, size_t n)
{
	if (n != w->files)
		return false;
	for (size_t i = 0; i < n; i++)
		if (file[i].stamp != w->file[i].stamp ||
		    strcmp(file[i].path, w->file[i].path))
			return false;
	return true;
}

/* ---- directories ---- */

static void schedule(struct watch *w, uint64_t ns);

static void
on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct watch *w = h->data;
	uint64_t now = clock_mono();
	if (!w->burst)
		w->burst = now;
	uint64_t latest = w->burst + PATIENCE * w->settle;
	if (now >= latest)
		schedule(w, 0);
	else if (latest - now < w->settle)
		schedule(w, latest - now);
	else
		schedule(w, w->settle);
}

/* Cuts the text to its nearest ancestor that is a directory. */
static void
existing_dir(char *text)
{
	struct stat st;
	for (;;) {
		char *cut = strrchr(text, '/');
		if (!cut || cut == text) {
			text[cut ? 1 : 0] = '\0';
			return;
		}
		*cut = '\0';
		if (stat(text, &st) == 0 && S_ISDIR(st.st_mode))
			return;
	}
}

static void
arm_dir(struct watch *w, unsigned i, const char *dir)
{
	uv_fs_event_stop(&w->dir[i]);
	if (!*dir)
		return;
	int rc = uv_fs_event_start(&w->dir[i], on_event, dir, 0);
	if (!rc || rc == UV_ENOENT)
		return;
	if (!w->complained)
		log_warn("watch", "%s: changes are seen late: %s", dir,
		    uv_strerror(rc));
	w->complained = true;
}

/*
 * The nearest directory that exists; again if a nearer one came to be
 * meanwhile, since that was seen by nobody.
 */
static void
arm(struct watch *w)
{
	char dir[PATH_MAX], again[PATH_MAX];
	for (unsigned i = 0; i < 4; i++) {
		snprintf(dir, sizeof(dir), "%s", w->path);
		existing_dir(dir);
		arm_dir(w, 0, dir);
		snprintf(again, sizeof(again), "%s", w->path);
		existing_dir(again);
		if (!strcmp(dir, again))
			break;
	}
	/* A symlink's target may be written to where it lies. */
	char real[PATH_MAX];
	if (w->glob || !realpath(w->path, real)) {
		arm_dir(w, 1, "");
		return;
	}
	existing_dir(real);
	arm_dir(w, 1, strcmp(real, dir) ? real : "");
}

/* ---- looking ---- */

static void
look(uv_timer_t *h)
{
	struct watch *w = h->data;
	size_t n;
	w->burst = 0;
	schedule(w, w->recheck);
	arm(w);
	struct watch_file *file = scan(w, &n);
	if (!file)
		return;
	if (same(w, file, n)) {
		files_free(file, n);
		return;
	}
	files_free(w->file, w->files);
	w->file = file;
	w->files = n;
	w->changed(w->arg);
}

static void
schedule(struct watch *w, uint64_t ns)
{
	uv_timer_start(&w->timer, look, ns / CLOCK_MS + 1, 0);
}

struct watch *
watch_new(const struct watch_setup *setup)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->path = strdup(setup->path);
	if (!w->path) {
		free(w);
		return NULL;
	}
	w->glob = setup->glob;
	w->settle = setup->settle ? setup->settle : 200 * CLOCK_MS;
	w->recheck = setup->recheck ? setup->recheck : 60 * CLOCK_SEC;
	w->changed = setup->changed;
	w->arg = setup->arg;
	uv_timer_init(setup->loop, &w->timer);
	w->timer.data = w;
	for (unsigned i = 0; i < DIRS; i++) {
		uv_fs_event_init(setup->loop, &w->dir[i]);
		w->dir[i].data = w;
	}
	arm(w);
	w->file = scan(w, &w->files);
	schedule(w, w->recheck);
	return w;
}

static void
on_closed(uv_handle_t *h)
{
	struct watch *w = h->data;
	if (--w->handles)
		return;
	files_free(w->file, w->files);
	free(w->path);
	free(w);
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	w->handles = 1 + DIRS;
	uv_close((uv_handle_t *)&w->timer, on_closed);
	for (unsigned i = 0; i < DIRS; i++)
		uv_close((uv_handle_t *)&w->dir[i], on_closed);
}

size_t
watch_files(const struct watch *w, const struct watch_file **out)
{
	*out = w->file;
	return w->files;
}
