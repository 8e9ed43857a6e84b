/* Good and bad answers of a STUN server; see manner.h. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lab.h"
#include "manner.h"
#include "wire_stun.h"

static unsigned
write_error(const uint8_t *request, uint8_t out[128])
{
	struct stun_writer w;

	wire_stun_begin(&w, out, 128, STUN_CLASS_ERROR, request + STUN_ID_AT);
	wire_stun_put_error(&w, 401, "Unauthorized");
	return (unsigned)wire_stun_end(&w, true);
}

static unsigned
write_no_address(const uint8_t *request, uint8_t out[128])
{
	struct stun_writer w;

	wire_stun_begin(&w, out, 128, STUN_CLASS_SUCCESS, request + STUN_ID_AT);
	wire_stun_put_text(&w, STUN_SOFTWARE, "no address");
	return (unsigned)wire_stun_end(&w, true);
}

unsigned
manner_answer(enum manner manner, const uint8_t *request, uint8_t out[512])
{
	unsigned n = peer_answer(request, out);

	switch (manner) {
	case MANNER_WRONG_ID_FIRST:
		/* Without FINGERPRINT, for the id goes into it. */
		out[STUN_ID_AT] ^= 1;
		n -= 8;
		out[3] = (uint8_t)(n - STUN_HEADER);
		return n + peer_answer(request, out + n);
	case MANNER_TWICE:
		memcpy(out + n, out, n);
		return 2 * n;
	case MANNER_ERROR_401:
		return write_error(request, out);
	case MANNER_NO_ADDRESS:
		return write_no_address(request, out);
	case MANNER_BAD_FINGERPRINT:
		out[n - 1] ^= 1;
		return n;
	case MANNER_ECHO:
		memcpy(out, request, STUN_REQUEST);
		return STUN_REQUEST;
	case MANNER_TOO_LONG:
		out[2] = 0xff;
		out[3] = 0xfc;
		return n;
	case MANNER_JUNK:
		memcpy(out, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
		return 28;
	case MANNER_HALF:
		return n / 2;
	default:
		return n;
	}
}

void
manner_check_answered(const struct lab *lab, unsigned count)
{
	struct addr want;

	addr_from_bytes(&want, AF_INET, "\x7f\0\0\x01", 4242);
	assert_int_equal(lab->readies, 1);
	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->answers, count);
	for (unsigned i = 0; i < count; i++) {
		const struct answer *a = &lab->answer[i];

		assert_int_equal(lab->answered[i], 1);
		assert_int_equal(a->outcome, OUTCOME_ANSWERED);
		assert_int_equal(a->code, 0);
		assert_true(a->rtt_ns > 0);
		assert_true(a->rtt_ns < lab->ended_ns - lab->started_ns);
		assert_true(
		    a->stamp == STAMP_KERNEL_RX || a->stamp == STAMP_USER);
	}
	assert_true(addr_equal(&lab->mapped, &want));
	assert_true(lab->phase[PHASE_CONNECT] > 0);
	assert_true(lab->phase[PHASE_RESPONSE] > 0);
}
