/* The MIB as an SMIv2 module: written from the tree, no object is named. */
#include "build.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "event.h"
#include "mib.h"
#include "mib_text.h"
#include "outcome.h"
#include "ping.h"
#include "smi.h"
#include "word.h"

static const char imports[] =
    "IMPORTS\n"
    "    MODULE-IDENTITY, OBJECT-TYPE, OBJECT-IDENTITY, NOTIFICATION-TYPE,\n"
    "    Counter64, Gauge32, Integer32, Unsigned32, enterprises\n"
    "        FROM SNMPv2-SMI                       -- RFC 2578\n"
    "    TEXTUAL-CONVENTION, TruthValue, DateAndTime, TimeStamp\n"
    "        FROM SNMPv2-TC                        -- RFC 2579\n"
    "    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP\n"
    "        FROM SNMPv2-CONF                      -- RFC 2580\n"
    "    SnmpAdminString\n"
    "        FROM SNMP-FRAMEWORK-MIB               -- RFC 3411\n"
    "    InetAddressType, InetAddress, InetPortNumber\n"
    "        FROM INET-ADDRESS-MIB;                -- RFC 4001\n\n";

/* ---- textual conventions ---- */

static void
put_range_convention(
    struct buf *out, const char *name, const char *hint, const char *help)
{
	buf_printf(out,
	    "%s ::= TEXTUAL-CONVENTION\n"
	    "    DISPLAY-HINT \"%s\"\n    STATUS current\n",
	    name, hint);
	smi_text(out, "DESCRIPTION", help);
	buf_puts(out, "\n    SYNTAX Gauge32\n\n");
}

static void
put_words(struct buf *out, enum word_set set)
{
	struct smi_list l = {out, false};

	buf_puts(out, "Reachd");
	smi_camel(out, word_set_name(set), true);
	buf_puts(out, " ::= TEXTUAL-CONVENTION\n    STATUS current\n");
	smi_text(out, "DESCRIPTION", "One of a closed set of words.");
	buf_puts(out, "\n    SYNTAX INTEGER ");
	smi_item(&l);
	buf_puts(out, "none(0)");
	for (unsigned n = 1; n < word_end(set); n++) {
		if (strcmp(word_label(set, n), "none") == 0)
			continue;
		smi_item(&l);
		smi_camel(out, word_label(set, n), false);
		buf_printf(out, "(%u)", n);
	}
	smi_end(&l);
	buf_puts(out, "\n\n");
}

static void
put_outcomes(struct buf *out)
{
	struct smi_list l = {out, false};
	struct buf help = BUF_INIT;

	buf_puts(&help, "How a request ended.");
	for (unsigned o = 1; o < OUTCOME_END; o++) {
		buf_putc(&help, ' ');
		smi_camel(&help, outcome_label((enum outcome)o), false);
		buf_printf(&help, ": %s", outcome_meaning((enum outcome)o));
	}
	buf_puts(out, "ReachdOutcome ::= TEXTUAL-CONVENTION\n"
		      "    STATUS current\n");
	smi_text(out, "DESCRIPTION", buf_str(&help));
	buf_free(&help);
	buf_puts(out, "\n    SYNTAX INTEGER ");
	for (unsigned o = 1; o < OUTCOME_END; o++) {
		smi_item(&l);
		smi_camel(out, outcome_label((enum outcome)o), false);
		buf_printf(out, "(%u)", o);
	}
	smi_end(&l);
	buf_puts(out, "\n\n");
}

static void
put_conventions(struct buf *out)
{
	put_range_convention(out, "ReachdMicroseconds", "d",
	    "A time in microseconds. 4294967295 stands for it and for all "
	    "that is longer.");
	put_range_convention(out, "ReachdPartsPerMillion", "d-4",
	    "A share in parts per million, shown in percent.");
	for (unsigned u = 0; u < STATS_UNITS; u++)
		if (stats_units[u].words != WORD_SETS)
			put_words(out, (enum word_set)stats_units[u].words);
	put_words(out, WORD_CLUSTER_CLASS);
	put_words(out, WORD_PROXY_AUTH);
	put_outcomes(out);
}

/* ---- objects ---- */

