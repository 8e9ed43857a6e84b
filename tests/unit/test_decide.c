/*
 * What follows from the targets together, and what is said of it: each event
 * once, at its change, with the right words.
 */
#include "build.h"

#include "decide.h"
#include "event.h"
#include "fleet.h"
#include "row.h"

#define T0     (100000 * CLOCK_SEC)
#define MS     CLOCK_MS
#define MINUTE (60 * CLOCK_SEC)

enum { CLUSTERS = 3, EACH = 3, EVENTS = 64 };

static struct store *store;
static struct decide *decide;
static struct roster *roster;
static struct event event[EVENTS];
static unsigned events;
static uint64_t now;

static void
take_event(void *arg, const struct event *e)
{
	(void)arg;
	if (events < EVENTS)
		event[events++] = *e;
}

static int
set_up(void **state)
{
	now = T0;
	clock_fake(now, (int64_t)now + 1000);
	store = store_new();
	decide = decide_new(store);
	roster = NULL;
	events = 0;
	if (store == NULL || decide == NULL)
		return 1;
	decide_configure(decide, 100000);
	return 0;
}

static int
tear_down(void **state)
{
	roster_unref(roster);
	decide_free(decide);
	store_free(store);
	return 0;
}

static const char *const cluster[CLUSTERS] = {"fra1", "ams1", "ref1"};

/* Target 3 * c + t of cluster c over UDP, TCP and TLS; from `first` on. */
static void
adopt(unsigned first)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < CLUSTERS * EACH; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .cluster = cluster[i / EACH],
				    .transport = TRANSPORT_UDP + i % EACH});
	for (unsigned i = first / EACH; i < CLUSTERS; i++)
		fleet_add_cluster(&inv, cluster[i],
		    i == 2 ? CLUSTER_CLASS_REFERENCE : CLUSTER_CLASS_PUBLIC);
	roster_unref(roster);
	roster = store_adopt(store, &inv, fleet_loop);
	assert_non_null(roster);
	fleet_clear(&inv);
}

static void
set(unsigned c, enum transport t, enum state state, uint64_t rtt)
{
	char name[32];

	snprintf(name, sizeof(name), "target-%u", c * EACH + t - TRANSPORT_UDP);
	for (size_t i = 0; i < roster->entries; i++) {
		struct row *r = roster->entry[i].row;

		if (strcmp(roster->entry[i].target->name, name) != 0)
			continue;
		row_begin(r);
		row_set(r, TALLY_STATE, state);
		row_set(r, TALLY_SHORT_RTT, rtt);
		row_end(r);
		return;
	}
	fail_msg("no %s", name);
}

static void
set_all(enum state state)
{
	for (unsigned c = 0; c < CLUSTERS; c++)
		for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
			set(c, t, state, (10 * (c + 1) + t) * MS);
}

/* A second later; what was said before is forgotten. */
static void
run(void)
{
	events = 0;
	now += CLOCK_SEC;
	clock_fake(now, (int64_t)now + 1000);
	decide_run(decide, now);
}

static const struct event *
said(enum event_kind kind, const char *subject)
{
	const struct event *found = NULL;

	for (unsigned i = 0; i < events; i++) {
		if (event[i].kind != kind ||
		    strcmp(event[i].subject, subject) != 0)
			continue;
		/* Once. */
		assert_null(found);
		found = &event[i];
	}
	return found;
}

static struct decision *
decided(void)
{
	struct decision *d = store_decision(store);

	assert_non_null(d);
	/* The store's stays until the next. */
	decision_unref(d);
	return d;
}

static void
test_nothing_known(void **state)
{
	struct decision *d;

	run();
	adopt(0);
	run();
	d = decided();
	assert_int_equal(events, 0);
	assert_int_equal(d->clusters, CLUSTERS);
	assert_int_equal(d->generation, roster->generation);
	for (unsigned i = 0; i < CLUSTERS; i++) {
		assert_int_equal(d->cluster[i].state, STATE_UNKNOWN);
		assert_int_equal(d->cluster[i].preferred, 0);
		assert_int_equal(d->cluster[i].link[0].reach, REACH_UNTESTED);
	}
	assert_int_equal(d->site.media_unreachable, SITE_NOT_KNOWN);
	decide_free(NULL);
}

