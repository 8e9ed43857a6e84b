/*
 * What becomes of an answer: when it leaves, whether it is lost, doubled or
 * held back; and the queue of those that wait. Repeatable for a seed.
 */
#ifndef REFLECT_FATE_H
#define REFLECT_FATE_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct uv_loop_s;

enum { REFLECT_ANSWER = 160 }; /* bytes of the longest answer */

struct reflect_plan {
	uint64_t delay_ns, jitter_ns; /* uniform in delay +- jitter */
	uint32_t loss_ppm, duplicate_ppm, reorder_ppm;
	unsigned error; /* STUN error code instead of success */
	uint64_t seed;
};

struct reflect_stream;

/* An answer and where it goes: by a datagram socket, or on a stream. */
struct reflect_answer {
	uint64_t due;	      /* monotonic ns */
	int fd;		      /* datagrams; -1 for a stream */
	struct addr to, from; /* from: the local address, no port */
	unsigned ifindex;
	struct reflect_stream *stream; /* counted reference, or NULL */
	size_t len;
	uint8_t bytes[REFLECT_ANSWER];
};

struct reflect_fate;

/* Where answers go; streams are kept while one of theirs waits. */
struct reflect_outlet {
	void (*send)(const struct reflect_answer *a);
	void (*hold)(struct reflect_stream *s); /* NULL is fine */
	void (*drop)(struct reflect_stream *s);
};

/* send() is called for each answer when its time has come. NULL: failed. */
struct reflect_fate *reflect_fate_new(struct uv_loop_s *loop,
    const struct reflect_plan *plan, const struct reflect_outlet *outlet);
void reflect_fate_close(struct reflect_fate *f); /* on the loop */

/*
 * The answer to a request (STUN, len bytes) that came from `seen`, into a's
 * bytes; false when the bytes are no request.
 */
int reflect_fate_answer(const struct reflect_fate *f, const uint8_t *request,
    size_t len, const struct addr *seen, struct reflect_answer *a);
/* Sends it now, later, twice, or never. */
void reflect_fate_release(struct reflect_fate *f, struct reflect_answer *a);

#endif