/* The syntax without its range, as a SEQUENCE has it (RFC 2578 §7.1.12). */
static void
put_base_syntax(struct buf *out, const char *syntax)
{
	const char *range = strstr(syntax, " (");

	buf_put(out, syntax,
	    range != NULL ? (size_t)(range - syntax) : strlen(syntax));
}

static void
put_help(struct buf *out, const struct mib_column *c)
{
	struct buf help = BUF_INIT;

	buf_puts(&help, c->help);
	if (strcmp(c->syntax, "Counter64") == 0)
		buf_printf(&help,
		    " Discontinuities can occur at the times that "
		    "reachd%s has.",
		    c->table->scope == SCOPE_target ? "TargetDiscontinuityTime"
						    : "DiscontinuityTime");
	smi_text(out, "DESCRIPTION", buf_str(&help));
	buf_free(&help);
}

static void
put_object(struct buf *out, const struct mib_column *c)
{
	buf_printf(
	    out, "reachd%s OBJECT-TYPE\n    SYNTAX %s\n", c->object, c->syntax);
	if (c->units[0] != '\0')
		buf_printf(out, "    UNITS \"%s\"\n", c->units);
	buf_printf(out, "    MAX-ACCESS %s\n    STATUS current\n",
	    c->source == MIB_OF_INDEX ? "not-accessible" : "read-only");
	put_help(out, c);
	buf_printf(out, "\n    ::= { reachd%s%s %u }\n\n",
	    c->table->name != NULL ? c->table->name : c->table->group,
	    c->table->name != NULL ? "Entry" : "", c->number);
}

static void
put_sequence(struct buf *out, const struct mib_table *t,
    const struct mib_column *c, size_t n)
{
	struct smi_list l = {out, false};

	buf_printf(out, "Reachd%sEntry ::= SEQUENCE ", t->name);
	for (size_t i = 0; i < n; i++) {
		if (c[i].table != t)
			continue;
		smi_object(&l, c[i].object);
		buf_putc(out, ' ');
		put_base_syntax(out, c[i].syntax);
	}
	smi_end(&l);
	buf_puts(out, "\n\n");
}

static void
put_table(struct buf *out, const struct mib_table *t)
{
	struct smi_list l = {out, false};

	buf_printf(out,
	    "reachd%sTable OBJECT-TYPE\n"
	    "    SYNTAX SEQUENCE OF Reachd%sEntry\n"
	    "    MAX-ACCESS not-accessible\n    STATUS current\n",
	    t->name, t->name);
	smi_text(out, "DESCRIPTION", t->help);
	buf_printf(out, "\n    ::= { reachd%s %u }\n\n", t->group, t->table);
	buf_printf(out,
	    "reachd%sEntry OBJECT-TYPE\n"
	    "    SYNTAX Reachd%sEntry\n"
	    "    MAX-ACCESS not-accessible\n    STATUS current\n",
	    t->name, t->name);
	smi_text(out, "DESCRIPTION",
	    "A row. An object of which nothing is known has no instance.");
	buf_puts(out, "\n    INDEX ");
	for (unsigned i = 0; i < t->indexes; i++)
		smi_object(&l, mib_index_object(t->index[i]));
	smi_end(&l);
	buf_printf(out, "\n    ::= { reachd%sTable 1 }\n\n", t->name);
}

static void
put_objects(struct buf *out, const struct mib_column *c, size_t n)
{
	const struct mib_table *t = NULL;
	unsigned arc = 0;

	for (size_t i = 0; i < n; i++) {
		if (c[i].table->arc != arc)
			buf_printf(out,
			    "reachd%s OBJECT IDENTIFIER ::= "
			    "{ reachdObjects %u }\n\n",
			    c[i].table->group, c[i].table->arc);
		if (c[i].table != t && c[i].table->name != NULL) {
			put_table(out, c[i].table);
			put_sequence(out, c[i].table, c, n);
		}
		t = c[i].table;
		arc = t->arc;
		put_object(out, &c[i]);
	}
}

/* ---- notifications ---- */

