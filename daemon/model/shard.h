/*
 * One of N processes that split a list of targets: who has what follows from
 * the list alone, so that processes with the same list agree without talking.
 */
#ifndef SHARD_H
#define SHARD_H

#include <stddef.h>
#include <stdint.h>

enum { SHARD_MOST = 1000, SHARD_SLACK_PERCENT = 10 };

struct shard {
	unsigned index; /* 0 .. count - 1 */
	unsigned count; /* 0 or 1: everything is one's own */
};

/* What stays together: a media cluster, or a target outside of them. */
struct shard_unit {
	uint64_t hash;	 /* of its name; units alike in both stay together */
	uint32_t weight; /* paths in it */
	unsigned shard;	 /* result */
};

/*
 * "0/3" to "2/3"; "NAME-1/3", a name that ends in the number, as those of a
 * StatefulSet's pods do; "auto/3", which takes the host's name for it. 0, or
 * -EINVAL with what is wrong, for people, in error[256].
 */
int shard_parse(
    const char *text, const char *hostname, struct shard *out, char error[256]);

/*
 * Fills in the shard of each unit: the same whatever their order. Where units
 * are small enough for it, each shard gets its even part give or take
 * SHARD_SLACK_PERCENT; where some are not, as even as they allow. A unit that
 * comes or goes moves few others. 0 or -ENOMEM.
 */
int shard_assign(struct shard_unit *unit, size_t units, unsigned count);

#endif
