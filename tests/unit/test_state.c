/*
 * What survives a restart: the same numbers, samples and indexes, whatever
 * the wall clock did meanwhile; and files that are not what they should be.
 */
#include "build.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "dice.h"
#include "fleet.h"
#include "log.h"
#include "row.h"
#include "state.h"

#define T0     (1000 * CLOCK_SEC)
#define REAL0  INT64_C(1684923072000000000)
#define HOUR   ((int64_t)(3600 * CLOCK_SEC))
#define MINUTE (60 * CLOCK_SEC)

enum { SAMPLES = 40, BOOT_AT = 12, FILE_MOST = 65536 };

static char dir[64], file[80], other[96], temporary[96];

/* ---- a store with something in it ---- */

/* Every number of a row differs from every other's and from 0. */
static uint64_t
number(unsigned target, unsigned word)
{
	return 1 + target * 1000 + word;
}

static bool
is_time(unsigned word)
{
	return word == TALLY_PROBE_AT || word == TALLY_SUCCESS_AT ||
	       word == TALLY_CHANGED_AT || word == TALLY_MAPPED_AT ||
	       word == TALLY_FLAP_FROM;
}

static struct judge
judge_made(unsigned target)
{
	return (struct judge){.state = STATE_DEGRADED,
	    .verdict = STATE_UP,
	    .loss_high = target % 2 == 0,
	    .rtt_high = target % 2 == 1,
	    .error = true,
	    .damped = true,
	    .fails = (uint16_t)(target + 1),
	    .oks = (uint16_t)(target + 2),
	    .locals = (uint16_t)(target + 3),
	    .changed_ns = T0 - 7 * MINUTE,
	    .changes = target + 4,
	    .flap_from = T0 - 3 * MINUTE,
	    .flap_count = target + 5};
}

static struct sample
sample_made(unsigned target, unsigned i)
{
	enum outcome o = i % 7 == 3 ? OUTCOME_TIMEOUT : OUTCOME_ANSWERED;

	return sample_make(T0 - (SAMPLES - i) * CLOCK_SEC + target,
	    o == OUTCOME_ANSWERED ? 1000000 + i * 1000 + target : 0, o,
	    SAMPLE_LAST);
}

static void
fill_row(struct row *r, unsigned target)
{
	struct addr mapped;
	uint8_t bytes[4] = {203, 0, 113, (uint8_t)target};

	row_begin(r);
	for (unsigned w = 0; w < TALLY_WORDS; w++)
		row_set(r, w,
		    is_time(w) ? T0 - number(target, w) : number(target, w));
	row_set(r, TALLY_LAST_OUTCOME, OUTCOME_TIMEOUT);
	addr_from_bytes(&mapped, AF_INET, bytes, (uint16_t)(40000 + target));
	row_set_addr(r, TALLY_MAPPED, &mapped);
	*row_judge(r) = judge_made(target);
	row_publish_judge(r);
	row_end(r);
	for (unsigned i = 0; i < SAMPLES; i++) {
		struct sample s = sample_made(target, i);

		row_append(r, &s);
	}
}

static struct roster *
adopt(struct store *s, unsigned first, unsigned n)
{
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = first; i < first + n; i++)
		fleet_add(
		    &inv, &(struct fleet_spec){.number = i, .cluster = "fra1"});
	fleet_add_cluster(&inv, "fra1", CLUSTER_CLASS_PUBLIC);
	r = store_adopt(s, &inv, fleet_loop);
	assert_non_null(r);
	fleet_clear(&inv);
	return r;
}

/* Targets 0 to 3, of which 0 departs again. */
static struct store *
store_made(void)
{
	struct store *s = store_new();
	struct roster *r = adopt(s, 0, 4);

	for (unsigned i = 0; i < 4; i++)
		fill_row(r->entry[i].row, i);
	roster_unref(r);
	roster_unref(adopt(s, 1, 3));
	return s;
}

static void
save_made(void)
{
	struct store *s;

	clock_fake(T0, REAL0);
	s = store_made();
	assert_int_equal(state_save(s, file), 0);
	store_free(s);
}

/* ---- files ---- */

