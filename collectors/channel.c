/*
 * Setting up a channel: connect, handshake, and the second handshake. A
 * channel lives in the room of its stream.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "clock.h"
#include "stream.h"
#include "stream_tls.h"
#include "tls_facts.h"
#include "tls_judge.h"
#include "tls_keeper.h"
#include "tls_name.h"

/* Handshake steps of 0.5 ms each before others in the loop get their turn. */
enum { TLS_BATCH = 4 };

struct channel_pool {
	struct stream_pool *streams;
	struct stream_tls *tls; /* NULL: TCP */
	const struct channel_ops *ops;
	bool unnamed; /* no server name unless one is configured */
	bool judged;  /* certificates, unless it is configured otherwise */
};

enum stage {
	STAGE_CONNECT,
	STAGE_PREPARE, /* connected; files are being read */
	STAGE_HANDSHAKE,
	STAGE_READY,
	STAGE_OVER /* probe_fail() was called: wait to be closed */
};

struct channel {
	struct stream *stream;
	struct channel_pool *pool;
	struct channel **at; /* the owner's pointer to this */
	enum stage stage;
	struct ssl_st *ssl;
	int read_alert;		/* that ended reading; 0: none */
	uint64_t start_ns;	/* of the probe */
	uint64_t connect_ns;	/* what it took */
	enum stamp stamp;	/* and by which clock */
	uint64_t handshake_ns;	/* when it began */
	struct tls_notes notes; /* of the handshake */
	bool named;		/* the second handshake, with a name */
	bool gentle;		/* it ends with a good-bye */
	struct tls_facts facts; /* of the first handshake */
	int alert;		/* that ended the first one */
	max_align_t room[];
};

static struct channel *
channel_of(struct stream *s)
{
	return stream_room(s);
}

/* What is asked of TLS; NULL: nothing. */
static const struct ask_tls *
asked(const struct channel *c)
{
	const struct ask *ask = channel_probe(c)->path->ask;

	return ask != NULL ? &ask->tls : NULL;
}

static const char *
name_of(const struct channel *c)
{
	return tls_name_asked(channel_probe(c)->path);
}

/* The first handshake asks for no name though there is one. */
static bool
goes_unnamed(const struct channel *c)
{
	const struct ask_tls *ask = asked(c);

	return c->pool->unnamed && (ask == NULL || ask->server_name == NULL);
}

static bool
is_judged(const struct channel *c)
{
	const struct ask_tls *ask = asked(c);

	if (ask == NULL || ask->verify == ASK_VERIFY_USUAL)
		return c->pool->judged;
	return ask->verify == ASK_VERIFY_YES;
}

static void
read_facts(const struct channel *c, struct tls_facts *facts)
{
	tls_facts_read(c->ssl, &c->notes, asked(c),
	    tls_name(channel_probe(c)->path), facts);
	tls_facts_details(c->ssl, channel_probe(c)->details);
	if (!stream_tls_trusts(c->pool->tls) && facts->have_cert) {
		facts->verify_error = -1;
		facts->chain = 0;
	}
}

void
channel_fail(struct channel *c, enum outcome o, int code)
{
	c->stage = STAGE_OVER;
	probe_fail(channel_probe(c), o, code);
}

/* The handshake without a name failed, and this is all there is to say. */
static void
report_failure(struct channel *c, const struct tls_facts *facts, int alert)
{
	uint32_t use = channel_use(c);

	probe_tls(channel_probe(c), facts);
	if (channel_use(c) == use)
		channel_fail(c, OUTCOME_TLS_HANDSHAKE, alert);
}

/* The second handshake came to an end. */
static void
end_second(struct channel *c, bool worked)
{
	struct tls_facts facts = c->facts;

	if (worked) {
		/* It shows the certificate that the first could not. */
		if (!facts.have_cert)
			read_facts(c, &facts);
		facts.sni_required = 2;
	}
	report_failure(c, &facts, c->alert);
}

/*
 * Only in the first half of the probe's time: one that waits for its time-out
 * would be said to have timed out.
 */
static bool
may_ask_by_name(const struct channel *c)
{
	return goes_unnamed(c) && name_of(c) != NULL &&
	       clock_mono() - c->start_ns <
		   channel_probe(c)->path->timeout_ns / 2;
}

