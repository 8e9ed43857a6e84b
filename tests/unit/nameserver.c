/* The name server of tests; see nameserver.h. RFC 1035 section 4. */
#include "build.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <setjmp.h>
#include <cmocka.h>
#include <uv.h>

#include "dice.h"
#include "nameserver.h"

enum { MESSAGE = 4096, NAME = 256, ROWS = 512, MODES = 32, QUESTIONS = 8192 };

struct nameserver {
	uv_udp_t udp;
	uv_tcp_t tcp;
	unsigned handles;
	char text[64];
	struct record {
		char name[NAME], data[NAME];
		int type;
		uint32_t ttl;
	} record[ROWS];
	unsigned records;
	struct rule {
		char name[NAME];
		int type;
		enum ns_mode mode;
	} rule[MODES];
	unsigned rules;
	struct asked {
		char name[NAME];
		int type;
	} asked[QUESTIONS];
	unsigned questions, over_tcp;
	struct dice dice;
	struct client *first;
	char in[MESSAGE];
};

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct nameserver *ns;
	struct client *next;
	uint8_t in[MESSAGE], out[MESSAGE];
	size_t len;
	bool closing;
};

struct message {
	uint8_t *at;
	size_t len;
};

/* ---- messages ---- */

static void
put(struct message *m, const void *bytes, size_t n)
{
	assert_true(m->len + n <= MESSAGE - 2);
	memcpy(m->at + m->len, bytes, n);
	m->len += n;
}

static void
put16(struct message *m, unsigned v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	put(m, b, 2);
}

static void
put_name(struct message *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		uint8_t len = (uint8_t)n;
		put(m, &len, 1);
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	put(m, "", 1);
}

static void
put_record(struct message *m, const struct record *r)
{
	struct message data = {(uint8_t[NAME]){0}, 0};
	uint8_t addr[16];
	if (r->type == NS_CNAME) {
		put_name(&data, r->data);
	} else {
		bool v6 = r->type == NS_AAAA;
		assert_int_equal(
		    inet_pton(v6 ? AF_INET6 : AF_INET, r->data, addr), 1);
		put(&data, addr, v6 ? 16 : 4);
	}
	put_name(m, r->name);
	put16(m, (unsigned)r->type);
	put16(m, 1);
	put16(m, r->ttl >> 16);
	put16(m, r->ttl & 0xffff);
	put16(m, (unsigned)data.len);
	put(m, data.at, data.len);
}

/* The name of the question, which has no pointers; where it ends. */
static size_t
read_question(const uint8_t *q, size_t len, char name[NAME], int *type)
{
	size_t at = 12, n = 0;
	assert_true(len > 16);
	while (at < len && q[at]) {
		assert_true(at + q[at] < len && n + q[at] + 1 < NAME);
		memcpy(name + n, q + at + 1, q[at]);
		n += q[at];
		name[n++] = '.';
		at += 1U + q[at];
	}
	name[n ? n - 1 : 0] = '\0';
	assert_true(at + 5 <= len);
	*type = q[at + 1] << 8 | q[at + 2];
	return at + 5;
}

/* ---- the zone ---- */

static const struct record *
find(const struct nameserver *ns, const char *name, int type)
{
	for (unsigned i = 0; i < ns->records; i++)
		if (!strcasecmp(ns->record[i].name, name) &&
		    (!type || ns->record[i].type == type))
			return &ns->record[i];
	return NULL;
}

static unsigned
put_answers(
    const struct nameserver *ns, struct message *m, const char *name, int type)
{
	const struct record *alias;
	unsigned n = 0;
	while ((alias = find(ns, name, NS_CNAME)) && n < 8) {
		put_record(m, alias);
		name = alias->data;
		n++;
	}
	for (unsigned i = 0; i < ns->records; i++)
		if (!strcasecmp(ns->record[i].name, name) &&
		    ns->record[i].type == type) {
			put_record(m, &ns->record[i]);
			n++;
		}
	return n;
}

static enum ns_mode
mode_of(const struct nameserver *ns, const char *name, int type)
{
	enum ns_mode mode = NS_ANSWER;
	for (unsigned i = 0; i < ns->rules; i++)
		if ((!*ns->rule[i].name ||
			!strcasecmp(ns->rule[i].name, name)) &&
		    (!ns->rule[i].type || ns->rule[i].type == type))
			mode = ns->rule[i].mode;
	return mode;
}

