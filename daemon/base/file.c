/* Reading a file as a whole. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* The next piece of the file, at text + len: bytes, 0 at its end, -errno. */
static ssize_t
read_piece(int fd, char *text, size_t n)
{
	ssize_t got;

	do
		got = read(fd, text, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int
read_all(int fd, size_t limit, char **text, size_t *len)
{
	size_t size = 0;
	ssize_t got;

	*len = 0;
	do {
		/* Always room for one more byte than we shall keep. */
		if (size - *len < 2) {
			char *more;

			size = size == 0 ? 4096 : size * 2;
			more = realloc(*text, size);
			if (more == NULL)
				return -ENOMEM;
			*text = more;
		}
		got = read_piece(fd, *text + *len, size - *len - 1);
		if (got < 0)
			return (int)got;
		*len += (size_t)got;
		if (*len > limit)
			return -EFBIG;
	} while (got > 0);
	(*text)[*len] = '\0';
	return 0;
}

/* Takes fd over. */
static int
read_and_close(int fd, size_t limit, char **text, size_t *len)
{
	char *data = NULL;
	int err = read_all(fd, limit, &data, len);

	close(fd);
	if (err < 0) {
		free(data);
		return err;
	}
	*text = data;
	return 0;
}

int
file_read(const char *path, size_t limit, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return read_and_close(fd, limit, text, len);
}

int
file_open_regular(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else
		err = S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

int
file_read_regular(const char *path, size_t limit, char **text, size_t *len)
{
	int fd = file_open_regular(path);

	if (fd < 0)
		return fd;
	return read_and_close(fd, limit, text, len);
}

const char *
file_why(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such file";
	case -EACCES:
	case -EPERM:
		return "permission denied";
	case -EISDIR:
		return "it is a directory";
	case -EINVAL:
		return "it is not a regular file";
	case -EFBIG:
		return "it is too large";
	case -EBADMSG:
		return "it holds no secret: one word of printable characters "
		       "is wanted";
	default:
		return strerror(-error);
	}
}
