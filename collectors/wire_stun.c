/* STUN messages: reading them strictly, writing them attribute by attribute. */
#include "build.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "wire_stun.h"

enum {
	COOKIE = 0x2112a442,	      /* section 5 */
	FINGERPRINT_XOR = 0x5354554e, /* section 14.7 */
	BINDING = 0x0001,
	CLASS_BITS = 0x0110,
	ATTRIBUTE = 4, /* type and length, before the value */
	FAMILY_4 = 1,
	FAMILY_6 = 2
};

/*
 * The comprehension-required attributes that are no surprise, one bit each:
 * those of RFC 8489, the credentials among them, and those of RFC 3489 that
 * servers of its time still add and section 18.3 keeps reserved. Of these
 * CHANGE-REQUEST (0x0003) is missing: who does not do it must say 420.
 */
static const uint64_t known_types =
    1ull << 0x01 | 1ull << 0x02 | 1ull << 0x04 | 1ull << 0x05 | 1ull << 0x06 |
    1ull << 0x07 | 1ull << 0x08 | 1ull << 0x09 | 1ull << 0x0a | 1ull << 0x0b |
    1ull << 0x14 | 1ull << 0x15 | 1ull << 0x1c | 1ull << 0x1d | 1ull << 0x1e |
    1ull << 0x20;

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t
fingerprint(const uint8_t *bytes, size_t len)
{
	return (uint32_t)crc32(0, bytes, (uInt)len) ^ FINGERPRINT_XOR;
}

/* Section 5: the two bits of the class stand apart in the message type. */
static unsigned type_of_class(enum stun_class class)
{
	return BINDING | (class & 1) << 4 | (class & 2) << 7;
}

static enum stun_class
class_of_type(unsigned type)
{
	return (enum stun_class)((type >> 4 & 1) | (type >> 7 & 2));
}

/* The sum of the eight bytes before the id, the same in every request. */
static const uint32_t request_sum = 0xa6b07908;

void
wire_stun_request(uint8_t out[STUN_REQUEST], const uint8_t id[STUN_ID])
{
	put16(out, type_of_class(STUN_CLASS_REQUEST));
	put16(out + 2, STUN_REQUEST - STUN_HEADER);
	put32(out + 4, COOKIE);
	memcpy(out + STUN_ID_AT, id, STUN_ID);
	put16(out + STUN_HEADER, STUN_FINGERPRINT);
	put16(out + STUN_HEADER + 2, 4);
	put32(out + STUN_HEADER + 4,
	    (uint32_t)crc32(request_sum, id, STUN_ID) ^ FINGERPRINT_XOR);
}

/* What X-Address is combined with, section 14.2; in place, both ways. */
static void
xor_address(uint8_t *bytes, size_t len, const uint8_t id[STUN_ID])
{
	uint8_t mask[16];

	put32(mask, COOKIE);
	memcpy(mask + 4, id, STUN_ID);
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= mask[i];
}

/* Sections 14.1 and 14.2; id is NULL for the plain one. */
static int
read_address(const uint8_t *v, size_t len, const uint8_t *id, struct addr *out)
{
	uint8_t bytes[16];
	unsigned port;
	int family;

	if (len == 8 && v[1] == FAMILY_4)
		family = AF_INET;
	else if (len == 20 && v[1] == FAMILY_6)
		family = AF_INET6;
	else
		return -EBADMSG;
	port = get16(v + 2);
	memcpy(bytes, v + 4, len - 4);
	if (id != NULL) {
		port ^= COOKIE >> 16;
		xor_address(bytes, len - 4, id);
	}
	addr_from_bytes(out, family, bytes, (uint16_t)port);
	return 0;
}

/* Section 14.8. */
static int
read_code(const uint8_t *v, size_t len, unsigned *out)
{
	unsigned class, number;

	if (len < 4)
		return -EBADMSG;
	class = v[2] & 7;
	number = v[3];
	if (class < 3 || class > 6 || number > 99)
		return -EBADMSG;
	*out = class * 100 + number;
	return 0;
}

