/*
 * How the files with the rules share the work; nobody else includes it. Each
 * rule is told the world, the row and what the row tells it, and says what it
 * finds.
 */
#ifndef REQUIREMENT_RULE_H
#define REQUIREMENT_RULE_H

#include "profile.h"
#include "requirement.h"

struct requirement_pass {
	const struct requirement_world *w;
	const struct requirement *row;
	const struct requirement_derive *d;
};

/* How many things are well, are not, and are not known yet. */
struct requirement_tally {
	unsigned good, bad, open;
	const char *what; /* of the first bad one */
	const char *why;
};

void requirement_rule_say(struct requirement_verdict *out,
    enum requirement_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Failed when something is bad ("WHAT: WHY", and how many more), met when
 * something is good, else untested for the reason given.
 */
void requirement_rule_judge(const struct requirement_tally *t,
    const char *nothing, struct requirement_verdict *out);
void requirement_rule_bad(
    struct requirement_tally *t, const char *what, const char *why);

bool requirement_rule_is_up(const struct requirement_path *p);
bool requirement_rule_is_down(const struct requirement_path *p);
/* The links of a need: *n of them, in a row. */
const struct requirement_link *requirement_rule_links(
    const struct requirement_world *w, uint32_t need, size_t *n);
/* The paths of the row, one after the other; *at is 0 at first. */
struct requirement_step {
	size_t need, link;
	const struct requirement_need *of; /* that the path is of */
};
const struct requirement_path *requirement_rule_next(
    const struct requirement_pass *p, struct requirement_step *at);

/* requirement_media.c */
typedef void requirement_rule_fn(
    const struct requirement_pass *p, struct requirement_verdict *out);

requirement_rule_fn requirement_media_answers, requirement_media_preferred,
    requirement_media_mapping, requirement_media_tested,
    requirement_media_clusters, requirement_media_ranked,
    requirement_media_subnet, requirement_media_subnets,
    requirement_media_inside, requirement_media_filtering,
    requirement_media_blocked, requirement_media_on_time,
    requirement_media_absent, requirement_media_sni;

/* requirement_trust.c */
requirement_rule_fn requirement_trust_outbound, requirement_trust_by_name,
    requirement_trust_version, requirement_trust_cipher,
    requirement_trust_chain, requirement_trust_inspection,
    requirement_trust_staple, requirement_trust_responders,
    requirement_trust_status, requirement_trust_proxy,
    requirement_trust_proxy_auth, requirement_trust_alias,
    requirement_trust_networks, requirement_trust_revision;

#endif
