/*
 * What a proxy is worth, from what the paths through it say. Pure.
 */
#ifndef PROXY_JUDGE_H
#define PROXY_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "outcome.h"
#include "word.h"

/* A path through it, as of its last probe. */
struct proxy_path {
	enum state state;
	enum outcome outcome; /* of its last request; 0: none yet */
	bool passed;	      /* the proxy let it through to the origin */
};

struct proxy_verdict {
	enum state state;
	/*
	 * It answers, and lets nothing of ours through: that is for its
	 * administrator. Only said when some path was judged.
	 */
	bool refuses;
	enum outcome why; /* of the first that it refused, or that is down */
};

/*
 * Up: it passes things on, or tries to. Degraded: it answers, but refuses all
 * that is asked of it; or it passes some paths on and wants other credentials
 * for others. Down: it answers nobody. Unknown: nobody can say. A path that
 * does not get through counts once it is judged down, so that one bad probe is
 * none; one that is down for what lies beyond the proxy speaks for it.
 */
struct proxy_verdict proxy_judge(const struct proxy_path *p, size_t n);

#endif
