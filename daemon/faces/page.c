/*
 * The status page from a snapshot: verdicts first, then media clusters by
 * rank, targets with the troubled ones on top, and what happened lately.
 */
#include "build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "event.h"
#include "labels.h"
#include "page.h"
#include "page_data.h"
#include "page_html.h"
#include "page_requirements.h"
#include "page_reason.h"
#include "snapshot.h"
#include "trouble.h"
#include "word.h"

enum {
	PIECE = 16 * 1024,
	TARGETS_MAX = 1000, /* rows; the API has the rest */
	EVENTS_MAX = 30
};

struct page {
	struct snapshot *s; /* a reference */
	struct page_data data;
	bool opened;
	size_t target; /* the next row of the table */
	char *telemetry_path, *nonce;
	struct event event[EVENTS_MAX]; /* oldest first */
	size_t events;
};

/* How people write them. */
static const char *const media_names[PAGE_DATA_MEDIA] = {"UDP", "TCP", "TLS"};

/* ---- small things ---- */

static void
put_label(struct buf *out, const char *labels, const char *name)
{
	struct buf value = BUF_INIT;

	if (labels_value(labels, name, &value))
		page_html_text(out, buf_str(&value));
	buf_free(&value);
}

/* How a state looks: one of the style's classes. */
static const char *
look(uint64_t state)
{
	switch (state) {
	case STATE_UP:
		return "ok";
	case STATE_DEGRADED:
		return "warn";
	case STATE_DOWN:
		return "bad";
	default:
		return "none";
	}
}

static void
put_state(struct buf *out, uint64_t state)
{
	buf_printf(out, "<td><span class=\"s %s\">%s</span></td>", look(state),
	    word_label(WORD_STATE, state < STATE_END ? (unsigned)state : 0));
}

/* ---- verdicts ---- */

/* What the site's fields say, one by one; a field is 0, 1 or STATS_NONE. */
static const struct verdict {
	size_t offset;
	const char *subject, *no, *yes, *bad;
	const char *headline; /* when it is so, the most telling first */
} verdicts[] = {
    {offsetof(struct snap_site, local_outage), "Local link", "works",
	"at fault", "bad", "The site\xe2\x80\x99s own link is at fault."},
    {offsetof(struct snap_site, media_unreachable), "Media backend",
	"reachable", "unreachable", "bad",
	"Meetings would not work: no media cluster answers over UDP, TCP or "
	"TLS."},
    {offsetof(struct snap_site, udp_blocked), "UDP to media", "open", "blocked",
	"warn", "UDP is blocked: media would fall back to TCP or TLS."},
    {offsetof(struct snap_site, nat_symmetric), "NAT", "one mapping",
	"symmetric", "warn", NULL},
    {offsetof(struct snap_site, tls_intercepted), "TLS", "not intercepted",
	"intercepted", "warn", NULL},
};

enum { VERDICTS = sizeof(verdicts) / sizeof(verdicts[0]) };

static uint64_t
verdict_value(const struct page *p, const struct verdict *v)
{
	if (SNAP_COUNT(p->s, site) == 0)
		return STATS_NONE;
	return *(
	    const uint64_t *)(const void *)((const char *)SNAP(p->s, site) +
					    v->offset);
}

static size_t
count_state(const struct page *p, uint64_t state)
{
	size_t n = 0;

	for (size_t i = 0; i < p->data.targets; i++)
		n += p->data.target[i].item->state == state;
	return n;
}

static const struct page_data_cluster *
first_choice(const struct page *p)
{
	const struct page_data_cluster *c = p->data.cluster;

	return p->data.clusters > 0 && c->class == CLUSTER_CLASS_PUBLIC &&
		       c->item->rank == 1
		   ? c
		   : NULL;
}

