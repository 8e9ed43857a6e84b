/*
 * A token or password in a file. It lives in the caller's struct and nowhere
 * else: no allocation that would leave a copy behind. Wipe it after use.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

enum { SECRET_MOST = 8192 };

struct secret {
	char text[SECRET_MOST + 1];
	size_t len;
};

/*
 * The file without the white space at its end. 0, or -errno as
 * file_read_regular(); -EBADMSG when it is empty or holds what cannot stand
 * in a header line (blanks, control characters). Wiped when not 0.
 */
int secret_read(struct secret *s, const char *path);
void secret_wipe(struct secret *s);

#endif
