/*
 * Whether a WebSocket server talks: the way there, the opening handshake
 * (RFC 6455 section 4), then pings, each a sample whose time is that of its
 * pong. What the server sends besides is skipped.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "collectors.h"
#include "probe.h"
#include "proxy.h"
#include "web.h"
#include "wire_ws.h"

enum {
	BUFFER = 16 << 10,
	REQUEST_MOST = 2048,
	READ_MOST = 1 << 20, /* bytes of one probe: no server needs more */
	PAYLOAD = 8	     /* of a ping: random */
};

/* What is said on one connection. */
struct wss_talk {
	struct web *web;
	uint64_t upgrade_ns;		      /* when it was asked for */
	uint64_t rtt_ns;		      /* of a refusal */
	int refused;			      /* status or close code; 0 */
	bool open;			      /* 101 came */
	uint64_t sent_ns[PROBE_REQUESTS_MAX]; /* 0: not under way */
	uint8_t ping[PROBE_REQUESTS_MAX][PAYLOAD];
	char accept[WIRE_WS_ACCEPT];
	uint64_t skip, read; /* payload not wanted; all bytes */
	size_t in_len, out_len;
	uint8_t in[BUFFER];
	uint8_t out[REQUEST_MOST + PROBE_REQUESTS_MAX * WIRE_WS_FRAME];
};

struct wss_state {
	struct wss_talk *talk; /* owned; NULL when closed */
};

static struct wss_talk *
talk_of(struct probe *p)
{
	return ((struct wss_state *)p->state)->talk;
}

static void
end_talk(struct probe *p)
{
	struct wss_state *state = p->state;
	struct wss_talk *t = state->talk;

	if (t == NULL)
		return;
	state->talk = NULL;
	web_close(t->web);
	free(t);
}

static void
fail(struct probe *p, enum outcome o, int code)
{
	end_talk(p);
	probe_fail(p, o, code);
}

/* ---- out ---- */

/* Writes what waits; what does not go now goes later. 0 or -errno. */
static int
flush(struct wss_talk *t)
{
	while (t->out_len > 0) {
		ssize_t n = web_write(t->web, t->out, t->out_len);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		t->out_len -= (size_t)n;
		memmove(t->out, t->out + n, t->out_len);
	}
	return 0;
}

/* Masked by what nobody can guess (section 10.3). */
static int
send_frame(struct wss_talk *t, enum wire_ws_opcode opcode, const void *payload,
    size_t len)
{
	uint8_t mask[4];

	if (getrandom(mask, sizeof(mask), 0) != sizeof(mask))
		return -EIO;
	if (t->out_len + WIRE_WS_FRAME > sizeof(t->out))
		return -ENOBUFS;
	t->out_len +=
	    wire_ws_frame(t->out + t->out_len, opcode, mask, payload, len);
	return flush(t);
}

static int
ask_upgrade(struct probe *p, struct wss_talk *t)
{
	uint8_t nonce[WIRE_WS_NONCE];
	char key[WIRE_WS_KEY];
	ssize_t n;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -EIO;
	wire_ws_key(nonce, key);
	wire_ws_accept(key, t->accept);
	n = wire_ws_request((char *)t->out, REQUEST_MOST, p->path->url, key);
	if (n < 0)
		return (int)n;
	t->out_len = (size_t)n;
	t->upgrade_ns = clock_mono();
	return flush(t);
}

/* ---- in ---- */

static uint64_t
since(const struct wss_talk *t, uint64_t from, enum stamp *stamp)
{
	uint64_t at = web_received(t->web, stamp);

	if (at >= from)
		return at - from;
	*stamp = STAMP_USER;
	return clock_mono() - from;
}

static void
drop_bytes(struct wss_talk *t, size_t n)
{
	t->in_len -= n;
	memmove(t->in, t->in + n, t->in_len);
}

