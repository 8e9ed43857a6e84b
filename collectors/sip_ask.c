/* One OPTIONS, and its answer. */
#include "build.h"

#include "codes.h"
#include "probe.h"
#include "sip_ask.h"
#include "wire_sip.h"

size_t
sip_ask(uint8_t *out, size_t size, const struct path *path,
    const struct addr *local, const uint8_t *id)
{
	const struct ask *ask = path->ask;
	char literal[ADDR_TEXT];
	struct sip_request r = {.transport = path->transport,
	    .host = path->host,
	    .port = addr_port(&path->addr),
	    .local = local,
	    .id = id};

	if (r.host == NULL || r.host[0] == '\0')
		r.host = addr_host_text(&path->addr, literal);
	if (ask != NULL) {
		r.user = ask->sip.user;
		r.from_domain = ask->sip.from_domain;
	}
	return wire_sip_request(out, size, &r);
}

/*
 * A server that is out of service or overloaded says 503 (section 21.5.4);
 * any other 5xx is its fault, too. All else shows that it is at work: 401,
 * 404, 405 and 407 as well, unless the target names what it wants.
 */
static enum outcome
outcome_of(const struct path *path, unsigned code)
{
	const struct codes *wanted =
	    path->ask != NULL ? &path->ask->sip.codes : NULL;
	bool right = code / 100 != 5;

	if (wanted != NULL && wanted->ranges > 0)
		right = codes_has(wanted, code);
	return right ? OUTCOME_ANSWERED : OUTCOME_ERROR_RESPONSE;
}

void
sip_ask_judge(const uint8_t *bytes, size_t len, struct probe *p,
    const uint8_t *id, struct answer *a)
{
	struct sip_message m;

	a->outcome = OUTCOME_NONE;
	switch (wire_sip_judge(bytes, len, id, &m)) {
	case SIP_STRANGER:
	case SIP_PROVISIONAL:
		return;
	case SIP_MALFORMED:
	case SIP_ECHO:
		a->outcome = OUTCOME_PROTOCOL;
		return;
	case SIP_FINAL:
		a->outcome = outcome_of(p->path, m.code);
		if (a->outcome != OUTCOME_ANSWERED)
			a->code = (int)m.code;
		probe_fact(p, FACT_SIP_STATUS, m.code);
		return;
	}
}
