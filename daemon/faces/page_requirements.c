/* Requirements as a section of the status page, and as a page. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "labels.h"
#include "page_html.h"
#include "page_requirements.h"
#include "snapshot.h"
#include "trouble.h"
#include "word.h"

enum {
	PIECE = 16 * 1024,
	FAILED_MAX = 20,  /* rows of the section; the page has all */
	TARGETS_MAX = 12, /* of a row */
	WAYS_MAX = 60
};

struct page {
	struct snapshot *s; /* a reference */
	char *nonce;
	bool opened;
	size_t row;		     /* the next requirement */
	size_t need;		     /* and its first target */
	struct buf profile, section; /* of the row before it */
};

static const char *
look(uint64_t status)
{
	switch (status) {
	case REQUIREMENT_STATUS_MET:
		return "ok";
	case REQUIREMENT_STATUS_FAILED:
		return "bad";
	case REQUIREMENT_STATUS_UNTESTED:
		return "warn";
	default:
		return "none";
	}
}

/* How people write them. */
static const char *const names[REQUIREMENT_STATUS_END] = {[0] = "unknown",
    [REQUIREMENT_STATUS_MET] = "met",
    [REQUIREMENT_STATUS_FAILED] = "failed",
    [REQUIREMENT_STATUS_UNTESTED] = "untested",
    [REQUIREMENT_STATUS_NOT_PROBEABLE] = "cannot be probed",
    [REQUIREMENT_STATUS_NOT_SELECTED] = "not selected"};

static const char *
name_of(uint64_t status)
{
	return names[status < REQUIREMENT_STATUS_END ? status : 0];
}

static void
put_label(struct buf *out, const char *labels, const char *name)
{
	struct buf value = BUF_INIT;

	if (labels_value(labels, name, &value))
		page_html_text(out, buf_str(&value));
	buf_free(&value);
}

/* Whether the label has a value; for what stands before it. */
static bool
has_label(const char *labels, const char *name)
{
	struct buf value = BUF_INIT;
	bool has = labels_value(labels, name, &value) && value.len > 0;

	buf_free(&value);
	return has;
}

static void
count(const struct snapshot *s, size_t n[REQUIREMENT_STATUS_END])
{
	memset(n, 0, REQUIREMENT_STATUS_END * sizeof(*n));
	for (size_t i = 0; i < SNAP_COUNT(s, requirement); i++) {
		uint64_t status = SNAP(s, requirement)[i].status;

		n[status < REQUIREMENT_STATUS_END ? status : 0]++;
	}
}

static void
put_counts(struct buf *out, const struct snapshot *s)
{
	size_t n[REQUIREMENT_STATUS_END];

	count(s, n);
	buf_puts(out, "<dl>\n");
	for (unsigned i = 1; i < REQUIREMENT_STATUS_END; i++)
		buf_printf(out,
		    "<div><dt>%s</dt><dd class=\"%s\">%zu</dd></div>\n",
		    names[i], n[i] > 0 ? look(i) : "dim", n[i]);
	buf_puts(out, "</dl>\n");
}

static void
put_status(struct buf *out, uint64_t status)
{
	buf_printf(out, "<td><span class=\"s %s\">%s</span></td>", look(status),
	    name_of(status));
}

/* ---- the section ---- */

static void
put_failed(
    struct buf *out, const struct snapshot *s, const struct snap_requirement *r)
{
	buf_puts(out, "<tr><td class=\"id\">");
	put_label(out, r->labels, "id");
	buf_puts(out, "</td>");
	put_status(out, r->status);
	buf_puts(out, "<td data-h=\"for\">");
	page_html_ago(out, r->changed_at, s->real);
	buf_puts(out, "</td><td>");
	put_label(out, r->about, "description");
	buf_puts(out, "</td><td>");
	put_label(out, r->now, "reason");
	buf_puts(out, "</td></tr>\n");
}

void
page_requirements_section(struct buf *out, const struct snapshot *s)
{
	size_t rows = SNAP_COUNT(s, requirement), shown = 0;
	size_t n[REQUIREMENT_STATUS_END];

	count(s, n);
	if (rows == 0 || n[REQUIREMENT_STATUS_NOT_SELECTED] +
				 n[REQUIREMENT_STATUS_NOT_PROBEABLE] ==
			     rows)
		return;
	buf_puts(out, "<h2>Requirements</h2>\n");
	put_counts(out, s);
	if (n[REQUIREMENT_STATUS_FAILED] > 0)
		buf_puts(out, "<table>\n<thead><tr><th>Requirement</th>"
			      "<th>Status</th><th>For</th><th>What</th>"
			      "<th>Why</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < rows && shown < FAILED_MAX; i++) {
		const struct snap_requirement *r = &SNAP(s, requirement)[i];

		if (r->status != REQUIREMENT_STATUS_FAILED)
			continue;
		put_failed(out, s, r);
		shown++;
	}
	if (n[REQUIREMENT_STATUS_FAILED] > 0)
		buf_puts(out, "</tbody>\n</table>\n");
	buf_puts(out, "<p class=\"dim\"><a href=\"requirements\">All "
		      "requirements</a></p>\n");
}

