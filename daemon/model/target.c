/*
 * Targets: what identifies a path, how it is labelled, and how much must be
 * remembered of it.
 */
#include "build.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "proxy.h"
#include "target.h"

enum {
	RING_LEAST = 64,
	RING_MOST = 1 << 23, /* window.c's sums are exact up to here */
	/*
	 * Probes that start beside the interval: at the request of a person,
	 * or because the network changed.
	 */
	RING_SPARE_PROBES = 4
};

uint64_t
target_hash(const char *text, uint64_t seed)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (; *text != '\0'; text++) {
		h ^= (unsigned char)*text;
		h *= UINT64_C(0x100000001b3);
	}
	return h;
}

/*
 * FNV leaves the upper bits of texts that differ at their end nearly alike;
 * this spreads every bit over all (the finaliser of MurmurHash3).
 */
static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

struct target *
target_new(const char *name, const char *host)
{
	struct target *t = calloc(1, sizeof(*t));
	size_t len = strlen(name);

	assert(len <= TARGET_NAME);
	if (t == NULL)
		return NULL;
	t->host = strdup(host);
	if (t->host == NULL) {
		free(t);
		return NULL;
	}
	memcpy(t->name, name, len);
	t->path.host = t->host;
	t->refs = 1;
	return t;
}

struct target *
target_ref(struct target *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void
target_unref(struct target *t)
{
	if (t == NULL || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	free(t->host);
	ask_unref(t->ask);
	free(t->url);
	proxy_unref(t->proxy);
	free(t->key);
	free(t->labels);
	free(t->info);
	free(t);
}

void
target_label_escape(struct buf *b, const char *value)
{
	for (;;) {
		size_t plain = strcspn(value, "\\\"\n");

		buf_put(b, value, plain);
		value += plain;
		if (*value == '\0')
			return;
		buf_putc(b, '\\');
		buf_putc(b, *value == '\n' ? 'n' : *value);
		value++;
	}
}

void
target_label_pair(struct buf *b, const char *name, const char *value)
{
	if (b->len > 0)
		buf_putc(b, ',');
	buf_puts(b, name);
	buf_puts(b, "=\"");
	target_label_escape(b, value);
	buf_putc(b, '"');
}

static void
put_label_number(struct buf *b, const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	target_label_pair(b, name, text);
}

static void
put_label_word(struct buf *b, const char *name, enum word_set set, unsigned n)
{
	target_label_pair(b, name, n == 0 ? "" : word_label(set, n));
}

static void
put_label_addr(struct buf *b, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT];

	target_label_pair(b, name,
	    addr_family(a) == AF_UNSPEC ? "" : addr_host_text(a, text));
}

static void
put_labels(struct buf *b, const struct target *t)
{
	target_label_pair(b, "target", t->name);
	put_label_word(b, "transport", WORD_TRANSPORT, t->path.transport);
	target_label_pair(b, "media_cluster", t->cluster);
}

/* Only an info metric may name an IP address; T labels stand before it. */
static void
put_info(struct buf *b, const struct target *t)
{
	target_label_pair(b, "host", t->host);
	put_label_addr(b, "address", &t->path.addr);
	put_label_number(b, "port", t->port);
	target_label_pair(b, "probe", t->probe);
	put_label_word(b, "class", WORD_CLUSTER_CLASS, t->class);
	put_label_word(b, "expect", WORD_EXPECT, t->expect);
	put_label_addr(b, "source", &t->path.source);
	target_label_pair(b, "interface", t->path.interface);
	put_label_number(b, "dscp", t->path.dscp);
	target_label_pair(b, "proxy", t->proxy != NULL ? t->proxy->name : "");
	target_label_pair(b, "url", t->url != NULL ? t->url : "");
}

/* Keeps the fields of a key apart whatever they hold. */
static void
put_field(struct buf *b, const char *name, const char *value)
{
	buf_putc(b, ' ');
	buf_puts(b, name);
	buf_putc(b, '=');
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c <= ' ' || c == '%' || c == 0x7f)
			buf_printf(b, "%%%02x", c);
		else
			buf_putc(b, *value);
	}
}

