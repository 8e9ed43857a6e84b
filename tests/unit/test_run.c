/*
 * The requests of one probe and what becomes of them, by hand: the order of
 * entry, who is late, what the counters and the notes say.
 */
#include "build.h"

#include "event.h"
#include "dice.h"
#include "fleet.h"
#include "row.h"
#include "run.h"

#define T0    (1000 * CLOCK_SEC)
#define MS    CLOCK_MS
#define SHORT (60 * CLOCK_SEC)

static const struct collector kept = {.state = 24, .memory = 40};
static struct target *target;
static struct row *row;
static struct run *run;
static struct sched_note note[16];
static unsigned notes;

static int
set_up(void **state)
{
	struct fleet_spec f = {.number = 9, .count = 5};

	f.thresholds = (struct thresholds){.loss_degraded = 100000,
	    .loss_recovered = 50000,
	    .rtt_degraded = 200 * MS,
	    .rtt_recovered = 150 * MS,
	    .down_after = 2,
	    .up_after = 1};
	target = fleet_target(&f);
	row = row_new(256, 0);
	target->index = 42;
	run = run_new(target, row, &kept);
	notes = 0;
	clock_fake(T0, 0);
	return run == NULL;
}

static int
tear_down(void **state)
{
	run_free(run);
	row_unref(row);
	target_unref(target);
	return 0;
}

static void
take_note(void *arg, const struct sched_note *n)
{
	(void)arg;
	assert_true(notes < 16);
	note[notes++] = *n;
}

/* Requests are sent at `at` and 20 ms apart. */
static void
send_all(uint64_t at, unsigned n)
{
	run_reset(run, at, TRIGGER_REQUEST);
	for (unsigned i = 0; i < n; i++)
		run->request[run->sent++] =
		    (struct run_request){.sent_ns = at + i * 20 * MS};
}

static bool
answer(unsigned seq, uint64_t rtt)
{
	struct answer a = {.outcome = OUTCOME_ANSWERED, .rtt_ns = rtt};

	return run_end(run, seq, &a);
}

static void
finish(uint64_t now)
{
	run_enter(run, now, SHORT);
	assert_true(run_complete(run));
	run_judge(run, now, SHORT, take_note, NULL);
}

static uint64_t
get(unsigned word)
{
	return row_get(row, word);
}

static uint64_t
ended(enum outcome o)
{
	return get(TALLY_ENDED + o - 1);
}

static void
test_made(void **state)
{
	assert_ptr_equal(run->probe.path, &target->path);
	assert_int_equal((uintptr_t)run->probe.state % 16, 0);
	/* The state stands behind the last request. */
	assert_true((char *)run->probe.state >= (char *)&run->request[5]);
	run_free(NULL);
}

/* What a collector keeps of a target lasts until the target is another one. */
static void
test_memory(void **state)
{
	uint8_t *memory = run->probe.memory;

	assert_int_equal((uintptr_t)memory % 16, 0);
	assert_true((char *)memory >= (char *)run->probe.state + 24);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(memory[i], 0);
	memset(memory, 0xa5, 40);
	run_take_next(run);
	run_reset(run, T0, TRIGGER_REQUEST);
	assert_int_equal(memory[39], 0xa5);
	run->started = true;
	run_retarget(run, target);
	assert_int_equal(memory[39], 0xa5);
	run->started = false;
	run_take_next(run);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(memory[i], 0);
}

static void
test_in_order(void **state)
{
	send_all(T0, 5);
	assert_int_equal(run_oldest(run), T0);
	assert_true(answer(3, 5 * MS));
	assert_true(answer(1, 6 * MS));
	run_enter(run, T0 + 100 * MS, SHORT);
	assert_int_equal(row_appended(row), 0);
	assert_true(answer(0, 7 * MS));
	run_enter(run, T0 + 110 * MS, SHORT);
	/* 0 and 1; 3 waits for 2. */
	assert_int_equal(row_appended(row), 2);
	assert_int_equal(run_oldest(run), T0 + 40 * MS);
	assert_int_equal(sample_rtt(&(struct sample){0}), 0);
	assert_true(answer(2, 8 * MS));
	assert_true(answer(4, 9 * MS));
	assert_true(run_oldest(run) == UINT64_MAX);
	assert_false(run_complete(run));
	finish(T0 + 120 * MS);
	for (unsigned i = 0; i < 5; i++) {
		static const unsigned rtt[] = {7, 6, 8, 5, 9};
		struct sample s = row_sample(row, i);

		assert_int_equal(s.sent_ns, T0 + i * 20 * MS);
		assert_int_equal(sample_rtt(&s), rtt[i] * MS);
		assert_int_equal(sample_flags(&s),
		    i == 4 ? SAMPLE_LAST | SAMPLE_PROBE_OK : 0);
	}
	assert_int_equal(ended(OUTCOME_ANSWERED), 5);
	assert_int_equal(get(TALLY_REQUESTS), 5);
	assert_int_equal(get(TALLY_RTT_SUM), 35 * MS);
	assert_int_equal(get(TALLY_LAST_RTT), 9 * MS);
	assert_int_equal(get(TALLY_BUCKET + stats_bucket(5 * MS)), 1);
	assert_int_equal(get(TALLY_BUCKET + stats_bucket(9 * MS)), 4);
	assert_int_equal(get(TALLY_SHORT_RTT), 7 * MS);
	assert_int_equal(get(TALLY_SHORT_LOSS), 0);
	assert_int_equal(get(TALLY_PROBES), 1);
	assert_int_equal(get(TALLY_SUCCESS), 1);
	assert_int_equal(get(TALLY_TRIGGER), TRIGGER_REQUEST);
	assert_int_equal(get(TALLY_PROBE_AT), T0 + 120 * MS);
}