/* What the attributes read so far have to say about the next ones. */
struct walk {
	const uint8_t *bytes;
	struct stun_message *out;
	bool xored;  /* out->mapped is from XOR-MAPPED-ADDRESS */
	bool sealed; /* integrity was seen: later ones do not count */
};

static void
note_unknown(struct stun_message *m, unsigned type)
{
	if (type >= 0x8000 || (type < 64 && (known_types >> type & 1)))
		return;
	if (m->unknowns < STUN_UNKNOWN)
		m->unknown[m->unknowns] = (uint16_t)type;
	m->unknowns++;
}

/* Of an attribute that is there twice the first one counts (section 14). */
static int
read_attribute(struct walk *w, unsigned type, const uint8_t *v, size_t len)
{
	struct stun_message *m = w->out;

	if (w->sealed)
		return 0;
	switch (type) {
	case STUN_XOR_MAPPED_ADDRESS:
		if (w->xored)
			return 0;
		w->xored = true;
		return read_address(v, len, m->id, &m->mapped);
	case STUN_MAPPED_ADDRESS:
		if (addr_family(&m->mapped) != AF_UNSPEC)
			return 0;
		return read_address(v, len, NULL, &m->mapped);
	case STUN_ERROR_CODE:
		return m->code == 0 ? read_code(v, len, &m->code) : 0;
	case STUN_MESSAGE_INTEGRITY:
	case STUN_MESSAGE_INTEGRITY_SHA256:
		w->sealed = true;
		return 0;
	default:
		note_unknown(m, type);
		return 0;
	}
}

static int
walk_attributes(struct walk *w, size_t len)
{
	size_t at = STUN_HEADER;

	for (unsigned n = 0; at < len; n++) {
		const uint8_t *a = w->bytes + at;
		size_t value, room = len - at - ATTRIBUTE;

		/* Both are multiples of four, so the four are there. */
		value = get16(a + 2);
		if (n == STUN_ATTRIBUTES || value > room)
			return -EBADMSG;
		if (get16(a) == STUN_FINGERPRINT) {
			w->out->fingerprint = true;
			return value == 4 && room == 4 &&
				       get32(a + ATTRIBUTE) ==
					   fingerprint(w->bytes, at)
				   ? 0
				   : -EBADMSG;
		}
		if (read_attribute(w, get16(a), a + ATTRIBUTE, value) < 0)
			return -EBADMSG;
		at += ATTRIBUTE + ((value + 3) & ~(size_t)3);
	}
	return 0;
}

int
wire_stun_parse(const uint8_t *bytes, size_t len, struct stun_message *out)
{
	struct walk w = {.bytes = bytes, .out = out};
	unsigned type;

	memset(out, 0, sizeof(*out));
	if (len < STUN_HEADER || wire_stun_frame(bytes, len) != (int)len)
		return -EBADMSG;
	type = get16(bytes);
	if ((type & ~(unsigned)CLASS_BITS) != BINDING)
		return -EBADMSG;
	out->class = class_of_type(type);
	memcpy(out->id, bytes + STUN_ID_AT, STUN_ID);
	return walk_attributes(&w, len);
}

enum outcome
wire_stun_outcome(const struct stun_message *m)
{
	if (m->unknowns > 0)
		return OUTCOME_PROTOCOL;
	if (m->class == STUN_CLASS_SUCCESS)
		return addr_family(&m->mapped) != AF_UNSPEC ? OUTCOME_ANSWERED
							    : OUTCOME_PROTOCOL;
	if (m->class == STUN_CLASS_ERROR && m->code != 0)
		return OUTCOME_ERROR_RESPONSE;
	return OUTCOME_PROTOCOL;
}

int
wire_stun_frame(const uint8_t *bytes, size_t len)
{
	uint8_t cookie[4];
	size_t have, total;

	if (len > 0 && (bytes[0] & 0xc0) != 0)
		return -EBADMSG;
	if (len >= 4 && (bytes[3] & 3) != 0)
		return -EBADMSG;
	put32(cookie, COOKIE);
	have = len < 4 ? 0 : len - 4 < 4 ? len - 4 : 4;
	if (have > 0 && memcmp(bytes + 4, cookie, have) != 0)
		return -EBADMSG;
	if (len < STUN_HEADER)
		return STUN_HEADER;
	total = STUN_HEADER + get16(bytes + 2);
	return total > STUN_MAX ? -EMSGSIZE : (int)total;
}

