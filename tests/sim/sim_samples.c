/*
 * What becomes of requests: each counts once, when it ends, in the order in
 * which they were sent, whatever the peer and the collector do.
 */
#include "build.h"

#include <errno.h>

#include "clock.h"
#include "event.h"
#include "world.h"

#define T0     (5000 * CLOCK_SEC)
#define MINUTE (60 * CLOCK_SEC)

enum { COUNT = 5, MOST = 4096 };

static struct sample sample[MOST];

/* One target of that transport, with five requests a probe. */
static struct world *
world_of_one(enum transport transport, struct script script, unsigned count)
{
	struct world *w = world_new(T0, 1);
	struct inventory inv = {0};

	w->peer[0].script = script;
	fleet_add(
	    &inv, &(struct fleet_spec){.transport = transport,
		      .probe = transport == TRANSPORT_TCP ? "tcp" : "stun",
		      .count = count});
	world_adopt(w, &inv);
	return w;
}

static size_t
samples(struct world *w)
{
	return row_read_samples(w->row[0], 0, sample, MOST);
}

static uint64_t
tally(struct world *w, unsigned word)
{
	return world_tally(w, 0, word);
}

/* Sums that hold for any row at any time; returns all that ended. */
static uint64_t
expect_sums(struct world *w)
{
	uint64_t ended = 0, lost = 0, buckets = 0, all, local;

	for (unsigned o = 1; o < OUTCOME_END; o++) {
		uint64_t n = world_ended(w, 0, o);

		ended += n;
		if (outcome_class(o) == OUTCOME_CLASS_LOSS)
			lost += n;
	}
	for (unsigned b = 0; b < STATS_BUCKETS; b++)
		buckets += tally(w, TALLY_BUCKET + b);
	all = tally(w, TALLY_REQUESTS);
	local = tally(w, TALLY_LOCAL);
	assert_int_equal(all + local, ended);
	assert_int_equal(tally(w, TALLY_LOST), lost);
	assert_int_equal(all - lost, buckets);
	assert_int_equal(row_appended(w->row[0]), ended);
	return ended;
}

/* The samples stand in the order of sending, each round's last is marked. */
static void
expect_order(size_t n, unsigned count)
{
	for (size_t i = 0; i < n; i++) {
		bool last = (sample_flags(&sample[i]) & SAMPLE_LAST) != 0;

		assert_int_equal(last, i % count == count - 1);
		if (i > 0)
			assert_true(sample[i].sent_ns > sample[i - 1].sent_ns);
	}
}

/* ---- each once, in order ---- */

static void
test_order(void **state)
{
	/* 1 s for the first, 0.9 s for the second and so on */
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.backwards = true}, COUNT);
	size_t n;

	world_run_for(w, 5 * MINUTE);
	n = samples(w);
	assert_in_range(n, 29 * COUNT, 32 * COUNT);
	assert_int_equal(n, expect_sums(w));
	expect_order(n, COUNT);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sample_outcome(&sample[i]), OUTCOME_ANSWERED);
		assert_int_equal(sample_rtt(&sample[i]),
		    CLOCK_SEC - i % COUNT * (CLOCK_SEC / 10));
	}
	assert_int_equal(world_ended(w, 0, OUTCOME_ANSWERED), n);
	assert_int_equal(tally(w, TALLY_STATE), STATE_UP);
	world_free(w);
}

static void
test_spacing(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = CLOCK_MS}, COUNT);

	w->late_most = 3 * CLOCK_MS;
	world_run_for(w, 10 * MINUTE);
	assert_in_range(w->peer[0].spacing_least, 16990 * 1000, 20 * CLOCK_MS);
	assert_in_range(w->peer[0].spacing_most, 20 * CLOCK_MS, 23010 * 1000);
	world_free(w);
}

