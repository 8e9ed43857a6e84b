/* The hosts file as a table sorted by name; resolv.conf's name servers. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hosts.h"

enum { WORD_MOST = 256, DNS_PORT = 53 };

struct hosts {
	struct entry {
		char *name; /* owned */
		struct addr addr;
		size_t line; /* keeps the file's order among equal names */
	} * entry;
	size_t entries, size;
};

/* A line's words, comment cut off; at: where to go on, NULL at the end. */
struct scan {
	const char *at, *end;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The next word of the line in out; false at its end. A long one is cut. */
static bool
next_word(struct scan *s, char out[WORD_MOST])
{
	size_t n = 0;
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
	if (s->at == s->end || *s->at == '\n' || *s->at == '#')
		return false;
	for (; s->at < s->end && !is_blank(*s->at) && *s->at != '\n' &&
	       *s->at != '#';
	     s->at++)
		if (n < WORD_MOST - 1)
			out[n++] = *s->at;
	out[n] = '\0';
	return true;
}

/* To the start of the next line; false at the end of the text. */
static bool
next_line(struct scan *s)
{
	const char *nl = memchr(s->at, '\n', (size_t)(s->end - s->at));
	s->at = nl ? nl + 1 : s->end;
	return nl != NULL;
}

static bool
add(struct hosts *h, const char *name, const struct addr *a, size_t line)
{
	if (h->entries == h->size) {
		size_t size = h->size ? 2 * h->size : 64;
		struct entry *more = realloc(h->entry, size * sizeof(*more));
		if (!more)
			return false;
		h->entry = more;
		h->size = size;
	}
	char *copy = strdup(name);
	if (!copy)
		return false;
	h->entry[h->entries++] = (struct entry){copy, *a, line};
	return true;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int rc = strcasecmp(x->name, y->name);
	if (rc)
		return rc;
	return x->line < y->line ? -1 : x->line > y->line;
}

struct hosts *
hosts_parse(const char *text, size_t len)
{
	struct hosts *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	struct scan s = {text, text + len};
	size_t line = 0;
	do {
		char word[WORD_MOST];
		struct addr a;
		line++;
		if (!next_word(&s, word) || addr_parse_host(&a, word))
			continue;
		while (next_word(&s, word))
			if (!add(h, word, &a, line)) {
				hosts_free(h);
				return NULL;
			}
	} while (next_line(&s));
	if (h->entries)
		qsort(h->entry, h->entries, sizeof(*h->entry), by_name);
	return h;
}

void
hosts_free(struct hosts *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->entries; i++)
		free(h->entry[i].name);
	free(h->entry);
	free(h);
}

/* The first entry that is not before the name. */
static size_t
lower_bound(const struct hosts *h, const char *name)
{
	size_t lo = 0, hi = h->entries;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcasecmp(h->entry[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t
find_loopback(const char *name, int family, struct addr *out, size_t max)
{
	static const char own[] = "localhost";
	size_t len = strlen(name), n = 0;
	if (len < sizeof(own) - 1 ||
	    strcasecmp(name + len - (sizeof(own) - 1), own) ||
	    (len > sizeof(own) - 1 && name[len - sizeof(own)] != '.'))
		return 0;
	struct in_addr v4 = {htonl(INADDR_LOOPBACK)};
	if (family != AF_INET6 && n < max)
		addr_from_bytes(&out[n++], AF_INET, &v4, 0);
	if (family != AF_INET && n < max)
		addr_from_bytes(&out[n++], AF_INET6, &in6addr_loopback, 0);
	return n;
}

size_t
hosts_find(const struct hosts *h, const char *name, int family,
    struct addr *out, size_t max)
{
	char plain[WORD_MOST];
	size_t len = strlen(name), n = 0;
	if (len == 0 || len >= sizeof(plain))
		return 0;
	memcpy(plain, name, len + 1);
	if (plain[len - 1] == '.')
		plain[len - 1] = '\0';
	for (size_t i = h ? lower_bound(h, plain) : 0;
	     h && i < h->entries && n < max &&
	     !strcasecmp(h->entry[i].name, plain);
	     i++)
		if (!family || addr_family(&h->entry[i].addr) == family)
			out[n++] = h->entry[i].addr;
	return n ? n : find_loopback(plain, family, out, max);
}

size_t
hosts_nameservers(const char *text, size_t len, struct addr *out, size_t max)
{
	struct scan s = {text, text + len};
	size_t n = 0;
	do {
		char word[WORD_MOST];
		if (!next_word(&s, word) || strcmp(word, "nameserver"))
			continue;
		if (n == max || !next_word(&s, word))
			continue;
		if (!addr_parse_host(&out[n], word))
			addr_set_port(&out[n++], DNS_PORT);
	} while (next_line(&s));
	return n;
}
