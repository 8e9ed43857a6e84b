/*
 * The carrier of probes that ask and are answered on a connection, over TCP
 * or TLS: requests with their ids and times, and whole messages taken from
 * what comes, in whatever pieces. What they say is the kind's.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "collector.h"
#include "probe.h"

struct channel;

enum { EXCHANGE_ID = 16 };

/* A request, to those who write it and read what answers it. */
struct exchange_talk {
	struct probe *probe; /* borrowed, as is the id */
	const uint8_t *id;   /* random, kind.id_len bytes */
	unsigned seq;
	struct addr local; /* ours, if kind.local */
};

struct exchange_kind {
	/* As in channel_setup. */
	bool tls, unnamed, judged;
	bool local;  /* a request tells our own address and port */
	bool gentle; /* what was answered ends without a reset */
	unsigned id_len;
	size_t request_max; /* bytes of a request */
	unsigned waiting;   /* so many of them may wait to be written */
	size_t message_max; /* bytes of the longest message taken */
	unsigned idle;	    /* of one that only keeps the connection alive */

	/* Writes the request; its length, 0: it cannot be. */
	size_t (*encode)(
	    uint8_t *out, size_t size, const struct exchange_talk *talk);
	/*
	 * bytes begins with a message: how long it is in all, 0 while that is
	 * not known; negative when it is none, or too long.
	 */
	int (*frame)(const uint8_t *bytes, size_t len);
	/* The id in a whole message; false: it answers nobody. */
	bool (*identify)(
	    const uint8_t *bytes, size_t len, uint8_t id[EXCHANGE_ID]);
	/*
	 * Judges a whole message with the id of the request: fills in outcome,
	 * code and mapped (pointing at *mapped), if any. Outcome NONE: the
	 * answer is still to come.
	 */
	void (*accept)(const uint8_t *bytes, size_t len,
	    const struct exchange_talk *talk, struct answer *a,
	    struct addr *mapped);
};

/* What it keeps in p->state; zero at start. */
struct exchange_probe {
	struct channel *channel; /* NULL when closed */
};

/* kind is borrowed for good. 0 and *out, what probes see as p->loop; -errno. */
int exchange_new(const struct exchange_kind *kind,
    const struct collector_setup *setup, void **out);

/* For struct collector. */
void exchange_adjust(void *loop, const struct collector_setup *setup);
void exchange_tick(void *loop, uint64_t now);
void exchange_counts(const void *loop, struct collector_counts *add);
void exchange_close(void *loop);
int exchange_start(struct probe *p);
int exchange_request(struct probe *p, unsigned seq);
void exchange_stop(struct probe *p);
/* All of them but open, which names the kind; EXCHANGE_CALLS_TLS over TLS. */
#define EXCHANGE_CALLS                                                     \
	.state = sizeof(struct exchange_probe), .counts = exchange_counts, \
	.close = exchange_close, .start = exchange_start,                  \
	.request = exchange_request, .stop = exchange_stop
#define EXCHANGE_CALLS_TLS \
	EXCHANGE_CALLS, .adjust = exchange_adjust, .tick = exchange_tick

#endif
