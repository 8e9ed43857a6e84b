/* SIP messages: writing one request, and reading whatever comes back. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "wire_sip.h"

enum {
	CSEQ = 1,
	CSEQ_MOST = INT32_MAX, /* section 8.1.1.5 */
	TAG = 8,	       /* bytes of the id in the tag */
	HEX = 2 * SIP_ID + 1,
	HOST = 272,	    /* a name of 253 octets, and brackets */
	FORWARDS_MOST = 255 /* section 20.22 */
};

#define COOKIE "z9hG4bK" /* section 8.1.1.7 */
#define METHOD "OPTIONS"

/* ---- writing ---- */

static void
hex(char out[HEX], const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

/* As it stands in a URI: an IPv6 address in brackets, without a scope. */
static void
put_host(char out[HOST], const char *host)
{
	if (strchr(host, ':') != NULL && host[0] != '[')
		snprintf(out, HOST, "[%.*s]", (int)strcspn(host, "%"), host);
	else
		snprintf(out, HOST, "%s", host);
}

/* Our own address, in brackets if it needs them. */
static void
put_local(char out[HOST], const struct addr *local)
{
	char text[ADDR_TEXT];

	put_host(out, addr_host_text(local, text));
}

/* How the transports are called: in Via, in a URI, and what port they have. */
struct carrier {
	const char *via, *parameter;
	uint16_t port;
};

static const struct carrier *
carrier_of(enum transport t)
{
	static const struct carrier udp = {"UDP", "", 5060};
	static const struct carrier tcp = {"TCP", ";transport=tcp", 5060};
	static const struct carrier tls = {"TLS", ";transport=tls", 5061};

	if (t == TRANSPORT_SIP_UDP)
		return &udp;
	return t == TRANSPORT_SIP_TCP ? &tcp : &tls;
}

/* "user@host:port", the port only when it is not the usual one. */
static void
put_target(char *out, size_t size, const struct sip_request *r)
{
	bool usual = r->port == 0 || r->port == carrier_of(r->transport)->port;
	char host[HOST], port[8] = "";

	put_host(host, r->host);
	if (!usual)
		snprintf(port, sizeof(port), ":%u", (unsigned)r->port);
	snprintf(out, size, "%s%s%s%s", r->user != NULL ? r->user : "",
	    r->user != NULL ? "@" : "", host, port);
}

size_t
wire_sip_request(uint8_t *out, size_t size, const struct sip_request *r)
{
	const struct carrier *c = carrier_of(r->transport);
	unsigned port = addr_port(r->local);
	char target[2 * HOST], local[HOST], from[HOST], id[HEX], tag[HEX];
	int n;

	put_target(target, sizeof(target), r);
	put_local(local, r->local);
	put_host(from, r->from_domain != NULL ? r->from_domain : local);
	hex(id, r->id, SIP_ID);
	hex(tag, r->id, TAG);
	n = snprintf((char *)out, size,
	    METHOD " sip:%s%s SIP/2.0\r\n"
		   "Via: SIP/2.0/%s %s:%u;rport;branch=" COOKIE "%s\r\n"
		   "Max-Forwards: 70\r\n"
		   "From: <sip:reachd@%s>;tag=%s\r\n"
		   "To: <sip:%s>\r\n"
		   "Call-ID: %s\r\n"
		   "CSeq: %u " METHOD "\r\n"
		   "Contact: <sip:reachd@%s:%u%s>\r\n"
		   "Accept: application/sdp\r\n"
		   "User-Agent: reachd\r\n"
		   "Content-Length: 0\r\n"
		   "\r\n",
	    target, c->parameter, c->via, local, port, id, from, tag, target,
	    id, (unsigned)CSEQ, local, port, c->parameter);
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

/* ---- reading ---- */

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The other way: tokens do not tell the case of letters (section 7.3.1). */
static bool
unhex(struct sip_text t, uint8_t *out, size_t len)
{
	if (t.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit_of(t.at[2 * i]);
		int low = digit_of(t.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
is_hex_of(struct sip_text t, const uint8_t *bytes, size_t len)
{
	uint8_t read[SIP_ID];

	return unhex(t, read, len) && memcmp(read, bytes, len) == 0;
}

static bool
read_branch(struct sip_text branch, uint8_t id[SIP_ID])
{
	struct sip_text cookie = {branch.at, strlen(COOKIE)};

	if (branch.len < cookie.len || !wire_sip_text_is(cookie, COOKIE))
		return false;
	branch.at += cookie.len;
	branch.len -= cookie.len;
	return unhex(branch, id, SIP_ID);
}

/* "SIP/2.0" as a whole piece. */
static bool
take_version(struct sip_text *t)
{
	struct sip_text version = {t->at, strlen("SIP/2.0")};

	if (t->len < version.len || !wire_sip_text_is(version, "SIP/2.0"))
		return false;
	t->at += version.len;
	t->len -= version.len;
	return true;
}

/* Section 7.2: three digits and a space; the reason may be anything. */
static bool
read_status_line(struct sip_text line, struct sip_message *m)
{
	const uint8_t *d;

	if (!take_version(&line) || line.len < 4 || line.at[0] != ' ')
		return false;
	d = line.at + 1;
	for (unsigned i = 0; i < 3; i++) {
		if (d[i] < '0' || d[i] > '9')
			return false;
		m->code = 10 * m->code + (unsigned)(d[i] - '0');
	}
	if (line.len > 4 && line.at[4] != ' ')
		return false;
	return m->code >= 100 && m->code <= 699;
}

/* Section 19.1.1: headers are not allowed in a Request-URI of our schemes. */
static bool
is_request_uri(struct sip_text uri)
{
	struct sip_text scheme, rest = uri;
	const uint8_t *at;

	if (memchr(uri.at, '<', uri.len) != NULL ||
	    !wire_sip_text_token(&rest, &scheme) || rest.len < 2 ||
	    rest.at[0] != ':')
		return false;
	if (!wire_sip_text_is(scheme, "sip") &&
	    !wire_sip_text_is(scheme, "sips"))
		return true;
	at = memchr(rest.at, '@', rest.len);
	if (at != NULL) {
		rest.len -= (size_t)(at - rest.at);
		rest.at = at;
	}
	return memchr(rest.at, '?', rest.len) == NULL;
}

/* Section 7.1: one space between the three, none after the last. */
static bool
read_request_line(struct sip_text line, struct sip_message *m)
{
	struct sip_text uri;
	const uint8_t *end;

	m->request = true;
	if (!wire_sip_text_token(&line, &m->method) || line.len < 2 ||
	    line.at[0] != ' ')
		return false;
	uri = (struct sip_text){line.at + 1, line.len - 1};
	end = memchr(uri.at, ' ', uri.len);
	if (end == NULL)
		return false;
	uri.len = (size_t)(end - uri.at);
	line.len -= (size_t)(end + 1 - line.at);
	line.at = end + 1;
	return uri.len > 0 && is_request_uri(uri) && take_version(&line) &&
	       line.len == 0;
}

static bool
read_start(struct sip_text line, struct sip_message *m)
{
	struct sip_text name = {line.at, 4};

	if (line.len >= 4 && wire_sip_text_is(name, "SIP/"))
		return read_status_line(line, m);
	return read_request_line(line, m);
}

/* What is known while the headers are read. */
struct reading {
	struct sip_message *m;
	uint32_t content; /* Content-Length */
	bool has_content;
	struct sip_text method;		  /* of CSeq */
	unsigned from, to, call_id, cseq; /* how often each was there */
};

static bool
read_via(struct reading *r, struct sip_text v)
{
	struct sip_message *m = r->m;

	do {
		struct sip_text branch = {v.at, 0};

		if (!wire_sip_text_via(&v, &branch))
			return false;
		if (m->vias++ == 0)
			m->branch = branch;
	} while (wire_sip_text_char(&v, ','));
	return v.len == 0;
}

/* Of what is there twice the first counts: that they are two, too. */
static bool
read_from(struct reading *r, struct sip_text v)
{
	struct sip_text tag = {v.at, 0};

	if (!wire_sip_text_address(&v, "tag", &tag) || v.len > 0)
		return false;
	if (r->from++ == 0)
		r->m->from_tag = tag;
	return true;
}

static bool
read_to(struct reading *r, struct sip_text v)
{
	struct sip_text tag;

	r->to++;
	return wire_sip_text_address(&v, "tag", &tag) && v.len == 0;
}

static bool
read_call_id(struct reading *r, struct sip_text v)
{
	if (r->call_id++ == 0)
		r->m->call_id = v;
	return v.len > 0;
}

static bool
read_cseq(struct reading *r, struct sip_text v)
{
	struct sip_text method;
	uint32_t number;

	if (!wire_sip_text_number(&v, &number) || !wire_sip_text_space(&v) ||
	    !wire_sip_text_token(&v, &method) || v.len > 0)
		return false;
	if (r->m->request && number > CSEQ_MOST)
		return false;
	if (r->cseq++ == 0) {
		r->m->cseq = number;
		r->method = method;
	}
	return true;
}

/* Two of them leave no way to know where the message ends. */
static bool
read_content_length(struct reading *r, struct sip_text v)
{
	if (r->has_content)
		return false;
	r->has_content = true;
	return wire_sip_text_number(&v, &r->content) && v.len == 0 &&
	       r->content <= INT32_MAX;
}

static bool
read_contact(struct reading *r, struct sip_text v)
{
	struct sip_text expires;

	if (!r->m->request || wire_sip_text_is(v, "*"))
		return true;
	do {
		if (!wire_sip_text_address(&v, "expires", &expires))
			return false;
	} while (wire_sip_text_char(&v, ','));
	return v.len == 0;
}

static bool
read_max_forwards(struct reading *r, struct sip_text v)
{
	uint32_t n;

	return !r->m->request || (wire_sip_text_number(&v, &n) && v.len == 0 &&
				     n <= FORWARDS_MOST);
}

/* Section 20.17: the time is GMT, and says so. */
static bool
read_date(struct reading *r, struct sip_text v)
{
	if (!r->m->request)
		return true;
	if (v.len <= 3)
		return false;
	v.at += v.len - 3;
	v.len = 3;
	return wire_sip_text_is(v, "GMT");
}

static const struct header {
	const char *name, *compact; /* section 7.3.3 */
	bool (*read)(struct reading *r, struct sip_text value);
} headers[] = {
    {"Via", "v", read_via},
    {"From", "f", read_from},
    {"To", "t", read_to},
    {"Call-ID", "i", read_call_id},
    {"CSeq", NULL, read_cseq},
    {"Content-Length", "l", read_content_length},
    {"Contact", "m", read_contact},
    {"Max-Forwards", NULL, read_max_forwards},
    {"Date", NULL, read_date},
};

static const struct header *
header_of(struct sip_text name)
{
	for (unsigned i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct header *h = &headers[i];

		if (wire_sip_text_is(name, h->name) ||
		    (h->compact != NULL && wire_sip_text_is(name, h->compact)))
			return h;
	}
	return NULL;
}

/* All headers, up to and with the empty line; t is then the body. */
static bool
read_headers(struct reading *r, struct sip_text *t)
{
	for (unsigned n = 0; n <= SIP_HEADERS_MAX; n++) {
		struct sip_text name, value;
		const struct header *h;
		int some = wire_sip_text_header(t, &name, &value);

		if (some <= 0)
			return some == 0;
		h = header_of(name);
		if (h != NULL && !h->read(r, value))
			return false;
	}
	return false;
}

int
wire_sip_parse(const uint8_t *bytes, size_t len, struct sip_message *out)
{
	struct sip_text t = {bytes, len}, line;
	struct reading r = {.m = out};

	*out = (struct sip_message){0};
	if (!wire_sip_text_line(&t, &line) || !read_start(line, out) ||
	    !read_headers(&r, &t))
		return -EBADMSG;
	if (r.has_content && r.content > t.len)
		return -EBADMSG;
	/* Section 8.1.1.5: CSeq names the method of the request. */
	if (out->request && r.cseq > 0 &&
	    !wire_sip_text_equals(r.method, out->method.at, out->method.len))
		return -EBADMSG;
	out->method = r.method;
	out->single = r.from == 1 && r.to == 1 && r.call_id == 1 && r.cseq == 1;
	return 0;
}

bool
wire_sip_id(const uint8_t *bytes, size_t len, uint8_t id[SIP_ID])
{
	struct sip_text t = {bytes, len}, name, value, branch = {bytes, 0};

	if (!wire_sip_text_line(&t, &name))
		return false;
	for (unsigned n = 0; n <= SIP_HEADERS_MAX; n++) {
		if (wire_sip_text_header(&t, &name, &value) <= 0)
			return false;
		if (!wire_sip_text_is(name, "Via") &&
		    !wire_sip_text_is(name, "v"))
			continue;
		return wire_sip_text_via(&value, &branch) &&
		       read_branch(branch, id);
	}
	return false;
}

enum sip_verdict
wire_sip_judge(const uint8_t *bytes, size_t len, const uint8_t id[SIP_ID],
    struct sip_message *out)
{
	uint8_t theirs[SIP_ID];
	bool ours;

	if (wire_sip_parse(bytes, len, out) < 0)
		return SIP_MALFORMED;
	ours =
	    read_branch(out->branch, theirs) && memcmp(theirs, id, SIP_ID) == 0;
	if (out->request)
		return ours ? SIP_ECHO : SIP_STRANGER;
	/* Section 17.1.3; and 8.1.3.3: one Via only, or it is not for us. */
	if (!ours || out->vias != 1 || !out->single || out->cseq != CSEQ ||
	    !wire_sip_text_equals(out->method, METHOD, strlen(METHOD)) ||
	    !is_hex_of(out->call_id, id, SIP_ID) ||
	    !is_hex_of(out->from_tag, id, TAG))
		return SIP_STRANGER;
	return out->code < 200 ? SIP_PROVISIONAL : SIP_FINAL;
}

/* ---- framing ---- */

/* Of bytes whose first line has not come to its end yet. */
static int
frame_beginning(const uint8_t *bytes, size_t len)
{
	struct sip_text t = {bytes, len}, token;

	if (bytes[0] == '\r')
		return len > 1 ? -EBADMSG : 0;
	/* Not that of another protocol, such as TLS. */
	if (!wire_sip_text_token(&t, &token) ||
	    memchr(bytes, '\n', len) != NULL)
		return -EBADMSG;
	return len < SIP_LINE_MAX ? 0 : -EMSGSIZE;
}

int
wire_sip_frame(const uint8_t *bytes, size_t len)
{
	struct sip_text t = {bytes, len}, line;
	struct sip_message m = {0};
	struct reading r = {.m = &m};
	const uint8_t *end;
	size_t head;

	/* Section 7.5: line ends before a message are to be ignored. */
	if (len >= SIP_CRLF && bytes[0] == '\r' && bytes[1] == '\n')
		return SIP_CRLF;
	if (!wire_sip_text_line(&t, &line))
		return len > 0 ? frame_beginning(bytes, len) : 0;
	if (!read_start(line, &m))
		return -EBADMSG;
	end = memmem(bytes, len, "\r\n\r\n", 4);
	if (end == NULL)
		return len < SIP_MAX ? 0 : -EMSGSIZE;
	head = (size_t)(end - bytes) + 4;
	if (!read_headers(&r, &t) || !r.has_content)
		return -EBADMSG;
	return head + r.content > SIP_MAX ? -EMSGSIZE : (int)(head + r.content);
}
