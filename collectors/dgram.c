/*
 * Which socket a probe uses, and what is made of what comes in. A probe takes
 * all its requests from one socket, as a media stream would use one port.
 */
#include "build.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "dgram.h"
#include "dgram_batch.h"
#include "dgram_keeper.h"
#include "dgram_match.h"
#include "dgram_rtt.h"
#include "dgram_set.h"
#include "log.h"

#define LATE_NS (10 * CLOCK_SEC) /* how long we listen after a time-out */
#define STEP_NS 50000		 /* a greater change of the offset is a step */

enum {
	POOL = 252,	 /* random bytes: what getrandom() gives at once */
	QUOTATION = 576, /* bytes of ours that an ICMP error brings back */
	STAMPS = 32,	 /* that wait while many are sent in a tick */
	READS = 64	 /* batches of a socket in one tick, at most */
};

struct dgram {
	const struct dgram_kind *kind; /* borrowed */
	uint64_t rotate_ns;
	bool transmit_stamps;
	bool told;    /* that sockets are forbidden */
	int keeper;   /* descriptor */
	uint64_t now; /* at the last tick */
	struct dgram_set set;
	struct dgram_batch *data, *errors; /* owned */
	/* Real minus monotonic: now, and before it was last set. */
	int64_t offset, before;
	bool stepped; /* in this tick */
	uint16_t epoch;
	unsigned pool_left;
	uint8_t pool[POOL];
	struct collector_counts counts;
};

/* ---- sockets ---- */

static struct dgram_key
key_of(const struct path *path)
{
	struct dgram_key key = {
	    .family = (uint8_t)addr_family(&path->addr), .dscp = path->dscp};

	if (addr_family(&path->source) == key.family) {
		key.source = path->source;
		addr_set_port(&key.source, 0);
	}
	memcpy(key.interface, path->interface, sizeof(key.interface));
	return key;
}

/* The moment up to which a socket must have been opened to be old by now. */
static uint64_t
old_at(const struct dgram *d, uint64_t now)
{
	/* A quarter less: rounds do not start to the nanosecond. */
	uint64_t age = d->rotate_ns - d->rotate_ns / 4;

	return now > age ? now - age : 0;
}

static int
get_socket(struct dgram *d, const struct dgram_key *key, unsigned n,
    struct dgram_socket **out)
{
	int protocol =
	    key->family == AF_INET ? d->kind->protocol4 : d->kind->protocol6;
	int err;

	dgram_set_retire(&d->set, old_at(d, d->now));
	*out = dgram_set_find(&d->set, key, n);
	if (*out != NULL)
		return 0;
	err = dgram_socket_open(out, key, protocol, d->transmit_stamps);
	if (err == 0)
		dgram_set_add(&d->set, *out);
	return err;
}

/* Gives the slot of a request back; a socket lives while slots are held. */
static void
release(struct dgram_socket *s, unsigned slot)
{
	struct dgram_probe *dp = s->slot[slot].probe->state;

	dp->slot[s->slot[slot].seq] = 0;
	if (--dp->held == 0)
		dp->socket = NULL;
	dgram_socket_drop(s, slot);
}

/* Its requests have timed out long ago: their probes let go of it. */
static void
close_socket(struct dgram *d, struct dgram_socket *s)
{
	for (unsigned i = 1; i <= DGRAM_SLOTS && s->used > 0; i++) {
		if (s->slot[i].probe != NULL)
			release(s, i);
	}
	d->counts.drops += dgram_socket_drops(s);
	dgram_socket_free(s);
}

static void
close_done(struct dgram *d, uint64_t now)
{
	struct dgram_socket *s;

	while ((s = dgram_set_done(&d->set, now)) != NULL)
		close_socket(d, s);
}

/* ---- what comes in ---- */

/* A clock that was set shows in the offset between the two. */
static void
note_offset(struct dgram *d)
{
	int64_t offset = clock_offset();
	int64_t by = offset - d->offset;

	d->stepped = by > STEP_NS || by < -STEP_NS;
	if (d->stepped) {
		d->before = d->offset;
		d->epoch++;
	}
	d->offset = offset;
}

