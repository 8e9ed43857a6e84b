/* The bytes of an answer, a piece at a time, plain or compressed. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "body.h"
#include "buf.h"

enum {
	GZIP_IN = 16 * 1024,
	GZIP_OUT = 16 * 1024,
	GZIP_LEVEL = 1,	      /* five times faster than 6, a tenth larger */
	GZIP_WINDOW = 15 + 16 /* 16: the gzip wrapper */
};

struct body {
	const struct body_kind *kind; /* NULL: the one piece is all */
	void *arg;		      /* owned */
	struct buf piece;	      /* made and not yet read */
	size_t at;
	bool ended;
};

struct body *
body_new(const struct body_kind *kind, void *arg)
{
	struct body *b = arg != NULL ? calloc(1, sizeof(*b)) : NULL;

	if (b == NULL) {
		if (arg != NULL)
			kind->free(arg);
		return NULL;
	}
	b->kind = kind;
	b->arg = arg;
	return b;
}

void
body_free(struct body *b)
{
	if (b == NULL)
		return;
	if (b->kind != NULL)
		b->kind->free(b->arg);
	buf_free(&b->piece);
	free(b);
}

static int
fill(struct body *b)
{
	buf_reset(&b->piece);
	b->at = 0;
	while (b->piece.len == 0 && !b->ended) {
		b->ended = !b->kind->more(b->arg, &b->piece);
		if (b->piece.err) {
			b->ended = true;
			b->piece.len = 0;
			return -ENOMEM;
		}
	}
	return 0;
}

ssize_t
body_read(struct body *b, char *out, size_t max)
{
	size_t done = 0, n;
	int err;

	while (done < max) {
		if (b->at == b->piece.len) {
			err = b->ended ? 0 : fill(b);
			if (err < 0)
				return err;
			if (b->piece.len == b->at)
				break;
		}
		n = b->piece.len - b->at;
		if (n > max - done)
			n = max - done;
		memcpy(out + done, b->piece.data + b->at, n);
		b->at += n;
		done += n;
	}
	return (ssize_t)done;
}

int
body_drain(struct body *b, struct buf *out)
{
	ssize_t n;
	char *p;

	do {
		p = buf_reserve(out, GZIP_IN);
		if (p == NULL)
			return -ENOMEM;
		n = body_read(b, p, GZIP_IN);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0);
	return (int)n;
}

struct body *
body_of(struct buf *text)
{
	struct body *b = text->err ? NULL : calloc(1, sizeof(*b));

	if (b == NULL) {
		buf_free(text);
		return NULL;
	}
	b->piece = *text;
	b->ended = true;
	*text = (struct buf)BUF_INIT;
	return b;
}

ssize_t
body_length(const struct body *b)
{
	return b->kind == NULL ? (ssize_t)b->piece.len : -1;
}

struct gzip {
	struct body *plain; /* owned */
	z_stream z;
	char in[GZIP_IN];
};

static bool
gzip_more(void *arg, struct buf *out)
{
	struct gzip *g = arg;
	char *room = buf_reserve(out, GZIP_OUT);
	ssize_t n;
	int rc;

	if (room == NULL)
		return false;
	if (g->z.avail_in == 0) {
		n = body_read(g->plain, g->in, sizeof(g->in));
		if (n < 0) {
			out->err = true;
			return false;
		}
		g->z.next_in = (Bytef *)g->in;
		g->z.avail_in = (uInt)n;
	}
	g->z.next_out = (Bytef *)room;
	g->z.avail_out = GZIP_OUT;
	/* A read of 0 is the end, and asks for the trailer. */
	rc = deflate(&g->z, g->z.avail_in == 0 ? Z_FINISH : Z_NO_FLUSH);
	out->len += GZIP_OUT - g->z.avail_out;
	return rc != Z_STREAM_END;
}

static void
gzip_free(void *arg)
{
	struct gzip *g = arg;

	deflateEnd(&g->z);
	body_free(g->plain);
	free(g);
}

static const struct body_kind gzip_kind = {gzip_more, gzip_free};

struct body *
body_gzip(struct body *plain)
{
	struct gzip *g = plain != NULL ? calloc(1, sizeof(*g)) : NULL;

	if (g == NULL) {
		body_free(plain);
		return NULL;
	}
	if (deflateInit2(&g->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
		Z_DEFAULT_STRATEGY) != Z_OK) {
		body_free(plain);
		free(g);
		return NULL;
	}
	g->plain = plain;
	return body_new(&gzip_kind, g);
}