/* ---- the page ---- */

static bool
is_cut_off(const struct page *p)
{
	return SNAP_COUNT(p->s, site) > 0 &&
	       SNAP(p->s, site)->local_outage == 1;
}

/* What many of the rows are failed by. */
static void
put_causes(const struct page *p, struct buf *out)
{
	struct trouble t[TROUBLE_MAX];
	size_t n = trouble_find(p->s, t);

	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i == 0 ? " Known causes: " : "; ");
		page_html_text(out, t[i].text);
	}
	buf_puts(out, n > 0 ? "." : "");
}

/* Ways to the rows that failed, which stand among so many others. */
static void
put_ways(const struct page *p, struct buf *out)
{
	const struct snap_requirement *r = SNAP(p->s, requirement);
	size_t n = 0;

	for (size_t i = 0; i < SNAP_COUNT(p->s, requirement); i++) {
		if (r[i].status != REQUIREMENT_STATUS_FAILED)
			continue;
		if (++n > WAYS_MAX)
			continue;
		buf_puts(
		    out, n == 1 ? "<p>Not met: <a href=\"#" : ", <a href=\"#");
		put_label(out, r[i].labels, "id");
		buf_puts(out, "\">");
		put_label(out, r[i].labels, "id");
		buf_puts(out, "</a>");
	}
	if (n > WAYS_MAX)
		buf_printf(out, " and %zu more", n - WAYS_MAX);
	buf_puts(out, n > 0 ? ".</p>\n" : "");
}

static void
put_head(const struct page *p, struct buf *out)
{
	size_t n[REQUIREMENT_STATUS_END];
	char at[32];

	count(p->s, n);
	page_html_head(out, "reachd: requirements", p->nonce);
	buf_puts(out, "<header><h1>Requirements</h1>"
		      "<p><a href=\"./\">reachd</a></p><p>As of <time>");
	buf_puts(out, clock_text(p->s->real, at));
	buf_puts(out, "</time></p></header>\n");
	buf_printf(out, "<p class=\"verdict %s\"><strong>",
	    n[REQUIREMENT_STATUS_FAILED] > 0 || is_cut_off(p) ? "bad"
	    : n[REQUIREMENT_STATUS_MET] > 0		      ? "ok"
							      : "none");
	if (SNAP_COUNT(p->s, requirement) == 0)
		buf_puts(out, "No profile with requirements is in use.");
	else if (is_cut_off(p))
		buf_puts(out, "The site\xe2\x80\x99s own link is at fault: "
			      "nothing can be tested now.");
	else if (n[REQUIREMENT_STATUS_FAILED] > 0)
		buf_printf(out, "%zu of %zu requirements are not met.",
		    n[REQUIREMENT_STATUS_FAILED],
		    n[REQUIREMENT_STATUS_FAILED] + n[REQUIREMENT_STATUS_MET] +
			n[REQUIREMENT_STATUS_UNTESTED]);
	else if (n[REQUIREMENT_STATUS_MET] > 0)
		buf_puts(out, "All requirements that are tested are met.");
	else
		buf_puts(out, "Nothing is tested yet.");
	buf_puts(out, "</strong>");
	if (!is_cut_off(p))
		put_causes(p, out);
	buf_puts(out, "</p>\n");
	if (SNAP_COUNT(p->s, requirement) > 0)
		put_counts(out, p->s);
	put_ways(p, out);
}

static void
put_targets(struct page *p, struct buf *out, const char *labels)
{
	const struct snap_need *need = SNAP(p->s, need);
	size_t needs = SNAP_COUNT(p->s, need), n = 0;

	for (; p->need < needs &&
	       labels_rest(need[p->need].labels, labels) != NULL;
	     p->need++) {
		const struct snap_need *t = &need[p->need];
		bool down = t->state == STATE_DOWN;

		if (n++ >= TARGETS_MAX && !down)
			continue;
		buf_printf(out, "%s<span class=\"%s\">", n > 1 ? ", " : "",
		    down ? "bad" : "dim");
		put_label(out, t->labels, "target");
		buf_printf(out, "</span>%s", down ? " (down)" : "");
	}
	if (n > TARGETS_MAX)
		buf_printf(out, " <span class=\"dim\">of %zu</span>", n);
}

