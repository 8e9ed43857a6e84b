/*
 * A stapled OCSP response (RFC 6960, RFC 6066 section 8), judged by
 * ourselves: TLS libraries hand the bytes over and look no further.
 */
#ifndef OCSP_H
#define OCSP_H

#include <stddef.h>
#include <stdint.h>

#include "word.h"

struct x509_st;

/* What the staple is about, and when; all of it borrowed. */
struct ocsp_question {
	struct x509_st *leaf;
	struct x509_st *issuer; /* that signed the leaf; NULL: not known */
	int64_t now;		/* s since 1970 */
};

/*
 * What a staple of len bytes says of the leaf; der NULL: there was none.
 * *next: when it must be replaced, s since 1970; 0: it does not say.
 */
enum staple ocsp_judge(const struct ocsp_question *q, const uint8_t *der,
    size_t len, int64_t *next);

#endif
