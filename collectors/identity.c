/* Client certificates, and their keys, from files. */
#include "build.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "identity.h"

enum { FILE_MOST = 1 << 20 };

struct identity {
	_Atomic unsigned refs;
	char *cert_file, *key_file; /* owned */
	struct stat cert_stat, key_stat;
	X509 *leaf;
	STACK_OF(X509) * chain; /* what follows the leaf in its file */
	EVP_PKEY *key;
};

/* Nobody is there to be asked for a pass phrase. */
static int
no_phrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static int
read_pem(const char *file, struct stat *st, char **text, BIO **bio)
{
	size_t len;
	int err;

	if (stat(file, st) < 0)
		return -errno;
	err = file_read_regular(file, FILE_MOST, text, &len);
	if (err < 0)
		return err;
	*bio = BIO_new_mem_buf(*text, (int)len);
	return *bio != NULL ? 0 : -ENOMEM;
}

static int
read_certificates(struct identity *id, const char **why)
{
	char *text = NULL;
	BIO *bio = NULL;
	X509 *x;
	int err = read_pem(id->cert_file, &id->cert_stat, &text, &bio);

	*why = "client_cert";
	if (err == 0) {
		id->leaf = PEM_read_bio_X509(bio, NULL, no_phrase, NULL);
		if (id->leaf == NULL) {
			err = -EINVAL;
			*why = "client_cert has no certificate";
		}
	}
	while (err == 0 &&
	       (x = PEM_read_bio_X509(bio, NULL, no_phrase, NULL)) != NULL) {
		if (sk_X509_push(id->chain, x) <= 0) {
			X509_free(x);
			err = -ENOMEM;
		}
	}
	BIO_free(bio);
	free(text);
	return err;
}

static int
read_key(struct identity *id, const char **why)
{
	char *text = NULL;
	BIO *bio = NULL;
	int err = read_pem(id->key_file, &id->key_stat, &text, &bio);

	*why = "client_key";
	if (err == 0) {
		id->key = PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL);
		if (id->key == NULL) {
			err = -EINVAL;
			*why = "client_key has no key without a pass phrase";
		} else if (X509_check_private_key(id->leaf, id->key) != 1) {
			err = -EINVAL;
			*why = "client_key is not the key of client_cert";
		}
	}
	BIO_free(bio);
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	return err;
}

int
identity_read(const char *cert_file, const char *key_file,
    struct identity **out, const char **why)
{
	struct identity *id = calloc(1, sizeof(*id));
	int err = -ENOMEM;

	*why = "not enough memory";
	if (id == NULL)
		return -ENOMEM;
	atomic_init(&id->refs, 1);
	id->cert_file = strdup(cert_file);
	id->key_file = strdup(key_file);
	id->chain = sk_X509_new_null();
	if (id->cert_file != NULL && id->key_file != NULL && id->chain != NULL)
		err = read_certificates(id, why);
	if (err == 0)
		err = read_key(id, why);
	ERR_clear_error();
	if (err < 0) {
		identity_unref(id);
		return err;
	}
	*out = id;
	return 0;
}

struct identity *
identity_ref(struct identity *id)
{
	if (id != NULL)
		atomic_fetch_add(&id->refs, 1);
	return id;
}

void
identity_unref(struct identity *id)
{
	if (id == NULL || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	X509_free(id->leaf);
	sk_X509_pop_free(id->chain, X509_free);
	EVP_PKEY_free(id->key);
	free(id->cert_file);
	free(id->key_file);
	free(id);
}

static bool
is_same(const char *file, const struct stat *was)
{
	struct stat st;

	return stat(file, &st) == 0 && st.st_ino == was->st_ino &&
	       st.st_size == was->st_size &&
	       st.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

bool
identity_fresh(const struct identity *id)
{
	return is_same(id->cert_file, &id->cert_stat) &&
	       is_same(id->key_file, &id->key_stat);
}

int
identity_show(const struct identity *id, SSL *ssl)
{
	ERR_clear_error();
	if (SSL_use_cert_and_key(ssl, id->leaf, id->key, id->chain, 1) == 1)
		return 0;
	ERR_clear_error();
	return -EINVAL;
}
