/* The order in which what is wrong with a certificate is said. */
#include "build.h"

#include <openssl/x509.h>

#include "ask.h"
#include "probe.h"
#include "tls_judge.h"

/* Numbers that are not here are those of rare mishaps. */
static const struct {
	int code;
	enum chain word;
} chain_words[] = {
    {X509_V_OK, CHAIN_VALID},
    {X509_V_ERR_CERT_HAS_EXPIRED, CHAIN_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, CHAIN_NOT_YET_VALID},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CHAIN_SELF_SIGNED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CHAIN_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_UNTRUSTED, CHAIN_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_REJECTED, CHAIN_UNTRUSTED_ROOT},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CHAIN_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CHAIN_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CHAIN_UNKNOWN_ISSUER},
    {X509_V_ERR_INVALID_PURPOSE, CHAIN_WRONG_PURPOSE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, CHAIN_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, CHAIN_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, CHAIN_WEAK},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, CHAIN_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CHAIN_BAD_SIGNATURE},
    {X509_V_ERR_INVALID_CA, CHAIN_BAD_CHAIN},
    {X509_V_ERR_INVALID_NON_CA, CHAIN_BAD_CHAIN},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, CHAIN_BAD_CHAIN},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, CHAIN_BAD_CHAIN},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CHAIN_BAD_CHAIN},
    {X509_V_ERR_PERMITTED_VIOLATION, CHAIN_BAD_CHAIN},
    {X509_V_ERR_EXCLUDED_VIOLATION, CHAIN_BAD_CHAIN},
};

enum { CHAIN_WORDS = sizeof(chain_words) / sizeof(chain_words[0]) };

enum chain
tls_judge_chain(int verify_error)
{
	for (unsigned i = 0; i < CHAIN_WORDS; i++)
		if (chain_words[i].code == verify_error)
			return chain_words[i].word;
	return CHAIN_OTHER;
}

/* What the state of the staple comes to; X509_V_OK: nothing. */
static int
staple_error(const struct ask_tls *ask, const struct tls_facts *facts)
{
	bool wanted = facts->must_staple || (ask != NULL && ask->staple);

	/* Revoked is revoked, whoever asked. */
	if (facts->staple == STAPLE_REVOKED)
		return X509_V_ERR_CERT_REVOKED;
	if (!wanted || facts->staple == STAPLE_GOOD)
		return X509_V_OK;
	switch ((enum staple)facts->staple) {
	case STAPLE_UNKNOWN:
		return X509_V_ERR_OCSP_CERT_UNKNOWN;
	case STAPLE_EXPIRED:
	case STAPLE_INVALID:
		return X509_V_ERR_OCSP_VERIFY_FAILED;
	default:
		return X509_V_ERR_OCSP_VERIFY_NEEDED;
	}
}

enum outcome
tls_judge(const struct ask_tls *ask, const struct tls_facts *facts, int *code)
{
	*code = facts->verify_error;
	/* Who sits in between explains whatever else is wrong. */
	if (facts->intercepted == 2)
		return OUTCOME_TLS_INTERCEPTED;
	if (*code < 0) {
		*code = 0;
		return OUTCOME_LOCAL;
	}
	if (*code == X509_V_OK && facts->for_host == 1)
		*code = X509_V_ERR_HOSTNAME_MISMATCH;
	if (*code == X509_V_OK)
		*code = staple_error(ask, facts);
	return *code == X509_V_OK ? OUTCOME_ANSWERED : OUTCOME_TLS_CERTIFICATE;
}
