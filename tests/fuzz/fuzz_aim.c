/*
 * What somebody asks for, and where a server sends one on to: "TARGET\n" and
 * a Location. Besides memory errors: what comes out is a URL that leads where
 * it is said to lead, and no name leads to this host.
 */
#include "build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aim.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char file[] =
    "probe: {allow: ['*'], modules: {tcp: {prober: tcp}}}\n";

static struct config *
configuration(void)
{
	static struct config *config;
	struct doc_errors errors = {0};

	if (config == NULL)
		config = config_parse("f.yml", file, strlen(file), &errors);
	if (config == NULL)
		abort();
	return config;
}

static void
check_inside(const struct config *c, const struct aim *a)
{
	static const uint8_t bytes[4] = {127, 0, 0, 1};
	struct addr here;

	addr_from_bytes(&here, AF_INET, bytes, a->t.port);
	if (allow_address(c->allow, c->allows, a->lookup, &here))
		abort();
}

/* A literal has many forms, of which a target has one. */
static bool
is_host(const char *written, const char *host)
{
	char *copy = nodelist_copy_host(written);
	bool same = copy != NULL && strcmp(copy, host) == 0;

	free(copy);
	return same;
}

static void
check(const struct config *c, const struct aim *a)
{
	const char *why;
	struct url u;

	check_inside(c, a);
	if (!nodelist_host_ok(a->t.host) || a->t.port == 0)
		abort();
	if (a->t.url == NULL)
		return;
	if (url_split(a->t.url, &u, &why) < 0 || u.user_len > 0 ||
	    !is_host(u.host, a->t.host) ||
	    (a->t.transport == TRANSPORT_HTTPS) !=
		(strcmp(u.scheme, "https") == 0))
		abort();
}

static void
follow(const struct config *c, const char *target, const char *location)
{
	const struct config_module *m = config_module_find(c, "http_2xx");
	char why[AIM_WHY];
	struct aim a, next;

	if (aim_at(&a, m, target, NULL, why) < 0)
		return;
	check(c, &a);
	if (aim_follow(&next, m, &a, location, why) == 0) {
		check(c, &next);
		aim_clear(&next);
	}
	aim_clear(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config *c = configuration();
	char *text = malloc(size + 2), *location;
	char why[AIM_WHY];
	struct aim a;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	location = strchr(text, '\n');
	if (location != NULL)
		*location++ = '\0';
	else
		location = text + size;
	follow(c, text, location);
	if (aim_at(&a, config_module_find(c, "tcp"), text, location, why) ==
	    0) {
		check(c, &a);
		aim_clear(&a);
	}
	free(text);
	return 0;
}
