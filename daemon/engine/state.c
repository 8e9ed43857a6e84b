/*
 * Saving what survives a restart: every row is read without stopping its
 * writer, so this costs the control thread a while and the loops nothing.
 */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "native.h"
#include "record.h"
#include "row.h"
#include "state.h"
#include "state_form.h"

struct save {
	struct record_out *out;
	int64_t offset; /* wall clock minus monotonic */
	struct sample *sample;
	size_t room;
};

static void
put_time(struct save *v, uint64_t mono)
{
	int64_t real = mono == 0 ? 0 : (int64_t)mono + v->offset;

	record_put64(v->out, (uint64_t)real);
}

static void
put_words(struct save *v, const uint64_t *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		record_put64(v->out, from[i]);
}

static void
put_header(struct save *v)
{
	char boot[STATE_BOOT_ID];
	uint64_t now = clock_mono();

	state_form_boot_id(boot);
	record_put(v->out, state_form_magic, STATE_MAGIC);
	record_put32(v->out, STATE_VERSION);
	record_put(v->out, boot, sizeof(boot));
	record_put64(v->out, now);
	put_time(v, now);
	record_put8(v->out, STATE_WORDS);
	record_put8(v->out, STATE_PHASES);
	record_put8(v->out, STATE_OUTCOMES);
	record_put8(v->out, STATS_BUCKETS);
	put_words(v, stats_bounds, STATS_BOUNDS);
}

static void
put_index(void *arg, int kind, const char *name, uint32_t index)
{
	struct save *v = arg;
	size_t len = strlen(name);

	record_put8(v->out, STATE_TAG_INDEX);
	record_put8(v->out, (uint8_t)kind);
	record_put8(v->out, (uint8_t)len);
	record_put(v->out, name, len);
	record_put32(v->out, index);
}

static void
put_addr(struct save *v, const struct addr *a)
{
	uint8_t field[16] = {0};
	unsigned len = 0;
	const uint8_t *bytes = addr_bytes(a, &len);

	if (bytes != NULL)
		memcpy(field, bytes, len);
	record_put8(v->out, bytes == NULL ? 0 : (uint8_t)len);
	record_put(v->out, field, sizeof(field));
	record_put16(v->out, bytes == NULL ? 0 : addr_port(a));
}

static void
put_samples(struct save *v, const struct row *r)
{
	size_t capacity = row_capacity(r), n;

	if (capacity > v->room) {
		free(v->sample);
		v->sample = malloc(capacity * sizeof(*v->sample));
		v->room = v->sample != NULL ? capacity : 0;
	}
	if (v->room == 0) {
		record_fail(v->out, -ENOMEM);
		return;
	}
	n = row_read_samples(r, 0, v->sample, v->room);
	record_put32(v->out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		put_time(v, v->sample[i].sent_ns);
		record_put64(v->out, v->sample[i].rest);
	}
}

static void
put_row(void *arg, const char *key, struct row *r)
{
	struct save *v = arg;
	size_t len = strlen(key);
	uint64_t w[TALLY_WORDS];
	struct addr mapped;

	row_read(r, w);
	record_put8(v->out, STATE_TAG_ROW);
	record_put16(v->out, (uint16_t)len);
	record_put(v->out, key, len);
	for (unsigned i = 0; i < STATE_WORDS; i++) {
		if (state_form_words[i].time)
			put_time(v, w[state_form_words[i].word]);
		else
			record_put64(v->out, w[state_form_words[i].word]);
	}
	row_read_addr(w, TALLY_MAPPED, &mapped);
	put_addr(v, &mapped);
	put_words(v, &w[TALLY_PHASE], STATE_PHASES);
	put_words(v, &w[TALLY_ENDED], STATE_OUTCOMES);
	put_words(v, &w[TALLY_BUCKET], STATS_BUCKETS);
	put_samples(v, r);
}

static void
put_departed(void *arg, const struct departed *d)
{
	struct save *v = arg;
	size_t len = strlen(d->cluster);

	record_put8(v->out, STATE_TAG_DEPARTED);
	record_put8(v->out, (uint8_t)d->transport);
	record_put8(v->out, (uint8_t)len);
	record_put(v->out, d->cluster, len);
	record_put64(v->out, d->rtt_sum);
	put_words(v, d->ended, STATE_OUTCOMES);
	put_words(v, d->bucket, STATS_BUCKETS);
}

/* Only the buckets from the first to the last that has something. */
static void
put_native(void *arg, enum transport transport, const char *cluster,
    const struct native *n)
{
	struct save *v = arg;
	uint64_t zero, count[STATS_NATIVE];
	size_t len = strlen(cluster);
	unsigned first = 0, end = STATS_NATIVE;

	native_read(n, &zero, count);
	while (first < end && count[first] == 0)
		first++;
	while (end > first && count[end - 1] == 0)
		end--;
	record_put8(v->out, STATE_TAG_NATIVE);
	record_put8(v->out, (uint8_t)transport);
	record_put8(v->out, (uint8_t)len);
	record_put(v->out, cluster, len);
	record_put64(v->out, zero);
	record_put16(v->out, (uint16_t)first);
	record_put16(v->out, (uint16_t)(end - first));
	put_words(v, count + first, end - first);
}

int
state_save(struct store *s, const char *file)
{
	struct save v = {.offset = clock_offset()};
	int err = record_create(file, &v.out);

	if (err == 0) {
		put_header(&v);
		store_index_each(s, put_index, &v);
		store_row_each(s, put_row, &v);
		/* No lock: the only one who changes them is this thread. */
		store_departed_each(s, put_departed, &v);
		store_native_each(s, put_native, &v);
		record_put8(v.out, STATE_TAG_END);
		err = record_commit(v.out);
	}
	free(v.sample);
	if (err < 0)
		log_error("state", "the state could not be saved to %s: %s",
		    file, strerror(-err));
	return err;
}