static size_t
slurp(uint8_t *to)
{
	int fd = open(file, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, to, FILE_MOST);
	assert_true(n > 0 && n < FILE_MOST);
	close(fd);
	return (size_t)n;
}

static void
spill(const void *from, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, from, n), n);
	close(fd);
}

/* As if it had been written so: the checksum is that of what stands there. */
static void
spill_summed(uint8_t *from, size_t n)
{
	uint32_t sum = (uint32_t)crc32(0, from, (uInt)(n - 4));

	for (unsigned i = 0; i < 4; i++)
		from[n - 4 + i] = (uint8_t)(sum >> (8 * i));
	spill(from, n);
}

static int
set_up(void **state)
{
	snprintf(dir, sizeof(dir), "test_state.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/state", dir);
	snprintf(other, sizeof(other), "%s.damaged", file);
	snprintf(
	    temporary, sizeof(temporary), "%s.tmp.%ld", file, (long)getpid());
	/* A thousand damaged files would be a thousand lines. */
	log_setup(LOG_LEVELS, LOG_FORMAT_LOGFMT);
	return 0;
}

static int
tear_down(void **state)
{
	rmdir(temporary);
	unlink(file);
	unlink(other);
	return rmdir(dir);
}

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- expectations ---- */

static void
expect_judge(const struct judge *is, const struct judge *want)
{
	assert_int_equal(is->state, want->state);
	assert_int_equal(is->verdict, want->verdict);
	assert_int_equal(is->loss_high, want->loss_high);
	assert_int_equal(is->rtt_high, want->rtt_high);
	assert_int_equal(is->error, want->error);
	assert_int_equal(is->damped, want->damped);
	assert_int_equal(is->fails, want->fails);
	assert_int_equal(is->oks, want->oks);
	assert_int_equal(is->locals, want->locals);
	assert_int_equal(is->changed_ns, want->changed_ns);
	assert_int_equal(is->changes, want->changes);
	assert_int_equal(is->flap_from, want->flap_from);
	assert_int_equal(is->flap_count, want->flap_count);
}

static void
expect_row(struct roster_entry *e, int64_t shift)
{
	unsigned t = (unsigned)strtoul(e->target->name + 7, NULL, 10);
	struct judge want = judge_made(t);
	struct sample s[64];
	uint64_t w[TALLY_WORDS];

	want.changed_ns += (uint64_t)shift;
	want.flap_from += (uint64_t)shift;
	expect_judge(row_judge(e->row), &want);
	row_read(e->row, w);
	assert_int_equal(w[TALLY_PROBE_AT],
	    T0 - number(t, TALLY_PROBE_AT) + (uint64_t)shift);
	assert_int_equal(w[TALLY_SUCCESS_AT],
	    T0 - number(t, TALLY_SUCCESS_AT) + (uint64_t)shift);
	assert_int_equal(w[TALLY_REQUESTS], number(t, TALLY_REQUESTS));
	assert_int_equal(w[TALLY_LOCAL_PORT], number(t, TALLY_LOCAL_PORT));
	for (unsigned i = TALLY_PHASE; i < TALLY_WORDS; i++)
		assert_int_equal(w[i], number(t, i));
	if (shift != 0)
		return;
	assert_int_equal(row_read_samples(e->row, 0, s, 64), SAMPLES);
	for (unsigned i = 0; i < SAMPLES; i++) {
		struct sample made = sample_made(t, i);

		assert_memory_equal(&s[i], &made, sizeof(made));
	}
}

static void
expect_all(struct store *s, int64_t shift)
{
	struct roster *r = adopt(s, 1, 4);

	assert_int_equal(r->entries, 4);
	for (unsigned i = 0; i < 3; i++) {
		/* Target 0 keeps index 1. */
		assert_int_equal(r->entry[i].target->index, i + 2);
		expect_row(&r->entry[i], shift);
	}
	assert_int_equal(r->entry[3].target->index, 5);
	assert_int_equal(row_appended(r->entry[3].row), 0);
	assert_int_equal(r->cluster[0].index, 1);
	roster_unref(r);
}

