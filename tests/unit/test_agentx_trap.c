/* Notifications that wait: order, bounds, what is left out and counted. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agentx_trap.h"
#include "clock.h"

#define LATER (100000 * CLOCK_SEC)

static struct event
an_event(enum event_kind kind, uint32_t index)
{
	return (struct event){.kind = kind,
	    .index = index,
	    .subject = "t",
	    .from = kind == EVENT_TARGET_UP ? STATE_DOWN : STATE_UP,
	    .to = kind == EVENT_TARGET_UP ? STATE_UP : STATE_DOWN};
}

static bool
put(struct agentx_trap *t, enum event_kind kind, uint32_t index, uint64_t now)
{
	struct event e = an_event(kind, index);

	return agentx_trap_put(t, &e, now);
}

static void
test_order(void **state)
{
	struct agentx_trap *t = agentx_trap_new();
	struct agentx_trap_notice n;

	assert_false(agentx_trap_take(t, LATER, &n));
	for (unsigned i = 1; i <= 3; i++)
		assert_true(put(t, EVENT_TARGET_DOWN, i, CLOCK_SEC));
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(agentx_trap_take(t, LATER, &n));
		assert_int_equal(n.sequence, i);
		assert_int_equal(n.event.index, i);
	}
	assert_false(agentx_trap_take(t, LATER, &n));
	agentx_trap_free(t);
}

/* 5,000 changes at once: a burst, then what the rate lets through. */
static void
test_storm(void **state)
{
	struct agentx_trap *t = agentx_trap_new();
	struct agentx_trap_counts c;
	unsigned kept = 0;

	for (unsigned i = 0; i < 5000; i++)
		kept += put(t, EVENT_TARGET_DOWN, i + 1, CLOCK_SEC);
	assert_int_equal(kept, AGENTX_TRAP_BURST);
	c = agentx_trap_counts(t);
	assert_int_equal(c.queued, AGENTX_TRAP_BURST);
	assert_int_equal(c.suppressed, 5000 - AGENTX_TRAP_BURST);
	assert_int_equal(c.dropped, 0);
	/* A second later as many as the rate says; the site's always. */
	kept = 0;
	for (unsigned i = 0; i < 50; i++)
		kept += put(t, EVENT_TARGET_UP, i + 1, 2 * CLOCK_SEC);
	assert_int_equal(kept, AGENTX_TRAP_RATE);
	assert_true(put(t, EVENT_SITE_UDP_BLOCKED, 0, 2 * CLOCK_SEC));
	agentx_trap_free(t);
}

/* Without a master the newest are kept; the numbers show the gap. */
static void
test_oldest_dropped(void **state)
{
	struct agentx_trap *t = agentx_trap_new();
	struct agentx_trap_notice n;
	uint32_t total = AGENTX_TRAP_QUEUE + 44;

	for (uint32_t i = 1; i <= total; i++)
		assert_true(put(t, EVENT_TARGET_DOWN, i, i * CLOCK_SEC));
	assert_int_equal(agentx_trap_counts(t).dropped, 44);
	for (uint32_t i = 45; i <= total; i++) {
		assert_true(agentx_trap_take(t, LATER, &n));
		assert_int_equal(n.sequence, i);
		assert_int_equal(n.event.index, i);
	}
	assert_false(agentx_trap_take(t, LATER, &n));
	agentx_trap_free(t);
}

static void
test_outage_speaks_for_all(void **state)
{
	struct agentx_trap *t = agentx_trap_new();

	assert_true(put(t, EVENT_TARGET_DOWN, 1, CLOCK_SEC));
	assert_true(put(t, EVENT_SITE_LOCAL_OUTAGE, 0, CLOCK_SEC));
	assert_false(put(t, EVENT_TARGET_DOWN, 2, CLOCK_SEC));
	assert_false(put(t, EVENT_TARGET_DOWN, 3, CLOCK_SEC));
	assert_false(put(t, EVENT_CLUSTER_STATE, 1, CLOCK_SEC));
	assert_false(put(t, EVENT_NETWORK_CHANGE, 0, CLOCK_SEC));
	assert_false(put(t, EVENT_SITE_MEDIA_UNREACHABLE, 0, CLOCK_SEC));
	assert_true(put(t, EVENT_CONFIG_RELOAD_FAILED, 0, CLOCK_SEC));
	assert_true(put(t, EVENT_SITE_LOCAL_OK, 0, CLOCK_SEC));
	/* The first was told to be down, the second never. */
	assert_true(put(t, EVENT_TARGET_UP, 1, CLOCK_SEC));
	assert_false(put(t, EVENT_TARGET_UP, 2, CLOCK_SEC));
	assert_int_equal(agentx_trap_counts(t).suppressed, 6);
	assert_int_equal(agentx_trap_counts(t).queued, 5);
	agentx_trap_free(t);
}

