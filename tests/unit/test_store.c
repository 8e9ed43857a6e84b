/*
 * Which rows there are: what goes on, what is new, what is let go, and what
 * of it readers in other threads get to see.
 */
#include "build.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fleet.h"
#include "row.h"
#include "store.h"

static struct store *store;

static int
set_up(void **state)
{
	store = store_new();
	return store == NULL;
}

static int
tear_down(void **state)
{
	store_free(store);
	return 0;
}

/* Targets with the numbers [first, first + n), in the reverse order. */
static struct roster *
adopt(unsigned first, unsigned n, uint64_t ring)
{
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = first + n; i-- > first;)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .cluster = i % 2 == 0 ? "even" : "odd",
				    .ring = ring});
	fleet_add_cluster(&inv, "odd", CLUSTER_CLASS_PUBLIC);
	fleet_add_cluster(&inv, "even", CLUSTER_CLASS_VIDEO_MESH);
	r = store_adopt(store, &inv, fleet_loop);
	assert_non_null(r);
	fleet_clear(&inv);
	return r;
}

static struct roster_entry *
find(struct roster *r, unsigned number)
{
	char name[32];

	snprintf(name, sizeof(name), "target-%u", number);
	for (size_t i = 0; i < r->entries; i++)
		if (strcmp(r->entry[i].target->name, name) == 0)
			return &r->entry[i];
	return NULL;
}

static void
test_empty(void **state)
{
	struct roster *r = store_roster(store);

	assert_int_equal(r->entries + r->clusters, 0);
	assert_null(store_decision(store));
	roster_unref(r);
	store_free(NULL);
}

static void
test_rows_go_on(void **state)
{
	struct roster *a = adopt(0, 10, 0), *b = adopt(5, 10, 0);

	assert_true(b->generation > a->generation);
	for (unsigned i = 0; i < 15; i++) {
		struct roster_entry *x = find(a, i), *y = find(b, i);

		assert_int_equal(x != NULL, i < 10);
		assert_int_equal(y != NULL, i >= 5);
		if (x == NULL || y == NULL)
			continue;
		assert_ptr_equal(x->row, y->row);
		assert_int_equal(x->target->index, y->target->index);
		assert_ptr_not_equal(x->target, y->target);
	}
	/* The old roster is whole as long as somebody holds it. */
	assert_int_equal(a->entries, 10);
	assert_int_equal(row_capacity(find(a, 0)->row), 128);
	roster_unref(a);
	roster_unref(b);
}

static void
test_sorted_by_index(void **state)
{
	struct roster *r = adopt(0, 50, 0);

	for (size_t i = 0; i < 50; i++)
		assert_int_equal(r->entry[i].target->index, i + 1);
	/* in the order in which they came, which was backwards */
	assert_int_equal(find(r, 49)->target->index, 1);
	assert_int_equal(r->cluster[0].index, 1);
	assert_string_equal(r->cluster[0].name, "odd");
	assert_int_equal(r->cluster[0].class, CLUSTER_CLASS_PUBLIC);
	assert_true(r->cluster[0].has[TRANSPORT_TCP]);
	assert_false(r->cluster[0].has[TRANSPORT_TLS]);
	assert_int_equal(r->cluster[1].index, 2);
	roster_unref(r);
}

/* Gone and back: the old index, and none is given out twice. */
static void
test_indexes_are_for_good(void **state)
{
	uint32_t index[40];
	struct roster *r = adopt(0, 40, 0);

	for (unsigned i = 0; i < 40; i++)
		index[i] = find(r, i)->target->index;
	roster_unref(r);
	roster_unref(adopt(30, 30, 0));
	roster_unref(adopt(100, 5, 0));
	r = adopt(0, 110, 0);
	for (size_t i = 1; i < r->entries; i++)
		assert_true(
		    r->entry[i].target->index > r->entry[i - 1].target->index);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(find(r, i)->target->index, index[i]);
	roster_unref(r);
}

static void
test_index_set(void **state)
{
	struct roster *r;

	store_index_set(store, 0, "target-3", 77);
	store_index_set(store, 1, "even", 5);
	r = adopt(3, 2, 0);
	assert_int_equal(find(r, 3)->target->index, 77);
	assert_int_equal(find(r, 4)->target->index, 78);
	/* "odd" came first and "even" had its own. */
	assert_string_equal(r->cluster[0].name, "even");
	assert_int_equal(r->cluster[0].index, 5);
	assert_int_equal(r->cluster[1].index, 6);
	roster_unref(r);
}

static uint8_t
loop_by_number(const struct target *t)
{
	return t->name[7] % 2;
}

static void
test_loops(void **state)
{
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = 0; i < 8; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i});
	r = store_adopt(store, &inv, loop_by_number);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(find(r, i)->loop, i % 2);
	fleet_clear(&inv);
	roster_unref(r);
}

