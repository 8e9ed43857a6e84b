/* Making a probe out of no schedule, and reading what became of it. */
#include "build.h"

#include <stdlib.h>

#include "clock.h"
#include "collector.h"
#include "once.h"
#include "row.h"
#include "run.h"

enum { RING = 64 };

/* Far enough that no regular start is ever due. */
#define NEVER (86400 * CLOCK_SEC)

struct once *
once_new(
    const struct collector *c, struct target *t, uint64_t deadline, void *arg)
{
	const struct kind *k = kind_find(t->probe, t->path.transport);
	struct once *o = k != NULL ? calloc(1, sizeof(*o)) : NULL;
	struct row *row;

	if (o == NULL)
		return NULL;
	/* Time-outs at each tick, not at every fifth. */
	t->interval_ns = CLOCK_SEC / 2;
	row = row_new(RING, k->shows);
	o->run = row != NULL ? run_new(t, row, c) : NULL;
	row_unref(row);
	if (o->run == NULL) {
		free(o);
		return NULL;
	}
	o->deadline = deadline;
	o->arg = arg;
	o->details.length = -1;
	o->run->once = o;
	o->run->first_done = true;
	o->run->due_ns = deadline + NEVER;
	o->run->again = TRIGGER_REQUEST;
	o->run->probe.count = t->count;
	o->run->probe.details = &o->details;
	return o;
}

void
once_free(struct once *o)
{
	if (o == NULL)
		return;
	run_free(o->run);
	free(o);
}

static uint64_t
sum(const uint64_t phase[PHASE_END])
{
	uint64_t all = 0;

	for (unsigned i = PHASE_PROXY; i < PHASE_END; i++)
		all += phase[i];
	return all;
}

/*
 * Of an answer the time that it took, not that until the loop read it. The
 * phases of a probe are that; where it has none, its round-trip time.
 */
static uint64_t
took(const struct once *o, const struct once_result *r)
{
	const struct run *u = o->run;
	uint64_t phases = sum(r->phase_ns), ns = r->rtt_ns;

	if (r->rtt_ns == 0)
		return o->ended > u->start_ns ? o->ended - u->start_ns : 0;
	if (phases > ns)
		ns = phases;
	return ns + o->details.transfer_ns;
}

void
once_read(const struct once *o, struct once_result *out)
{
	const struct run *u = o->run;
	const struct run_request *q =
	    &u->request[u->sent > 0 ? u->sent - 1 : 0];
	uint64_t words[TALLY_WORDS];

	*out = (struct once_result){
	    .outcome = q->outcome, .code = q->code, .rtt_ns = q->rtt_ns};
	for (unsigned i = 0; i < PHASE_END; i++)
		out->phase_ns[i] = u->phase_ns[i];
	out->has_tls = row_read_tls(u->row, &out->tls);
	out->known = row_read_facts(u->row, out->fact);
	row_read(u->row, words);
	row_read_addr(words, TALLY_MAPPED, &out->mapped);
	out->took_ns = took(o, out);
}

void
once_link(struct once **list, struct once *o)
{
	o->next = *list;
	o->at = list;
	if (o->next != NULL)
		o->next->at = &o->next;
	*list = o;
}

void
once_unlink(struct once *o)
{
	if (o->at == NULL)
		return;
	*o->at = o->next;
	if (o->next != NULL)
		o->next->at = o->at;
	o->at = NULL;
}
