/* The name of a TLS server: configured, or the host's. */
#include "build.h"

#include <stddef.h>

#include "probe.h"
#include "tls_name.h"

const char *
tls_name(const struct path *p)
{
	return p->ask != NULL && p->ask->tls.server_name != NULL
		   ? p->ask->tls.server_name
		   : p->host;
}

const char *
tls_name_asked(const struct path *p)
{
	const char *host = tls_name(p);
	struct addr literal;

	return host != NULL && host[0] != '\0' &&
		       addr_parse_host(&literal, host) < 0
		   ? host
		   : NULL;
}
