/* A network address with its port: IPv4 or IPv6, no names, no allocation. */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

enum { ADDR_TEXT = 64 };	/* "[v6%scope]:65535" and a NUL */

/* AF_INET, AF_INET6, or AF_UNSPEC (0) for an address that is not set. */
int addr_family(const struct addr *a);
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_equal(const struct addr *a, const struct addr *b);	/* with port */
bool addr_same_host(const struct addr *a, const struct addr *b);
/* Total order, family then bytes then port; for qsort and stable output. */
int addr_compare(const struct addr *a, const struct addr *b);

/* 0, or -EINVAL/-EAFNOSUPPORT. len is that of the socket address given. */
int addr_from_sockaddr(struct addr *a, const struct sockaddr *sa,
    socklen_t len);
void addr_from_bytes(struct addr *a, int family, const void *bytes,
    uint16_t port);
/* The 4 or 16 bytes; NULL for an unset address. */
const uint8_t *addr_bytes(const struct addr *a, unsigned *len);

/*
 * A literal without port: "192.0.2.1", "2001:db8::1", "fe80::1%eth0"; 0 or
 * -EINVAL, also for an interface that does not exist.
 */
int addr_parse_host(struct addr *a, const char *text);

/*
 * Splits "host:port", "[v6]:port", "host", "[v6]" and a bare IPv6 literal.
 * port is left alone when the text has none. 0 or -EINVAL.
 */
int addr_split(const char *text, char *host, unsigned long host_size,
    uint16_t *port);

/*
 * "192.0.2.1:5004" or "[2001:db8::1]:5004"; addr_host_text leaves the port.
 * An unset address is "-".
 */
char *addr_text(const struct addr *a, char buf[ADDR_TEXT]);
char *addr_host_text(const struct addr *a, char buf[ADDR_TEXT]);

#endif
