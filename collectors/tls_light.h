/*
 * A light look at a TLS server: a hello is sent, the first flight that comes
 * back is compared with what was there before, and the connection is reset.
 * It costs a tenth of a handshake on both sides and proves nothing but that
 * nothing has changed since one; whatever is not as it was is for a handshake
 * to judge. Its connections are served at the tick and wake nobody.
 */
#ifndef TLS_LIGHT_H
#define TLS_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "outcome.h"
#include "word.h"

struct probe;
struct tls_facts;
struct tls_light_pool;
struct uv_loop_s;

enum { TLS_LIGHT_DIGEST = 32 };

/*
 * What is kept of a target from probe to probe (probe.memory). All zero:
 * there was no handshake that went well.
 */
struct tls_light {
	uint8_t leaf[TLS_LIGHT_DIGEST];
	uint8_t staple[TLS_LIGHT_DIGEST]; /* as last seen in clear */
	int64_t not_after;		  /* first of the chain, s */
	uint16_t version, cipher;	  /* as last seen so; 0: not yet */
	uint8_t left;			  /* looks until the next handshake */
	uint8_t wait;			  /* handshakes until the next look */
	bool newest;			  /* looked at with TLS 1.3 */
};

/*
 * How a look ends. The owner closes it then, or before. unlike: a handshake
 * is due, in the same probe.
 */
struct tls_light_ops {
	void (*same)(struct probe *p);
	void (*unlike)(struct probe *p);
	void (*failed)(struct probe *p, enum outcome o); /* no connection */
};

struct stream;

/* ops is borrowed. 0 or -errno. */
int tls_light_pool_new(struct uv_loop_s *loop, const struct tls_light_ops *ops,
    struct tls_light_pool **out);
void tls_light_pool_free(struct tls_light_pool *pool); /* NULL is fine */
void tls_light_pool_tick(struct tls_light_pool *pool);

/* Whether this probe may be a look. */
bool tls_light_due(const struct probe *p);
/* A handshake begins: what was before it is forgotten, but not its wait. */
void tls_light_forget(struct probe *p);
/* It went well and showed this. */
void tls_light_learn(struct probe *p, const struct tls_facts *facts);

/* Begins a look. -errno: nothing was sent, nothing will be called. */
int tls_light_open(
    struct tls_light_pool *pool, struct probe *p, struct stream **out);
void tls_light_close(struct stream *s); /* NULL is fine */
/* Whether it has ended, one way or another. */
bool tls_light_over(struct stream *s);
/* What the connect took, and by which clock; once it is the same. */
uint64_t tls_light_connect_time(struct stream *s, enum stamp *stamp);

#endif
