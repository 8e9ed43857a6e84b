/* The DNS codec on messages written by hand, and on hostile ones. */
#include "build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dnsmsg.h"
#include "wire_dns.h"

enum { RESPONSE = 0x8180, TRUNCATED = 0x8380 };

static struct dnsmsg m;

static struct dns_question
ask(const char *name, uint16_t type)
{
	struct dns_question q = {.type = type, .recurse = true, .edns = true};

	assert_int_equal(wire_dns_name_parse(name, &q.name), 0);
	return q;
}

/* A copy that ends where the message ends, for the sanitizer to watch. */
static int
parse_bytes(const uint8_t *bytes, size_t len, const struct dns_question *q,
    struct dns_answer *a)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	rc = wire_dns_parse(copy, len, q, a);
	free(copy);
	return rc;
}

static int
parse(const struct dns_question *q, struct dns_answer *a)
{
	return parse_bytes(m.bytes, m.len, q, a);
}

/* All records as text, with a bar between them. */
static const char *
texts(const struct dns_question *q, const struct dns_answer *a)
{
	static char all[8 * DNS_TEXT];
	char text[DNS_TEXT];
	struct dns_walk w;
	size_t len = 0;

	all[0] = '\0';
	wire_dns_first(&w, m.bytes, m.len, q, a);
	while (wire_dns_next(&w, text))
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
		    len > 0 ? "|" : "", text);
	return all;
}

/* ---- what we send ---- */

static void
test_query(void **state)
{
	static const uint8_t whole[] =
	    "\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
	    "\x03www\x07"
	    "example\x03net\x00\x00\x1c\x00\x01"
	    "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
	struct dns_question q = ask("www.example.net", DNS_AAAA);
	uint8_t out[DNS_QUERY];

	assert_int_equal(wire_dns_query(out, &q, (const uint8_t *)"\xab\xcd"),
	    sizeof(whole) - 1);
	assert_memory_equal(out, whole, sizeof(whole) - 1);
	/* Without EDNS0 and recursion. */
	q.edns = q.recurse = false;
	assert_int_equal(wire_dns_query(out, &q, (const uint8_t *)"\xab\xcd"),
	    sizeof(whole) - 1 - 11);
	assert_int_equal(out[2], 0);
	assert_int_equal(out[11], 0);
	assert_memory_equal(out + 12, whole + 12, sizeof(whole) - 1 - 11 - 12);
}

static void
test_longest_query(void **state)
{
	char name[256];
	struct dns_question q = {.edns = true, .type = DNS_CAA};
	uint8_t out[DNS_QUERY];

	/* Labels of 63, 63, 63 and 61: 255 octets with lengths and root. */
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	assert_int_equal(wire_dns_name_parse(name, &q.name), 0);
	assert_int_equal(q.name.len, DNS_NAME);
	assert_int_equal(
	    wire_dns_query(out, &q, (const uint8_t *)"ab"), DNS_QUERY);
	name[253] = 'a';
	name[254] = '\0';
	assert_int_equal(wire_dns_name_parse(name, &q.name), -EINVAL);
	/* A dot at its end takes no octet. */
	name[253] = '.';
	assert_int_equal(wire_dns_name_parse(name, &q.name), 0);
	assert_int_equal(q.name.len, DNS_NAME);
}

/* ---- what comes back ---- */

static void
test_plain(void **state)
{
	struct dns_question q = ask("www.Example.net.", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 2, 0, 0);
	dnsmsg_question(&m, "WWW.example.NET", DNS_A);
	dnsmsg_pointer(&m, 12);
	dnsmsg_record(&m, DNS_A, 300);
	dnsmsg_32(&m, 0xc0000201);
	dnsmsg_end(&m);
	dnsmsg_pointer(&m, 12);
	dnsmsg_record(&m, DNS_A, 60);
	dnsmsg_32(&m, 0xc0000202);
	dnsmsg_end(&m);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.rcode, 0);
	assert_int_equal(a.records, 2);
	assert_int_equal(a.aliases, 0);
	assert_int_equal(a.ttl, 60);
	assert_false(a.truncated || a.looped);
	assert_string_equal(texts(&q, &a), "192.0.2.1|192.0.2.2");
}

/* ---- which records answer ---- */

