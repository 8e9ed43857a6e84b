/*
 * A row between threads: whoever reads sees numbers that were there at one
 * moment, and samples of which none is torn and none is missing, whatever the
 * writer does meanwhile, also when the ring grows and shrinks under it.
 */
#include "build.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "dice.h"
#include "kind.h"
#include "row.h"

/* Readers go on until they have seen so much, writers as long as they do. */
enum { READS = 1500, CHANGES = 50, MOST = 1024 };

/* ---- one thread ---- */

static struct sample
made(uint64_t i)
{
	return (struct sample){i, i * UINT64_C(0x9e3779b97f4a7c15)};
}

static void
append(struct row *r, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++) {
		struct sample s = made(i);

		row_append(r, &s);
	}
}

static void
expect(const struct row *r, uint64_t after, size_t max, uint64_t first,
    uint64_t last)
{
	struct sample s[MOST];
	size_t n = row_read_samples(r, after, s, max);

	assert_int_equal(n, last + 1 - first);
	for (size_t i = 0; i < n; i++) {
		struct sample m = made(first + i);

		assert_memory_equal(&s[i], &m, sizeof(m));
	}
}

static void
test_new(void **state)
{
	struct row *r = row_new(64, 0);
	uint64_t w[TALLY_WORDS];
	struct tls_facts facts;

	row_read(r, w);
	for (unsigned i = 0; i < TALLY_WORDS; i++) {
		if (i == TALLY_STATE)
			assert_int_equal(w[i], STATE_UNKNOWN);
		else if (i == TALLY_SHORT_LOSS || i == TALLY_SHORT_RTT)
			assert_true(w[i] == STATS_NONE);
		else if (i != TALLY_JUDGE)
			assert_int_equal(w[i], 0);
	}
	assert_int_equal(row_judge(r)->state, STATE_UNKNOWN);
	assert_int_equal(row_judge(r)->verdict, STATE_UNKNOWN);
	assert_int_equal(row_capacity(r), 64);
	assert_int_equal(row_appended(r), 0);
	assert_false(row_read_tls(r, &facts));
	expect(r, 0, MOST, 1, 0);
	row_unref(r);
	row_unref(NULL);
}

/* When the last handshake showed something else than those before. */
static void
test_tls_changes(void **state)
{
	struct row *r = row_new(64, SHOWS_TLS);
	struct tls_facts f = {.version = "TLSv1.3"}, none = {.sni_required = 2};
	uint64_t now = 100;

	clock_fake(now, 0);
	row_set_tls(r, &f);
	assert_int_equal(row_tls_changed(r), 0); /* no certificate yet */
	f.have_cert = 1;
	for (unsigned i = 0; i < 6; i++) {
		clock_fake(++now, 0);
		row_set_tls(r, &f); /* changed in the last round */
		assert_int_equal(row_tls_changed(r), now);
		clock_fake(now + 1, 0);
		row_set_tls(r, &f);
		row_set_tls(r, &none);
		f.not_after++;
		row_set_tls(r, &f);
		assert_int_equal(row_tls_changed(r), now);
		f.fingerprint[31] += i == 0;
		f.version[6] += i == 1;
		f.cipher[63] += i == 2;
		f.chain += i == 3;
		f.fingerprint[0] += i >= 4;
	}
	row_unref(r);
	r = row_new(64, 0);
	row_set_tls(r, &f);
	assert_int_equal(row_tls_changed(r), 0);
	row_unref(r);
}

static void
test_samples(void **state)
{
	struct row *r = row_new(64, 0);

	append(r, 1, 10);
	expect(r, 0, MOST, 1, 10);
	expect(r, 7, MOST, 8, 10);
	expect(r, 10, MOST, 11, 10);
	expect(r, 0, 4, 7, 10);
	append(r, 11, 63);
	expect(r, 0, MOST, 1, 63);
	/* The oldest place is where the next sample goes: never trusted. */
	append(r, 64, 200);
	expect(r, 0, MOST, 138, 200);
	expect(r, 190, 5, 196, 200);
	row_unref(r);
}

static void
hand_over(struct row *r, uint32_t capacity)
{
	free(atomic_exchange(&r->next_ring, row_ring_new(capacity)));
}

static void
test_ring_of_another_size(void **state)
{
	struct row *r = row_new(64, 0);

	append(r, 1, 100);
	row_adopt_ring(r);
	assert_int_equal(row_capacity(r), 64);
	hand_over(r, 256);
	assert_int_equal(row_capacity(r), 64);
	row_adopt_ring(r);
	assert_int_equal(row_capacity(r), 256);
	/* All 64: in the new one nothing is overwritten soon. */
	expect(r, 0, MOST, 37, 100);
	append(r, 101, 250);
	expect(r, 0, MOST, 37, 250);
	hand_over(r, 128);
	row_adopt_ring(r);
	expect(r, 0, MOST, 124, 250);
	assert_int_equal(row_sample(r, 249).sent_ns, 250);
	/* Two were left behind; they go with the row or with this. */
	row_rings_free(atomic_exchange(&r->replaced, NULL));
	hand_over(r, 64);
	row_unref(r);
}

