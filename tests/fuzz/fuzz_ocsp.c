/*
 * Fuzzing stapled OCSP responses: for a certificate whose key nobody has
 * there is none that may say anything.
 */
#include "build.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Its key was thrown away. */
static const char only[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcjCCARmgAwIBAgIUWBlSoyiukSsLE5SjbBKUiPBesG0wCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEZnV6ejAeFw0yNjExMjMwODQ0MjVaFw00NjExMTgwODQ0MjVa\n"
    "MA8xDTALBgNVBAMMBGZ1enowWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQqSzN/\n"
    "M4uIe5mOqbvXyiazsaQQf0+kRX6t71WUBWIHiffTdphwmhFGJfBM6Z2IL7wUXzYH\n"
    "S8EToaS0hyVVpOqZo1MwUTAdBgNVHQ4EFgQU/nf9KblUBgSTAY+ySOZmJfFITZcw\n"
    "HwYDVR0jBBgwFoAU/nf9KblUBgSTAY+ySOZmJfFITZcwDwYDVR0TAQH/BAUwAwEB\n"
    "/zAKBggqhkjOPQQDAgNHADBEAiBLh5ahbleNGyj1fpwwAn2NDZGtFK1gA2kadobG\n"
    "PKnu8wIgQFwicgVsqs+OVOiE8mF2Tbn/yVJUyYVeZx2kBG0tXWc=\n"
    "-----END CERTIFICATE-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static X509 *x;
	struct ocsp_question q = {.now = 1800000000};
	int64_t next;

	if (x == NULL) {
		BIO *bio = BIO_new_mem_buf(only, -1);

		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		BIO_free(bio);
		assert(x != NULL);
	}
	q.leaf = q.issuer = x;
	assert(ocsp_judge(&q, bytes, len, &next) == STAPLE_INVALID);
	assert(next == 0);
	return 0;
}
