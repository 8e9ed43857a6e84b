/*
 * What is wrong beside media. A cause that is known stands for the hundred
 * targets that it takes down, so that the page begins with it.
 */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "labels.h"
#include "page_reason.h"
#include "snapshot.h"
#include "trouble.h"
#include "word.h"

struct list {
	struct trouble *at;
	size_t n;
};

static void
say(struct list *l, bool stops, const char *text)
{
	if (l->n == TROUBLE_MAX)
		return;
	l->at[l->n].stops = stops;
	snprintf(l->at[l->n].text, TROUBLE_TEXT, "%s", text);
	l->n++;
}

/* ---- names ---- */

struct trouble_names
trouble_names(const struct snapshot *s)
{
	struct trouble_names n = {.names = SNAP_COUNT(s, name)};
	const struct snap_name *name = SNAP(s, name);

	for (size_t i = 0; i < n.names; i++)
		n.failing += name[i].resolved == 0;
	return n;
}

static void
find_names(const struct snapshot *s, struct list *l)
{
	struct trouble_names n = trouble_names(s);
	char text[TROUBLE_TEXT];

	if (n.failing == 0)
		return;
	if (n.failing == n.names)
		snprintf(text, sizeof(text), "names do not resolve");
	else
		snprintf(text, sizeof(text), "%zu of %zu names %s not resolve",
		    n.failing, n.names, n.failing == 1 ? "does" : "do");
	say(l, n.failing == n.names, text);
}

/* ---- hosts of signalling ---- */

static bool
is_web(const struct snap_target *t)
{
	struct buf word = BUF_INIT;
	unsigned transport = 0;

	if (labels_value(t->labels, "transport", &word))
		transport = word_number(WORD_TRANSPORT, buf_str(&word));
	buf_free(&word);
	return transport == TRANSPORT_HTTPS || transport == TRANSPORT_WSS;
}

/* One way in is enough; a path that must be blocked is none. */
static void
find_hosts(const struct snapshot *s, struct list *l)
{
	const struct snap_target *t = SNAP(s, target);
	size_t down = 0;

	for (size_t i = 0; i < SNAP_COUNT(s, target); i++) {
		if ((t[i].state != STATE_UP && t[i].state != STATE_DEGRADED &&
			t[i].state != STATE_DOWN) ||
		    !is_web(&t[i]) || page_reason_is_wall(&t[i]))
			continue;
		if (t[i].state != STATE_DOWN)
			return;
		down++;
	}
	if (down > 0)
		say(l, true, "nothing answers over HTTPS or WSS");
}

/* ---- who stands between ---- */

/* Of the targets through a proxy, how many failed when they were probed last.
 */
static size_t
count_failing(const struct snapshot *s, const char *proxy, size_t *all)
{
	const struct snap_target *t = SNAP(s, target);
	size_t failing = 0;

	*all = 0;
	for (size_t i = 0; i < SNAP_COUNT(s, target); i++) {
		struct buf via = BUF_INIT;

		if (labels_value(t[i].info, "proxy", &via) &&
		    strcmp(buf_str(&via), proxy) == 0 &&
		    t[i].success != STATS_NONE && !page_reason_is_wall(&t[i])) {
			(*all)++;
			failing += t[i].success == 0;
		}
		buf_free(&via);
	}
	return failing;
}

/*
 * A proxy is down when nothing passes it any more, which takes a round of all
 * that goes through it; that half of it fails is seen before.
 */
static void
find_proxy(const struct snapshot *s, const struct snap_proxy *p, struct list *l)
{
	char text[TROUBLE_TEXT] = "";
	struct buf name = BUF_INIT;
	size_t all, failing;

	labels_value(p->labels, "proxy", &name);
	failing = count_failing(s, buf_str(&name), &all);
	if (p->state == STATE_DOWN || p->state == STATE_DEGRADED)
		snprintf(text, sizeof(text), "proxy %.40s %s", buf_str(&name),
		    p->state == STATE_DOWN ? "is down"
					   : "refuses what is asked of it");
	else if (failing > 0 && 2 * failing >= all)
		snprintf(text, sizeof(text),
		    "%zu of %zu targets through proxy %.40s fail", failing, all,
		    buf_str(&name));
	if (text[0] != '\0')
		say(l, false, text);
	buf_free(&name);
}

static void
find_proxies(const struct snapshot *s, struct list *l)
{
	for (size_t i = 0; i < SNAP_COUNT(s, proxy); i++)
		find_proxy(s, &SNAP(s, proxy)[i], l);
}

size_t
trouble_find(const struct snapshot *s, struct trouble out[TROUBLE_MAX])
{
	struct list l = {out, 0};

	find_names(s, &l);
	find_hosts(s, &l);
	/* Some names are no reason to stand before what stops everybody. */
	if (l.n == 2 && !out[0].stops) {
		struct trouble first = out[0];

		out[0] = out[1];
		out[1] = first;
	}
	if (SNAP_COUNT(s, site) > 0 && SNAP(s, site)->tls_intercepted == 1)
		say(&l, false, "TLS is intercepted");
	find_proxies(s, &l);
	return l.n;
}
