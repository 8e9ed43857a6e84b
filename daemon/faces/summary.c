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
#include "trouble.h"
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

/* Of the transport that a client would choose, over the shortest window. */
static uint64_t
cluster_loss(const struct page_data_cluster *c)
{
	uint64_t t = c->item->preferred;

	if (t == 0 || t > PAGE_DATA_MEDIA || c->requests[t - 1] == 0)
		return 0;
	return (c->requests[t - 1] - c->answers[t - 1]) * 1000000 /
	       c->requests[t - 1];
}

static uint64_t
cluster_rtt(const struct page_data_cluster *c)
{
	uint64_t t = c->item->preferred;

	if (t == 0 || t > PAGE_DATA_MEDIA || c->link[t - 1] == NULL)
		return STATS_NONE;
	return c->link[t - 1]->rtt;
}

/* What is wrong beside media, after what was said before. */
static void
put_troubles(
    struct buf *out, const char *before, const struct trouble *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i == 0 ? before : "; ", t[i].text);
}

static void
put_choice(struct buf *out, const struct page_data_cluster *c)
{
	uint64_t loss = cluster_loss(c);
	char text[CELL];

	buf_printf(out, "yes, over %s to %s (%s",
	    word(WORD_TRANSPORT, c->item->preferred), c->name,
	    ms_text(cluster_rtt(c), text));
	if (loss > 0)
		buf_printf(out, ", %s loss", percent_text(loss, text));
	buf_putc(out, ')');
}

/* The answer in one line: yes, no or not known, and why. */
static void
put_verdict(
    struct buf *out, const struct snapshot *s, const struct page_data *d)
{
	const struct snap_site *site =
	    SNAP_COUNT(s, site) > 0 ? SNAP(s, site) : NULL;
	const struct page_data_cluster *c = d->cluster;
	struct trouble t[TROUBLE_MAX];
	size_t n = trouble_find(s, t);

	if (site != NULL && site->local_outage == 1) {
		buf_puts(out, "no: the site's own link is at fault");
	} else if (site != NULL && site->media_unreachable == 1) {
		buf_puts(out, "no: no media cluster answers over UDP, TCP or "
			      "TLS");
		put_troubles(out, "; ", t, n);
	} else if (n > 0 && t[0].stops) {
		put_troubles(out, "no: ", t, n);
	} else if (d->clusters == 0) {
		buf_puts(out, "not known: there is no media cluster to probe");
		put_troubles(out, "; ", t, n);
	} else if (c->class == CLUSTER_CLASS_PUBLIC && c->item->rank == 1) {
		bool blocked = site != NULL && site->udp_blocked == 1;

		put_choice(out, c);
		if (blocked)
			buf_puts(out, ", but UDP is blocked");
		put_troubles(out, blocked ? "; " : ", but ", t, n);
	} else {
		buf_puts(out, "not known yet");
		put_troubles(out, "; ", t, n);
	}
}

static const char *
flag(uint64_t value)
{
	return value == STATS_NONE ? "not known" : value == 1 ? "YES" : "no";
}

/* Who stands between, and names: only where there are any. */
static void
put_between(struct buf *out, const struct snapshot *s)
{
	struct trouble_names n = trouble_names(s);
	size_t proxies = SNAP_COUNT(s, proxy), up = 0;
	uint64_t intercepted = SNAP(s, site)->tls_intercepted;
	const char *gap = "";

	for (size_t i = 0; i < proxies; i++)
		up += SNAP(s, proxy)[i].state == STATE_UP;
	if (n.names > 0) {
		buf_printf(out, "names that resolve: %zu of %zu",
		    n.names - n.failing, n.names);
		gap = "   ";
	}
	if (proxies > 0) {
		buf_printf(out, "%sproxies up: %zu of %zu", gap, up, proxies);
		gap = "   ";
	}
	if (intercepted != STATS_NONE) {
		buf_printf(
		    out, "%sTLS intercepted: %s", gap, flag(intercepted));
		gap = "   ";
	}
	if (gap[0] != '\0')
		buf_putc(out, '\n');
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
		    flag(row[i].value));
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
	if (d->targets == 0) {
		buf_puts(out, "\nNothing is probed: the configuration names no "
			      "media cluster, no target and no product\nof a "
			      "profile. \"man reachd.conf\" has each, with "
			      "examples.\n");
		return;
	}
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
put_requirement(
    struct buf *out, const struct snapshot *s, const struct snap_requirement *r)
{
	struct buf id = BUF_INIT, why = BUF_INIT;
	char since[CELL];

	labels_value(r->labels, "id", &id);
	labels_value(r->now, "reason", &why);
	buf_printf(out, "%-16.16s %-8s %.72s\n", buf_str(&id),
	    since_text(s, r->changed_at, since), buf_str(&why));
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
			put_requirement(out, s, &r[i]);
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
		if (SNAP_COUNT(s, site) > 0) {
			put_site(out, SNAP(s, site));
			put_between(out, s);
		}
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
