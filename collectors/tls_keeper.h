/*
 * What the TLS sessions of a loop stand on: trust anchors, and who we are to
 * servers that ask. Both are read by other threads, first when a session
 * needs them; it waits until ready() is called.
 */
#ifndef TLS_KEEPER_H
#define TLS_KEEPER_H

struct anchors;
struct identity;
struct tls_keeper;
struct uv_loop_s;
struct x509_store_st;

struct tls_keeper_setup {
	struct uv_loop_s *loop;
	struct anchors *anchors; /* borrowed, shared; NULL: its own */
	const char *ca_file;	 /* as anchors_want() takes it */
	/* Something was read, or cannot be: sessions that waited look again. */
	void (*ready)(void *arg);
	void *arg;
};

/* NULL: no memory. */
struct tls_keeper *tls_keeper_new(const struct tls_keeper_setup *setup);
/* ready() is not called any more. NULL is fine. */
void tls_keeper_free(struct tls_keeper *k);

/*
 * Another file, or it has changed: read again, if it had been read at all;
 * until that is done, and when it fails, the old anchors stay.
 */
void tls_keeper_adjust(struct tls_keeper *k, const char *ca_file);

/*
 * 0: *store is a reference when the version is another than *version, which
 * is set; else NULL. -EAGAIN: being read. Other -errno: cannot be used.
 */
int tls_keeper_anchors(
    struct tls_keeper *k, struct x509_store_st **store, unsigned *version);
/*
 * 0: *id is the keeper's, until control returns to the loop. -EAGAIN: being
 * read. Other -errno: the files cannot be used (logged once).
 */
int tls_keeper_identity(struct tls_keeper *k, const char *cert_file,
    const char *key_file, const struct identity **id);

#endif