static void
put_why(struct buf *out, const struct snap_requirement *r)
{
	bool reason = has_label(r->now, "reason");

	put_label(out, r->now, "reason");
	/* The reason of a row without hosts says what to give already. */
	if (!reason && has_label(r->now, "supply")) {
		buf_puts(out, "Give hosts for: ");
		put_label(out, r->now, "supply");
	}
}

static void
put_row(struct page *p, struct buf *out, const struct snap_requirement *r)
{
	buf_puts(out, "<tr id=\"");
	put_label(out, r->labels, "id");
	buf_puts(out, "\"><td class=\"id\">");
	put_label(out, r->labels, "id");
	buf_puts(out, "</td>");
	put_status(out, r->status);
	buf_puts(out, "<td data-h=\"for\">");
	page_html_ago(out, r->changed_at, p->s->real);
	buf_puts(out, "</td><td>");
	put_label(out, r->about, "description");
	buf_puts(out, " <span class=\"dim\">(");
	put_label(out, r->about, "category");
	buf_puts(out, "; for ");
	put_label(out, r->about, "users");
	buf_puts(out, ")</span>");
	if (has_label(r->about, "limits")) {
		buf_puts(out, "<br><span class=\"dim\">");
		put_label(out, r->about, "limits");
		buf_puts(out, "</span>");
	}
	buf_puts(out, "</td><td>");
	put_why(out, r);
	buf_puts(out, "</td><td>");
	put_targets(p, out, r->labels);
	buf_puts(out, "</td></tr>\n");
}

static void
put_table_end(const struct page *p, struct buf *out)
{
	if (p->section.len > 0)
		buf_puts(out, "</tbody>\n</table>\n");
}

/* "domains_core" reads as "domains core". */
static void
put_title(struct buf *out, struct page *p)
{
	struct buf title = BUF_INIT;

	buf_puts(&title, buf_str(&p->profile));
	buf_puts(&title, ": ");
	for (const char *c = buf_str(&p->section); *c != '\0'; c++)
		buf_putc(&title, *c == '_' ? ' ' : *c);
	page_html_text(out, buf_str(&title));
	buf_free(&title);
}

/* A table for each section of each profile. */
static void
put_section(struct page *p, struct buf *out, const struct snap_requirement *r)
{
	struct buf profile = BUF_INIT, section = BUF_INIT;
	bool same;

	labels_value(r->labels, "profile", &profile);
	labels_value(r->labels, "section", &section);
	same = strcmp(buf_str(&profile), buf_str(&p->profile)) == 0 &&
	       strcmp(buf_str(&section), buf_str(&p->section)) == 0;
	if (!same)
		put_table_end(p, out);
	buf_free(&p->profile);
	buf_free(&p->section);
	p->profile = profile;
	p->section = section;
	if (same)
		return;
	buf_puts(out, "<h2>");
	put_title(out, p);
	buf_puts(out, "</h2>\n<table>\n<thead><tr><th>Id</th><th>Status</th>"
		      "<th>For</th><th>Requirement</th><th>Why</th>"
		      "<th>Targets</th></tr></thead>\n<tbody>\n");
}

static bool
more(void *arg, struct buf *out)
{
	struct page *p = arg;
	size_t rows = SNAP_COUNT(p->s, requirement);

	if (!p->opened)
		put_head(p, out);
	p->opened = true;
	while (p->row < rows && out->len < PIECE) {
		const struct snap_requirement *r =
		    &SNAP(p->s, requirement)[p->row++];

		put_section(p, out, r);
		put_row(p, out, r);
	}
	if (p->row < rows)
		return true;
	put_table_end(p, out);
	buf_puts(out, "<footer><p><a href=\"api/v1/requirements\">"
		      "api/v1/requirements</a></p></footer>\n");
	page_html_foot(out, p->nonce);
	return false;
}

static void
free_page(void *arg)
{
	struct page *p = arg;

	snapshot_unref(p->s);
	buf_free(&p->profile);
	buf_free(&p->section);
	free(p->nonce);
	free(p);
}

struct body *
page_requirements_body(struct snapshot *s, const char *nonce)
{
	static const struct body_kind kind = {more, free_page};
	struct page *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->s = snapshot_ref(s);
	p->nonce = strdup(nonce);
	if (p->nonce == NULL) {
		free_page(p);
		return NULL;
	}
	return body_new(&kind, p);
}
