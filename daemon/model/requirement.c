/*
 * Judging a row: what it needs, then its rules. Whatever failed decides, then
 * whatever is not known; a row is met when all of it is.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile_read.h"
#include "requirement_rule.h"

enum { DEPTH_MOST = 4 }; /* of rows that are about rows */

/* ---- rows ---- */

static void
row_free(struct requirement *r)
{
	for (size_t i = 0; i < r->groups; i++) {
		free(r->hosts[i].match);
		free(r->hosts[i].from);
		free(r->hosts[i].supply);
		free(r->hosts[i].path);
		profile_read_texts_free(r->hosts[i].host, r->hosts[i].hosts);
	}
	for (size_t i = 0; i < r->probes; i++)
		free(r->probe[i].name);
	for (size_t i = 0; i < r->derives; i++) {
		free(r->derive[i].text);
		profile_read_texts_free(r->derive[i].word, r->derive[i].words);
	}
	free(r->hosts);
	free(r->probe);
	free(r->derive);
	free(r->like);
	free(r->need);
	free(r->id);
	free(r->section);
	free(r->text);
	free(r->limits);
	free(r->users);
	free(r->reason);
}

void
requirement_free(struct requirement *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_free(&r[i]);
	free(r);
}

const struct requirement *
requirement_find(const struct profile *p, const char *id)
{
	for (size_t i = 0; i < p->rows; i++)
		if (p->row[i].id != NULL && strcmp(p->row[i].id, id) == 0)
			return &p->row[i];
	return NULL;
}

/* ---- what it needs ---- */

/* An error response shows that a path is open, and no more than that. */
static bool
is_good(const struct requirement *row, const struct requirement_path *p)
{
	return requirement_rule_is_up(p) &&
	       (!row->strict || p->outcome != OUTCOME_ERROR_RESPONSE);
}

static bool
is_bad(const struct requirement *row, const struct requirement_path *p)
{
	if (requirement_rule_is_up(p))
		return !is_good(row, p);
	/*
	 * Where silence says nothing only a firewall does: that the port is
	 * closed a host says, which was reached.
	 */
	return requirement_rule_is_down(p) &&
	       (!row->silence || p->outcome == OUTCOME_PROHIBITED ||
		   p->outcome == OUTCOME_UNREACHABLE);
}

/* One need: any of its paths may do, as for a client. */
static void
tally_need(const struct requirement_world *w, const struct requirement *row,
    uint32_t need, struct requirement_tally *t)
{
	const struct requirement_path *down = NULL;
	const struct requirement_link *l;
	size_t n;

	l = requirement_rule_links(w, need, &n);
	for (size_t i = 0; i < n; i++) {
		const struct requirement_path *p = &w->path[l[i].path];

		if (is_good(row, p)) {
			t->good++;
			return;
		}
		if (is_bad(row, p))
			down = p;
	}
	if (down != NULL)
		requirement_rule_bad(t, down->target->name,
		    outcome_label((enum outcome)down->outcome));
	else
		t->open++;
}

static void
judge_needs(const struct requirement_world *w, const struct requirement *row,
    struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	if (row->unknown != NULL) {
		requirement_rule_say(out, REQUIREMENT_STATUS_UNTESTED,
		    "this version has no probe of the kind %s", row->unknown);
		return;
	}
	for (size_t i = 0; i < row->needs; i++)
		tally_need(w, row, row->need[i], &t);
	if (row->needs == 0)
		requirement_rule_say(out, REQUIREMENT_STATUS_UNTESTED,
		    "give hosts for it: %s",
		    row->supply != NULL ? row->supply : "none is known");
	else if (row->silence && t.good == 0 && t.bad == 0)
		requirement_rule_say(out, REQUIREMENT_STATUS_UNTESTED,
		    "there is no answer, which proves nothing here");
	else
		requirement_rule_judge(&t, "", out);
	if (out->status == REQUIREMENT_STATUS_MET && row->bare > 0 &&
	    row->supply != NULL)
		requirement_rule_say(out, REQUIREMENT_STATUS_MET,
		    "but give hosts for: %s", row->supply);
}

/* ---- rules ---- */

static void judge(const struct requirement_world *w,
    const struct requirement *row, unsigned depth,
    struct requirement_verdict *out);

static bool
has_direct(const struct requirement_world *w, const struct requirement *row)
{
	for (size_t i = 0; i < row->needs; i++)
		if (w->need[row->need[i]].via == NULL)
			return true;
	return false;
}

static bool
is_meant(const struct requirement_pass *p, const struct requirement *row)
{
	if (row == p->row)
		return false;
	if (p->d->text != NULL && strcmp(row->section, p->d->text) == 0)
		return true;
	for (size_t i = 0; i < p->d->words; i++)
		if (strcmp(row->id, p->d->word[i]) == 0)
			return true;
	return false;
}

