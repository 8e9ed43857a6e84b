/* DNS messages written by hand, for tests of what reads them. */
#ifndef DNSMSG_H
#define DNSMSG_H

#include <stdint.h>
#include <string.h>

#include "wire_dns.h"

enum { DNSMSG = 70000 };

struct dnsmsg {
	uint8_t bytes[DNSMSG];
	size_t len;
	size_t data; /* where the length of the last record's data stands */
};

static inline void
dnsmsg_8(struct dnsmsg *m, unsigned v)
{
	m->bytes[m->len++] = (uint8_t)v;
}

static inline void
dnsmsg_16(struct dnsmsg *m, unsigned v)
{
	dnsmsg_8(m, v >> 8);
	dnsmsg_8(m, v & 0xff);
}

static inline void
dnsmsg_32(struct dnsmsg *m, uint32_t v)
{
	dnsmsg_16(m, v >> 16);
	dnsmsg_16(m, v & 0xffff);
}

static inline void
dnsmsg_text(struct dnsmsg *m, const char *s)
{
	memcpy(m->bytes + m->len, s, strlen(s));
	m->len += strlen(s);
}

/* Labels as they are written; "" is the root. */
static inline void
dnsmsg_name(struct dnsmsg *m, const char *s)
{
	while (*s != '\0') {
		size_t n = strcspn(s, ".");

		dnsmsg_8(m, (unsigned)n);
		memcpy(m->bytes + m->len, s, n);
		m->len += n;
		s += n + (s[n] == '.');
	}
	dnsmsg_8(m, 0);
}

static inline void
dnsmsg_pointer(struct dnsmsg *m, size_t to)
{
	dnsmsg_16(m, 0xc000 | (unsigned)to);
}

static inline void
dnsmsg_begin(struct dnsmsg *m, unsigned flags, unsigned answers,
    unsigned authority, unsigned additional)
{
	m->len = 0;
	dnsmsg_16(m, 0x1234);
	dnsmsg_16(m, flags);
	dnsmsg_16(m, 1);
	dnsmsg_16(m, answers);
	dnsmsg_16(m, authority);
	dnsmsg_16(m, additional);
}

static inline void
dnsmsg_question(struct dnsmsg *m, const char *name, unsigned type)
{
	dnsmsg_name(m, name);
	dnsmsg_16(m, type);
	dnsmsg_16(m, 1);
}

/* After the owner's name; the data follows, then dnsmsg_end(). */
static inline void
dnsmsg_record(struct dnsmsg *m, unsigned type, uint32_t ttl)
{
	dnsmsg_16(m, type);
	dnsmsg_16(m, 1);
	dnsmsg_32(m, ttl);
	m->data = m->len;
	dnsmsg_16(m, 0);
}

static inline void
dnsmsg_end(struct dnsmsg *m)
{
	size_t n = m->len - m->data - 2;

	m->bytes[m->data] = (uint8_t)(n >> 8);
	m->bytes[m->data + 1] = (uint8_t)n;
}

/* Whole records. */
static inline void
dnsmsg_a(struct dnsmsg *m, const char *owner, uint32_t ttl, uint32_t addr)
{
	dnsmsg_name(m, owner);
	dnsmsg_record(m, DNS_A, ttl);
	dnsmsg_32(m, addr);
	dnsmsg_end(m);
}

static inline void
dnsmsg_cname(struct dnsmsg *m, const char *owner, uint32_t ttl, const char *to)
{
	dnsmsg_name(m, owner);
	dnsmsg_record(m, DNS_CNAME, ttl);
	dnsmsg_name(m, to);
	dnsmsg_end(m);
}

#endif
