/* What an OCSP response says, and whether it may say so. */
#include "build.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <time.h>

#include "ocsp.h"

/* Clocks of responders are no better than others'. */
enum { SKEW = 300 };
/* One that never says when it must be replaced is worth that long. */
enum { WITHOUT_END = 86400 };

/* s since 1970; 0 for a date that is none. */
static int64_t
seconds(const ASN1_GENERALIZEDTIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* Whether the CertID (RFC 6960 section 4.1.1) is that of the leaf. */
static bool
is_about(const struct ocsp_question *q, const OCSP_CERTID *id)
{
	ASN1_OBJECT *hash = NULL;
	const EVP_MD *md;
	OCSP_CERTID *own;
	bool same;

	if (OCSP_id_get0_info(NULL, &hash, NULL, NULL, (OCSP_CERTID *)id) != 1)
		return false;
	md = EVP_get_digestbyobj(hash);
	if (md == NULL)
		return false;
	own = OCSP_cert_to_id(md, q->leaf, q->issuer);
	same = own != NULL && OCSP_id_cmp(own, id) == 0;
	OCSP_CERTID_free(own);
	return same;
}

static OCSP_SINGLERESP *
find_single(const struct ocsp_question *q, OCSP_BASICRESP *basic)
{
	int n = OCSP_resp_count(basic);

	for (int i = 0; i < n; i++) {
		OCSP_SINGLERESP *s = OCSP_resp_get0(basic, i);

		if (is_about(q, OCSP_SINGLERESP_get0_id(s)))
			return s;
	}
	return NULL;
}

static bool
is_current(const X509 *x, int64_t now)
{
	time_t t = (time_t)now;

	return X509_cmp_time(X509_get0_notBefore(x), &t) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(x), &t) > 0;
}

/*
 * A responder that the issuer has named (RFC 6960 section 4.2.2.2): signed by
 * it directly, and for that purpose only.
 */
static bool
is_delegate(const struct ocsp_question *q, X509 *x)
{
	return (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) != 0 &&
	       (X509_get_extended_key_usage(x) & XKU_OCSP_SIGN) != 0 &&
	       is_current(x, q->now) &&
	       X509_check_issued(q->issuer, x) == X509_V_OK &&
	       X509_verify(x, X509_get0_pubkey(q->issuer)) == 1;
}

/* Who may have signed: the issuer, or one it has named. */
static bool
is_signed(const struct ocsp_question *q, OCSP_BASICRESP *basic)
{
	STACK_OF(X509) *allowed = sk_X509_new_null();
	bool good = false;
	X509 *signer = NULL;

	if (allowed == NULL)
		return false;
	if (sk_X509_push(allowed, q->issuer) > 0 &&
	    OCSP_resp_get0_signer(basic, &signer, allowed) == 1)
		good = signer == q->issuer || is_delegate(q, signer);
	if (good) {
		sk_X509_zero(allowed);
		/* Only the signature: who may sign has just been judged. */
		good = sk_X509_push(allowed, signer) > 0 &&
		       OCSP_basic_verify(basic, allowed, NULL,
			   OCSP_NOINTERN | OCSP_NOVERIFY) == 1;
	}
	sk_X509_free(allowed);
	return good;
}

static enum staple
judge_single(OCSP_SINGLERESP *s, int64_t now, int64_t *next)
{
	ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
	int status = OCSP_single_get0_status(s, NULL, NULL, &from, &until);
	int64_t begin = seconds(from), end = seconds(until);

	if (begin == 0 || begin > now + SKEW || (until != NULL && end < begin))
		return STAPLE_INVALID;
	*next = until != NULL ? end : 0;
	/* What was revoked stays so. */
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return STAPLE_REVOKED;
	if (now > (until != NULL ? end : begin + WITHOUT_END) + SKEW)
		return STAPLE_EXPIRED;
	return status == V_OCSP_CERTSTATUS_GOOD ? STAPLE_GOOD : STAPLE_UNKNOWN;
}

static enum staple
judge_basic(const struct ocsp_question *q, OCSP_BASICRESP *basic, int64_t *next)
{
	OCSP_SINGLERESP *s = find_single(q, basic);

	if (s == NULL || !is_signed(q, basic))
		return STAPLE_INVALID;
	return judge_single(s, q->now, next);
}

static OCSP_BASICRESP *
parse(const uint8_t *der, size_t len)
{
	const unsigned char *at = der;
	OCSP_RESPONSE *r = NULL;
	OCSP_BASICRESP *basic = NULL;

	if (len > 0 && len <= 65535)
		r = d2i_OCSP_RESPONSE(NULL, &at, (long)len);
	if (r != NULL && at == der + len &&
	    OCSP_response_status(r) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(r);
	OCSP_RESPONSE_free(r);
	return basic;
}

enum staple
ocsp_judge(const struct ocsp_question *q, const uint8_t *der, size_t len,
    int64_t *next)
{
	enum staple state = STAPLE_INVALID;
	OCSP_BASICRESP *basic;

	*next = 0;
	if (der == NULL)
		return STAPLE_ABSENT;
	ERR_set_mark();
	basic = parse(der, len);
	/* Without the issuer nobody can say whose response it is. */
	if (basic != NULL && q->issuer != NULL)
		state = judge_basic(q, basic, next);
	OCSP_BASICRESP_free(basic);
	ERR_pop_to_mark();
	return state;
}
