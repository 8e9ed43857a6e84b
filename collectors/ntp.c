/*
 * NTP over UDP: each request is its own sample, from ports that change, with
 * a random transmit timestamp that the answer must bring back.
 */
#include "build.h"

#include <netinet/in.h>
#include <string.h>

#include "clock.h"
#include "collectors.h"
#include "dgram.h"
#include "probe.h"
#include "wire_ntp.h"

_Static_assert((int)NTP_ID <= (int)DGRAM_ID, "an id has room");

static size_t
encode(uint8_t out[DGRAM_PACKET], const struct dgram_talk *talk)
{
	wire_ntp_request(out, talk->id);
	return NTP_PACKET;
}

/* In an answer it is the origin timestamp. */
static bool
identify(const uint8_t *bytes, size_t len, bool quoted, uint8_t id[DGRAM_ID])
{
	size_t at = quoted ? NTP_ID_AT : NTP_ORIGIN_AT;

	if (len < at + NTP_ID)
		return false;
	memcpy(id, bytes + at, NTP_ID);
	return true;
}

static enum ntp_error
error_of_kiss(const char *kiss)
{
	static const struct {
		const char *kiss;
		enum ntp_error error;
	} rows[] = {
	    {"RATE", NTP_ERROR_RATE},
	    {"DENY", NTP_ERROR_DENY},
	    {"RSTR", NTP_ERROR_RSTR},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].kiss, kiss) == 0)
			return rows[i].error;
	/* INIT, STEP and the like: why it is not synchronised. */
	return NTP_ERROR_UNSYNCHRONISED;
}

/* RFC 5905 section 7.4: who is told to ask less must do so. */
static void
obey(struct probe *p, enum ntp_error error)
{
	if (error == NTP_ERROR_RATE)
		probe_hold(p, HOLD_SLOWER);
	else if (error == NTP_ERROR_DENY || error == NTP_ERROR_RSTR)
		probe_hold(p, HOLD_STOP);
}

static bool
is_beyond(int64_t offset_ns, uint64_t bound_ns)
{
	uint64_t size =
	    offset_ns < 0 ? 0 - (uint64_t)offset_ns : (uint64_t)offset_ns;

	return bound_ns > 0 && size > bound_ns;
}

static enum ntp_error
judge(const struct ntp_answer *m, const struct ask_ntp *ask,
    const struct ntp_times *t)
{
	if (m->kiss[0] != '\0')
		return error_of_kiss(m->kiss);
	if (!wire_ntp_synchronised(m))
		return NTP_ERROR_UNSYNCHRONISED;
	if (m->stratum > ask->stratum_most)
		return NTP_ERROR_STRATUM;
	if (t != NULL && is_beyond(t->offset_ns, ask->offset_degraded))
		return NTP_ERROR_OFFSET;
	return 0;
}

/* What a fact of -1 would say is that there is none. */
static int64_t
fact(int64_t ns)
{
	return ns == -1 ? 0 : ns;
}

/*
 * The offset of a server that is not synchronised is nothing to go by, and of
 * times that are not known there is none.
 */
static void
tell(struct probe *p, const struct ntp_answer *m, const struct ntp_times *t)
{
	bool known = t != NULL && wire_ntp_synchronised(m);

	probe_fact(p, FACT_NTP_STRATUM, m->stratum);
	probe_fact(p, FACT_NTP_LEAP, m->leap);
	probe_fact(p, FACT_NTP_OFFSET, known ? fact(t->offset_ns) : -1);
	probe_fact(
	    p, FACT_NTP_DELAY, known && t->delay_ns >= 0 ? t->delay_ns : -1);
	probe_fact(p, FACT_NTP_ROOT_DELAY, m->root_delay_ns);
	probe_fact(p, FACT_NTP_ROOT_DISPERSION, m->root_dispersion_ns);
}

static void
accept_answer(const uint8_t *bytes, size_t len, const struct dgram_talk *talk,
    struct answer *a, struct addr *mapped)
{
	struct probe *p = talk->probe;
	struct ntp_times times, *t = NULL;
	struct ntp_answer m;

	a->outcome = OUTCOME_PROTOCOL;
	if (wire_ntp_parse(bytes, len, &m) < 0)
		return;
	if (talk->came_ns != 0 && m.kiss[0] == '\0') {
		wire_ntp_times(&m, talk->left_ns, talk->came_ns, &times);
		t = &times;
	}
	tell(p, &m, t);
	a->code = (int)judge(&m, &p->path->ask->ntp, t);
	a->outcome = a->code == 0 ? OUTCOME_ANSWERED : OUTCOME_ERROR_RESPONSE;
	obey(p, (enum ntp_error)a->code);
}

static const struct dgram_kind ntp_kind = {
    .protocol4 = IPPROTO_UDP,
    .protocol6 = IPPROTO_UDP,
    .ports = true,
    .id_len = NTP_ID,
    .identify = identify,
    /* Extensions that were not asked for are no reason to miss an answer. */
    .answer_max = 1024,
    .encode = encode,
    .accept = accept_answer,
};

static int
open_loop(const struct collector_setup *setup, void **out)
{
	return dgram_new(&ntp_kind, setup, out);
}

const struct collector collector_ntp = {
    .name = "ntp",
    .transports = UINT32_C(1) << TRANSPORT_NTP,
    .port = 123,
    .count = 1,
    .open = open_loop,
    DGRAM_CALLS,
};
