/* The status page for a terminal. */
#include "build.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "labels.h"
#include "page_data.h"
#include "summary.h"
#include "word.h"

enum { TROUBLES_MAX = 20, CELL = 33 };

static char *
ms_text(uint64_t ns, char out[CELL])
{
	if (ns == STATS_NONE)
		snprintf(out, CELL, "-");
	else
		snprintf(out, CELL, "%.1f ms", (double)ns / 1e6);
	return out;
}

static char *
percent_text(uint64_t ppm, char out[CELL])
{
	if (ppm == STATS_NONE)
		snprintf(out, CELL, "-");
	else
		snprintf(out, CELL, "%.1f %%", (double)ppm / 1e4);
	return out;
}

/* How long ago, in whole seconds or, after an hour, minutes. */
static char *
since_text(const struct snapshot *s, uint64_t at, char out[CELL])
{
	uint64_t ago =
	    (uint64_t)s->real > at ? ((uint64_t)s->real - at) / CLOCK_SEC : 0;
	char text[32];

	if (ago >= 3600)
		ago -= ago % 60;
	snprintf(out, CELL, "%s",
	    at == STATS_NONE ? "-"
			     : clock_duration_text(ago * CLOCK_SEC, text));
	return out;
}

static const char *
word(enum word_set set, uint64_t value)
{
	return value == STATS_NONE ? "-" : word_label(set, (unsigned)value);
}

static uint64_t
cluster_rtt(const struct page_data_cluster *c)
{
	uint64_t t = c->item->preferred;

	if (t == 0 || t > PAGE_DATA_MEDIA || c->link[t - 1] == NULL)
		return STATS_NONE;
	return c->link[t - 1]->rtt;
}

/* The answer in one line: yes, no or not known, and why. */
static void
put_verdict(
    struct buf *out, const struct snapshot *s, const struct page_data *d)
{
	const struct snap_site *site =
	    SNAP_COUNT(s, site) > 0 ? SNAP(s, site) : NULL;
	const struct page_data_cluster *c = d->cluster;
	char rtt[CELL];

	if (site != NULL && site->local_outage == 1) {
		buf_puts(out, "no: the site's own link is at fault");
	} else if (site != NULL && site->media_unreachable == 1) {
		buf_puts(out, "no: no media cluster answers over UDP, TCP or "
			      "TLS");
	} else if (d->clusters == 0) {
		buf_puts(out, "not known: there is no media cluster to probe");
	} else if (c->class == CLUSTER_CLASS_PUBLIC && c->item->rank == 1) {
		buf_printf(out, "yes, over %s to %s (%s)",
		    word(WORD_TRANSPORT, c->item->preferred), c->name,
		    ms_text(cluster_rtt(c), rtt));
		if (site != NULL && site->udp_blocked == 1)
			buf_puts(out, ", but UDP is blocked");
	} else {
		buf_puts(out, "not known yet");
	}
}

static void
put_site(struct buf *out, const struct snap_site *site)
{
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
	    {"UDP blocked", site->udp_blocked},
	    {"media unreachable", site->media_unreachable},
	    {"local outage", site->local_outage},
	    {"symmetric NAT", site->nat_symmetric},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		buf_printf(out, "%s%s: %s", i > 0 ? "   " : "", row[i].name,
		    row[i].value == STATS_NONE ? "not known"
		    : row[i].value == 1	       ? "YES"
					       : "no");
	buf_putc(out, '\n');
}

static void
put_cluster(struct buf *out, const struct snapshot *s,
    const struct page_data_cluster *c)
{
	static const char *const says[REACH_END] = {
	    [REACH_UNTESTED] = "-",
	    [REACH_REACHABLE] = "yes",
	    [REACH_UNREACHABLE] = "NO",
	};
	char rank[CELL] = "-", rtt[CELL], since[CELL];

	if (c->item->rank != STATS_NONE)
		snprintf(rank, sizeof(rank), "%u", (unsigned)c->item->rank);
	buf_printf(out, "%-26.26s %-9s %4s  %-4s %9s  ", c->name,
	    word(WORD_STATE, c->item->state), rank,
	    word(WORD_TRANSPORT, c->item->preferred),
	    ms_text(cluster_rtt(c), rtt));
	for (unsigned t = 0; t < PAGE_DATA_MEDIA; t++) {
		const struct snap_link *l = c->link[t];

		buf_printf(out, " %-4s",
		    l != NULL && l->reach < REACH_END && says[l->reach] != NULL
			? says[l->reach]
			: "-");
	}
	buf_printf(out, "  %s\n", since_text(s, c->item->changed_at, since));
}

