/* Stapled OCSP responses: made by the library, spoilt by hand. */
#include "build.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab.h"
#include "ocsp.h"

/* What it is all about; made once. */
static struct lab_cert root, issuer, leaf, other;
static struct lab_cert delegate, plain, late, elsewhere, stranger;

enum { NOW = 1900000000, HOUR = 3600, DAY = 24 * HOUR };

/* A response to be; what is 0 is as it should be. */
struct recipe {
	enum staple expect;
	int status;	 /* V_OCSP_CERTSTATUS_x */
	int from, until; /* s, relative to now; 0: -1 h, +1 d */
	bool without_end;
	struct lab_cert *of;	 /* NULL: the leaf */
	struct lab_cert *signer; /* NULL: the issuer */
	bool sha256;		 /* in the certificate's id */
	bool by_key;		 /* the responder's id */
	bool no_certs;		 /* the signer's is not sent */
	bool more;		 /* about another one, too, and first */
};

static ASN1_TIME *
moment(int64_t at)
{
	return ASN1_GENERALIZEDTIME_set(NULL, (time_t)at);
}

static void
add_single(OCSP_BASICRESP *basic, const struct recipe *r, struct lab_cert *of)
{
	OCSP_CERTID *id = OCSP_cert_to_id(
	    r->sha256 ? EVP_sha256() : EVP_sha1(), of->x509, issuer.x509);
	ASN1_TIME *from = moment(NOW + (r->from != 0 ? r->from : -HOUR));
	ASN1_TIME *until = moment(NOW + (r->until != 0 ? r->until : DAY));
	ASN1_TIME *revoked = moment(NOW - 30 * DAY);

	assert_non_null(OCSP_basic_add1_status(basic, id, r->status,
	    OCSP_REVOKED_STATUS_NOSTATUS, revoked, from,
	    r->without_end ? NULL : until));
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_TIME_free(revoked);
}

/* DER in *out, owned by the caller. */
static size_t
make(const struct recipe *r, uint8_t **out)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	struct lab_cert *signer = r->signer != NULL ? r->signer : &issuer;
	OCSP_RESPONSE *response;
	int len;

	if (r->more)
		add_single(basic, r, &other);
	add_single(basic, r, r->of != NULL ? r->of : &leaf);
	assert_int_equal(OCSP_basic_sign(basic, signer->x509, signer->key,
			     EVP_sha256(), NULL,
			     (r->by_key ? OCSP_RESPID_KEY : 0) |
				 (r->no_certs ? OCSP_NOCERTS : 0)),
	    1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	*out = NULL;
	len = i2d_OCSP_RESPONSE(response, out);
	assert_true(len > 0);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	return (size_t)len;
}

static enum staple
judge_at(const uint8_t *der, size_t len, int64_t now, int64_t *next)
{
	struct ocsp_question q = {
	    .leaf = leaf.x509, .issuer = issuer.x509, .now = now};

	return ocsp_judge(&q, der, len, next);
}

static enum staple
judge(const struct recipe *r, int64_t *next)
{
	uint8_t *der;
	size_t len = make(r, &der);
	enum staple s = judge_at(der, len, NOW, next);

	OPENSSL_free(der);
	return s;
}

static int
make_certificates(void **state)
{
	static const char for_ocsp[] = "OCSPSigning";

	(void)state;
	root = (struct lab_cert){
	    .subject = "OCSP Root", .days = 9000, .is_ca = true};
	issuer = (struct lab_cert){.subject = "OCSP Issuing",
	    .days = 9000,
	    .is_ca = true,
	    .issuer = &root};
	leaf = (struct lab_cert){
	    .subject = "leaf", .days = 9000, .issuer = &issuer};
	other = (struct lab_cert){
	    .subject = "other", .days = 9000, .issuer = &issuer};
	delegate = (struct lab_cert){.subject = "delegate",
	    .days = 9000,
	    .issuer = &issuer,
	    .ext = {{NID_ext_key_usage, for_ocsp}}};
	/* Signed by the issuer, but not for this. */
	plain = (struct lab_cert){
	    .subject = "plain", .days = 9000, .issuer = &issuer};
	late = (struct lab_cert){.subject = "late",
	    .days = 1,
	    .issuer = &issuer,
	    .ext = {{NID_ext_key_usage, for_ocsp}}};
	/* Named by the issuer's own issuer, not by it. */
	elsewhere = (struct lab_cert){.subject = "elsewhere",
	    .days = 9000,
	    .issuer = &root,
	    .ext = {{NID_ext_key_usage, for_ocsp}}};
	/* Says that it is the issuer. */
	stranger = (struct lab_cert){
	    .subject = "OCSP Issuing", .days = 9000, .is_ca = true};
	for (unsigned i = 0; i < 9; i++)
		lab_cert_make(
		    (struct lab_cert *[]){&root, &issuer, &leaf, &other,
			&delegate, &plain, &late, &elsewhere, &stranger}[i]);
	return 0;
}

static int
free_certificates(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 9; i++)
		lab_cert_free(
		    (struct lab_cert *[]){&root, &issuer, &leaf, &other,
			&delegate, &plain, &late, &elsewhere, &stranger}[i]);
	return 0;
}