/* Rows that are not looked at, or cannot be, do not count. */
static void
judge_rows(const struct requirement_pass *p, unsigned depth,
    struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};
	bool direct = !p->d->direct, probed = false;

	for (size_t i = 0; i < profile->rows; i++) {
		const struct requirement *row = &profile->row[i];
		struct requirement_verdict v;

		if (!is_meant(p, row))
			continue;
		direct |= has_direct(p->w, row);
		probed |= row->needs > 0;
		judge(p->w, row, depth + 1, &v);
		if (v.status == REQUIREMENT_STATUS_FAILED)
			requirement_rule_bad(&t, row->id, "failed");
		else if (v.status == REQUIREMENT_STATUS_MET)
			t.good++;
	}
	if (!direct && probed)
		requirement_rule_say(out, REQUIREMENT_STATUS_MET,
		    "everything goes through proxies");
	else
		requirement_rule_judge(
		    &t, "none of the rows that it sums up is tested", out);
}

static requirement_rule_fn *const functions[RULES] = {
    [RULE_MEDIA] = requirement_media_answers,
    [RULE_MEDIA_PREFERRED] = requirement_media_preferred,
    [RULE_MEDIA_MAPPING] = requirement_media_mapping,
    [RULE_MEDIA_TESTED] = requirement_media_tested,
    [RULE_CLUSTERS_TESTED] = requirement_media_clusters,
    [RULE_CLUSTERS_RANKED] = requirement_media_ranked,
    [RULE_SUBNET] = requirement_media_subnet,
    [RULE_SUBNETS] = requirement_media_subnets,
    [RULE_INSIDE_SUBNETS] = requirement_media_inside,
    [RULE_NO_FILTERING] = requirement_media_filtering,
    [RULE_BLOCKED_AS_TOLD] = requirement_media_blocked,
    [RULE_ON_TIME] = requirement_media_on_time,
    [RULE_OUTBOUND] = requirement_trust_outbound,
    [RULE_BY_NAME] = requirement_trust_by_name,
    [RULE_TLS_VERSION] = requirement_trust_version,
    [RULE_TLS_CIPHER] = requirement_trust_cipher,
    [RULE_TLS_CHAIN] = requirement_trust_chain,
    [RULE_INSPECTION] = requirement_trust_inspection,
    [RULE_STAPLE] = requirement_trust_staple,
    [RULE_RESPONDERS] = requirement_trust_responders,
    [RULE_STATUS] = requirement_trust_status,
    [RULE_SNI] = requirement_media_sni,
    [RULE_PROXY] = requirement_trust_proxy,
    [RULE_PROXY_AUTH] = requirement_trust_proxy_auth,
    [RULE_ALIAS] = requirement_trust_alias,
    [RULE_ABSENT] = requirement_media_absent,
    [RULE_REVISION] = requirement_trust_revision,
    [RULE_NETWORKS] = requirement_trust_networks,
};

/* ---- the row ---- */

/* What decides of two parts: the one that failed, then the unknown one. */
static void
join(struct requirement_verdict *out, const struct requirement_verdict *part)
{
	static const unsigned weight[REQUIREMENT_STATUS_END] = {
	    [REQUIREMENT_STATUS_MET] = 1,
	    [REQUIREMENT_STATUS_UNTESTED] = 2,
	    [REQUIREMENT_STATUS_FAILED] = 3};

	if (weight[part->status] > weight[out->status])
		*out = *part;
}

static const char *
left_why(const struct requirement *row)
{
	switch (row->left) {
	case REQUIREMENT_NO_PICK:
		return "no products of the profile are picked";
	case REQUIREMENT_REVISION:
		return "it is not in the revision gone by";
	case REQUIREMENT_PRODUCT:
		return "none of its products is picked";
	case REQUIREMENT_KIND:
		return "its category is not picked";
	case REQUIREMENT_OUT:
		return "the configuration leaves it out";
	case REQUIREMENT_TAKEN:
		break;
	}
	return "";
}

static void
judge(const struct requirement_world *w, const struct requirement *row,
    unsigned depth, struct requirement_verdict *out)
{
	struct requirement_verdict part;

	out->status = 0;
	if (row->reason != NULL) {
		requirement_rule_say(
		    out, REQUIREMENT_STATUS_NOT_PROBEABLE, "%s", row->reason);
		return;
	}
	if (row->left != REQUIREMENT_TAKEN) {
		requirement_rule_say(
		    out, REQUIREMENT_STATUS_NOT_SELECTED, "%s", left_why(row));
		return;
	}
	/* Where only the operator knows hosts, rules alone may decide. */
	if (row->derives == 0 ||
	    (row->probes > 0 && (row->needs > 0 || row->unknown != NULL)))
		judge_needs(w, row, out);
	for (size_t i = 0; i < row->derives; i++) {
		const struct requirement_pass p = {w, row, &row->derive[i]};

		if (p.d->rule != RULE_ROWS)
			functions[p.d->rule](&p, &part);
		else if (depth < DEPTH_MOST)
			judge_rows(&p, depth, &part);
		else
			requirement_rule_say(&part, REQUIREMENT_STATUS_UNTESTED,
			    "rows that are about rows go in a circle");
		join(out, &part);
	}
}

void
requirement_judge(const struct requirement_world *w,
    const struct requirement *row, struct requirement_verdict *out)
{
	judge(w, row, 0, out);
}