static enum dgram_step
step_since(const struct dgram *d, const struct dgram_request *r)
{
	if (r->epoch == d->epoch)
		return DGRAM_STEP_NONE;
	if (d->stepped && (uint16_t)(d->epoch - r->epoch) == 1)
		return DGRAM_STEP_NOW;
	return DGRAM_STEP_EARLIER;
}

static struct dgram_times
times_of(const struct dgram *d, const struct dgram_request *r, int64_t rx,
    uint64_t now)
{
	return (struct dgram_times){
	    .sent = r->sent,
	    .now = now,
	    .tx = r->tx,
	    .rx = rx,
	    .offset = d->offset,
	    .before = d->before,
	    .step = step_since(d, r),
	};
}

static void
measure(struct dgram *d, const struct dgram_times *t, struct answer *a)
{
	if (outcome_class(a->outcome) != OUTCOME_CLASS_ANSWER)
		return;
	a->rtt_ns = dgram_rtt(t, &a->stamp);
	d->counts.stamp[a->stamp]++;
}

/* The request is over: its slot goes before its probe hears of it. */
static void
end(struct dgram_socket *s, unsigned slot, const struct answer *a)
{
	struct probe *p = s->slot[slot].probe;
	unsigned seq = s->slot[slot].seq;

	release(s, slot);
	probe_answer(p, seq, a);
}

static struct dgram_talk
talk_of(const struct dgram_socket *s, unsigned slot)
{
	const struct dgram_request *r = &s->slot[slot];
	struct dgram_talk talk = {.probe = r->probe,
	    .id = r->id,
	    .seq = r->seq,
	    .family = s->key.family,
	    .local = s->key.source};

	talk.local.sa.sa_family = s->key.family;
	addr_set_port(&talk.local, s->port);
	return talk;
}

static void
take_data(struct dgram *d, struct dgram_socket *s,
    const struct dgram_item *item, uint64_t now)
{
	struct answer a = {.stamp = STAMP_NONE, .outcome = OUTCOME_NONE};
	unsigned slot = dgram_match_data(d->kind, s, item);
	struct dgram_times times;
	struct dgram_talk talk;
	struct addr mapped;

	if (item->drops > s->drops) {
		d->counts.drops += item->drops - s->drops;
		s->drops = item->drops;
	}
	if (slot == 0) {
		d->counts.unmatched++;
		return;
	}
	if (d->kind->ports)
		a.local_port = s->port;
	talk = talk_of(s, slot);
	talk.hop_limit = item->hop_limit;
	times = times_of(d, &s->slot[slot], item->stamp, now);
	dgram_rtt_real(&times, &talk.left_ns, &talk.came_ns);
	d->kind->accept(item->bytes, item->len, &talk, &a, &mapped);
	if (a.outcome == OUTCOME_NONE)
		return;
	measure(d, &times, &a);
	end(s, slot, &a);
}

/* Path MTU messages end nothing: our packets are far below any. */
static bool
is_too_big(const struct dgram_item *item, int family)
{
	if (item->kind != DGRAM_ICMP)
		return item->error == EMSGSIZE;
	return family == AF_INET ? item->type == ICMP_DEST_UNREACH &&
				       item->code == ICMP_FRAG_NEEDED
				 : item->type == ICMP6_PACKET_TOO_BIG;
}

/* It is noted only: a probe hears of it at the tick. */
static void
take_error(
    struct dgram *d, struct dgram_socket *s, const struct dgram_item *item)
{
	unsigned slot;
	struct dgram_request *r;

	if (is_too_big(item, s->key.family))
		return;
	slot = dgram_match_quoted(d->kind, s, item);
	if (slot == 0) {
		d->counts.unmatched++;
		return;
	}
	r = &s->slot[slot];
	if (r->outcome == 0)
		s->failed++;
	if (item->kind == DGRAM_ICMP)
		r->outcome = (uint8_t)outcome_of_icmp(
		    s->key.family, item->type, item->code);
	else
		r->outcome = (uint8_t)outcome_of_errno(item->error, true);
}

static void
read_errors(struct dgram *d, struct dgram_socket *s)
{
	struct dgram_item item;
	unsigned n = DGRAM_BATCH;

	for (unsigned k = 0; k < READS && n == DGRAM_BATCH; k++) {
		n = dgram_batch_read(d->errors, s->fd, MSG_ERRQUEUE);
		for (unsigned i = 0; i < n; i++) {
			dgram_batch_item(d->errors, i, &item);
			if (item.kind == DGRAM_STAMP)
				dgram_socket_stamp(s, item.key, item.stamp);
			else
				take_error(d, s, &item);
		}
	}
}

