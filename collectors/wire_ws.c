/* RFC 6455: the opening handshake and frames. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "wire_ws.h"

void
wire_ws_key(const uint8_t nonce[WIRE_WS_NONCE], char out[WIRE_WS_KEY])
{
	EVP_EncodeBlock((unsigned char *)out, nonce, WIRE_WS_NONCE);
}

/* Section 1.3: the constant is the protocol's. */
void
wire_ws_accept(const char *key, char out[WIRE_WS_ACCEPT])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char sum[SHA_DIGEST_LENGTH];
	char text[WIRE_WS_KEY + sizeof(guid)];

	snprintf(text, sizeof(text), "%.*s%s", WIRE_WS_KEY - 1, key, guid);
	SHA1((const unsigned char *)text, strlen(text), sum);
	EVP_EncodeBlock((unsigned char *)out, sum, sizeof(sum));
}

ssize_t
wire_ws_request(char *out, size_t size, const char *url, const char *key)
{
	const char *host = strstr(url, "://"), *path;
	size_t host_len, path_len;
	int n;

	if (host == NULL)
		return -EINVAL;
	host += 3;
	host_len = strcspn(host, "/?#");
	path = host + host_len;
	path_len = strcspn(path, "#");
	n = snprintf(out, size,
	    "GET %s%.*s HTTP/1.1\r\n"
	    "Host: %.*s\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "User-Agent: reachd/" PACKAGE_VERSION "\r\n\r\n",
	    path_len > 0 && path[0] == '/' ? "" : "/", (int)path_len, path,
	    (int)host_len, host, key);
	return n > 0 && (size_t)n < size ? n : -EMSGSIZE;
}

/* ---- the head of the answer ---- */

/* A line without its end; next is where the one after it begins. */
struct line {
	const char *text;
	size_t len;
	const char *next;
};

static bool
take_line(const char *at, const char *end, struct line *l)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	if (nl == NULL)
		return false;
	l->text = at;
	l->len = (size_t)(nl - at);
	if (l->len > 0 && at[l->len - 1] == '\r')
		l->len--;
	l->next = nl + 1;
	return true;
}

/* RFC 9112 section 4; -1 for what is none. */
static int
status_of(const struct line *l)
{
	const char *p = l->text + 8;
	int status = 0;

	if (l->len < 12 || memcmp(l->text, "HTTP/1.", 7) != 0 ||
	    !isdigit((unsigned char)l->text[7]) || *p++ != ' ' ||
	    (l->len > 12 && l->text[12] != ' '))
		return -1;
	for (unsigned i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)p[i]))
			return -1;
		status = status * 10 + (p[i] - '0');
	}
	return status >= 100 ? status : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value of the field if the line is it, without blanks around it. */
static bool
take_value(const struct line *l, const char *name, struct line *value)
{
	size_t n = strlen(name), len = l->len;

	if (len <= n || l->text[n] != ':' || strncasecmp(l->text, name, n) != 0)
		return false;
	n++;
	while (n < len && is_blank(l->text[n]))
		n++;
	while (len > n && is_blank(l->text[len - 1]))
		len--;
	value->text = l->text + n;
	value->len = len - n;
	return true;
}

static bool
is_text(const struct line *v, const char *text)
{
	return v->len == strlen(text) &&
	       strncasecmp(v->text, text, v->len) == 0;
}

/* Whether a list of tokens has this one (RFC 9110 section 5.6.1). */
static bool
has_token(const struct line *list, const char *token)
{
	const char *at = list->text, *end = at + list->len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma != NULL ? comma : end;
		struct line one = {.text = at};

		while (one.text < stop && is_blank(*one.text))
			one.text++;
		one.len = (size_t)(stop - one.text);
		while (one.len > 0 && is_blank(one.text[one.len - 1]))
			one.len--;
		if (is_text(&one, token))
			return true;
		at = stop + 1;
	}
	return false;
}

/* What was found of what section 4.1 wants, and what we did not ask for. */
struct found {
	unsigned upgrade, connection, accept, foreign;
};