/* QR, opcode 0, RD, RA, and what else is wanted of the flags. */
static void
put_head(struct message *m, const uint8_t *q, unsigned flags, unsigned answers)
{
	put(m, q, 2);
	put16(m, 0x8180 | flags);
	put16(m, 1);
	put16(m, answers);
	put16(m, 0);
	put16(m, 0);
}

/* Answers the question into out; the length, 0: says nothing. */
static size_t
answer(struct nameserver *ns, const uint8_t *q, size_t len, uint8_t *out,
    enum ns_mode mode)
{
	char name[NAME] = "";
	int type;
	struct message m = {out, 0};
	size_t end = read_question(q, len, name, &type);
	bool known = find(ns, name, 0) != NULL;
	if (mode == NS_SERVFAIL || mode == NS_REFUSED || !known) {
		put_head(&m, q,
		    mode == NS_SERVFAIL	 ? 2
		    : mode == NS_REFUSED ? 5
					 : 3,
		    0);
		put(&m, q + 12, end - 12);
		return m.len;
	}
	put_head(&m, q, mode == NS_TRUNCATED ? 0x200 : 0, 0);
	put(&m, q + 12, end - 12);
	if (mode == NS_TRUNCATED)
		return m.len;
	if (mode == NS_LOOP) {
		put16(&m, 0xc000 | (unsigned)m.len);
		put(&m, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
		out[7] = 1;
		return m.len;
	}
	out[7] = (uint8_t)put_answers(ns, &m, name, type);
	if (mode == NS_SHORT)
		return 7;
	for (unsigned i = 0; mode == NS_NOISE && i < 6; i++)
		out[2 + dice_below(&ns->dice, m.len - 2)] =
		    (uint8_t)dice_next(&ns->dice);
	return m.len;
}

/* An answer that must not be taken: another id, or another question. */
static size_t
lie(const uint8_t *q, size_t len, uint8_t *out, enum ns_mode mode)
{
	char name[NAME];
	int type;
	struct message m = {out, 0};
	size_t end = read_question(q, len, name, &type);
	struct record r = {.type = type, .ttl = 60};
	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.data, sizeof(r.data), "%s",
	    type == NS_AAAA ? "2001:db8:bad::1" : "203.0.113.66");
	put_head(&m, q, 0, 1);
	put(&m, q + 12, end - 12);
	put_record(&m, &r);
	if (mode == NS_WRONG_ID)
		out[1] ^= 1;
	else
		out[13] ^= 1; /* another letter */
	return m.len;
}

static enum ns_mode
note(struct nameserver *ns, const uint8_t *q, size_t len)
{
	assert_true(ns->questions < QUESTIONS);
	struct asked *a = &ns->asked[ns->questions++];
	read_question(q, len, a->name, &a->type);
	return mode_of(ns, a->name, a->type);
}

/* ---- UDP ---- */

static void
on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct nameserver *ns = h->data;
	*buf = uv_buf_init(ns->in, sizeof(ns->in));
}

static void
send_udp(struct nameserver *ns, uint8_t *bytes, size_t len,
    const struct sockaddr *to)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
	if (len)
		uv_udp_try_send(&ns->udp, &buf, 1, to);
}

static void
on_datagram(uv_udp_t *h, ssize_t n, const uv_buf_t *buf,
    const struct sockaddr *from, unsigned flags)
{
	struct nameserver *ns = h->data;
	uint8_t out[MESSAGE];
	const uint8_t *q = (const uint8_t *)buf->base;
	if (n <= 0 || !from)
		return;
	size_t len = (size_t)n;
	enum ns_mode mode = note(ns, q, len);
	if (mode == NS_SILENT)
		return;
	if (mode == NS_WRONG_ID || mode == NS_WRONG_QUESTION)
		send_udp(ns, out, lie(q, len, out, mode), from);
	send_udp(ns, out, answer(ns, q, len, out, mode), from);
}

/* ---- TCP: a length of two octets before each message ---- */

static void
on_client_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
shut(struct client *c)
{
	struct client **at = &c->ns->first;
	if (c->closing)
		return;
	c->closing = true;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	uv_close((uv_handle_t *)&c->tcp, on_client_closed);
}

static void
on_client_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
	struct client *c = h->data;
	*buf = uv_buf_init(
	    (char *)c->in + c->len, (unsigned)(sizeof(c->in) - c->len));
}

