/*
 * Rows to items: targets with their windows, phases and certificates, sums
 * over targets by transport and cluster, and what was decided about clusters
 * and the site.
 */
#include "build.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "buf.h"
#include "clock.h"
#include "index.h"
#include "proxy.h"
#include "snapshot_hist.h"
#include "snapshot_rows.h"
#include "snapshot_tls.h"

/* What is summed over the targets of one transport and cluster. */
struct group {
	uint64_t ended[OUTCOME_END - 1], bucket[STATS_BUCKETS], rtt_sum;
	struct snapshot_hist hist;
};

struct pass {
	struct snapshot_builder *b;
	struct index index; /* group labels -> row in group */
	struct group *group;
	size_t groups, room;
	struct sample *sample; /* scratch: the longest window */
	uint64_t *scratch;
	size_t samples;
	struct buf label;
	uint64_t down;
	uint64_t w[TALLY_WORDS]; /* the row that is read */
};

static void
fill_target(struct pass *p, const struct roster_entry *e)
{
	const struct target *t = e->target;
	struct snap_target *o = snapshot_item(p->b, SCOPE_target, t->labels);
	const uint64_t *w = p->w;

	if (o == NULL)
		return;
	o->info = snapshot_text(p->b, t->info);
	o->since = snapshot_time(p->b, row_made_at(e->row));
	o->state = w[TALLY_STATE];
	o->up = w[TALLY_STATE] == STATE_UP || w[TALLY_STATE] == STATE_DEGRADED;
	o->changed_at = snapshot_time(p->b, w[TALLY_CHANGED_AT]);
	o->changes = w[TALLY_CHANGES];
	o->interval =
	    w[TALLY_INTERVAL] != 0 ? w[TALLY_INTERVAL] : t->interval_ns;
	o->timeout = t->path.timeout_ns;
	o->rtt_sum = w[TALLY_RTT_SUM];
	o->probes = w[TALLY_PROBES];
	o->probe_failures = w[TALLY_PROBE_FAILURES];
	o->requests = w[TALLY_REQUESTS];
	o->lost = w[TALLY_LOST];
	o->late = w[TALLY_LATE];
	o->local = w[TALLY_LOCAL];
	o->mapped_changes = w[TALLY_MAPPED_CHANGES];
	if (w[TALLY_PROBES] == 0)
		return;
	o->success = w[TALLY_SUCCESS];
	o->probe_at = snapshot_time(p->b, w[TALLY_PROBE_AT]);
	o->success_at = snapshot_time(p->b, w[TALLY_SUCCESS_AT]);
	if (w[TALLY_SUCCESS_AT] != 0)
		o->last_rtt = w[TALLY_LAST_RTT];
	o->last_outcome = w[TALLY_LAST_OUTCOME];
	o->last_code = w[TALLY_LAST_CODE];
	o->fails = w[TALLY_FAILS];
	o->trigger = w[TALLY_TRIGGER];
}

/* The target's labels with one more: ,name="value". */
static const char *
label_more(
    struct pass *p, const char *labels, const char *name, const char *value)
{
	buf_reset(&p->label);
	buf_puts(&p->label, labels);
	buf_putc(&p->label, ',');
	buf_puts(&p->label, name);
	buf_puts(&p->label, "=\"");
	buf_puts(&p->label, value);
	buf_putc(&p->label, '"');
	return buf_str(&p->label);
}

static void
fill_phases(struct pass *p, const struct target *t)
{
	for (unsigned i = 1; i < PHASE_END; i++) {
		struct snap_phase *o;

		if (p->w[TALLY_PHASE + i - 1] == 0)
			continue;
		o = snapshot_item(p->b, SCOPE_phase,
		    label_more(
			p, t->labels, "phase", word_label(WORD_PHASE, i)));
		if (o != NULL)
			o->duration = p->w[TALLY_PHASE + i - 1];
	}
}

