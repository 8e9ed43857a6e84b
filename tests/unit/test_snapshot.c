/*
 * From rows and decisions to statistics: every number of the table is filled
 * in, and each with the right one.
 */
#include "build.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fleet.h"
#include "row.h"
#include "snapshot.h"

#define T0     (100000 * CLOCK_SEC)
#define REAL0  INT64_C(1684923072000000000)
#define MS     CLOCK_MS
#define MINUTE (60 * CLOCK_SEC)

static struct store *store;
static struct snapshotter *snapshots;
static struct roster *roster;

static const struct snapshot_settings settings = {
    .window = {MINUTE, 15 * MINUTE}, .windows = 2};

static int
set_up(void **state)
{
	clock_fake(T0, REAL0);
	store = store_new();
	snapshots = snapshot_new(store);
	if (store == NULL || snapshots == NULL)
		return 1;
	snapshot_configure(snapshots, &settings);
	roster = NULL;
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

/* Number 0 over UDP and 1 over TLS in cluster fra1, 2 over UDP in none. */
static void
adopt(unsigned first)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < 3; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .cluster = i < 2 ? "fra1" : NULL,
				    .transport = i == 1 ? TRANSPORT_TLS : 0});
	fleet_add_cluster(&inv, "fra1", CLUSTER_CLASS_PUBLIC);
	roster_unref(roster);
	roster = store_adopt(store, &inv, fleet_loop);
	assert_non_null(roster);
	fleet_clear(&inv);
}

/* A second and a bit later, so that it is a new one. */
static struct snapshot *
take(void)
{
	struct snapshot *s = snapshot_take(snapshots);

	assert_non_null(s);
	return s;
}

static void
pass_time(uint64_t ns)
{
	clock_fake(clock_mono() + ns, clock_real() + (int64_t)ns);
}

/* No field of the item was left as it was made. */
static void
expect_filled(enum stats_scope scope, const void *item)
{
	unsigned fields = 0;

	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];
		const char *at = (const char *)item + d->offset;
		bool filled;

		if (d->scope != scope)
			continue;
		fields++;
		if (d->nature == STATS_INFO)
			filled = *(const char *const *)at != NULL;
		else if (d->nature == STATS_HISTOGRAM)
			filled = ((const struct snap_hist *)at)->count > 0;
		else if (d->nature == STATS_COUNTER)
			filled = *(const uint64_t *)at != 0;
		else
			filled = *(const uint64_t *)at != STATS_NONE;
		if (!filled)
			print_error("%s is not filled in\n", d->field);
		assert_true(filled);
	}
	assert_true(fields > 0);
}

/* ---- targets ---- */

static void
set_words(struct row *r)
{
	row_begin(r);
	for (unsigned i = 0; i < TALLY_WORDS; i++)
		row_set(r, i, 1000 + i);
	row_set(r, TALLY_STATE, STATE_DEGRADED);
	row_set(r, TALLY_SUCCESS, 1);
	row_set(r, TALLY_LAST_OUTCOME, OUTCOME_REFUSED);
	row_set(r, TALLY_TRIGGER, TRIGGER_NETWORK);
	row_set(r, TALLY_PROBE_AT, T0 - 3);
	row_set(r, TALLY_SUCCESS_AT, T0 - 4);
	row_set(r, TALLY_CHANGED_AT, (uint64_t)-5);
	row_end(r);
}

