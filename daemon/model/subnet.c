/*
 * Subnets: rows sorted by family, longest prefix first, then address, so that
 * a lookup is a binary search per length that occurs.
 */
#include "build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "subnet.h"

enum { LENGTHS = 33 + 129 }; /* of both families */

struct row {
	struct subnet subnet;
	uint32_t number; /* 1 + the caller's row */
};

/* Rows of one family and length. */
struct run {
	int family;
	uint8_t bits;
	size_t begin, end;
};

struct subnet_table {
	struct row *row;
	size_t runs;
	struct run run[LENGTHS];
};

/* Clears the host bits. */
static void
mask(uint8_t bytes[16], unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits < 8 ? bits : 8;

		bytes[i] &= (uint8_t)(0xff00 >> keep);
		bits -= keep;
	}
}

/* Digits only, as RFC 4632 writes them: "24", not "024" or "+24". */
static int
parse_bits(const char *text, unsigned most)
{
	int v = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + *text - '0';
		if (v > (int)most)
			return -EINVAL;
	}
	return v;
}

int
subnet_parse(struct subnet *s, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	uint8_t masked[16];
	size_t len;
	int bits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(host))
		return -EINVAL;
	len = (size_t)(slash - text);
	memcpy(host, text, len);
	host[len] = '\0';
	memset(s, 0, sizeof(*s));
	s->family = strchr(host, ':') == NULL ? AF_INET : AF_INET6;
	if (inet_pton(s->family, host, s->bytes) != 1)
		return -EINVAL;
	bits = parse_bits(slash + 1, s->family == AF_INET ? 32 : 128);
	if (bits < 0)
		return bits;
	s->bits = (uint8_t)bits;
	memcpy(masked, s->bytes, sizeof(masked));
	mask(masked, s->bits);
	return memcmp(masked, s->bytes, sizeof(masked)) == 0 ? 0 : -ERANGE;
}

bool
subnet_holds(const struct subnet *s, const struct addr *a)
{
	unsigned len;
	const uint8_t *bytes = addr_bytes(a, &len);
	uint8_t key[16] = {0};

	if (bytes == NULL || s->family != addr_family(a))
		return false;
	memcpy(key, bytes, len);
	mask(key, s->bits);
	return memcmp(key, s->bytes, sizeof(key)) == 0;
}

/* Equal subnets stand in the order in which they were given. */
static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c;

	if (x->subnet.family != y->subnet.family)
		return x->subnet.family < y->subnet.family ? -1 : 1;
	if (x->subnet.bits != y->subnet.bits)
		return x->subnet.bits > y->subnet.bits ? -1 : 1;
	c = memcmp(x->subnet.bytes, y->subnet.bytes, sizeof(x->subnet.bytes));
	if (c != 0)
		return c;
	return x->number < y->number ? -1 : 1;
}

static void
find_runs(struct subnet_table *t, size_t n)
{
	struct run *run = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct subnet *s = &t->row[i].subnet;

		if (run == NULL || run->family != s->family ||
		    run->bits != s->bits) {
			run = &t->run[t->runs++];
			*run = (struct run){s->family, s->bits, i, i};
		}
		run->end = i + 1;
	}
}

struct subnet_table *
subnet_table_new(const struct subnet *s, size_t n)
{
	struct subnet_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->row = calloc(n > 0 ? n : 1, sizeof(*t->row));
	if (t->row == NULL) {
		free(t);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		t->row[i].subnet = s[i];
		t->row[i].number = (uint32_t)i + 1;
	}
	qsort(t->row, n, sizeof(*t->row), compare_rows);
	find_runs(t, n);
	return t;
}

void
subnet_table_free(struct subnet_table *t)
{
	if (t == NULL)
		return;
	free(t->row);
	free(t);
}

/* The first of the run's rows that is this subnet; 0 for none. */
static uint32_t
find_in_run(
    const struct subnet_table *t, const struct run *run, const uint8_t key[16])
{
	size_t begin = run->begin, end = run->end;

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;

		if (memcmp(t->row[middle].subnet.bytes, key, 16) < 0)
			begin = middle + 1;
		else
			end = middle;
	}
	if (begin == run->end ||
	    memcmp(t->row[begin].subnet.bytes, key, 16) != 0)
		return 0;
	return t->row[begin].number;
}

uint32_t
subnet_find(const struct subnet_table *t, const struct addr *a)
{
	unsigned len;
	const uint8_t *bytes = addr_bytes(a, &len);
	uint8_t key[16] = {0};
	uint32_t found = 0;

	if (bytes == NULL)
		return 0;
	memcpy(key, bytes, len);
	/* Longest first: masking is cumulative. */
	for (size_t i = 0; i < t->runs && found == 0; i++) {
		if (t->run[i].family != addr_family(a))
			continue;
		mask(key, t->run[i].bits);
		found = find_in_run(t, &t->run[i], key);
	}
	return found;
}
