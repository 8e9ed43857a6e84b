/* Domain names (RFC 1035 sections 3.1, 4.1.4, 5.1). */
#include "build.h"

#include <errno.h>

#include "wire_dns_name.h"

enum { LABEL = 63, POINTER = 0xc0 };

static uint8_t
small(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static int
decimal(const char *s)
{
	int v = 0;

	for (unsigned i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		v = 10 * v + (s[i] - '0');
	}
	return v < 256 ? v : -EINVAL;
}

/* One octet of a label: a character, \c or \DDD; -EINVAL: none of these. */
static int
octet(const char **s)
{
	const char *p = *s;

	if (*p != '\\') {
		*s = p + 1;
		return (unsigned char)*p;
	}
	if (p[1] < '0' || p[1] > '9') {
		*s = p + 2;
		return p[1] != '\0' ? (unsigned char)p[1] : -EINVAL;
	}
	*s = p + 4;
	return decimal(p + 1);
}

/* A label and the dot after it. */
static int
parse_label(const char **s, struct dns_name *out)
{
	uint8_t *head = &out->octets[out->len++];

	*head = 0;
	while (**s != '\0' && **s != '.') {
		int c = octet(s);

		/* An octet is left for the root. */
		if (c < 0 || *head == LABEL || out->len + 1 >= DNS_NAME)
			return -EINVAL;
		out->octets[out->len++] = (uint8_t)c;
		(*head)++;
	}
	if (*head == 0)
		return -EINVAL;
	if (**s == '.')
		(*s)++;
	return 0;
}

int
wire_dns_name_parse(const char *text, struct dns_name *out)
{
	bool root = text[0] == '.' && text[1] == '\0';

	out->len = 0;
	if (*text == '\0')
		return -EINVAL;
	while (*text != '\0' && !root) {
		if (out->len + 1 >= DNS_NAME || parse_label(&text, out) < 0)
			return -EINVAL;
	}
	out->octets[out->len++] = 0;
	return 0;
}

/* The octets of a label, its length among them. */
static int
take_label(const uint8_t *bytes, size_t len, size_t at, struct dns_name *out)
{
	unsigned n = bytes[at];

	if (n > LABEL || n >= len - at || out->len + n + 1 > DNS_NAME)
		return -EBADMSG;
	for (unsigned i = 0; i <= n; i++)
		out->octets[out->len + i] = small(bytes[at + i]);
	/* A name of 255 octets ends with this label. */
	out->len = (uint8_t)(out->len + n + 1);
	return (int)n;
}

int
wire_dns_name_read(
    const uint8_t *bytes, size_t len, size_t at, struct dns_name *out)
{
	size_t after = 0, before = at;
	unsigned jumps = 0;
	int n = 1;

	out->len = 0;
	while (n > 0) {
		if (at >= len)
			return -EBADMSG;
		if (bytes[at] < POINTER) {
			n = take_label(bytes, len, at, out);
			at += (size_t)n + 1;
			continue;
		}
		/* To a prior occurrence only: so it comes to an end. */
		if (len - at < 2 || ++jumps > DNS_JUMPS)
			return -EBADMSG;
		if (after == 0)
			after = at + 2;
		at = (size_t)(bytes[at] & 0x3f) << 8 | bytes[at + 1];
		if (at >= before)
			return -EBADMSG;
		before = at;
	}
	if (n < 0)
		return n;
	return (int)(after != 0 ? after : at);
}

bool
wire_dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	/* Lengths of labels are no letters. */
	if (a->len != b->len)
		return false;
	for (unsigned i = 0; i < a->len; i++)
		if (small(a->octets[i]) != small(b->octets[i]))
			return false;
	return true;
}
