/*
 * What stands in the data of a record is a row of letters per type. Types
 * without a row are spelled as RFC 3597 section 5 has it.
 */
#include "build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire_dns.h"

/*
 * b, s, l: numbers of 1, 2, 4 octets; n: a name; c: a string with its length;
 * t: the rest; T: strings up to the end; 4, 6: an address; p: parameters of a
 * service.
 */
static const struct {
	uint16_t type;
	const char *fields;
} rows[] = {
    {DNS_A, "4"},
    {DNS_NS, "n"},
    {DNS_CNAME, "n"},
    {DNS_SOA, "nnlllll"},
    {DNS_PTR, "n"},
    {DNS_MX, "sn"},
    {DNS_TXT, "T"},
    {DNS_AAAA, "6"},
    {DNS_SRV, "sssn"},
    {DNS_NAPTR, "sscccn"},
    {DNS_SVCB, "snp"},
    {DNS_HTTPS, "snp"},
    {DNS_CAA, "bct"},
};

/* Parameters of services, RFC 9460 section 14.3.2. */
enum { ALPN = 1, NO_DEFAULT_ALPN = 2, PORT = 3, IPV4HINT = 4, IPV6HINT = 6 };

/* Where it is read from, up to which end, and where it goes. */
struct spell {
	const uint8_t *bytes;
	size_t len, at, end;
	char *out;
	size_t used; /* below DNS_TEXT */
};

static void
put(struct spell *s, const char *text)
{
	size_t n = strlen(text), room = DNS_TEXT - 1 - s->used;

	n = n < room ? n : room;
	memcpy(s->out + s->used, text, n);
	s->used += n;
	s->out[s->used] = '\0';
}

/* RFC 1035 section 5.1; in names the dot and the space are special, too. */
static void
put_octet(struct spell *s, uint8_t c, bool name)
{
	char text[8];

	if (c < 0x20 || c >= 0x7f || (name && c == ' '))
		snprintf(text, sizeof(text), "\\%03u", c);
	else if (c == '\\' || (name && c == '.'))
		snprintf(text, sizeof(text), "\\%c", c);
	else
		snprintf(text, sizeof(text), "%c", c);
	put(s, text);
}

static int
spell_number(struct spell *s, size_t octets)
{
	char text[16];
	uint32_t v = 0;

	if (s->end - s->at < octets)
		return -EBADMSG;
	for (size_t i = 0; i < octets; i++)
		v = v << 8 | s->bytes[s->at++];
	snprintf(text, sizeof(text), "%" PRIu32, v);
	put(s, text);
	return 0;
}

static int
spell_address(struct spell *s, int family, size_t octets)
{
	char text[INET6_ADDRSTRLEN];

	if (s->end - s->at < octets)
		return -EBADMSG;
	inet_ntop(family, s->bytes + s->at, text, sizeof(text));
	s->at += octets;
	put(s, text);
	return 0;
}

static int
spell_name(struct spell *s)
{
	struct dns_name name;
	int next = wire_dns_name_read(s->bytes, s->len, s->at, &name);

	if (next < 0 || (size_t)next > s->end)
		return -EBADMSG;
	s->at = (size_t)next;
	if (name.len == 1)
		put(s, ".");
	for (unsigned i = 0; name.octets[i] != 0; i += name.octets[i] + 1u) {
		if (i > 0)
			put(s, ".");
		for (unsigned k = 1; k <= name.octets[i]; k++)
			put_octet(s, name.octets[i + k], true);
	}
	return 0;
}

static int
spell_octets(struct spell *s, size_t n)
{
	if (s->end - s->at < n)
		return -EBADMSG;
	while (n-- > 0)
		put_octet(s, s->bytes[s->at++], false);
	return 0;
}

static int
spell_string(struct spell *s)
{
	if (s->at >= s->end)
		return -EBADMSG;
	s->at++;
	return spell_octets(s, s->bytes[s->at - 1]);
}

static int
spell_strings(struct spell *s)
{
	int err = spell_string(s);

	while (err == 0 && s->at < s->end)
		err = spell_string(s);
	return err;
}

static int
spell_hex(struct spell *s)
{
	char text[4];

	while (s->at < s->end) {
		snprintf(text, sizeof(text), "%02x", s->bytes[s->at++]);
		put(s, text);
	}
	return 0;
}

/* One item of a parameter's list of them. */
static int
spell_item(struct spell *s, unsigned key)
{
	switch (key) {
	case ALPN:
		return spell_string(s);
	case PORT:
		return spell_number(s, 2);
	case IPV4HINT:
		return spell_address(s, AF_INET, 4);
	case IPV6HINT:
		return spell_address(s, AF_INET6, 16);
	default:
		return spell_hex(s);
	}
}

static int
spell_parameter(struct spell *s)
{
	static const char *const names[] = {
	    [ALPN] = "alpn",
	    [NO_DEFAULT_ALPN] = "no-default-alpn",
	    [PORT] = "port",
	    [IPV4HINT] = "ipv4hint",
	    [IPV6HINT] = "ipv6hint",
	};
	struct spell value = *s;
	unsigned key;
	char text[16];
	int err = 0;

	if (s->end - s->at < 4)
		return -EBADMSG;
	key = (unsigned)s->bytes[s->at] << 8 | s->bytes[s->at + 1];
	value.at += 4;
	value.end =
	    value.at + ((size_t)s->bytes[s->at + 2] << 8 | s->bytes[s->at + 3]);
	if (value.end > s->end)
		return -EBADMSG;
	snprintf(text, sizeof(text), "key%u", key);
	put(&value, " ");
	put(&value, key <= IPV6HINT && names[key] != NULL ? names[key] : text);
	for (bool first = true; value.at < value.end && err == 0;
	     first = false) {
		put(&value, first ? "=" : ",");
		err = spell_item(&value, key);
	}
	s->at = value.at;
	s->used = value.used;
	return err;
}

static int
spell_parameters(struct spell *s)
{
	int err = 0;

	while (err == 0 && s->at < s->end)
		err = spell_parameter(s);
	return err;
}

static int
spell_field(struct spell *s, char field)
{
	switch (field) {
	case 'b':
		return spell_number(s, 1);
	case 's':
		return spell_number(s, 2);
	case 'l':
		return spell_number(s, 4);
	case 'n':
		return spell_name(s);
	case 'c':
		return spell_string(s);
	case 'T':
		return spell_strings(s);
	case '4':
		return spell_address(s, AF_INET, 4);
	case '6':
		return spell_address(s, AF_INET6, 16);
	case 'p':
		return spell_parameters(s);
	default:
		return spell_octets(s, s->end - s->at);
	}
}

static int
spell_fields(struct spell *s, const char *fields)
{
	int err = 0;

	for (const char *f = fields; *f != '\0' && err == 0; f++) {
		/* Parameters bring their own space. */
		if (f != fields && *f != 'p')
			put(s, " ");
		err = spell_field(s, *f);
	}
	return err == 0 && s->at != s->end ? -EBADMSG : err;
}

int
wire_dns_text(const struct dns_data *d, uint16_t type, char text[DNS_TEXT])
{
	struct spell s = {d->bytes, d->len, d->at, d->end, text, 0};
	char head[32];

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == type)
			return spell_fields(&s, rows[i].fields);
	snprintf(head, sizeof(head), "\\# %zu ", d->end - d->at);
	put(&s, head);
	return spell_hex(&s);
}
