/* Fuzzing the STUN codec: what it reads must survive being written again. */
#include "build.h"

#include <assert.h>
#include <string.h>

#include "wire_stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* An answer made from what was read is read as the same. */
static void
echo(const struct stun_message *m)
{
	struct stun_message again;
	struct stun_writer w;
	uint8_t out[256];
	size_t len;

	wire_stun_begin(&w, out, sizeof(out), m->class, m->id);
	wire_stun_put_xor_mapped(&w, &m->mapped);
	if (m->code != 0)
		wire_stun_put_error(&w, m->code, "");
	wire_stun_put_unknown(&w, m);
	len = wire_stun_end(&w, true);
	assert(len > 0 && wire_stun_parse(out, len, &again) == 0);
	assert(again.class == m->class && again.code == m->code);
	assert(again.fingerprint && again.unknowns == 0);
	assert(memcmp(again.id, m->id, STUN_ID) == 0);
	assert(addr_equal(&again.mapped, &m->mapped));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct stun_message m;
	int whole = wire_stun_frame(bytes, len);

	assert(whole < 0 || (whole >= STUN_HEADER && whole <= STUN_MAX));
	/* On a stream the message is what the frame says. */
	if (whole > 0 && (size_t)whole < len)
		len = (size_t)whole;
	if (wire_stun_parse(bytes, len, &m) < 0)
		return 0;
	assert((size_t)whole == len);
	assert(wire_stun_outcome(&m) != OUTCOME_NONE);
	echo(&m);
	return 0;
}
