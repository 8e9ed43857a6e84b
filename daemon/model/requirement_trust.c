/* Rules that are about signalling: names, TLS, proxies. */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "requirement_rule.h"

#define NO_SESSION "no TLS session was seen yet"

/* ---- what is opened from inside ---- */

static void
tally_path(struct requirement_tally *t, const struct requirement_path *p)
{
	if (p->blocked)
		return;
	if (requirement_rule_is_up(p))
		t->good++;
	else if (requirement_rule_is_down(p))
		requirement_rule_bad(t, p->target->name,
		    outcome_label((enum outcome)p->outcome));
	else
		t->open++;
}

void
requirement_trust_outbound(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};

	for (size_t i = 0; i < profile->rows; i++) {
		const struct requirement_pass row = {
		    p->w, &profile->row[i], p->d};
		struct requirement_step step = {0};
		const struct requirement_path *at;

		while ((at = requirement_rule_next(&row, &step)) != NULL)
			tally_path(&t, at);
	}
	for (size_t i = 0; i < p->w->paths; i++)
		if (p->w->path[i].class == CLUSTER_CLASS_PUBLIC)
			tally_path(&t, &p->w->path[i]);
	if (t.good > 0)
		t.bad = 0;
	requirement_rule_judge(&t, "nothing is probed", out);
}

static void
tally_name(struct requirement_tally *t, const struct requirement_world *w,
    const struct requirement_need *n)
{
	const char *alias;
	struct addr a;

	if (n->host == NULL)
		return;
	if (addr_parse_host(&a, n->host) == 0) {
		requirement_rule_bad(
		    t, n->host, "is an address, and addresses change");
		return;
	}
	/* The proxy resolves it. */
	if (n->via != NULL) {
		t->good++;
		return;
	}
	switch (w->name(w->arg, n->host, &alias)) {
	case REQUIREMENT_NAME_FINE:
		t->good++;
		break;
	case REQUIREMENT_NAME_FAILS:
		requirement_rule_bad(t, n->host, "does not resolve");
		break;
	case REQUIREMENT_NAME_UNKNOWN:
		t->open++;
		break;
	}
}

/* That all names resolve, whoever asked; literals are somebody's choice. */
static void
tally_all_names(struct requirement_tally *t, const struct requirement_world *w)
{
	struct addr a;

	for (size_t i = 0; i < w->needs; i++)
		if (w->need[i].host != NULL && w->need[i].via == NULL &&
		    addr_parse_host(&a, w->need[i].host) < 0)
			tally_name(t, w, &w->need[i]);
}

void
requirement_trust_by_name(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	if (p->row->probes > 0 || p->row->likes == 0)
		tally_all_names(&t, p->w);
	else
		for (size_t i = 0; i < p->row->needs; i++)
			tally_name(&t, p->w, &p->w->need[p->row->need[i]]);
	requirement_rule_judge(&t, "no host is probed", out);
}

void
requirement_trust_alias(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		const char *alias = NULL;

		if (step.of->via != NULL || step.of->host == NULL ||
		    p->w->name(p->w->arg, step.of->host, &alias) !=
			REQUIREMENT_NAME_FINE ||
		    alias == NULL || !requirement_match(p->d->text, alias))
			continue;
		if (requirement_rule_is_up(at))
			t.good++;
		else if (requirement_rule_is_down(at))
			requirement_rule_bad(&t, alias,
			    outcome_label((enum outcome)at->outcome));
		else
			t.open++;
	}
	requirement_rule_judge(&t,
	    "none of the hosts that are probed directly is served from there",
	    out);
}

static bool
is_in_networks(const struct profile *p, const struct addr *a)
{
	bool in = subnet_find(p->table, a) > 0;

	for (size_t i = 0; i < p->networks && !in; i++)
		in = subnet_holds(&p->network[i], a);
	return in;
}

