/*
 * DNS messages: the sections of a response, and which of its records answer
 * the question.
 */
#include "build.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "wire_dns.h"

enum {
	CLASS_IN = 1,
	QUESTION = 4, /* type and class after its name */
	RECORD = 10,  /* type, class, TTL, length after its name */
	PASSES = 4,   /* over records that stand in no good order */
	EDNS = 11
};

/* Section 4.1.1: the flags of the header. */
enum {
	FLAG_QR = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RCODE = 0x000f
};

/* A message while it is read. */
struct reader {
	const uint8_t *bytes;
	size_t len, at;
};

/* A record where it stands. */
struct record {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
};

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

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

/* ---- the query ---- */

size_t
wire_dns_query(uint8_t out[DNS_QUERY], const struct dns_question *q,
    const uint8_t id[DNS_ID])
{
	uint8_t *p = out + DNS_HEADER + q->name.len + QUESTION;

	memset(out, 0, DNS_QUERY);
	memcpy(out, id, DNS_ID);
	put16(out + 2, q->recurse ? FLAG_RD : 0);
	put16(out + 4, 1);
	memcpy(out + DNS_HEADER, q->name.octets, q->name.len);
	put16(p - 4, q->type);
	put16(p - 2, CLASS_IN);
	if (q->edns) {
		/* RFC 6891 section 6.1.2: root, OPT, the size we take. */
		put16(out + 10, 1);
		put16(p + 1, DNS_OPT);
		put16(p + 3, DNS_UDP);
		p += EDNS;
	}
	return (size_t)(p - out);
}

/* ---- the response ---- */

static int
read_record(struct reader *r, struct record *out)
{
	int at = wire_dns_name_read(r->bytes, r->len, r->at, &out->owner);
	const uint8_t *p;

	if (at < 0 || (size_t)at + RECORD > r->len)
		return -EBADMSG;
	p = r->bytes + at;
	out->type = (uint16_t)get16(p);
	out->class = (uint16_t)get16(p + 2);
	out->ttl = get32(p + 4);
	/* RFC 2181 section 8: what is negative is taken as 0. */
	if (out->ttl > INT32_MAX)
		out->ttl = 0;
	out->data = (size_t)at + RECORD;
	out->data_len = get16(p + 8);
	if (out->data_len > r->len - out->data)
		return -EBADMSG;
	r->at = out->data + out->data_len;
	return 0;
}

static bool
is_of(const struct record *rec, const struct dns_answer *a, unsigned type)
{
	return rec->type == type && rec->class == CLASS_IN &&
	       wire_dns_name_equal(&rec->owner, &a->owner);
}

static void
keep_ttl(struct dns_answer *a, uint32_t ttl)
{
	if (a->ttl < 0 || ttl < a->ttl)
		a->ttl = ttl;
}

/* The name goes on as the alias's. */
static int
follow(const struct reader *r, const struct record *rec, struct dns_answer *a)
{
	int end = wire_dns_name_read(r->bytes, r->len, rec->data, &a->owner);

	if (end < 0 || (size_t)end != rec->data + rec->data_len)
		return -EBADMSG;
	keep_ttl(a, rec->ttl);
	a->aliases++;
	/* Each record leads on only once. */
	a->looped = a->aliases > a->answers || a->aliases >= DNS_CHAIN;
	return 0;
}

static int
spell_record(
    const struct reader *r, const struct record *rec, char text[DNS_TEXT])
{
	struct dns_data d = {
	    r->bytes, r->len, rec->data, rec->data + rec->data_len};

	return wire_dns_text(&d, rec->type, text);
}

static int
count_record(
    const struct reader *r, const struct record *rec, struct dns_answer *a)
{
	char text[DNS_TEXT];

	if (spell_record(r, rec, text) < 0)
		return -EBADMSG;
	a->records++;
	keep_ttl(a, rec->ttl);
	return 0;
}

/*
 * One pass over the answers: aliases are followed as they come, records of
 * the name that they led to are counted. Whatever stands under other names
 * answers nothing.
 */
static int
pass(struct reader r, const struct dns_question *q, struct dns_answer *a)
{
	struct record rec;
	int err = 0;

	for (unsigned i = 0; i < a->answers && !a->looped && err == 0; i++) {
		err = read_record(&r, &rec);
		if (err < 0)
			break;
		if (is_of(&rec, a, q->type))
			err = count_record(&r, &rec, a);
		else if (is_of(&rec, a, DNS_CNAME))
			err = follow(&r, &rec, a);
	}
	return err;
}

/* Servers write aliases in order; for those that do not, again. */
static int
find_records(
    struct reader r, const struct dns_question *q, struct dns_answer *a)
{
	unsigned before = UINT_MAX;
	int err = 0;