static void
put_choice(struct buf *out, const struct page_data_cluster *c)
{
	unsigned t = c->item->preferred <= PAGE_DATA_MEDIA
			 ? (unsigned)c->item->preferred
			 : 0;

	buf_puts(out, "Media would use ");
	page_html_text(out, c->name);
	if (t != 0)
		buf_printf(out, " over %s", media_names[t - 1]);
	if (t != 0 && c->link[t - 1] != NULL &&
	    c->link[t - 1]->rtt != STATS_NONE) {
		buf_puts(out, ", ");
		page_html_ms(out, c->link[t - 1]->rtt);
	}
	if (t != 0 && c->requests[t - 1] > c->answers[t - 1]) {
		buf_puts(out, " and ");
		page_html_share(out, (c->requests[t - 1] - c->answers[t - 1]) *
					 1000000 / c->requests[t - 1]);
		buf_puts(out, " loss");
	}
	buf_putc(out, '.');
}

static const struct verdict *
worst_verdict(const struct page *p)
{
	for (unsigned i = 0; i < VERDICTS; i++)
		if (verdicts[i].headline != NULL &&
		    verdict_value(p, &verdicts[i]) == 1)
			return &verdicts[i];
	return NULL;
}

/* What is wrong beside media. */
static void
put_troubles(struct buf *out, const struct trouble *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i > 0	   ? "; "
			      : t[0].stops ? "Nobody can sign in: "
					   : "But ");
		page_html_text(out, t[i].text);
	}
	buf_puts(out, n > 0 ? ". " : "");
}

/* The sentences that the person on call came for. */
static void
put_headline(const struct page *p, struct buf *out)
{
	const struct page_data_cluster *c = first_choice(p);
	size_t down = count_state(p, STATE_DOWN);
	size_t degraded = count_state(p, STATE_DEGRADED);
	const struct verdict *v = worst_verdict(p);
	struct trouble t[TROUBLE_MAX];
	size_t n = trouble_find(p->s, t);
	bool stops = n > 0 && t[0].stops;

	buf_printf(out, "<p class=\"verdict %s\"><strong>",
	    stops		      ? "bad"
	    : v != NULL		      ? v->bad
	    : n + down + degraded > 0 ? "warn"
	    : c != NULL		      ? "ok"
				      : "none");
	if (stops)
		put_troubles(out, t, n);
	if (v != NULL)
		buf_puts(out, v->headline);
	else if (c != NULL)
		put_choice(out, c);
	else
		buf_puts(out, "Nothing can be said of media yet.");
	if (n > 0 && !stops) {
		buf_putc(out, ' ');
		put_troubles(out, t, n);
	}
	buf_puts(out, "</strong>");
	if (down + degraded > 0)
		buf_printf(out,
		    " Of %zu targets, %zu %s down and %zu %s degraded.",
		    p->data.targets, down, down == 1 ? "is" : "are", degraded,
		    degraded == 1 ? "is" : "are");
	buf_puts(out, "</p>\n");
}

static void
put_verdicts(const struct page *p, struct buf *out)
{
	const char *info =
	    SNAP_COUNT(p->s, site) > 0 ? SNAP(p->s, site)->info : NULL;
	struct buf text = BUF_INIT;
	struct labels_pair pair;

	buf_puts(out, "<dl>\n");
	for (unsigned i = 0; i < VERDICTS; i++) {
		const struct verdict *v = &verdicts[i];
		uint64_t value = verdict_value(p, v);

		buf_printf(out,
		    "<div><dt>%s</dt><dd class=\"%s\">%s</dd></div>\n",
		    v->subject,
		    value == STATS_NONE ? "dim"
		    : value != 0	? v->bad
					: "ok",
		    value == STATS_NONE ? "not known yet"
		    : value != 0	? v->yes
					: v->no);
	}
	/* How STUN servers see the site, one address per family. */
	while (labels_next(&info, &pair)) {
		buf_reset(&text);
		buf_put(&text, pair.value, pair.value_len);
		buf_puts(out, "<div><dt>Seen from outside</dt><dd>");
		page_html_text(out, buf_str(&text));
		buf_puts(out, "</dd></div>\n");
	}
	buf_free(&text);
	buf_puts(out, "</dl>\n");
}

/* ---- media clusters ---- */

