/*
 * Domain names: from text to the wire, and out of a message with their
 * compression undone. Pure. A name here is its form on the wire, labels with
 * their lengths and the root's at the end.
 */
#ifndef WIRE_DNS_NAME_H
#define WIRE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_NAME = 255, /* octets of a name on the wire, at most */
	DNS_JUMPS = 64	/* compression pointers that a name may go through */
};

struct dns_name {
	uint8_t octets[DNS_NAME];
	uint8_t len; /* 1..DNS_NAME */
};

/*
 * "www.example.net", with or without the dot at its end; "." is the root; \.
 * and \DDD are octets of a label. 0 or -EINVAL.
 */
int wire_dns_name_parse(const char *text, struct dns_name *out);

/*
 * The name that begins at `at`, its letters small. Where what follows it
 * begins, or -EBADMSG: it leaves the message, is too long, or its pointers
 * lead anywhere but back.
 */
int wire_dns_name_read(
    const uint8_t *bytes, size_t len, size_t at, struct dns_name *out);

/* Whatever the case of their letters. */
bool wire_dns_name_equal(const struct dns_name *a, const struct dns_name *b);

#endif