static void
test_expire(void **state)
{
	/* time-out 3 s */
	send_all(T0, 5);
	assert_true(answer(1, 5 * MS));
	run_expire(run, T0 + 2999 * MS);
	assert_int_equal(run_oldest(run), T0);
	run_expire(run, T0 + 3040 * MS);
	assert_int_equal(run_oldest(run), T0 + 60 * MS);
	run_expire(run, T0 + 3080 * MS);
	assert_true(run_oldest(run) == UINT64_MAX);
	finish(T0 + 3080 * MS);
	assert_int_equal(ended(OUTCOME_TIMEOUT), 4);
	assert_int_equal(get(TALLY_LOST), 4);
	assert_int_equal(get(TALLY_SHORT_LOSS), 800000);
	assert_int_equal(get(TALLY_PROBE_FAILURES), 0);
	assert_int_equal(get(TALLY_LAST_OUTCOME), OUTCOME_TIMEOUT);
	assert_int_equal(get(TALLY_LAST_CODE), 0);
}

static void
test_late_and_twice(void **state)
{
	send_all(T0, 5);
	assert_true(answer(0, 5 * MS));
	assert_false(answer(0, 6 * MS));
	assert_int_equal(get(TALLY_LATE), 0);
	/* It took longer than is allowed, read before it was given up. */
	assert_true(answer(1, 3000 * MS + 1));
	assert_int_equal(get(TALLY_LATE), 1);
	assert_false(answer(1, 3000 * MS + 2));
	assert_int_equal(get(TALLY_LATE), 1);
	run_expire(run, T0 + 4000 * MS);
	assert_false(answer(2, 3100 * MS));
	run_late(run, 2);
	assert_int_equal(get(TALLY_LATE), 2);
	run_late(run, 3);
	assert_false(answer(3, 3100 * MS));
	assert_int_equal(get(TALLY_LATE), 3);
	finish(T0 + 4000 * MS);
	run_late(run, 4);
	assert_int_equal(get(TALLY_LATE), 4);
	assert_int_equal(get(TALLY_LOST), 4);
	assert_int_equal(ended(OUTCOME_ANSWERED), 1);
	/* Of no request at all. */
	assert_false(answer(5, 1));
	run_late(run, 5);
	run_late(run, 4000000000u);
	assert_int_equal(get(TALLY_LATE), 4);
}

static void
test_ended_by_failure(void **state)
{
	send_all(T0, 3);
	assert_true(answer(1, 5 * MS));
	run_end_all(run, OUTCOME_REFUSED, 7);
	finish(T0 + 50 * MS);
	assert_int_equal(ended(OUTCOME_REFUSED), 2);
	assert_int_equal(ended(OUTCOME_ANSWERED), 1);
	assert_int_equal(row_appended(row), 3);
	assert_int_equal(get(TALLY_LAST_OUTCOME), OUTCOME_REFUSED);
	assert_int_equal(get(TALLY_LAST_CODE), 7);
	/* A late one of a refused request is none. */
	assert_false(answer(0, 5 * MS));
	assert_int_equal(get(TALLY_LATE), 0);
}

static void
test_never_sent(void **state)
{
	struct sample s;

	run_reset(run, T0, TRIGGER_START);
	run_end_all(run, OUTCOME_DNS, 0);
	finish(T0 + 10);
	assert_int_equal(row_appended(row), 1);
	s = row_sample(row, 0);
	assert_int_equal(s.sent_ns, T0);
	assert_int_equal(sample_outcome(&s), OUTCOME_DNS);
	assert_int_equal(sample_flags(&s), SAMPLE_LAST);
	assert_int_equal(get(TALLY_PROBE_FAILURES), 1);
	assert_int_equal(get(TALLY_TRIGGER), TRIGGER_START);
}