static unsigned
drain(struct agentx_trap *t, uint64_t now)
{
	struct agentx_trap_notice n;
	unsigned count = 0;

	while (agentx_trap_take(t, now, &n))
		count++;
	return count;
}

/* A minute after the outage whatever is not as before is told. */
static void
test_outage_is_made_up_for(void **state)
{
	struct agentx_trap *t = agentx_trap_new();
	struct agentx_trap_notice n;
	uint64_t end = 1000 * CLOCK_SEC;

	put(t, EVENT_SITE_LOCAL_OUTAGE, 0, CLOCK_SEC);
	put(t, EVENT_TARGET_DOWN, 1, CLOCK_SEC);
	put(t, EVENT_TARGET_DOWN, 2, CLOCK_SEC);
	assert_int_equal(drain(t, 999 * CLOCK_SEC), 1);
	put(t, EVENT_SITE_LOCAL_OK, 0, end);
	put(t, EVENT_TARGET_UP, 1, end + CLOCK_SEC);
	assert_int_equal(drain(t, end + 59 * CLOCK_SEC), 1);
	assert_true(agentx_trap_take(t, end + 60 * CLOCK_SEC, &n));
	assert_int_equal(n.event.kind, EVENT_TARGET_DOWN);
	assert_int_equal(n.event.index, 2);
	assert_int_equal(drain(t, end + 100 * CLOCK_SEC), 0);
	/* Told in the end, so its end is told as well. */
	assert_true(put(t, EVENT_TARGET_UP, 2, end + 101 * CLOCK_SEC));
	agentx_trap_free(t);
}

/* A storm is told in the end, as fast as the rate says. */
static void
test_storm_is_made_up_for(void **state)
{
	struct agentx_trap *t = agentx_trap_new();
	uint64_t now = CLOCK_SEC;

	for (unsigned i = 0; i < 200; i++)
		put(t, EVENT_TARGET_DOWN, i + 1, now);
	/* A quarter of those left out come back. */
	for (unsigned i = 0; i < 25; i++)
		assert_false(put(t, EVENT_TARGET_UP, 101 + i, now));
	assert_int_equal(drain(t, now), AGENTX_TRAP_BURST);
	assert_int_equal(drain(t, now += CLOCK_SEC), AGENTX_TRAP_RATE);
	assert_int_equal(drain(t, now += 100 * CLOCK_SEC), 65);
	assert_int_equal(drain(t, now += 100 * CLOCK_SEC), 0);
	assert_int_equal(agentx_trap_counts(t).suppressed, 125);
	assert_int_equal(agentx_trap_counts(t).queued, 175);
	agentx_trap_free(t);
}

static void
test_values(void **state)
{
	struct agentx_trap_notice n = {.sequence = 9,
	    .event = {.kind = EVENT_LATENCY_HIGH,
		.index = 4,
		.window = 60,
		.value = 260 * CLOCK_MS,
		.threshold = 250 * CLOCK_MS,
		.subject = "fra1-udp",
		.cause = "slow"}};
	struct agentx_value v;

	agentx_trap_value(&n, MIB_NOTIFY_SEQUENCE, &v);
	assert_int_equal(v.number, 9);
	agentx_trap_value(&n, MIB_NOTIFY_RTT, &v);
	assert_int_equal(v.number, 260000);
	agentx_trap_value(&n, MIB_NOTIFY_RTT_THRESHOLD, &v);
	assert_int_equal(v.number, 250000);
	agentx_trap_value(&n, MIB_NOTIFY_WINDOW, &v);
	assert_int_equal(v.number, 60);
	agentx_trap_value(&n, MIB_NOTIFY_MESSAGE, &v);
	assert_int_equal(v.len, strlen("fra1-udp: latency is high (slow)"));
	assert_memory_equal(
	    v.octets, "fra1-udp: latency is high (slow)", v.len);
	n.event = (struct event){
	    .kind = EVENT_TARGET_DOWN, .from = STATE_UP, .to = STATE_DOWN};
	agentx_trap_value(&n, MIB_NOTIFY_OLD_STATE, &v);
	assert_int_equal(v.number, STATE_UP);
	agentx_trap_value(&n, MIB_NOTIFY_STATE, &v);
	assert_int_equal(v.number, STATE_DOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_storm),
	    cmocka_unit_test(test_oldest_dropped),
	    cmocka_unit_test(test_outage_speaks_for_all),
	    cmocka_unit_test(test_outage_is_made_up_for),
	    cmocka_unit_test(test_storm_is_made_up_for),
	    cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests_name("agentx_trap", tests, NULL, NULL);
}
