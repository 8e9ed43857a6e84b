/*
 * The checksum is CRC-32: what it has to find is damage, not forgery (who can
 * write the file can write a checksum), and it costs a quarter of SHA-256.
 */
#include "build.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "file.h"
#include "record.h"

enum { RECORD_BUFFER = 65536, RECORD_SUM = 4 };

/* Ten times what 10,000 targets with long windows take. */
#define RECORD_MOST ((size_t)1 << 30)

struct record_out {
	char *file, *temporary; /* owned */
	int fd;
	int err; /* the first -errno */
	uint32_t sum;
	size_t used;
	uint8_t buffer[RECORD_BUFFER];
};

static void
out_free(struct record_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	free(o->file);
	free(o->temporary);
	free(o);
}

static char *
temporary_name(const char *file)
{
	size_t size = strlen(file) + sizeof(".tmp.") + 3 * sizeof(long);
	char *name = malloc(size);

	if (name != NULL)
		snprintf(name, size, "%s.tmp.%ld", file, (long)getpid());
	return name;
}

int
record_create(const char *file, struct record_out **out)
{
	struct record_out *o = calloc(1, sizeof(*o));
	int err;

	if (o == NULL)
		return -ENOMEM;
	o->fd = -1;
	o->file = strdup(file);
	o->temporary = temporary_name(file);
	if (o->file == NULL || o->temporary == NULL) {
		out_free(o);
		return -ENOMEM;
	}
	/* A process that had our number may have died over its own. */
	unlink(o->temporary);
	o->fd = open(o->temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->fd < 0) {
		err = -errno;
		out_free(o);
		return err;
	}
	*out = o;
	return 0;
}

static int
write_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static void
flush(struct record_out *o)
{
	if (o->err == 0)
		o->err = write_all(o->fd, o->buffer, o->used);
	o->used = 0;
}

/* What is in the buffer goes into the sum and out. */
static void
flush_summed(struct record_out *o)
{
	o->sum = (uint32_t)crc32(o->sum, o->buffer, (uInt)o->used);
	flush(o);
}

void
record_put(struct record_out *o, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n > 0) {
		size_t room = sizeof(o->buffer) - o->used;
		size_t piece = n < room ? n : room;

		memcpy(o->buffer + o->used, from, piece);
		o->used += piece;
		from += piece;
		n -= piece;
		if (o->used == sizeof(o->buffer))
			flush_summed(o);
	}
}

void
record_put8(struct record_out *o, uint8_t v)
{
	record_put(o, &v, sizeof(v));
}

void
record_put16(struct record_out *o, uint16_t v)
{
	v = htole16(v);
	record_put(o, &v, sizeof(v));
}

void
record_put32(struct record_out *o, uint32_t v)
{
	v = htole32(v);
	record_put(o, &v, sizeof(v));
}

void
record_put64(struct record_out *o, uint64_t v)
{
	v = htole64(v);
	record_put(o, &v, sizeof(v));
}

void
record_fail(struct record_out *o, int err)
{
	if (o->err == 0)
		o->err = err;
}

/* The new name is in the directory for good once that is synced too. */
static int
sync_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	size_t len = slash != NULL ? (size_t)(slash - file) + 1 : 1;
	char *path = strndup(slash != NULL ? file : ".", len);
	int fd, err = 0;

	if (path == NULL)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	/* Some file systems have no such thing. */
	if (fsync(fd) < 0 && errno != EINVAL)
		err = -errno;
	close(fd);
	return err;
}

static int
close_synced(struct record_out *o)
{
	int err = fsync(o->fd) < 0 ? -errno : 0;

	if (close(o->fd) < 0 && err == 0)
		err = -errno;
	o->fd = -1;
	return err;
}

int
record_commit(struct record_out *o)
{
	int err;

	flush_summed(o);
	record_put32(o, o->sum);
	flush(o);
	err = o->err;
	if (err == 0)
		err = close_synced(o);
	if (err == 0 && rename(o->temporary, o->file) < 0)
		err = -errno;
	if (err < 0)
		unlink(o->temporary);
	else
		err = sync_directory(o->file);
	out_free(o);
	return err;
}

int
record_read(const char *file, char **data, struct record_in *in)
{
	size_t len;
	int err = file_read_regular(file, RECORD_MOST, data, &len);

	if (err < 0)
		return err;
	*in = (struct record_in){.at = (const uint8_t *)*data};
	in->end = in->at + len;
	return 0;
}

bool
record_check(struct record_in *in)
{
	size_t len = record_left(in);
	struct record_in tail;

	if (len < RECORD_SUM)
		return false;
	tail = (struct record_in){.at = in->end - RECORD_SUM, .end = in->end};
	in->end -= RECORD_SUM;
	len -= RECORD_SUM;
	return record_get32(&tail) == crc32_z(0, in->at, len);
}

size_t
record_left(const struct record_in *in)
{
	return (size_t)(in->end - in->at);
}

const uint8_t *
record_get(struct record_in *in, size_t n)
{
	const uint8_t *at = in->at;

	if (record_left(in) < n) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return at;
}

uint8_t
record_get8(struct record_in *in)
{
	const uint8_t *at = record_get(in, 1);

	return at != NULL ? *at : 0;
}

uint16_t
record_get16(struct record_in *in)
{
	const uint8_t *at = record_get(in, 2);
	uint16_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

uint32_t
record_get32(struct record_in *in)
{
	const uint8_t *at = record_get(in, 4);
	uint32_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

uint64_t
record_get64(struct record_in *in)
{
	const uint8_t *at = record_get(in, 8);
	uint64_t v = 0;

	if (at != NULL)
		memcpy(&v, at, sizeof(v));
	return le64toh(v);
}
