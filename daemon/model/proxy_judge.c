/* What each path says of the proxy, and what follows from all of them. */
#include "build.h"

#include "proxy_judge.h"

enum says { SAYS_NOTHING, SAYS_PASSES, SAYS_REFUSES, SAYS_AUTH, SAYS_SILENT };

static enum says
says(const struct proxy_path *p)
{
	if (p->outcome == OUTCOME_NONE ||
	    outcome_class(p->outcome) == OUTCOME_CLASS_LOCAL)
		return SAYS_NOTHING;
	/* What failed beyond it, it passed on. */
	if (p->passed || p->outcome == OUTCOME_PROXY_UPSTREAM ||
	    outcome_class(p->outcome) == OUTCOME_CLASS_ANSWER)
		return SAYS_PASSES;
	if (p->state != STATE_DOWN)
		return SAYS_NOTHING;
	if (p->outcome == OUTCOME_PROXY_REFUSED)
		return SAYS_REFUSES;
	return p->outcome == OUTCOME_PROXY_AUTH ? SAYS_AUTH : SAYS_SILENT;
}

static enum state
state_of(bool passes, bool refuses, bool auth, bool silent)
{
	if (passes)
		return auth ? STATE_DEGRADED : STATE_UP;
	if (refuses || auth)
		return STATE_DEGRADED;
	return silent ? STATE_DOWN : STATE_UNKNOWN;
}

struct proxy_verdict
proxy_judge(const struct proxy_path *p, size_t n)
{
	unsigned said[SAYS_SILENT + 1] = {0};
	struct proxy_verdict v = {.refuses = false};

	for (size_t i = 0; i < n; i++) {
		enum says s = says(&p[i]);

		said[s]++;
		if (s > SAYS_PASSES && v.why == OUTCOME_NONE)
			v.why = p[i].outcome;
	}
	v.state = state_of(said[SAYS_PASSES] > 0, said[SAYS_REFUSES] > 0,
	    said[SAYS_AUTH] > 0, said[SAYS_SILENT] > 0);
	v.refuses =
	    said[SAYS_PASSES] == 0 && said[SAYS_REFUSES] + said[SAYS_AUTH] > 0;
	return v;
}
