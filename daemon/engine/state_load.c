/*
 * Loading a state file: it is looked at as a whole before anything of it is
 * taken in.
 *
 * Within one boot times are taken back by the offset that they were written
 * with, so a wall clock that was set between does not show. A sample of an
 * earlier boot cannot lie in this one's monotonic time, which began after it;
 * if the clock says it does, the clock lies, so none of them is taken.
 */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "index.h"
#include "log.h"
#include "proxy.h"
#include "native.h"
#include "record.h"
#include "row.h"
#include "state.h"
#include "state_form.h"

enum {
	SAMPLE_BYTES = 16,
	CAPACITY_LEAST = 64,
	INDEX_MOST = INT32_MAX /* of an index in the MIB */
};

/* What was judged longer ago than this is not known any more. */
#define STALE (10 * 60 * CLOCK_SEC)
/* Without boot ids: clocks that drifted apart by less are of one boot. */
#define OFFSET_NEAR ((int64_t)CLOCK_SEC)

struct load {
	struct record_in in;
	struct store *store; /* NULL: it is only looked at */
	struct index seen;   /* indexes that were given out */
	const char *why;     /* it is damaged; NULL: it is not */
	int err;
	/* from the header */
	uint8_t words, phases, outcomes, buckets;
	bool same_boot, stale, same_bounds;
	int64_t offset; /* takes a time into this boot */
	uint64_t now;
	size_t rows, samples;
};

static void
damaged(struct load *l, const char *why)
{
	if (l->why == NULL)
		l->why = why;
}

static uint64_t
get_time(struct load *l)
{
	int64_t real = (int64_t)record_get64(&l->in);

	/* A damaged one may be anything: no overflow. */
	return real == 0 ? 0 : (uint64_t)real - (uint64_t)l->offset;
}

/* n numbers of the file, of which we know what the first `most` are. */
static void
get_words(struct load *l, uint64_t *to, unsigned n, unsigned most)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t v = record_get64(&l->in);

		if (i < most)
			to[i] = v;
	}
}

/* A text of that length without a NUL, into out[size]. */
static bool
get_text(struct load *l, char *out, size_t len, size_t size)
{
	const uint8_t *bytes;

	if (len >= size)
		return false;
	bytes = record_get(&l->in, len);
	if (bytes == NULL || memchr(bytes, '\0', len) != NULL)
		return false;
	memcpy(out, bytes, len);
	out[len] = '\0';
	return true;
}

/* Whether the file was written in this boot of the machine, and lately. */
static void
place_in_time(struct load *l, const uint8_t *boot, uint64_t mono, int64_t real)
{
	static const char none[STATE_BOOT_ID];
	char ours[STATE_BOOT_ID];
	int64_t offset = clock_offset();
	int64_t then = (int64_t)((uint64_t)real - mono);
	uint64_t age;

	state_form_boot_id(ours);
	l->now = clock_mono();
	if (memcmp(boot, none, STATE_BOOT_ID) != 0 &&
	    memcmp(ours, none, STATE_BOOT_ID) != 0)
		l->same_boot = memcmp(boot, ours, STATE_BOOT_ID) == 0;
	else
		l->same_boot =
		    then > offset - OFFSET_NEAR && then < offset + OFFSET_NEAR;
	l->same_boot = l->same_boot && mono <= l->now;
	l->offset = l->same_boot ? then : offset;
	age = l->now - ((uint64_t)real - (uint64_t)l->offset);
	l->stale = age > STALE; /* also when it is from the future */
}

/* Whether it is a whole file of ours, of this version. */
static bool
load_magic(struct load *l)
{
	struct record_in start = l->in;
	const uint8_t *bytes = record_get(&start, STATE_MAGIC);

	if (bytes == NULL || memcmp(bytes, state_form_magic, STATE_MAGIC) != 0)
		damaged(l, "it is no state file");
	else if (record_get32(&start) != STATE_VERSION)
		damaged(l, "it is of another version");
	else if (!record_check(&l->in))
		damaged(l, "its checksum is wrong");
	l->in.at = start.at;
	return l->why == NULL;
}

/* How many numbers of each sort it has; what is new here keeps its 0. */
static void
load_shape(struct load *l)
{
	l->words = record_get8(&l->in);
	l->phases = record_get8(&l->in);
	l->outcomes = record_get8(&l->in);
	l->buckets = record_get8(&l->in);
	if (l->words > STATE_WORDS || l->phases > STATE_PHASES ||
	    l->outcomes > STATE_OUTCOMES || l->buckets == 0)
		damaged(l, "there are numbers in it that are not known here");
	l->same_bounds = l->buckets == STATS_BUCKETS;
	for (unsigned i = 0; i + 1 < l->buckets; i++) {
		uint64_t bound = record_get64(&l->in);

		if (l->same_bounds && bound != stats_bounds[i])
			l->same_bounds = false;
	}
}

