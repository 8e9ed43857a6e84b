/*
 * A name that stops resolving keeps its last addresses. One family that fails
 * beside one that answers keeps its own, too, and is no failure of the name:
 * name servers that choke on AAAA are many. But it is asked again soon.
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hosts.h"
#include "name.h"
#include "stub.h"

void
name_free(struct name *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		free(n->half[i].addr);
		free(n->half[i].alias);
	}
	free(n->addr);
	free(n->host);
	free(n);
}

struct name *
name_new(const char *host)
{
	struct name *n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->host = strdup(host);
	for (unsigned i = 0; i < NAME_HALVES; i++)
		n->half[i].name = n;
	if (n->host)
		return n;
	free(n);
	return NULL;
}

bool
name_wants(const struct name_policy *p, unsigned half)
{
	return !p->family || p->family == (half == NAME_V6 ? 6 : 4);
}

/* ---- addresses ---- */

static int
by_address(const void *a, const void *b)
{
	return addr_compare(a, b);
}

/* Sorted, without doubles, at most max: the same set whatever the rotation. */
static size_t
tidy(struct addr *a, size_t n, size_t max)
{
	size_t kept = 0;
	if (n)
		qsort(a, n, sizeof(*a), by_address);
	for (size_t i = 0; i < n && kept < max; i++)
		if (!kept || !addr_equal(&a[kept - 1], &a[i]))
			a[kept++] = a[i];
	return kept;
}

static void
half_set(struct name_half *h, const struct addr *addr, size_t n, size_t max)
{
	struct addr copy[STUB_ADDRESSES];
	if (n > STUB_ADDRESSES)
		n = STUB_ADDRESSES;
	if (n)
		memcpy(copy, addr, n * sizeof(*copy));
	n = tidy(copy, n, max);
	free(h->addr);
	h->addr = n ? malloc(n * sizeof(*copy)) : NULL;
	h->addrs = h->addr ? n : 0;
	if (h->addrs)
		memcpy(h->addr, copy, n * sizeof(*copy));
}

/* Both halves as one list, IPv4 first; whether it is another one now. */
static bool
publish(struct name *n)
{
	size_t all = n->half[0].addrs + n->half[1].addrs;
	struct addr *a = calloc(all + 1, sizeof(*a));
	if (!a)
		return false;
	for (unsigned i = 0, at = 0; i < NAME_HALVES; i++)
		for (size_t k = 0; k < n->half[i].addrs; k++)
			a[at++] = n->half[i].addr[k];
	bool same = all == n->addrs;
	for (size_t i = 0; same && i < all; i++)
		same = addr_equal(&a[i], &n->addr[i]);
	free(n->addr);
	n->addr = a;
	n->addrs = all;
	return !same;
}

/* The hosts file's addresses of the wanted families; false: no such line. */
static bool
know_hosts(
    struct name *n, const struct name_policy *p, const struct hosts *hosts)
{
	struct addr a[STUB_ADDRESSES];
	if (!hosts_find(hosts, n->host, AF_UNSPEC, a, 1))
		return false;
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		size_t found = 0;
		if (name_wants(p, i))
			found = hosts_find(hosts, n->host,
			    i == NAME_V6 ? AF_INET6 : AF_INET, a,
			    STUB_ADDRESSES);
		half_set(&n->half[i], a, found, p->max_addresses);
	}
	return true;
}

bool
name_know(struct name *n, const struct name_policy *p,
    const struct hosts *hosts, bool *changed)
{
	struct addr a;
	if (!addr_parse_host(&a, n->host)) {
		unsigned own = addr_family(&a) == AF_INET6 ? NAME_V6 : NAME_V4;
		half_set(&n->half[own], &a, 1, 1);
		half_set(&n->half[!own], NULL, 0, 0);
	} else if (!know_hosts(n, p, hosts)) {
		return false;
	}
	bool other = publish(n);
	if (changed)
		*changed = other;
	n->lame = 0;
	n->failures = n->addrs ? 0 : 1;
	n->why = n->addrs ? NULL : "no address";
	n->settled = true;
	n->due = NAME_NEVER;
	return true;
}

/* ---- rounds ---- */

void
name_begin(struct name *n, const struct name_policy *p)
{
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		n->half[i].why = NULL;
		n->half[i].none = !name_wants(p, i);
	}
}

void
name_answer(struct name_half *h, const struct name_policy *p,
    const struct stub_answer *a)
{
	h->why = a->why;
	h->none = a->none;
	if (a->why)
		return;
	h->ttl = a->ttl;
	free(h->alias);
	h->alias = a->alias && a->alias[0] ? strdup(a->alias) : NULL;
	half_set(h, a->addr, a->addrs, p->max_addresses);
}

/* At most a twentieth, another one for each name and round. */
static uint64_t
jitter(const struct name *n, uint64_t ns, uint64_t now)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ now;
	for (const char *c = n->host; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return ns / 20 * (h & 0xffff) / 0xffff;
}

static uint64_t
backoff(const struct name_policy *p, unsigned failures, unsigned most)
{
	unsigned shift = failures > 1 ? failures - 1 : 0;
	uint64_t ns = p->retry << (shift < most ? shift : most);
	return ns < p->ttl_most ? ns : p->ttl_most;
}

/* Asked again when nine tenths of the shortest TTL are over. */
static uint64_t
freshness(const struct name *n, const struct name_policy *p)
{
	uint64_t ttl = p->ttl_most;
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		const struct name_half *h = &n->half[i];
		uint64_t own = h->ttl * CLOCK_SEC;
		if (h->addrs && !h->why && own < ttl)
			ttl = own;
	}
	if (ttl < p->ttl_least)
		ttl = p->ttl_least;
	return ttl - ttl / 10;
}

/* What a failed name says: a server that fails tells more than an NXDOMAIN. */
static const char *
worst(const struct name *n)
{
	const char *why = NULL;
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		const struct name_half *h = &n->half[i];
		if (h->why && (!why || !h->none))
			why = h->why;
	}
	return why ? why : "no address";
}

/* At least one family resolved; returns whether something is new. */
static bool
conclude_good(
    struct name *n, const struct name_policy *p, bool lame, uint64_t now)
{
	/* No address of a family is news only beside one that has some. */
	for (unsigned i = 0; i < NAME_HALVES; i++)
		if (n->half[i].none)
			half_set(&n->half[i], NULL, 0, 0);
	uint64_t fresh = freshness(n, p);
	n->lame = lame ? n->lame + 1 : 0;
	if (lame && backoff(p, n->lame, 5) < fresh)
		fresh = backoff(p, n->lame, 5);
	n->due = now + fresh - jitter(n, fresh, now);
	bool news = publish(n) || n->failures;
	n->failures = 0;
	n->why = NULL;
	return news;
}

enum name_news
name_conclude(struct name *n, const struct name_policy *p, uint64_t now)
{
	bool good = false, lame = false, news = !n->settled;
	for (unsigned i = 0; i < NAME_HALVES; i++) {
		if (!name_wants(p, i))
			continue;
		good |= !n->half[i].why;
		lame |= n->half[i].why && !n->half[i].none;
	}
	n->settled = true;
	if (good) {
		news |= conclude_good(n, p, lame, now);
		return news ? NAME_CHANGED : NAME_SAME;
	}
	uint64_t wait = backoff(p, ++n->failures, 3);
	n->why = worst(n);
	n->due = now + wait - jitter(n, wait, now);
	return n->failures == 1 ? NAME_BROKE : NAME_SAME;
}
