/* Secrets in files. */
#include "build.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "secret.h"

/* To the end of the file; one byte more than is allowed tells a larger one. */
static int
read_all(int fd, struct secret *s)
{
	while (s->len < sizeof(s->text)) {
		ssize_t n =
		    read(fd, s->text + s->len, sizeof(s->text) - s->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		s->len += (size_t)n;
	}
	return -EFBIG;
}

static int
check(struct secret *s)
{
	while (s->len > 0 && s->text[s->len - 1] &&
	       strchr(" \t\r\n", s->text[s->len - 1]))
		s->len--;
	s->text[s->len] = '\0';
	for (size_t i = 0; i < s->len; i++)
		if ((unsigned char)s->text[i] <= ' ' || s->text[i] == 0x7f)
			return -EBADMSG;
	return s->len ? 0 : -EBADMSG;
}

int
secret_read(struct secret *s, const char *path)
{
	memset(s, 0, sizeof(*s));
	int fd = file_open_regular(path);
	if (fd < 0)
		return fd;
	int rc = read_all(fd, s);
	close(fd);
	if (!rc)
		rc = check(s);
	if (rc)
		secret_wipe(s);
	return rc;
}

void
secret_wipe(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}