static void
put_link(struct buf *out, const struct page_data_cluster *c, unsigned transport)
{
	const struct snap_link *l = c->link[transport - 1];
	uint64_t requests = c->requests[transport - 1];
	bool is_picked = c->item->preferred == transport;

	buf_printf(out, "<td data-h=\"%s\">", media_names[transport - 1]);
	if (l == NULL || l->reach == REACH_UNTESTED || l->reach >= REACH_END) {
		buf_puts(out, "<span class=\"dim\">untested</span></td>");
		return;
	}
	if (l->reach == REACH_UNREACHABLE) {
		buf_puts(out, "<span class=\"bad\">unreachable</span></td>");
		return;
	}
	buf_printf(out, "<span%s>", is_picked ? " class=\"pick\"" : "");
	page_html_ms(out, l->rtt);
	buf_puts(out, "</span>");
	if (requests > 0) {
		uint64_t lost = requests - c->answers[transport - 1];

		buf_printf(
		    out, "<span class=\"%s\">, ", lost > 0 ? "warn" : "dim");
		page_html_share(out, lost * 1000000 / requests);
		buf_puts(out, " loss</span>");
	}
	buf_puts(out, "</td>");
}

static void
put_cluster(
    const struct page *p, struct buf *out, const struct page_data_cluster *c)
{
	buf_puts(out, "<tr><td class=\"n\" data-h=\"rank\">");
	if (c->item->rank != STATS_NONE && c->item->rank != 0)
		buf_u64(out, c->item->rank);
	buf_puts(out, "</td><td class=\"name\">");
	page_html_text(out, c->name);
	buf_printf(out, "</td><td>%s</td>",
	    c->class != 0 ? word_label(WORD_CLUSTER_CLASS, c->class) : "");
	put_state(out, c->item->state);
	buf_puts(out, "<td data-h=\"for\">");
	page_html_ago(out, c->item->changed_at, p->s->real);
	buf_puts(out, "</td>");
	for (unsigned t = TRANSPORT_UDP; t <= PAGE_DATA_MEDIA; t++)
		put_link(out, c, t);
	buf_puts(out, "</tr>\n");
}