/* The loop stands still in the midst of a probe: no burst afterwards. */
static void
test_spacing_after_stall(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = CLOCK_MS}, COUNT);

	while (w->peer[0].requests < 2)
		world_run_for(w, 5 * CLOCK_MS);
	world_stall(w, 300 * CLOCK_MS);
	world_run_for(w, CLOCK_SEC);
	assert_int_equal(w->peer[0].requests, COUNT);
	assert_true(w->peer[0].spacing_least >= 10 * CLOCK_MS);
	assert_int_equal(expect_sums(w), COUNT);
	world_free(w);
}

/* What the stall kept waiting is answered all the same. */
static void
test_answers_before_time_outs(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = 50 * CLOCK_MS}, COUNT);

	while (w->peer[0].requests < COUNT)
		world_run_for(w, 5 * CLOCK_MS);
	world_stall(w, 8 * CLOCK_SEC);
	world_run_for(w, 500 * CLOCK_MS);
	assert_int_equal(world_ended(w, 0, OUTCOME_ANSWERED), COUNT);
	assert_int_equal(tally(w, TALLY_LATE), 0);
	world_free(w);
}

/* ---- loss ---- */

static void
test_loss_from_the_start(void **state)
{
	struct world *w =
	    world_of_one(TRANSPORT_UDP, (struct script){.loss = 100}, COUNT);

	while (w->peer[0].requests == 0)
		world_run_for(w, 20 * CLOCK_MS);
	world_run_for(w, 2800 * CLOCK_MS);
	/* Under way counts as nothing, yet. */
	assert_int_equal(expect_sums(w), 0);
	assert_int_equal(tally(w, TALLY_PROBES), 0);
	assert_int_equal(world_counts(w).first_pending, 1);
	assert_int_equal(world_counts(w).in_flight, 1);
	world_run_for(w, 500 * CLOCK_MS);
	assert_int_equal(expect_sums(w), COUNT);
	assert_int_equal(world_ended(w, 0, OUTCOME_TIMEOUT), COUNT);
	assert_int_equal(tally(w, TALLY_PROBES), 1);
	assert_int_equal(tally(w, TALLY_PROBE_FAILURES), 1);
	assert_int_equal(tally(w, TALLY_SHORT_LOSS), 1000000);
	assert_int_equal(tally(w, TALLY_SUCCESS_AT), 0);
	assert_int_equal(world_counts(w).first_pending, 0);
	assert_int_equal(world_counts(w).in_flight, 0);
	assert_int_equal(tally(w, TALLY_STATE), STATE_UNKNOWN);
	world_run_for(w, 30 * CLOCK_SEC);
	assert_int_equal(tally(w, TALLY_STATE), STATE_DOWN);
	assert_int_equal(w->note[EVENT_TARGET_DOWN], 1);
	assert_int_equal(w->last_note.outcome, OUTCOME_TIMEOUT);
	world_free(w);
}

static void
test_nothing_at_shutdown(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = CLOCK_SEC}, COUNT);
	uint64_t starts, ended;

	world_run_for(w, MINUTE);
	starts = w->peer[0].starts;
	while (w->peer[0].starts == starts)
		world_run_for(w, 20 * CLOCK_MS);
	ended = expect_sums(w);
	assert_int_equal(world_counts(w).in_flight, 1);
	sched_stop(w->sched);
	assert_int_equal(expect_sums(w), ended);
	assert_int_equal(world_counts(w).in_flight, 0);
	assert_false(w->peer[0].open);
	world_free(w);
}

/* ---- late and double answers ---- */

static void
test_late(void **state)
{
	/* time-out after 3 s */
	struct world *w = world_of_one(TRANSPORT_UDP,
	    (struct script){.delay = 3500 * CLOCK_MS, .twice = 100}, COUNT);
	uint64_t ended;
	size_t n;

	world_run_for(w, 10 * MINUTE);
	ended = expect_sums(w);
	n = samples(w);
	assert_int_equal(n, ended);
	expect_order(n, COUNT);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sample_outcome(&sample[i]), OUTCOME_TIMEOUT);
	/* Once each, though each came twice. */
	assert_true(w->peer[0].copies > ended / 2);
	assert_int_equal(tally(w, TALLY_LATE), w->peer[0].late);
	assert_in_range(w->peer[0].late, ended - COUNT, ended);
	assert_int_equal(tally(w, TALLY_SUCCESS_AT), 0);
	assert_int_equal(tally(w, TALLY_STATE), STATE_DOWN);
	world_free(w);
}