static void
test_link(void **state)
{
	row_set_link(row, false, T0);
	send_all(T0, 5);
	assert_true(answer(0, 5 * MS));
	run_expire(run, T0 + 5000 * MS);
	finish(T0 + 5000 * MS);
	assert_int_equal(ended(OUTCOME_LOCAL), 4);
	assert_int_equal(ended(OUTCOME_TIMEOUT), 0);
	assert_int_equal(get(TALLY_LOCAL), 4);
	assert_int_equal(get(TALLY_REQUESTS), 1);
	assert_int_equal(get(TALLY_SHORT_LOSS), 0);
	/* Nor are names to blame. */
	run_reset(run, T0 + 6000 * MS, TRIGGER_INTERVAL);
	run_end_all(run, OUTCOME_DNS, 0);
	finish(T0 + 6000 * MS);
	assert_int_equal(ended(OUTCOME_DNS), 0);
	assert_int_equal(ended(OUTCOME_LOCAL), 5);
}

static void
test_phases(void **state)
{
	send_all(T0, 1);
	run->total = 1;
	run->phase_ns[PHASE_CONNECT] = 12;
	run->phase_ns[PHASE_TLS] = 34;
	assert_true(answer(0, 5 * MS));
	finish(T0 + 10 * MS);
	assert_int_equal(get(TALLY_PHASE + PHASE_CONNECT - 1), 12);
	assert_int_equal(get(TALLY_PHASE + PHASE_TLS - 1), 34);
	/* In sight until the next probe is over. */
	run_reset(run, T0 + 10000 * MS, TRIGGER_INTERVAL);
	assert_int_equal(get(TALLY_PHASE + PHASE_CONNECT - 1), 12);
	run_end_all(run, OUTCOME_REFUSED, 0);
	finish(T0 + 10001 * MS);
	assert_int_equal(get(TALLY_PHASE + PHASE_CONNECT - 1), 0);
}

static void
test_mapped(void **state)
{
	static const uint8_t bytes[2][4] = {{203, 0, 113, 1}, {203, 0, 113, 2}};
	struct answer a = {.outcome = OUTCOME_ANSWERED, .rtt_ns = MS};
	uint64_t w[TALLY_WORDS];
	struct addr mapped, seen;

	a.mapped = &mapped;
	for (unsigned i = 0; i < 5; i++) {
		/* 1 1 2 2 1, with another port each time */
		addr_from_bytes(
		    &mapped, AF_INET, bytes[i / 2 % 2], (uint16_t)(4000 + i));
		a.local_port = (uint16_t)(5000 + i);
		if (i == 0)
			send_all(T0, 5);
		assert_true(run_end(run, i, &a));
	}
	assert_int_equal(get(TALLY_MAPPED_CHANGES), 2);
	assert_int_equal(get(TALLY_LOCAL_PORT), 5004);
	assert_int_equal(get(TALLY_MAPPED_AT), T0);
	row_read(row, w);
	row_read_addr(w, TALLY_MAPPED, &seen);
	assert_true(addr_equal(&seen, &mapped));
}

/* ---- what is told ---- */

/* A probe that has `good` answers of that time out of five. */
static void
probe(uint64_t at, unsigned good, uint64_t rtt)
{
	clock_fake(at, 0);
	send_all(at, 5);
	for (unsigned i = 0; i < good; i++)
		assert_true(answer(i, rtt));
	run_expire(run, at + 5 * CLOCK_SEC);
	finish(at + 5 * CLOCK_SEC);
}

static void
expect_note(
    unsigned i, enum event_kind kind, uint64_t value, uint64_t threshold)
{
	assert_true(i < notes);
	assert_int_equal(note[i].kind, kind);
	assert_int_equal(note[i].value, value);
	assert_int_equal(note[i].threshold, threshold);
	assert_int_equal(note[i].index, 42);
	assert_int_equal(note[i].window_s, 60);
}

