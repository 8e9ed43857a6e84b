/*
 * Judging: sequences worked out by hand, one letter a probe, and histories
 * made at random against rules that look at the whole history each time.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "dice.h"
#include "judge.h"
#include "stats.h"

enum { MOST = 120 };

static const struct thresholds plain = {.down_after = 3, .up_after = 2};

/* "?" unknown, "U" up, "G" degraded, "D" down, "-" disabled */
static char
letter(unsigned state)
{
	return state < STATE_END ? " ?UGD-"[state] : '!';
}

/* o: answered, e: answered with an error, x: not answered, l: local */
static struct judge_input
input(char c, uint64_t now)
{
	return (struct judge_input){
	    .now = now,
	    .answered = c == 'o' || c == 'e',
	    .error = c == 'e',
	    .local = c == 'l',
	    .loss_ppm = STATS_NONE,
	    .rtt_ns = STATS_NONE,
	};
}

/* The states after each probe, a second apart. */
static void
run(const struct thresholds *t, enum expect expect, const char *probes,
    const char *states)
{
	char got[MOST] = {0};
	struct judge j;

	judge_init(&j, STATE_UNKNOWN, 0);
	for (size_t i = 0; probes[i] != '\0'; i++) {
		struct judge_input in = input(probes[i], (i + 1) * CLOCK_SEC);

		judge_probe(&j, t, expect, &in);
		got[i] = letter(j.state);
	}
	assert_string_equal(got, states);
}

