/* Reading trust anchors, and handing the same ones to everybody. */
#include "build.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anchors.h"
#include "file.h"
#include "log.h"

/* Where distributions keep the bundle; OpenSSL's own defaults come last. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

enum { BUNDLES = sizeof(bundles) / sizeof(bundles[0]) };

struct anchors {
	_Atomic unsigned refs;
	pthread_mutex_t lock; /* held shortly: what follows */
	char *wanted;	      /* owned; NULL: the system's */
	char *have;	      /* the same, of what was read */
	struct stat stat;     /* of the file that was read */
	X509_STORE *store;    /* reference; NULL: nothing read */
	_Atomic unsigned version;
	int said;		 /* the error that was told last */
	pthread_mutex_t loading; /* held while a thread reads */
};

struct anchors *
anchors_new(void)
{
	struct anchors *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	atomic_init(&a->refs, 1);
	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_init(&a->loading, NULL);
	return a;
}

struct anchors *
anchors_ref(struct anchors *a)
{
	atomic_fetch_add(&a->refs, 1);
	return a;
}

void
anchors_unref(struct anchors *a)
{
	if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	X509_STORE_free(a->store);
	free(a->wanted);
	free(a->have);
	pthread_mutex_destroy(&a->lock);
	pthread_mutex_destroy(&a->loading);
	free(a);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* A copy in *out, NULL of NULL. */
static int
copy_text(char **out, const char *text)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text != NULL && *out == NULL ? -ENOMEM : 0;
}

int
anchors_want(struct anchors *a, const char *ca_file)
{
	char *copy;

	pthread_mutex_lock(&a->lock);
	if (same_text(a->wanted, ca_file)) {
		pthread_mutex_unlock(&a->lock);
		return 0;
	}
	if (copy_text(&copy, ca_file) < 0) {
		pthread_mutex_unlock(&a->lock);
		return -ENOMEM;
	}
	free(a->wanted);
	a->wanted = copy;
	a->said = 0;
	pthread_mutex_unlock(&a->lock);
	return 0;
}

/* The file to read; NULL: none but what the library was built to know. */
static const char *
bundle_of(const char *ca_file)
{
	struct stat st;

	if (ca_file != NULL)
		return ca_file;
	ca_file = getenv("SSL_CERT_FILE");
	if (ca_file != NULL)
		return ca_file;
	for (unsigned i = 0; i < BUNDLES; i++) {
		if (stat(bundles[i], &st) == 0)
			return bundles[i];
	}
	return NULL;
}

static bool
is_same_file(const char *path, const struct stat *was)
{
	struct stat st;

	if (path == NULL)
		return true;
	return stat(path, &st) == 0 && st.st_ino == was->st_ino &&
	       st.st_size == was->st_size &&
	       st.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

static bool
is_fresh(const struct anchors *a)
{
	return a->store != NULL && same_text(a->wanted, a->have) &&
	       is_same_file(bundle_of(a->wanted), &a->stat);
}

bool
anchors_fresh(struct anchors *a)
{
	bool fresh;

	pthread_mutex_lock(&a->lock);
	fresh = is_fresh(a);
	pthread_mutex_unlock(&a->lock);
	return fresh;
}

/* 16 to 19 ms with the usual bundle of 140 anchors. */
static int
read_anchors(const char *ca_file, struct stat *st, X509_STORE **out)
{
	const char *bundle = bundle_of(ca_file);
	X509_STORE *store;

	memset(st, 0, sizeof(*st));
	if (bundle != NULL && stat(bundle, st) < 0)
		return -errno;
	store = X509_STORE_new();
	if (store == NULL)
		return -ENOMEM;
	ERR_clear_error();
	if (bundle == NULL)
		X509_STORE_set_default_paths(store);
	else if (X509_STORE_load_file(store, bundle) != 1) {
		X509_STORE_free(store);
		ERR_clear_error();
		return -EINVAL;
	}
	*out = store;
	return 0;
}

static void
tell(const char *file, int err)
{
	log_error("tls", "trust anchors of %s cannot be used: %s",
	    file != NULL ? file : "the system",
	    err == -EINVAL ? "there are no certificates" : file_why(err));
}

/* Takes what was read, or the error; what was there is let go. */
static void
take(struct anchors *a, char *file, const struct stat *st, X509_STORE *store,
    int err)
{
	X509_STORE *old = NULL;
	bool news;

	pthread_mutex_lock(&a->lock);
	news = err != 0 && a->said != err;
	a->said = err;
	if (err == 0) {
		old = a->store;
		a->store = store;
		a->stat = *st;
		free(a->have);
		a->have = file;
		atomic_fetch_add(&a->version, 1);
	}
	pthread_mutex_unlock(&a->lock);
	if (news)
		tell(file, err);
	if (err != 0)
		free(file);
	X509_STORE_free(old);
}

int
anchors_load(struct anchors *a)
{
	X509_STORE *store = NULL;
	struct stat st;
	char *file = NULL;
	bool fresh;
	int err = 0;

	pthread_mutex_lock(&a->loading);
	pthread_mutex_lock(&a->lock);
	fresh = is_fresh(a);
	if (!fresh)
		err = copy_text(&file, a->wanted);
	pthread_mutex_unlock(&a->lock);
	if (!fresh && err == 0) {
		err = read_anchors(file, &st, &store);
		take(a, file, &st, store, err);
	}
	pthread_mutex_unlock(&a->loading);
	return err;
}

X509_STORE *
anchors_store(struct anchors *a, unsigned *version)
{
	X509_STORE *store;

	pthread_mutex_lock(&a->lock);
	store = a->store;
	if (store != NULL)
		X509_STORE_up_ref(store);
	*version = atomic_load(&a->version);
	pthread_mutex_unlock(&a->lock);
	return store;
}

unsigned
anchors_version(struct anchors *a)
{
	return atomic_load(&a->version);
}