/* So late that the next probe is under way: nobody's answer. */
static void
test_very_late(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = 10500 * CLOCK_MS}, COUNT);

	world_run_for(w, 10 * MINUTE);
	assert_int_equal(expect_sums(w), world_ended(w, 0, OUTCOME_TIMEOUT));
	/* But in the longer gap after the first round of all. */
	assert_in_range(tally(w, TALLY_LATE), 0, COUNT);
	world_free(w);
}

/* On either side of the time-out, however late it is read. */
static void
test_edge_of_the_time_out(void **state)
{
	static const struct {
		uint64_t delay;
		enum outcome outcome;
	} edge[] = {{3 * CLOCK_SEC - 1, OUTCOME_ANSWERED},
	    {3 * CLOCK_SEC, OUTCOME_ANSWERED},
	    {3 * CLOCK_SEC + 1, OUTCOME_TIMEOUT},
	    {3 * CLOCK_SEC + 50 * CLOCK_MS, OUTCOME_TIMEOUT}};

	for (unsigned i = 0; i < 4; i++) {
		struct world *w = world_of_one(TRANSPORT_UDP,
		    (struct script){.delay = edge[i].delay}, COUNT);
		bool late = edge[i].outcome == OUTCOME_TIMEOUT;
		uint64_t ended;

		world_run_for(w, 5 * MINUTE + 5 * CLOCK_SEC);
		ended = expect_sums(w);
		assert_int_equal(world_ended(w, 0, edge[i].outcome), ended);
		assert_in_range(tally(w, TALLY_LATE), late ? ended - COUNT : 0,
		    late ? ended : 0);
		world_free(w);
	}
}

static void
test_twice(void **state)
{
	struct world *w = world_of_one(TRANSPORT_UDP,
	    (struct script){.delay = 30 * CLOCK_MS, .twice = 100}, COUNT);

	world_run_for(w, 5 * MINUTE);
	assert_true(w->peer[0].copies > 100);
	assert_int_equal(expect_sums(w), world_ended(w, 0, OUTCOME_ANSWERED));
	assert_int_equal(tally(w, TALLY_LATE), 0);
	world_free(w);
}

static void
test_error_response(void **state)
{
	struct world *w = world_of_one(TRANSPORT_UDP,
	    (struct script){
		.delay = CLOCK_MS, .answer = OUTCOME_ERROR_RESPONSE},
	    COUNT);

	world_run_for(w, MINUTE);
	assert_int_equal(
	    expect_sums(w), world_ended(w, 0, OUTCOME_ERROR_RESPONSE));
	assert_int_equal(tally(w, TALLY_LOST), 0);
	assert_int_equal(tally(w, TALLY_STATE), STATE_DEGRADED);
	assert_int_equal(w->note[EVENT_TARGET_DEGRADED], 1);
	world_free(w);
}

/* ---- probes that fail, in every way and place ---- */

struct failing {
	const char *name;
	enum transport transport;
	struct script script;
	enum outcome outcome;
	unsigned each; /* samples per probe, of 5 requests */
};

