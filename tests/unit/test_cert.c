/* What certificates say: one made by the openssl command, and hostile ones. */
#include "build.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cert.h"
#include "probe.h"

/*
 * openssl req -x509 -set_serial 0x7F00A1B2C3D4E5F60718293A4B5C6D7E8F901122
 *   -subj '/C=DE/O=Example, Inc./CN=Größe "x"' -utf8 ...
 */
static const char golden[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIByjCCAXGgAwIBAgIUfwChssPU5fYHGCk6S1xtfo+QESIwCgYIKoZIzj0EAwIw\n"
    "OzELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUV4YW1wbGUsIEluYy4xFDASBgNVBAMM\n"
    "C0dyw7bDn2UgIngiMB4XDTI2MTEyMzA1NDA0M1oXDTM2MTEyMDA1NDA0M1owOzEL\n"
    "MAkGA1UEBhMCREUxFjAUBgNVBAoMDUV4YW1wbGUsIEluYy4xFDASBgNVBAMMC0dy\n"
    "w7bDn2UgIngiMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAECP/LrSY1k4a9Icu+\n"
    "weEBJpCy4uA48PH8KL2Y+NElQoHrCs2pULQWuLGjKAxyJXx3hpuDR7MVSBhxtCxf\n"
    "kfqqTaNTMFEwHQYDVR0OBBYEFBZwiw9BZ+XCYMdILaDttPAANPhbMB8GA1UdIwQY\n"
    "MBaAFBZwiw9BZ+XCYMdILaDttPAANPhbMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI\n"
    "zj0EAwIDRwAwRAIgXjiW1sHP5o/T9cnnZFmFpDWinw3LWjP06BQSwhdX+woCIGd0\n"
    "N6k0ZXllu8qOSy8O032ONzfHop74ECfPM3brLc75\n"
    "-----END CERTIFICATE-----\n";

/* openssl x509 -fingerprint -sha256 -enddate of it */
static const uint8_t golden_sha256[32] = {0xbb, 0xb6, 0x47, 0x21, 0x39, 0x33,
    0x85, 0x7c, 0x57, 0x20, 0x26, 0x4d, 0x13, 0x52, 0xeb, 0x04, 0x03, 0xd2,
    0x7e, 0xd7, 0xe8, 0x29, 0x25, 0xfa, 0x9a, 0x8c, 0xbb, 0x92, 0x97, 0xd0,
    0xa7, 0x1e};
static const int64_t golden_end = 2110772443;

static X509 *
read_golden(void)
{
	BIO *bio = BIO_new_mem_buf(golden, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static void
test_golden(void **state)
{
	X509 *x = read_golden();
	struct tls_facts f = {0};

	cert_facts(x, NULL, &f);
	assert_string_equal(f.subject,
	    "C=DE, O=Example\\, Inc., CN=Gr\xc3\xb6\xc3\x9f"
	    "e \\\"x\\\"");
	assert_string_equal(f.issuer, f.subject);
	assert_string_equal(
	    f.serial, "7f00a1b2c3d4e5f60718293a4b5c6d7e8f901122");
	assert_memory_equal(f.fingerprint, golden_sha256, 32);
	assert_int_equal(f.not_after, golden_end);
	assert_int_equal(f.have_cert, 1);
	/* Not its business. */
	assert_string_equal(f.version, "");
	assert_int_equal(f.verify_error, 0);
	X509_free(x);
}

/* A certificate with this name; nobody signed it, nobody asks. */
static X509 *
make(const void *name, int len, int type)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	assert_int_equal(X509_NAME_add_entry_by_NID(
			     n, NID_commonName, type, name, len, -1, 0),
	    1);
	X509_set_issuer_name(x, n);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	ASN1_TIME_set(X509_getm_notAfter(x), 1000);
	return x;
}

/* Whether it is UTF-8 (RFC 3629) of printable characters. */
static bool
is_clean(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != 0) {
		unsigned more = *p < 0x80		  ? 0
				: *p >= 0xc2 && *p < 0xe0 ? 1
				: *p >= 0xe0 && *p < 0xf0 ? 2
				: *p >= 0xf0 && *p < 0xf5 ? 3
							  : 9;

		if (more == 9 || *p < 0x20 || *p == 0x7f)
			return false;
		p++;
		while (more-- > 0) {
			if ((*p++ & 0xc0) != 0x80)
				return false;
		}
	}
	return true;
}

static void
test_hostile_names(void **state)
{
	static const struct {
		const char *name;
		int len, type;
		const char *want;
	} rows[] = {
	    {"a\nb\rc\tnul\0x", 11, V_ASN1_UTF8STRING,
		"CN=a\\0Ab\\0Dc\\09nul\\00x"},
	    {"\x1b[31mred", 8, V_ASN1_IA5STRING, "CN=\\1B[31mred"},
	    {"", 0, V_ASN1_UTF8STRING, "CN="},
	    {"a,b=c+d", 7, V_ASN1_UTF8STRING, "CN=a\\,b=c\\+d"},
	    {"\0G\0r\0\xf6", 6, V_ASN1_BMPSTRING, "CN=Gr\xc3\xb6"},
	    {"\xe9t\xe9", 3, V_ASN1_T61STRING, "CN=\xc3\xa9t\xc3\xa9"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *x = make(rows[i].name, rows[i].len, rows[i].type);
		struct tls_facts f = {0};

		cert_facts(x, NULL, &f);
		assert_string_equal(f.subject, rows[i].want);
		assert_string_equal(f.issuer, rows[i].want);
		assert_true(is_clean(f.subject));
		X509_free(x);
	}
}

/* Bytes that are no UTF-8 in a string that says it is. */
static void
test_broken_utf8(void **state)
{
	X509 *x = make("ok", 2, V_ASN1_UTF8STRING);
	ASN1_STRING *s = X509_NAME_ENTRY_get_data(
	    X509_NAME_get_entry(X509_get_subject_name(x), 0));
	struct tls_facts f = {0};

	ASN1_STRING_set(s,
	    "a\xff\xfe"
	    "b\xc3",
	    5);
	cert_facts(x, NULL, &f);
	assert_string_equal(f.subject, "CN=a??b?");
	/* Longer than it need be; half of a surrogate pair; beyond the end. */
	ASN1_STRING_set(s, "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|", 12);
	cert_facts(x, NULL, &f);
	assert_string_equal(f.subject, "CN=??|???|????|");
	ASN1_STRING_set(s, "\xee\x80\x80\xf4\x8f\xbf\xbf", 7);
	cert_facts(x, NULL, &f);
	assert_string_equal(f.subject, "CN=\xee\x80\x80\xf4\x8f\xbf\xbf");
	X509_free(x);
}

/* Too long a name is cut, and never inside a character. */
static void
test_long_names(void **state)
{
	static const char *const letters[] = {
	    "x", "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	for (unsigned i = 0; i < 4; i++) {
		size_t step = strlen(letters[i]);

		/* Shifted, so that the cut meets each place of a character. */
		for (unsigned shift = 0; shift < 4; shift++) {
			char name[512] = "sss";
			size_t len = shift;
			struct tls_facts f;
			X509 *x;

			while (len + step < 300) {
				memcpy(name + len, letters[i], step);
				len += step;
			}
			x = make(name, (int)len, V_ASN1_UTF8STRING);
			memset(&f, 0x7e, sizeof(f));
			cert_facts(x, NULL, &f);
			assert_true(is_clean(f.subject));
			assert_in_range(
			    strlen(f.subject), TLS_TEXT - 4, TLS_TEXT - 1);
			assert_memory_equal(f.subject, "CN=", 3);
			assert_memory_equal(
			    f.subject + 3, name, strlen(f.subject) - 3);
			X509_free(x);
		}
	}
}

static void
test_serials(void **state)
{
	static const struct {
		const char *decimal, *want;
	} rows[] = {
	    {"0", "00"},
	    {"-5", "-05"},
	    {"255", "ff"},
	    {"4660", "1234"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *x = make("x", 1, V_ASN1_UTF8STRING);
		BIGNUM *n = NULL;
		struct tls_facts f = {0};

		BN_dec2bn(&n, rows[i].decimal);
		BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
		cert_facts(x, NULL, &f);
		if (n != NULL && !BN_is_zero(n))
			assert_string_equal(f.serial, rows[i].want);
		BN_free(n);
		X509_free(x);
	}
}

/* RFC 5280 allows 20 octets; one of 64 must not go beyond the text. */
static void
test_long_serial(void **state)
{
	X509 *x = make("x", 1, V_ASN1_UTF8STRING);
	struct tls_facts f = {0};
	unsigned char bytes[64];

	memset(bytes, 0xab, sizeof(bytes));
	ASN1_STRING_set(X509_get_serialNumber(x), bytes, sizeof(bytes));
	cert_facts(x, NULL, &f);
	assert_int_equal(strlen(f.serial), 46);
	assert_memory_equal(f.serial, "abababab", 8);
	X509_free(x);
}

static void
test_earliest_end(void **state)
{
	X509 *leaf = make("leaf", 4, V_ASN1_UTF8STRING);
	X509 *first = make("first", 5, V_ASN1_UTF8STRING);
	X509 *second = make("second", 6, V_ASN1_UTF8STRING);
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct tls_facts f = {0};

	sk_X509_push(chain, leaf);
	sk_X509_push(chain, first);
	sk_X509_push(chain, second);
	/* In 2050 the encoding changes (RFC 5280 section 4.1.2.5). */
	ASN1_TIME_set(X509_getm_notAfter(leaf), 4102444800);
	ASN1_TIME_set(X509_getm_notAfter(first), 2524607999);
	ASN1_TIME_set(X509_getm_notAfter(second), 2524608000);
	cert_facts(leaf, chain, &f);
	assert_int_equal(f.not_after, 2524607999);
	assert_string_equal(f.subject, "CN=leaf");
	cert_facts(leaf, NULL, &f);
	assert_int_equal(f.not_after, 4102444800);
	/* "No well-defined expiration date" is the year 9999. */
	ASN1_TIME_set_string(X509_getm_notAfter(leaf), "99991231235959Z");
	cert_facts(leaf, NULL, &f);
	assert_int_equal(f.not_after, 253402300799);
	/* A date that is none does not hide the others. */
	ASN1_STRING_set(X509_getm_notAfter(leaf), "garbage", 7);
	cert_facts(leaf, chain, &f);
	assert_int_equal(f.not_after, 2524607999);
	cert_facts(leaf, NULL, &f);
	assert_int_equal(f.not_after, 0);
	sk_X509_free(chain);
	X509_free(leaf);
	X509_free(first);
	X509_free(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_broken_utf8),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_serials),
	    cmocka_unit_test(test_long_serial),
	    cmocka_unit_test(test_earliest_end),
	};

	return cmocka_run_group_tests_name("cert", tests, NULL, NULL);
}