static void
test_target(void **state)
{
	struct snapshot *s;
	const struct snap_target *t;

	adopt(0);
	set_words(roster->entry[1].row);
	s = take();
	assert_int_equal(SNAP_COUNT(s, target), 3);
	t = &SNAP(s, target)[1];
	expect_filled(SCOPE_target, t);
	assert_string_equal(t->labels, roster->entry[1].target->labels);
	assert_string_equal(t->info, roster->entry[1].target->info);
	assert_int_equal(t->up, 1);
	assert_int_equal(t->state, STATE_DEGRADED);
	assert_int_equal(t->changes, 1000 + TALLY_CHANGES);
	/* Not the target's own: a peer demanded another. */
	assert_int_equal(t->interval, 1000 + TALLY_INTERVAL);
	assert_int_equal(t->probes, 1000 + TALLY_PROBES);
	assert_int_equal(t->probe_failures, 1000 + TALLY_PROBE_FAILURES);
	assert_int_equal(t->requests, 1000 + TALLY_REQUESTS);
	assert_int_equal(t->lost, 1000 + TALLY_LOST);
	assert_int_equal(t->late, 1000 + TALLY_LATE);
	assert_int_equal(t->local, 1000 + TALLY_LOCAL);
	assert_int_equal(t->success, 1);
	assert_int_equal(t->last_rtt, 1000 + TALLY_LAST_RTT);
	assert_int_equal(t->last_outcome, OUTCOME_REFUSED);
	assert_int_equal(t->last_code, 1000 + TALLY_LAST_CODE);
	assert_int_equal(t->fails, 1000 + TALLY_FAILS);
	assert_int_equal(t->trigger, TRIGGER_NETWORK);
	assert_int_equal(t->mapped_changes, 1000 + TALLY_MAPPED_CHANGES);
	assert_int_equal(t->probe_at, REAL0 - 3);
	assert_int_equal(t->success_at, REAL0 - 4);
	/* Before this boot: a negative monotonic time. */
	assert_int_equal(t->changed_at, REAL0 - (int64_t)T0 - 5);
	assert_int_equal(SNAP(s, agent)->targets, 3);
	assert_int_equal(SNAP(s, agent)->targets_down, 0);
	snapshot_unref(s);
}

static void
test_never_probed(void **state)
{
	struct snapshot *s;
	const struct snap_target *t;

	adopt(0);
	s = take();
	t = &SNAP(s, target)[0];
	assert_int_equal(t->state, STATE_UNKNOWN);
	assert_int_equal(t->up, 0);
	assert_int_equal(t->requests, 0);
	assert_true(t->success == STATS_NONE && t->probe_at == STATS_NONE);
	assert_true(t->last_rtt == STATS_NONE && t->fails == STATS_NONE);
	assert_int_equal(SNAP_COUNT(s, phase), 0);
	assert_int_equal(SNAP_COUNT(s, tls), 0);
	/* Windows are there, and empty. */
	assert_int_equal(SNAP_COUNT(s, window), 6);
	assert_int_equal(SNAP(s, window)[0].requests, 0);
	assert_true(SNAP(s, window)[0].loss == STATS_NONE);
	snapshot_unref(s);
}

static void
test_phases(void **state)
{
	struct snapshot *s;

	adopt(0);
	row_set(roster->entry[1].row, TALLY_PHASE + PHASE_CONNECT - 1, 12);
	row_set(roster->entry[1].row, TALLY_PHASE + PHASE_TLS - 1, 34);
	s = take();
	assert_int_equal(SNAP_COUNT(s, phase), 2);
	assert_string_equal(SNAP(s, phase)[0].labels,
	    "target=\"target-1\",transport=\"tls\",media_cluster=\"fra1\","
	    "phase=\"connect\"");
	assert_int_equal(SNAP(s, phase)[0].duration, 12);
	assert_int_equal(SNAP(s, phase)[1].duration, 34);
	snapshot_unref(s);
}

/* ---- windows ---- */

static void
append(struct row *r, uint64_t ago, uint64_t rtt)
{
	struct sample s = sample_make(clock_mono() - ago, rtt,
	    rtt > 0 ? OUTCOME_ANSWERED : OUTCOME_TIMEOUT, SAMPLE_LAST);

	row_append(r, &s);
}