static void
test_notes(void **state)
{
	probe(T0, 5, 10 * MS);
	assert_int_equal(notes, 1);
	expect_note(0, EVENT_TARGET_UP, 0, 0);
	assert_int_equal(note[0].from, STATE_UNKNOWN);
	assert_int_equal(note[0].to, STATE_UP);
	assert_int_equal(note[0].at, T0 + 5 * CLOCK_SEC);
	/* 4 of 10 lost */
	probe(T0 + 10 * CLOCK_SEC, 1, 10 * MS);
	assert_int_equal(notes, 3);
	expect_note(1, EVENT_LOSS_HIGH, 400000, 100000);
	expect_note(2, EVENT_TARGET_DEGRADED, 0, 0);
	/* 6 of 10 ms and 5 of 500 ms: 232.727... */
	probe(T0 + 20 * CLOCK_SEC, 5, 500 * MS);
	assert_int_equal(notes, 4);
	expect_note(3, EVENT_LATENCY_HIGH, 232727273, 200 * MS);
	/* All of it has left the window. */
	probe(T0 + 200 * CLOCK_SEC, 5, 10 * MS);
	assert_int_equal(notes, 7);
	expect_note(4, EVENT_LOSS_NORMAL, 0, 50000);
	expect_note(5, EVENT_LATENCY_NORMAL, 10 * MS, 150 * MS);
	expect_note(6, EVENT_TARGET_UP, 0, 0);
	/* One failure is none yet, but loss. */
	probe(T0 + 210 * CLOCK_SEC, 0, 0);
	assert_int_equal(notes, 9);
	probe(T0 + 220 * CLOCK_SEC, 0, 0);
	assert_int_equal(notes, 10);
	expect_note(9, EVENT_TARGET_DOWN, 0, 0);
	assert_int_equal(note[9].outcome, OUTCOME_TIMEOUT);
	assert_int_equal(get(TALLY_PROBE_FAILURES), 2);
	assert_int_equal(get(TALLY_FAILS), 2);
}

/* ---- walls ---- */

/* A round of a target that must be blocked, a request for each outcome. */
static void
wall(uint64_t at, const enum outcome *o, unsigned n)
{
	send_all(at, n);
	for (unsigned i = 0; i < n; i++) {
		struct answer a = {.outcome = o[i], .rtt_ns = MS};

		assert_true(run_end(run, i, &a));
	}
	run->total = (uint8_t)n;
	finish(at + CLOCK_SEC);
}

#define WALL(at, ...)                                            \
	wall(T0 + (at)*CLOCK_SEC, (enum outcome[]){__VA_ARGS__}, \
	    sizeof((enum outcome[]){__VA_ARGS__}) / sizeof(enum outcome))

static void
test_blocked(void **state)
{
	target->expect = EXPECT_BLOCKED;
	WALL(0, OUTCOME_TIMEOUT, OUTCOME_REFUSED, OUTCOME_PROHIBITED);
	expect_note(0, EVENT_TARGET_UP, 0, 0);
	assert_int_equal(note[0].outcome, OUTCOME_PROHIBITED);
	assert_int_equal(get(TALLY_SUCCESS), 0);
	assert_int_equal(get(TALLY_PROBE_FAILURES), 1);
	/* One that came through is enough, and it is the one to tell of. */
	WALL(10, OUTCOME_TIMEOUT, OUTCOME_ANSWERED, OUTCOME_TIMEOUT);
	WALL(20, OUTCOME_TIMEOUT, OUTCOME_ERROR_RESPONSE, OUTCOME_TIMEOUT);
	assert_int_equal(notes, 2);
	expect_note(1, EVENT_TARGET_DOWN, 0, 0);
	assert_int_equal(note[1].outcome, OUTCOME_ERROR_RESPONSE);
	assert_int_equal(get(TALLY_SUCCESS), 1);
	WALL(30, OUTCOME_RESET);
	expect_note(2, EVENT_TARGET_UP, 0, 0);
	/* Bytes that are no answer came through, too. */
	WALL(40, OUTCOME_PROTOCOL);
	WALL(50, OUTCOME_TLS_CERTIFICATE);
	expect_note(3, EVENT_TARGET_DOWN, 0, 0);
	/* A name that does not resolve says nothing of a wall. */
	WALL(60, OUTCOME_DNS);
	assert_int_equal(notes, 4);
	WALL(70, OUTCOME_LOCAL);
	expect_note(4, EVENT_TARGET_UNKNOWN, 0, 0);
	WALL(80, OUTCOME_TIMEOUT, OUTCOME_LOCAL);
	assert_int_equal(notes, 5);
	WALL(90, OUTCOME_UNREACHABLE);
	expect_note(5, EVENT_TARGET_UP, 0, 0);
	assert_int_equal(notes, 6);
}

/* ---- peers that want to be left alone ---- */