void
requirement_trust_networks(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		const struct addr *a = &at->target->path.addr;

		if (addr_family(a) == 0)
			t.open++;
		else if (is_in_networks(p->w->profile, a))
			t.good++;
		else
			requirement_rule_bad(&t, at->target->name,
			    "is in no listed subnet, nor in the networks "
			    "given");
	}
	requirement_rule_judge(&t, "no host is probed", out);
}

void
requirement_trust_revision(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;

	if (strcmp(profile->revision, profile->newest) == 0)
		requirement_rule_say(out, REQUIREMENT_STATUS_MET, "%s", "");
	else
		requirement_rule_say(out, REQUIREMENT_STATUS_FAILED,
		    "revision %s is gone by; the newest is %s",
		    profile->revision, profile->newest);
}

/* ---- TLS ---- */

/* What a rule finds wrong with a session; NULL: nothing. */
typedef const char *fault_fn(const struct requirement_pass *p,
    const struct requirement_path *at, const struct tls_facts *f);

static void
judge_sessions(const struct requirement_pass *p, fault_fn *fault,
    struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		const char *why;

		if (at->tls == NULL) {
			t.open += !at->probed;
			continue;
		}
		why = fault(p, at, at->tls);
		if (why != NULL)
			requirement_rule_bad(&t, at->target->name, why);
		else
			t.good++;
	}
	requirement_rule_judge(&t, NO_SESSION, out);
}

static const char *
version_fault(const struct requirement_pass *p,
    const struct requirement_path *at, const struct tls_facts *f)
{
	char least[24];

	if (f->version[0] == '\0')
		return "the handshake fails";
	snprintf(least, sizeof(least), "TLSv%s", p->d->text);
	return strcmp(f->version, least) < 0 ? "an older version is agreed on"
					     : NULL;
}

void
requirement_trust_version(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	judge_sessions(p, version_fault, out);
}

static const char *
cipher_fault(const struct requirement_pass *p,
    const struct requirement_path *at, const struct tls_facts *f)
{
	if (f->version[0] == '\0')
		return "the handshake fails";
	for (size_t i = 0; i < p->d->words; i++)
		if (requirement_match(p->d->word[i], f->cipher))
			return NULL;
	return "another cipher suite is agreed on";
}

void
requirement_trust_cipher(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	judge_sessions(p, cipher_fault, out);
}

static const char *
chain_fault(const struct requirement_pass *p, const struct requirement_path *at,
    const struct tls_facts *f)
{
	if (!f->have_cert)
		return "no certificate is shown";
	return f->verify_error != 0 ? "its certificate does not verify" : NULL;
}

void
requirement_trust_chain(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	judge_sessions(p, chain_fault, out);
}

static const char *
inspection_fault(const struct requirement_pass *p,
    const struct requirement_path *at, const struct tls_facts *f)
{
	enum { INTERCEPTED = 2 };

	if (f->intercepted != INTERCEPTED)
		return NULL;
	if (!p->d->allowed)
		return "TLS is intercepted";
	return f->verify_error != 0
		   ? "TLS is intercepted by whom is not trusted here"
		   : NULL;
}

void
requirement_trust_inspection(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	judge_sessions(p, inspection_fault, out);
}

void
requirement_trust_staple(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;
	unsigned absent = 0;

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		const struct tls_facts *f = at->tls;

		if (f == NULL || !f->have_cert)
			t.open++;
		else if (f->staple == STAPLE_GOOD)
			t.good++;
		else if (f->staple == STAPLE_ABSENT && f->must_staple == 0)
			absent++;
		else
			requirement_rule_bad(&t, at->target->name,
			    word_label(WORD_STAPLE, f->staple));
	}
	if (absent > 0)
		t.open = 0;
	requirement_rule_judge(&t,
	    absent > 0 ? "no status is stapled: the authorities are asked"
		       : NO_SESSION,
	    out);
}

/* ---- certificate authorities ---- */

