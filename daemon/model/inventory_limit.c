/*
 * How much load is put on others: where more is asked for than is allowed,
 * nothing is probed before its time and, if that is not enough, intervals are
 * made longer, all of those concerned by the same factor.
 */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "inventory_plan.h"

#define MILLI UINT64_C(1000)

/* Requests per second, in thousandths, rounded up. */
static uint64_t
rate(const struct target *t)
{
	uint64_t per = t->count * CLOCK_SEC * MILLI;

	if (addr_family(&t->path.addr) == AF_UNSPEC)
		return 0;
	return (per + target_shortest(t) - 1) / target_shortest(t);
}

static uint64_t
rate_of_all(struct target *const *t, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += rate(t[i]);
	return sum;
}

/* Lengthens each interval by sum / limit, to a whole millisecond. */
static void
stretch(struct target *const *t, size_t n, uint64_t sum, uint64_t limit)
{
	for (size_t i = 0; i < n; i++) {
		unsigned __int128 ns = t[i]->interval_ns;

		ns = (ns * sum + limit - 1) / limit;
		ns = (ns + CLOCK_MS - 1) / CLOCK_MS * CLOCK_MS;
		t[i]->interval_ns = (uint64_t)ns;
	}
}

static void
limit_group(struct target *const *t, size_t n, uint64_t limit, const char *who,
    struct buf *warnings)
{
	uint64_t sum = rate_of_all(t, n);

	if (sum <= limit * MILLI)
		return;
	for (size_t i = 0; i < n; i++)
		t[i]->retry_ns = 0;
	sum = rate_of_all(t, n);
	if (sum <= limit * MILLI)
		return;
	stretch(t, n, sum, limit * MILLI);
	buf_printf(warnings, "%s: ", who);
	buf_decimal(warnings, sum, 3);
	buf_printf(
	    warnings, " requests a second are more than %" PRIu64 "; ", limit);
	if (n == 1)
		buf_puts(warnings, "the interval of its target is");
	else
		buf_printf(warnings, "the intervals of its %zu targets are", n);
	buf_puts(warnings, " made longer\n");
}

static int
compare_hosts(const void *a, const void *b)
{
	struct addr x = (*(struct target *const *)a)->path.addr;
	struct addr y = (*(struct target *const *)b)->path.addr;

	addr_set_port(&x, 0);
	addr_set_port(&y, 0);
	return addr_compare(&x, &y);
}

int
inventory_limit(
    struct inventory *i, const struct config *c, struct buf *warnings)
{
	struct target **by_host;
	char text[ADDR_TEXT];

	if (i->targets == 0)
		return 0;
	by_host = malloc(i->targets * sizeof(struct target *));
	if (by_host == NULL)
		return -ENOMEM;
	memcpy(by_host, i->target, i->targets * sizeof(struct target *));
	qsort(by_host, i->targets, sizeof(struct target *), compare_hosts);
	for (size_t from = 0, to; from < i->targets; from = to) {
		for (to = from + 1; to < i->targets; to++) {
			if (compare_hosts(&by_host[from], &by_host[to]) != 0)
				break;
		}
		limit_group(by_host + from, to - from, c->requests_per_address,
		    addr_host_text(&by_host[from]->path.addr, text), warnings);
	}
	free(by_host);
	limit_group(
	    i->target, i->targets, c->requests_per_second, "in all", warnings);
	return 0;
}
