/* Rules that are about media: clusters, subnets, transports, the schedule. */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "requirement_rule.h"

#define NO_NODE                                                            \
	"no such media node is known: name media clusters or a discovery " \
	"document"

/* ---- counting ---- */

/* One that a client would be sent to by the vendor. */
static bool
is_public(const struct requirement_path *p)
{
	return p->node && p->class == CLUSTER_CLASS_PUBLIC;
}

static void
add(struct requirement_count *c, const struct requirement_path *p)
{
	c->nodes++;
	c->fresh += p->fresh;
	if (requirement_rule_is_up(p)) {
		c->up++;
	} else if (requirement_rule_is_down(p)) {
		c->down++;
		c->trouble = p->target->name;
	}
}

/* The row of a cluster among those by name. */
static uint32_t
cluster_row(
    const char *name, const struct requirement_cluster *cluster, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(name, cluster[mid].name);

		if (c == 0)
			return (uint32_t)mid;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return UINT32_MAX;
}

void
requirement_path(struct requirement_path *p, const struct target *t,
    const struct requirement_cluster *cluster, size_t clusters)
{
	p->target = t;
	p->subnet = t->subnet;
	p->port = t->port;
	p->class = (uint8_t)t->class;
	p->transport = (uint8_t)t->path.transport;
	p->blocked = t->expect == EXPECT_BLOCKED;
	p->node = t->cluster[0] != '\0' && strcmp(t->probe, "stun") == 0;
	p->cluster =
	    p->node ? cluster_row(t->cluster, cluster, clusters) : UINT32_MAX;
}

void
requirement_count(struct requirement_world *w)
{
	size_t subnets = w->profile->subnets;

	if (subnets > 0)
		memset(w->subnet, 0, subnets * sizeof(*w->subnet));
	w->outside = (struct requirement_count){0};
	for (size_t i = 0; i < w->clusters; i++)
		w->cluster[i].count = (struct requirement_count){0};
	for (size_t i = 0; i < w->paths; i++) {
		const struct requirement_path *p = &w->path[i];
		uint32_t row = p->subnet - w->subnet_base - 1;
		if (!p->node || p->blocked)
			continue;
		if (p->cluster < w->clusters)
			add(&w->cluster[p->cluster].count, p);
		if (!is_public(p) || addr_family(&p->target->path.addr) == 0)
			continue;
		add(p->subnet > w->subnet_base && row < subnets
			? &w->subnet[row]
			: &w->outside,
		    p);
		/* Who is outside is the trouble, whatever its state. */
		if (p->subnet <= w->subnet_base || row >= subnets)
			w->outside.trouble = p->target->name;
	}
}

static void
tally_count(struct requirement_tally *t, const struct requirement_count *c,
    const char *what)
{
	if (c->up > 0)
		t->good++;
	else if (c->down > 0)
		requirement_rule_bad(t, what, "no node answers");
	else if (c->nodes > 0)
		t->open++;
}

/* ---- transports ---- */

static bool
is_asked(const struct requirement_derive *d, const struct requirement_path *p)
{
	unsigned class = d->class != 0 ? d->class : CLUSTER_CLASS_PUBLIC;

	return p->node && p->class == class && !p->blocked &&
	       (d->transport == 0 || p->transport == d->transport) &&
	       (d->low == 0 || (p->port >= d->low && p->port <= d->high));
}

/* Of the nodes that are meant any may answer: then the way is open. */
static struct requirement_tally
tally_nodes(const struct requirement_pass *p)
{
	struct requirement_tally t = {0};

	for (size_t i = 0; i < p->w->paths; i++) {
		const struct requirement_path *at = &p->w->path[i];

		if (!is_asked(p->d, at))
			continue;
		if (requirement_rule_is_up(at))
			t.good++;
		else if (requirement_rule_is_down(at))
			requirement_rule_bad(&t, at->target->name,
			    outcome_label((enum outcome)at->outcome));
		else
			t.open++;
	}
	if (t.good > 0)
		t.bad = 0;
	return t;
}