static void
test_clusters(void **state)
{
	const struct event *e;
	struct decision *d;

	adopt(0);
	set_all(STATE_UP);
	run();
	d = decided();
	assert_int_equal(d->cluster[0].state, STATE_UP);
	assert_int_equal(d->cluster[0].preferred, TRANSPORT_UDP);
	assert_int_equal(d->cluster[0].rank, 1);
	assert_int_equal(d->cluster[1].rank, 2);
	assert_int_equal(d->cluster[2].rank, 1); /* of its class */
	assert_int_equal(d->cluster[0].nodes, 3);
	assert_int_equal(d->changed_at[0], now);
	e = said(EVENT_CLUSTER_STATE, "ams1");
	assert_non_null(e);
	assert_int_equal(e->from, STATE_UNKNOWN);
	assert_int_equal(e->to, STATE_UP);
	assert_int_equal(e->index, 2);
	assert_int_equal(e->at, (int64_t)now + 1000);
	assert_string_equal(
	    e->cause, "udp reachable, tcp reachable, tls reachable");
	assert_int_equal(e->value, 21 * MS);
	/* The first choice is no change. */
	assert_null(said(EVENT_CLUSTER_TRANSPORT, "fra1"));
	run();
	assert_int_equal(events, 0);
	assert_int_equal(decided()->changed_at[0], now - CLOCK_SEC);
}

static void
test_transport(void **state)
{
	const struct event *e;

	adopt(0);
	set_all(STATE_UP);
	run();
	set(0, TRANSPORT_UDP, STATE_DOWN, STATS_NONE);
	run();
	e = said(EVENT_CLUSTER_TRANSPORT, "fra1");
	assert_non_null(e);
	assert_int_equal(e->from, TRANSPORT_UDP);
	assert_int_equal(e->to, TRANSPORT_TCP);
	assert_int_equal(e->value, 12 * MS);
	assert_non_null(said(EVENT_CLUSTER_STATE, "fra1"));
	/* All down, then TLS: it went from TCP to that. */
	set(0, TRANSPORT_TCP, STATE_DOWN, STATS_NONE);
	set(0, TRANSPORT_TLS, STATE_DOWN, STATS_NONE);
	run();
	assert_null(said(EVENT_CLUSTER_TRANSPORT, "fra1"));
	e = said(EVENT_CLUSTER_STATE, "fra1");
	assert_non_null(e);
	assert_int_equal(e->to, STATE_DOWN);
	set(0, TRANSPORT_TLS, STATE_UP, 30 * MS);
	run();
	e = said(EVENT_CLUSTER_TRANSPORT, "fra1");
	assert_non_null(e);
	assert_int_equal(e->from, TRANSPORT_TCP);
	assert_int_equal(e->to, TRANSPORT_TLS);
	assert_int_equal(decided()->cluster[0].transport_changes, 2);
}

static void
test_rank(void **state)
{
	const struct event *e;

	adopt(0);
	set_all(STATE_UP); /* 11 and 21 ms */
	run();
	set(0, TRANSPORT_UDP, STATE_UP, 22 * MS);
	run();
	/* 10 % better, but not more. */
	assert_null(said(EVENT_CLUSTER_RANK, "ams1"));
	set(0, TRANSPORT_UDP, STATE_UP, 24 * MS);
	run();
	e = said(EVENT_CLUSTER_RANK, "ams1");
	assert_non_null(e);
	assert_int_equal(e->value, 21 * MS);
	assert_int_equal(decided()->rank_changes, 1);
	assert_int_equal(decided()->cluster[1].rank, 1);
	/* The one that leads does so by its index, whatever its place. */
	adopt(EACH);
	set(1, TRANSPORT_UDP, STATE_UP, 25 * MS);
	run();
	assert_int_equal(decided()->cluster[0].rank, 1);
	adopt(0);
	set(0, TRANSPORT_UDP, STATE_UP, 24 * MS);
	run();
	assert_null(said(EVENT_CLUSTER_RANK, "fra1"));
	assert_int_equal(decided()->rank_changes, 1);
}

/* What was decided of a cluster goes with it to another roster. */
static void
test_reload(void **state)
{
	adopt(0);
	set_all(STATE_UP);
	run();
	set(1, TRANSPORT_UDP, STATE_DOWN, STATS_NONE);
	run();
	adopt(EACH);
	run();
	assert_null(said(EVENT_CLUSTER_STATE, "ams1"));
	assert_null(said(EVENT_CLUSTER_TRANSPORT, "ams1"));
	assert_int_equal(decided()->clusters, 2);
	assert_int_equal(decided()->cluster[0].transport_changes, 1);
	assert_int_equal(decided()->changed_at[0], now - CLOCK_SEC);
	adopt(0);
	run();
	/* It is new here, and so are its targets. */
	assert_int_equal(decided()->cluster[0].state, STATE_UNKNOWN);
	assert_int_equal(decided()->cluster[1].transport_changes, 1);
}