	a->owner = q->name;
	for (unsigned i = 0; err == 0 && !a->looped && a->aliases != before;
	     i++) {
		before = a->aliases;
		a->records = 0;
		if (i == PASSES)
			a->looped = true;
		else
			err = pass(r, q, a);
	}
	if (a->looped)
		a->records = 0;
	return err;
}

/* RFC 2308 section 5: the lesser of the SOA's TTL and its last field. */
static int
take_soa(const struct reader *r, const struct record *rec, struct dns_answer *a)
{
	uint32_t least;

	if (rec->data_len < 22)
		return -EBADMSG;
	least = get32(r->bytes + rec->data + rec->data_len - 4);
	if (least > INT32_MAX)
		least = 0;
	keep_ttl(a, least < rec->ttl ? least : rec->ttl);
	return 0;
}

/* Authority and additional records: what an error may be kept for; OPT. */
static int
read_rest(struct reader *r, unsigned authority, unsigned additional,
    struct dns_answer *a)
{
	struct record rec;
	int err = 0;

	for (unsigned i = 0; i < authority + additional && err == 0; i++) {
		err = read_record(r, &rec);
		if (err < 0)
			break;
		if (i < authority && rec.type == DNS_SOA && a->records == 0)
			err = take_soa(r, &rec, a);
		if (i >= authority && rec.type == DNS_OPT) {
			a->rcode |= (rec.ttl >> 24 & 0xff) << 4;
			a->edns = true;
		}
	}
	return err;
}

static int
skip_answers(struct reader *r, unsigned n)
{
	struct record rec;
	int err = 0;

	while (n-- > 0 && err == 0)
		err = read_record(r, &rec);
	return err;
}

/*
 * The question comes back as it was asked; errors may come without one, from
 * servers that did not get so far as to read it.
 */
static int
read_question(struct reader *r, unsigned questions,
    const struct dns_question *q, unsigned rcode)
{
	struct dns_name name;
	int at;

	if (questions == 0 && rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
		return 0;
	if (questions != 1)
		return -EBADMSG;
	at = wire_dns_name_read(r->bytes, r->len, r->at, &name);
	if (at < 0 || (size_t)at + QUESTION > r->len ||
	    !wire_dns_name_equal(&name, &q->name) ||
	    get16(r->bytes + at) != q->type ||
	    get16(r->bytes + at + 2) != CLASS_IN)
		return -EBADMSG;
	r->at = (size_t)at + QUESTION;
	return 0;
}

static int
read_sections(
    struct reader *r, const struct dns_question *q, struct dns_answer *a)
{
	unsigned authority = get16(r->bytes + 8);
	unsigned additional = get16(r->bytes + 10);
	int err;

	a->answers = (uint16_t)get16(r->bytes + 6);
	a->answers_at = (uint16_t)r->at;
	a->authorities = (uint16_t)authority;
	a->additionals = (uint16_t)additional;
	if (a->answers + authority + additional > DNS_RECORDS)
		return -EBADMSG;
	err = find_records(*r, q, a);
	if (err == 0)
		err = skip_answers(r, a->answers);
	if (err == 0)
		err = read_rest(r, authority, additional, a);
	return err;
}

int
wire_dns_parse(const uint8_t *bytes, size_t len, const struct dns_question *q,
    struct dns_answer *out)
{
	struct reader r = {bytes, len, DNS_HEADER};
	unsigned flags;
	int err;

	memset(out, 0, sizeof(*out));
	out->ttl = -1;
	if (len < DNS_HEADER || len > DNS_MAX)
		return -EBADMSG;
	flags = get16(bytes + 2);
	if ((flags & FLAG_QR) == 0 || (flags & FLAG_OPCODE) != 0)
		return -EBADMSG;
	out->rcode = flags & FLAG_RCODE;
	out->truncated = (flags & FLAG_TC) != 0;
	err = read_question(&r, get16(bytes + 4), q, out->rcode);
	if (err < 0)
		return err;
	err = read_sections(&r, q, out);
	/* RFC 2181 section 9: nobody can rely on the rest of these. */
	return out->truncated ? 0 : err;
}

void
wire_dns_first(struct dns_walk *w, const uint8_t *bytes, size_t len,
    const struct dns_question *q, const struct dns_answer *a)
{
	*w = (struct dns_walk){.bytes = bytes,
	    .len = len,
	    .at = a->answers_at,
	    .left = a->looped ? 0 : a->answers,
	    .type = q->type,
	    .answer = a};
}

bool
wire_dns_next(struct dns_walk *w, char text[DNS_TEXT])
{
	struct reader r = {w->bytes, w->len, w->at};
	struct record rec;

	while (w->left > 0 && read_record(&r, &rec) == 0) {
		w->left--;
		w->at = r.at;
		if (is_of(&rec, w->answer, w->type) &&
		    spell_record(&r, &rec, text) == 0)
			return true;
	}
	return false;
}