void
requirement_media_answers(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = tally_nodes(p);

	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_preferred(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};
	char why[64];

	for (size_t i = 0; i < p->w->clusters; i++) {
		const struct requirement_cluster *c = &p->w->cluster[i];

		if (c->is->class != CLUSTER_CLASS_PUBLIC)
			continue;
		if (c->is->preferred == p->d->transport) {
			t.good++;
		} else if (c->is->preferred != 0) {
			snprintf(why, sizeof(why), "best reached over %s",
			    word_label(WORD_TRANSPORT, c->is->preferred));
			requirement_rule_bad(&t, c->name, why);
		} else if (c->count.down > 0 && c->count.up == 0) {
			requirement_rule_bad(&t, c->name, "not reached at all");
		} else {
			t.open++;
		}
	}
	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_mapping(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_derive udp = {.transport = TRANSPORT_UDP};
	const struct requirement_pass pass = {p->w, p->row, &udp};
	struct requirement_tally t = tally_nodes(&pass);

	if (p->w->site->nat_symmetric == SITE_YES)
		requirement_rule_bad(&t, "NAT",
		    "one port is mapped differently for each server");
	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_tested(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	bool tested[CHOOSE_TRANSPORTS] = {0}, works = false;

	for (size_t i = 0; i < p->w->clusters; i++) {
		const struct choose_cluster *c = p->w->cluster[i].is;

		for (unsigned t = 0; t < CHOOSE_TRANSPORTS; t++) {
			if (c->class != CLUSTER_CLASS_PUBLIC)
				continue;
			tested[t] |= c->link[t].reach == REACH_REACHABLE ||
				     c->link[t].reach == REACH_UNREACHABLE;
			works |= c->link[t].reach == REACH_REACHABLE;
		}
	}
	for (unsigned t = 0; t < CHOOSE_TRANSPORTS; t++) {
		if (tested[t])
			continue;
		requirement_rule_say(out, REQUIREMENT_STATUS_UNTESTED,
		    "no public media cluster was tested over %s yet",
		    word_label(WORD_TRANSPORT, t + 1));
		return;
	}
	if (works)
		requirement_rule_say(out, REQUIREMENT_STATUS_MET, "%s", "");
	else
		requirement_rule_say(out, REQUIREMENT_STATUS_FAILED,
		    "no media cluster answers over any transport");
}

/* What answers neither with a name nor without one is another row's fault. */
void
requirement_media_sni(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_derive tls = {.transport = TRANSPORT_TLS};
	struct requirement_tally t = {0};

	for (size_t i = 0; i < p->w->paths; i++) {
		const struct requirement_path *at = &p->w->path[i];

		if (!is_asked(&tls, at))
			continue;
		if (at->tls != NULL && at->tls->sni_required == 2)
			requirement_rule_bad(&t, at->target->name,
			    "a server name is demanded on the way");
		else if (requirement_rule_is_up(at))
			t.good++;
		else
			t.open++;
	}
	requirement_rule_judge(&t, NO_NODE, out);
}

/* ---- clusters ---- */

void
requirement_media_clusters(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	for (size_t i = 0; i < p->w->clusters; i++) {
		const struct requirement_cluster *c = &p->w->cluster[i];

		if (c->is->class != CLUSTER_CLASS_PUBLIC)
			continue;
		if (c->count.fresh > 0)
			t.good++;
		else if (c->is->state == STATE_UNKNOWN)
			t.open++;
		else
			requirement_rule_bad(
			    &t, c->name, "no node was probed lately");
	}
	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_ranked(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	for (size_t i = 0; i < p->w->clusters; i++) {
		const struct requirement_cluster *c = &p->w->cluster[i];

		if (c->is->class != CLUSTER_CLASS_PUBLIC)
			continue;
		if (c->is->rank == 1)
			t.good++;
		else if (c->is->rank == 0 && c->is->state == STATE_DOWN)
			requirement_rule_bad(
			    &t, c->name, "cannot be chosen, and no other can");
		else
			t.open++;
	}
	if (t.good > 0)
		t.bad = 0;
	requirement_rule_judge(&t, NO_NODE, out);
}

/* ---- subnets ---- */

void
requirement_media_subnet(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};

	for (size_t i = 0; i < profile->subnets; i++)
		if (strcmp(profile->subnet[i].id, p->row->id) == 0)
			tally_count(
			    &t, &p->w->subnet[i], profile->subnet[i].text);
	requirement_rule_judge(&t,
	    "no media node in it is known; it is not searched for any", out);
}

/* Whether the word is one of "azure,cvi". */
static bool
has_tag(const char *tags, const char *tag)
{
	size_t len = strlen(tag);

	for (; *tags != '\0'; tags += strcspn(tags, ",")) {
		tags += *tags == ',';
		if (strcspn(tags, ",") == len && memcmp(tags, tag, len) == 0)
			return true;
	}
	return false;
}

void
requirement_media_subnets(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};

	for (size_t i = 0; i < profile->subnets; i++)
		if (p->d->text == NULL ||
		    has_tag(profile->subnet[i].tags, p->d->text))
			tally_count(
			    &t, &p->w->subnet[i], profile->subnet[i].text);
	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_inside(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {.bad = p->w->outside.nodes,
	    .what = p->w->outside.trouble,
	    .why = "is in none of the listed media subnets"};

	for (size_t i = 0; i < p->w->profile->subnets; i++)
		t.good += p->w->subnet[i].nodes;
	requirement_rule_judge(&t, NO_NODE, out);
}

/* Something answers and something does not: a filter would look so. */
void
requirement_media_filtering(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};

	for (size_t i = 0; i < profile->subnets; i++)
		tally_count(&t, &p->w->subnet[i], profile->subnet[i].text);
	for (size_t i = 0; i < p->w->clusters; i++)
		if (p->w->cluster[i].is->class == CLUSTER_CLASS_PUBLIC)
			tally_count(
			    &t, &p->w->cluster[i].count, p->w->cluster[i].name);
	if (t.good == 0 && t.bad > 0) {
		t.bad = t.open = 0;
		requirement_rule_judge(&t,
		    "nothing answers, so that there is nothing to compare",
		    out);
		return;
	}
	requirement_rule_judge(&t, NO_NODE, out);
}

void
requirement_media_blocked(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	const struct profile *profile = p->w->profile;
	struct requirement_tally t = {0};

	for (size_t i = 0; i < profile->subnets; i++)
		tally_count(&t, &p->w->subnet[i], profile->subnet[i].text);
	for (size_t i = 0; i < p->w->paths; i++) {
		const struct requirement_path *at = &p->w->path[i];

		if (!is_public(at) || !at->blocked)
			continue;
		if (requirement_rule_is_up(at))
			t.good++;
		else if (requirement_rule_is_down(at))
			requirement_rule_bad(&t, at->target->name,
			    "answers, and is expected to be blocked");
	}
	requirement_rule_judge(&t, NO_NODE, out);
}

/* ---- the schedule, and what must not be there ---- */

void
requirement_media_on_time(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {0};

	if (!p->w->network_watched)
		requirement_rule_bad(
		    &t, "local network", "changes are not watched for");
	for (size_t i = 0; i < p->w->paths; i++) {
		const struct requirement_path *at = &p->w->path[i];

		if (at->fresh)
			t.good++;
		else if (at->probed)
			requirement_rule_bad(&t, at->target->name,
			    "was not probed for three intervals");
		else
			t.open++;
	}
	requirement_rule_judge(&t, "nothing is probed", out);
}

static bool
is_given_up(
    const struct requirement_derive *d, const struct requirement_path *p)
{
	if (!p->node || p->class == CLUSTER_CLASS_REFERENCE)
		return false;
	if (d->subnet.family != 0)
		return subnet_holds(&d->subnet, &p->target->path.addr);
	return (d->transport == 0 || p->transport == d->transport) &&
	       p->port >= d->low && p->port <= d->high;
}

void
requirement_media_absent(
    const struct requirement_pass *p, struct requirement_verdict *out)
{
	struct requirement_tally t = {.good = 1};
	const struct profile *profile = p->w->profile;

	for (size_t i = 0; i < p->w->paths; i++)
		if (is_given_up(p->d, &p->w->path[i]))
			requirement_rule_bad(&t, p->w->path[i].target->name,
			    "uses what the vendor has given up");
	for (unsigned i = TRANSPORT_UDP; i <= TRANSPORT_TLS; i++)
		if ((p->d->transport == 0 || p->d->transport == i) &&
		    p->d->low != 0 && profile->port[i] >= p->d->low &&
		    profile->port[i] <= p->d->high)
			requirement_rule_bad(
			    &t, "profile", "names the port that was given up");
	requirement_rule_judge(&t, "", out);
}
