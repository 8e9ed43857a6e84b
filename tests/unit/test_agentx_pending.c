/*
 * What managers were not told: by hand, and on random runs of events against
 * the one thing that matters, that in the end they believe what is so.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "agentx_pending.h"
#include "dice.h"

enum { ROUNDS = 200, STEPS = 300, TARGETS = 6 };

static struct event
state_event(uint32_t index, enum state from, enum state to)
{
	static const enum event_kind kind[STATE_END] = {
	    [STATE_UNKNOWN] = EVENT_TARGET_UNKNOWN,
	    [STATE_UP] = EVENT_TARGET_UP,
	    [STATE_DEGRADED] = EVENT_TARGET_DEGRADED,
	    [STATE_DOWN] = EVENT_TARGET_DOWN};

	return (struct event){
	    .kind = kind[to], .index = index, .from = from, .to = to};
}

static void
put(struct agentx_pending *p, uint32_t index, enum state from, enum state to)
{
	struct event e = state_event(index, from, to);

	agentx_pending_put(p, &e);
}

static bool
settle(struct agentx_pending *p, uint32_t index, enum state from, enum state to)
{
	struct event e = state_event(index, from, to);

	return agentx_pending_settle(p, &e);
}

/* What is again as it was need not be told. */
static void
test_back_to_what_was(void **state)
{
	struct agentx_pending *p = agentx_pending_new();
	struct event e;

	assert_true(settle(p, 1, STATE_UNKNOWN, STATE_UP));
	put(p, 1, STATE_UP, STATE_UNKNOWN);
	put(p, 1, STATE_UNKNOWN, STATE_DOWN);
	assert_int_equal(agentx_pending_count(p), 1);
	assert_false(settle(p, 1, STATE_DOWN, STATE_UP));
	assert_false(agentx_pending_take(p, &e));
	/* Nothing is remembered of it. */
	assert_true(settle(p, 1, STATE_UP, STATE_DOWN));
	put(p, 1, STATE_DOWN, STATE_UP);
	put(p, 1, STATE_UP, STATE_DOWN);
	assert_int_equal(agentx_pending_count(p), 0);
	agentx_pending_free(p);
}

static void
test_the_last_is_told(void **state)
{
	struct agentx_pending *p = agentx_pending_new();
	struct event e;

	put(p, 1, STATE_UP, STATE_UNKNOWN);
	put(p, 2, STATE_DOWN, STATE_UP);
	put(p, 1, STATE_UNKNOWN, STATE_DOWN);
	assert_true(agentx_pending_take(p, &e));
	assert_int_equal(e.index, 1);
	assert_int_equal(e.kind, EVENT_TARGET_DOWN);
	assert_true(agentx_pending_take(p, &e));
	assert_int_equal(e.index, 2);
	assert_int_equal(e.kind, EVENT_TARGET_UP);
	assert_false(agentx_pending_take(p, &e));
	agentx_pending_free(p);
}

/* Of one target loss is another alarm than latency or its state. */
static void
test_alarms_are_apart(void **state)
{
	static const enum event_kind kind[] = {EVENT_LOSS_HIGH,
	    EVENT_LATENCY_HIGH, EVENT_TARGET_DEGRADED,
	    EVENT_CERTIFICATE_EXPIRING, EVENT_CLUSTER_STATE};
	struct agentx_pending *p = agentx_pending_new();
	struct event e;

	for (unsigned i = 0; i < 5; i++) {
		e = (struct event){.kind = kind[i],
		    .index = 1,
		    .from = STATE_UP,
		    .to = STATE_DEGRADED};
		agentx_pending_put(p, &e);
	}
	assert_int_equal(agentx_pending_count(p), 5);
	e = (struct event){.kind = EVENT_LOSS_NORMAL, .index = 1};
	assert_false(agentx_pending_settle(p, &e));
	assert_int_equal(agentx_pending_count(p), 4);
	/* Sources have names; what is no alarm is not kept. */
	e = (struct event){.kind = EVENT_DISCOVERY_FAILED, .subject = "a"};
	agentx_pending_put(p, &e);
	e.subject[0] = 'b';
	agentx_pending_put(p, &e);
	e = (struct event){.kind = EVENT_NETWORK_CHANGE};
	agentx_pending_put(p, &e);
	assert_true(agentx_pending_settle(p, &e));
	assert_int_equal(agentx_pending_count(p), 6);
	agentx_pending_free(p);
}

/* What is over at once, and the outage itself, which is never held back. */
static bool
is_no_alarm(enum event_kind kind)
{
	switch (kind) {
	case EVENT_CONFIG_RELOADED:
	case EVENT_CONFIG_RELOAD_FAILED:
	case EVENT_CLUSTER_RANK:
	case EVENT_SITE_EGRESS_CHANGED:
	case EVENT_NETWORK_CHANGE:
	case EVENT_SITE_LOCAL_OUTAGE:
	case EVENT_SITE_LOCAL_OK:
		return true;
	default:
		return false;
	}
}

/* A new event that is raised and cleared must have its alarm here. */
static void
test_every_event(void **state)
{
	for (unsigned k = 1; k < EVENT_KINDS; k++) {
		struct agentx_pending *p = agentx_pending_new();
		struct event e = {
		    .kind = (enum event_kind)k, .from = 1, .to = 2};

		agentx_pending_put(p, &e);
		if (event_text(e.kind)[0] != '\0' &&
		    agentx_pending_count(p) != !is_no_alarm(e.kind))
			fail_msg("%s", event_label(e.kind));
		agentx_pending_free(p);
	}
}

static void
test_bounded(void **state)
{
	struct agentx_pending *p = agentx_pending_new();
	struct event e;
	size_t n = 0;

	for (uint32_t i = 1; i <= AGENTX_PENDING_MOST + 100; i++)
		put(p, i, STATE_UP, STATE_DOWN);
	assert_int_equal(agentx_pending_count(p), AGENTX_PENDING_MOST);
	while (agentx_pending_take(p, &e))
		assert_int_equal(e.index, ++n);
	assert_int_equal(n, AGENTX_PENDING_MOST);
	agentx_pending_free(p);
}

static void
check_round(struct dice *d)
{
	struct agentx_pending *p = agentx_pending_new();
	enum state is[TARGETS], told[TARGETS];
	struct event e;

	for (unsigned i = 0; i < TARGETS; i++)
		is[i] = told[i] = STATE_UP;
	for (unsigned n = 0; n < STEPS; n++) {
		unsigned i = (unsigned)dice_below(d, TARGETS);
		enum state to = (enum state)(1 + dice_below(d, 4));

		e = state_event(i + 1, is[i], to);
		if (to == is[i])
			continue;
		is[i] = to;
		if (dice_chance(d, 60))
			agentx_pending_put(p, &e);
		else if (agentx_pending_settle(p, &e))
			told[i] = to;
		if (dice_chance(d, 10) && agentx_pending_take(p, &e))
			told[e.index - 1] = e.to;
	}
	while (agentx_pending_take(p, &e)) {
		assert_int_not_equal(told[e.index - 1], e.to);
		told[e.index - 1] = e.to;
	}
	for (unsigned i = 0; i < TARGETS; i++)
		DICE_EQUAL(d, told[i], is[i]);
	agentx_pending_free(p);
}

static void
test_random(void **state)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct dice d = dice_case(round);

		check_round(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_back_to_what_was),
	    cmocka_unit_test(test_the_last_is_told),
	    cmocka_unit_test(test_alarms_are_apart),
	    cmocka_unit_test(test_every_event),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("agentx_pending", tests, NULL, NULL);
}
