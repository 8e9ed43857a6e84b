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

#endif
