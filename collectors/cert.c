/* Reading X.509 certificates (RFC 5280) into plain text and numbers. */
#include "build.h"

#include <fnmatch.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "addr.h"
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

bool
cert_is_for(X509 *leaf, const char *host)
{
	struct addr literal;

	if (addr_parse_host(&literal, host) == 0)
		return X509_check_ip_asc(leaf, host, 0) == 1;
	return X509_check_host(leaf, host, 0,
		   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		   NULL) == 1;
}

/* RFC 2253 section 2.4, but for what only begins or ends a value. */
static size_t
put_escaped(char *out, size_t size, const unsigned char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 2 < size; i++) {
		if (text[i] != '\0' && strchr(",+\"\\<>;", text[i]) != NULL)
			out[n++] = '\\';
		out[n++] =
		    text[i] < ' ' || text[i] == 0x7f ? '?' : (char)text[i];
	}
	out[n] = '\0';
	return n;
}

static size_t
put_attribute(
    char *out, size_t size, const char *label, const X509_NAME_ENTRY *entry)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	char value[512];
	size_t n;

	if (len < 0)
		return 0;
	copy_characters(value, sizeof(value), utf8, (size_t)len);
	OPENSSL_free(utf8);
	n = (size_t)snprintf(out, size, "%s=", label);
	if (n >= size)
		return 0;
	return n + put_escaped(out + n, size - n, (const unsigned char *)value,
		       strlen(value));
}

static void
usual_text(const X509_NAME *name, char *out, size_t size)
{
	static const struct {
		int nid;
		const char *label;
	} order[] = {
	    {NID_serialNumber, "SERIALNUMBER"},
	    {NID_commonName, "CN"},
	    {NID_postalCode, "POSTALCODE"},
	    {NID_streetAddress, "STREET"},
	    {NID_stateOrProvinceName, "ST"},
	    {NID_localityName, "L"},
	    {NID_organizationalUnitName, "OU"},
	    {NID_organizationName, "O"},
	    {NID_countryName, "C"},
	};
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const char *between = n > 0 ? "," : "";
		int at = -1;

		while ((at = X509_NAME_get_index_by_NID(
			    name, order[i].nid, at)) >= 0 &&
		       n + 32 < size) {
			n += (size_t)snprintf(out + n, size - n, "%s", between);
			n += put_attribute(out + n, size - n, order[i].label,
			    X509_NAME_get_entry(name, at));
			between = "+";
		}
	}
}

void
cert_names_usual(const X509 *cert, char *subject, char *issuer, size_t size)
{
	usual_text(X509_get_subject_name(cert), subject, size);
	usual_text(X509_get_issuer_name(cert), issuer, size);
}

void
cert_dns_names(X509 *leaf, char *out, size_t size)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		size_t len, comma = n > 0;

		if (name->type != GEN_DNS)
			continue;
		len = (size_t)ASN1_STRING_length(name->d.dNSName);
		if (n + comma + len >= size)
			break;
		if (comma)
			out[n++] = ',';
		copy_characters(out + n, size - n,
		    ASN1_STRING_get0_data(name->d.dNSName), len);
		n += strlen(out + n);
	}
	GENERAL_NAMES_free(names);
}

int64_t
cert_chain_end(const STACK_OF(X509) * chain)
{
	int64_t first = 0;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t end = end_of(sk_X509_value(chain, i));

		if (first == 0 || end < first)
			first = end;
	}
	return first;
}

bool
cert_must_staple(const X509 *leaf)
{
	enum { STATUS_REQUEST = 5 }; /* RFC 6066 section 8 */
	TLS_FEATURE *list = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
	bool must = false;

	for (int i = 0; list != NULL && i < sk_ASN1_INTEGER_num(list); i++)
		must |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(list, i)) ==
			STATUS_REQUEST;
	TLS_FEATURE_free(list);
	return must;
}

void
cert_issuer_text(const X509 *cert, char *out, size_t size)
{
	name_text(X509_get_issuer_name(cert), out, size);
}

static bool
is_like(const char *text, const char *pattern)
{
	return fnmatch(pattern, text, FNM_CASEFOLD) == 0;
}

static bool
entry_like(const X509_NAME_ENTRY *e, const char *pattern)
{
	unsigned char *utf8 = NULL;
	char text[TLS_TEXT];
	int len;

	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
	if (len < 0)
		return false;
	copy_characters(text, sizeof(text), utf8, (size_t)len);
	OPENSSL_free(utf8);
	return is_like(text, pattern);
}

bool
cert_issuer_like(const X509 *cert, const char *pattern)
{
	static const int nids[] = {
	    NID_organizationName, NID_organizationalUnitName, NID_commonName};
	const X509_NAME *name = X509_get_issuer_name(cert);
	char text[2 * TLS_TEXT];

	name_text(name, text, sizeof(text));
	if (is_like(text, pattern))
		return true;
	for (unsigned i = 0; i < sizeof(nids) / sizeof(nids[0]); i++) {
		int at = -1;

		for (;;) {
			at = X509_NAME_get_index_by_NID(name, nids[i], at);
			if (at < 0)
				break;
			if (entry_like(X509_NAME_get_entry(name, at), pattern))
				return true;
		}
	}
	return false;
}

/* ---- where to ask about it ---- */

struct url_list {
	char *text;
	size_t size;
};

/* What may stand in a request, and in our own lists. */
static bool
is_plain_url(const unsigned char *url, int len)
{
	if (len < 8 || strncasecmp((const char *)url, "http://", 7) != 0)
		return false;
	for (int i = 0; i < len; i++) {
		if (url[i] <= ' ' || url[i] >= 0x7f || url[i] == '"' ||
		    url[i] == '\\')
			return false;
	}
	return true;
}

static void
add_url(struct url_list *l, const char *kind, const ASN1_STRING *s)
{
	const unsigned char *url = ASN1_STRING_get0_data(s);
	int len = ASN1_STRING_length(s);
	size_t at = strlen(l->text), more;
	char word[256];

	if (!is_plain_url(url, len))
		return;
	more = (size_t)snprintf(word, sizeof(word), "%s=%.*s ", kind, len, url);
	if (more >= sizeof(word) || at + more >= l->size ||
	    strstr(l->text, word) != NULL)
		return;
	memcpy(l->text + at, word, more + 1);
}

static void
add_access(struct url_list *l, const X509 *cert)
{
	AUTHORITY_INFO_ACCESS *list =
	    X509_get_ext_d2i(cert, NID_info_access, NULL, NULL);

	for (int i = 0; list != NULL && i < sk_ACCESS_DESCRIPTION_num(list);
	     i++) {
		ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(list, i);
		int method = OBJ_obj2nid(a->method);

		if (a->location->type != GEN_URI)
			continue;
		if (method == NID_ad_OCSP)
			add_url(l, "ocsp", a->location->d.ia5);
		else if (method == NID_ad_ca_issuers)
			add_url(l, "ca", a->location->d.ia5);
	}
	AUTHORITY_INFO_ACCESS_free(list);
}

static void
add_names(struct url_list *l, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_URI)
			add_url(l, "crl", n->d.ia5);
	}
}

void
cert_authority_urls(const X509 *cert, char *text, size_t size)
{
	struct url_list l = {text, size};
	CRL_DIST_POINTS *points =
	    X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);

	add_access(&l, cert);
	for (int i = 0; points != NULL && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);

		if (p->distpoint != NULL && p->distpoint->type == 0)
			add_names(&l, p->distpoint->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
}
