/*
 * Rendezvous hashing with bounded loads. Each unit ranks the shards by a hash
 * of both and takes the first that still has room; the big ones choose first,
 * since the small ones can fill what they leave. With n shards each may have
 * 1 + s/(n - 1) times its even part, s being the slack: then even if all
 * others are full, the last one has 1 - s times its own.
 *
 * Plain hashing is not enough: of 200 media clusters of 50 nodes each, one of
 * three shards would be 10 % off in half of all cases.
 */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard.h"

/* ---- what the operator writes ---- */

/* Decimal digits at the end of the text; -1: none, or too many. */
static int
number_at_end(const char *text, size_t len)
{
	size_t from = len;
	int n = 0;

	while (from > 0 && isdigit((unsigned char)text[from - 1]))
		from--;
	if (from == len || len - from > 4)
		return -1;
	for (; from < len; from++)
		n = 10 * n + (text[from] - '0');
	return n;
}

int
shard_parse(
    const char *text, const char *hostname, struct shard *out, char error[256])
{
	const char *slash = strrchr(text, '/'), *name = text;
	size_t len = slash != NULL ? (size_t)(slash - text) : 0;
	int index, count = slash != NULL
			       ? number_at_end(slash + 1, strlen(slash + 1))
			       : -1;

	if (count < 1 || count > SHARD_MOST || !isdigit(slash[1]) || len == 0) {
		snprintf(error, 256,
		    "'%.100s' is not I/N with N from 1 to %d, as 0/3", text,
		    SHARD_MOST);
		return -EINVAL;
	}
	if (len == 4 && strncmp(text, "auto", 4) == 0) {
		name = hostname;
		len = strlen(hostname);
	}
	index = number_at_end(name, len);
	if (index < 0)
		snprintf(error, 256,
		    "'%.*s' does not end in the number of the shard",
		    len < 100 ? (int)len : 100, name);
	else if (index >= count)
		snprintf(error, 256,
		    "there is no shard %d of %d: they are 0 to %d", index,
		    count, count - 1);
	else
		*out = (struct shard){(unsigned)index, (unsigned)count};
	return index >= 0 && index < count ? 0 : -EINVAL;
}

/* ---- who has what ---- */

/* MurmurHash3's finalizer: every bit of the input moves every bit of it. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static uint64_t
affinity(uint64_t hash, unsigned shard)
{
	return mix(hash ^ mix(shard + UINT64_C(0x9e3779b97f4a7c15)));
}

/* Weights of one power of two are alike: a node more moves nothing. */
static int
size_class(const struct shard_unit *u)
{
	return u->weight > 0 ? 32 - __builtin_clz(u->weight) : 0;
}

static int
compare(const void *a, const void *b)
{
	const struct shard_unit *x = *(struct shard_unit *const *)a;
	const struct shard_unit *y = *(struct shard_unit *const *)b;

	if (size_class(x) != size_class(y))
		return size_class(x) > size_class(y) ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->weight < y->weight ? 1 : x->weight > y->weight ? -1 : 0;
}

/* The most that a shard may have; enough for all if units are small. */
static uint64_t
room(uint64_t sum, unsigned count)
{
	uint64_t even = (sum + count - 1) / count;
	uint64_t most = sum + sum * SHARD_SLACK_PERCENT / 100 / (count - 1);

	return most / count > even ? most / count : even;
}

/*
 * The shard that the unit likes best of those with room; without any, the
 * one that has least, so that no shard stays empty behind big units.
 */
static unsigned
choose(const struct shard_unit *u, const uint64_t *load, unsigned count,
    uint64_t most)
{
	unsigned best = count, least = 0;
	uint64_t liked = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t a = affinity(u->hash, i);

		if (load[i] < load[least])
			least = i;
		if (load[i] + u->weight > most || (best < count && a <= liked))
			continue;
		best = i;
		liked = a;
	}
	return best < count ? best : least;
}

int
shard_assign(struct shard_unit *unit, size_t units, unsigned count)
{
	struct shard_unit **order =
	    calloc(units + 1, sizeof(struct shard_unit *));
	uint64_t *load = calloc(count + 1, sizeof(*load)), sum = 0, most;

	if (order == NULL || load == NULL) {
		free(order);
		free(load);
		return -ENOMEM;
	}
	for (size_t i = 0; i < units; i++) {
		unit[i].shard = 0;
		order[i] = &unit[i];
		sum += unit[i].weight;
	}
	most = count > 1 ? room(sum, count) : 0;
	if (count > 1 && units > 1)
		qsort(order, units, sizeof(struct shard_unit *), compare);
	for (size_t i = 0; i < units && count > 1; i++) {
		struct shard_unit *u = order[i];
		bool same = i > 0 && order[i - 1]->hash == u->hash;

		u->shard =
		    same ? order[i - 1]->shard : choose(u, load, count, most);
		load[u->shard] += u->weight;
	}
	free(order);
	free(load);
	return 0;
}