static void
put_key(struct buf *b, const struct target *t)
{
	char text[ADDR_TEXT];

	buf_printf(b, "%s %s ", t->probe,
	    word_label(WORD_TRANSPORT, t->path.transport));
	/* A name not yet resolved goes to a port all the same. */
	if (addr_family(&t->path.addr) == AF_UNSPEC)
		buf_printf(b, "-:%u", t->port);
	else
		buf_puts(b, addr_text(&t->path.addr, text));
	put_field(b, "host", t->host);
	put_field(b, "src", addr_host_text(&t->path.source, text));
	put_field(b, "dev", t->path.interface);
	buf_printf(b, " dscp=%u", t->path.dscp);
	put_field(b, "cluster", t->cluster);
	if (t->url != NULL)
		put_field(b, "url", t->url);
	if (t->proxy != NULL)
		put_field(b, "proxy", t->proxy->name);
	if (t->ask != NULL && t->ask->text[0] != '\0')
		put_field(b, "ask", t->ask->text);
}

/* The whole key; one that is too long ends in a hash of all of it. */
static void
put_short_key(struct buf *b, const struct target *t)
{
	enum { HASH = 17 }; /* "#" and 16 digits */
	uint64_t hash;

	put_key(b, t);
	if (b->err || b->len < TARGET_KEY)
		return;
	hash = mix(target_hash(buf_str(b), 0));
	b->len = TARGET_KEY - 1 - HASH;
	buf_printf(b, "#%016" PRIx64, hash);
}

/* A copy no longer than it must be: there may be ten thousand targets. */
static char *
text_of(struct buf *scratch, const struct target *t,
    void (*put)(struct buf *b, const struct target *t))
{
	buf_reset(scratch);
	put(scratch, t);
	buf_reserve(scratch, 1);
	return scratch->err ? NULL : strdup(buf_str(scratch));
}

int
target_seal(struct target *t)
{
	struct buf scratch = BUF_INIT;

	assert(t->labels == NULL && t->probe != NULL);
	if (addr_family(&t->path.addr) != AF_UNSPEC && t->proxy == NULL)
		t->port = addr_port(&t->path.addr);
	t->phase = (uint32_t)(mix(target_hash(t->name, 0)) >> 32);
	t->key = text_of(&scratch, t, put_short_key);
	t->labels = text_of(&scratch, t, put_labels);
	t->info = text_of(&scratch, t, put_info);
	buf_free(&scratch);
	return t->key != NULL && t->labels != NULL && t->info != NULL ? 0
								      : -ENOMEM;
}

const char *
target_next_hop(const struct target *t)
{
	return t->proxy != NULL ? t->proxy->host : t->host;
}

uint64_t
target_shortest(const struct target *t)
{
	uint64_t ns = t->interval_ns > 0 ? t->interval_ns : 1;

	return t->retry_ns > 0 && t->retry_ns < ns ? t->retry_ns : ns;
}

uint32_t
target_ring_size(const struct target *t)
{
	uint64_t interval = target_shortest(t);
	uint64_t probes = t->ring_ns / interval;
	uint64_t samples, size = RING_LEAST;

	if (t->ring_ns % interval > 0)
		probes++;
	if (probes > RING_MOST)
		return RING_MOST;
	samples = (probes + RING_SPARE_PROBES) * t->count;
	while (size < samples && size < RING_MOST)
		size *= 2;
	return (uint32_t)size;
}

/* Octets that stand in names, URLs and labels without quotes. */
static bool
is_plain(char c)
{
	return isascii((unsigned char)c) &&
	       (isalnum((unsigned char)c) || strchr("-_.", c) != NULL);
}

void
target_node_name(char out[TARGET_NAME + 1], const char *cluster,
    const struct path *path, unsigned salt)
{
	char tail[TARGET_NAME + 1], text[ADDR_TEXT];
	uint64_t h = target_hash(cluster, salt);
	size_t room, len = 0;

	/* The cluster too: two may be alike in what is left of them. */
	h = target_hash(path->host, mix(h));
	h = mix(target_hash(addr_host_text(&path->addr, text), mix(h)));
	snprintf(tail, sizeof(tail), "-%s-%u-%06x",
	    word_label(WORD_TRANSPORT, path->transport), addr_port(&path->addr),
	    (unsigned)(h & 0xffffff));
	room = TARGET_NAME - strlen(tail);
	for (; len < room && cluster[len] != '\0'; len++)
		out[len] = is_plain(cluster[len]) ? cluster[len] : '-';
	memcpy(out + len, tail, strlen(tail) + 1);
}