static const struct failing failing[] = {
    {"refused later, as ICMP does", TRANSPORT_UDP,
	{.refuse = OUTCOME_REFUSED, .delay = 50 * CLOCK_MS}, OUTCOME_REFUSED,
	3},
    {"refused before it is ready", TRANSPORT_TCP,
	{.refuse = OUTCOME_RESET, .setup = 5 * CLOCK_MS}, OUTCOME_RESET, 1},
    {"never ready", TRANSPORT_TCP, {.setup = 1, .never_ready = true},
	OUTCOME_TIMEOUT, 1},
    {"ready after the time-out", TRANSPORT_TCP, {.setup = 3500 * CLOCK_MS},
	OUTCOME_TIMEOUT, 1},
    {"start() fails", TRANSPORT_UDP, {.start_error = -ENETUNREACH},
	OUTCOME_LOCAL, 1},
    {"start() of a stream fails", TRANSPORT_TCP, {.start_error = -EMFILE},
	OUTCOME_LOCAL, 1},
    {"probe_fail() within start()", TRANSPORT_UDP, {.in_start = SYNC_FAIL},
	OUTCOME_REFUSED, 1},
    {"probe_fail() within start() of a stream", TRANSPORT_TCP,
	{.in_start = SYNC_FAIL}, OUTCOME_REFUSED, 1},
    {"probe_fail() within request()", TRANSPORT_UDP, {.in_request = SYNC_FAIL},
	OUTCOME_REFUSED, 1},
    {"probe_fail() within request() of a stream", TRANSPORT_TCP,
	{.in_request = SYNC_FAIL, .setup = CLOCK_MS}, OUTCOME_REFUSED, 1},
    {"request() fails", TRANSPORT_UDP, {.in_request = SYNC_ERROR},
	OUTCOME_LOCAL, 5},
    {"request() of a stream fails", TRANSPORT_TCP,
	{.in_request = SYNC_ERROR, .setup = CLOCK_MS}, OUTCOME_LOCAL, 5},
    {"answered within request()", TRANSPORT_UDP, {.in_request = SYNC_ANSWER},
	OUTCOME_ANSWERED, 5},
    {"answered within request() of a stream", TRANSPORT_TCP,
	{.in_request = SYNC_ANSWER, .setup = CLOCK_MS}, OUTCOME_ANSWERED, 5},
    {"a stream that works", TRANSPORT_TCP,
	{.setup = 40 * CLOCK_MS, .delay = 40 * CLOCK_MS}, OUTCOME_ANSWERED, 5},
    {"a stream that is ready at once", TRANSPORT_TCP, {.delay = 40 * CLOCK_MS},
	OUTCOME_ANSWERED, 5},
};

static void
test_failing(void **state)
{
	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		const struct failing *f = &failing[i];
		struct world *w = world_of_one(f->transport, f->script, COUNT);
		uint64_t ended, probes;
		size_t n;

		world_run_for(w, 5 * MINUTE);
		/* to where nothing is under way */
		while (world_counts(w).in_flight > 0)
			world_run_for(w, 20 * CLOCK_MS);
		ended = expect_sums(w);
		probes = tally(w, TALLY_PROBES);
		n = samples(w);
		if (probes < 29 || probes > 33 || ended != probes * f->each ||
		    world_ended(w, 0, f->outcome) != ended)
			print_error("%s: %u probes, %u samples\n", f->name,
			    (unsigned)probes, (unsigned)ended);
		assert_in_range(probes, 29, 33);
		assert_int_equal(ended, probes * f->each);
		assert_int_equal(world_ended(w, 0, f->outcome), ended);
		assert_int_equal(w->peer[0].starts, probes);
		expect_order(n, f->each);
		assert_int_equal(world_missed(w), 0);
		world_free(w);
	}
}

/* A name without an address: said so, and no collector is bothered. */
static void
test_unresolved(void **state)
{
	struct world *w = world_new(T0, 1);
	struct inventory inv = {0};

	fleet_add(&inv, &(struct fleet_spec){.unresolved = true});
	world_adopt(w, &inv);
	world_run_for(w, MINUTE + CLOCK_SEC);
	assert_int_equal(w->peer[0].starts, 0);
	assert_in_range(world_ended(w, 0, OUTCOME_DNS), 6, 8);
	assert_int_equal(expect_sums(w), world_ended(w, 0, OUTCOME_DNS));
	assert_int_equal(tally(w, TALLY_STATE), STATE_DOWN);
	assert_int_equal(world_counts(w).first_pending, 0);
	world_free(w);
}