static void
check_departed(void *arg, const struct departed *d)
{
	assert_int_equal(d->transport, TRANSPORT_UDP);
	assert_string_equal(d->cluster, "fra1");
	assert_int_equal(d->rtt_sum, number(0, TALLY_RTT_SUM));
	for (unsigned i = 0; i < OUTCOME_END - 1; i++)
		assert_int_equal(d->ended[i], number(0, TALLY_ENDED + i));
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		assert_int_equal(d->bucket[i], number(0, TALLY_BUCKET + i));
	++*(unsigned *)arg;
}

static void
count_row(void *arg, const char *key, struct row *r)
{
	assert_true(key[0] != '\0' && row_capacity(r) >= 64);
	++*(unsigned *)arg;
}

static void
count_index(void *arg, int kind, const char *name, uint32_t index)
{
	assert_true(kind >= 0 && name[0] != '\0' && index > 0);
	++*(unsigned *)arg;
}

static unsigned
rows_in(struct store *s)
{
	unsigned n = 0;

	store_row_each(s, count_row, &n);
	return n;
}

static void
expect_nothing(struct store *s)
{
	unsigned n = 0;

	store_index_each(s, count_index, &n);
	store_departed_each(s, check_departed, &n);
	assert_int_equal(n + rows_in(s), 0);
}

/* ---- the tests ---- */

static void
test_all_comes_back(void **state)
{
	struct store *s = store_new();
	unsigned sums = 0;

	save_made();
	clock_fake(T0 + MINUTE, REAL0 + (int64_t)MINUTE);
	assert_int_equal(state_load(s, file), 0);
	store_departed_each(s, check_departed, &sums);
	assert_int_equal(sums, 1);
	expect_all(s, 0);
	assert_true(exists(file));
	assert_false(exists(other));
	store_free(s);
}

/* The clock was set while we were away: monotonic times are as they were. */
static void
test_clock_steps(void **state)
{
	static const int64_t step[] = {26 * HOUR, -26 * HOUR, -1, 600 * HOUR};

	save_made();
	for (unsigned i = 0; i < 4; i++) {
		struct store *s = store_new();

		clock_fake(T0 + MINUTE, REAL0 + (int64_t)MINUTE + step[i]);
		assert_int_equal(state_load(s, file), 0);
		expect_all(s, 0);
		store_free(s);
	}
}

/* The monotonic clock began anew: moments stay, ages cannot be known. */
static void
test_other_boot(void **state)
{
	/* as long after the save as the new boot is old, less a minute */
	int64_t real = REAL0 + (int64_t)(2 * MINUTE);
	int64_t shift = (int64_t)MINUTE - (int64_t)T0 - (int64_t)(2 * MINUTE);
	uint8_t bytes[FILE_MOST];
	struct store *s = store_new();
	struct roster *r;
	size_t n;

	save_made();
	n = slurp(bytes);
	bytes[BOOT_AT] = bytes[BOOT_AT] == 'a' ? 'b' : 'a';
	spill_summed(bytes, n);
	clock_fake(MINUTE, real);
	assert_int_equal(state_load(s, file), 0);
	expect_all(s, shift);
	r = store_roster(s);
	for (unsigned i = 0; i < 3; i++) {
		struct row *row = r->entry[i].row;

		assert_int_equal(row_appended(row), 0);
		assert_int_equal(row_get(row, TALLY_MAPPED_AT), 0);
		assert_int_equal(row_get(row, TALLY_SHORT_LOSS), STATS_NONE);
	}
	roster_unref(r);
	store_free(s);
}

/* The same boot by name, but its time runs before that of the file. */
static void
test_time_before(void **state)
{
	struct store *s = store_new();
	struct roster *r;

	save_made();
	clock_fake(T0 - 1, REAL0 + 5);
	assert_int_equal(state_load(s, file), 0);
	r = adopt(s, 1, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(row_appended(r->entry[i].row), 0);
		assert_int_equal(row_get(r->entry[i].row, TALLY_REQUESTS),
		    number(i + 1, TALLY_REQUESTS));
	}
	roster_unref(r);
	store_free(s);
}

static void
test_future_samples(void **state)
{
	struct sample late =
	    sample_make(T0 + 2 * MINUTE, 5, OUTCOME_ANSWERED, SAMPLE_LAST);
	struct store *s;
	struct roster *r;

	clock_fake(T0, REAL0);
	s = store_made();
	r = store_roster(s);
	row_append(r->entry[0].row, &late);
	assert_int_equal(state_save(s, file), 0);
	roster_unref(r);
	store_free(s);
	s = store_new();
	clock_fake(T0 + MINUTE, REAL0);
	assert_int_equal(state_load(s, file), 0);
	expect_all(s, 0);
	store_free(s);
}