static void
test_judge(void **state)
{
	struct row *r = row_new(64, 0), *other = row_new(64, 0);
	struct judge j = {.state = STATE_DOWN,
	    .verdict = STATE_UP,
	    .rtt_high = true,
	    .damped = true,
	    .fails = 65535,
	    .oks = 65534,
	    .locals = 65533,
	    .changed_ns = UINT64_MAX - 5,
	    .changes = 77,
	    .flap_from = 123,
	    .flap_count = UINT32_MAX};
	uint64_t w[TALLY_WORDS];

	*row_judge(r) = j;
	row_publish_judge(r);
	row_read(r, w);
	assert_int_equal(w[TALLY_STATE], STATE_DOWN);
	assert_int_equal(w[TALLY_FAILS], 65535);
	row_restore(other, w);
	assert_int_equal(row_judge(other)->verdict, STATE_UP);
	assert_int_equal(row_judge(other)->oks, 65534);
	assert_int_equal(row_judge(other)->locals, 65533);
	assert_true(row_judge(other)->damped && row_judge(other)->rtt_high);
	assert_false(row_judge(other)->error || row_judge(other)->loss_high);
	assert_true(row_judge(other)->changed_ns == UINT64_MAX - 5);
	assert_true(row_judge(other)->flap_count == UINT32_MAX);
	/* A state that there is not. */
	w[TALLY_STATE] = 99;
	w[TALLY_JUDGE] = 0;
	row_restore(other, w);
	assert_int_equal(row_judge(other)->state, STATE_UNKNOWN);
	assert_int_equal(row_judge(other)->verdict, STATE_UNKNOWN);
	row_unref(r);
	row_unref(other);
}

static void
test_link(void **state)
{
	struct row *r = row_new(64, 0);

	assert_false(row_link_was_down(r, 100));
	row_set_link(r, true, 90); /* it was up all the time */
	assert_false(row_link_was_down(r, 50));
	row_set_link(r, false, 200);
	assert_true(row_link_was_down(r, 100));
	assert_true(row_link_was_down(r, 300));
	row_set_link(r, false, 400);
	row_set_link(r, true, 500);
	assert_true(row_link_was_down(r, 499));
	assert_false(row_link_was_down(r, 500));
	row_set_link(r, true, 600);
	assert_false(row_link_was_down(r, 550));
	row_unref(r);
}

static void
test_facts(void **state)
{
	struct row *r = row_new(64, SHOWS_FACTS), *none = row_new(64, 0);
	int64_t value[FACT_END];

	assert_int_equal(row_read_facts(r, value), 0);
	row_set_fact(r, FACT_HTTP_STATUS, 503);
	row_set_fact(r, FACT_NTP_STRATUM, -2);
	row_set_fact(r, FACT_END, 1);
	row_set_fact(none, FACT_HTTP_STATUS, 200);
	assert_int_equal(row_read_facts(r, value),
	    1u << FACT_HTTP_STATUS | 1u << FACT_NTP_STRATUM);
	assert_int_equal(value[FACT_HTTP_STATUS], 503);
	assert_int_equal(value[FACT_NTP_STRATUM], -2);
	assert_int_equal(value[FACT_DNS_ANSWERS], 0);
	assert_int_equal(row_read_facts(none, value), 0);
	row_unref(r);
	row_unref(none);
}

/* ---- two and three threads ---- */

struct stage {
	struct row *row;
	pthread_mutex_t reading; /* as store_read_lock() */
	_Atomic uint64_t written, swaps;
	_Atomic bool done;
};

/* All words of a write are the same number; the facts, too. */
static void *
write_words(void *arg)
{
	struct stage *s = arg;
	struct tls_facts f = {0};

	for (uint64_t v = 1; !atomic_load(&s->done); v++) {
		row_begin(s->row);
		for (unsigned w = 0; w < TALLY_WORDS; w++)
			row_set(s->row, w, v);
		row_end(s->row);
		if (v % 16 != 0)
			continue;
		memset(f.subject, (int)('a' + v / 16 % 26), TLS_TEXT - 1);
		memset(f.issuer, (int)('a' + v / 16 % 26), TLS_TEXT - 1);
		row_set_tls(s->row, &f);
	}
	return NULL;
}