/*
 * The errors of a batch are read after it: the transmit stamp of a packet is
 * queued before anyone can have answered it.
 */
static void
read_data(struct dgram *d, struct dgram_socket *s)
{
	struct dgram_item item;
	unsigned n = DGRAM_BATCH;

	for (unsigned k = 0; k < READS && n == DGRAM_BATCH; k++) {
		uint64_t now;

		n = dgram_batch_read(d->data, s->fd, 0);
		now = clock_mono();
		read_errors(d, s);
		for (unsigned i = 0; i < n; i++) {
			dgram_batch_item(d->data, i, &item);
			take_data(d, s, &item, now);
		}
	}
}

static void
tell_failures(struct dgram_socket *s)
{
	for (unsigned i = 1; i <= DGRAM_SLOTS && s->failed > 0; i++) {
		const struct dgram_request *r = &s->slot[i];
		struct answer a = {
		    .stamp = STAMP_NONE, .outcome = (enum outcome)r->outcome};

		if (r->probe != NULL && r->outcome != 0)
			end(s, i, &a);
	}
}

/* Sockets are opened by probes that are called from here, not closed. */
void
dgram_tick(void *loop, uint64_t now)
{
	struct dgram *d = loop;
	struct dgram_socket *s;
	int events;

	d->now = now;
	note_offset(d);
	dgram_set_poll(&d->set);
	while ((s = dgram_set_next(&d->set, &events)) != NULL) {
		if ((events & POLLIN) != 0)
			read_data(d, s);
		else if (events != 0)
			read_errors(d, s);
		if (s->failed > 0)
			tell_failures(s);
	}
	dgram_set_retire(&d->set, old_at(d, now));
	close_done(d, now);
}

/* ---- probes ---- */

static int
refused(struct dgram *d, struct probe *p, int err)
{
	if (err != -EACCES || d->kind->forbidden == NULL)
		return err;
	if (!d->told)
		log_warn("dgram", "%s", d->kind->forbidden);
	d->told = true;
	/* Not a policy on the path, which EACCES would stand for. */
	probe_fail(p, OUTCOME_LOCAL, -err);
	return 0;
}

int
dgram_start(struct probe *p)
{
	struct dgram *d = p->loop;
	struct dgram_probe *dp = p->state;
	struct dgram_key key = key_of(p->path);
	struct dgram_socket *s;
	int err;

	if (key.family != AF_INET && key.family != AF_INET6)
		return -EDESTADDRREQ;
	if (p->count > PROBE_REQUESTS_MAX)
		return -EINVAL;
	err = get_socket(d, &key, p->count, &s);
	if (err < 0)
		return refused(d, p, err);
	dp->socket = s;
	dp->to = p->path->addr;
	/* The kernel's answers name a scope for link-local addresses only. */
	if (key.family == AF_INET6 &&
	    !IN6_IS_ADDR_LINKLOCAL(&dp->to.in6.sin6_addr))
		dp->to.in6.sin6_scope_id = 0;
	dp->reserved = dp->held = (uint8_t)p->count;
	s->reserved += p->count;
	probe_ready(p);
	return 0;
}

static int
next_id(struct dgram *d, uint8_t id[DGRAM_ID])
{
	unsigned len = d->kind->id_len;

	if (d->pool_left < len) {
		if (getrandom(d->pool, POOL, 0) != POOL)
			return -EIO;
		d->pool_left = POOL;
	}
	d->pool_left -= len;
	memset(id, 0, DGRAM_ID);
	memcpy(id, d->pool + d->pool_left, len);
	return 0;
}

/* Short ids would meet on a socket that has many under way. */
static int
free_id(struct dgram *d, const struct dgram_socket *s, uint8_t id[DGRAM_ID])
{
	int err = next_id(d, id);

	while (err == 0 && dgram_socket_find(s, id) != 0)
		err = next_id(d, id);
	return err;
}

/*
 * An ICMP error about an earlier packet fails the next one, whereto ever it
 * goes: the errors are taken out, and it is sent again.
 */