static void
test_aliases(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 4, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_cname(&m, "a.example", 100, "b.example");
	dnsmsg_cname(&m, "B.example", 20, "c.example");
	dnsmsg_a(&m, "c.example", 50, 0xc0000207);
	dnsmsg_a(&m, "a.example", 5, 0xc0000209);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.aliases, 2);
	assert_int_equal(a.records, 1);
	assert_int_equal(a.ttl, 20);
	assert_string_equal(texts(&q, &a), "192.0.2.7");
	/* Whoever asks for the alias gets it, and nothing is followed. */
	q.type = DNS_CNAME;
	m.bytes[12 + 11 + 1] = DNS_CNAME;
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.aliases, 0);
	assert_int_equal(a.records, 1);
	assert_string_equal(texts(&q, &a), "b.example");
}

static void
test_aliases_backwards(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 4, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_a(&m, "d.example", 50, 0xc0000207);
	dnsmsg_cname(&m, "c.example", 30, "d.example");
	dnsmsg_cname(&m, "b.example", 20, "c.example");
	dnsmsg_cname(&m, "a.example", 100, "b.example");
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.aliases, 3);
	assert_int_equal(a.records, 1);
	assert_false(a.looped);
	assert_string_equal(texts(&q, &a), "192.0.2.7");
}

static void
test_alias_loops(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;
	char from[16], to[16];

	dnsmsg_begin(&m, RESPONSE, 3, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_cname(&m, "a.example", 100, "b.example");
	dnsmsg_cname(&m, "b.example", 100, "a.example");
	dnsmsg_a(&m, "a.example", 5, 0xc0000209);
	assert_int_equal(parse(&q, &a), 0);
	assert_true(a.looped);
	assert_int_equal(a.records, 0);
	assert_string_equal(texts(&q, &a), "");
	/* To itself. */
	dnsmsg_begin(&m, RESPONSE, 1, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_cname(&m, "a.example", 100, "a.example");
	assert_int_equal(parse(&q, &a), 0);
	assert_true(a.looped);
	/* No circle, but without an end. */
	dnsmsg_begin(&m, RESPONSE, 40, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(
		    from, sizeof(from), i > 0 ? "%u.example" : "a.example", i);
		snprintf(to, sizeof(to), "%u.example", i + 1);
		dnsmsg_cname(&m, from, 100, to);
	}
	assert_int_equal(parse(&q, &a), 0);
	assert_true(a.looped);
	assert_int_equal(a.aliases, DNS_CHAIN);
}

/* Other owners, types and classes answer nothing. */
static void
test_strangers(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 3, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_a(&m, "b.example", 5, 0xc0000201);
	dnsmsg_name(&m, "a.example");
	dnsmsg_record(&m, DNS_TXT, 7);
	dnsmsg_8(&m, 0);
	dnsmsg_end(&m);
	dnsmsg_a(&m, "a.example", 5, 0xc0000202);
	/* CHAOS */
	m.bytes[m.data - 5] = 3;
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.records, 0);
	assert_int_equal(a.ttl, -1);
	assert_string_equal(texts(&q, &a), "");
}

static void
put_soa(const char *owner, uint32_t ttl, uint32_t least)
{
	dnsmsg_name(&m, owner);
	dnsmsg_record(&m, DNS_SOA, ttl);
	dnsmsg_name(&m, "ns.example");
	dnsmsg_name(&m, "host.master.example");
	for (uint32_t i = 1; i <= 4; i++)
		dnsmsg_32(&m, i);
	dnsmsg_32(&m, least);
	dnsmsg_end(&m);
}

static void
test_negative(void **state)
{
	struct dns_question q = ask("no.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE | DNS_NXDOMAIN, 0, 1, 0);
	dnsmsg_question(&m, "no.example", DNS_A);
	put_soa("example", 3600, 900);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.rcode, DNS_NXDOMAIN);
	assert_int_equal(a.records, 0);
	assert_int_equal(a.ttl, 900);
	/* The record's own TTL is the lesser; what is negative is 0. */
	dnsmsg_begin(&m, RESPONSE, 0, 1, 0);
	dnsmsg_question(&m, "no.example", DNS_A);
	put_soa("example", 60, 900);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.ttl, 60);
	dnsmsg_begin(&m, RESPONSE, 0, 1, 0);
	dnsmsg_question(&m, "no.example", DNS_A);
	put_soa("example", 60, 0x80000000);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.ttl, 0);
	/* Data for a SOA of which the numbers are missing. */
	dnsmsg_begin(&m, RESPONSE, 0, 1, 0);
	dnsmsg_question(&m, "no.example", DNS_A);
	dnsmsg_name(&m, "");
	dnsmsg_record(&m, DNS_SOA, 60);
	dnsmsg_name(&m, "");
	dnsmsg_name(&m, "");
	dnsmsg_32(&m, 1);
	dnsmsg_end(&m);
	assert_int_equal(parse(&q, &a), -EBADMSG);
}