static void
test_windows(void **state)
{
	const struct snap_window *w;
	struct snapshot *s;

	adopt(0);
	/* 200 ms two minutes ago; 10, 20, lost and 30 ms in the last one */
	append(roster->entry[0].row, 2 * MINUTE, 200 * MS);
	append(roster->entry[0].row, 40 * CLOCK_SEC, 10 * MS);
	append(roster->entry[0].row, 30 * CLOCK_SEC, 20 * MS);
	append(roster->entry[0].row, 20 * CLOCK_SEC, 0);
	append(roster->entry[0].row, 10 * CLOCK_SEC, 30 * MS);
	append(roster->entry[1].row, 10 * CLOCK_SEC, 30 * MS);
	s = take();
	assert_int_equal(SNAP_COUNT(s, window), 6);
	w = &SNAP(s, window)[0];
	expect_filled(SCOPE_window, w);
	assert_string_equal(w->labels,
	    "target=\"target-0\",transport=\"udp\",media_cluster=\"fra1\","
	    "window=\"1m\"");
	assert_int_equal(w->requests, 4);
	assert_int_equal(w->answers, 3);
	assert_int_equal(w->loss, 250000);
	assert_int_equal(w->rtt_min, 10 * MS);
	assert_int_equal(w->rtt_mean, 20 * MS);
	assert_int_equal(w->rtt_max, 30 * MS);
	/* the root of 200/3 */
	assert_int_equal(w->rtt_stddev, 8164966);
	assert_int_equal(w->rtt_p50, 20 * MS);
	assert_int_equal(w->rtt_p95, 30 * MS);
	assert_int_equal(w->rtt_p99, 30 * MS);
	assert_int_equal(w->jitter, 10 * MS);
	assert_int_equal(w->burst, 1);
	assert_in_range(w->mos, 1000, 4500);
	assert_int_equal(w[1].requests, 5);
	assert_int_equal(w[1].rtt_max, 200 * MS);
	assert_non_null(strstr(w[1].labels, "window=\"15m\""));
	/* The E-model speaks of UDP. */
	assert_int_equal(w[2].requests, 1);
	assert_true(w[2].mos == STATS_NONE);
	snapshot_unref(s);
	/* Nothing is probed any more, and what was grows old. */
	pass_time(45 * CLOCK_SEC);
	s = take();
	assert_int_equal(SNAP(s, window)[0].requests, 1);
	assert_int_equal(SNAP(s, window)[0].rtt_mean, 30 * MS);
	assert_int_equal(SNAP(s, window)[1].requests, 5);
	snapshot_unref(s);
}

static void
test_windows_off(void **state)
{
	struct snapshot_settings none = settings;
	struct snapshot *s;

	none.windows = 0;
	snapshot_configure(snapshots, &none);
	adopt(0);
	append(roster->entry[0].row, CLOCK_SEC, 10 * MS);
	s = take();
	assert_int_equal(SNAP_COUNT(s, window), 0);
	snapshot_unref(s);
}

/* ---- sums ---- */

static void
set_counts(struct row *r, uint64_t n)
{
	row_begin(r);
	row_set(r, TALLY_STATE, STATE_DOWN);
	for (unsigned o = 0; o < OUTCOME_END - 1; o++)
		row_set(r, TALLY_ENDED + o, n * (o + 1));
	for (unsigned b = 0; b < STATS_BUCKETS; b++)
		row_set(r, TALLY_BUCKET + b, n * (100 + b));
	row_set(r, TALLY_RTT_SUM, n * 7777);
	row_end(r);
}

static uint64_t
failures(struct snapshot *s, const char *labels)
{
	for (size_t i = 0; i < SNAP_COUNT(s, failure); i++)
		if (strcmp(SNAP(s, failure)[i].labels, labels) == 0)
			return SNAP(s, failure)[i].count;
	return STATS_NONE;
}

static void
test_sums(void **state)
{
	static const char fra_udp[] =
	    "transport=\"udp\",media_cluster=\"fra1\",reason=\"timeout\"";
	struct snapshot *s;
	const struct snap_rtt *h;

	adopt(0);
	for (unsigned i = 0; i < 3; i++)
		set_counts(roster->entry[i].row, i + 1);
	s = take();
	assert_int_equal(SNAP(s, agent)->targets_down, 3);
	/* every outcome but `answered`, for three groups */
	assert_int_equal(SNAP_COUNT(s, failure), 3 * (OUTCOME_END - 2));
	assert_int_equal(failures(s, fra_udp), OUTCOME_TIMEOUT);
	assert_int_equal(failures(s, "transport=\"udp\",media_cluster=\"\","
				     "reason=\"other\""),
	    3 * OUTCOME_OTHER);
	assert_true(failures(s, "transport=\"udp\",media_cluster=\"fra1\","
				"reason=\"answered\"") == STATS_NONE);
	assert_int_equal(SNAP_COUNT(s, rtt), 3);
	h = &SNAP(s, rtt)[0];
	assert_string_equal(
	    h->labels, "transport=\"tls\",media_cluster=\"fra1\"");
	assert_int_equal(h->rtt.bucket[4], 2 * 104);
	assert_int_equal(h->rtt.count, 2 * (19 * 100 + 18 * 19 / 2));
	assert_int_equal(h->rtt.sum, 2 * 7777);
	assert_string_equal(
	    SNAP(s, rtt)[1].labels, "transport=\"udp\",media_cluster=\"\"");
	snapshot_unref(s);
	/* Target 0 goes, and its counts stay. */
	adopt(1);
	pass_time(2 * CLOCK_SEC);
	s = take();
	assert_int_equal(SNAP(s, agent)->targets, 2);
	assert_int_equal(failures(s, fra_udp), OUTCOME_TIMEOUT);
	assert_int_equal(SNAP_COUNT(s, rtt), 3);
	snapshot_unref(s);
}

