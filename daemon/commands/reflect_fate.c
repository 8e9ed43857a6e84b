/*
 * A heap of answers by the time at which they leave, released by a timerfd:
 * a loop's own timer counts milliseconds, a delay of 500 us is none to it.
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "clock.h"
#include "reflect_fate.h"
#include "wire_stun.h"

/* What is held back leaves after the next of a stream paced by 20 ms. */
#define HOLD_BACK (30 * CLOCK_MS)
#define PPM	  1000000
/* Answers that may wait; more are lost, as in a network that is full. */
#define WAITING_MAX 100000

struct reflect_fate {
	struct reflect_plan plan;
	struct reflect_outlet outlet;
	int fd; /* of the timer */
	uv_poll_t poll;
	uint64_t dice;		      /* xorshift64* */
	struct reflect_answer **heap; /* owned, the next to leave first */
	size_t n, room;
};

static uint64_t
roll(struct reflect_fate *f)
{
	f->dice ^= f->dice >> 12;
	f->dice ^= f->dice << 25;
	f->dice ^= f->dice >> 27;
	return f->dice * UINT64_C(0x2545f4914f6cdd1d);
}

static int
happens(struct reflect_fate *f, uint32_t ppm)
{
	return ppm > 0 && (roll(f) >> 32) % PPM < ppm;
}

static void
swap(struct reflect_fate *f, size_t a, size_t b)
{
	struct reflect_answer *t = f->heap[a];

	f->heap[a] = f->heap[b];
	f->heap[b] = t;
}

static int
push(struct reflect_fate *f, const struct reflect_answer *a)
{
	struct reflect_answer *copy =
	    f->n < WAITING_MAX ? malloc(sizeof(*copy)) : NULL;
	size_t i = f->n;

	if (copy == NULL)
		return -1;
	if (f->n == f->room) {
		size_t room = f->room > 0 ? 2 * f->room : 256;
		void *heap = realloc(f->heap, room * sizeof(*f->heap));

		if (heap == NULL) {
			free(copy);
			return -1;
		}
		f->heap = heap;
		f->room = room;
	}
	*copy = *a;
	f->outlet.hold(copy->stream);
	f->heap[f->n++] = copy;
	for (; i > 0 && f->heap[i]->due < f->heap[(i - 1) / 2]->due;
	     i = (i - 1) / 2)
		swap(f, i, (i - 1) / 2);
	return 0;
}

static struct reflect_answer *
pop(struct reflect_fate *f)
{
	struct reflect_answer *first = f->heap[0];
	size_t i = 0;

	f->heap[0] = f->heap[--f->n];
	for (;;) {
		size_t least = i, l = 2 * i + 1, r = 2 * i + 2;

		if (l < f->n && f->heap[l]->due < f->heap[least]->due)
			least = l;
		if (r < f->n && f->heap[r]->due < f->heap[least]->due)
			least = r;
		if (least == i)
			return first;
		swap(f, i, least);
		i = least;
	}
}

static void
arm(struct reflect_fate *f)
{
	struct itimerspec t = {0};

	if (f->n > 0) {
		t.it_value.tv_sec = (time_t)(f->heap[0]->due / CLOCK_SEC);
		t.it_value.tv_nsec = (long)(f->heap[0]->due % CLOCK_SEC);
	}
	timerfd_settime(f->fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void
on_timer(uv_poll_t *p, int status, int events)
{
	struct reflect_fate *f = p->data;
	uint64_t expired;

	if (read(f->fd, &expired, sizeof(expired)) < 0)
		return;
	while (f->n > 0 && f->heap[0]->due <= clock_mono()) {
		struct reflect_answer *a = pop(f);

		f->outlet.send(a);
		f->outlet.drop(a->stream);
		free(a);
	}
	arm(f);
}

struct reflect_fate *
reflect_fate_new(struct uv_loop_s *loop, const struct reflect_plan *plan,
    const struct reflect_outlet *outlet)
{
	struct reflect_fate *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->plan = *plan;
	f->outlet = *outlet;
	/* Any seed but 0 is one; clocks make it another every time. */
	f->dice = plan->seed != 0 ? plan->seed * 2 + 1 : clock_mono() | 1;
	f->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (f->fd < 0 || uv_poll_init(loop, &f->poll, f->fd) < 0) {
		if (f->fd >= 0)
			close(f->fd);
		free(f);
		return NULL;
	}
	f->poll.data = f;
	uv_poll_start(&f->poll, UV_READABLE, on_timer);
	return f;
}

static void
on_closed(uv_handle_t *h)
{
	struct reflect_fate *f = h->data;

	while (f->n > 0) {
		struct reflect_answer *a = pop(f);

		f->outlet.drop(a->stream);
		free(a);
	}
	close(f->fd);
	free(f->heap);
	free(f);
}

void
reflect_fate_close(struct reflect_fate *f)
{
	uv_close((uv_handle_t *)&f->poll, on_closed);
}

int
reflect_fate_answer(const struct reflect_fate *f, const uint8_t *request,
    size_t len, const struct addr *seen, struct reflect_answer *a)
{
	struct stun_message m;
	struct stun_writer w;

	if (wire_stun_parse(request, len, &m) < 0 ||
	    m.class != STUN_CLASS_REQUEST)
		return 0;
	if (f->plan.error != 0 || m.unknowns > 0) {
		unsigned code = f->plan.error != 0 ? f->plan.error : 420;

		wire_stun_begin(
		    &w, a->bytes, sizeof(a->bytes), STUN_CLASS_ERROR, m.id);
		wire_stun_put_error(&w, code, "");
		if (code == 420)
			wire_stun_put_unknown(&w, &m);
	} else {
		wire_stun_begin(
		    &w, a->bytes, sizeof(a->bytes), STUN_CLASS_SUCCESS, m.id);
		wire_stun_put_xor_mapped(&w, seen);
		wire_stun_put_mapped(&w, seen);
	}
	wire_stun_put_text(&w, STUN_SOFTWARE, "reachd " PACKAGE_VERSION);
	a->len = wire_stun_end(&w, true);
	return a->len > 0;
}

static void
release_one(struct reflect_fate *f, struct reflect_answer *a)
{
	uint64_t wait = f->plan.delay_ns;

	if (f->plan.jitter_ns > 0) {
		uint64_t span = 2 * f->plan.jitter_ns + 1;

		wait = wait + roll(f) % span;
		wait = wait > f->plan.jitter_ns ? wait - f->plan.jitter_ns : 0;
	}
	if (happens(f, f->plan.reorder_ppm))
		wait += HOLD_BACK;
	if (wait == 0) {
		f->outlet.send(a);
		return;
	}
	a->due = clock_mono() + wait;
	if (push(f, a) == 0 && f->heap[0]->due == a->due)
		arm(f);
}

void
reflect_fate_release(struct reflect_fate *f, struct reflect_answer *a)
{
	if (happens(f, f->plan.loss_ppm))
		return;
	if (happens(f, f->plan.duplicate_ppm))
		release_one(f, a);
	release_one(f, a);
}
