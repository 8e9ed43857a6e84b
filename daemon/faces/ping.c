/* Targets and samples as DISMAN-PING-MIB has them; columns from ping.def. */
#include "build.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "outcome.h"
#include "ping.h"
#include "snapshot.h"

/* RFC 4001 section 3 */
enum { INET_UNKNOWN = 0, INET_IPV4 = 1, INET_IPV6 = 2, INET_DNS = 16 };
enum { ENABLED = 1, DISABLED = 2, STATUS_UNKNOWN = 2 };
enum { TIMEOUT_MOST = 60 };

#define COLUMN(                                                              \
    table, number, object, form, fixed, offset, value, access, syntax, note) \
	{                                                                    \
		PING_##table, number, #object, PING_##form, fixed, offset,   \
		    value, PING_##access, syntax, note                       \
	}

const struct ping_column ping_scalars[] = {
#define PING_SCALAR(number, object, form, value, access, syntax, note)       \
	COLUMN(TABLES, number, object, form, true, 0, value, access, syntax, \
	    note),
#include "ping.def"
};

const struct ping_column ping_columns[] = {
#define PING_COLUMN(table, number, object, form, field, access, syntax, note) \
	COLUMN(table, number, object, form, false,                            \
	    offsetof(struct ping_row, field), 0, access, syntax, note),
#define PING_FIXED(table, number, object, form, value, access, syntax, note) \
	COLUMN(table, number, object, form, true, 0, value, access, syntax,  \
	    note),
#include "ping.def"
};

const unsigned ping_scalar_rows =
    sizeof(ping_scalars) / sizeof(ping_scalars[0]);
const unsigned ping_column_rows =
    sizeof(ping_columns) / sizeof(ping_columns[0]);

const struct ping_table_desc ping_tables[PING_TABLES] = {
#define PING_TABLE(table, arc, keys) [PING_##table] = {arc, keys},
#include "ping.def"
};

static const uint8_t statuses[OUTCOME_END] = {
#define PING_STATUS(outcome, status) [OUTCOME_##outcome] = status,
#include "ping.def"
};

