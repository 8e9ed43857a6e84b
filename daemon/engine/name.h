/*
 * One name and what is known of it: the last addresses of each family, how
 * the last round of questions ended, when to ask again. No input or output:
 * who asks, and how many at once, is resolve.c's.
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct hosts;
struct stub_answer;

#define NAME_NEVER UINT64_MAX

struct name_policy {
	unsigned family;	      /* 0 both, 4, 6 */
	size_t max_addresses;	      /* of a family */
	uint64_t ttl_least, ttl_most; /* ns */
	uint64_t retry;		      /* ns after a failure; grows to 8 times */
};

/* One family of a name. */
struct name_half {
	struct name *name;
	struct addr *addr; /* owned: the last ones known */
	size_t addrs;
	const char *why; /* how the last question failed; NULL: fine */
	bool none;	 /* there are none, says a server */
	uint32_t ttl;	 /* s */
	char *alias;	 /* owned: the name that has them, or NULL */
};

enum { NAME_V4, NAME_V6, NAME_HALVES };

struct name {
	char *host;	   /* owned */
	struct addr *addr; /* owned: both families, as others see them */
	size_t addrs;
	struct name_half half[NAME_HALVES];
	unsigned failures; /* rounds since it last resolved */
	unsigned lame;	   /* rounds in a row where one family failed */
	const char *why;   /* static; NULL: it resolves */
	bool settled;	   /* has had an answer or a failure */
	uint64_t due;	   /* monotonic ns: when to ask again */

	/* The resolver's own. */
	uint64_t asked; /* monotonic ns: when the round began */
	uint64_t took;	/* ns: how long the last good one was */
	struct resolve *resolve;
	unsigned pending; /* questions under way */
	bool wanted;
	bool again; /* ask once more when this round is over */
	uint64_t forget_at;
};

/* What a round showed. */
enum name_news { NAME_SAME, NAME_CHANGED, NAME_BROKE };

struct name *name_new(const char *host);
void name_free(struct name *n);

/* Whether the policy wants the family: NAME_V4 or NAME_V6. */
bool name_wants(const struct name_policy *p, unsigned half);

/*
 * Literals, and names of the hosts file: true when the name is known without
 * a question; *changed (may be NULL) when its addresses are others now.
 */
bool name_know(struct name *n, const struct name_policy *p,
    const struct hosts *hosts, bool *changed);

/* A round begins: what the last one showed is forgotten, not the addresses. */
void name_begin(struct name *n, const struct name_policy *p);
/* How the question for a family ended. */
void name_answer(struct name_half *h, const struct name_policy *p,
    const struct stub_answer *a);
/* All questions have ended: judges the round, says when the next is due. */
enum name_news name_conclude(
    struct name *n, const struct name_policy *p, uint64_t now);

#endif
