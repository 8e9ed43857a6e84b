/* How a STUN server of the tests answers, rightly or not. */
#ifndef MANNER_H
#define MANNER_H

#include <stdint.h>

/* What a script does with each request. */
enum manner {
	MANNER_PLAIN,
	MANNER_IN_BYTES,
	MANNER_IN_ONE_PIECE, /* both answers, the later one first */
	MANNER_WRONG_ID_FIRST,
	MANNER_TWICE,
	MANNER_ERROR_401,
	MANNER_NO_ADDRESS,
	MANNER_BAD_FINGERPRINT,
	MANNER_ECHO,
	MANNER_TOO_LONG,
	MANNER_JUNK,
	MANNER_HALF, /* of an answer, then the end */
	MANNER_SILENT,
	MANNER_CLOSE_AT_ONCE,
	MANNER_RESET_AT_ONCE
};

/* The bytes that answer one request in this manner; returns how many. */
unsigned manner_answer(
    enum manner manner, const uint8_t *request, uint8_t out[512]);

/* The probe had all its requests answered, as peer_answer() does. */
struct lab;
void manner_check_answered(const struct lab *lab, unsigned count);

#endif
