/*
 * What the environment says of proxies, as curl, wget and most others read
 * it: https_proxy, http_proxy, all_proxy and no_proxy.
 */
#ifndef ENVIRON_H
#define ENVIRON_H

#include <stdbool.h>
#include <stdint.h>

#include "word.h"

struct proxy;

/*
 * The proxy for a URL, owned by the caller, its name "env" (for http URLs
 * "env-http"); NULL: it is to be reached directly. 0, -ENOMEM, or -EINVAL with
 * *why, for people (static).
 */
int environ_proxy(enum transport t, const char *host, uint16_t port,
    struct proxy **out, const char **why);

/*
 * Whether no_proxy's list exempts the host: "*", names with all that is below
 * them, addresses, networks ("192.0.2.0/24"), each perhaps with a port. Pure.
 */
bool environ_exempts(const char *list, const char *host, uint16_t port);

#endif
