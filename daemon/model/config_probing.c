/* How something is probed: defaults, overrides, and whether they fit. */
#include "build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "option.h"

#define TIMEOUT_USUAL (3 * CLOCK_SEC)
#define TIMEOUT_LEAST (10 * CLOCK_MS)
#define LOSS_UNSET    UINT32_MAX
#define RTT_UNSET     UINT64_MAX

enum { RING_MOST = 1 << 23 }; /* of target_ring_size() */

void
config_probing_init(struct config_probing *p)
{
	memset(p, 0, sizeof(*p));
	option_defaults(OPTION_probing, p);
	option_defaults(OPTION_thresholds, &p->thresholds);
	p->thresholds.loss_recovered = LOSS_UNSET;
	p->thresholds.rtt_recovered = RTT_UNSET;
}

void
config_probing_read(struct config_reader *r, const struct doc_node *map,
    const struct doc_node *thresholds, struct config_probing *p)
{
	if (map != NULL)
		option_read(map, OPTION_probing, p, r->directory, r->errors);
	if (thresholds == NULL)
		return;
	option_check_keys(thresholds, OPTION_thresholds, r->errors);
	option_read(thresholds, OPTION_thresholds, &p->thresholds, r->directory,
	    r->errors);
}

/* What is left of the interval after the last request was sent. */
static uint64_t
room_for_timeout(const struct config_probing *p, unsigned count)
{
	uint64_t sending = (count - 1) * p->spacing;

	return p->interval > sending ? p->interval - sending : 0;
}

uint64_t
config_probing_timeout(const struct config_probing *p, unsigned count)
{
	uint64_t room = room_for_timeout(p, count);

	if (p->timeout > 0)
		return p->timeout;
	return room < TIMEOUT_USUAL ? room : TIMEOUT_USUAL;
}

unsigned
config_probing_family(const struct config_probing *p)
{
	switch (addr_family(&p->source)) {
	case AF_INET:
		return 4;
	case AF_INET6:
		return 6;
	default:
		return p->family;
	}
}

/* The node that says it, or the mapping when what it inherits does. */
static const struct doc_node *
said_at(const struct doc_node *map, const char *const *keys)
{
	for (; *keys != NULL; keys++) {
		const struct doc_node *n = doc_get(map, *keys);

		if (n != NULL)
			return n;
	}
	return map;
}

static void
check_timeout(struct config_reader *r, const struct doc_node *map,
    const struct config_probing *p, unsigned count)
{
	static const char *const keys[] = {
	    "timeout", "interval", "count", "spacing", NULL};
	uint64_t room = room_for_timeout(p, count);
	const struct doc_node *at = said_at(map, keys + (p->timeout == 0));
	char interval[32], spacing[32], timeout[32], left[32];

	clock_duration_text(p->interval, interval);
	clock_duration_text(p->spacing, spacing);
	clock_duration_text(p->timeout, timeout);
	clock_duration_text(room, left);
	if (room < TIMEOUT_LEAST)
		doc_error(r->errors, at,
		    "%u requests %s apart do not fit into an interval of %s",
		    count, spacing, interval);
	else if (p->timeout > room && count > 1)
		doc_error(r->errors, at,
		    "the timeout of %s is too long: an interval of %s with "
		    "%u requests %s apart leaves %s",
		    timeout, interval, count, spacing, left);
	else if (p->timeout > room)
		doc_error(r->errors, at,
		    "the timeout of %s is longer than the interval of %s",
		    timeout, interval);
}

/* Whether the ring can hold what the longest window needs. */
static void
check_ring(struct config_reader *r, const struct doc_node *map,
    const struct config_probing *p, unsigned count)
{
	static const char *const keys[] = {
	    "windows", "interval", "count", NULL};
	uint64_t longest = r->c->window[r->c->windows - 1];
	uint64_t samples = longest / p->interval * count;
	char text[32];

	if (samples <= RING_MOST)
		return;
	doc_error(r->errors, said_at(map, keys),
	    "a window of %s holds %" PRIu64 " requests of one target, more "
	    "than %d",
	    clock_duration_text(longest, text), samples, RING_MOST);
}

static void
check_source(struct config_reader *r, const struct doc_node *map,
    const struct config_probing *p)
{
	static const char *const keys[] = {"source", "family", NULL};
	unsigned family = config_probing_family(p);

	if (p->family != 0 && p->family != family)
		doc_error(r->errors, said_at(map, keys),
		    "the source address is IPv%u, and only IPv%u is to be "
		    "probed",
		    family, p->family);
}

static void
finish_thresholds(
    struct config_reader *r, const struct doc_node *map, struct thresholds *t)
{
	static const char *const loss[] = {
	    "loss_recovered", "loss_degraded", NULL};
	static const char *const rtt[] = {
	    "rtt_recovered", "rtt_degraded", NULL};

	if (t->loss_recovered == LOSS_UNSET)
		t->loss_recovered = t->loss_degraded / 2;
	if (t->rtt_recovered == RTT_UNSET)
		t->rtt_recovered = t->rtt_degraded / 5 * 4;
	if (r->defaults_bad)
		return;
	if (t->loss_degraded > 0 && t->loss_recovered > t->loss_degraded)
		doc_error(r->errors, said_at(map, loss),
		    "loss_recovered is greater than loss_degraded");
	if (t->rtt_degraded > 0 && t->rtt_recovered > t->rtt_degraded)
		doc_error(r->errors, said_at(map, rtt),
		    "rtt_recovered is greater than rtt_degraded");
}

void
config_probing_finish(struct config_reader *r, const struct doc_node *map,
    const struct doc_node *thresholds, struct config_probing *p, unsigned count)
{
	finish_thresholds(
	    r, thresholds != NULL ? thresholds : map, &p->thresholds);
	if (r->defaults_bad)
		return;
	check_timeout(r, map, p, count);
	check_ring(r, map, p, count);
	check_source(r, map, p);
}

void
config_probing_check_host(struct config_reader *r, const struct doc_node *at,
    const struct config_probing *p, const char *host)
{
	unsigned family = config_probing_family(p), own;
	struct addr a;

	if (addr_parse_host(&a, host) < 0)
		return;
	own = addr_family(&a) == AF_INET ? 4 : 6;
	if (family != 0 && family != own)
		doc_error(r->errors, at,
		    "is an IPv%u address, and only IPv%u is probed here", own,
		    family);
}
