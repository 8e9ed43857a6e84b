/* Addresses: comparing, reading and writing them. */
#include "build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

int
addr_family(const struct addr *a)
{
	return a->sa.sa_family;
}

socklen_t
addr_len(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return sizeof(a->in);
	case AF_INET6:
		return sizeof(a->in6);
	default:
		return 0;
	}
}

uint16_t
addr_port(const struct addr *a)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		return ntohs(a->in.sin_port);
	case AF_INET6:
		return ntohs(a->in6.sin6_port);
	default:
		return 0;
	}
}

void
addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
}

const uint8_t *
addr_bytes(const struct addr *a, unsigned *len)
{
	switch (a->sa.sa_family) {
	case AF_INET:
		*len = 4;
		return (const uint8_t *)&a->in.sin_addr;
	case AF_INET6:
		*len = 16;
		return (const uint8_t *)&a->in6.sin6_addr;
	default:
		*len = 0;
		return NULL;
	}
}

static uint32_t
scope_of(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 ? a->in6.sin6_scope_id : 0;
}

static int
order(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_hosts(const struct addr *a, const struct addr *b)
{
	unsigned len;
	const uint8_t *x = addr_bytes(a, &len);
	const uint8_t *y = addr_bytes(b, &len);
	int c = order(a->sa.sa_family, b->sa.sa_family);

	if (c != 0 || x == NULL || y == NULL)
		return c;
	c = memcmp(x, y, len);
	return c != 0 ? c : order(scope_of(a), scope_of(b));
}

int
addr_compare(const struct addr *a, const struct addr *b)
{
	int c = compare_hosts(a, b);

	return c != 0 ? c : order(addr_port(a), addr_port(b));
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

bool
addr_same_host(const struct addr *a, const struct addr *b)
{
	return compare_hosts(a, b) == 0;
}

int
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	socklen_t need;

	if (len < sizeof(sa->sa_family))
		return -EINVAL;
	if (sa->sa_family == AF_INET)
		need = sizeof(a->in);
	else if (sa->sa_family == AF_INET6)
		need = sizeof(a->in6);
	else
		return -EAFNOSUPPORT;
	if (len < need)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	memcpy(a, sa, need);
	return 0;
}

void
addr_from_bytes(struct addr *a, int family, const void *bytes, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (family == AF_INET)
		memcpy(&a->in.sin_addr, bytes, 4);
	else if (family == AF_INET6)
		memcpy(&a->in6.sin6_addr, bytes, 16);
	else
		return;
	a->sa.sa_family = (sa_family_t)family;
	addr_set_port(a, port);
}

/* Digits only, 0..most; -EINVAL for anything else. */
static int
parse_number(const char *text, unsigned long most, unsigned long *out)
{
	unsigned long v = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (unsigned long)(*text - '0');
		if (v > most)
			return -EINVAL;
	}
	*out = v;
	return 0;
}

/* RFC 4007 section 11: an interface's name or its number. */
static int
parse_scope(const char *text, uint32_t *out)
{
	unsigned long v;

	*out = if_nametoindex(text);
	if (*out != 0)
		return 0;
	if (parse_number(text, UINT32_MAX, &v) < 0 || v == 0)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int
addr_parse_host(struct addr *a, const char *text)
{
	char host[ADDR_TEXT];
	const char *percent = strchr(text, '%');
	size_t len = percent ? (size_t)(percent - text) : strlen(text);
	uint8_t bytes[16];
	uint32_t scope = 0;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (percent == NULL && inet_pton(AF_INET, host, bytes) == 1) {
		addr_from_bytes(a, AF_INET, bytes, 0);
		return 0;
	}
	if (inet_pton(AF_INET6, host, bytes) != 1)
		return -EINVAL;
	if (percent != NULL && parse_scope(percent + 1, &scope) < 0)
		return -EINVAL;
	addr_from_bytes(a, AF_INET6, bytes, 0);
	a->in6.sin6_scope_id = scope;
	return 0;
}

/* Where the host is, and where its port begins (NULL: none). */
static int
find_parts(
    const char *text, const char **host, size_t *host_len, const char **port)
{
	const char *colon = strchr(text, ':');

	*port = NULL;
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		*host = text + 1;
		*host_len = (size_t)(end - *host);
		if (end[1] == ':')
			*port = end + 2;
		return 0;
	}
	*host = text;
	*host_len = strlen(text);
	/* More than one colon: a bare IPv6 literal, which has no port. */
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*host_len = (size_t)(colon - text);
		*port = colon + 1;
	}
	return 0;
}

int
addr_split(
    const char *text, char *host, unsigned long host_size, uint16_t *port)
{
	const char *h, *p;
	size_t len;
	unsigned long v;

	if (find_parts(text, &h, &len, &p) < 0 || len == 0 || len >= host_size)
		return -EINVAL;
	if (memchr(h, '[', len) != NULL || memchr(h, ']', len) != NULL)
		return -EINVAL;
	if (p != NULL) {
		if (parse_number(p, UINT16_MAX, &v) < 0)
			return -EINVAL;
		*port = (uint16_t)v;
	}
	memcpy(host, h, len);
	host[len] = '\0';
	return 0;
}

char *
addr_host_text(const struct addr *a, char buf[ADDR_TEXT])
{
	unsigned len;
	const uint8_t *bytes = addr_bytes(a, &len);
	size_t n;

	if (bytes == NULL) {
		snprintf(buf, ADDR_TEXT, "-");
		return buf;
	}
	inet_ntop(a->sa.sa_family, bytes, buf, ADDR_TEXT);
	n = strlen(buf);
	if (scope_of(a) != 0) {
		char name[IF_NAMESIZE];

		/* The number stands for an interface that is gone. */
		if (if_indextoname(scope_of(a), name) != NULL)
			snprintf(buf + n, ADDR_TEXT - n, "%%%s", name);
		else
			snprintf(buf + n, ADDR_TEXT - n, "%%%u", scope_of(a));
	}
	return buf;
}

char *
addr_text(const struct addr *a, char buf[ADDR_TEXT])
{
	char host[ADDR_TEXT];
	/* At most 39 of an address, 16 of a scope, 8 of "[]:65535". */
	const char *begin = addr_family(a) == AF_INET6 ? "[" : "";
	const char *end = addr_family(a) == AF_INET6 ? "]" : "";

	addr_host_text(a, host);
	if (addr_family(a) == AF_UNSPEC)
		snprintf(buf, ADDR_TEXT, "-");
	else
		snprintf(buf, ADDR_TEXT, "%s%.55s%s:%u", begin, host, end,
		    addr_port(a));
	return buf;
}
