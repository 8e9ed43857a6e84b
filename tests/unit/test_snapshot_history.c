/* The newest samples of each target, as snapshots keep them. */
#include "build.h"

#include "fleet.h"
#include "snapshot.h"

#define T0    (100000 * CLOCK_SEC)
#define REAL0 INT64_C(1684923072000000000)

/* Two targets, of which the second has six samples. */
static struct roster *
adopt(struct store *store)
{
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = 0; i < 2; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i});
	r = store_adopt(store, &inv, fleet_loop);
	assert_non_null(r);
	fleet_clear(&inv);
	for (unsigned i = 1; i <= 6; i++) {
		struct sample s =
		    sample_make(i * CLOCK_MS, i, OUTCOME_ANSWERED, 0);

		row_append(r->entry[1].row, &s);
	}
	return r;
}

static void
test_none_unless_kept(void **state)
{
	struct store *store = store_new();
	struct snapshotter *snapshots = snapshot_new(store);
	struct roster *r = adopt(store);
	struct snapshot *s = snapshot_take(snapshots);

	assert_null(s->history);
	snapshot_unref(s);
	roster_unref(r);
	snapshot_free(snapshots);
	store_free(store);
}

/* As many as are kept, oldest first, numbered as they were appended. */
static void
test_newest(void **state)
{
	struct store *store = store_new();
	struct snapshotter *snapshots = snapshot_new(store);
	struct sample late = sample_make(7 * CLOCK_MS, 7, OUTCOME_TIMEOUT, 0);
	struct roster *r = adopt(store);
	struct snapshot *s;

	snapshot_keep_history(snapshots, 4);
	s = snapshot_take(snapshots);
	assert_int_equal(s->offset, REAL0 - (int64_t)T0);
	assert_int_equal(s->history[0].samples, 0);
	assert_int_equal(s->history[0].last, 0);
	assert_int_equal(s->history[1].samples, 4);
	assert_int_equal(s->history[1].last, 6);
	/* They are the snapshot's, whatever is appended. */
	row_append(r->entry[1].row, &late);
	for (unsigned i = 0; i < 4; i++) {
		const struct sample *at = &s->history[1].sample[i];

		assert_int_equal(at->sent_ns, (3 + i) * CLOCK_MS);
		assert_int_equal(sample_rtt(at), 3 + i);
	}
	snapshot_unref(s);
	roster_unref(r);
	snapshot_free(snapshots);
	store_free(store);
}

/* A ring has gone round: the number goes on, what is kept has a bound. */
static void
test_ring_goes_round(void **state)
{
	struct store *store = store_new();
	struct snapshotter *snapshots = snapshot_new(store);
	struct roster *r = adopt(store);
	struct row *row = r->entry[1].row;
	struct snapshot *s;
	uint64_t n = 3 * (uint64_t)row_capacity(row);

	for (uint64_t i = 7; i <= n; i++) {
		struct sample more = sample_make(i, i, OUTCOME_ANSWERED, 0);

		row_append(row, &more);
	}
	snapshot_keep_history(snapshots, 1000);
	s = snapshot_take(snapshots);
	assert_int_equal(s->history[1].last, n);
	assert_in_range(
	    s->history[1].samples, SNAPSHOT_HISTORY - 1, SNAPSHOT_HISTORY);
	assert_int_equal(
	    s->history[1].sample[s->history[1].samples - 1].sent_ns, n);
	snapshot_unref(s);
	roster_unref(r);
	snapshot_free(snapshots);
	store_free(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_none_unless_kept),
	    cmocka_unit_test(test_newest),
	    cmocka_unit_test(test_ring_goes_round),
	};

	clock_fake(T0, REAL0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
