/*
 * A libuv loop in a test: it runs until something is true, never for a time.
 * A beat beside it measures how long the loop was away, for tests that
 * nothing blocks.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <uv.h>

enum { LOOP_DEADLINE_MS = 20000 };

struct loop {
	uv_loop_t uv;
	uv_timer_t deadline, tick, beat;
	bool expired;
	uint64_t beat_at, gap; /* ns */
};

static inline void
loop_on_deadline(uv_timer_t *t)
{
	((struct loop *)t->data)->expired = true;
}

static inline void
loop_on_beat(uv_timer_t *t)
{
	struct loop *l = t->data;
	uint64_t now = uv_hrtime();
	if (now - l->beat_at > l->gap)
		l->gap = now - l->beat_at;
	l->beat_at = now;
}

static inline void
loop_open(struct loop *l)
{
	*l = (struct loop){0};
	assert_int_equal(uv_loop_init(&l->uv), 0);
	uv_timer_init(&l->uv, &l->deadline);
	uv_timer_init(&l->uv, &l->tick);
	uv_timer_init(&l->uv, &l->beat);
	l->deadline.data = l->beat.data = l;
}

/* From now on l->gap is the longest time that the loop was away. */
static inline void
loop_watch_gaps(struct loop *l)
{
	l->beat_at = uv_hrtime();
	l->gap = 0;
	uv_timer_start(&l->beat, loop_on_beat, 5, 5);
}

/*
 * Runs until the condition holds; the test fails when that takes too long.
 * The tick bounds a single uv_run(), which may poll after what was waited for.
 */
#define LOOP_UNTIL(l, condition)                                   \
	do {                                                       \
		loop_begin(l);                                     \
		while (!(condition) && !(l)->expired)              \
			uv_run(&(l)->uv, UV_RUN_ONCE);             \
		loop_end(l);                                       \
		if (!(condition))                                  \
			fail_msg("it never came: %s", #condition); \
	} while (0)

static inline void
loop_on_tick(uv_timer_t *t)
{
}

static inline void
loop_begin(struct loop *l)
{
	l->expired = false;
	uv_update_time(&l->uv);
	uv_timer_start(&l->deadline, loop_on_deadline, LOOP_DEADLINE_MS, 0);
	uv_timer_start(&l->tick, loop_on_tick, 5, 5);
}

static inline void
loop_end(struct loop *l)
{
	uv_timer_stop(&l->deadline);
	uv_timer_stop(&l->tick);
}

static inline void
loop_until(struct loop *l, bool (*is)(void *arg), void *arg)
{
	LOOP_UNTIL(l, is(arg));
}

/* Runs until *counter is at least n. */
static inline void
loop_until_count(struct loop *l, const unsigned *counter, unsigned n)
{
	LOOP_UNTIL(l, *counter >= n);
}

/* Ends the loop; a handle that somebody left open fails the test. */
static inline void
loop_close(struct loop *l)
{
	l->expired = false;
	uv_close((uv_handle_t *)&l->beat, NULL);
	uv_close((uv_handle_t *)&l->tick, NULL);
	uv_update_time(&l->uv);
	uv_timer_start(&l->deadline, loop_on_deadline, 2000, 0);
	uv_unref((uv_handle_t *)&l->deadline);
	while (uv_loop_alive(&l->uv) && !l->expired)
		uv_run(&l->uv, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&l->deadline, NULL);
	uv_run(&l->uv, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&l->uv), 0);
}

#endif