/* What was judged long ago is not known any more; counters go on. */
static void
test_long_stop(void **state)
{
	struct store *s = store_new();
	struct roster *r;
	struct judge *j;

	save_made();
	clock_fake(T0 + 11 * MINUTE, REAL0);
	assert_int_equal(state_load(s, file), 0);
	r = adopt(s, 1, 3);
	j = row_judge(r->entry[0].row);
	assert_int_equal(j->state, STATE_UNKNOWN);
	assert_int_equal(j->verdict, STATE_UNKNOWN);
	assert_int_equal(j->fails + j->oks + j->locals, 0);
	assert_false(j->damped || j->error || j->loss_high || j->rtt_high);
	assert_int_equal(j->changed_ns, T0 + 11 * MINUTE);
	assert_int_equal(j->changes, 5);
	assert_int_equal(row_get(r->entry[0].row, TALLY_STATE), STATE_UNKNOWN);
	assert_int_equal(row_appended(r->entry[0].row), SAMPLES);
	assert_int_equal(row_get(r->entry[0].row, TALLY_REQUESTS),
	    number(1, TALLY_REQUESTS));
	roster_unref(r);
	store_free(s);
}

/* What no target has claimed yet is kept for the next restart. */
static void
test_unclaimed_is_kept(void **state)
{
	struct store *s = store_new();

	save_made();
	clock_fake(T0 + MINUTE, REAL0);
	assert_int_equal(state_load(s, file), 0);
	roster_unref(adopt(s, 1, 1));
	assert_int_equal(rows_in(s), 3);
	assert_int_equal(state_save(s, file), 0);
	store_free(s);

	s = store_new();
	assert_int_equal(state_load(s, file), 0);
	assert_int_equal(rows_in(s), 3);
	expect_all(s, 0);
	store_free(s);

	s = store_new();
	assert_int_equal(state_load(s, file), 0);
	roster_unref(adopt(s, 1, 1));
	store_restored_drop(s);
	assert_int_equal(rows_in(s), 1);
	store_free(s);
}

static void
test_file_is_private(void **state)
{
	struct stat st;

	umask(0);
	save_made();
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(exists(temporary));
	/* One that a process of our number left behind is in nobody's way. */
	assert_int_equal(close(open(temporary, O_WRONLY | O_CREAT, 0666)), 0);
	save_made();
	assert_false(exists(temporary));
}

static void
test_failed_save_keeps_old(void **state)
{
	uint8_t before[FILE_MOST], after[FILE_MOST];
	struct store *s = store_new();
	size_t n;

	save_made();
	n = slurp(before);
	assert_int_equal(mkdir(temporary, 0700), 0);
	assert_int_equal(state_save(s, file), -EEXIST);
	assert_int_equal(slurp(after), n);
	assert_memory_equal(before, after, n);
	assert_int_equal(rmdir(temporary), 0);
	assert_int_equal(state_save(s, "test_state.none/state"), -ENOENT);
	store_free(s);
}

static void
test_no_file(void **state)
{
	struct store *s = store_new();

	unlink(file);
	assert_int_equal(state_load(s, file), -ENOENT);
	assert_false(exists(other));
	assert_int_equal(state_load(s, dir), -EISDIR);
	assert_true(exists(dir));
	store_free(s);
}

/* Nothing is taken in and the file stands aside. */
static void
expect_set_aside(const void *bytes, size_t n)
{
	struct store *s = store_new();

	spill(bytes, n);
	assert_int_equal(state_load(s, file), -EBADMSG);
	assert_false(exists(file));
	assert_true(exists(other));
	expect_nothing(s);
	store_free(s);
	unlink(other);
}

static void
test_foreign(void **state)
{
	static const char text[] = "# TYPE reachd_up gauge\nreachd_up 1\n";

	expect_set_aside(text, sizeof(text) - 1);
	expect_set_aside("", 0);
	expect_set_aside("reachd\r\n", 8);
}