static void
test_words_are_not_torn(void **state)
{
	static struct stage s;
	uint64_t w[TALLY_WORDS], last = 0, seen = 0;
	struct tls_facts f;
	pthread_t writer;

	s.row = row_new(64, true);
	row_begin(s.row);
	for (unsigned i = 0; i < TALLY_WORDS; i++)
		row_set(s.row, i, 0);
	row_end(s.row);
	assert_int_equal(pthread_create(&writer, NULL, write_words, &s), 0);
	for (unsigned i = 0; i < READS || seen < CHANGES; i++) {
		row_read(s.row, w);
		for (unsigned k = 1; k < TALLY_WORDS; k++)
			assert_true(w[k] == w[0]);
		assert_true(w[0] >= last);
		seen += w[0] != last;
		last = w[0];
		if (!row_read_tls(s.row, &f))
			continue;
		assert_string_equal(f.subject, f.issuer);
		assert_int_equal(f.subject[0], f.subject[TLS_TEXT - 2]);
	}
	atomic_store(&s.done, true);
	pthread_join(writer, NULL);
	row_unref(s.row);
}

static void *
write_samples(void *arg)
{
	struct stage *s = arg;

	for (uint64_t i = 1; !atomic_load(&s->done); i++) {
		struct sample m = made(i);

		row_append(s->row, &m);
		atomic_store(&s->written, i);
		if (i % 8 == 0)
			row_adopt_ring(s->row);
	}
	return NULL;
}

/* One read: whole samples, each the next of the one before. */
static void
read_once(struct stage *s, struct dice *d, uint32_t size)
{
	static struct sample out[MOST];
	uint64_t before = atomic_load(&s->written), after = 0, now;
	size_t n, max = 1 + dice_below(d, MOST);

	if (dice_chance(d, 50) && before > 0)
		after = before - dice_below(d, before < 100 ? before : 100);
	n = row_read_samples(s->row, after, out, max);
	for (size_t i = 0; i < n; i++) {
		assert_true(out[i].rest == made(out[i].sent_ns).rest);
		assert_true(i == 0 || out[i].sent_ns == out[i - 1].sent_ns + 1);
	}
	/* With a ring that does not change, what there was, is there; */
	now = atomic_load(&s->written);
	if (size == 0 || before <= after)
		return;
	assert_true(n == 0 || out[0].sent_ns > after);
	/* but for what was overwritten since, or just about to be. */
	if (now + 2 < before + size)
		assert_true(n > 0 && out[n - 1].sent_ns >= before);
	if (n > 0 && n < max && out[0].sent_ns > after + 1)
		assert_true(now + 2 >= out[0].sent_ns + size - 1);
}

static void
test_samples_while_written(void **state)
{
	static const uint32_t size[] = {64, 512};

	for (unsigned k = 0; k < 2; k++) {
		static struct stage s;
		struct dice d = dice_case(k);
		pthread_t writer;

		s = (struct stage){.row = row_new(size[k], 0)};
		assert_int_equal(
		    pthread_create(&writer, NULL, write_samples, &s), 0);
		for (unsigned i = 0;
		     i < READS || atomic_load(&s.written) < 4 * size[k]; i++)
			read_once(&s, &d, size[k]);
		atomic_store(&s.done, true);
		pthread_join(writer, NULL);
		expect(s.row, 0, MOST, s.written - size[k] + 2, s.written);
		row_unref(s.row);
	}
}

/* As the store does it: rings handed over, the replaced ones collected. */
static void *
resize(void *arg)
{
	struct stage *s = arg;
	struct dice d = dice_case(99);

	while (!atomic_load(&s->done)) {
		struct ring *old;

		hand_over(s->row, UINT32_C(64) << dice_below(&d, 4));
		pthread_mutex_lock(&s->reading);
		old = atomic_exchange(&s->row->replaced, NULL);
		row_rings_free(old);
		pthread_mutex_unlock(&s->reading);
		if (old != NULL)
			atomic_fetch_add(&s->swaps, 1);
		else
			sched_yield();
	}
	return NULL;
}

static void
test_ring_swapped_under_reader(void **state)
{
	static struct stage s = {.reading = PTHREAD_MUTEX_INITIALIZER};
	struct dice d = dice_case(5);
	pthread_t writer, control;

	s.row = row_new(256, 0);
	assert_int_equal(pthread_create(&control, NULL, resize, &s), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_samples, &s), 0);
	for (unsigned i = 0; i < READS || atomic_load(&s.swaps) < CHANGES;
	     i++) {
		pthread_mutex_lock(&s.reading);
		read_once(&s, &d, 0);
		pthread_mutex_unlock(&s.reading);
	}
	atomic_store(&s.done, true);
	pthread_join(writer, NULL);
	pthread_join(control, NULL);
	expect(s.row, s.written - 50, MOST, s.written - 49, s.written);
	row_unref(s.row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new),
	    cmocka_unit_test(test_tls_changes),
	    cmocka_unit_test(test_samples),
	    cmocka_unit_test(test_ring_of_another_size),
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_link),
	    cmocka_unit_test(test_facts),
	    cmocka_unit_test(test_words_are_not_torn),
	    cmocka_unit_test(test_samples_while_written),
	    cmocka_unit_test(test_ring_swapped_under_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
