/* A file as a whole, with a bound on its size. */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

/*
 * Reads a file (or a pipe, to its end) of at most limit bytes. *text is owned
 * by the caller and has a NUL after its *len bytes. 0, -EFBIG, -EISDIR or
 * another -errno.
 */
int file_read(const char *path, size_t limit, char **text, size_t *len);

/*
 * The same for a file that others replace while we run: a regular file only,
 * and what stands there instead (a FIFO, a device) is -EINVAL at once rather
 * than a read that waits.
 */
int file_read_regular(const char *path, size_t limit, char **text, size_t *len);
/* Such a file, opened for reading: descriptor or -errno. */
int file_open_regular(const char *path);

/* Why one of the calls above failed, for people. Static storage. */
const char *file_why(int error);

#endif
