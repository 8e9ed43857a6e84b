/* Reading what is allowed, and holding targets against it. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "allow.h"

enum { HOST_MOST = 253, PORT_MOST = 65535 };

/*
 * Not of the Internet, or not with a meaning of their own there: RFC 6890 and
 * its registries. Of IPv6 only 2000::/3 is given out.
 */
static const struct subnet special4[] = {
    {AF_INET, {0}, 8},
    {AF_INET, {10}, 8},
    {AF_INET, {100, 64}, 10},
    {AF_INET, {127}, 8},
    {AF_INET, {169, 254}, 16},
    {AF_INET, {172, 16}, 12},
    {AF_INET, {192, 0, 0}, 24},
    {AF_INET, {192, 0, 2}, 24},
    {AF_INET, {192, 88, 99}, 24},
    {AF_INET, {192, 168}, 16},
    {AF_INET, {198, 18}, 15},
    {AF_INET, {198, 51, 100}, 24},
    {AF_INET, {203, 0, 113}, 24},
    {AF_INET, {224}, 3},
};
static const struct subnet global6 = {AF_INET6, {0x20}, 3};
static const struct subnet special6[] = {
    {AF_INET6, {0x20, 0x01}, 23},
    {AF_INET6, {0x20, 0x01, 0x0d, 0xb8}, 32},
    {AF_INET6, {0x20, 0x02}, 16},
    {AF_INET6, {0x3f, 0xff}, 20},
};

static bool
is_public(const struct addr *a)
{
	const struct subnet *list = special6;
	size_t n = sizeof(special6) / sizeof(special6[0]);

	if (addr_family(a) == AF_INET) {
		list = special4;
		n = sizeof(special4) / sizeof(special4[0]);
	} else if (!subnet_holds(&global6, a)) {
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (subnet_holds(&list[i], a))
			return false;
	return true;
}

/* ---- reading ---- */

/* Digits only; what follows them, or NULL. */
static const char *
read_port(const char *text, uint16_t *out)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return NULL;
	v = strtoul(text, &end, 10);
	if (v < 1 || v > PORT_MOST)
		return NULL;
	*out = (uint16_t)v;
	return end;
}

static int
parse_ports(struct allow *a, const char *text)
{
	const char *end = read_port(text, &a->from);

	a->to = a->from;
	if (end != NULL && *end == '-')
		end = read_port(end + 1, &a->to);
	return end != NULL && *end == '\0' && a->from <= a->to ? 0 : -EINVAL;
}

/* Where the host ends and its ports begin, if it has some. */
static int
split(const char *text, char host[HOST_MOST + 1], const char **ports)
{
	const char *from = text, *colon = strchr(text, ':');
	size_t len = strlen(text);

	*ports = NULL;
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		from = text + 1;
		len = (size_t)(end - from);
		*ports = end[1] == ':' ? end + 2 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		len = (size_t)(colon - text);
		*ports = colon + 1;
	}
	if (len == 0 || len > HOST_MOST)
		return -EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';
	return 0;
}

static bool
is_pattern(const char *s)
{
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-_.*?", *s) == NULL)
			return false;
	return true;
}

static int
parse_host(struct allow *a, const char *host, const char **why)
{
	char network[HOST_MOST + 5];
	struct addr literal;
	size_t len = strlen(host);
	int err;

	if (addr_parse_host(&literal, host) == 0)
		snprintf(network, sizeof(network), "%s/%s", host,
		    addr_family(&literal) == AF_INET ? "32" : "128");
	else if (strchr(host, '/') != NULL)
		snprintf(network, sizeof(network), "%s", host);
	else if (is_pattern(host)) {
		/* A dot at the end of a name says nothing of it. */
		a->name = strndup(host, host[len - 1] == '.' ? len - 1 : len);
		return a->name != NULL ? 0 : -ENOMEM;
	} else {
		*why = "is no network (198.51.100.0/24), address or name";
		return -EINVAL;
	}
	err = subnet_parse(&a->subnet, network);
	*why = err == -ERANGE ? "is a network with bits of a host in it"
			      : "is no network (198.51.100.0/24)";
	return err < 0 ? -EINVAL : 0;
}

int
allow_parse(struct allow *out, const char *text, const char **why)
{
	char host[HOST_MOST + 1];
	const char *ports;

	*out = (struct allow){.to = PORT_MOST};
	if (split(text, host, &ports) < 0) {
		*why = "is not HOST, HOST:PORT or HOST:FROM-TO (IPv6 with "
		       "ports in brackets)";
		return -EINVAL;
	}
	if (ports != NULL && parse_ports(out, ports) < 0) {
		*why = "has no port from 1 to 65535 behind the colon, nor two "
		       "with a dash";
		return -EINVAL;
	}
	return parse_host(out, host, why);
}

void
allow_clear(struct allow *a)
{
	free(a->name);
	a->name = NULL;
}

/* ---- asking ---- */

static bool
is_named(const struct allow *a, const char *host)
{
	char text[HOST_MOST + 2];
	size_t len = strlen(host);

	if (a->name == NULL || len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, host, len + 1);
	if (text[len - 1] == '.')
		text[len - 1] = '\0';
	return fnmatch(a->name, text, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

static bool
has_port(const struct allow *a, uint16_t port)
{
	return port >= a->from && port <= a->to;
}

bool
allow_host(const struct allow *list, size_t n, const char *host, uint16_t port)
{
	struct addr literal;

	if (addr_parse_host(&literal, host) == 0) {
		addr_set_port(&literal, port);
		return allow_address(list, n, host, &literal);
	}
	for (size_t i = 0; i < n; i++)
		if (has_port(&list[i], port) &&
		    (list[i].name == NULL || is_named(&list[i], host)))
			return true;
	return false;
}

bool
allow_address(
    const struct allow *list, size_t n, const char *host, const struct addr *a)
{
	struct addr literal;
	bool named = addr_parse_host(&literal, host) < 0 && is_public(a);

	for (size_t i = 0; i < n; i++) {
		if (!has_port(&list[i], addr_port(a)))
			continue;
		if (list[i].name == NULL ? subnet_holds(&list[i].subnet, a)
					 : named && is_named(&list[i], host))
			return true;
	}
	return false;
}