static void
test_histograms_of_targets(void **state)
{
	struct snapshot_settings each = settings;
	struct snapshot *s;

	each.per_target = true;
	snapshot_configure(snapshots, &each);
	adopt(0);
	for (unsigned i = 0; i < 3; i++)
		set_counts(roster->entry[i].row, i + 1);
	s = take();
	assert_int_equal(SNAP_COUNT(s, rtt), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(
		    SNAP(s, rtt)[i].labels, roster->entry[i].target->labels);
		assert_int_equal(SNAP(s, rtt)[i].rtt.sum, (i + 1) * 7777);
	}
	snapshot_unref(s);
}

static void
test_tls(void **state)
{
	struct tls_facts f = {.version = "TLSv1.3",
	    .cipher = "TLS_AES_128_GCM_SHA256",
	    .subject = "CN=a \"b\"",
	    .issuer = "CN=c\\d",
	    .serial = "0A",
	    .fingerprint = {0xab, 0x01},
	    .not_after = 1700000000,
	    .staple_next = 1700000001,
	    .have_cert = 1,
	    .chain = CHAIN_VALID,
	    .staple = STAPLE_GOOD,
	    .for_host = 2,
	    .policy = 1,
	    .intercepted = 1,
	    .sni_required = 1};
	const struct snap_tls *t;
	struct snapshot *s;

	adopt(0);
	row_set_tls(roster->entry[1].row, &f);
	row_set(roster->entry[1].row, TALLY_PHASE + PHASE_TLS - 1, 34);
	row_set_tls(roster->entry[0].row, &f); /* not TLS: no room for it */
	s = take();
	assert_int_equal(SNAP_COUNT(s, tls), 1);
	t = SNAP(s, tls);
	expect_filled(SCOPE_tls, t);
	assert_string_equal(t->labels, roster->entry[1].target->labels);
	assert_string_equal(t->info, "version=\"TLSv1.3\","
				     "cipher=\"TLS_AES_128_GCM_SHA256\","
				     "chain=\"valid\"");
	assert_string_equal(t->cert,
	    "fingerprint_sha256=\"ab01000000000000000000000000000000000000000"
	    "000000000000000000000\",subject=\"CN=a \\\"b\\\"\","
	    "issuer=\"CN=c\\\\d\",root=\"\",serial_number=\"0A\"");
	assert_int_equal(t->not_after, 1700000000 * CLOCK_SEC);
	assert_true(t->handshake == 34 && t->chain_valid == 1 &&
		    t->staple == STAPLE_GOOD && t->name_match == 1 &&
		    !t->sni_required && !t->intercepted && !t->policy);
	snapshot_unref(s);
	/* It failed before anything was shown, and a name helped. */
	f = (struct tls_facts){.sni_required = 2};
	row_set_tls(roster->entry[1].row, &f);
	pass_time(2 * CLOCK_SEC);
	s = take();
	t = SNAP(s, tls);
	assert_true(t->info == NULL && t->cert == NULL &&
		    (t->not_after & t->chain_valid) == STATS_NONE);
	assert_int_equal(t->sni_required, 1);
	snapshot_unref(s);
}

static struct decision *
decision_made(uint64_t generation)
{
	static const uint8_t bytes[4] = {203, 0, 113, 7};
	struct decision *d = calloc(1, sizeof(*d));
	struct choose_cluster *c = calloc(1, sizeof(*c));

	assert_true(d != NULL && c != NULL);
	*d = (struct decision){.refs = 1,
	    .generation = generation,
	    .cluster = c,
	    .changed_at = calloc(1, sizeof(uint64_t)),
	    .clusters = 1,
	    .rank_changes = 9};
	assert_non_null(d->changed_at);
	d->changed_at[0] = T0 - 60;
	c->state = STATE_DEGRADED;
	c->preferred = TRANSPORT_TCP;
	c->rank = 2;
	c->nodes = 6;
	c->transport_changes = 11;
	for (unsigned i = 0; i < 3; i++)
		c->link[i] =
		    (struct choose_link){.reach = (uint8_t)(REACH_UNTESTED + i),
			.nodes_up = i,
			.rtt_ns = i * MS};
	d->site = (struct site){.media_unreachable = SITE_NO,
	    .udp_blocked = SITE_YES,
	    .local_outage = SITE_NO,
	    .nat_symmetric = SITE_YES,
	    .tls_intercepted = SITE_NO,
	    .egress_changes = 13};
	addr_from_bytes(&d->site.egress[0], AF_INET, bytes, 0);
	return d;
}