static void
test_slower(void **state)
{
	uint64_t interval = target->interval_ns;

	assert_false(run_is_held(run, T0));
	send_all(T0, 1);
	run_hold(run, HOLD_SLOWER);
	assert_int_equal(get(TALLY_INTERVAL), 2 * interval);
	assert_true(run_is_held(run, T0 + interval));
	assert_false(run_is_held(run, T0 + 2 * interval));
	/* It stays so in rounds without another demand. */
	run_reset(run, T0 + 2 * interval, TRIGGER_INTERVAL);
	assert_true(run_is_held(run, T0 + 3 * interval));
	assert_false(run_is_held(run, T0 + 4 * interval));
	for (unsigned i = 0; i < 300; i++)
		run_hold(run, HOLD_SLOWER);
	assert_int_equal(get(TALLY_INTERVAL), 1024 * CLOCK_SEC);
	assert_true(run_is_held(run, T0 + 1000 * CLOCK_SEC));
	run_release(run, T0);
	assert_int_equal(get(TALLY_INTERVAL), 0);
	assert_false(run_is_held(run, T0));
	run_reset(run, T0, TRIGGER_RELOAD);
	assert_false(run_is_held(run, T0 + MS));
}

static void
test_stop(void **state)
{
	send_all(T0, 5);
	for (unsigned i = 0; i < 5; i++)
		answer(i, MS);
	run_hold(run, HOLD_STOP);
	finish(T0 + CLOCK_SEC);
	expect_note(0, EVENT_TARGET_DISABLED, 0, 0);
	assert_int_equal(get(TALLY_STATE), STATE_DISABLED);
	assert_true(run_is_held(run, UINT64_MAX));
	run_release(run, T0 + 2 * CLOCK_SEC);
	assert_false(run_is_held(run, T0));
	assert_int_equal(get(TALLY_STATE), STATE_UNKNOWN);
	assert_int_equal(get(TALLY_CHANGED_AT), T0 + 2 * CLOCK_SEC);
	probe(T0 + 10 * CLOCK_SEC, 5, MS);
	expect_note(1, EVENT_TARGET_UP, 0, 0);
}

/* ---- sums against the window itself ---- */

static void
test_sums(void **state)
{
	static struct sample s[256];
	uint64_t scratch[256];

	for (uint64_t k = 0; k < 20; k++) {
		struct dice d = dice_case(k);
		uint64_t at = T0 + k * 100000 * CLOCK_SEC;

		run_sums_reset(run, at, SHORT);
		for (unsigned i = 0; i < 300; i++) {
			struct window_span span;
			struct window w;
			size_t n;

			at += 6 * CLOCK_SEC + dice_below(&d, 30 * CLOCK_SEC);
			probe(at, (unsigned)dice_below(&d, 6),
			    dice_below(&d, CLOCK_SEC));
			notes = 0;
			if (dice_chance(&d, 10))
				run_sums_reset(run, at + 5 * CLOCK_SEC, SHORT);
			span = (struct window_span){at + 5 * CLOCK_SEC, SHORT};
			n = row_read_samples(row, 0, s, 256);
			window_compute(&w, s, n, span, scratch);
			DICE_EQUAL(&d, run->sums.requests, w.requests);
			DICE_EQUAL(&d, run->sums.answers, w.answers);
			DICE_EQUAL(&d, get(TALLY_SHORT_RTT), w.rtt_mean);
			DICE_EQUAL(&d, get(TALLY_SHORT_LOSS), w.loss_ppm);
		}
	}
}

/* ---- another target ---- */

static void
test_retarget(void **state)
{
	struct fleet_spec f = {.number = 9, .count = 5, .interval = CLOCK_SEC};
	struct target *b = fleet_target(&f), *c = fleet_target(&f);

	/* Nobody has hold of the path: at once. */
	run_retarget(run, b);
	assert_ptr_equal(run_coming(run), b);
	assert_ptr_equal(run->probe.path, &b->path);
	run->started = true;
	run_retarget(run, c);
	run_retarget(run, target);
	run_retarget(run, c);
	assert_ptr_equal(run_coming(run), c);
	assert_ptr_equal(run->probe.path, &b->path);
	assert_ptr_equal(run->target, b);
	run->started = false;
	run_take_next(run);
	assert_ptr_equal(run->target, c);
	assert_ptr_equal(run->probe.path, &c->path);
	run_take_next(run);
	assert_ptr_equal(run_coming(run), c);
	assert_int_equal(c->refs, 2);
	assert_int_equal(b->refs, 1);
	assert_int_equal(target->refs, 1);
	target_unref(b);
	target_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_made, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_expire, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_late_and_twice, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_ended_by_failure, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_never_sent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_link, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_phases, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_mapped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_blocked, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_slower, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_sums, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_retarget, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
