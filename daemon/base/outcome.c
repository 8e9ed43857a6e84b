/* How a request can end, from outcomes.def, and what errors mean for it. */
#include "build.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stddef.h>
#include <sys/socket.h>

#include "outcome.h"

static const struct {
	const char *label, *meaning;
	enum outcome_class class;
	enum outcome_wall wall;
} outcomes[OUTCOME_END] = {
#define OUTCOME(name, number, label, class, wall, meaning) \
	[OUTCOME_##name] = {                               \
	    label, meaning, OUTCOME_CLASS_##class, OUTCOME_WALL_##wall},
#include "outcomes.def"
};

static bool
is_known(enum outcome o)
{
	return (unsigned)o < OUTCOME_END && outcomes[o].label != NULL;
}

const char *
outcome_label(enum outcome o)
{
	return is_known(o) ? outcomes[o].label : "none";
}

const char *
outcome_meaning(enum outcome o)
{
	return is_known(o) ? outcomes[o].meaning : "";
}

enum outcome_class
outcome_class(enum outcome o)
{
	return is_known(o) ? outcomes[o].class : OUTCOME_CLASS_LOSS;
}

enum outcome_wall
outcome_wall(enum outcome o)
{
	return is_known(o) ? outcomes[o].wall : OUTCOME_WALL_NOTHING;
}

/* Errors of our own calls that say nothing about the path beyond us. */
static bool
is_local(int err)
{
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case ENODEV:
	case EINVAL: /* a blackhole among our routes */
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}

enum outcome
outcome_of_errno(int err, bool local)
{
	if (local && is_local(err))
		return OUTCOME_LOCAL;
	switch (err) {
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return OUTCOME_RESET;
	/* A local firewall (EPERM) or ICMPv6 "administratively prohibited". */
	case EACCES:
	case EPERM:
		return OUTCOME_PROHIBITED;
	/* What Linux makes of ICMP destination unreachable, by its code. */
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT:
		return OUTCOME_UNREACHABLE;
	case ETIMEDOUT:
		return OUTCOME_TIMEOUT;
	default:
		return OUTCOME_OTHER;
	}
}

/* RFC 792, RFC 1812 section 5.2.7.1. */
static enum outcome
of_icmp4(unsigned type, unsigned code)
{
	if (type == ICMP_TIME_EXCEEDED)
		return OUTCOME_UNREACHABLE;
	if (type != ICMP_DEST_UNREACH)
		return OUTCOME_OTHER;
	switch (code) {
	case ICMP_PORT_UNREACH:
		return OUTCOME_REFUSED;
	case ICMP_NET_ANO:
	case ICMP_HOST_ANO:
	case ICMP_PKT_FILTERED:
		return OUTCOME_PROHIBITED;
	default:
		return OUTCOME_UNREACHABLE;
	}
}

/* RFC 4443 section 3. */
static enum outcome
of_icmp6(unsigned type, unsigned code)
{
	enum { POLICY_FAIL = 5, REJECT_ROUTE = 6 };

	if (type == ICMP6_TIME_EXCEEDED)
		return OUTCOME_UNREACHABLE;
	if (type != ICMP6_DST_UNREACH)
		return OUTCOME_OTHER;
	switch (code) {
	case ICMP6_DST_UNREACH_NOPORT:
		return OUTCOME_REFUSED;
	case ICMP6_DST_UNREACH_ADMIN:
	case POLICY_FAIL:
	case REJECT_ROUTE:
		return OUTCOME_PROHIBITED;
	default:
		return OUTCOME_UNREACHABLE;
	}
}

enum outcome
outcome_of_icmp(int family, unsigned type, unsigned code)
{
	switch (family) {
	case AF_INET:
		return of_icmp4(type, code);
	case AF_INET6:
		return of_icmp6(type, code);
	default:
		return OUTCOME_OTHER;
	}
}