/* Scratch for a ring's samples; false: no memory. */
static bool
room_for(struct pass *p, size_t n)
{
	if (n <= p->samples)
		return true;
	free(p->sample);
	free(p->scratch);
	p->sample = malloc(n * sizeof(*p->sample));
	p->scratch = malloc(n * sizeof(*p->scratch));
	p->samples = p->sample != NULL && p->scratch != NULL ? n : 0;
	p->b->err |= p->samples == 0;
	return p->samples > 0;
}

static void
copy_window(struct snap_window *o, const struct window *v, bool udp)
{
	o->requests = v->requests;
	o->answers = v->answers;
	o->loss = v->loss_ppm;
	o->rtt_min = v->rtt_min;
	o->rtt_mean = v->rtt_mean;
	o->rtt_max = v->rtt_max;
	o->rtt_stddev = v->rtt_stddev;
	o->rtt_p50 = v->rtt_p50;
	o->rtt_p95 = v->rtt_p95;
	o->rtt_p99 = v->rtt_p99;
	o->jitter = v->jitter;
	o->burst = v->burst;
	/* Media over UDP is what the E-model speaks of. */
	o->mos = udp ? v->mos : STATS_NONE;
}

static void
fill_windows(struct pass *p, const struct roster_entry *e)
{
	const struct snapshot_settings *set = &p->b->settings;
	uint64_t now = p->b->snapshot->mono, longest;
	size_t n;

	if (set->windows == 0 || !room_for(p, row_capacity(e->row)))
		return;
	longest = set->window[set->windows - 1];
	n = row_read_samples(
	    e->row, now > longest ? now - longest : 0, p->sample, p->samples);
	for (unsigned i = 0; i < set->windows; i++) {
		struct window_span span = {now, set->window[i]};
		struct snap_window *o;
		struct window v;
		char text[32];

		window_compute(&v, p->sample, n, span, p->scratch);
		o = snapshot_item(p->b, SCOPE_window,
		    label_more(p, e->target->labels, "window",
			clock_duration_text(set->window[i], text)));
		if (o != NULL)
			copy_window(
			    o, &v, e->target->path.transport == TRANSPORT_UDP);
	}
}