static void
on_written(uv_write_t *w, int status)
{
}

static void
on_stream(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = s->data;
	if (n < 0) {
		shut(c);
		return;
	}
	c->len += (size_t)n;
	size_t want = c->len > 2 ? (size_t)(c->in[0] << 8 | c->in[1]) : 0;
	if (!want || c->len < want + 2)
		return;
	c->ns->over_tcp++;
	enum ns_mode mode = note(c->ns, c->in + 2, want);
	if (mode == NS_SILENT)
		return;
	if (mode == NS_TRUNCATED)
		mode = NS_ANSWER;
	size_t len = answer(c->ns, c->in + 2, want, c->out + 2, mode);
	c->out[0] = (uint8_t)(len >> 8);
	c->out[1] = (uint8_t)len;
	uv_buf_t out = uv_buf_init((char *)c->out, (unsigned)len + 2);
	uv_write(&c->write, s, &out, 1, on_written);
	c->len = 0;
}

static void
on_connection(uv_stream_t *s, int status)
{
	struct nameserver *ns = s->data;
	struct client *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->ns = ns;
	c->tcp.data = c;
	uv_tcp_init(s->loop, &c->tcp);
	c->next = ns->first;
	ns->first = c;
	assert_int_equal(uv_accept(s, (uv_stream_t *)&c->tcp), 0);
	uv_read_start((uv_stream_t *)&c->tcp, on_client_alloc, on_stream);
}

/* ---- the server ---- */

struct nameserver *
nameserver_open(struct uv_loop_s *loop, const char *addr, uint16_t port)
{
	struct nameserver *ns = calloc(1, sizeof(*ns));
	struct sockaddr_in a;
	int len = sizeof(a);
	assert_non_null(ns);
	ns->dice = dice_case(0);
	uv_udp_init(loop, &ns->udp);
	uv_tcp_init(loop, &ns->tcp);
	ns->udp.data = ns->tcp.data = ns;
	uv_ip4_addr(addr, port, &a);
	assert_int_equal(uv_udp_bind(&ns->udp, (struct sockaddr *)&a, 0), 0);
	uv_udp_getsockname(&ns->udp, (struct sockaddr *)&a, &len);
	/* In a network namespace of the test's own, the port is free. */
	assert_int_equal(uv_tcp_bind(&ns->tcp, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(
	    uv_listen((uv_stream_t *)&ns->tcp, 16, on_connection), 0);
	uv_udp_recv_start(&ns->udp, on_alloc, on_datagram);
	snprintf(ns->text, sizeof(ns->text), "%s:%u", addr, ntohs(a.sin_port));
	return ns;
}

static void
on_closed(uv_handle_t *h)
{
	struct nameserver *ns = h->data;
	if (!--ns->handles)
		free(ns);
}

void
nameserver_close(struct nameserver *ns)
{
	if (!ns)
		return;
	while (ns->first)
		shut(ns->first);
	ns->handles = 2;
	uv_close((uv_handle_t *)&ns->udp, on_closed);
	uv_close((uv_handle_t *)&ns->tcp, on_closed);
}

const char *
nameserver_text(const struct nameserver *ns)
{
	return ns->text;
}

void
nameserver_add(struct nameserver *ns, const char *name, int type, uint32_t ttl,
    const char *data)
{
	assert_true(ns->records < ROWS);
	struct record *r = &ns->record[ns->records++];
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->data, sizeof(r->data), "%s", data);
	r->type = type;
	r->ttl = ttl;
}

void
nameserver_clear(struct nameserver *ns)
{
	ns->records = ns->rules = 0;
}

void
nameserver_mode(
    struct nameserver *ns, const char *name, int type, enum ns_mode mode)
{
	assert_true(ns->rules < MODES);
	struct rule *r = &ns->rule[ns->rules++];
	snprintf(r->name, sizeof(r->name), "%s", name ? name : "");
	r->type = type;
	r->mode = mode;
}

unsigned
nameserver_asked(const struct nameserver *ns, const char *name, int type)
{
	unsigned n = 0;
	for (unsigned i = 0; i < ns->questions; i++)
		n += (!name || !strcasecmp(ns->asked[i].name, name)) &&
		     (!type || ns->asked[i].type == type);
	return n;
}

unsigned
nameserver_over_tcp(const struct nameserver *ns)
{
	return ns->over_tcp;
}
