/*
 * Fuzzing the DNS codec. The first byte says what was asked for; besides
 * memory errors: the walk gives exactly the records that were counted, and a
 * name that was asked for is found again in a response made of the query.
 */
#include "build.h"

#include <assert.h>
#include <string.h>

#include "wire_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const uint16_t types[] = {DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR,
    DNS_MX, DNS_TXT, DNS_AAAA, DNS_SRV, DNS_NAPTR, DNS_SVCB, DNS_HTTPS, DNS_CAA,
    DNS_OPT, 99};

/* The question that stands in the message, so that it is not refused. */
static void
take_question(const uint8_t *bytes, size_t len, struct dns_question *q)
{
	if (len <= DNS_HEADER ||
	    wire_dns_name_read(bytes, len, DNS_HEADER, &q->name) < 0)
		assert(wire_dns_name_parse("a.example", &q->name) == 0);
}

static void
walk(const uint8_t *bytes, size_t len, const struct dns_question *q,
    const struct dns_answer *a)
{
	char text[DNS_TEXT];
	struct dns_walk w;
	unsigned n = 0;

	wire_dns_first(&w, bytes, len, q, a);
	while (wire_dns_next(&w, text)) {
		assert(memchr(text, '\0', DNS_TEXT) != NULL);
		n++;
	}
	/* Of one that was cut, reading may have ended in their midst. */
	assert(a->truncated || n == a->records);
	assert(a->aliases <= DNS_CHAIN && a->rcode < 4096);
}

static void
reflect(const struct dns_question *q)
{
	struct dns_answer a;
	uint8_t out[DNS_QUERY];
	size_t len = wire_dns_query(out, q, (const uint8_t *)"id");

	assert(len <= DNS_QUERY);
	assert(wire_dns_parse(out, len, q, &a) < 0);
	out[2] |= 0x80;
	assert(wire_dns_parse(out, len, q, &a) == 0 && a.records == 0);
}

static void
from_text(const uint8_t *bytes, size_t len)
{
	struct dns_question q = {.edns = true};
	char text[512];

	len = len < sizeof(text) ? len : sizeof(text) - 1;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (wire_dns_name_parse(text, &q.name) == 0)
		reflect(&q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct dns_question q = {0};
	struct dns_answer a;

	if (len == 0)
		return 0;
	q.type = types[bytes[0] % (sizeof(types) / sizeof(types[0]))];
	q.edns = (bytes[0] & 0x80) != 0;
	take_question(bytes + 1, len - 1, &q);
	reflect(&q);
	from_text(bytes + 1, len - 1);
	if (wire_dns_parse(bytes + 1, len - 1, &q, &a) == 0)
		walk(bytes + 1, len - 1, &q, &a);
	return 0;
}
