/* Data of DNS records as text. Pure, like wire_dns.h, which it serves. */
#ifndef WIRE_DNS_TEXT_H
#define WIRE_DNS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { DNS_TEXT = 1024 }; /* of a record as text, with its end */

/* Data of a record, where it stands in a message; borrowed. */
struct dns_data {
	const uint8_t *bytes;
	size_t len; /* of the message */
	size_t at, end;
};

/*
 * Such data as a record of that type has them. It is spelled as in a zone
 * file, but names end without a dot, strings have no quotes, and those of TXT
 * stand together without a space: "10 mx.example". What is too long is cut.
 * 0, or -EBADMSG: such a record cannot have them.
 */
int wire_dns_text(const struct dns_data *d, uint16_t type, char text[DNS_TEXT]);

#endif