static void
fill_facts(struct pass *p, const struct roster_entry *e)
{
	int64_t value[FACT_END];
	uint64_t known = row_read_facts(e->row, value);
	struct snap_fact *o;

	if (known == 0)
		return;
	o = snapshot_item(p->b, SCOPE_fact, e->target->labels);
	if (o == NULL)
		return;
		/* What a fact of -1 says is that there is none: STATS_NONE. */
#define FACT(name, field)                              \
	if ((known & UINT64_C(1) << FACT_##name) != 0) \
		o->field = (uint64_t)value[FACT_##name];
#include "facts.def"
}

static void
fill_history(struct snapshot_builder *b, const struct roster *r)
{
	struct sample s[SNAPSHOT_HISTORY];

	if (b->history == 0)
		return;
	b->snapshot->history = arena_take(
	    b->arena, (r->entries + 1) * sizeof(*b->snapshot->history));
	b->err |= b->snapshot->history == NULL;
	for (size_t i = 0; i < r->entries && !b->err; i++) {
		struct snapshot_history *h = &b->snapshot->history[i];
		struct sample *copy;

		h->samples =
		    row_read_newest(r->entry[i].row, s, b->history, &h->last);
		h->sample = copy =
		    arena_take(b->arena, (h->samples + 1) * sizeof(*copy));
		if (copy == NULL)
			b->err = true;
		else
			memcpy(copy, s, h->samples * sizeof(*copy));
	}
}

/* The sums of a transport and cluster; NULL: no memory. */
static struct group *
group_of(struct pass *p, enum transport transport, const char *cluster)
{
	struct index_entry *e;

	buf_reset(&p->label);
	target_label_pair(
	    &p->label, "transport", word_label(WORD_TRANSPORT, transport));
	target_label_pair(&p->label, "media_cluster", cluster);
	e = index_add(&p->index, buf_str(&p->label));
	if (e == NULL)
		return NULL;
	if (e->value != 0)
		return &p->group[e->value - 1];
	if (p->groups == p->room) {
		size_t room = p->room > 0 ? 2 * p->room : 16;
		struct group *g = realloc(p->group, room * sizeof(*g));

		if (g == NULL)
			return NULL;
		p->group = g;
		p->room = room;
	}
	p->group[p->groups] = (struct group){0};
	e->value = ++p->groups;
	return &p->group[e->value - 1];
}

static void
group_add(struct group *g, const uint64_t *ended, const uint64_t *bucket,
    uint64_t rtt_sum)
{
	for (unsigned i = 0; i < OUTCOME_END - 1; i++)
		g->ended[i] += ended[i];
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		g->bucket[i] += bucket[i];
	g->rtt_sum += rtt_sum;
}

static void
fill_departed(void *arg, const struct departed *d)
{
	struct pass *p = arg;
	struct group *g = group_of(p, d->transport, d->cluster);

	if (g == NULL)
		p->b->err = true;
	else
		group_add(g, d->ended, d->bucket, d->rtt_sum);
}

/* Before the rows, which then have all that is in it. */
static void
fill_native(void *arg, enum transport transport, const char *cluster,
    const struct native *n)
{
	struct pass *p = arg;
	struct group *g = group_of(p, transport, cluster);

	if (g == NULL)
		p->b->err = true;
	else
		snapshot_hist_native(&g->hist, p->b, n);
}

static struct snap_rtt *
fill_hist(
    struct pass *p, const char *labels, const uint64_t *bucket, uint64_t sum)
{
	struct snap_rtt *o = snapshot_item(p->b, SCOPE_rtt, labels);

	if (o == NULL)
		return NULL;
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		o->rtt.bucket[i] = bucket[i];
		o->rtt.count += bucket[i];
	}
	o->rtt.sum = sum;
	return o;
}

static void
fill_entry(struct pass *p, const struct roster_entry *e)
{
	const struct target *t = e->target;
	struct group *g;

	row_read(e->row, p->w);
	fill_target(p, e);
	fill_phases(p, t);
	fill_windows(p, e);
	snapshot_tls_fill(p->b, e, p->w[TALLY_PHASE + PHASE_TLS - 1]);
	fill_facts(p, e);
	p->down += p->w[TALLY_STATE] == STATE_DOWN;
	g = group_of(p, t->path.transport, t->cluster);
	if (g == NULL) {
		p->b->err = true;
		return;
	}
	group_add(
	    g, &p->w[TALLY_ENDED], &p->w[TALLY_BUCKET], p->w[TALLY_RTT_SUM]);
	snapshot_hist_answer(
	    &g->hist, t, p->w[TALLY_LAST_RTT], p->w[TALLY_SUCCESS_AT]);
	if (p->b->settings.per_target)
		fill_hist(
		    p, t->labels, &p->w[TALLY_BUCKET], p->w[TALLY_RTT_SUM]);
}

static void
fill_group(struct pass *p, const char *labels, const struct group *g)
{
	struct snap_rtt *h;

	for (unsigned o = 1; o < OUTCOME_END; o++) {
		struct snap_failure *f;

		if (o == OUTCOME_ANSWERED)
			continue;
		f = snapshot_item(p->b, SCOPE_failure,
		    label_more(p, labels, "reason", outcome_label(o)));
		if (f != NULL)
			f->count = g->ended[o - 1];
	}
	if (p->b->settings.per_target)
		return;
	h = fill_hist(p, labels, g->bucket, g->rtt_sum);
	if (h != NULL)
		snapshot_hist_put(&g->hist, p->b, &h->rtt);
}

static int
text_order(const void *a, const void *b)
{
	const struct index_entry *x = a, *y = b;

	/* Free slots last. */
	if (x->text == NULL || y->text == NULL)
		return (x->text == NULL) - (y->text == NULL);
	return strcmp(x->text, y->text);
}

static void
fill_groups(struct pass *p)
{
	if (p->index.used == 0)
		return;
	/* The table is not looked up any more: order it for the readers. */
	qsort(
	    p->index.slot, p->index.slots, sizeof(*p->index.slot), text_order);
	for (size_t i = 0; i < p->index.used; i++)
		fill_group(p, p->index.slot[i].text,
		    &p->group[p->index.slot[i].value - 1]);
}

static void
fill_link(struct pass *p, const char *labels, unsigned transport,
    const struct choose_cluster *c)
{
	const struct choose_link *l = &c->link[transport - 1];
	struct snap_link *o = snapshot_item(p->b, SCOPE_link,
	    label_more(
		p, labels, "transport", word_label(WORD_TRANSPORT, transport)));

	if (o == NULL)
		return;
	o->reach = l->reach;
	o->preferred = c->preferred == transport;
	o->nodes_up = l->nodes_up;
	o->rtt = l->rtt_ns;
}

/* What a client would use of it. */
static void
fill_best(struct snap_cluster *o, const struct choose_cluster *c)
{
	const struct choose_link *l;

	o->nodes_up = o->best = 0;
	if (c->preferred == 0)
		return;
	l = &c->link[c->preferred - 1];
	o->rtt = l->rtt_ns;
	o->nodes_up = l->nodes_up;
	o->best = l->best;
}

static void
fill_cluster(struct pass *p, const struct roster_cluster *r,
    const struct choose_cluster *c, uint64_t changed_at)
{
	struct snap_cluster *o;
	const char *labels;

	buf_reset(&p->label);
	target_label_pair(&p->label, "media_cluster", r->name);
	o = snapshot_item(p->b, SCOPE_cluster, buf_str(&p->label));
	if (o == NULL)
		return;
	labels = o->labels;
	o->state = c->state;
	o->changed_at = snapshot_time(p->b, changed_at);
	o->preferred = c->preferred != 0 ? c->preferred : STATS_NONE;
	fill_best(o, c);
	o->rank = c->rank != 0 ? c->rank : STATS_NONE;
	o->nodes = c->nodes;
	o->transport_changes = c->transport_changes;
	buf_reset(&p->label);
	target_label_pair(
	    &p->label, "class", word_label(WORD_CLUSTER_CLASS, r->class));
	if (r->about.service[0] != '\0')
		target_label_pair(&p->label, "media_service", r->about.service);
	if (r->about.region[0] != '\0')
		target_label_pair(&p->label, "region", r->about.region);
	o->info = snapshot_text(p->b, buf_str(&p->label));
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TLS; t++)
		fill_link(p, labels, t, c);
}

static uint64_t
verdict(uint8_t v)
{
	return v == SITE_NOT_KNOWN ? STATS_NONE : v == SITE_YES;
}

static void
fill_site(struct pass *p, const struct decision *d)
{
	struct snap_site *o = snapshot_only(p->b, SCOPE_site);
	char text[ADDR_TEXT];

	if (o == NULL)
		return;
	o->rank_changes = d->rank_changes;
	o->media_unreachable = verdict(d->site.media_unreachable);
	o->udp_blocked = verdict(d->site.udp_blocked);
	o->local_outage = verdict(d->site.local_outage);
	o->nat_symmetric = verdict(d->site.nat_symmetric);
	o->tls_intercepted = verdict(d->site.tls_intercepted);
	o->proxy_refuses = verdict(d->site.proxy_refuses);
	o->egress_changes = d->site.egress_changes;
	buf_reset(&p->label);
	for (unsigned i = 0; i < 2; i++)
		if (addr_family(&d->site.egress[i]) != 0)
			target_label_pair(&p->label, i == 0 ? "ipv4" : "ipv6",
			    addr_host_text(&d->site.egress[i], text));
	if (p->label.len > 0)
		o->info = snapshot_text(p->b, buf_str(&p->label));
}

static void
fill_proxy_failures(
    struct pass *p, const char *labels, const struct proxy_tally *t)
{
	for (unsigned i = 0; i < PROXY_CODES; i++) {
		struct snap_proxy_failure *o =
		    snapshot_item(p->b, SCOPE_proxy_failure,
			label_more(p, labels, "code", proxy_code_label(i)));

		if (o != NULL)
			o->count = atomic_load(&t->failures[i]);
	}
}

static void
fill_proxy(
    struct pass *p, const struct proxy *x, const struct decision_proxy *d)
{
	struct snap_proxy *o;
	const char *labels;

	buf_reset(&p->label);
	target_label_pair(&p->label, "proxy", x->name);
	o = snapshot_item(p->b, SCOPE_proxy, buf_str(&p->label));
	if (o == NULL)
		return;
	labels = o->labels;
	o->state = d->state;
	o->up = d->state == STATE_UP || d->state == STATE_DEGRADED;
	o->changed_at = snapshot_time(p->b, d->changed_at);
	o->connects = atomic_load(&x->tally->connects);
	o->auth_failures = atomic_load(&x->tally->auth_failures);
	buf_reset(&p->label);
	target_label_pair(&p->label, "url", x->url);
	target_label_pair(
	    &p->label, "auth", word_label(WORD_PROXY_AUTH, x->auth));
	o->info = snapshot_text(p->b, buf_str(&p->label));
	fill_proxy_failures(p, labels, x->tally);
}

/* What was decided holds for the roster that it was decided about. */
static void
fill_decision(struct pass *p)
{
	const struct roster *r = p->b->snapshot->roster;
	const struct decision *d = p->b->snapshot->decision;

	if (d == NULL)
		return;
	fill_site(p, d);
	if (d->generation != r->generation || d->clusters != r->clusters)
		return;
	for (size_t i = 0; i < r->proxies && i < d->proxies; i++)
		fill_proxy(p, r->proxy[i].proxy, &d->proxy[i]);
	for (size_t i = 0; i < r->clusters; i++)
		fill_cluster(
		    p, &r->cluster[i], &d->cluster[i], d->changed_at[i]);
}

/* Counters are of the groups: these never go back. */
static void
fill_agent(struct pass *p)
{
	const struct roster *r = p->b->snapshot->roster;
	struct snap_agent *o = snapshot_only(p->b, SCOPE_agent);

	if (o == NULL)
		return;
	o->targets = r->entries;
	o->targets_down = p->down;
	o->clusters = r->clusters;
	o->clusters_down = 0;
	for (size_t i = 0; i < SNAP_COUNT(p->b->snapshot, cluster); i++)
		o->clusters_down +=
		    SNAP(p->b->snapshot, cluster)[i].state == STATE_DOWN;
	o->membership_at = snapshot_time(p->b, r->changed_at);
	for (size_t i = 0; i < p->groups; i++)
		for (unsigned e = 1; e < OUTCOME_END; e++) {
			uint64_t n = p->group[i].ended[e - 1];
			enum outcome_class class = outcome_class(e);

			if (class != OUTCOME_CLASS_LOCAL)
				o->requests += n;
			if (class == OUTCOME_CLASS_LOSS)
				o->lost += n;
		}
}

void
snapshot_rows_fill(struct snapshot_builder *b, struct store *s)
{
	const struct roster *r = b->snapshot->roster;
	struct pass p = {.b = b};

	b->snapshot->restored = store_restored_any(s);
	store_native_each(s, fill_native, &p);
	for (size_t i = 0; i < r->entries; i++)
		fill_entry(&p, &r->entry[i]);
	fill_history(b, r);
	store_departed_each(s, fill_departed, &p);
	fill_groups(&p);
	fill_decision(&p);
	fill_agent(&p);
	b->err |= p.label.err;
	index_free(&p.index);
	free(p.group);
	free(p.sample);
	free(p.scratch);
	buf_free(&p.label);
}