static bool
is_listed(const struct requirement *row, const char *host)
{
	for (size_t i = 0; i < row->groups; i++) {
		const struct requirement_hosts *h = &row->hosts[i];

		if (h->match != NULL && requirement_match(h->match, host))
			return true;
	}
	return false;
}

static void
tally_responder(
    const struct requirement_pass *p, size_t need, struct requirement_tally *t)
{
	const char *host = p->w->need[need].host;
	const struct requirement_link *l;
	bool down = false;
	size_t n;

	if (!is_listed(p->row, host)) {
		requirement_rule_bad(
		    t, host, "is named by certificates, and not listed");
		return;
	}
	l = requirement_rule_links(p->w, (uint32_t)need, &n);
	for (size_t i = 0; i < n; i++) {
		if (requirement_rule_is_up(&p->w->path[l[i].path])) {
			t->good++;
			return;
		}
		down |= requirement_rule_is_down(&p->w->path[l[i].path]);
	}
	if (down)
		requirement_rule_bad(t, host, "does not answer");
	else
		t->open++;
}

void
requirement_trust_responders(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	for (size_t i = 0; i < p->w->learnt; i++)
		if (p->w->need[p->w->needs + i].row == p->row)
			tally_responder(p, p->w->needs + i, &t);
	requirement_rule_judge(
	    &t, "no certificate that was seen names any authority", out);
}

/* ---- answers ---- */

void
requirement_trust_status(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;
	char text[24], why[48];

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		bool right = false;

		if (at->http_status == 0) {
			t.open++;
			continue;
		}
		snprintf(
		    text, sizeof(text), "%lld", (long long)at->http_status);
		for (size_t i = 0; i < p->d->words; i++)
			right |= strcmp(p->d->word[i], text) == 0;
		snprintf(why, sizeof(why), "answers with status %s", text);
		if (right)
			t.good++;
		else
			requirement_rule_bad(&t, at->target->name, why);
	}
	requirement_rule_judge(&t, "give hosts for it", out);
}

/* ---- proxies ---- */

#define NO_PROXY "nothing is probed through a proxy: name proxies in `via`"

static bool
is_by_proxy(unsigned outcome)
{
	return outcome == OUTCOME_PROXY_REFUSED ||
	       outcome == OUTCOME_PROXY_AUTH ||
	       outcome == OUTCOME_PROXY_UPSTREAM;
}

/* A proxy is well when anything gets through it. */
void
requirement_trust_proxy(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		if (step.of->via == NULL)
			continue;
		if (requirement_rule_is_up(at))
			t.good++;
		else if (!requirement_rule_is_down(at))
			t.open++;
		else
			requirement_rule_bad(&t,
			    is_by_proxy(at->outcome) ? step.of->via
						     : at->target->name,
			    outcome_label((enum outcome)at->outcome));
	}
	requirement_rule_judge(&t, NO_PROXY, out);
}

static bool
has_scheme(const struct requirement_derive *d, const char *scheme)
{
	for (size_t i = 0; i < d->words; i++)
		if (strcmp(d->word[i], scheme) == 0)
			return true;
	return false;
}

/* Whether the proxy lets pass, and in a way that the product knows. */
void
requirement_trust_proxy_auth(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_step step = {0};
	struct requirement_tally t = {0};
	const struct requirement_path *at;
	char why[64];

	while ((at = requirement_rule_next(p, &step)) != NULL) {
		const char *scheme = step.of->scheme;

		if (step.of->via == NULL || scheme == NULL)
			continue;
		if (!has_scheme(p->d, scheme)) {
			snprintf(why, sizeof(why),
			    "authentication by %s is not known there", scheme);
			requirement_rule_bad(&t, step.of->via, why);
		} else if (requirement_rule_is_up(at)) {
			t.good++;
		} else if (at->outcome == OUTCOME_PROXY_AUTH &&
			   requirement_rule_is_down(at)) {
			requirement_rule_bad(
			    &t, step.of->via, "wants other credentials");
		} else {
			t.open++;
		}
	}
	requirement_rule_judge(&t, NO_PROXY, out);
}
