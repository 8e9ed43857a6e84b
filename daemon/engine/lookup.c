/* Two questions, and when both of them have ended. */
#include "build.h"

#include <stdio.h>

#include "lookup.h"
#include "nodelist.h"
#include "resolve.h"

static const int families[LOOKUP_HALVES] = {AF_INET6, AF_INET};

bool
lookup_pending(const struct lookup *l)
{
	return l->half[0].pending || l->half[1].pending;
}

static void
conclude(struct lookup *l)
{
	if (!l->asking || lookup_pending(l))
		return;
	l->asking = false;
	l->done(l);
}

static void
on_answer(void *arg, const struct stub_answer *a)
{
	struct lookup_half *h = arg;

	h->pending = false;
	for (size_t i = 0; i < a->addrs && h->addrs < STUB_ADDRESSES; i++)
		if (nodelist_address_ok(&a->addr[i]))
			h->addr[h->addrs++] = a->addr[i];
	snprintf(h->why, sizeof(h->why), "%s", a->why != NULL ? a->why : "");
	conclude(h->lookup);
}

static void
ask(struct lookup_half *h, struct resolve *r, const char *host, int family)
{
	h->pending = true;
	if (resolve_ask(r, host, family, on_answer, h) == 0)
		return;
	h->pending = false;
	snprintf(h->why, sizeof(h->why), "no name server can be asked");
}

void
lookup_start(struct lookup *l, struct resolve *r, const char *host,
    unsigned family, void (*done)(struct lookup *l))
{
	struct addr literal;

	/* Answers that come at once find only half of it asked. */
	l->asking = false;
	l->done = done;
	for (unsigned i = 0; i < LOOKUP_HALVES; i++) {
		l->half[i].lookup = l;
		l->half[i].addrs = 0;
		l->half[i].why[0] = '\0';
	}
	if (addr_parse_host(&literal, host) == 0) {
		l->half[0].addr[0] = literal;
		l->half[0].addrs = 1;
	} else {
		for (unsigned i = 0; i < LOOKUP_HALVES; i++)
			if (family == 0 ||
			    (family == 6) == (families[i] == AF_INET6))
				ask(&l->half[i], r, host, families[i]);
	}
	l->asking = true;
	conclude(l);
}

void
lookup_forget(struct lookup *l)
{
	l->asking = false;
}

void
lookup_lost(struct lookup *l)
{
	l->half[0].pending = l->half[1].pending = false;
}

const struct addr *
lookup_get(const struct lookup *l, size_t n)
{
	const struct lookup_half *h = l->half;

	if (n < h[0].addrs)
		return &h[0].addr[n];
	n -= h[0].addrs;
	return n < h[1].addrs ? &h[1].addr[n] : NULL;
}