static void
test_decision(void **state)
{
	struct decision *d;
	struct snapshot *s;

	adopt(0);
	d = decision_made(roster->generation);
	store_decide(store, d);
	s = take();
	assert_int_equal(SNAP_COUNT(s, cluster), 1);
	expect_filled(SCOPE_cluster, SNAP(s, cluster));
	assert_string_equal(SNAP(s, cluster)->labels, "media_cluster=\"fra1\"");
	assert_string_equal(SNAP(s, cluster)->info, "class=\"public\"");
	assert_int_equal(SNAP(s, cluster)->state, STATE_DEGRADED);
	assert_int_equal(SNAP(s, cluster)->changed_at, REAL0 - 60);
	assert_int_equal(SNAP(s, cluster)->preferred, TRANSPORT_TCP);
	assert_int_equal(SNAP(s, cluster)->rank, 2);
	assert_int_equal(SNAP(s, cluster)->nodes, 6);
	assert_int_equal(SNAP(s, cluster)->transport_changes, 11);
	assert_int_equal(SNAP_COUNT(s, link), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct snap_link *l = &SNAP(s, link)[i];

		expect_filled(SCOPE_link, l);
		assert_int_equal(l->reach, REACH_UNTESTED + i);
		assert_int_equal(l->preferred, i == 1);
		assert_int_equal(l->nodes_up, i);
		assert_int_equal(l->rtt, i * MS);
	}
	assert_string_equal(SNAP(s, link)[2].labels,
	    "media_cluster=\"fra1\",transport=\"tls\"");
	assert_string_equal(SNAP(s, site)->info, "ipv4=\"203.0.113.7\"");
	assert_true(SNAP(s, site)->rank_changes == 9 &&
		    SNAP(s, site)->media_unreachable == 0 &&
		    SNAP(s, site)->udp_blocked == 1);
	assert_true(SNAP(s, site)->nat_symmetric == 1 &&
		    SNAP(s, site)->local_outage == 0 &&
		    SNAP(s, site)->tls_intercepted == 0);
	assert_int_equal(SNAP(s, site)->egress_changes, 13);
	snapshot_unref(s);
	/* What is not known has no value; none preferred, no rank. */
	d = decision_made(roster->generation);
	d->site.udp_blocked = SITE_NOT_KNOWN;
	d->cluster[0].preferred = 0;
	d->cluster[0].rank = 0;
	store_decide(store, d);
	pass_time(2 * CLOCK_SEC);
	s = take();
	assert_true(SNAP(s, site)->udp_blocked == STATS_NONE);
	assert_true(SNAP(s, cluster)->preferred == STATS_NONE);
	assert_true(SNAP(s, cluster)->rank == STATS_NONE);
	snapshot_unref(s);
	/* A decision about another roster speaks of the site only. */
	adopt(0);
	pass_time(2 * CLOCK_SEC);
	s = take();
	assert_int_equal(SNAP_COUNT(s, cluster), 0);
	assert_int_equal(SNAP_COUNT(s, site), 1);
	snapshot_unref(s);
}

/* ---- when one is taken ---- */

static void
test_shared_for_a_second(void **state)
{
	struct snapshot *a, *b, *c;

	adopt(0);
	a = snapshot_get(snapshots);
	pass_time(CLOCK_SEC);
	b = snapshot_get(snapshots);
	assert_ptr_equal(a, b);
	assert_int_equal(a->mono, T0);
	assert_int_equal(a->real, REAL0);
	pass_time(1);
	c = snapshot_get(snapshots);
	assert_ptr_not_equal(a, c);
	/* The old one is as it was. */
	assert_int_equal(SNAP(a, agent)->targets, 3);
	snapshot_unref(a);
	snapshot_unref(b);
	pass_time(1);
	a = snapshot_take(snapshots);
	assert_ptr_not_equal(a, c);
	snapshot_unref(a);
	a = snapshot_get(snapshots);
	snapshot_expire(snapshots);
	b = snapshot_get(snapshots);
	assert_ptr_not_equal(a, b);
	snapshot_configure(snapshots, &settings);
	snapshot_unref(a);
	a = snapshot_get(snapshots);
	assert_ptr_not_equal(a, b);
	snapshot_unref(a);
	snapshot_unref(b);
	snapshot_unref(c);
	snapshot_unref(NULL);
}