static const uint8_t notifications[EVENT_KINDS] = {
#define PING_EVENT(notification, event) \
	[EVENT_##event] = PING_NOTIFICATION_##notification,
#include "ping.def"
};

static const struct ping_type types[] = {
#define PING_TYPE(probe, transport, number, octets, object, help) \
	{#probe, TRANSPORT_##transport, number, octets, #object, help},
#define PING_STANDARD(probe, transport, number, octets) \
	{#probe, TRANSPORT_##transport, number, octets, NULL, NULL},
#include "ping.def"
};

const struct ping_type *
ping_type_at(unsigned n)
{
	return n < sizeof(types) / sizeof(types[0]) ? &types[n] : NULL;
}

unsigned
ping_notification(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KINDS ? notifications[kind] : 0;
}

bool
ping_is_notified(const struct ping_column *c)
{
	return c->table == PING_RESULTS ||
	       (c->table == PING_CTL &&
		   c->offset == offsetof(struct ping_row, target) && !c->fixed);
}

/* ---- control ---- */

static struct ping_host
host_of(const struct addr *a)
{
	struct ping_host h = {INET_UNKNOWN, 0, ""};
	unsigned len;
	const uint8_t *bytes = addr_bytes(a, &len);

	if (bytes != NULL)
		h = (struct ping_host){
		    len == 4 ? INET_IPV4 : INET_IPV6, len, bytes};
	return h;
}

static bool
is_name(const struct target *t)
{
	struct addr literal;

	return addr_parse_host(&literal, t->host) < 0;
}

/* 1 + the row of the kind; 0: none, as for a kind that has no row yet. */
static unsigned
type_of(const struct target *t)
{
	const struct ping_type *p;

	for (unsigned n = 0; (p = ping_type_at(n)) != NULL; n++)
		if (p->transport == t->path.transport &&
		    strcmp(p->probe, t->probe) == 0)
			return n + 1;
	return 0;
}

/* Requests of a test: of whole rounds, as far as they fit. */
static unsigned
test_size(const struct target *t)
{
	unsigned round = t->count > 0 ? t->count : 1;

	return round > PING_TEST_MOST ? PING_TEST_MOST
				      : PING_TEST_MOST / round * round;
}

static uint64_t
seconds(uint64_t ns)
{
	return (ns + CLOCK_SEC - 1) / CLOCK_SEC;
}

/* Between one and the most that the module allows. */
static uint64_t
within(uint64_t v, uint64_t most)
{
	if (v < 1)
		return 1;
	return v < most ? v : most;
}

static uint64_t
frequency(const struct target *t)
{
	unsigned round = t->count > 0 ? t->count : 1;
	unsigned rounds = (test_size(t) + round - 1) / round;

	return within(seconds(t->interval_ns * rounds), UINT32_MAX);
}

static void
describe(struct ping_row *out, const struct target *t)
{
	int n = snprintf(out->descr, sizeof(out->descr), "%s %s %s", t->probe,
	    word_label(WORD_TRANSPORT, t->path.transport), t->host);
	size_t at = n < 0 ? 0 : (size_t)n;

	if (t->port != 0 && at < sizeof(out->descr))
		at += (size_t)snprintf(out->descr + at, sizeof(out->descr) - at,
		    " port %u", t->port);
	if (t->cluster[0] != '\0' && at < sizeof(out->descr))
		snprintf(out->descr + at, sizeof(out->descr) - at, " (%s)",
		    t->cluster);
}

static uint64_t
status_of(const struct snapshot *s, size_t i)
{
	return i < SNAP_COUNT(s, target) &&
		       SNAP(s, target)[i].state == STATE_DISABLED
		   ? DISABLED
		   : ENABLED;
}

void
ping_control(
    struct ping_row *out, const struct snapshot *s, size_t i, unsigned traps)
{
	const struct target *t = s->roster->entry[i].target;
	const struct path *p = &t->path;

	out->target = host_of(&p->addr);
	if (is_name(t))
		out->target =
		    (struct ping_host){INET_DNS, strlen(t->host), t->host};
	out->source = host_of(&p->source);
	out->type = type_of(t);
	out->data_size = out->type > 0 ? types[out->type - 1].octets : 0;
	out->timeout = within(seconds(p->timeout_ns), TIMEOUT_MOST);
	out->count = test_size(t);
	out->frequency = frequency(t);
	out->traps = traps;
	out->test_filter = within(t->thresholds.down_after, PING_TEST_MOST);
	out->interface =
	    p->interface[0] != '\0' ? if_nametoindex(p->interface) : 0;
	out->ds_field = (uint64_t)p->dscp << 2;
	out->status = status_of(s, i);
	describe(out, t);
}

/* ---- results ---- */

/* What was answered took at least a millisecond: 0 says that it was not. */
static uint64_t
milliseconds(uint64_t ns)
{
	return ns <= CLOCK_MS ? 1 : (ns + CLOCK_MS - 1) / CLOCK_MS;
}

static void
count_answer(struct ping_row *out, uint64_t rtt)
{
	uint64_t ms = milliseconds(rtt);

	if (out->responses++ == 0 || ms < out->rtt_min)
		out->rtt_min = ms;
	if (ms > out->rtt_max)
		out->rtt_max = ms;
	out->rtt_mean += rtt;
	out->squares += ms * ms;
}

static void
count_test(struct ping_row *out, const struct snapshot_history *h, unsigned n)
{
	for (size_t k = h->samples; k > 0 && out->sent < n; k--) {
		const struct sample *sample = &h->sample[k - 1];
		enum outcome_class class =
		    outcome_class(sample_outcome(sample));

		out->sent += class != OUTCOME_CLASS_LOCAL;
		if (class == OUTCOME_CLASS_ANSWER)
			count_answer(out, sample_rtt(sample));
	}
	if (out->responses > 0)
		out->rtt_mean = milliseconds(out->rtt_mean / out->responses);
	if (out->squares > UINT32_MAX)
		out->squares = UINT32_MAX;
}

void
ping_results(struct ping_row *out, const struct snapshot *s, size_t i)
{
	const struct target *t = s->roster->entry[i].target;

	out->status = status_of(s, i);
	out->resolved = (struct ping_host){INET_UNKNOWN, 0, ""};
	if (is_name(t))
		out->resolved = host_of(&t->path.addr);
	out->rtt_min = out->rtt_max = out->rtt_mean = out->squares = 0;
	out->responses = out->sent = 0;
	if (s->history != NULL)
		count_test(out, &s->history[i], test_size(t));
	out->last_good = i < SNAP_COUNT(s, target)
			     ? SNAP(s, target)[i].success_at
			     : STATS_NONE;
}

/* ---- history ---- */

void
ping_probe(struct ping_row *out, const struct snapshot *s, size_t i, size_t k)
{
	const struct sample *sample = &s->history[i].sample[k];
	enum outcome o = sample_outcome(sample);
	uint64_t took = 0;

	if (outcome_class(o) == OUTCOME_CLASS_ANSWER)
		took = sample_rtt(sample);
	else if (o == OUTCOME_TIMEOUT)
		took = s->roster->entry[i].target->path.timeout_ns;
	out->response = took > 0 ? milliseconds(took) : 0;
	out->result =
	    o < OUTCOME_END && statuses[o] != 0 ? statuses[o] : STATUS_UNKNOWN;
	out->code = o == OUTCOME_ANSWERED ? 0 : o;
	out->at = (uint64_t)((int64_t)(sample->sent_ns + took) + s->offset);
}