static void
put_clusters(const struct page *p, struct buf *out)
{
	char text[32];

	if (p->data.clusters == 0)
		return;
	buf_puts(out, "<h2>Media clusters</h2>\n<table>\n<thead><tr>"
		      "<th class=\"n\">Rank</th><th>Cluster</th><th>Class</th>"
		      "<th>State</th><th>For</th><th>UDP</th><th>TCP</th>"
		      "<th>TLS</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < p->data.clusters; i++)
		put_cluster(p, out, &p->data.cluster[i]);
	buf_puts(out, "</tbody>\n</table>\n<p class=\"dim\">Round-trip time of "
		      "the best node; \xe2\x9c\x93 marks the transport that a "
		      "client would use");
	if (p->s->windows > 0)
		buf_printf(out, "; loss over the last %s",
		    clock_duration_text(p->s->window[0], text));
	buf_puts(out, ".</p>\n");
}

/* ---- targets ---- */

static void
put_share_cell(struct buf *out, const char *head, const char *suffix,
    const struct snap_window *w, bool warn)
{
	warn = warn && w != NULL && w->loss != STATS_NONE && w->loss > 0;
	buf_printf(out, "<td class=\"n\" data-h=\"%s%s\">", head, suffix);
	if (warn)
		buf_puts(out, "<span class=\"warn\">");
	page_html_share(out, w != NULL ? w->loss : STATS_NONE);
	if (warn)
		buf_puts(out, "</span>");
	buf_puts(out, "</td>");
}

static void
put_target(
    const struct page *p, struct buf *out, const struct page_data_target *row)
{
	const struct snap_target *t = row->item;
	const struct snap_window *first = row->windows > 0 ? row->window : NULL;
	const struct snap_window *last =
	    row->windows > 1 ? row->window + row->windows - 1 : NULL;
	bool wall = page_reason_is_wall(t);
	char text[32];

	buf_puts(out, "<tr><td class=\"name\">");
	put_label(out, t->labels, "target");
	buf_puts(out, "</td>");
	put_state(out, t->state);
	buf_puts(out, "<td data-h=\"for\">");
	page_html_ago(out, t->changed_at, p->s->real);
	buf_puts(out, "</td><td>");
	put_label(out, t->labels, "transport");
	buf_puts(out, "</td><td>");
	put_label(out, t->labels, "media_cluster");
	buf_puts(out, "</td><td class=\"n\" data-h=\"RTT\">");
	page_html_ms(out, t->last_rtt);
	buf_puts(out, "</td><td class=\"n\" data-h=\"p95\">");
	page_html_ms(out, first != NULL ? first->rtt_p95 : STATS_NONE);
	buf_puts(out, "</td>");
	put_share_cell(out, "loss ",
	    p->s->windows > 0 ? clock_duration_text(p->s->window[0], text) : "",
	    first, !wall);
	if (p->s->windows > 1)
		put_share_cell(out, "",
		    clock_duration_text(p->s->window[p->s->windows - 1], text),
		    last, !wall);
	buf_puts(out, "<td>");
	page_reason(out, t, p->s->real);
	buf_puts(out, "</td>");
	buf_puts(out, "</tr>\n");
}

static void
put_targets_head(const struct page *p, struct buf *out)
{
	unsigned n = p->s->windows;
	char text[32];

	buf_puts(out, "<h2>Targets</h2>\n");
	if (p->data.targets == 0)
		buf_puts(out,
		    "<p>Nothing is probed: the configuration names no media "
		    "cluster, no target and no product of a profile. "
		    "<code>man reachd.conf</code> has each, with "
		    "examples.</p>\n");
	buf_puts(out, "<table>\n<thead><tr><th>Target</th>"
		      "<th>State</th><th>For</th><th>Transport</th>"
		      "<th>Cluster</th><th class=\"n\">Last RTT</th>");
	buf_printf(out,
	    "<th class=\"n\">p95 %s</th><th class=\"n\">Loss %s</th>",
	    n > 0 ? clock_duration_text(p->s->window[0], text) : "",
	    n > 0 ? text : "");
	if (n > 1)
		buf_printf(out, "<th class=\"n\">%s</th>",
		    clock_duration_text(p->s->window[n - 1], text));
	buf_puts(out, "<th>Last failure</th></tr></thead>\n<tbody>\n");
}

/* The next rows, until the piece is large enough; false: that was all. */
static bool
put_targets(struct page *p, struct buf *out)
{
	size_t n =
	    p->data.targets < TARGETS_MAX ? p->data.targets : TARGETS_MAX;

	while (p->target < n && out->len < PIECE)
		put_target(p, out, &p->data.target[p->target++]);
	if (p->target < n)
		return true;
	buf_puts(out, "</tbody>\n</table>\n");
	if (n < p->data.targets)
		buf_printf(out,
		    "<p class=\"dim\">%zu more: <a href=\"api/v1/targets\">"
		    "api/v1/targets</a></p>\n",
		    p->data.targets - n);
	return false;
}

/* ---- events ---- */

static void
put_quantity(
    struct buf *out, const char *before, enum stats_unit unit, uint64_t v)
{
	if (v == 0 || v == STATS_NONE)
		return;
	buf_puts(out, before);
	if (unit == UNIT_NANOSECONDS)
		page_html_ms(out, v);
	else if (unit == UNIT_PPM)
		page_html_share(out, v);
	else
		buf_u64(out, v);
}

static void
put_event(const struct page *p, struct buf *out, const struct event *e)
{
	enum log_level severity = event_severity(e->kind);

	buf_puts(out, "<tr><td class=\"n\">");
	page_html_ago(out, (uint64_t)e->at, p->s->real);
	buf_printf(out, "</td><td><span class=\"s %s\">%s</span></td>",
	    severity == LOG_LEVEL_ERROR	 ? "bad"
	    : severity == LOG_LEVEL_WARN ? "warn"
					 : "none",
	    log_level_name(severity));
	buf_puts(out, "<td class=\"name\">");
	page_html_text(out, e->subject[0] != '\0' ? e->subject : "site");
	buf_puts(out, "</td><td>");
	page_html_text(out, event_text(e->kind));
	if (event_words(e->kind) != WORD_SETS && e->from != 0)
		buf_printf(out, " (%s \xe2\x86\x92 %s)",
		    word_label(event_words(e->kind), e->from),
		    word_label(event_words(e->kind), e->to));
	put_quantity(out, ": ", event_unit(e->kind), e->value);
	put_quantity(out, ", threshold ", event_unit(e->kind), e->threshold);
	buf_puts(out, "</td><td class=\"dim\">");
	page_html_text(out, e->cause);
	buf_puts(out, "</td></tr>\n");
}

static void
put_events(const struct page *p, struct buf *out)
{
	buf_puts(out, "<h2>Recent events</h2>\n");
	if (p->events == 0) {
		buf_puts(out, "<p class=\"dim\">None.</p>\n");
		return;
	}
	buf_puts(out, "<table>\n<thead><tr><th class=\"n\">Ago</th>"
		      "<th>Severity</th><th>Subject</th><th>What</th>"
		      "<th>Cause</th></tr></thead>\n<tbody>\n");
	for (size_t i = p->events; i-- > 0;)
		put_event(p, out, &p->event[i]);
	buf_puts(out, "</tbody>\n</table>\n");
}

/* ---- the whole ---- */

static void
put_title(const struct page *p, struct buf *out)
{
	struct buf title = BUF_INIT;
	size_t down = count_state(p, STATE_DOWN);
	char at[32];

	buf_puts(&title, "reachd");
	if (down > 0)
		buf_printf(&title, ": %zu down", down);
	page_html_head(out, buf_str(&title), p->nonce);
	buf_free(&title);
	buf_puts(out, "<header><h1>reachd</h1><p>Would the meeting work from "
		      "here?</p><p>As of <time>");
	buf_puts(out, clock_text(p->s->real, at));
	buf_puts(out, "</time></p></header>\n");
}

/* Links are relative, so that a proxy may put the page below a prefix. */
static void
put_links(const struct page *p, struct buf *out)
{
	static const char *const links[] = {"api/v1/targets", "api/v1/clusters",
	    "api/v1/requirements", "api/v1/site", "api/v1/events", "-/healthy",
	    "-/ready"};
	const char *metrics = p->telemetry_path;

	while (*metrics == '/')
		metrics++;
	buf_puts(out, "<footer><p><a href=\"");
	page_html_text(out, metrics);
	buf_puts(out, "\">");
	page_html_text(out, metrics);
	buf_puts(out, "</a>");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		buf_printf(out, " <a href=\"%s\">%s</a>", links[i], links[i]);
	buf_puts(out, "</p>");
	if (SNAP_COUNT(p->s, agent) > 0) {
		buf_puts(out, "<p>reachd ");
		put_label(out, SNAP(p->s, agent)->build, "version");
		buf_puts(out, "</p>");
	}
	buf_puts(out, "</footer>\n");
}

static bool
more(void *arg, struct buf *out)
{
	struct page *p = arg;

	if (!p->opened) {
		p->opened = true;
		put_title(p, out);
		put_headline(p, out);
		put_verdicts(p, out);
		put_clusters(p, out);
		page_requirements_section(out, p->s);
		put_targets_head(p, out);
		return true;
	}
	if (put_targets(p, out))
		return true;
	put_events(p, out);
	put_links(p, out);
	page_html_foot(out, p->nonce);
	return false;
}

static void
free_page(void *arg)
{
	struct page *p = arg;

	page_data_free(&p->data);
	snapshot_unref(p->s);
	free(p->telemetry_path);
	free(p->nonce);
	free(p);
}

struct body *
page_body(struct snapshot *s, const struct page_setup *setup)
{
	static const struct body_kind kind = {more, free_page};
	struct page *p = calloc(1, sizeof(*p));
	size_t skip;

	if (p == NULL)
		return NULL;
	p->s = snapshot_ref(s);
	p->telemetry_path = strdup(setup->telemetry_path);
	p->nonce = strdup(setup->nonce);
	p->events = setup->events < EVENTS_MAX ? setup->events : EVENTS_MAX;
	skip = setup->events - p->events;
	if (p->events > 0)
		memcpy(p->event, setup->event + skip,
		    p->events * sizeof(*p->event));
	if (page_data_make(&p->data, s) < 0 || p->telemetry_path == NULL ||
	    p->nonce == NULL) {
		free_page(p);
		return NULL;
	}
	return body_new(&kind, p);
}
