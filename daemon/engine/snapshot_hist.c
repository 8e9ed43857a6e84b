/*
 * Native buckets and exemplars of a group. An exemplar is the last answer of
 * some target, so that keeping them costs a probe nothing; its labels name
 * the target and the address, which no series may.
 */
#include "build.h"

#include <string.h>

#include "arena.h"
#include "buf.h"
#include "native.h"
#include "snapshot_hist.h"
#include "snapshot_rows.h"

void
snapshot_hist_native(
    struct snapshot_hist *h, struct snapshot_builder *b, const struct native *n)
{
	uint64_t zero, count[STATS_NATIVE];
	unsigned first = 0, end = STATS_NATIVE;
	struct snap_native *copy;

	native_read(n, &zero, count);
	while (first < end && count[first] == 0)
		first++;
	while (end > first && count[end - 1] == 0)
		end--;
	copy = arena_take(
	    b->arena, sizeof(*copy) + (end - first) * sizeof(count[0]));
	if (copy == NULL) {
		b->err = true;
		return;
	}
	copy->zero = zero;
	copy->first = first;
	copy->n = end - first;
	memcpy(copy->count, count + first, copy->n * sizeof(count[0]));
	h->native = copy;
}

void
snapshot_hist_answer(
    struct snapshot_hist *h, const struct target *t, uint64_t rtt, uint64_t at)
{
	struct snapshot_hist_shown *s = &h->shown[stats_bucket(rtt)];

	/* A time before this boot is negative: it is no exemplar any more. */
	if ((int64_t)at > 0 && at > s->at)
		*s = (struct snapshot_hist_shown){t, rtt, at};
}

static const char *
labels_of(struct snapshot_builder *b, const struct target *t)
{
	struct buf text = BUF_INIT;
	char addr[ADDR_TEXT];
	const char *copy;

	buf_puts(&text, "target=\"");
	target_label_escape(&text, t->name);
	if (addr_family(&t->path.addr) != AF_UNSPEC)
		buf_printf(&text, "\",address=\"%s",
		    addr_host_text(&t->path.addr, addr));
	buf_putc(&text, '"');
	b->err |= text.err;
	copy = snapshot_text(b, buf_str(&text));
	buf_free(&text);
	return copy;
}

void
snapshot_hist_put(const struct snapshot_hist *h, struct snapshot_builder *b,
    struct snap_hist *out)
{
	struct snap_exemplar *e =
	    arena_take(b->arena, STATS_BUCKETS * sizeof(*e));

	out->native = h->native;
	if (e == NULL) {
		b->err = true;
		return;
	}
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		const struct snapshot_hist_shown *s = &h->shown[i];

		e[i] = (struct snap_exemplar){0};
		if (s->target == NULL)
			continue;
		e[i].labels = labels_of(b, s->target);
		e[i].value = s->rtt;
		e[i].at = snapshot_time(b, s->at);
	}
	out->exemplar = e;
}
