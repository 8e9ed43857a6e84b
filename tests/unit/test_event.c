/* Events: the list, who is told, and the history that wraps around. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "event.h"

static const struct {
	enum event_kind kind;
	const char *label, *text;
	enum event_of of;
	enum log_level severity;
	enum word_set words;
	enum stats_unit unit;
} rows[] = {
#define EVENT(name, number, label, of, severity, words, unit, text)      \
	{EVENT_##name, label, text, EVENT_OF_##of, LOG_LEVEL_##severity, \
	    WORD_##words, UNIT_##unit},
#include "events.def"
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void
test_list(void **state)
{
	for (unsigned i = 0; i < ROWS; i++) {
		assert_string_equal(event_label(rows[i].kind), rows[i].label);
		assert_string_equal(event_text(rows[i].kind), rows[i].text);
		assert_int_equal(
		    event_severity(rows[i].kind), rows[i].severity);
		assert_int_equal(event_of(rows[i].kind), rows[i].of);
		assert_int_equal(event_words(rows[i].kind), rows[i].words);
		assert_int_equal(event_unit(rows[i].kind), rows[i].unit);
		assert_true(rows[i].kind > EVENT_NONE);
		for (unsigned j = 0; j < i; j++) {
			assert_int_not_equal(rows[i].kind, rows[j].kind);
			assert_string_not_equal(rows[i].label, rows[j].label);
		}
	}
	/* Numbers with a gap before them, and beyond the list. */
	assert_string_equal(event_label(EVENT_NONE), "none");
	assert_string_equal(event_label((enum event_kind)33), "none");
	assert_string_equal(event_label(EVENT_KINDS), "none");
	assert_string_equal(event_text(EVENT_KINDS), "");
}

static struct event seen[2];
static unsigned told;
static uint64_t looked_back;

static void
on_first(void *arg, const struct event *e)
{
	assert_ptr_equal(arg, &seen[0]);
	assert_int_equal(told++ % 2, 0);
	seen[0] = *e;
}

/* A subscriber may look back: the lock is not held. */
static void
on_second(void *arg, const struct event *e)
{
	struct event last;

	assert_ptr_equal(arg, &seen[1]);
	assert_int_equal(told++ % 2, 1);
	seen[1] = *e;
	assert_int_equal(event_recent(&last, 1, &looked_back), 1);
	assert_int_equal(last.value, e->value);
}

static void
test_subscribers(void **state)
{
	struct event e = {
	    .kind = EVENT_TARGET_DOWN, .subject = "fra1-udp", .value = 17};

	clock_fake(1, 123456789);
	event_subscribe(on_first, &seen[0]);
	event_subscribe(on_second, &seen[1]);
	event_emit(&e);
	assert_int_equal(told, 2);
	assert_int_equal(looked_back, 1);
	assert_int_equal(e.at, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(seen[i].kind, EVENT_TARGET_DOWN);
		assert_int_equal(seen[i].at, 123456789);
		assert_string_equal(seen[i].subject, "fra1-udp");
	}
	e.at = 5;
	event_emit(&e);
	assert_int_equal(seen[0].at, 5);
	assert_int_equal(looked_back, 2);
}

static void
emit_numbered(uint64_t n)
{
	struct event e = {.kind = EVENT_TARGET_UP, .value = n};

	event_emit(&e);
}

/* Two were emitted before: number n is the (n + 2)th. */
static void
test_history(void **state)
{
	struct event out[EVENT_HISTORY + 1];
	uint64_t seq;

	emit_numbered(1);
	assert_int_equal(event_recent(out, EVENT_HISTORY, &seq), 3);
	assert_int_equal(seq, 3);
	assert_int_equal(out[2].value, 1);
	for (uint64_t n = 2; n <= 300; n++)
		emit_numbered(n);
	assert_int_equal(
	    event_recent(out, EVENT_HISTORY + 1, &seq), EVENT_HISTORY);
	assert_int_equal(seq, 302);
	for (unsigned i = 0; i < EVENT_HISTORY; i++)
		assert_int_equal(out[i].value, 300 - EVENT_HISTORY + 1 + i);
	assert_int_equal(event_recent(out, 3, NULL), 3);
	assert_int_equal(out[0].value, 298);
	assert_int_equal(out[2].value, 300);
	assert_int_equal(event_recent(out, 0, &seq), 0);
}

static atomic_bool done;

/* Whatever moment is read: neighbours, none torn, none twice. */
static void *
read_all(void *arg)
{
	static struct event out[EVENT_HISTORY];
	unsigned *bad = arg;

	while (!atomic_load(&done)) {
		uint64_t seq;
		size_t n = event_recent(out, EVENT_HISTORY, &seq);

		for (size_t i = 1; i < n; i++)
			*bad += out[i].value != out[i - 1].value + 1;
		*bad += out[n - 1].value + 2 != seq;
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t reader;
	unsigned bad = 0;

	assert_int_equal(pthread_create(&reader, NULL, read_all, &bad), 0);
	for (uint64_t n = 301; n <= 3000; n++)
		emit_numbered(n);
	atomic_store(&done, true);
	pthread_join(reader, NULL);
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_subscribers),
	    cmocka_unit_test(test_history),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