static void
put_target(
    struct buf *out, const struct snapshot *s, const struct page_data_target *t)
{
	const struct snap_window *w = t->windows > 0 ? t->window : NULL;
	char loss[CELL], rtt[CELL], since[CELL];
	struct buf name = BUF_INIT;

	labels_value(t->item->labels, "target", &name);
	buf_printf(out, "%-32.32s %-9s %8s %10s  %-15s %s\n", buf_str(&name),
	    word(WORD_STATE, t->item->state),
	    percent_text(w != NULL ? w->loss : STATS_NONE, loss),
	    ms_text(w != NULL ? w->rtt_mean : t->item->last_rtt, rtt),
	    t->item->last_outcome == STATS_NONE
		? "-"
		: outcome_label((enum outcome)t->item->last_outcome),
	    since_text(s, t->item->changed_at, since));
	buf_free(&name);
}

/* Those in trouble stand first. */
static void
put_targets(
    struct buf *out, const struct snapshot *s, const struct page_data *d)
{
	size_t troubles = 0;

	while (troubles < d->targets &&
	       d->target[troubles].item->state != STATE_UP)
		troubles++;
	buf_printf(out, "\n%zu of %zu targets are up", d->targets - troubles,
	    d->targets);
	if (troubles == 0) {
		buf_puts(out, ".\n");
		return;
	}
	buf_printf(out, "; the others:\n%-32s %-9s %8s %10s  %-15s %s\n",
	    "TARGET", "STATE", "LOSS", "RTT", "LAST", "SINCE");
	for (size_t i = 0; i < troubles && i < TROUBLES_MAX; i++)
		put_target(out, s, &d->target[i]);
	if (troubles > TROUBLES_MAX)
		buf_printf(out, "... and %zu more\n", troubles - TROUBLES_MAX);
}

static void
put_requirement(struct buf *out, const struct snap_requirement *r)
{
	struct buf id = BUF_INIT, why = BUF_INIT;

	labels_value(r->labels, "id", &id);
	labels_value(r->now, "reason", &why);
	buf_printf(out, "%-16.16s %.82s\n", buf_str(&id), buf_str(&why));
	buf_free(&id);
	buf_free(&why);
}

/* Those of profiles whose products are picked. */
static void
put_requirements(struct buf *out, const struct snapshot *s)
{
	size_t n[REQUIREMENT_STATUS_END] = {0}, shown = 0;
	const struct snap_requirement *r = SNAP(s, requirement);

	for (size_t i = 0; i < SNAP_COUNT(s, requirement); i++)
		if (r[i].status < REQUIREMENT_STATUS_END)
			n[r[i].status]++;
	if (n[REQUIREMENT_STATUS_MET] + n[REQUIREMENT_STATUS_FAILED] +
		n[REQUIREMENT_STATUS_UNTESTED] ==
	    0)
		return;
	buf_printf(out, "\nrequirements: %zu met, %zu untested, %zu failed%s\n",
	    n[REQUIREMENT_STATUS_MET], n[REQUIREMENT_STATUS_UNTESTED],
	    n[REQUIREMENT_STATUS_FAILED],
	    n[REQUIREMENT_STATUS_FAILED] > 0 ? ":" : "");
	for (size_t i = 0; i < SNAP_COUNT(s, requirement); i++)
		if (r[i].status == REQUIREMENT_STATUS_FAILED &&
		    shown++ < TROUBLES_MAX)
			put_requirement(out, &r[i]);
	if (shown > TROUBLES_MAX)
		buf_printf(out, "... and %zu more\n", shown - TROUBLES_MAX);
}

int
summary_text(struct buf *out, const struct snapshot *s)
{
	struct page_data d;
	int err = page_data_make(&d, s);

	if (err == 0) {
		buf_puts(out, "Would a meeting work from here? ");
		put_verdict(out, s, &d);
		buf_putc(out, '\n');
		if (SNAP_COUNT(s, site) > 0)
			put_site(out, SNAP(s, site));
		if (d.clusters > 0)
			buf_printf(out,
			    "\n%-26s %-9s %4s  %-4s %9s   %-4s %-4s %-4s  "
			    "%s\n",
			    "MEDIA CLUSTER", "STATE", "RANK", "VIA", "RTT",
			    "UDP", "TCP", "TLS", "SINCE");
		for (size_t i = 0; i < d.clusters; i++)
			put_cluster(out, s, &d.cluster[i]);
		put_requirements(out, s);
		put_targets(out, s, &d);
	}
	page_data_free(&d);
	return out->err ? -ENOMEM : err;
}