static void
put_notify_objects(struct buf *out)
{
	const struct mib_notify_object *o;

	buf_printf(out,
	    "reachdNotifyObjects OBJECT IDENTIFIER ::= "
	    "{ reachdObjects %d }\n\n",
	    MIB_NOTIFY_GROUP);
	for (unsigned n = 0; (o = mib_notify_at(n)) != NULL; n++) {
		buf_printf(out, "reachd%s OBJECT-TYPE\n    SYNTAX %s\n",
		    o->object, o->syntax);
		if (o->units[0] != '\0')
			buf_printf(out, "    UNITS \"%s\"\n", o->units);
		buf_puts(out, "    MAX-ACCESS accessible-for-notify\n"
			      "    STATUS current\n");
		smi_text(out, "DESCRIPTION", o->help);
		buf_printf(
		    out, "\n    ::= { reachdNotifyObjects %d }\n\n", o->which);
	}
}

/* Events are named apart: some have the name of the object they are of. */
static void
put_event_name(struct buf *out, enum event_kind kind)
{
	buf_puts(out, "reachdEvent");
	smi_camel(out, event_label(kind), true);
}

static void
put_notification(struct buf *out, enum event_kind kind)
{
	const struct mib_notify_object *o;
	struct smi_list l = {out, false};
	struct buf help = BUF_INIT;

	put_event_name(out, kind);
	buf_puts(out, " NOTIFICATION-TYPE\n    OBJECTS ");
	for (unsigned n = 0; (o = mib_notify_at(n)) != NULL; n++)
		if (mib_notify_has(kind, o->which))
			smi_object(&l, o->object);
	for (unsigned n = 0; mib_notify_row(kind, n) != NULL; n++)
		smi_object(&l, mib_notify_row(kind, n));
	smi_end(&l);
	buf_puts(out, "\n    STATUS current\n");
	buf_puts(&help, event_text(kind));
	if (help.len > 0)
		help.data[0] = (char)toupper((unsigned char)help.data[0]);
	buf_putc(&help, '.');
	smi_text(out, "DESCRIPTION", buf_str(&help));
	buf_free(&help);
	buf_printf(
	    out, "\n    ::= { reachdNotifications %u }\n\n", (unsigned)kind);
}

/* ---- kinds of probes, for pingCtlType ---- */

static void
put_probe_types(struct buf *out)
{
	const struct ping_type *t;

	for (unsigned n = 0; (t = ping_type_at(n)) != NULL; n++) {
		if (t->object == NULL)
			continue;
		buf_printf(out,
		    "reachd%s OBJECT-IDENTITY\n    STATUS current\n",
		    t->object);
		smi_text(out, "DESCRIPTION", t->help);
		buf_printf(
		    out, "\n    ::= { reachdProbeTypes %u }\n\n", t->number);
	}
}

/* ---- conformance ---- */

static void
put_group(struct buf *out, const struct mib_table *t,
    const struct mib_column *c, size_t n)
{
	struct smi_list l = {out, false};
	const char *group = mib_group(t);

	buf_printf(out, "reachd%sGroup OBJECT-GROUP\n    OBJECTS ", group);
	for (size_t i = 0; i < n; i++)
		if (c[i].source != MIB_OF_INDEX &&
		    strcmp(mib_group(c[i].table), group) == 0)
			smi_object(&l, c[i].object);
	smi_end(&l);
	buf_puts(out, "\n    STATUS current\n");
	smi_text(out, "DESCRIPTION",
	    t->name != NULL ? t->help : "Objects of one instance.");
	buf_printf(out, "\n    ::= { reachdGroups %u }\n\n",
	    (unsigned)(t - mib_tables) + 1);
}

static void
put_notify_groups(struct buf *out)
{
	const struct mib_notify_object *o;
	struct smi_list objects = {out, false}, events = {out, false};

	buf_puts(out, "reachdNotifyObjectsGroup OBJECT-GROUP\n    OBJECTS ");
	for (unsigned n = 0; (o = mib_notify_at(n)) != NULL; n++)
		smi_object(&objects, o->object);
	smi_end(&objects);
	buf_puts(out, "\n    STATUS current\n");
	smi_text(out, "DESCRIPTION", "What notifications say.");
	buf_puts(out, "\n    ::= { reachdGroups 101 }\n\n"
		      "reachdNotificationsGroup NOTIFICATION-GROUP\n"
		      "    NOTIFICATIONS ");
	for (unsigned k = 1; k < EVENT_KINDS; k++) {
		if (event_text((enum event_kind)k)[0] == '\0')
			continue;
		smi_item(&events);
		put_event_name(out, (enum event_kind)k);
	}
	smi_end(&events);
	buf_puts(out, "\n    STATUS current\n");
	smi_text(out, "DESCRIPTION", "What is notified.");
	buf_puts(out, "\n    ::= { reachdGroups 102 }\n\n");
}