/* ---- the local link ---- */

static void
test_link_down(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = 30 * CLOCK_MS}, COUNT);
	uint64_t ended;

	world_run_for(w, MINUTE);
	assert_int_equal(tally(w, TALLY_STATE), STATE_UP);
	row_set_link(w->row[0], false, w->now);
	w->peer[0].script.loss = 100;
	world_run_for(w, MINUTE);
	assert_in_range(tally(w, TALLY_LOCAL), 5 * COUNT, 7 * COUNT);
	assert_int_equal(tally(w, TALLY_LOST), 0);
	assert_int_equal(tally(w, TALLY_STATE), STATE_UNKNOWN);
	assert_int_equal(tally(w, TALLY_SHORT_LOSS), STATS_NONE);
	assert_int_equal(tally(w, TALLY_PROBE_FAILURES), 0);
	/* Up again: what was sent while it was down is ours still. */
	while (world_counts(w).in_flight == 0)
		world_run_for(w, 20 * CLOCK_MS);
	row_set_link(w->row[0], true, w->now);
	ended = expect_sums(w);
	world_run_for(w, 4 * CLOCK_SEC);
	assert_int_equal(expect_sums(w), ended + COUNT);
	/* But for those that it sent after that. */
	assert_in_range(tally(w, TALLY_LOST), 0, COUNT - 1);
	w->peer[0].script.loss = 0;
	world_run_for(w, 20 * CLOCK_SEC);
	assert_int_equal(tally(w, TALLY_STATE), STATE_UP);
	assert_int_equal(w->note[EVENT_TARGET_DOWN], 0);
	assert_int_equal(w->note[EVENT_TARGET_UNKNOWN], 1);
	world_free(w);
}

/* Answers are answers, whatever the link was thought to be. */
static void
test_link_down_and_answered(void **state)
{
	struct world *w = world_of_one(
	    TRANSPORT_UDP, (struct script){.delay = 30 * CLOCK_MS}, COUNT);

	row_set_link(w->row[0], false, w->now);
	world_run_for(w, MINUTE);
	assert_int_equal(expect_sums(w), world_ended(w, 0, OUTCOME_ANSWERED));
	assert_int_equal(tally(w, TALLY_STATE), STATE_UP);
	world_free(w);
}

/* ---- what is seen of a probe ---- */

static void
test_sums_of_the_window(void **state)
{
	struct world *w = world_of_one(TRANSPORT_UDP,
	    (struct script){
		.delay = 30 * CLOCK_MS, .jitter = 50 * CLOCK_MS, .loss = 20},
	    COUNT);
	uint64_t scratch[MOST];

	for (unsigned i = 0; i < 300; i++) {
		struct window_span span;
		struct window win;
		size_t n;

		world_run_for(w, 7 * CLOCK_SEC);
		n = samples(w);
		span = (struct window_span){
		    tally(w, TALLY_PROBE_AT), w->settings.short_ns};
		window_compute(&win, sample, n, span, scratch);
		if (world_counts(w).in_flight > 0)
			continue;
		assert_int_equal(tally(w, TALLY_SHORT_LOSS), win.loss_ppm);
		assert_int_equal(tally(w, TALLY_SHORT_RTT), win.rtt_mean);
	}
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_spacing),
	    cmocka_unit_test(test_spacing_after_stall),
	    cmocka_unit_test(test_answers_before_time_outs),
	    cmocka_unit_test(test_loss_from_the_start),
	    cmocka_unit_test(test_nothing_at_shutdown),
	    cmocka_unit_test(test_late),
	    cmocka_unit_test(test_very_late),
	    cmocka_unit_test(test_edge_of_the_time_out),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_error_response),
	    cmocka_unit_test(test_failing),
	    cmocka_unit_test(test_unresolved),
	    cmocka_unit_test(test_link_down),
	    cmocka_unit_test(test_link_down_and_answered),
	    cmocka_unit_test(test_sums_of_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
