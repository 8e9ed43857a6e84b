/* A queue of records: order, bounds, and two threads that do not wait. */
#include "build.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue.h"

enum { PUSHES = 300000 };

/* An odd size, and wide enough to be torn. */
struct record {
	uint64_t number, square, again;
	unsigned char tail[3];
};

static void
test_order_and_bounds(void **state)
{
	struct queue *q = queue_new(sizeof(uint32_t), 8);
	uint32_t v, next = 0;

	assert_non_null(q);
	assert_false(queue_pop(q, &v));
	/* many times around */
	for (uint32_t i = 0; i < 100; i += 5) {
		for (uint32_t k = i; k < i + 5; k++)
			assert_true(queue_push(q, &k));
		for (uint32_t k = i; k < i + 5; k++) {
			assert_true(queue_pop(q, &v));
			assert_int_equal(v, next++);
		}
	}
	for (uint32_t i = 0; i < 11; i++)
		assert_int_equal(queue_push(q, &i), i < 8);
	assert_int_equal(queue_dropped(q), 3);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(queue_pop(q, &v));
		assert_int_equal(v, i);
	}
	assert_false(queue_pop(q, &v));
	queue_free(q);
	queue_free(NULL);
}

struct pair {
	struct queue *q;
	_Atomic uint64_t refused;
	_Atomic bool done;
};

static void *
push_all(void *arg)
{
	struct pair *p = arg;

	for (uint64_t i = 1; i <= PUSHES; i++) {
		struct record r = {i, i * i, i, {1, 2, 3}};

		if (!queue_push(p->q, &r))
			atomic_fetch_add(&p->refused, 1);
	}
	atomic_store(&p->done, true);
	return NULL;
}

static void
test_two_threads(void **state)
{
	struct pair p = {queue_new(sizeof(struct record), 64), 0, false};
	uint64_t got = 0, last = 0;
	struct record r;
	pthread_t thread;
	bool done;

	assert_int_equal(pthread_create(&thread, NULL, push_all, &p), 0);
	do {
		done = atomic_load(&p.done);
		while (queue_pop(p.q, &r)) {
			assert_true(r.number > last);
			assert_true(r.square == r.number * r.number);
			assert_true(r.again == r.number && r.tail[2] == 3);
			last = r.number;
			got++;
		}
	} while (!done);
	pthread_join(thread, NULL);
	assert_int_equal(got + queue_dropped(p.q), PUSHES);
	assert_int_equal(queue_dropped(p.q), p.refused);
	queue_free(p.q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_and_bounds),
	    cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
