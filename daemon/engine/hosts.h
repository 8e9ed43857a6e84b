/*
 * What /etc says about names: the hosts file and the name servers of
 * resolv.conf, parsed from text. Which file, and when, is resolve.c's.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include <stddef.h>

#include "addr.h"

struct hosts;

/* hosts(5); lines that make no sense are skipped. NULL: no memory. */
struct hosts *hosts_parse(const char *text, size_t len);
void hosts_free(struct hosts *h);

/*
 * Addresses of the name, in any case, with or without a dot at its end;
 * family AF_UNSPEC: both. localhost is known without a line (RFC 6761 6.3).
 */
size_t hosts_find(const struct hosts *h, const char *name, int family,
    struct addr *out, size_t max);

/* The `nameserver` lines of a resolv.conf, port 53. */
size_t hosts_nameservers(
    const char *text, size_t len, struct addr *out, size_t max);

#endif