static void
test_ttl_sign(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 1, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_a(&m, "a.example", 0x80000001, 0xc0000202);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.ttl, 0);
}

static void
test_extended_rcode(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	/* BADVERS is 16: nothing of it stands in the header. */
	dnsmsg_begin(&m, RESPONSE, 0, 0, 1);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_name(&m, "");
	dnsmsg_record(&m, DNS_OPT, 0x01000000);
	dnsmsg_end(&m);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.rcode, 16);
}

/* ---- what is no answer ---- */

static void
test_not_ours(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	dnsmsg_begin(&m, RESPONSE, 0, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	assert_int_equal(parse(&q, &a), 0);
	m.bytes[2] = 0x01; /* our own query, reflected */
	assert_int_equal(parse(&q, &a), -EBADMSG);
	m.bytes[2] = 0x91; /* another opcode */
	assert_int_equal(parse(&q, &a), -EBADMSG);
	m.bytes[2] = 0x81;
	m.bytes[5] = 2;
	assert_int_equal(parse(&q, &a), -EBADMSG);
	m.bytes[5] = 1;
	m.bytes[13] = 'b'; /* another name */
	assert_int_equal(parse(&q, &a), -EBADMSG);
	m.bytes[13] = 'A';
	assert_int_equal(parse(&q, &a), 0);
	m.bytes[m.len - 3] = DNS_NS; /* another type, another class */
	assert_int_equal(parse(&q, &a), -EBADMSG);
	m.bytes[m.len - 3] = DNS_A;
	m.bytes[m.len - 1] = 3;
	assert_int_equal(parse(&q, &a), -EBADMSG);
}

/* Who cannot read a question may answer without one, if with an error. */
static void
test_no_question(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	for (unsigned rcode = 0; rcode < 16; rcode++) {
		dnsmsg_begin(&m, 0x8180 | rcode, 0, 0, 0);
		m.bytes[5] = 0;
		if (rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN) {
			assert_int_equal(parse(&q, &a), -EBADMSG);
		} else {
			assert_int_equal(parse(&q, &a), 0);
			assert_int_equal(a.rcode, rcode);
		}
	}
}

static void
test_counts(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	/* One more than there are; more than we look at. */
	dnsmsg_begin(&m, RESPONSE, 2, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_a(&m, "a.example", 5, 0xc0000202);
	assert_int_equal(parse(&q, &a), -EBADMSG);
	dnsmsg_begin(&m, RESPONSE, 0xffff, 0xffff, 0xffff);
	dnsmsg_question(&m, "a.example", DNS_A);
	assert_int_equal(parse(&q, &a), -EBADMSG);
	dnsmsg_begin(&m, RESPONSE, DNS_RECORDS, 0, 0);
	dnsmsg_question(&m, "a.example", DNS_A);
	for (uint32_t i = 0; i < DNS_RECORDS; i++)
		dnsmsg_a(&m, "a.example", 5, i);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.records, DNS_RECORDS);
}

/* An answer, an alias, a SOA and an OPT: all that is looked at. */
static void
whole_message(unsigned flags)
{
	dnsmsg_begin(&m, flags, 2, 1, 1);
	dnsmsg_question(&m, "a.example", DNS_A);
	dnsmsg_pointer(&m, 12);
	dnsmsg_record(&m, DNS_CNAME, 30);
	dnsmsg_8(&m, 1);
	dnsmsg_8(&m, 'b');
	dnsmsg_pointer(&m, 14);
	dnsmsg_end(&m);
	dnsmsg_a(&m, "b.example", 5, 0xc0000202);
	put_soa("example", 60, 900);
	dnsmsg_name(&m, "");
	dnsmsg_record(&m, DNS_OPT, 0);
	dnsmsg_end(&m);
}

static void
test_every_truncation(void **state)
{
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	whole_message(RESPONSE);
	assert_int_equal(parse(&q, &a), 0);
	assert_int_equal(a.records, 1);
	assert_int_equal(a.aliases, 1);
	for (size_t n = 0; n < m.len; n++)
		assert_int_equal(parse_bytes(m.bytes, n, &q, &a), -EBADMSG);
	/* What says that it was cut is taken from its question on. */
	whole_message(TRUNCATED);
	for (size_t n = 0; n < m.len; n++) {
		int rc = parse_bytes(m.bytes, n, &q, &a);

		assert_int_equal(rc, n < 12 + 11 + 4 ? -EBADMSG : 0);
		assert_true(rc < 0 || a.truncated);
		assert_true(a.records <= 1);
	}
}

/* Nothing of what says that it is ours may change, but the case of letters. */
static void
test_every_bit(void **state)
{
	enum { QR_OPCODE = 0xf8, QUESTION_END = 12 + 11 + 4 };
	struct dns_question q = ask("a.example", DNS_A);
	struct dns_answer a;

	whole_message(RESPONSE);
	for (size_t bit = 0; bit < 8 * m.len; bit++) {
		size_t at = bit / 8;
		unsigned mask = 1u << bit % 8;
		bool letter = m.bytes[at] >= 'a' && mask == 0x20;
		bool ours = (at == 2 && (mask & QR_OPCODE) != 0) ||
			    (at >= DNS_HEADER && at < QUESTION_END && !letter);
		int rc;

		m.bytes[at] ^= (uint8_t)mask;
		rc = parse(&q, &a);
		m.bytes[at] ^= (uint8_t)mask;
		assert_true(rc == 0 || rc == -EBADMSG);
		assert_true(rc < 0 || !ours);
		assert_true(rc < 0 || (a.records <= 1 && a.aliases <= 2));
	}
}

/* ---- records as text ---- */

static const struct {
	uint16_t type;
	const char *data;
	size_t len;
	const char *text; /* NULL: malformed */
} spelled[] = {
#define ROW(type, data, text)                      \
	{                                          \
		type, data, sizeof(data) - 1, text \
	}
    ROW(DNS_A, "\xc0\x00\x02\x01", "192.0.2.1"),
    ROW(DNS_A, "\xc0\x00\x02", NULL),
    ROW(DNS_A, "\xc0\x00\x02\x01\x00", NULL),
    ROW(DNS_AAAA, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", "2001:db8::1"),
    ROW(DNS_AAAA, "\x20\x01", NULL),
    ROW(DNS_NS,
	"\x02NS\x07"
	"Example\x00",
	"ns.example"),
    ROW(DNS_NS, "\x02NS\xc0\x0e", "ns.example"), /* to the question's */
    ROW(DNS_NS, "\x02NS\x00\x00", NULL),
    ROW(DNS_NS, "\x02NS", NULL),
    ROW(DNS_NS, "", NULL),
    ROW(DNS_PTR, "\x00", "."),
    ROW(DNS_PTR,
	"\x04"
	"a.b \x00",
	"a\\.b\\032"),
    ROW(DNS_PTR, "\x02\xff\\\x00", "\\255\\\\"),
    ROW(DNS_MX, "\x00\x0a\x02mx\xc0\x0e", "10 mx.example"),
    ROW(DNS_MX, "\x00", NULL),
    ROW(DNS_MX, "\x00\x0a", NULL),
    ROW(DNS_SRV, "\x00\x01\x00\x02\x13\xc5\x03sip\x00", "1 2 5061 sip"),
    ROW(DNS_SRV, "\x00\x01\x00\x02\x13", NULL),
    ROW(DNS_TXT,
	"\x05v=spf\x01"
	"1",
	"v=spf1"),
    ROW(DNS_TXT, "\x00", ""),
    ROW(DNS_TXT, "", NULL),
    ROW(DNS_TXT, "\x05v=sp", NULL),
    ROW(DNS_TXT, "\x04 \"\x01\xc3", " \"\\001\\195"),
    ROW(DNS_SOA,
	"\x00\x01"
	"a\x00\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\xff\xff\xff\xff",
	". a 1 2 3 4 4294967295"),
    ROW(DNS_SOA, "\x00\x00\0\0\0\1", NULL),
    ROW(DNS_CAA, "\x80\x05issueca.example", "128 issue ca.example"),
    ROW(DNS_CAA, "\x80\x09issue", NULL),
    ROW(DNS_CAA, "\x80", NULL),
    ROW(DNS_NAPTR, "\x00\x0a\x00\x64\x01S\x08SIPS+D2T\x00\x05_sips\x00",
	"10 100 S SIPS+D2T  _sips"),
    ROW(DNS_HTTPS,
	"\x00\x00\x03"
	"svc\x00",
	"0 svc"),
    ROW(DNS_HTTPS,
	"\x00\x01\x00\x00\x01\x00\x06\x02h2\x02h3\x00\x03\x00\x02\x20\xfb"
	"\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02",
	"1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1,192.0.2.2"),
    ROW(DNS_SVCB,
	"\x00\x02\x00\x00\x02\x00\x00\x00\x05\x00\x02\xab\xcd\x00\x06\x00\x10"
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
	"2 . no-default-alpn key5=abcd ipv6hint=2001:db8::1"),
    ROW(DNS_HTTPS, "\x00\x01\x00\x00\x03\x00\x01\x20", NULL),
    ROW(DNS_HTTPS, "\x00\x01\x00\x00\x03\x00\x03\x20", NULL),
    ROW(DNS_HTTPS, "\x00\x01\x00\x00\x03\x00", NULL),
    ROW(99, "\x01\xfe", "\\# 2 01fe"),
    ROW(99, "", "\\# 0 "),
#undef ROW
};

static void
test_texts(void **state)
{
	for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
		struct dns_question q = ask("x.example", spelled[i].type);
		struct dns_answer a;
		int rc;

		dnsmsg_begin(&m, RESPONSE, 1, 0, 0);
		dnsmsg_question(&m, "x.example", spelled[i].type);
		dnsmsg_pointer(&m, 12);
		dnsmsg_record(&m, spelled[i].type, 1);
		memcpy(m.bytes + m.len, spelled[i].data, spelled[i].len);
		m.len += spelled[i].len;
		dnsmsg_end(&m);
		rc = parse(&q, &a);
		if (rc != (spelled[i].text != NULL ? 0 : -EBADMSG))
			fail_msg("row %zu: %d", i, rc);
		if (rc == 0 && strcmp(texts(&q, &a), spelled[i].text) != 0)
			fail_msg("row %zu: '%s'", i, texts(&q, &a));
	}
}

/* A text that is too long is cut, and ends. */
static void
test_long_text(void **state)
{
	struct dns_question q = ask("x.example", DNS_TXT);
	struct dns_answer a;
	struct dns_walk w;
	char text[DNS_TEXT];

	dnsmsg_begin(&m, RESPONSE, 1, 0, 0);
	dnsmsg_question(&m, "x.example", DNS_TXT);
	dnsmsg_pointer(&m, 12);
	dnsmsg_record(&m, DNS_TXT, 1);
	for (unsigned i = 0; i < 200; i++) {
		dnsmsg_8(&m, 255);
		memset(m.bytes + m.len, i % 2 == 0 ? 'y' : 0xff, 255);
		m.len += 255;
	}
	dnsmsg_end(&m);
	assert_int_equal(parse(&q, &a), 0);
	wire_dns_first(&w, m.bytes, m.len, &q, &a);
	assert_true(wire_dns_next(&w, text));
	assert_int_equal(strlen(text), DNS_TEXT - 1);
	assert_false(wire_dns_next(&w, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_longest_query),
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_aliases_backwards),
	    cmocka_unit_test(test_alias_loops),
	    cmocka_unit_test(test_strangers),
	    cmocka_unit_test(test_negative),
	    cmocka_unit_test(test_ttl_sign),
	    cmocka_unit_test(test_extended_rcode),
	    cmocka_unit_test(test_not_ours),
	    cmocka_unit_test(test_no_question),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_every_bit),
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_long_text),
	};

	return cmocka_run_group_tests_name("wire_dns", tests, NULL, NULL);
}
