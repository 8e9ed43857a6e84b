/* Locks of state files, by flock(2). */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "state_lock.h"

enum { AGAIN_MS = 20 };

/* The lock's file; -errno. */
static int
open_lock(const char *file)
{
	size_t size = strlen(file) + sizeof(".lock");
	char *path = malloc(size);
	int fd;

	if (path == NULL)
		return -ENOMEM;
	snprintf(path, size, "%s.lock", file);
	fd = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    0644);
	if (fd < 0)
		fd = -errno;
	free(path);
	return fd;
}

/* Another name of the file whose lock is held. */
static bool
is_held(const struct state_lock *l, int fd)
{
	struct stat ours, other;

	return l->file != NULL && l->fd >= 0 && fstat(l->fd, &ours) == 0 &&
	       fstat(fd, &other) == 0 && ours.st_dev == other.st_dev &&
	       ours.st_ino == other.st_ino;
}

/* 0, -EBUSY or what the file system says. */
static int
wait_for(int fd, const char *file, uint64_t wait)
{
	uint64_t end = clock_mono() + wait;
	bool told = wait == 0;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_mono() >= end)
			return -EBUSY;
		if (!told)
			log_info("state",
			    "%s is in use by another reachd; waiting for it "
			    "to end",
			    file);
		told = true;
		poll(NULL, 0, AGAIN_MS);
	}
	return 0;
}

/* Who has it, by what it left in the file. */
static void
tell_busy(int fd, const char *file, struct buf *errors)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	buf_printf(errors, "state_file: %s is in use by another reachd", file);
	if (pid > 0)
		buf_printf(errors, " (process %ld)", pid);
	buf_puts(errors, "; stop that one, or give each a state_file of its "
			 "own\n");
}

static void
sign(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* Only for people: without it they are told less. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
		log_debug(
		    "state", "the lock is not signed: %s", strerror(errno));
}

/* Opened and locked; -EBUSY, -errno. Of our own: that descriptor. */
static int
take(const struct state_lock *l, const char *file, uint64_t wait,
    struct buf *errors)
{
	int fd = open_lock(file), err;

	if (fd < 0)
		return fd;
	if (is_held(l, fd)) {
		close(fd);
		return l->fd;
	}
	err = wait_for(fd, file, wait);
	if (err == 0) {
		sign(fd);
		return fd;
	}
	if (err == -EBUSY)
		tell_busy(fd, file, errors);
	close(fd);
	return err;
}

/* What the file's lock is; -EBUSY, -ENOMEM: why is in errors. */
static int
lock_of(const struct state_lock *l, struct state_lock *next, uint64_t wait,
    struct buf *errors)
{
	int fd =
	    next->file != NULL ? take(l, next->file, wait, errors) : -ENOMEM;

	if (fd == -ENOMEM)
		buf_puts(errors, "state_file: no memory for its lock\n");
	if (fd == -EBUSY || fd == -ENOMEM)
		return fd;
	if (fd < 0)
		log_warn("state",
		    "%s.lock: %s; nothing keeps another reachd from writing "
		    "to that state file",
		    next->file, strerror(-fd));
	next->fd = fd < 0 ? -1 : fd;
	return 0;
}

int
state_lock_move(
    struct state_lock *l, const char *file, uint64_t wait, struct buf *errors)
{
	struct state_lock next = {NULL, -1};

	if (file != NULL && l->file != NULL && strcmp(file, l->file) == 0)
		return 0;
	if (file != NULL) {
		int err;

		next.file = strdup(file);
		err = lock_of(l, &next, wait, errors);
		if (err < 0) {
			free(next.file);
			return err;
		}
	}
	if (l->fd == next.fd)
		l->fd = -1; /* under another name */
	state_lock_drop(l);
	*l = next;
	return 0;
}

void
state_lock_drop(struct state_lock *l)
{
	if (l->file != NULL && l->fd >= 0)
		close(l->fd);
	free(l->file);
	*l = (struct state_lock){NULL, -1};
}