static unsigned filled;

static void
fill_log(void *arg, struct snapshot_builder *b)
{
	struct snap_log *o;

	assert_ptr_equal(arg, &filled);
	/* Rows come first. */
	assert_int_equal(snapshot_of(b)->scope[SCOPE_target].count, 3);
	for (unsigned i = 0; i < 100; i++) {
		char label[32];

		snprintf(label, sizeof(label), "level=\"%u\"", i);
		o = snapshot_item(b, SCOPE_log, label);
		assert_int_equal(o->count, 0);
		o->count = i;
	}
	/* The one that is there already. */
	((struct snap_agent *)snapshot_only(b, SCOPE_agent))->wakeups = 5;
	filled++;
}

static void
test_sources(void **state)
{
	struct snapshot *s;

	snapshot_add_source(
	    snapshots, (struct snapshot_source){fill_log, &filled});
	filled = 0;
	adopt(0);
	s = snapshot_get(snapshots);
	assert_int_equal(filled, 1);
	assert_int_equal(SNAP_COUNT(s, log), 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(SNAP(s, log)[i].count, i);
	assert_string_equal(SNAP(s, log)[42].labels, "level=\"42\"");
	assert_int_equal(SNAP_COUNT(s, agent), 1);
	assert_int_equal(SNAP(s, agent)->wakeups, 5);
	assert_int_equal(SNAP(s, agent)->targets, 3);
	snapshot_unref(s);
}

/* A clock that is set shows in the next moments, not in the windows. */
static void
test_clock_step(void **state)
{
	struct snapshot *s;

	adopt(0);
	set_words(roster->entry[0].row);
	append(roster->entry[0].row, 10 * CLOCK_SEC, 10 * MS);
	clock_fake(T0 + 2 * CLOCK_SEC, REAL0 + 26 * 3600 * (int64_t)CLOCK_SEC);
	s = take();
	assert_int_equal(SNAP(s, window)[0].requests, 1);
	assert_int_equal(SNAP(s, target)[0].probe_at,
	    REAL0 + (26 * 3600 - 2) * (int64_t)CLOCK_SEC - 3);
	snapshot_unref(s);
}

/* ---- threads ---- */

enum { TAKES = 2000 };

static _Atomic bool done;

static void *
change_all_the_time(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&done); i++) {
		adopt(i % 3);
		for (size_t k = 0; k < roster->entries; k++) {
			struct row *r = roster->entry[k].row;

			row_adopt_ring(r);
			row_begin(r);
			row_add(r, TALLY_ENDED + OUTCOME_TIMEOUT - 1, 1);
			row_end(r);
			append(r, 0, 10 * MS);
		}
		store_decide(store, decision_made(roster->generation));
	}
	return NULL;
}

/* A target is in the rows or in the sums: counters never fall. */
static void
test_changes_meanwhile(void **state)
{
	uint64_t last = 0;
	pthread_t control;

	adopt(0);
	atomic_store(&done, false);
	assert_int_equal(
	    pthread_create(&control, NULL, change_all_the_time, NULL), 0);
	for (unsigned i = 0; i < TAKES || last < TAKES; i++) {
		struct snapshot *s;
		uint64_t sum = 0;

		snapshot_expire(snapshots);
		s = snapshot_get(snapshots);
		for (size_t k = 0; k < SNAP_COUNT(s, failure); k++)
			sum += SNAP(s, failure)[k].count;
		assert_true(sum >= last);
		last = sum;
		snapshot_unref(s);
	}
	atomic_store(&done, true);
	pthread_join(control, NULL);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_target),
	    T(test_never_probed),
	    T(test_phases),
	    T(test_windows),
	    T(test_windows_off),
	    T(test_sums),
	    T(test_histograms_of_targets),
	    T(test_tls),
	    T(test_decision),
	    T(test_shared_for_a_second),
	    T(test_sources),
	    T(test_clock_step),
	    T(test_changes_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