void
wire_stun_begin(struct stun_writer *w, uint8_t *out, size_t size,
    enum stun_class class, const uint8_t id[STUN_ID])
{
	*w = (struct stun_writer){.out = out, .size = size};
	if (size < STUN_HEADER) {
		w->full = true;
		return;
	}
	put16(out, type_of_class(class));
	put16(out + 2, 0);
	put32(out + 4, COOKIE);
	memcpy(out + STUN_ID_AT, id, STUN_ID);
	w->len = STUN_HEADER;
}

/* An attribute of len bytes, its padding cleared: where its value goes. */
static uint8_t *
add(struct stun_writer *w, unsigned type, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;
	uint8_t *a = w->out + w->len;

	if (w->full || len > UINT16_MAX ||
	    w->size - w->len < ATTRIBUTE + padded ||
	    w->len + ATTRIBUTE + padded > STUN_HEADER + UINT16_MAX) {
		w->full = true;
		return NULL;
	}
	put16(a, type);
	put16(a + 2, (unsigned)len);
	memset(a + ATTRIBUTE + len, 0, padded - len);
	w->len += ATTRIBUTE + padded;
	return a + ATTRIBUTE;
}

void
wire_stun_put(
    struct stun_writer *w, uint16_t type, const void *value, size_t len)
{
	uint8_t *v = add(w, type, len);

	if (v != NULL && len > 0)
		memcpy(v, value, len);
}

static void
put_address(struct stun_writer *w, unsigned type, const struct addr *a)
{
	unsigned len, port = addr_port(a);
	const uint8_t *bytes = addr_bytes(a, &len);
	uint8_t *v = bytes != NULL ? add(w, type, 4 + len) : NULL;

	if (v == NULL)
		return;
	v[0] = 0;
	v[1] = addr_family(a) == AF_INET6 ? FAMILY_6 : FAMILY_4;
	memcpy(v + 4, bytes, len);
	if (type == STUN_XOR_MAPPED_ADDRESS) {
		port ^= COOKIE >> 16;
		xor_address(v + 4, len, w->out + STUN_ID_AT);
	}
	put16(v + 2, port);
}

void
wire_stun_put_mapped(struct stun_writer *w, const struct addr *a)
{
	put_address(w, STUN_MAPPED_ADDRESS, a);
}

void
wire_stun_put_xor_mapped(struct stun_writer *w, const struct addr *a)
{
	put_address(w, STUN_XOR_MAPPED_ADDRESS, a);
}

void
wire_stun_put_text(struct stun_writer *w, uint16_t type, const char *s)
{
	wire_stun_put(w, type, s, strlen(s));
}

void
wire_stun_put_error(struct stun_writer *w, unsigned code, const char *reason)
{
	size_t len = strlen(reason);
	uint8_t *v = add(w, STUN_ERROR_CODE, 4 + len);

	if (v == NULL)
		return;
	put16(v, 0);
	v[2] = (uint8_t)(code / 100 & 7);
	v[3] = (uint8_t)(code % 100);
	memcpy(v + 4, reason, len);
}

void
wire_stun_put_unknown(struct stun_writer *w, const struct stun_message *m)
{
	unsigned n = m->unknowns < STUN_UNKNOWN ? m->unknowns : STUN_UNKNOWN;
	uint8_t *v = add(w, STUN_UNKNOWN_ATTRIBUTES, 2 * (size_t)n);

	for (unsigned i = 0; v != NULL && i < n; i++)
		put16(v + 2 * (size_t)i, m->unknown[i]);
}

size_t
wire_stun_end(struct stun_writer *w, bool with_fingerprint)
{
	uint8_t *v = NULL;

	if (with_fingerprint)
		v = add(w, STUN_FINGERPRINT, 4);
	if (w->full)
		return 0;
	put16(w->out + 2, (unsigned)(w->len - STUN_HEADER));
	/* The sum covers the length as it is with the attribute itself. */
	if (v != NULL)
		put32(v, fingerprint(w->out, w->len - 8));
	return w->len;
}
