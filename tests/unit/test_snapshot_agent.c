/* What a snapshot says of all targets and media clusters together. */
#include "build.h"

#include "fleet.h"
#include "snapshot.h"

#define T0    (100000 * CLOCK_SEC)
#define REAL0 INT64_C(1684923072000000000)

static struct store *store;
static struct snapshotter *snapshots;
static struct roster *roster;

static void
pass_time(void)
{
	clock_fake(clock_mono() + 10 * CLOCK_SEC,
	    clock_real() + (int64_t)(10 * CLOCK_SEC));
}

/* Targets from `first` on, of two media clusters. */
static void
adopt(unsigned first, unsigned clusters)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < 3; i++)
		fleet_add(
		    &inv, &(struct fleet_spec){.number = i, .cluster = "fra1"});
	fleet_add_cluster(&inv, "fra1", CLUSTER_CLASS_PUBLIC);
	if (clusters > 1)
		fleet_add_cluster(&inv, "ams1", CLUSTER_CLASS_PUBLIC);
	roster_unref(roster);
	roster = store_adopt(store, &inv, fleet_loop);
	assert_non_null(roster);
	fleet_clear(&inv);
}

static int
set_up(void **state)
{
	clock_fake(T0, REAL0);
	store = store_new();
	snapshots = snapshot_new(store);
	roster = NULL;
	adopt(0, 2);
	return 0;
}

static int
tear_down(void **state)
{
	roster_unref(roster);
	snapshot_free(snapshots);
	store_free(store);
	return 0;
}

static struct snap_agent
agent(void)
{
	struct snapshot *s = snapshot_take(snapshots);
	struct snap_agent a = SNAP(s, agent)[0];

	snapshot_unref(s);
	return a;
}

static void
count(size_t i, enum outcome o, uint64_t n)
{
	row_set(roster->entry[i].row, TALLY_ENDED + o - 1, n);
}

/* They never go back, also when a target goes; local ones count as none. */
static void
test_requests(void **state)
{
	count(0, OUTCOME_ANSWERED, 1000);
	count(0, OUTCOME_TIMEOUT, 20);
	count(1, OUTCOME_ERROR_RESPONSE, 3);
	count(1, OUTCOME_LOCAL, 500);
	count(2, OUTCOME_REFUSED, 4);
	assert_int_equal(agent().requests, 1027);
	assert_int_equal(agent().lost, 24);
	adopt(1, 2);
	pass_time();
	assert_int_equal(agent().targets, 2);
	assert_int_equal(agent().requests, 1027);
	assert_int_equal(agent().lost, 24);
}

static void
test_clusters(void **state)
{
	struct decision *d = calloc(1, sizeof(*d));

	*d = (struct decision){
	    .refs = 1, .generation = roster->generation, .clusters = 2};
	d->cluster = calloc(2, sizeof(*d->cluster));
	d->changed_at = calloc(2, sizeof(*d->changed_at));
	d->cluster[0].state = STATE_DOWN;
	d->cluster[1].state = STATE_UP;
	assert_int_equal(agent().clusters, 2);
	assert_int_equal(agent().clusters_down, 0);
	store_decide(store, d);
	pass_time();
	assert_int_equal(agent().clusters_down, 1);
}

/* The moment is that of the last change, not of the last reload. */
static void
test_membership(void **state)
{
	assert_int_equal(agent().membership_at, REAL0);
	pass_time();
	adopt(0, 2);
	assert_int_equal(agent().membership_at, REAL0);
	adopt(1, 2);
	pass_time();
	assert_int_equal(
	    agent().membership_at, (uint64_t)REAL0 + 10 * CLOCK_SEC);
	adopt(1, 1);
	pass_time();
	assert_int_equal(
	    agent().membership_at, (uint64_t)REAL0 + 20 * CLOCK_SEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_requests, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_clusters, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_membership, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