static void
load_header(struct load *l)
{
	const uint8_t *boot;
	uint64_t mono, real;

	if (!load_magic(l))
		return;
	boot = record_get(&l->in, STATE_BOOT_ID);
	mono = record_get64(&l->in);
	real = record_get64(&l->in);
	if (boot == NULL)
		return;
	place_in_time(l, boot, mono, (int64_t)real);
	load_shape(l);
}

static void
load_index(struct load *l)
{
	static const size_t longest[] = {
	    TARGET_NAME, CLUSTER_NAME, PROXY_NAME};
	char name[CLUSTER_NAME + 1], number[32];
	uint8_t kind = record_get8(&l->in), len = record_get8(&l->in);
	struct index_entry *e;
	uint32_t index;

	if (kind >= sizeof(longest) / sizeof(*longest) || len == 0 ||
	    !get_text(l, name, len, longest[kind] + 1)) {
		damaged(l, "a name in it is wrong");
		return;
	}
	index = record_get32(&l->in);
	if (l->store != NULL) {
		store_index_set(l->store, kind, name, index);
		return;
	}
	snprintf(number, sizeof(number), "%u %" PRIu32, kind, index);
	e = index_add(&l->seen, number);
	if (e == NULL)
		l->err = -ENOMEM;
	else if (e->value++ > 0 || index == 0 || index > INDEX_MOST)
		damaged(l, "an index in it is wrong");
}

static void
get_addr(struct load *l, uint64_t w[4])
{
	uint8_t len = record_get8(&l->in);
	const uint8_t *bytes = record_get(&l->in, 16);
	uint16_t port = record_get16(&l->in);
	struct addr a = {0};

	_Static_assert(sizeof(a) <= 4 * sizeof(w[0]), "four words hold it");
	if (bytes != NULL && (len == 4 || len == 16))
		addr_from_bytes(&a, len == 4 ? AF_INET : AF_INET6, bytes, port);
	memset(w, 0, 4 * sizeof(*w));
	memcpy(w, &a, sizeof(a));
}

/* The buckets, unless they were others. */
static void
get_buckets(struct load *l, uint64_t *bucket, uint64_t *sum)
{
	get_words(l, bucket, l->buckets, l->same_bounds ? STATS_BUCKETS : 0);
	if (!l->same_bounds)
		*sum = 0;
}

/* What cannot be told any more from what was judged then. */
static void
age_words(const struct load *l, uint64_t w[TALLY_WORDS])
{
	if (w[TALLY_LAST_OUTCOME] >= OUTCOME_END)
		w[TALLY_LAST_OUTCOME] = 0;
	if (!l->same_boot)
		w[TALLY_MAPPED_AT] = 0;
	if (!l->same_boot || l->stale)
		w[TALLY_SHORT_LOSS] = w[TALLY_SHORT_RTT] = STATS_NONE;
	if (!l->stale || w[TALLY_STATE] == STATE_UNKNOWN)
		return;
	w[TALLY_STATE] = STATE_UNKNOWN;
	w[TALLY_CHANGED_AT] = w[TALLY_FLAP_FROM] = l->now;
	w[TALLY_FAILS] = w[TALLY_LOSS_HIGH] = w[TALLY_RTT_HIGH] = 0;
	w[TALLY_JUDGE] = w[TALLY_FLAP_COUNT] = 0;
}

static void
get_row_words(struct load *l, uint64_t w[TALLY_WORDS])
{
	memset(w, 0, TALLY_WORDS * sizeof(*w));
	for (unsigned i = 0; i < l->words; i++)
		w[state_form_words[i].word] = state_form_words[i].time
						  ? get_time(l)
						  : record_get64(&l->in);
	get_addr(l, &w[TALLY_MAPPED]);
	get_words(l, &w[TALLY_PHASE], l->phases, STATE_PHASES);
	get_words(l, &w[TALLY_ENDED], l->outcomes, STATE_OUTCOMES);
	get_buckets(l, &w[TALLY_BUCKET], &w[TALLY_RTT_SUM]);
	age_words(l, w);
}

/* Of n samples those that lie in this boot's past go to out. */
static size_t
get_samples(struct load *l, struct sample *out, size_t n)
{
	uint64_t last = 1;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct sample s;

		s.sent_ns = get_time(l);
		s.rest = record_get64(&l->in);
		if (sample_outcome(&s) == OUTCOME_NONE ||
		    sample_outcome(&s) >= OUTCOME_END)
			damaged(l, "a sample in it is wrong");
		if (!l->same_boot || s.sent_ns < last || s.sent_ns > l->now)
			continue;
		last = s.sent_ns;
		out[kept++] = s;
	}
	return kept;
}

static void
take_row(struct load *l, const char *key, const uint64_t w[TALLY_WORDS],
    const struct sample *s, size_t n)
{
	uint32_t capacity = CAPACITY_LEAST;
	struct row *r;

	while (capacity < n + 1)
		capacity *= 2;
	r = store_row_restore(l->store, key, capacity);
	if (r == NULL) {
		l->err = -ENOMEM;
		return;
	}
	row_restore(r, w);
	for (size_t i = 0; i < n; i++)
		row_append(r, &s[i]);
	l->rows++;
	l->samples += n;
}

