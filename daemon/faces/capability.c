/* The capabilities of the agent; no object is named. */
#include "build.h"

#include "buf.h"
#include "capability.h"
#include "mib.h"
#include "ping.h"
#include "smi.h"

static const char head[] =
    "REACHD-CAPABILITY-MIB DEFINITIONS ::= BEGIN\n\n"
    "IMPORTS\n"
    "    MODULE-IDENTITY, Unsigned32\n"
    "        FROM SNMPv2-SMI                       -- RFC 2578\n"
    "    TruthValue, RowStatus, StorageType\n"
    "        FROM SNMPv2-TC                        -- RFC 2579\n"
    "    AGENT-CAPABILITIES\n"
    "        FROM SNMPv2-CONF                      -- RFC 2580\n"
    "    InetAddressType\n"
    "        FROM INET-ADDRESS-MIB                 -- RFC 4001\n"
    "    reachdMIB\n"
    "        FROM REACHD-MIB;\n\n";

static const char help[] =
    "All of REACHD-MIB, and DISMAN-PING-MIB read-only: each target that is "
    "probed is a test with the owner reachd. pingTestFailed is sent when a "
    "target is down, pingTestCompleted when it is up, pingProbeFailed when its "
    "loss becomes high, each as pingCtlTrapGeneration says.";

static void
put_identity(struct buf *out)
{
	buf_puts(out, head);
	buf_puts(out, "reachdCapabilities MODULE-IDENTITY\n"
		      "    LAST-UPDATED \"" SMI_REVISION "\"\n"
		      "    ORGANIZATION \"reachd\"\n"
		      "    CONTACT-INFO \"The package's README names it.\"\n");
	smi_text(out, "DESCRIPTION",
	    "What the SNMP subagent of reachd serves, and where it differs "
	    "from the modules that it serves.");
	buf_puts(out, "\n    REVISION \"" SMI_REVISION "\"\n");
	smi_text(out, "DESCRIPTION", "First revision.");
	buf_printf(out, "\n    ::= { reachdMIB %d }\n\n", MIB_CAPABILITIES);
}

static void
put_variation(struct buf *out, const struct ping_column *c)
{
	if (c->access == PING_READ && c->note[0] == '\0' &&
	    c->syntax[0] == '\0')
		return;
	buf_printf(out, "\n    VARIATION %s\n", c->object);
	if (c->syntax[0] != '\0')
		buf_printf(out, "    SYNTAX %s\n", c->syntax);
	if (c->access != PING_READ)
		buf_puts(out, "    ACCESS read-only\n");
	smi_text(
	    out, "DESCRIPTION", c->note[0] != '\0' ? c->note : "Narrowed.");
}

static void
put_own(struct buf *out)
{
	struct smi_list l = {out, false};

	buf_puts(out, "\n    SUPPORTS REACHD-MIB\n    INCLUDES ");
	for (unsigned i = 0; i < mib_table_rows; i++) {
		if (!mib_begins_group(&mib_tables[i]))
			continue;
		smi_item(&l);
		buf_printf(out, "reachd%sGroup", mib_group(&mib_tables[i]));
	}
	smi_object(&l, "NotifyObjectsGroup");
	smi_object(&l, "NotificationsGroup");
	smi_end(&l);
}

static void
put_ping(struct buf *out)
{
	static const char *const groups[] = {"pingMinimumGroup",
	    "pingCtlRowStatusGroup", "pingHistoryGroup",
	    "pingNotificationsGroup"};
	struct smi_list l = {out, false};

	buf_puts(out, "\n    SUPPORTS DISMAN-PING-MIB\n    INCLUDES ");
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		smi_item(&l);
		buf_puts(out, groups[i]);
	}
	smi_end(&l);
	for (unsigned i = 0; i < ping_scalar_rows; i++)
		put_variation(out, &ping_scalars[i]);
	for (unsigned i = 0; i < ping_column_rows; i++)
		put_variation(out, &ping_columns[i]);
}

void
capability_text(struct buf *out)
{
	put_identity(out);
	buf_puts(out, "reachdAgentCapabilities AGENT-CAPABILITIES\n"
		      "    PRODUCT-RELEASE \"reachd\"\n"
		      "    STATUS current\n");
	smi_text(out, "DESCRIPTION", help);
	put_own(out);
	put_ping(out);
	buf_puts(out, "\n    ::= { reachdCapabilities 1 }\n\nEND\n");
}