/* ---- rings ---- */

static void
test_ring_is_handed_over(void **state)
{
	struct roster *r = adopt(0, 1, 900 * CLOCK_SEC), *s;
	struct row *row = r->entry[0].row;
	struct sample one = {.sent_ns = 1, .rest = 2};

	/* 90 probes and 4 */
	assert_int_equal(row_capacity(row), 128);
	row_append(row, &one);
	s = adopt(0, 1, 3600 * CLOCK_SEC);
	assert_ptr_equal(s->entry[0].row, row);
	/* Left to the writer, which takes it when it likes. */
	assert_int_equal(row_capacity(row), 128);
	row_adopt_ring(row);
	assert_int_equal(row_capacity(row), 512);
	assert_int_equal(row_sample(row, 0).rest, 2);
	roster_unref(s);
	/* Changed its mind before the writer looked. */
	roster_unref(adopt(0, 1, 60 * CLOCK_SEC));
	roster_unref(adopt(0, 1, 3600 * CLOCK_SEC));
	row_adopt_ring(row);
	assert_int_equal(row_capacity(row), 512);
	roster_unref(adopt(0, 1, 60 * CLOCK_SEC));
	row_adopt_ring(row);
	roster_unref(adopt(0, 1, 60 * CLOCK_SEC));
	assert_int_equal(row_capacity(row), 64);
	roster_unref(r);
}

/* ---- those that depart ---- */

static void
count(struct row *r, uint64_t n)
{
	row_begin(r);
	row_set(r, TALLY_ENDED + OUTCOME_ANSWERED - 1, n);
	row_set(r, TALLY_ENDED + OUTCOME_TIMEOUT - 1, 2 * n);
	row_set(r, TALLY_BUCKET + 3, n);
	row_set(r, TALLY_RTT_SUM, 1000 * n);
	row_end(r);
}

struct sums {
	unsigned groups;
	uint64_t answered[2], lost[2], bucket[2], rtt[2];
};

static void
add_sums(void *arg, const struct departed *d)
{
	struct sums *s = arg;
	unsigned odd = strcmp(d->cluster, "odd") == 0;

	s->groups++;
	assert_int_equal(d->transport, TRANSPORT_UDP);
	s->answered[odd] += d->ended[OUTCOME_ANSWERED - 1];
	s->lost[odd] += d->ended[OUTCOME_TIMEOUT - 1];
	s->bucket[odd] += d->bucket[3];
	s->rtt[odd] += d->rtt_sum;
}

static struct sums
departed(void)
{
	struct sums s = {0};

	store_read_lock(store);
	store_departed_each(store, add_sums, &s);
	store_read_unlock(store);
	return s;
}

static void
test_departed(void **state)
{
	struct roster *r = adopt(0, 10, 0);
	struct departed more = {
	    .transport = TRANSPORT_UDP, .cluster = "odd", .rtt_sum = 5};
	struct sums s;

	for (unsigned i = 0; i < 10; i++)
		count(find(r, i)->row, i + 1);
	roster_unref(r);
	assert_int_equal(departed().groups, 0);
	roster_unref(adopt(4, 6, 0));
	/* 0 to 3 went: 1 and 3 are even, 2 and 4 odd */
	s = departed();
	assert_int_equal(s.groups, 2);
	assert_int_equal(s.answered[0], 1 + 3);
	assert_int_equal(s.answered[1], 2 + 4);
	assert_int_equal(s.lost[1], 2 * (2 + 4));
	assert_int_equal(s.bucket[0], 1 + 3);
	assert_int_equal(s.rtt[0], 4000);
	/* They come back with new rows, and go again. */
	r = adopt(0, 10, 0);
	assert_int_equal(row_get(find(r, 0)->row, TALLY_RTT_SUM), 0);
	assert_int_equal(row_get(find(r, 9)->row, TALLY_RTT_SUM), 10000);
	count(find(r, 0)->row, 100);
	roster_unref(r);
	roster_unref(adopt(1, 9, 0));
	s = departed();
	assert_int_equal(s.answered[0], 1 + 3 + 100);
	assert_int_equal(store_departed_add(store, &more), 0);
	assert_int_equal(departed().rtt[1], 6000 + 5);
}

/* ---- one path twice ---- */