static int
open_stream(struct channel_pool *pool, struct probe *p, struct channel **at)
{
	struct stream *s;
	int err = stream_open(pool->streams, p->path, p, &s);

	if (err < 0)
		return err;
	*at = channel_of(s);
	(*at)->stream = s;
	(*at)->pool = pool;
	(*at)->at = at;
	return 0;
}

static void
handshake_failed(struct channel *c, int alert)
{
	struct channel **at = c->at, *second;
	struct tls_facts facts;

	read_facts(c, &facts);
	if (!may_ask_by_name(c) ||
	    open_stream(c->pool, channel_probe(c), at) < 0) {
		report_failure(c, &facts, alert);
		return;
	}
	second = *at;
	second->named = true;
	second->start_ns = c->start_ns;
	second->facts = facts;
	second->alert = alert;
	channel_close(c);
}

/* What came with the end of the set-up is not told again: look at it. */
static void
ready(struct channel *c)
{
	uint32_t use = channel_use(c);

	c->stage = STAGE_READY;
	c->pool->ops->ready(c);
	if (channel_use(c) == use && c->stage == STAGE_READY)
		c->pool->ops->io(c);
}

/* The handshake worked: what it showed may still not do. */
static void
judge(struct channel *c)
{
	int code;
	enum outcome o = tls_judge(asked(c), &c->facts, &code);

	if (o == OUTCOME_ANSWERED || !is_judged(c))
		ready(c);
	else
		channel_fail(c, o, code);
}

static void
handshake(struct channel *c)
{
	struct probe *p = channel_probe(c);
	uint32_t use = channel_use(c);
	int alert, err = stream_tls_handshake(c->ssl, &alert);

	if (err == -EAGAIN)
		return;
	if (c->named) {
		end_second(c, err == 0);
		return;
	}
	if (err < 0) {
		handshake_failed(c, alert);
		return;
	}
	probe_phase(p, PHASE_TLS, clock_mono() - c->handshake_ns);
	read_facts(c, &c->facts);
	if (goes_unnamed(c))
		c->facts.sni_required = 1;
	probe_tls(p, &c->facts);
	if (channel_use(c) == use)
		judge(c);
}

/* The files that it needs have been read, or cannot be. */
static void
prepared(struct channel *c, int err)
{
	if (err == 0)
		c->ssl = stream_tls_session(c->pool->tls, c->stream, asked(c),
		    c->named || !goes_unnamed(c) ? name_of(c) : NULL,
		    &c->notes);
	if (c->ssl == NULL) {
		channel_fail(c, OUTCOME_LOCAL, 0);
		return;
	}
	c->stage = STAGE_HANDSHAKE;
	c->handshake_ns = clock_mono();
	handshake(c);
}

static void
prepare(struct channel *c)
{
	int err = stream_tls_prepare(c->pool->tls, asked(c));

	c->stage = STAGE_PREPARE;
	if (err != -EAGAIN)
		prepared(c, err);
}

static void
prepare_again(struct stream *s, void *arg)
{
	(void)arg;
	if (channel_of(s)->stage == STAGE_PREPARE)
		prepare(channel_of(s));
}

/* What some of them waited for has been read. */
static void
on_files(void *arg)
{
	struct channel_pool *pool = arg;

	stream_pool_each(pool->streams, prepare_again, NULL);
}

static void
on_connected(struct stream *s)
{
	struct channel *c = channel_of(s);
	struct probe *p = channel_probe(c);

	c->connect_ns = stream_connect_time(s, &c->stamp);
	if (!c->named)
		probe_phase(p, PHASE_CONNECT, c->connect_ns);
	if (c->pool->tls == NULL) {
		ready(c);
		return;
	}
	prepare(c);
}

static void
on_failed(struct stream *s, enum outcome o)
{
	struct channel *c = channel_of(s);

	if (c->named)
		end_second(c, false);
	else
		channel_fail(c, o, 0);
}

static void
on_io(struct stream *s)
{
	struct channel *c = channel_of(s);

	if (c->stage == STAGE_HANDSHAKE)
		handshake(c);
	else if (c->stage == STAGE_READY)
		c->pool->ops->io(c);
}

static const struct stream_ops channel_stream_ops = {
    .connected = on_connected, .failed = on_failed, .io = on_io};

