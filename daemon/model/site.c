/* Verdicts on the site: what all clusters, and all mappings, say together. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "site.h"

/* What a group of clusters says of a transport, or of all. */
struct seen {
	bool reachable, unreachable;
};

static void
see(struct seen *s, uint8_t reach)
{
	s->reachable |= reach == REACH_REACHABLE;
	s->unreachable |= reach == REACH_UNREACHABLE;
}

/* Tested, and nothing works. */
static bool
is_dead(const struct seen *s)
{
	return s->unreachable && !s->reachable;
}

static enum site_verdict
media_unreachable(const struct seen link[CHOOSE_TRANSPORTS])
{
	unsigned dead = 0;

	for (unsigned t = 0; t < CHOOSE_TRANSPORTS; t++) {
		if (link[t].reachable)
			return SITE_NO;
		dead += is_dead(&link[t]);
	}
	return dead == CHOOSE_TRANSPORTS ? SITE_YES : SITE_NOT_KNOWN;
}

/* With TCP and TLS dead too it is no longer UDP that is blocked. */
static enum site_verdict
udp_blocked(const struct seen link[CHOOSE_TRANSPORTS])
{
	if (link[0].reachable)
		return SITE_NO;
	return is_dead(&link[0]) && (link[1].reachable || link[2].reachable)
		   ? SITE_YES
		   : SITE_NOT_KNOWN;
}

static enum site_verdict
local_outage(
    const struct seen *public, const struct seen *reference, bool link_down)
{
	if (link_down)
		return SITE_YES;
	if (public->reachable || reference->reachable)
		return SITE_NO;
	return is_dead(public) && is_dead(reference) ? SITE_YES
						     : SITE_NOT_KNOWN;
}

void
site_judge(struct site *s, const struct choose_cluster *c, size_t clusters,
    bool link_down)
{
	struct seen link[CHOOSE_TRANSPORTS] = {{false, false}};
	struct seen class[CLUSTER_CLASS_END] = {{false, false}};

	for (size_t i = 0; i < clusters; i++) {
		if (c[i].class >= CLUSTER_CLASS_END)
			continue;
		for (unsigned t = 0; t < CHOOSE_TRANSPORTS; t++) {
			see(&class[c[i].class], c[i].link[t].reach);
			if (c[i].class == CLUSTER_CLASS_PUBLIC)
				see(&link[t], c[i].link[t].reach);
		}
	}
	s->media_unreachable = (uint8_t)media_unreachable(link);
	s->udp_blocked = (uint8_t)udp_blocked(link);
	s->local_outage = (uint8_t)local_outage(&class[CLUSTER_CLASS_PUBLIC],
	    &class[CLUSTER_CLASS_REFERENCE], link_down);
}

/* ---- mappings ---- */

static bool
is_usable(const struct site_mapping *m, uint64_t now, uint64_t max_age)
{
	return m->local_port != 0 && addr_family(&m->mapped) != AF_UNSPEC &&
	       (m->at >= now || now - m->at <= max_age);
}

/* Mappings of one local port of one family stand together. */
static int
compare_ports(const void *a, const void *b)
{
	const struct site_mapping *x = *(struct site_mapping *const *)a;
	const struct site_mapping *y = *(struct site_mapping *const *)b;
	int f = addr_family(&x->mapped), g = addr_family(&y->mapped);

	if (f != g)
		return f < g ? -1 : 1;
	return (x->local_port > y->local_port) -
	       (x->local_port < y->local_port);
}

/*
 * Of a group in which the servers are not all the same and the mapped ports
 * are not all the same, some two differ in both.
 */
static enum site_verdict
group_verdict(const struct site_mapping *const *m, size_t n)
{
	bool servers = false, ports = false;

	for (size_t i = 1; i < n; i++) {
		servers |= !addr_equal(&m[i]->server, &m[0]->server);
		ports |= addr_port(&m[i]->mapped) != addr_port(&m[0]->mapped);
	}
	if (!servers)
		return SITE_NOT_KNOWN;
	return ports ? SITE_YES : SITE_NO;
}

static enum site_verdict
nat_symmetric(
    const struct site_mapping *m, size_t n, uint64_t now, uint64_t max_age)
{
	const struct site_mapping **sorted = calloc(n + 1, sizeof(*sorted));
	enum site_verdict verdict = SITE_NOT_KNOWN;
	size_t usable = 0, end;

	if (sorted == NULL)
		return SITE_NOT_KNOWN;
	for (size_t i = 0; i < n; i++)
		if (is_usable(&m[i], now, max_age))
			sorted[usable++] = &m[i];
	qsort(sorted, usable, sizeof(*sorted), compare_ports);
	for (size_t i = 0; i < usable; i = end) {
		enum site_verdict v;

		for (end = i + 1; end < usable; end++)
			if (compare_ports(&sorted[i], &sorted[end]) != 0)
				break;
		v = group_verdict(sorted + i, end - i);
		/* SITE_NOT_KNOWN < SITE_NO < SITE_YES */
		verdict = v > verdict ? v : verdict;
	}
	free(sorted);
	return verdict;
}

/* Takes over a mapping that is newer than what is known. */
static bool
see_egress(struct site *s, const struct site_mapping *m)
{
	unsigned i = addr_family(&m->mapped) == AF_INET6;
	struct addr before = s->egress[i];

	s->egress[i] = m->mapped;
	addr_set_port(&s->egress[i], 0);
	s->egress_at[i] = m->at;
	return addr_family(&before) != AF_UNSPEC &&
	       !addr_same_host(&before, &s->egress[i]);
}

bool
site_mappings(struct site *s, const struct site_mapping *m, size_t n,
    uint64_t now, uint64_t max_age)
{
	const struct site_mapping *newest[2] = {NULL, NULL};
	bool changed = false;

	s->nat_symmetric = (uint8_t)nat_symmetric(m, n, now, max_age);
	for (size_t i = 0; i < n; i++) {
		unsigned k = addr_family(&m[i].mapped) == AF_INET6;

		if (addr_family(&m[i].mapped) == AF_UNSPEC ||
		    m[i].at <= s->egress_at[k])
			continue;
		if (newest[k] == NULL || m[i].at > newest[k]->at)
			newest[k] = &m[i];
	}
	for (unsigned k = 0; k < 2; k++)
		changed |= newest[k] != NULL && see_egress(s, newest[k]);
	s->egress_changes += changed;
	return changed;
}
