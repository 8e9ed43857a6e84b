/* Reading X.509 certificates (RFC 5280) into plain text and numbers. */
#include "build.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cert.h"
#include "probe.h"

/*
 * RFC 2253 in reading order (CN last), as `openssl x509 -nameopt` has it;
 * control characters are escaped, other scripts stay as they are.
 */
#define NAME_FLAGS                                                       \
	(XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_2253 | \
	    ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT |          \
	    ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER)

/* Bytes of the UTF-8 character (RFC 3629) at text; 0: it is none. */
static size_t
character(const unsigned char *text, size_t len)
{
	size_t need = text[0] < 0x80   ? 1
		      : text[0] < 0xe0 ? 2
		      : text[0] < 0xf0 ? 3
				       : 4;

	if (need == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || len < need)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than it need be, a surrogate half, beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) ||
	    (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) ||
	    (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return need;
}

/* As much as fits of the characters; what is none becomes '?'. */
static void
copy_characters(char *out, size_t size, const unsigned char *text, size_t len)
{
	size_t n = 0;

	while (len > 0) {
		size_t bytes = character(text, len);

		if (n + (bytes > 0 ? bytes : 1) >= size)
			break;
		if (bytes == 0) {
			out[n++] = '?';
			bytes = 1;
		} else {
			memcpy(out + n, text, bytes);
			n += bytes;
		}
		text += bytes;
		len -= bytes;
	}
	out[n] = '\0';
}

static void
name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *text;
	long len;

	out[0] = '\0';
	if (bio == NULL)
		return;
	if (X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		copy_characters(out, size, text, len > 0 ? (size_t)len : 0);
	}
	BIO_free(bio);
}

/* Hexadecimal, as browsers show it; RFC 5280 allows 20 octets. */
static void
serial_text(const X509 *cert, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	int len = ASN1_STRING_length(serial);
	size_t n = 0;

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER && size > 1)
		out[n++] = '-';
	for (int i = 0; i < len && n + 3 <= size; i++) {
		out[n++] = digits[bytes[i] >> 4];
		out[n++] = digits[bytes[i] & 15];
	}
	out[n] = '\0';
}

/* Seconds since 1970; INT64_MAX for a date that is none. */
static int64_t
end_of(const X509 *cert)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return INT64_MAX;
	return (int64_t)timegm(&tm);
}

void
cert_facts(
    const X509 *leaf, const STACK_OF(X509) * chain, struct tls_facts *facts)
{
	int64_t end = end_of(leaf);

	name_text(X509_get_subject_name(leaf), facts->subject,
	    sizeof(facts->subject));
	name_text(
	    X509_get_issuer_name(leaf), facts->issuer, sizeof(facts->issuer));
	serial_text(leaf, facts->serial, sizeof(facts->serial));
	if (X509_digest(leaf, EVP_sha256(), facts->fingerprint, NULL) != 1)
		memset(facts->fingerprint, 0, sizeof(facts->fingerprint));
	for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++) {
		int64_t other = end_of(sk_X509_value(chain, i));

		if (other < end)
			end = other;
	}
	facts->not_after = end != INT64_MAX ? end : 0;
	facts->have_cert = 1;
}