/* T: turning, the next probe may bring another state; -: it will not. */
static void
test_turning(void **state)
{
	static const struct {
		const char *probes, *turning;
	} row[] = {
	    {"ooxxxxoxooo", "--TT--T-T--"},
	    /* out of unknown one success is enough, and three failures */
	    {"xo", "T-"},
	    {"xxxx", "TT--"},
	    {"eex", "--T"},
	    /* our own fault speaks for unknown, and is known then */
	    {"ollll", "-TT--"},
	    {"oxxxll", "-TT-TT"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct judge j;

		judge_init(&j, STATE_UNKNOWN, 0);
		assert_false(judge_is_turning(&j));
		for (size_t k = 0; row[i].probes[k] != '\0'; k++) {
			struct judge_input in = {.now = k + 1,
			    .answered = strchr("oe", row[i].probes[k]) != NULL,
			    .error = row[i].probes[k] == 'e',
			    .local = row[i].probes[k] == 'l',
			    .loss_ppm = STATS_NONE,
			    .rtt_ns = STATS_NONE};

			judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
			assert_int_equal(
			    judge_is_turning(&j), row[i].turning[k] == 'T');
		}
	}
}

static void
test_rows_of_probes(void **state)
{
	static const struct {
		const char *probes, *states;
	} row[] = {
	    /* one success is enough out of unknown */
	    {"o", "U"},
	    /* never answered: down_after failures are needed */
	    {"xxxxx", "??DDD"},
	    {"xxo", "??U"},
	    /* up_after successes in a row out of down */
	    {"oxxxoo", "UUUDDU"},
	    {"oxxxoxoxoo", "UUUDDDDDDU"},
	    /* a success ends the row of failures */
	    {"oxxoxxoxxx", "UUUUUUUUUD"},
	    /* alternating is never down */
	    {"oxoxoxoxox", "UUUUUUUUUU"},
	    /* answers that are errors: degraded at once, up at once */
	    {"oeeo", "UGGU"},
	    {"e", "G"},
	    {"exxx", "GGGD"},
	    {"xxxee", "??DDG"},
	    {"xxxeo", "??DDU"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		run(&plain, EXPECT_REACHABLE, row[i].probes, row[i].states);
}

/* The local link goes down and comes back: nobody is blamed. */
static void
test_local(void **state)
{
	static const struct {
		const char *probes, *states;
	} row[] = {
	    {"olllllo", "UUU???U"},
	    /* too few of them say nothing */
	    {"ollo", "UUUU"},
	    {"ollolllo", "UUUUUU?U"},
	    /* they end no row of others, nor belong to it */
	    {"oxlxlx", "UUUUUD"},
	    {"oxxxolo", "UUUDDDU"},
	    /* after unknown the rows begin anew, in both directions */
	    {"oxxlllx", "UUUUU??"},
	    {"oxxlllxxx", "UUUUU???D"},
	    {"xxlllx", "??????"},
	    {"oxxxlllo", "UUUDDD?U"},
	    {"lllll", "?????"},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		run(&plain, EXPECT_REACHABLE, row[i].probes, row[i].states);
}

/* To prove that a firewall blocks: silence is good, an answer is not. */
static void
test_blocked(void **state)
{
	struct thresholds t = plain;

	t.loss_degraded = 1;
	t.rtt_degraded = 1;
	run(&t, EXPECT_BLOCKED, "x", "U");
	run(&t, EXPECT_BLOCKED, "xooo", "UUUD");
	run(&t, EXPECT_BLOCKED, "xeee", "UUUD");
	run(&t, EXPECT_BLOCKED, "oooxx", "??DDU");
	run(&t, EXPECT_BLOCKED, "xoxoxo", "UUUUUU");
	run(&t, EXPECT_BLOCKED, "xlllx", "UUU?U");
}

static void
test_numbers_of_one_and_none(void **state)
{
	static const struct thresholds one = {.down_after = 1, .up_after = 1};
	static const struct thresholds none = {.down_after = 0};

	run(&one, EXPECT_REACHABLE, "xoxlo", "DUD?U");
	run(&none, EXPECT_REACHABLE, "xoxlo", "DUD?U");
}

static void
test_disabled_stays(void **state)
{
	struct judge j;
	struct judge_change c;

	judge_init(&j, STATE_DISABLED, 0);
	for (const char *p = "oooxxxxlllloooee"; *p != '\0'; p++) {
		struct judge_input in = input(*p, CLOCK_SEC);

		c = judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
		assert_false(c.state);
		assert_int_equal(j.state, STATE_DISABLED);
	}
}

/* "s": the peer wants not to be asked; it is so from any state. */
static void
test_stop(void **state)
{
	static const char *const before[] = {"", "o", "e", "xxx"};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct judge j;
		struct judge_input stop = {
		    .now = CLOCK_SEC, .answered = true, .stop = true};
		struct judge_input good = input('o', 2 * CLOCK_SEC);
		struct judge_change c;

		judge_init(&j, STATE_UNKNOWN, 0);
		for (const char *p = before[i]; *p != '\0'; p++) {
			struct judge_input in = input(*p, 0);

			judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
		}
		assert_false(judge_resume(&j, 0));
		c = judge_probe(&j, &plain, EXPECT_REACHABLE, &stop);
		assert_true(c.state);
		assert_int_equal(c.to, STATE_DISABLED);
		assert_int_equal(j.changed_ns, CLOCK_SEC);
		assert_false(
		    judge_probe(&j, &plain, EXPECT_REACHABLE, &good).state);
		assert_true(judge_resume(&j, 3 * CLOCK_SEC));
		assert_int_equal(j.state, STATE_UNKNOWN);
		assert_int_equal(j.changed_ns, 3 * CLOCK_SEC);
		assert_false(judge_resume(&j, 4 * CLOCK_SEC));
		c = judge_probe(&j, &plain, EXPECT_REACHABLE, &good);
		assert_int_equal(c.from, STATE_UNKNOWN);
		assert_int_equal(c.to, STATE_UP);
	}
}

static void
test_counts_and_changes(void **state)
{
	struct judge j;
	struct judge_change c;
	struct judge_input in = input('o', 7);

	judge_init(&j, STATE_UNKNOWN, 5);
	assert_int_equal(j.state, STATE_UNKNOWN);
	assert_int_equal(j.changed_ns, 5);
	c = judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
	assert_true(c.state && !c.loss && !c.rtt);
	assert_int_equal(c.from, STATE_UNKNOWN);
	assert_int_equal(c.to, STATE_UP);
	assert_int_equal(j.changes, 1);
	assert_int_equal(j.changed_ns, 7);
	assert_int_equal(j.oks, 1);
	in = input('x', 8);
	c = judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
	assert_false(c.state);
	assert_int_equal(c.from, STATE_UP);
	assert_int_equal(c.to, STATE_UP);
	assert_int_equal(j.fails, 1);
	assert_int_equal(j.oks, 0);
	assert_int_equal(j.changed_ns, 7);
	/* Saturation: 70,000 of each do not wrap to a row of 4,464. */
	for (int i = 0; i < 70000; i++)
		judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
	assert_int_equal(j.fails, UINT16_MAX);
	assert_int_equal(j.state, STATE_DOWN);
	in = input('l', 9);
	for (int i = 0; i < 70000; i++)
		judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
	assert_int_equal(j.locals, UINT16_MAX);
	assert_int_equal(j.fails, 0);
	in = input('o', 10);
	for (int i = 0; i < 70000; i++)
		judge_probe(&j, &plain, EXPECT_REACHABLE, &in);
	assert_int_equal(j.oks, UINT16_MAX);
	assert_int_equal(j.changes, 4);
}

/* One row: what the window shows after the probe, and what follows. */
struct seen {
	uint64_t loss_ppm, rtt_ms;
	char state;
	bool loss_changed, rtt_changed;
};

static void
run_seen(const struct thresholds *t, const struct seen *seen, size_t n)
{
	struct judge j;

	judge_init(&j, STATE_UNKNOWN, 0);
	for (size_t i = 0; i < n; i++) {
		struct judge_input in = input('o', i + 1);
		struct judge_change c;

		in.loss_ppm = seen[i].loss_ppm;
		in.rtt_ns = seen[i].rtt_ms == STATS_NONE
				? STATS_NONE
				: seen[i].rtt_ms * CLOCK_MS;
		c = judge_probe(&j, t, EXPECT_REACHABLE, &in);
		assert_int_equal(letter(j.state), seen[i].state);
		assert_int_equal(c.loss, seen[i].loss_changed);
		assert_int_equal(c.rtt, seen[i].rtt_changed);
	}
}

/* Degraded above 2 % and 250 ms, normal again below 1 % and 200 ms. */
static void
test_thresholds(void **state)
{
	static const struct thresholds t = {
	    .loss_degraded = 20000,
	    .loss_recovered = 10000,
	    .rtt_degraded = 250 * CLOCK_MS,
	    .rtt_recovered = 200 * CLOCK_MS,
	    .down_after = 3,
	    .up_after = 2,
	};
	static const struct seen seen[] = {
	    {0, 20, 'U', false, false},
	    {20000, 250, 'U', false, false}, /* at it is not above it */
	    {20001, 250, 'G', true, false},
	    {15000, 250, 'G', false, false}, /* between the two */
	    {10000, 20, 'G', false, false},  /* at it is not below it */
	    {9999, 20, 'U', true, false},
	    {15000, 251, 'G', false, true},
	    {30000, 300, 'G', true, false},
	    {0, 300, 'G', true, false},
	    {0, 200, 'G', false, false},
	    {0, 199, 'U', false, true},
	    {30000, 300, 'G', true, true},
	    /* no value says nothing */
	    {STATS_NONE, STATS_NONE, 'G', false, false},
	    {0, STATS_NONE, 'G', true, false},
	    {0, 20, 'U', false, true},
	};

	run_seen(&t, seen, sizeof(seen) / sizeof(seen[0]));
}

/* Thresholds that are off, or without a lower one, or with it too high. */
static void
test_thresholds_odd(void **state)
{
	static const struct thresholds off = {.down_after = 3};
	static const struct seen never[] = {
	    {1000000, 10000, 'U', false, false},
	};
	static const struct thresholds single = {
	    .loss_degraded = 20000,
	    .rtt_degraded = 250 * CLOCK_MS,
	    .rtt_recovered = 300 * CLOCK_MS,
	    .down_after = 3,
	};
	static const struct seen seen[] = {
	    {20001, 251, 'G', true, true},
	    {20000, 250, 'U', true, true},
	};

	run_seen(&off, never, 1);
	run_seen(&single, seen, 2);
}

/* Loss stays high while it is down, and is still high when it comes back. */
static void
test_down_and_back_with_loss(void **state)
{
	static const struct thresholds t = {
	    .loss_degraded = 20000,
	    .loss_recovered = 10000,
	    .down_after = 2,
	    .up_after = 1,
	};
	static const struct {
		char probe;
		uint64_t ppm;
		char state;
	} row[] = {
	    {'o', 0, 'U'},
	    {'x', 300000, 'G'},
	    {'x', 500000, 'D'},
	    {'x', 700000, 'D'},
	    {'o', 600000, 'G'},
	    /* our own fault: the window is not looked at */
	    {'l', 0, 'G'},
	    {'o', 0, 'U'},
	};
	struct judge j;

	judge_init(&j, STATE_UNKNOWN, 0);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct judge_input in = input(row[i].probe, i);

		in.loss_ppm = row[i].ppm;
		judge_probe(&j, &t, EXPECT_REACHABLE, &in);
		assert_int_equal(letter(j.state), row[i].state);
	}
}

/* Three changes in 10 s damp, until 10 s went by without any. */
static void
test_damping(void **state)
{
	static const struct thresholds t = {
	    .down_after = 1,
	    .up_after = 1,
	    .flap_changes = 3,
	    .flap_ns = 10 * CLOCK_SEC,
	};

	/*          1234567890123456789 */
	/* out of unknown is no change that counts */
	run(&t, EXPECT_REACHABLE, "oxoo", "UDUU");
	run(&t, EXPECT_REACHABLE, "oxox", "UDUG");
	/* held: the last change was at 4 s, at 14 s it is believed again */
	run(&t, EXPECT_REACHABLE, "oxoxxxxxxxxxxxx", "UDUGGGGGGGGGGDD");
	/* one more change at 8 s puts it off to 18 s */
	run(&t, EXPECT_REACHABLE, "oxoxxxxoooooooooooo", "UDUGGGGGGGGGGGGGGUU");
	/* three changes within 10 s only: at 2, 3 and 12 s they are not */
	run(&t, EXPECT_REACHABLE, "oxoooooooooxo", "UDUUUUUUUUUDU");
	run(&t, EXPECT_REACHABLE, "oxooooooooxoo", "UDUUUUUUUUGGG");
	/* unknown shows through, and does not count */
	run(&t, EXPECT_REACHABLE, "oxoxlo", "UDUG?G");
	run(&t, EXPECT_REACHABLE, "olololololx", "U?U?U?U?U?D");
}

/* ---- the rules, applied to the whole history ---- */

struct history {
	struct thresholds t;
	enum expect expect;
	struct judge_input in[MOST];
	enum state verdict[MOST + 1]; /* [0] before the first probe */
};

static bool
is_good(const struct history *h, size_t i)
{
	return h->in[i].answered == (h->expect == EXPECT_REACHABLE);
}

static unsigned
at_least_one(unsigned n)
{
	return n > 0 ? n : 1;
}

/* Local probes without another one between them, up to and with i. */
static unsigned
locals(const struct history *h, size_t i)
{
	unsigned n = 0;

	while (n <= i && h->in[i - n].local)
		n++;
	return n;
}

/* Good (or bad) probes in a row up to and with i. */
static unsigned
in_a_row(const struct history *h, size_t i, bool good)
{
	unsigned n = 0;

	for (size_t k = i + 1; k-- > 0;) {
		if (locals(h, k) >= at_least_one(h->t.down_after))
			break;
		if (h->in[k].local)
			continue;
		if (is_good(h, k) != good)
			break;
		n++;
	}
	return n;
}

/* High if what last was clearly high or clearly normal was high. */
static bool
was_high(const struct history *h, size_t i, bool loss)
{
	uint64_t raise = loss ? h->t.loss_degraded : h->t.rtt_degraded;
	uint64_t clear = loss ? h->t.loss_recovered : h->t.rtt_recovered;

	if (raise == 0 || h->expect == EXPECT_BLOCKED)
		return false;
	if (clear == 0 || clear > raise)
		clear = raise + 1;
	for (size_t k = i + 1; k-- > 0;) {
		uint64_t v = loss ? h->in[k].loss_ppm : h->in[k].rtt_ns;

		if (h->in[k].local || v == STATS_NONE)
			continue;
		if (v > raise)
			return true;
		if (v < clear)
			return false;
	}
	return false;
}

static bool
was_error(const struct history *h, size_t i)
{
	for (size_t k = i + 1; k-- > 0;)
		if (!h->in[k].local && h->in[k].answered)
			return h->in[k].error && h->expect != EXPECT_BLOCKED;
	return false;
}

static enum state
verdict_after(const struct history *h, size_t i)
{
	enum state before = h->verdict[i];
	bool degraded =
	    was_high(h, i, true) || was_high(h, i, false) || was_error(h, i);

	if (h->in[i].local)
		return locals(h, i) >= at_least_one(h->t.down_after)
			   ? STATE_UNKNOWN
			   : before;
	if (in_a_row(h, i, false) >= at_least_one(h->t.down_after))
		return STATE_DOWN;
	if (before == STATE_DOWN &&
	    in_a_row(h, i, true) < at_least_one(h->t.up_after))
		return STATE_DOWN;
	if (before == STATE_UNKNOWN && !is_good(h, i))
		return STATE_UNKNOWN;
	return degraded ? STATE_DEGRADED : STATE_UP;
}

/* Times at which the verdict changed and it was the far side's doing. */
static size_t
change_times(const struct history *h, size_t i, uint64_t when[MOST])
{
	size_t n = 0;

	for (size_t k = 0; k <= i; k++)
		if (h->verdict[k] != h->verdict[k + 1] &&
		    h->verdict[k] != STATE_UNKNOWN &&
		    h->verdict[k + 1] != STATE_UNKNOWN)
			when[n++] = h->in[k].now;
	return n;
}

/* Groups of changes: each begins with the first that is in none before. */
static bool
was_damped(const struct history *h, size_t i)
{
	uint64_t when[MOST], now = h->in[i].now, span = h->t.flap_ns;
	size_t n = change_times(h, i, when), first = 0;

	while (h->t.flap_changes > 0 && first < n) {
		size_t next = first + 1;

		while (next < n && next - first < h->t.flap_changes &&
		       when[next] - when[first] < span)
			next++;
		if (next - first < h->t.flap_changes) {
			first = next;
			continue;
		}
		while (next < n && when[next] - when[next - 1] < span)
			next++;
		if (next == n && now - when[n - 1] < span)
			return true;
		first = next;
	}
	return false;
}

static uint64_t
random_value(struct dice *d, uint64_t unit)
{
	return dice_chance(d, 10) ? STATS_NONE : dice_below(d, 5) * unit;
}

static void
random_history(struct dice *d, struct history *h)
{
	unsigned local = dice_chance(d, 30) ? 30 : 0;
	unsigned answered = 20 + (unsigned)dice_below(d, 70);
	uint64_t now = 1;

	memset(h, 0, sizeof(*h));
	h->expect = dice_chance(d, 80) ? EXPECT_REACHABLE : EXPECT_BLOCKED;
	h->t.down_after = (uint16_t)dice_below(d, 4);
	h->t.up_after = (uint16_t)dice_below(d, 4);
	h->t.loss_degraded = (uint32_t)dice_below(d, 4) * 10000;
	h->t.loss_recovered = (uint32_t)dice_below(d, 4) * 10000;
	h->t.rtt_degraded = dice_below(d, 4) * CLOCK_MS;
	h->t.rtt_recovered = dice_below(d, 4) * CLOCK_MS;
	h->t.flap_changes = dice_chance(d, 50) ? 0 : (uint16_t)dice_below(d, 6);
	h->t.flap_ns = 1 + dice_below(d, 40);
	h->verdict[0] = STATE_UNKNOWN;
	for (size_t i = 0; i < MOST; i++) {
		now += dice_below(d, 6);
		h->in[i] = input(dice_chance(d, answered)
				     ? (dice_chance(d, 10) ? 'e' : 'o')
				     : 'x',
		    now);
		h->in[i].local = dice_chance(d, local);
		h->in[i].loss_ppm = random_value(d, 10000);
		h->in[i].rtt_ns = random_value(d, CLOCK_MS);
	}
}

static enum state
state_after(struct history *h, size_t i)
{
	h->verdict[i + 1] = verdict_after(h, i);
	if (h->verdict[i + 1] != STATE_UNKNOWN && was_damped(h, i))
		return STATE_DEGRADED;
	return h->verdict[i + 1];
}

static void
test_random(void **state)
{
	static struct history h;

	for (uint64_t i = 0; i < 4000; i++) {
		struct dice d = dice_case(i);
		uint64_t changes = 0, changed = 0;
		struct judge j;
		enum state before = STATE_UNKNOWN;

		random_history(&d, &h);
		judge_init(&j, STATE_UNKNOWN, 0);
		for (size_t k = 0; k < MOST; k++) {
			struct judge_change c =
			    judge_probe(&j, &h.t, h.expect, &h.in[k]);
			enum state after = state_after(&h, k);

			DICE_EQUAL(&d, j.state, after);
			DICE_EQUAL(&d, j.loss_high, was_high(&h, k, true));
			DICE_EQUAL(&d, j.rtt_high, was_high(&h, k, false));
			DICE_EQUAL(&d, c.state, after != before);
			DICE_EQUAL(&d, c.from, before);
			DICE_EQUAL(&d, c.to, after);
			DICE_EQUAL(&d, j.fails, in_a_row(&h, k, false));
			changes += after != before;
			changed = after != before ? h.in[k].now : changed;
			DICE_EQUAL(&d, j.changes, changes);
			DICE_EQUAL(&d, j.changed_ns, changed);
			before = after;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_turning),
	    cmocka_unit_test(test_rows_of_probes),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_blocked),
	    cmocka_unit_test(test_numbers_of_one_and_none),
	    cmocka_unit_test(test_disabled_stays),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_counts_and_changes),
	    cmocka_unit_test(test_thresholds),
	    cmocka_unit_test(test_thresholds_odd),
	    cmocka_unit_test(test_down_and_back_with_loss),
	    cmocka_unit_test(test_damping),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