int
channel_pool_new(const struct channel_setup *setup, struct channel_pool **out)
{
	struct stream_setup streams = {.loop = setup->loop,
	    .ops = &channel_stream_ops,
	    .room = sizeof(struct channel) + setup->room,
	    .batch = setup->tls ? TLS_BATCH : 0,
	    .payload = true};
	struct channel_pool *pool = calloc(1, sizeof(*pool));
	struct tls_keeper_setup keeper = {.loop = setup->loop,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file,
	    .ready = on_files,
	    .arg = pool};
	int err;

	if (pool == NULL)
		return -ENOMEM;
	pool->ops = setup->ops;
	pool->unnamed = setup->unnamed;
	pool->judged = setup->judged;
	err = stream_pool_new(&streams, &pool->streams);
	if (err == 0 && setup->tls) {
		pool->tls = stream_tls_new(&keeper);
		err = pool->tls != NULL ? 0 : -ENOMEM;
	}
	if (err < 0) {
		channel_pool_free(pool);
		return err;
	}
	*out = pool;
	return 0;
}

static void
close_each(struct stream *s, void *arg)
{
	(void)arg;
	channel_close(channel_of(s));
}

void
channel_pool_free(struct channel_pool *pool)
{
	if (pool == NULL)
		return;
	if (pool->streams != NULL)
		stream_pool_each(pool->streams, close_each, NULL);
	stream_pool_free(pool->streams);
	stream_tls_free(pool->tls);
	free(pool);
}

/* A second handshake has had its share of the probe's time. */
static void
expire_second(struct stream *s, void *arg)
{
	const uint64_t *now = arg;
	struct channel *c = channel_of(s);

	if (c->named && c->stage != STAGE_OVER &&
	    *now >= c->start_ns + channel_probe(c)->path->timeout_ns / 2)
		end_second(c, false);
}

void
channel_pool_tick(struct channel_pool *pool, uint64_t now)
{
	if (pool->tls != NULL)
		stream_pool_each(pool->streams, expire_second, &now);
}

void
channel_pool_adjust(struct channel_pool *pool, const char *ca_file)
{
	if (pool->tls != NULL)
		stream_tls_adjust(pool->tls, ca_file);
}

int
channel_open(struct channel_pool *pool, struct probe *p, struct channel **at)
{
	int err = open_stream(pool, p, at);

	if (err == 0)
		(*at)->start_ns = stream_started((*at)->stream);
	return err;
}

void
channel_close(struct channel *c)
{
	if (c == NULL)
		return;
	if (c->gentle && c->ssl != NULL)
		stream_tls_goodbye(c->ssl);
	stream_tls_end(c->ssl);
	c->ssl = NULL;
	stream_close(c->stream);
}

void
channel_end_gently(struct channel *c)
{
	c->gentle = true;
	stream_end_gently(c->stream);
}

struct probe *
channel_probe(const struct channel *c)
{
	return stream_owner(c->stream);
}

void *
channel_room(struct channel *c)
{
	return c->room;
}

uint32_t
channel_use(const struct channel *c)
{
	return stream_use(c->stream);
}

ssize_t
channel_read(struct channel *c, void *buf, size_t len)
{
	if (c->ssl != NULL)
		return stream_tls_read(c->ssl, buf, len, &c->read_alert);
	return stream_read(c->stream, buf, len);
}

ssize_t
channel_write(struct channel *c, const void *buf, size_t len)
{
	if (c->ssl != NULL)
		return stream_tls_write(c->ssl, buf, len);
	return stream_write(c->stream, buf, len);
}

int
channel_local(const struct channel *c, struct addr *out)
{
	return stream_local(c->stream, out);
}

uint64_t
channel_received(const struct channel *c, enum stamp *stamp)
{
	return stream_received(c->stream, stamp);
}

uint64_t
channel_connect_time(const struct channel *c, enum stamp *stamp)
{
	*stamp = c->stamp;
	return c->connect_ns;
}

const struct tls_facts *
channel_facts(const struct channel *c)
{
	return &c->facts;
}

bool
channel_undecided(const struct channel *c)
{
	return c->notes.verdict_due && !c->notes.verdict_good;
}

void
channel_end(struct channel *c, ssize_t n)
{
	/* TLS 1.3 refuses a client only after its handshake is done. */
	if (c->read_alert != 0)
		channel_fail(c, OUTCOME_TLS_HANDSHAKE, c->read_alert);
	else if (n == -EPROTO || n == -EMSGSIZE)
		channel_fail(c, OUTCOME_PROTOCOL, 0);
	else if (n == 0)
		channel_fail(c, OUTCOME_RESET, 0);
	else
		channel_fail(c, outcome_of_errno((int)-n, false), 0);
}