static void
load_row(struct load *l)
{
	uint16_t len = record_get16(&l->in);
	uint64_t w[TALLY_WORDS];
	struct sample *sample;
	char key[TARGET_KEY];
	size_t n;

	if (len == 0 || !get_text(l, key, len, sizeof(key))) {
		damaged(l, "a key in it is wrong");
		return;
	}
	get_row_words(l, w);
	n = record_get32(&l->in);
	if (n > record_left(&l->in) / SAMPLE_BYTES) {
		l->in.bad = true;
		return;
	}
	sample = malloc((n + 1) * sizeof(*sample));
	if (sample == NULL) {
		l->err = -ENOMEM;
		return;
	}
	n = get_samples(l, sample, n);
	if (l->store != NULL)
		take_row(l, key, w, sample, n);
	free(sample);
}

static void
load_departed(struct load *l)
{
	struct departed d = {.transport = record_get8(&l->in)};
	uint8_t len = record_get8(&l->in);

	if (d.transport == 0 || d.transport >= TRANSPORT_END ||
	    !get_text(l, d.cluster, len, sizeof(d.cluster))) {
		damaged(l, "a sum in it is wrong");
		return;
	}
	d.rtt_sum = record_get64(&l->in);
	get_words(l, d.ended, l->outcomes, STATE_OUTCOMES);
	get_buckets(l, d.bucket, &d.rtt_sum);
	if (l->store != NULL && store_departed_add(l->store, &d) < 0)
		l->err = -ENOMEM;
}

static void
load_native(struct load *l)
{
	enum transport transport = record_get8(&l->in);
	uint8_t len = record_get8(&l->in);
	char cluster[CLUSTER_NAME + 1];
	struct native *n = NULL;
	unsigned first, end;
	uint64_t zero;

	if (transport == 0 || transport >= TRANSPORT_END ||
	    !get_text(l, cluster, len, sizeof(cluster))) {
		damaged(l, "a histogram in it is wrong");
		return;
	}
	zero = record_get64(&l->in);
	first = record_get16(&l->in);
	end = first + record_get16(&l->in);
	if (end > STATS_NATIVE) {
		damaged(l, "a histogram in it is wrong");
		return;
	}
	if (l->store != NULL) {
		n = store_native(l->store, transport, cluster);
		l->err = n == NULL ? -ENOMEM : 0;
	}
	if (n != NULL)
		native_add_many(n, -1, zero);
	for (unsigned i = first; i < end; i++) {
		uint64_t count = record_get64(&l->in);

		if (n != NULL)
			native_add_many(n, (int)i, count);
	}
}

/* One pass over what follows the header. */
static void
load_all(struct load *l)
{
	while (l->err == 0 && l->why == NULL) {
		uint8_t tag = record_get8(&l->in);

		if (l->in.bad)
			damaged(l, "it ends too early");
		else if (tag == STATE_TAG_INDEX)
			load_index(l);
		else if (tag == STATE_TAG_ROW)
			load_row(l);
		else if (tag == STATE_TAG_DEPARTED)
			load_departed(l);
		else if (tag == STATE_TAG_NATIVE)
			load_native(l);
		else if (tag != STATE_TAG_END || l->in.at != l->in.end)
			damaged(l, "what is in it is not known here");
		else
			return;
	}
}

/* Looks at everything, then takes it in. */
static int
load_file(struct load *l, struct store *s)
{
	struct record_in start;

	load_header(l);
	start = l->in;
	load_all(l);
	index_free(&l->seen);
	if (l->in.bad)
		damaged(l, "it ends too early");
	if (l->err == 0 && l->why == NULL) {
		l->in = start;
		l->store = s;
		load_all(l);
	}
	return l->why != NULL ? -EBADMSG : l->err;
}

static void
set_aside(const char *file, const char *why)
{
	size_t size = strlen(file) + sizeof(".damaged");
	char *other = malloc(size);

	if (other == NULL)
		return;
	snprintf(other, size, "%s.damaged", file);
	if (rename(file, other) == 0)
		log_error("state",
		    "%s is not used, for %s; it is now %s.damaged", file, why,
		    file);
	else
		log_error("state", "%s is not used, for %s; renaming it: %s",
		    file, why, strerror(errno));
	free(other);
}

int
state_load(struct store *s, const char *file)
{
	struct load l = {0};
	char *data = NULL;
	int err = record_read(file, &data, &l.in);

	if (err == -ENOENT)
		return err;
	if (err == 0)
		err = load_file(&l, s);
	else if (err == -EFBIG) {
		damaged(&l, "it is too large");
		err = -EBADMSG;
	}
	free(data);
	if (l.why != NULL)
		set_aside(file, l.why);
	else if (err < 0)
		log_error(
		    "state", "%s cannot be read: %s", file, strerror(-err));
	else
		log_info("state", "%zu targets with %zu samples from %s%s",
		    l.rows, l.samples, file,
		    l.same_boot ? "" : ", saved before the machine restarted");
	return err;
}
