/* What a collector says of a probe goes to whoever runs the probe. */
#include "build.h"

#include "probe.h"

void
probe_ready(struct probe *p)
{
	p->ops->ready(p);
}

void
probe_answer(struct probe *p, unsigned seq, const struct answer *a)
{
	p->ops->answer(p, seq, a);
}

void
probe_fail(struct probe *p, enum outcome o, int code)
{
	p->ops->fail(p, o, code);
}

void
probe_phase(struct probe *p, enum phase phase, uint64_t ns)
{
	p->ops->phase(p, phase, ns);
}

void
probe_tls(struct probe *p, const struct tls_facts *facts)
{
	p->ops->tls(p, facts);
}

void
probe_fact(struct probe *p, enum fact fact, int64_t value)
{
	p->ops->fact(p, fact, value);
}

void
probe_hold(struct probe *p, enum hold how)
{
	p->ops->hold(p, how);
}
