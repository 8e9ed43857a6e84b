/*
 * The wheel against a plain array that is searched each time: nothing is
 * given out early, late, twice or never.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "wheel.h"

enum { ITEMS = 200 };

struct thing {
	struct wheel_item item; /* first */
	uint64_t due;		/* 0: not in the wheel */
};

static void
test_worked_out(void **state)
{
	static struct wheel w;
	struct wheel_item a = {0}, b = {0}, c = {0};

	w.done = 100;
	assert_true(wheel_next(&w) == UINT64_MAX);
	wheel_put(&w, &a, 105);
	wheel_put(&w, &b, 103);
	/* A turn and 3 further: the same slot as b. */
	wheel_put(&w, &c, 103 + WHEEL_SLOTS);
	assert_int_equal(wheel_next(&w), 103);
	assert_null(wheel_take(&w, 102));
	assert_int_equal(w.done, 102);
	assert_ptr_equal(wheel_take(&w, 105), &b);
	assert_ptr_equal(wheel_take(&w, 105), &a);
	assert_null(a.link);
	assert_null(wheel_take(&w, 105));
	assert_int_equal(wheel_next(&w), 103 + WHEEL_SLOTS);
	/* What is over is the next tick. */
	wheel_put(&w, &a, 1);
	assert_int_equal(a.tick, 106);
	wheel_put(&w, &a, 109);
	assert_null(wheel_take(&w, 108));
	wheel_remove(&w, &a);
	wheel_remove(&w, &a);
	assert_null(wheel_take(&w, 1000));
	assert_ptr_equal(wheel_take(&w, 103 + WHEEL_SLOTS), &c);
	assert_true(wheel_next(&w) == UINT64_MAX);
}

/* While a tick is taken, what is put at it is taken, too. */
static void
test_put_while_taking(void **state)
{
	static struct wheel w;
	struct wheel_item a = {0}, b = {0};

	wheel_put(&w, &a, 10);
	assert_ptr_equal(wheel_take(&w, 12), &a);
	wheel_put(&w, &b, 10);
	wheel_put(&w, &a, 13);
	assert_ptr_equal(wheel_take(&w, 12), &b);
	assert_null(wheel_take(&w, 12));
	assert_ptr_equal(wheel_take(&w, 13), &a);
}

/* However long it was not turned, nothing is forgotten. */
static void
test_long_stall(void **state)
{
	static struct wheel w;
	struct wheel_item item[50] = {{0}};
	unsigned taken = 0;

	for (unsigned i = 0; i < 50; i++)
		wheel_put(&w, &item[i], 1 + i * 97);
	while (wheel_take(&w, UINT64_C(1) << 40) != NULL)
		taken++;
	assert_int_equal(taken, 50);
	assert_true(w.done == UINT64_C(1) << 40);
	wheel_put(&w, &item[0], 5);
	assert_true(item[0].tick == (UINT64_C(1) << 40) + 1);
}

static uint64_t
earliest(const struct thing *t)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < ITEMS; i++)
		if (t[i].due != 0 && t[i].due < least)
			least = t[i].due;
	return least;
}

static uint64_t
far_or_near(struct dice *d)
{
	static const uint64_t most[] = {3, 50, 1000, 1024, 1025, 5000, 100000};

	return dice_below(d, most[dice_below(d, 7)]);
}

static void
turn(struct wheel *w, struct thing *t, uint64_t now, struct dice *d)
{
	struct wheel_item *i;

	while ((i = wheel_take(w, now)) != NULL) {
		struct thing *x = (struct thing *)i;

		DICE_EQUAL(d, x->due != 0 && x->due <= now, true);
		DICE_EQUAL(d, x->item.link == NULL, true);
		x->due = 0;
	}
	DICE_EQUAL(d, earliest(t) > now, true);
	DICE_EQUAL(d, w->done, now);
}

/* Puts, removes or turns, and looks at what wheel_next() promises. */
static void
step(struct wheel *w, struct thing *t, struct dice *d)
{
	struct thing *x = &t[dice_below(d, ITEMS)];
	uint64_t now = w->done, tick = now + far_or_near(d);

	if (dice_chance(d, 10)) {
		wheel_remove(w, &x->item);
		x->due = 0;
	} else if (dice_chance(d, 70)) {
		wheel_put(w, &x->item, tick);
		x->due = tick > now ? tick : now + 1;
		DICE_EQUAL(d, x->item.tick, x->due);
	} else {
		turn(w, t, now + far_or_near(d) / 4, d);
	}
	/* Nothing is due before it. */
	DICE_EQUAL(d, wheel_next(w) <= earliest(t), true);
	DICE_EQUAL(d, wheel_next(w) > w->done, true);
}

static void
test_random(void **state)
{
	static struct thing t[ITEMS];

	for (uint64_t k = 0; k < 40; k++) {
		struct dice d = dice_case(k);
		struct wheel w = {.done = dice_next(&d) >> (8 + k % 40)};

		memset(t, 0, sizeof(t));
		for (unsigned i = 0; i < 2000; i++)
			step(&w, t, &d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worked_out),
	    cmocka_unit_test(test_put_while_taking),
	    cmocka_unit_test(test_long_stall),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
