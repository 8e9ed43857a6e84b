/* Fuzzing the SIP codec: an answer is only what brings back all of ours. */
#include "build.h"

#include <assert.h>
#include <string.h>

#include "wire_sip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* "a1b2c3d4" and zeros: the id in the corpus. */
static const uint8_t id[SIP_ID] = {0xa1, 0xb2, 0xc3, 0xd4};

static void
within(const uint8_t *bytes, size_t len, struct sip_text t)
{
	assert(t.len == 0 || (t.at >= bytes && t.at + t.len <= bytes + len));
}

static void
check_final(const uint8_t *bytes, size_t len, const struct sip_message *m)
{
	uint8_t theirs[SIP_ID];

	assert(!m->request && m->code >= 100 && m->code <= 699);
	assert(m->vias == 1 && m->single && m->cseq == 1);
	assert(wire_sip_id(bytes, len, theirs));
	assert(memcmp(theirs, id, SIP_ID) == 0);
}

/* More bytes never change what has been said of the first ones. */
static void
check_frame(const uint8_t *bytes, size_t len, int whole)
{
	int less = wire_sip_frame(bytes, len - len / 3);

	assert(whole <= SIP_MAX && whole != 1);
	assert(less == 0 || less == whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sip_message m;
	enum sip_verdict verdict;
	int whole = wire_sip_frame(bytes, len);

	check_frame(bytes, len, whole);
	if (whole > 0 && (size_t)whole < len)
		len = (size_t)whole;
	verdict = wire_sip_judge(bytes, len, id, &m);
	if (verdict == SIP_MALFORMED)
		return 0;
	within(bytes, len, m.method);
	within(bytes, len, m.branch);
	within(bytes, len, m.call_id);
	within(bytes, len, m.from_tag);
	if (verdict >= SIP_PROVISIONAL)
		check_final(bytes, len, &m);
	return 0;
}
