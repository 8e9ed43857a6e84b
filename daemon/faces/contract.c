/* What others rely on, as text made from the tables. */
#include "build.h"

#include <string.h>

#include "buf.h"
#include "capability.h"
#include "contract.h"
#include "event.h"
#include "expo_text.h"
#include "log.h"
#include "mib_text.h"
#include "option.h"
#include "outcome.h"
#include "stats.h"
#include "word.h"

/* A cell of a table in Markdown. */
static void
put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_puts(out, " |");
}

/* ---- metrics ---- */

/* The labels of the scope, and the one that tells an item's samples apart. */
static void
put_labels(struct buf *out, const struct stats_desc *d)
{
	const char *labels = stats_scopes[d->scope].labels, *more = "";

	if (d->nature == STATS_STATESET)
		more =
		    word_set_label((enum word_set)stats_units[d->unit].words);
	else if (d->nature == STATS_HISTOGRAM)
		more = "le";
	else if (d->nature == STATS_INFO)
		more = "...";
	buf_puts(out, labels);
	if (labels[0] != '\0' && more[0] != '\0')
		buf_putc(out, ',');
	put_cell(out, more);
}

static void
put_metric(struct buf *out, const struct stats_desc *d)
{
	const char *unit = strrchr(stats_units[d->unit].suffix, '_');

	buf_puts(out, "| ");
	expo_text_sample(d, out);
	buf_puts(out, " | ");
	put_cell(out, expo_text_type(d));
	buf_putc(out, ' ');
	put_cell(out, unit != NULL ? unit + 1 : "");
	buf_putc(out, ' ');
	put_labels(out, d);
	buf_putc(out, ' ');
	put_cell(out, d->help);
	buf_putc(out, '\n');
}

static void
metrics(struct buf *out)
{
	buf_puts(out, "| name | type | unit | labels | help |\n"
		      "|---|---|---|---|---|\n");
	for (unsigned i = 0; i < stats_rows; i++)
		if (stats_table[i].family[0] != '\0')
			put_metric(out, &stats_table[i]);
}

/* ---- words ---- */

static void
words(struct buf *out)
{
	buf_puts(out, "| set | words |\n|---|---|\n");
	for (unsigned set = 0; set < WORD_SETS; set++) {
		buf_puts(out, "| ");
		put_cell(out, word_set_name((enum word_set)set));
		buf_putc(out, ' ');
		put_cell(out, word_list((enum word_set)set));
		buf_putc(out, '\n');
	}
	buf_puts(out, "\n| reason | meaning |\n|---|---|\n");
	for (unsigned o = 1; o < OUTCOME_END; o++) {
		buf_puts(out, "| ");
		put_cell(out, outcome_label((enum outcome)o));
		buf_putc(out, ' ');
		put_cell(out, outcome_meaning((enum outcome)o));
		buf_putc(out, '\n');
	}
}

/* ---- events ---- */

static void
events(struct buf *out)
{
	buf_puts(out, "| number | event | severity | text |\n"
		      "|---|---|---|---|\n");
	for (unsigned k = 1; k < EVENT_KINDS; k++) {
		enum event_kind kind = (enum event_kind)k;

		if (event_text(kind)[0] == '\0')
			continue;
		buf_printf(out, "| %u | ", k);
		put_cell(out, event_label(kind));
		buf_putc(out, ' ');
		put_cell(out, log_level_name(event_severity(kind)));
		buf_putc(out, ' ');
		put_cell(out, event_text(kind));
		buf_putc(out, '\n');
	}
}

/* ---- the list ---- */

static const struct contract contracts[] = {
    {"metrics", "names, types, units and labels of metrics", metrics},
    {"options", "settings of the configuration file", option_reference_text},
    {"manual", "the same, as reachd.conf(5) has it", option_reference_mdoc},
    {"events", "what is logged, listed and notified", events},
    {"mib", "the SNMP module", mib_text},
    {"capability", "what the SNMP subagent serves", capability_text},
    {"words", "values of labels, and reasons of failures", words},
};

const struct contract *
contract_at(unsigned n)
{
	return n < sizeof(contracts) / sizeof(contracts[0]) ? &contracts[n]
							    : NULL;
}

const struct contract *
contract_find(const char *name)
{
	const struct contract *c;

	for (unsigned n = 0; (c = contract_at(n)) != NULL; n++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
