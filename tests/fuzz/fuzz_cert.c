/* Fuzzing what is read out of certificates: texts stay texts, whatever comes.
 */
#include "build.h"

#include <assert.h>
#include <openssl/x509.h>
#include <string.h>

#include "cert.h"
#include "probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Ends within its room, and nothing in it is a control character. */
static void
check_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	assert(len < size);
	for (size_t i = 0; i < len; i++)
		assert((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

/* Words of a kind and a URL, each with a space behind. */
static void
check_urls(const char *text, size_t size)
{
	check_text(text, size);
	while (*text != '\0') {
		const char *url = strstr(text, "=");
		size_t n = strcspn(text, " ");

		assert(url != NULL && text[n] == ' ');
		assert(strncasecmp(url + 1, "http://", 7) == 0);
		assert(strncmp(text, "ocsp=", 5) == 0 ||
		       strncmp(text, "crl=", 4) == 0 ||
		       strncmp(text, "ca=", 3) == 0);
		text += n + 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const unsigned char *at = bytes;
	struct tls_facts f = {0};
	char small[16] = "";
	X509 *x = d2i_X509(NULL, &at, (long)len);

	if (x == NULL)
		return 0;
	cert_facts(x, NULL, &f);
	check_text(f.subject, sizeof(f.subject));
	check_text(f.issuer, sizeof(f.issuer));
	check_text(f.serial, sizeof(f.serial));
	cert_issuer_text(x, small, sizeof(small));
	check_text(small, sizeof(small));
	assert(cert_issuer_like(x, "*"));
	cert_issuer_like(x, "?*[a-z]*example");
	cert_must_staple(x);
	cert_is_for(x, "www.example.net");
	cert_is_for(x, "2001:db8::1");
	cert_authority_urls(x, f.authorities, sizeof(f.authorities));
	check_urls(f.authorities, sizeof(f.authorities));
	small[0] = '\0';
	cert_authority_urls(x, small, sizeof(small));
	check_urls(small, sizeof(small));
	X509_free(x);
	return 0;
}