static void
put_compliance(struct buf *out)
{
	struct smi_list l = {out, false};

	buf_puts(out, "reachdCompliance MODULE-COMPLIANCE\n"
		      "    STATUS current\n");
	smi_text(out, "DESCRIPTION",
	    "For agents that serve this module: it is read-only.");
	buf_puts(out, "\n    MODULE\n    MANDATORY-GROUPS ");
	for (unsigned i = 0; i < mib_table_rows; i++) {
		if (!mib_begins_group(&mib_tables[i]))
			continue;
		smi_item(&l);
		buf_printf(out, "reachd%sGroup", mib_group(&mib_tables[i]));
	}
	smi_object(&l, "NotifyObjectsGroup");
	smi_object(&l, "NotificationsGroup");
	smi_end(&l);
	buf_puts(out, "\n    ::= { reachdCompliances 1 }\n\n");
}

/* ---- the module ---- */

static void
put_root(struct buf *out)
{
	static const uint32_t enterprises[] = {1, 3, 6, 1, 4, 1};
	uint32_t root[MIB_ROOT_MAX];
	unsigned n = mib_root(root), i = 0;

	buf_puts(out, "\n    ::= {");
	if (n > 6 && memcmp(root, enterprises, sizeof(enterprises)) == 0) {
		buf_puts(out, " enterprises");
		i = 6;
	}
	for (; i < n; i++)
		buf_printf(out, " %u", root[i]);
	buf_puts(out, " }\n\n");
}

static void
put_identity(struct buf *out)
{
	buf_printf(out,
	    "reachdMIB MODULE-IDENTITY\n"
	    "    LAST-UPDATED \"%s\"\n"
	    "    ORGANIZATION \"reachd\"\n"
	    "    CONTACT-INFO \"The package's README names it.\"\n",
	    SMI_REVISION);
	smi_text(out, "DESCRIPTION",
	    "Reachability, loss and latency of media and signalling servers, "
	    "as measured by reachd: the same numbers that its metrics have. "
	    "All of it is read-only. Times are in microseconds, shares in "
	    "parts per million, indexes are small integers that stay with "
	    "their names.");
	buf_printf(out, "\n    REVISION \"%s\"\n", SMI_REVISION);
	smi_text(out, "DESCRIPTION", "First revision.");
	put_root(out);
	buf_printf(out,
	    "reachdNotifications OBJECT IDENTIFIER ::= { reachdMIB %d }\n"
	    "reachdObjects OBJECT IDENTIFIER ::= { reachdMIB %d }\n"
	    "reachdConformance OBJECT IDENTIFIER ::= { reachdMIB %d }\n"
	    "reachdProbeTypes OBJECT IDENTIFIER ::= { reachdMIB %d }\n"
	    "reachdCompliances OBJECT IDENTIFIER ::= { reachdConformance 1 }\n"
	    "reachdGroups OBJECT IDENTIFIER ::= { reachdConformance 2 }\n\n",
	    MIB_NOTIFICATIONS, MIB_OBJECTS, MIB_CONFORMANCE, MIB_PROBE_TYPES);
}

void
mib_text(struct buf *out)
{
	size_t n;
	struct mib_column *c = mib_columns_new(&n);

	if (c == NULL) {
		out->err = true;
		return;
	}
	buf_puts(out, "REACHD-MIB DEFINITIONS ::= BEGIN\n\n");
	buf_puts(out, imports);
	put_identity(out);
	put_conventions(out);
	put_objects(out, c, n);
	put_notify_objects(out);
	for (unsigned k = 1; k < EVENT_KINDS; k++)
		if (event_text((enum event_kind)k)[0] != '\0')
			put_notification(out, (enum event_kind)k);
	put_probe_types(out);
	put_compliance(out);
	for (unsigned i = 0; i < mib_table_rows; i++)
		if (mib_begins_group(&mib_tables[i]))
			put_group(out, &mib_tables[i], c, n);
	put_notify_groups(out);
	buf_puts(out, "END\n");
	free(c);
}
