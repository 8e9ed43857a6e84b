/* Looks at TLS servers, in the rooms of their streams. */
#include "build.h"

#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "probe.h"
#include "stream.h"
#include "tls_light.h"
#include "tls_name.h"
#include "wire_tls.h"

/* A flight of three certificates and a staple has some 5 kB. */
enum { ROOM = 16 * 1024 };

struct look {
	struct tls_light_pool *pool;
	struct wire_tls_input in;
	uint64_t connect_ns;
	enum stamp stamp;
	bool over; /* told; wait to be closed */
	uint8_t bytes[ROOM];
};

struct tls_light_pool {
	struct stream_pool *streams;
	const struct tls_light_ops *ops;
};

static unsigned
full_every(const struct probe *p)
{
	const struct ask *ask = p->path->ask;

	return ask != NULL && p->memory != NULL ? ask->light.full_every : 1;
}

bool
tls_light_due(const struct probe *p)
{
	const struct tls_light *m = p->memory;

	return full_every(p) > 1 && m->left > 0 &&
	       clock_real() / (int64_t)CLOCK_SEC < m->not_after;
}

void
tls_light_forget(struct probe *p)
{
	struct tls_light *m = p->memory;

	if (full_every(p) > 1)
		m->left = 0;
}

void
tls_light_learn(struct probe *p, const struct tls_facts *facts)
{
	struct tls_light *m = p->memory;

	if (full_every(p) <= 1)
		return;
	if (memcmp(m->leaf, facts->fingerprint, sizeof(m->leaf)) != 0) {
		memcpy(m->leaf, facts->fingerprint, sizeof(m->leaf));
		m->version = 0;
	}
	m->not_after = facts->not_after;
	if (m->wait > 0)
		m->wait--;
	else
		m->left = (uint8_t)(full_every(p) - 1);
}

/* ---- what came ---- */

static void
digest(const uint8_t *bytes, size_t len, uint8_t out[TLS_LIGHT_DIGEST])
{
	if (bytes != NULL)
		SHA256(bytes, len, out);
	else
		memset(out, 0, TLS_LIGHT_DIGEST);
}

/*
 * The first look after a handshake has only the certificate to go by; what
 * else it sees is what the next ones are held against.
 */
static bool
is_same(struct tls_light *m, const struct wire_tls_flight *f)
{
	uint8_t leaf[TLS_LIGHT_DIGEST], staple[TLS_LIGHT_DIGEST];
	bool same;

	digest(f->leaf, f->leaf_len, leaf);
	digest(f->staple, f->staple_len, staple);
	same = f->leaf == NULL || memcmp(leaf, m->leaf, sizeof(leaf)) == 0;
	if (m->version != 0)
		same = same && f->version == m->version &&
		       f->cipher == m->cipher &&
		       memcmp(staple, m->staple, sizeof(staple)) == 0;
	m->version = f->version;
	m->cipher = f->cipher;
	memcpy(m->staple, staple, sizeof(staple));
	return same;
}

/* It is for a handshake to say what this means, and for some more to come. */
static void
unlike(struct stream *s)
{
	struct look *look = stream_room(s);
	struct probe *p = stream_owner(s);
	struct tls_light *m = p->memory;

	look->over = true;
	m->left = 0;
	m->wait = (uint8_t)full_every(p);
	/* A server that takes no TLS 1.2 shows no certificate in clear. */
	if (look->in.alert >= 0) {
		m->newest = !m->newest;
		m->version = 0;
	}
	look->pool->ops->unlike(p);
}

static void
same(struct stream *s)
{
	struct look *look = stream_room(s);
	struct probe *p = stream_owner(s);

	look->over = true;
	((struct tls_light *)p->memory)->left--;
	look->pool->ops->same(p);
}

static uint16_t
newest(const struct probe *p)
{
	return ((const struct tls_light *)p->memory)->newest ? WIRE_TLS_1_3
							     : WIRE_TLS_1_2;
}

static void
take(struct stream *s)
{
	struct look *look = stream_room(s);
	const struct probe *p = stream_owner(s);
	struct wire_tls_flight flight;
	int done = wire_tls_join(&look->in);

	if (done == 0)
		done = wire_tls_flight(&look->in, newest(p), &flight);
	if (done == 0 && look->in.len < ROOM)
		return;
	if (done == 1 && is_same(p->memory, &flight))
		same(s);
	else
		unlike(s);
}

/* ---- the connection ---- */

static void
on_connected(struct stream *s)
{
	struct look *look = stream_room(s);
	struct probe *p = stream_owner(s);
	uint8_t hello[WIRE_TLS_HELLO], random[WIRE_TLS_RANDOM];
	struct wire_tls_hello h = {.name = tls_name_asked(p->path),
	    .random = random,
	    .newest = newest(p)};
	size_t len = 0;

	look->connect_ns = stream_connect_time(s, &look->stamp);
	probe_phase(p, PHASE_CONNECT, look->connect_ns);
	if (RAND_bytes(random, sizeof(random)) == 1)
		len = wire_tls_hello(&h, hello);
	if (len == 0 || stream_write(s, hello, len) != (ssize_t)len)
		unlike(s);
}

static void
on_failed(struct stream *s, enum outcome o)
{
	struct look *look = stream_room(s);

	look->over = true;
	look->pool->ops->failed(stream_owner(s), o);
}

static void
on_io(struct stream *s)
{
	struct look *look = stream_room(s);
	struct wire_tls_input *in = &look->in;
	uint32_t use = stream_use(s);

	while (stream_use(s) == use && !look->over) {
		ssize_t n = stream_read(s, in->bytes + in->len, ROOM - in->len);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			unlike(s);
			return;
		}
		in->len += (size_t)n;
		take(s);
	}
}

static const struct stream_ops light_stream_ops = {
    .connected = on_connected, .failed = on_failed, .io = on_io};

int
tls_light_pool_new(struct uv_loop_s *loop, const struct tls_light_ops *ops,
    struct tls_light_pool **out)
{
	struct stream_setup streams = {.loop = loop,
	    .ops = &light_stream_ops,
	    .room = sizeof(struct look),
	    .at_tick = true};
	struct tls_light_pool *pool = calloc(1, sizeof(*pool));
	int err;

	if (pool == NULL)
		return -ENOMEM;
	pool->ops = ops;
	err = stream_pool_new(&streams, &pool->streams);
	if (err < 0) {
		free(pool);
		return err;
	}
	*out = pool;
	return 0;
}

void
tls_light_pool_free(struct tls_light_pool *pool)
{
	if (pool == NULL)
		return;
	stream_pool_free(pool->streams);
	free(pool);
}

void
tls_light_pool_tick(struct tls_light_pool *pool)
{
	stream_pool_run(pool->streams);
}

int
tls_light_open(
    struct tls_light_pool *pool, struct probe *p, struct stream **out)
{
	struct look *look;
	int err = stream_open(pool->streams, p->path, p, out);

	if (err < 0)
		return err;
	look = stream_room(*out);
	look->pool = pool;
	look->in.bytes = look->bytes;
	look->in.alert = -1;
	return 0;
}

bool
tls_light_over(struct stream *s)
{
	const struct look *look = stream_room(s);

	return look->over;
}

void
tls_light_close(struct stream *s)
{
	stream_close(s);
}

uint64_t
tls_light_connect_time(struct stream *s, enum stamp *stamp)
{
	const struct look *look = stream_room(s);

	*stamp = look->stamp;
	return look->connect_ns;
}
