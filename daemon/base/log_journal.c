/* The journal's native protocol, as systemd's JOURNAL_NATIVE_PROTOCOL has it.
 */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "log_journal.h"

bool
log_journal_is_stderr(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	char end;

	/* A shell that was started by a unit hands it on to what it starts. */
	return text != NULL &&
	       sscanf(text, "%llu:%llu%c", &device, &inode, &end) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

int
log_journal_open(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

void
log_journal_field(struct buf *b, const char *prefix, const char *key,
    const void *value, size_t len)
{
	uint8_t size[8];

	buf_puts(b, prefix);
	for (; *key != '\0'; key++)
		buf_putc(b, isalnum((unsigned char)*key)
				? (char)toupper((unsigned char)*key)
				: '_');
	/* A value of several lines has its length in front, little-endian. */
	if (memchr(value, '\n', len) != NULL) {
		for (unsigned i = 0; i < sizeof(size); i++)
			size[i] = (uint8_t)((uint64_t)len >> 8 * i);
		buf_putc(b, '\n');
		buf_put(b, size, sizeof(size));
	} else {
		buf_putc(b, '=');
	}
	buf_put(b, value, len);
	buf_putc(b, '\n');
}

int
log_journal_send(int fd, const struct buf *entry)
{
	ssize_t n;

	if (entry->err)
		return -ENOMEM;
	do
		n = send(fd, entry->data, entry->len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
