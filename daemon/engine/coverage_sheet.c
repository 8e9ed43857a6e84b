/* Rows of requirements as items of a snapshot. */
#include "build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config.h"
#include "coverage_sheet.h"

static void
put_pair(struct buf *b, const char *name, const char *value)
{
	if (b->len > 0)
		buf_putc(b, ',');
	buf_puts(b, name);
	buf_puts(b, "=\"");
	target_label_escape(b, value != NULL ? value : "");
	buf_putc(b, '"');
}

static void
put_labels(struct buf *b, const struct profile *p, const struct requirement *r)
{
	put_pair(b, "profile", p->id);
	put_pair(b, "id", r->id);
	put_pair(b, "section", r->section);
}

static void
put_about(struct buf *b, const struct requirement *r)
{
	put_pair(
	    b, "category", word_label(WORD_REQUIREMENT_CATEGORY, r->category));
	put_pair(b, "users", r->users != NULL ? r->users : "all");
	put_pair(b, "description", r->text);
	put_pair(b, "limits", r->limits);
}

static int
make_row(struct coverage_row *row, const struct profile *p,
    const struct requirement *r)
{
	struct buf labels = BUF_INIT, about = BUF_INIT, name = BUF_INIT;

	put_labels(&labels, p, r);
	put_about(&about, r);
	buf_printf(&name, "%s %s", p->id, r->id);
	row->labels = buf_steal(&labels);
	row->about = buf_steal(&about);
	row->name = buf_steal(&name);
	row->id = strdup(r->id);
	row->supply = strdup(r->bare > 0 && r->supply != NULL ? r->supply : "");
	row->verdict.status = REQUIREMENT_STATUS_UNTESTED;
	return row->labels != NULL && row->about != NULL && row->name != NULL &&
		       row->id != NULL && row->supply != NULL
		   ? 0
		   : -ENOMEM;
}

struct coverage_sheet *
coverage_sheet_new(const struct config *c)
{
	struct coverage_sheet *s = calloc(1, sizeof(*s));
	size_t n = 0;
	int err = 0;

	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < c->profiles; i++)
		n += c->profile[i]->rows;
	s->row = calloc(n + 1, sizeof(*s->row));
	for (size_t i = 0; s->row != NULL && i < c->profiles; i++)
		for (size_t k = 0; k < c->profile[i]->rows && err == 0; k++)
			err = make_row(&s->row[s->rows++], c->profile[i],
			    &c->profile[i]->row[k]);
	if (s->row != NULL && err == 0)
		return s;
	coverage_sheet_free(s);
	return NULL;
}

static void
free_targets(struct coverage_row *row)
{
	for (size_t i = 0; i < row->targets; i++)
		free(row->target[i]);
	free(row->target);
	free(row->state);
	row->target = NULL;
	row->state = NULL;
	row->targets = 0;
}

void
coverage_sheet_free(struct coverage_sheet *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->rows; i++) {
		free_targets(&s->row[i]);
		free(s->row[i].labels);
		free(s->row[i].about);
		free(s->row[i].supply);
		free(s->row[i].name);
		free(s->row[i].id);
	}
	free(s->row);
	free(s);
}

void
coverage_sheet_follow(
    struct coverage_sheet *s, const struct coverage_sheet *old)
{
	size_t from = 0;

	for (size_t i = 0; old != NULL && i < s->rows; i++) {
		/* Mostly they stand where they stood. */
		for (size_t k = 0; k < old->rows; k++) {
			size_t at = (from + k) % old->rows;
			const struct coverage_row *was = &old->row[at];

			if (strcmp(was->name, s->row[i].name) != 0)
				continue;
			s->row[i].verdict = was->verdict;
			s->row[i].changed_at = was->changed_at;
			s->row[i].told = was->told;
			from = at + 1;
			break;
		}
	}
}

int
coverage_sheet_targets(
    struct coverage_row *row, const char *const *labels, size_t n)
{
	free_targets(row);
	if (n == 0)
		return 0;
	row->target = calloc(n, sizeof(*row->target));
	row->state = calloc(n, sizeof(*row->state));
	for (size_t i = 0; i < n && row->target != NULL; i++) {
		struct buf b = BUF_INIT;

		buf_puts(&b, row->labels);
		put_pair(&b, "target", labels[i]);
		row->target[row->targets] = buf_steal(&b);
		if (row->target[row->targets] != NULL)
			row->targets++;
	}
	if (row->targets == n && row->state != NULL)
		return 0;
	free_targets(row);
	return -ENOMEM;
}

static void
fill_row(const struct coverage_row *row, struct snapshot_builder *b,
    struct buf *text)
{
	struct snap_requirement *o =
	    snapshot_item(b, SCOPE_requirement, row->labels);

	if (o == NULL)
		return;
	o->status = row->verdict.status;
	o->changed_at = snapshot_time(b, row->changed_at);
	o->about = snapshot_text(b, row->about);
	buf_reset(text);
	put_pair(text, "reason", row->verdict.why);
	put_pair(text, "supply", row->supply);
	o->now = snapshot_text(b, buf_str(text));
	for (size_t i = 0; i < row->targets; i++) {
		struct snap_need *n =
		    snapshot_item(b, SCOPE_need, row->target[i]);

		if (n != NULL)
			n->state = row->state[i];
	}
}

void
coverage_sheet_fill(const struct coverage_sheet *s, struct snapshot_builder *b)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < s->rows; i++)
		fill_row(&s->row[i], b, &text);
	buf_free(&text);
}