static void
test_newer_version(void **state)
{
	uint8_t bytes[FILE_MOST];
	size_t n;

	save_made();
	n = slurp(bytes);
	bytes[8]++;
	spill_summed(bytes, n);
	n = slurp(bytes);
	expect_set_aside(bytes, n);
}

static void
test_truncated(void **state)
{
	uint8_t bytes[FILE_MOST];
	size_t n;

	save_made();
	n = slurp(bytes);
	for (size_t len = 0; len < n; len += len < 400 ? 1 : 61)
		expect_set_aside(bytes, len);
}

static void
test_flipped(void **state)
{
	uint8_t bytes[FILE_MOST];
	size_t n;

	save_made();
	n = slurp(bytes);
	for (size_t at = 0; at < n; at += at < 400 ? 1 : 61) {
		bytes[at] ^= (uint8_t)(1 << at % 8);
		expect_set_aside(bytes, n);
		bytes[at] ^= (uint8_t)(1 << at % 8);
	}
}

/* Where the bytes stand in the file. */
static uint8_t *
find(uint8_t *in, size_t n, const void *bytes, size_t len)
{
	for (size_t i = 0; i + len <= n; i++)
		if (memcmp(in + i, bytes, len) == 0)
			return in + i;
	fail_msg("not found");
	return NULL;
}

/* Wrong in itself, though the checksum is right. */
static void
test_nonsense(void **state)
{
	uint64_t rest = htole64(sample_made(2, 5).rest);
	uint8_t made[FILE_MOST], bytes[FILE_MOST];
	size_t n;

	save_made();
	n = slurp(made);
	for (unsigned i = 0; i < 4; i++) {
		memcpy(bytes, made, n);
		if (i == 0) /* an outcome that there is not */
			find(bytes, n, &rest, 8)[2] = OUTCOME_END;
		else if (i == 1)
			find(bytes, n, &rest, 8)[2] = 0;
		else if (i == 2) /* two with the index of target-1 */
			find(bytes, n, "target-3", 8)[8] =
			    find(bytes, n, "target-1", 8)[8];
		else /* a name that ends before its end */
			find(bytes, n, "target-3", 8)[4] = '\0';
		spill_summed(bytes, n);
		n = slurp(bytes);
		expect_set_aside(bytes, n);
	}
}

/* Something is wrong in it, and its checksum says that nothing is. */
static void
load_forged(uint8_t *bytes, size_t n, struct dice *d)
{
	struct store *s = store_new();
	int err;

	spill_summed(bytes, n);
	err = state_load(s, file);
	if (err != 0 && err != -EBADMSG)
		print_error("SEED=%" PRIu64 ": %d\n", d->seed, err);
	assert_true(err == 0 || err == -EBADMSG);
	if (err == 0) {
		roster_unref(adopt(s, 0, 5));
		if (d->seed % 50 == 0)
			assert_int_equal(state_save(s, file), 0);
	} else {
		expect_nothing(s);
	}
	store_free(s);
	unlink(other);
}

static void
test_forged(void **state)
{
	uint8_t made[FILE_MOST], bytes[FILE_MOST];
	size_t n;

	save_made();
	n = slurp(made);
	for (uint64_t i = 0; i < 1500; i++) {
		struct dice d = dice_case(i);
		size_t len = n;

		memcpy(bytes, made, n);
		for (uint64_t k = dice_below(&d, 8); k > 0; k--)
			bytes[dice_below(&d, i % 2 == 0 ? n : 400)] =
			    (uint8_t)dice_next(&d);
		if (dice_chance(&d, 20))
			len = 4 + dice_below(&d, n - 4);
		load_forged(bytes, len, &d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_comes_back),
	    cmocka_unit_test(test_clock_steps),
	    cmocka_unit_test(test_other_boot),
	    cmocka_unit_test(test_time_before),
	    cmocka_unit_test(test_future_samples),
	    cmocka_unit_test(test_long_stop),
	    cmocka_unit_test(test_unclaimed_is_kept),
	    cmocka_unit_test(test_file_is_private),
	    cmocka_unit_test(test_failed_save_keeps_old),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_newer_version),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_flipped),
	    cmocka_unit_test(test_nonsense),
	    cmocka_unit_test(test_forged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