static void
test_verdicts(void **state)
{
	const struct recipe rows[] = {
	    {.expect = STAPLE_GOOD},
	    {.expect = STAPLE_GOOD, .sha256 = true, .by_key = true},
	    {.expect = STAPLE_GOOD, .no_certs = true},
	    {.expect = STAPLE_GOOD, .more = true},
	    {.expect = STAPLE_REVOKED, .status = V_OCSP_CERTSTATUS_REVOKED},
	    {.expect = STAPLE_UNKNOWN, .status = V_OCSP_CERTSTATUS_UNKNOWN},
	    /* dates; clocks differ by minutes */
	    {.expect = STAPLE_EXPIRED, .from = -2 * DAY, .until = -HOUR},
	    {.expect = STAPLE_GOOD, .from = -2 * DAY, .until = -200},
	    {.expect = STAPLE_INVALID, .from = HOUR},
	    {.expect = STAPLE_GOOD, .from = 200},
	    {.expect = STAPLE_INVALID, .from = -HOUR, .until = -2 * HOUR},
	    {.expect = STAPLE_GOOD, .without_end = true},
	    {.expect = STAPLE_EXPIRED, .without_end = true, .from = -2 * DAY},
	    {.expect = STAPLE_REVOKED,
		.status = V_OCSP_CERTSTATUS_REVOKED,
		.from = -2 * DAY,
		.until = -HOUR},
	    {.expect = STAPLE_EXPIRED,
		.status = V_OCSP_CERTSTATUS_UNKNOWN,
		.from = -2 * DAY,
		.until = -HOUR},
	    /* about another certificate */
	    {.expect = STAPLE_INVALID, .of = &other},
	    {.expect = STAPLE_INVALID, .of = &issuer},
	    /* signed by others */
	    {.expect = STAPLE_GOOD, .signer = &delegate},
	    {.expect = STAPLE_GOOD, .signer = &delegate, .by_key = true},
	    {.expect = STAPLE_INVALID, .signer = &delegate, .no_certs = true},
	    {.expect = STAPLE_INVALID, .signer = &plain},
	    {.expect = STAPLE_INVALID, .signer = &late},
	    {.expect = STAPLE_INVALID, .signer = &elsewhere},
	    {.expect = STAPLE_INVALID, .signer = &stranger},
	    {.expect = STAPLE_INVALID, .signer = &stranger, .by_key = true},
	    {.expect = STAPLE_INVALID, .signer = &stranger, .no_certs = true},
	    {.expect = STAPLE_INVALID, .signer = &root},
	    {.expect = STAPLE_INVALID, .signer = &leaf},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t next;
		enum staple s = judge(&rows[i], &next);

		if (s != rows[i].expect)
			fail_msg("row %u: %s, not %s", i,
			    word_label(WORD_STAPLE, s),
			    word_label(WORD_STAPLE, rows[i].expect));
		if (s == STAPLE_INVALID || rows[i].without_end)
			assert_int_equal(next, 0);
		else
			assert_int_equal(next,
			    NOW + (rows[i].until != 0 ? rows[i].until : DAY));
	}
}

static void
test_absent(void **state)
{
	int64_t next = 7;

	assert_int_equal(judge_at(NULL, 0, NOW, &next), STAPLE_ABSENT);
	assert_int_equal(next, 0);
	/* Of no length, it is not absent: it was sent. */
	assert_int_equal(
	    judge_at((const uint8_t *)"", 0, NOW, &next), STAPLE_INVALID);
}

/* Without the issuer nothing can be said, whatever the response does. */
static void
test_no_issuer(void **state)
{
	struct ocsp_question q = {.leaf = leaf.x509, .now = NOW};
	const struct recipe good = {0};
	uint8_t *der;
	size_t len = make(&good, &der);
	int64_t next;

	assert_int_equal(ocsp_judge(&q, der, len, &next), STAPLE_INVALID);
	OPENSSL_free(der);
}

/* Responders that cannot answer say so (RFC 6960 section 4.2.1). */
static void
test_error_responses(void **state)
{
	for (int status = 1; status <= 6; status++) {
		OCSP_RESPONSE *r = OCSP_response_create(status, NULL);
		uint8_t *der = NULL;
		int len = i2d_OCSP_RESPONSE(r, &der);
		int64_t next;

		assert_int_equal(
		    judge_at(der, (size_t)len, NOW, &next), STAPLE_INVALID);
		OPENSSL_free(der);
		OCSP_RESPONSE_free(r);
	}
}

/* No octet of a good one can be another, and none can be missing or more. */
static void
test_spoilt(void **state)
{
	const struct recipe recipe = {.no_certs = true};
	uint8_t *der, *copy;
	size_t len = make(&recipe, &der);
	int64_t next;

	copy = malloc(len + 1);
	assert_non_null(copy);
	memcpy(copy, der, len);
	copy[len] = 0;
	assert_int_equal(judge_at(copy, len, NOW, &next), STAPLE_GOOD);
	assert_int_equal(judge_at(copy, len + 1, NOW, &next), STAPLE_INVALID);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(judge_at(copy, i, NOW, &next), STAPLE_INVALID);
		copy[i] ^= 1 + (uint8_t)(i % 255);
		assert_int_equal(
		    judge_at(copy, len, NOW, &next), STAPLE_INVALID);
		copy[i] = der[i];
	}
	free(copy);
	OPENSSL_free(der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_absent),
	    cmocka_unit_test(test_no_issuer),
	    cmocka_unit_test(test_error_responses),
	    cmocka_unit_test(test_spoilt),
	};

	return cmocka_run_group_tests(
	    tests, make_certificates, free_certificates);
}