/* One that shall be blocked says nothing of what a client gets. */
static void
test_blocked(void **state)
{
	adopt(0);
	set_all(STATE_UP);
	for (size_t i = 0; i < roster->entries; i++)
		roster->entry[i].target->expect = EXPECT_BLOCKED;
	run();
	assert_int_equal(decided()->cluster[0].nodes, 0);
	assert_int_equal(decided()->cluster[0].state, STATE_UNKNOWN);
}

/* ---- verdicts on the site ---- */

static void
set_public(enum transport t, enum state state)
{
	set(0, t, state, state == STATE_UP ? 10 * MS : STATS_NONE);
	set(1, t, state, state == STATE_UP ? 10 * MS : STATS_NONE);
}

static void
test_udp_blocked(void **state)
{
	adopt(0);
	set_all(STATE_UP);
	run();
	assert_null(said(EVENT_SITE_UDP_OPEN, ""));
	assert_int_equal(decided()->site.udp_blocked, SITE_NO);
	set_public(TRANSPORT_UDP, STATE_DOWN);
	run();
	assert_non_null(said(EVENT_SITE_UDP_BLOCKED, ""));
	run();
	assert_int_equal(events, 0);
	/* Not known for a while is neither the end nor a new one. */
	set_public(TRANSPORT_UDP, STATE_UNKNOWN);
	run();
	assert_null(said(EVENT_SITE_UDP_OPEN, ""));
	set_public(TRANSPORT_UDP, STATE_DOWN);
	run();
	assert_null(said(EVENT_SITE_UDP_BLOCKED, ""));
	set_public(TRANSPORT_UDP, STATE_UNKNOWN);
	run();
	set_public(TRANSPORT_UDP, STATE_UP);
	run();
	assert_non_null(said(EVENT_SITE_UDP_OPEN, ""));
	run();
	assert_int_equal(events, 0);
}

static void
test_outages(void **state)
{
	adopt(0);
	set_all(STATE_UP);
	run();
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
		set_public(t, STATE_DOWN);
	run();
	assert_non_null(said(EVENT_SITE_MEDIA_UNREACHABLE, ""));
	/* The reference still answers. */
	assert_null(said(EVENT_SITE_LOCAL_OUTAGE, ""));
	set_all(STATE_DOWN);
	run();
	assert_non_null(said(EVENT_SITE_LOCAL_OUTAGE, ""));
	set_all(STATE_UP);
	run();
	assert_non_null(said(EVENT_SITE_MEDIA_REACHABLE, ""));
	assert_non_null(said(EVENT_SITE_LOCAL_OK, ""));
	/* The link says so at once. */
	decide_link(decide, true);
	run();
	assert_non_null(said(EVENT_SITE_LOCAL_OUTAGE, ""));
	decide_link(decide, false);
	run();
	assert_non_null(said(EVENT_SITE_LOCAL_OK, ""));
}

/* ---- how we look from outside ---- */

static void
set_mapped(unsigned entry, uint8_t last, uint16_t port, uint64_t at)
{
	uint8_t bytes[4] = {203, 0, 113, last};
	struct row *r = roster->entry[entry].row;
	struct addr a;

	addr_from_bytes(&a, AF_INET, bytes, port);
	row_begin(r);
	row_set_addr(r, TALLY_MAPPED, &a);
	row_set(r, TALLY_MAPPED_AT, at);
	row_set(r, TALLY_LOCAL_PORT, 40000);
	row_end(r);
}

static void
test_egress(void **state)
{
	const struct event *e;

	adopt(0);
	set_all(STATE_UP);
	set_mapped(0, 1, 40000, now);
	run();
	assert_null(said(EVENT_SITE_EGRESS_CHANGED, ""));
	set_mapped(0, 2, 40000, now);
	run();
	e = said(EVENT_SITE_EGRESS_CHANGED, "");
	assert_non_null(e);
	assert_string_equal(e->cause, "from 203.0.113.1 to 203.0.113.2");
	assert_int_equal(decided()->site.egress_changes, 1);
	run();
	assert_int_equal(events, 0);
}

/* One local port, two servers, two ports outside. */
static void
test_nat(void **state)
{
	adopt(0);
	set_all(STATE_UP);
	set_mapped(0, 1, 50001, now);
	set_mapped(EACH, 1, 50002, now);
	run();
	assert_non_null(said(EVENT_SITE_NAT_SYMMETRIC, ""));
	set_mapped(EACH, 1, 50001, now);
	run();
	assert_non_null(said(EVENT_SITE_NAT_OK, ""));
}