static void
look_at(const struct line *l, const char *accept, struct found *f)
{
	struct line v;

	if (take_value(l, "Upgrade", &v))
		f->upgrade += is_text(&v, "websocket");
	else if (take_value(l, "Connection", &v))
		f->connection += has_token(&v, "upgrade");
	else if (take_value(l, "Sec-WebSocket-Accept", &v))
		/* Base64 has case. */
		f->accept += v.len == strlen(accept) &&
				     memcmp(v.text, accept, v.len) == 0
				 ? 1
				 : 2;
	else if (take_value(l, "Sec-WebSocket-Extensions", &v) ||
		 take_value(l, "Sec-WebSocket-Protocol", &v))
		f->foreign += v.len > 0;
}

/* One head; its end, or NULL when it has none yet. *status -1: no HTTP. */
static const char *
take_head(const char *in, const char *end, const char *accept, int *status,
    struct found *f)
{
	struct line l;

	memset(f, 0, sizeof(*f));
	if (!take_line(in, end, &l)) {
		size_t n = (size_t)(end - in) < 5 ? (size_t)(end - in) : 5;

		*status = memcmp(in, "HTTP/", n) == 0 ? 0 : -1;
		return NULL;
	}
	*status = status_of(&l);
	while (*status > 0 && take_line(l.next, end, &l)) {
		if (l.len == 0)
			return l.next;
		look_at(&l, accept, f);
	}
	return NULL;
}

ssize_t
wire_ws_head(
    const char *in, size_t len, const char *accept, struct wire_ws_head *out)
{
	const char *at = in, *end = in + len;
	struct found f;
	int status;

	memset(out, 0, sizeof(*out));
	do {
		at = take_head(at, end, accept, &status, &f);
		if (status < 0)
			return -EPROTO;
		if (at == NULL)
			return 0;
	} while (status < 200 && status != 101);
	out->status = status;
	out->good = status == 101 && f.upgrade == 1 && f.connection > 0 &&
		    f.accept == 1 && f.foreign == 0;
	return at - in;
}

/* ---- frames (section 5.2) ---- */

size_t
wire_ws_frame(uint8_t out[WIRE_WS_FRAME], enum wire_ws_opcode opcode,
    const uint8_t mask[4], const void *payload, size_t len)
{
	const uint8_t *from = payload;

	out[0] = 0x80 | (uint8_t)opcode;
	out[1] = 0x80 | (uint8_t)len;
	memcpy(out + 2, mask, 4);
	for (size_t i = 0; i < len; i++)
		out[6 + i] = from[i] ^ mask[i & 3];
	return 6 + len;
}

static uint64_t
big_endian(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static bool
is_opcode(unsigned code)
{
	return code <= WIRE_WS_BINARY ||
	       (code >= WIRE_WS_CLOSE && code <= WIRE_WS_PONG);
}

int
wire_ws_header(const uint8_t *in, size_t len, struct wire_ws_header *out)
{
	/* Lengths that a longer form must not be used for. */
	static const uint64_t least[] = {[2] = 126, [8] = 65536};
	unsigned more;

	if (len < 2)
		return 0;
	/* No extension was agreed on, and no server masks (section 5.1). */
	if ((in[0] & 0x70) != 0 || (in[1] & 0x80) != 0 ||
	    !is_opcode(in[0] & 15))
		return -EPROTO;
	out->opcode = (enum wire_ws_opcode)(in[0] & 15);
	out->last = (in[0] & 0x80) != 0;
	out->payload = in[1] & 0x7f;
	if (out->opcode >= WIRE_WS_CLOSE)
		return out->last && out->payload <= WIRE_WS_CONTROL ? 2
								    : -EPROTO;
	if (out->payload < 126)
		return 2;
	more = out->payload == 126 ? 2 : 8;
	if (len < 2 + more)
		return 0;
	out->payload = big_endian(in + 2, more);
	if (out->payload < least[more] || out->payload > INT64_MAX)
		return -EPROTO;
	return (int)(2 + more);
}

unsigned
wire_ws_close_code(const uint8_t *payload, size_t len)
{
	enum { NO_STATUS = 1005 };

	return len >= 2 ? (unsigned)big_endian(payload, 2) : NO_STATUS;
}