static int
send_slot(struct dgram *d, struct dgram_socket *s, unsigned slot,
    const struct dgram_probe *dp)
{
	struct dgram_talk talk = talk_of(s, slot);
	uint8_t packet[DGRAM_PACKET];
	size_t len;
	int err = 0;

	if (d->kind->local)
		err = dgram_socket_local(&s->key, &dp->to, &talk.local);
	if (err < 0)
		return err;
	addr_set_port(&talk.local, s->port);
	len = d->kind->encode(packet, &talk);
	if (len == 0)
		return -EMSGSIZE;
	err = dgram_socket_send(s, slot, packet, len, &dp->to);
	if (err == 0)
		return 0;
	read_errors(d, s);
	return dgram_socket_send(s, slot, packet, len, &dp->to);
}

int
dgram_request(struct probe *p, unsigned seq)
{
	struct dgram *d = p->loop;
	struct dgram_probe *dp = p->state;
	struct dgram_socket *s = dp->socket;
	uint8_t id[DGRAM_ID];
	unsigned slot;
	int err;

	if (s == NULL || dp->reserved == 0 || seq >= p->count ||
	    dp->slot[seq] != 0)
		return -EINVAL;
	err = free_id(d, s, id);
	if (err < 0)
		return err;
	dp->reserved--;
	slot = dgram_socket_take(s, id);
	s->slot[slot].probe = p;
	s->slot[slot].seq = (uint8_t)seq;
	s->slot[slot].epoch = d->epoch;
	err = send_slot(d, s, slot, dp);
	if (err < 0) {
		release(s, slot);
		return err;
	}
	dp->slot[seq] = (uint8_t)slot;
	if (s->stamps && s->sends % STAMPS == 0)
		read_errors(d, s);
	if (s->linger < s->slot[slot].sent + p->path->timeout_ns + LATE_NS)
		s->linger = s->slot[slot].sent + p->path->timeout_ns + LATE_NS;
	return 0;
}

void
dgram_stop(struct probe *p)
{
	struct dgram_probe *dp = p->state;
	struct dgram_socket *s = dp->socket;

	if (s == NULL)
		return;
	s->reserved -= dp->reserved;
	dp->held -= dp->reserved;
	dp->reserved = 0;
	for (unsigned i = 0; i < p->count; i++)
		if (dp->slot[i] != 0)
			release(s, dp->slot[i]);
	dp->socket = NULL;
}

/* ---- life ---- */

int
dgram_new(const struct dgram_kind *kind, const struct collector_setup *setup,
    void **out)
{
	struct dgram *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	d->kind = kind;
	d->now = clock_mono();
	d->keeper = dgram_keeper_open();
	d->offset = d->before = clock_offset();
	d->data = dgram_batch_new(kind->answer_max);
	d->errors = dgram_batch_new(QUOTATION);
	if (d->data == NULL || d->errors == NULL) {
		dgram_close(d);
		return -ENOMEM;
	}
	dgram_adjust(d, setup);
	*out = d;
	return 0;
}

/* Also a way to new ports at once: what is under way stays on the old. */
void
dgram_adjust(void *loop, const struct collector_setup *setup)
{
	struct dgram *d = loop;

	d->rotate_ns = setup->rotate_ns;
	d->transmit_stamps = setup->transmit_stamps;
	dgram_set_retire(&d->set, UINT64_MAX);
}

void
dgram_counts(const void *loop, struct collector_counts *add)
{
	const struct dgram *d = loop;

	add->unmatched += d->counts.unmatched;
	add->drops += d->counts.drops;
	for (unsigned i = 0; i < STAMP_END; i++)
		add->stamp[i] += d->counts.stamp[i];
}

void
dgram_close(void *loop)
{
	struct dgram *d = loop;

	if (d == NULL)
		return;
	dgram_set_retire(&d->set, UINT64_MAX);
	for (struct dgram_socket *s = d->set.retired; s != NULL; s = s->next)
		s->reserved = 0;
	close_done(d, UINT64_MAX);
	dgram_keeper_close(d->keeper);
	dgram_batch_free(d->data);
	dgram_batch_free(d->errors);
	dgram_set_free(&d->set);
	free(d);
}