/* Each request is answered by the refusal; the engine makes them now. */
static void
refuse(struct probe *p, struct wss_talk *t, int code)
{
	struct answer a = {.outcome = OUTCOME_ERROR_RESPONSE,
	    .code = code,
	    .rtt_ns = t->rtt_ns,
	    .stamp = STAMP_USER};
	bool under_way = false;

	t->refused = code;
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX; i++)
		under_way |= t->sent_ns[i] != 0;
	if (!under_way && !t->open) {
		probe_ready(p);
		return;
	}
	for (unsigned i = 0; i < PROBE_REQUESTS_MAX && talk_of(p) == t; i++) {
		if (t->sent_ns[i] == 0)
			continue;
		a.rtt_ns = clock_mono() - t->sent_ns[i];
		t->sent_ns[i] = 0;
		probe_answer(p, i, &a);
	}
}

/* The answer to the handshake. False: nothing is left to read. */
static bool
take_head(struct probe *p, struct wss_talk *t)
{
	struct wire_ws_head head;
	enum stamp stamp;
	ssize_t n = wire_ws_head((char *)t->in, t->in_len, t->accept, &head);

	if (n < 0 || (n == 0 && t->in_len == sizeof(t->in)) ||
	    (n > 0 && head.status == 101 && !head.good)) {
		fail(p, OUTCOME_PROTOCOL, n > 0 ? head.status : 0);
		return false;
	}
	if (n == 0)
		return false;
	t->rtt_ns = since(t, t->upgrade_ns, &stamp);
	probe_phase(p, PHASE_REQUEST, t->rtt_ns);
	probe_fact(p, FACT_HTTP_STATUS, head.status);
	if (head.status != 101) {
		refuse(p, t, head.status);
		return false;
	}
	drop_bytes(t, (size_t)n);
	t->open = true;
	probe_ready(p);
	return talk_of(p) == t;
}

static void
take_pong(
    struct probe *p, struct wss_talk *t, const uint8_t *payload, size_t len)
{
	struct answer a = {.outcome = OUTCOME_ANSWERED};

	for (unsigned i = 0; len == PAYLOAD && i < PROBE_REQUESTS_MAX; i++) {
		if (t->sent_ns[i] == 0 ||
		    memcmp(t->ping[i], payload, PAYLOAD) != 0)
			continue;
		a.rtt_ns = since(t, t->sent_ns[i], &a.stamp);
		t->sent_ns[i] = 0;
		probe_phase(p, PHASE_RESPONSE, a.rtt_ns);
		probe_answer(p, i, &a);
		return;
	}
}

/* A whole control frame. */
static void
take_control(struct probe *p, struct wss_talk *t, enum wire_ws_opcode opcode,
    const uint8_t *payload, size_t len)
{
	switch (opcode) {
	case WIRE_WS_PING:
		send_frame(t, WIRE_WS_PONG, payload, len);
		break;
	case WIRE_WS_PONG:
		take_pong(p, t, payload, len);
		break;
	case WIRE_WS_CLOSE:
		refuse(p, t, (int)wire_ws_close_code(payload, len));
		break;
	default:
		break;
	}
}

/* False: no whole frame is left, or the talk is over. */
static bool
take_frame(struct probe *p, struct wss_talk *t)
{
	struct wire_ws_header h;
	uint8_t payload[WIRE_WS_CONTROL];
	int n = wire_ws_header(t->in, t->in_len, &h);

	if (n < 0) {
		fail(p, OUTCOME_PROTOCOL, 0);
		return false;
	}
	if (n == 0)
		return false;
	if (h.opcode < WIRE_WS_CLOSE) {
		drop_bytes(t, (size_t)n);
		t->skip = h.payload;
		return true;
	}
	if (t->in_len < (size_t)n + h.payload)
		return false;
	memcpy(payload, t->in + n, h.payload);
	drop_bytes(t, (size_t)n + h.payload);
	take_control(p, t, h.opcode, payload, h.payload);
	return talk_of(p) == t && t->refused == 0;
}

static bool
take_bytes(struct probe *p, struct wss_talk *t)
{
	size_t n;

	if (!t->open && !take_head(p, t))
		return false;
	do {
		n = t->skip < t->in_len ? (size_t)t->skip : t->in_len;
		t->skip -= n;
		drop_bytes(t, n);
	} while (t->skip == 0 && take_frame(p, t));
	return talk_of(p) == t;
}

