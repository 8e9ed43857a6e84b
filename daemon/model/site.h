/*
 * Verdicts on the site that an operator would otherwise work out from many
 * targets. Pure; tri-state, for "not known" must not raise an alarm.
 */
#ifndef SITE_H
#define SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "choose.h"

enum site_verdict { SITE_NOT_KNOWN, SITE_NO, SITE_YES };

/* One STUN answer that showed how we look from outside. */
struct site_mapping {
	struct addr server, mapped;
	uint16_t local_port;	/* the UDP port we sent from; 0 for a stream */
	uint64_t at;		/* monotonic */
};

struct site {
	uint8_t media_unreachable, udp_blocked, local_outage, nat_symmetric;
	uint8_t tls_intercepted; /* by certificates: the engine's to say */
	uint8_t proxy_refuses; /* by proxy_judge.h, not from in here */
	uint64_t egress_changes;
	struct addr egress[2];	/* last seen from outside, IPv4 and IPv6 */
	uint64_t egress_at[2];	/* when; what is older is no change */
};

/*
 * media_unreachable: UDP, TCP and TLS were all tested to public clusters and
 * none worked (untested is not unreachable). udp_blocked: UDP was tested and
 * works nowhere in public, TCP or TLS does. local_outage: link_down, or
 * public and reference clusters were tested and none of either answers (with
 * no reference group: not known, unless the link is down). Video Mesh stands
 * inside the site, so that what it answers says nothing of the way out. Each
 * is SITE_NO only when something works that proves it.
 */
void site_judge(struct site *s, const struct choose_cluster *c, size_t clusters,
    bool link_down);

/*
 * nat_symmetric: two servers saw one local port as different mapped ports
 * (same family, both within max_age); not known without such a pair, or
 * without memory. egress: address of the newest mapping per family, without
 * port. Returns true when an egress address changed; the first is no change.
 */
bool site_mappings(struct site *s, const struct site_mapping *m, size_t n,
    uint64_t now, uint64_t max_age);

#endif