/* ---- notes of a schedule ---- */

static void
test_notes(void **state)
{
	struct sched_note n = {.at = T0 + 5,
	    .index = 4,
	    .kind = EVENT_TARGET_DOWN,
	    .from = STATE_UP,
	    .to = STATE_DOWN,
	    .outcome = OUTCOME_REFUSED,
	    .window_s = 60,
	    .value = 7,
	    .threshold = 8};

	adopt(0);
	decide_note(decide, &n);
	assert_int_equal(events, 1);
	assert_int_equal(event[0].kind, EVENT_TARGET_DOWN);
	assert_string_equal(event[0].subject, "target-3");
	assert_string_equal(event[0].cause, outcome_meaning(OUTCOME_REFUSED));
	assert_int_equal(event[0].at, T0 + 1005);
	assert_int_equal(event[0].from, STATE_UP);
	assert_int_equal(event[0].to, STATE_DOWN);
	assert_int_equal(event[0].window, 60);
	assert_int_equal(event[0].value, 7);
	assert_int_equal(event[0].threshold, 8);
	/* Gone meanwhile: by its index still. */
	n.index = 4711;
	n.kind = EVENT_LOSS_HIGH;
	decide_note(decide, &n);
	assert_int_equal(event[1].index, 4711);
	assert_string_equal(event[1].subject, "");
	assert_string_equal(event[1].cause, "");
}

/* Of what must be blocked it says which of the two it is. */
static void
test_walls(void **state)
{
	struct sched_note n = {.at = T0,
	    .index = 4,
	    .kind = EVENT_TARGET_DOWN,
	    .to = STATE_DOWN,
	    .outcome = OUTCOME_ANSWERED};

	adopt(0);
	roster->entry[3].target->expect = EXPECT_BLOCKED;
	decide_note(decide, &n);
	assert_string_equal(event[0].cause,
	    "open, expected blocked: A valid answer came in time.");
	n.kind = EVENT_TARGET_UP;
	n.to = STATE_UP;
	n.outcome = OUTCOME_REFUSED;
	decide_note(decide, &n);
	assert_string_equal(event[1].cause,
	    "blocked, as expected: The port is closed: TCP reset or ICMP port "
	    "unreachable.");
	n.kind = EVENT_TARGET_UNKNOWN;
	n.to = STATE_UNKNOWN;
	n.outcome = OUTCOME_DNS;
	decide_note(decide, &n);
	assert_string_equal(event[2].cause, "The name could not be resolved.");
}

/* Each change of a state says why. */
static void
test_causes(void **state)
{
	static const struct {
		unsigned kind, why, outcome;
		const char *cause;
	} rows[] = {
	    {EVENT_TARGET_DEGRADED, WHY_LOSS, OUTCOME_TIMEOUT, "Loss is high."},
	    {EVENT_TARGET_DEGRADED, WHY_LATENCY, OUTCOME_ANSWERED,
		"Latency is high."},
	    {EVENT_TARGET_DEGRADED, WHY_DAMPED, OUTCOME_ANSWERED,
		"It changed too often and is held at degraded."},
	    {EVENT_TARGET_DEGRADED, WHY_NONE, OUTCOME_ERROR_RESPONSE,
		"The peer answered in time, with an error or not what "
		"is wanted."},
	    {EVENT_TARGET_UP, WHY_NONE, OUTCOME_ANSWERED,
		"A valid answer came in time."},
	    {EVENT_TARGET_UNKNOWN, WHY_NONE, 0, ""},
	};

	adopt(0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct sched_note n = {.at = T0,
		    .index = 4,
		    .kind = (uint8_t)rows[i].kind,
		    .outcome = (uint8_t)rows[i].outcome,
		    .why = (uint8_t)rows[i].why};

		decide_note(decide, &n);
		assert_int_equal(event_of(event[i].kind), EVENT_OF_TARGET);
		assert_string_equal(event[i].cause, rows[i].cause);
	}
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_nothing_known),
	    T(test_clusters),
	    T(test_transport),
	    T(test_rank),
	    T(test_reload),
	    T(test_blocked),
	    T(test_udp_blocked),
	    T(test_outages),
	    T(test_egress),
	    T(test_nat),
	    T(test_notes),
	    T(test_walls),
	    T(test_causes),
	};

	event_subscribe(take_event, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