static void
on_io(struct web *w)
{
	struct probe *p = web_probe(w);
	struct wss_talk *t = talk_of(p);
	int broken = flush(t);

	while (t->refused == 0) {
		ssize_t n =
		    web_read(w, t->in + t->in_len, sizeof(t->in) - t->in_len);

		if (n == -EAGAIN && broken == 0)
			return;
		if (n > 0 && (t->read += (uint64_t)n) > READ_MOST) {
			fail(p, OUTCOME_PROTOCOL, 0);
			return;
		}
		if (n <= 0) {
			web_end(w, n != -EAGAIN ? n : broken);
			return;
		}
		t->in_len += (size_t)n;
		take_bytes(p, t);
		if (talk_of(p) != t)
			return;
	}
}

static void
on_ready(struct web *w)
{
	struct probe *p = web_probe(w);

	if (ask_upgrade(p, talk_of(p)) < 0)
		fail(p, OUTCOME_LOCAL, 0);
}

static void
on_failed(struct web *w, enum outcome o, int code)
{
	fail(web_probe(w), o, code);
}

static const struct web_ops wss_ops = {
    .ready = on_ready, .failed = on_failed, .io = on_io};

/* ---- the collector ---- */

static int
wss_open(const struct collector_setup *setup, void **out)
{
	struct web_setup web = {
	    .collector = setup, .ops = &wss_ops, .way = true};
	struct web_pool *pool = NULL;
	int err = web_pool_new(&web, &pool);

	*out = pool;
	return err;
}

static void
wss_adjust(void *loop, const struct collector_setup *setup)
{
	web_pool_adjust(loop, setup);
}

static void
wss_counts(const void *loop, struct collector_counts *add)
{
	web_pool_counts(loop, add);
}

static void
wss_close(void *loop)
{
	web_pool_free(loop);
}

static int
wss_start(struct probe *p)
{
	struct wss_state *state = p->state;

	if (p->path->proxy != NULL &&
	    proxy_held(p->path->proxy, clock_mono())) {
		probe_fail(p, OUTCOME_PROXY_AUTH, 407);
		return 0;
	}
	state->talk = calloc(1, sizeof(*state->talk));
	if (state->talk == NULL)
		return -ENOMEM;
	if (web_open(p->loop, p, &state->talk->web) < 0)
		fail(p, OUTCOME_LOCAL, 0);
	return 0;
}

static int
wss_request(struct probe *p, unsigned seq)
{
	struct wss_talk *t = talk_of(p);
	struct answer a = {
	    .outcome = OUTCOME_ERROR_RESPONSE, .stamp = STAMP_USER};

	if (t == NULL || seq >= PROBE_REQUESTS_MAX)
		return -ECONNRESET;
	if (t->refused != 0) {
		/* Who asks for it finds this right. */
		if (p->path->ask != NULL &&
		    codes_has(&p->path->ask->http.codes, (unsigned)t->refused))
			a.outcome = OUTCOME_ANSWERED;
		a.code = t->refused;
		a.rtt_ns = t->rtt_ns;
		probe_answer(p, seq, &a);
		return 0;
	}
	if (getrandom(t->ping[seq], PAYLOAD, 0) != PAYLOAD)
		return -EIO;
	t->sent_ns[seq] = clock_mono();
	return send_frame(t, WIRE_WS_PING, t->ping[seq], PAYLOAD);
}

/* A server that is left without a word may log an error. */
static void
wss_stop(struct probe *p)
{
	static const uint8_t normal[] = {1000 >> 8, 1000 & 255};
	struct wss_talk *t = talk_of(p);

	if (t != NULL && t->open && t->refused == 0)
		send_frame(t, WIRE_WS_CLOSE, normal, sizeof(normal));
	end_talk(p);
}

const struct collector collector_wss = {
    .name = "wss",
    .room = COLLECTOR_SIGNALLING,
    .transports = UINT32_C(1) << TRANSPORT_WSS,
    .port = 443,
    .count = 1,
    /* As many handshakes at once as of https. */
    .concurrent = 16,
    .state = sizeof(struct wss_state),
    .open = wss_open,
    .adjust = wss_adjust,
    .counts = wss_counts,
    .close = wss_close,
    .start = wss_start,
    .request = wss_request,
    .stop = wss_stop,
};
