/* Reading a file as a whole. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

int
file_read(const char *path, size_t limit, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *data = NULL;
	int err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, limit, &data, len);
	close(fd);
	if (err < 0) {
		free(data);
		return err;
	}
	*text = data;
	return 0;
}
