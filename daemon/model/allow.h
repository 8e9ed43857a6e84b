/*
 * What may be asked for by others: networks, addresses and names, each with
 * the ports that are meant. A name says nothing of where it leads, so what it
 * resolves to is looked at, too. Pure.
 */
#ifndef ALLOW_H
#define ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "subnet.h"

struct addr;

struct allow {
	char *name; /* owned: with * and ?; NULL: a network */
	struct subnet subnet;
	uint16_t from, to; /* ports; 0 and 65535: any, and none at all */
};

/*
 * "HOST", "HOST:PORT" or "HOST:FROM-TO", HOST being a network, an address or
 * a name; one of IPv6 with ports stands in brackets. 0; -ENOMEM; or -EINVAL
 * and *why, for people (static).
 */
int allow_parse(struct allow *out, const char *text, const char **why);
void allow_clear(struct allow *a);

/*
 * Whether there is any address with which allow_address() could be true: else
 * the host need not be looked up. Port 0: the probe has none.
 */
bool allow_host(
    const struct allow *list, size_t n, const char *host, uint16_t port);

/*
 * Whether the host may be probed at this address and its port: it is in a
 * network of the list; or a name of the list is the host's, and the address
 * is one of the Internet, not one of those that mean this host or this site.
 */
bool allow_address(
    const struct allow *list, size_t n, const char *host, const struct addr *a);

#endif