static void
test_two_of_one_path(void **state)
{
	struct roster *r = NULL;

	for (unsigned round = 0; round < 3; round++) {
		struct inventory inv = {0};
		struct row *first = r != NULL ? r->entry[0].row : NULL;

		fleet_add(&inv, &(struct fleet_spec){.name = "a"});
		fleet_add(&inv, &(struct fleet_spec){.name = "b"});
		assert_string_equal(inv.target[0]->key, inv.target[1]->key);
		roster_unref(r);
		r = store_adopt(store, &inv, fleet_loop);
		fleet_clear(&inv);
		assert_int_equal(r->entries, 2);
		/* A row has one writer. */
		assert_ptr_not_equal(r->entry[0].row, r->entry[1].row);
		if (first != NULL)
			assert_ptr_equal(r->entry[0].row, first);
	}
	roster_unref(r);
}

/* ---- rows from before ---- */

static void
test_restored(void **state)
{
	struct target *t = fleet_target(&(struct fleet_spec){
	    .number = 6, .cluster = "even", .ring = 900 * CLOCK_SEC});
	struct row *row = store_row_restore(store, t->key, 64);
	struct sample one = {.sent_ns = 5, .rest = 6};
	struct roster *r;

	assert_non_null(row);
	row_append(row, &one);
	assert_non_null(store_row_restore(store, "no such path", 64));
	r = adopt(0, 10, 900 * CLOCK_SEC);
	assert_ptr_equal(find(r, 6)->row, row);
	row_adopt_ring(row);
	assert_int_equal(row_capacity(row), 128);
	assert_int_equal(row_sample(row, 0).sent_ns, 5);
	store_restored_drop(store);
	roster_unref(adopt(0, 10, 900 * CLOCK_SEC));
	assert_int_equal(row_appended(row), 1);
	roster_unref(r);
	target_unref(t);
}

/* ---- decisions ---- */

static void
test_decisions(void **state)
{
	struct decision *d = calloc(1, sizeof(*d)), *mine;
	struct decision *next = calloc(1, sizeof(*next));

	assert_true(d != NULL && next != NULL);
	d->refs = next->refs = 1;
	d->rank_changes = 5;
	store_decide(store, d);
	mine = store_decision(store);
	assert_ptr_equal(mine, d);
	store_decide(store, next);
	assert_int_equal(mine->rank_changes, 5);
	assert_int_equal(mine->refs, 1);
	decision_unref(mine);
	mine = store_decision(store);
	decision_unref(mine);
	decision_unref(NULL);
}

/* ---- threads ---- */

enum { READS = 300, ADOPTIONS = 30 };

static struct stage {
	_Atomic bool done;
	_Atomic unsigned adoptions;
} stage;

/* Rosters are whole, newer ones later; sums of all never fall. */
static void *
adopt_all_the_time(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&stage.done); i++) {
		struct roster *r =
		    adopt(i % 7, 20, (1 + i % 5) * 100 * CLOCK_SEC);

		for (size_t k = 0; k < r->entries; k++) {
			struct row *row = r->entry[k].row;

			row_adopt_ring(row);
			row_begin(row);
			row_add(row, TALLY_RTT_SUM, 1);
			row_end(row);
		}
		roster_unref(r);
		atomic_fetch_add(&stage.adoptions, 1);
	}
	return NULL;
}

static uint64_t
sum_of_all(struct roster **out)
{
	uint64_t sum, w[TALLY_WORDS];
	struct sample sample[16];
	struct sums s = {0};

	store_read_lock(store);
	*out = store_roster(store);
	store_departed_each(store, add_sums, &s);
	sum = s.rtt[0] + s.rtt[1];
	for (size_t i = 0; i < (*out)->entries; i++) {
		row_read((*out)->entry[i].row, w);
		row_read_samples((*out)->entry[i].row, 0, sample, 16);
		sum += w[TALLY_RTT_SUM];
	}
	store_read_unlock(store);
	return sum;
}

static void
test_readers_meanwhile(void **state)
{
	uint64_t last = 0, generation = 0;
	pthread_t control;

	stage = (struct stage){false, 0};
	assert_int_equal(
	    pthread_create(&control, NULL, adopt_all_the_time, NULL), 0);
	for (unsigned i = 0;
	     i < READS || atomic_load(&stage.adoptions) < ADOPTIONS; i++) {
		struct roster *r;
		uint64_t sum = sum_of_all(&r);

		assert_true(sum >= last);
		assert_true(r->generation >= generation);
		assert_true(r->generation == 0 || r->entries == 20);
		last = sum;
		generation = r->generation;
		roster_unref(r);
	}
	atomic_store(&stage.done, true);
	pthread_join(control, NULL);
	/* The reads above may all have been before the first adoption. */
	struct roster *r;
	uint64_t sum = sum_of_all(&r);

	assert_true(sum > 0 && sum >= last);
	roster_unref(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_rows_go_on, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_sorted_by_index, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_indexes_are_for_good, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_index_set, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_loops, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_ring_is_handed_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_departed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_two_of_one_path, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_restored, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_decisions, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_readers_meanwhile, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
