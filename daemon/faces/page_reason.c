/* Reasons, as markup. */
#include "build.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "labels.h"
#include "outcome.h"
#include "page_html.h"
#include "page_reason.h"
#include "word.h"

static bool
has_info(const struct snap_target *t, const char *name, const char *value)
{
	struct buf b = BUF_INIT;
	bool has =
	    labels_value(t->info, name, &b) && strcmp(buf_str(&b), value) == 0;

	buf_free(&b);
	return has;
}

bool
page_reason_is_wall(const struct snap_target *t)
{
	return has_info(t, "expect", word_label(WORD_EXPECT, EXPECT_BLOCKED));
}

static void
put_outcome(struct buf *out, enum outcome o)
{
	buf_puts(out, "<span title=\"");
	page_html_text(out, outcome_meaning(o));
	buf_printf(out, "\">%s</span>", outcome_label(o));
}

/* Codes are numbers of their protocols; where they are ours, words. */
static void
put_code(struct buf *out, const struct snap_target *t)
{
	if (t->last_code == STATS_NONE || t->last_code == 0)
		return;
	if (has_info(t, "probe", "ntp"))
		buf_printf(out, " %s",
		    word_label(WORD_NTP_ERROR, (unsigned)t->last_code));
	else
		buf_printf(out, " %" PRIu64, t->last_code);
}

/* Whether what must be blocked is so, and by what that is known. */
static void
put_wall(struct buf *out, const struct snap_target *t, enum outcome o)
{
	static const char *const says[STATE_END] = {
	    [STATE_UP] = "blocked, as expected",
	    [STATE_DOWN] = "open, expected blocked",
	};

	buf_puts(out, t->state < STATE_END && says[t->state] != NULL
			  ? says[t->state]
			  : "expected blocked");
	if (o == OUTCOME_NONE)
		return;
	buf_puts(out, "<span class=\"dim\">: </span>");
	put_outcome(out, o);
}

void
page_reason(struct buf *out, const struct snap_target *t, int64_t now)
{
	enum outcome o = t->last_outcome < OUTCOME_END
			     ? (enum outcome)t->last_outcome
			     : OUTCOME_NONE;

	if (page_reason_is_wall(t)) {
		put_wall(out, t, o);
		return;
	}
	if (o == OUTCOME_NONE || o == OUTCOME_ANSWERED)
		return;
	put_outcome(out, o);
	put_code(out, t);
	if (t->success_at != STATS_NONE &&
	    outcome_class(o) != OUTCOME_CLASS_ANSWER) {
		buf_puts(out, "<span class=\"dim\">, no answer for </span>");
		page_html_ago(out, t->success_at, now);
	}
}
