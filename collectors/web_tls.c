/*
 * TLS of requests: libcurl does it, on our terms. Its contexts get the anchors
 * that all probes share, any certificate passes, and what was shown is read
 * from the session and judged as it is for every other probe.
 */
#include "build.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>

#include "clock.h"
#include "identity.h"
#include "proxy.h"
#include "tls_judge.h"
#include "tls_keeper.h"
#include "tls_offer.h"
#include "web_job.h"

static const struct ask_tls *
asked(const struct web *w)
{
	return w->path->ask != NULL ? &w->path->ask->tls : NULL;
}

/* ---- what is read from files ---- */

static int
identity_of(struct web *w, const struct identity **id)
{
	const struct ask_tls *ask = asked(w);

	*id = NULL;
	if (ask == NULL || ask->client_cert == NULL || ask->client_key == NULL)
		return 0;
	return tls_keeper_identity(
	    w->pool->keeper, ask->client_cert, ask->client_key, id);
}

/* As for the sessions of streams: without anchors a handshake still tells. */
static int
prepare(struct web *w)
{
	struct web_pool *pool = w->pool;
	const struct identity *id;
	X509_STORE *store;
	int err = tls_keeper_anchors(pool->keeper, &store, &pool->anchors);

	if (store != NULL) {
		X509_STORE_free(pool->store);
		pool->store = store;
	}
	return err == -EAGAIN ? err : identity_of(w, &id);
}

/* The next of those that wait that was not looked at this time. */
static struct web *
next_waiting(const struct web_pool *pool)
{
	struct web *w = pool->waiting;

	while (w != NULL && w->looked == pool->looks)
		w = w->next_waiting;
	return w;
}

bool
web_tls_forget(struct web *w)
{
	struct web **at = &w->pool->waiting;

	if (!w->waits)
		return false;
	while (*at != w)
		at = &(*at)->next_waiting;
	*at = w->next_waiting;
	w->waits = false;
	return true;
}

/* Some file was read, or cannot be. */
static void
on_files(void *arg)
{
	struct web_pool *pool = arg;
	struct web *w;
	int err;

	pool->looks++;
	while ((w = next_waiting(pool)) != NULL) {
		w->looked = pool->looks;
		err = prepare(w);
		if (err == -EAGAIN)
			continue;
		if (err == 0)
			err = multi_add(pool->multi, &w->job);
		if (err == 0) {
			web_tls_forget(w);
			continue;
		}
		w->end.local = true;
		w->job.ops->done(&w->job, CURLE_FAILED_INIT);
	}
}

int
web_tls_start(struct web *w)
{
	int err = 0;

	if (w->path->transport != TRANSPORT_HTTP ||
	    (w->path->proxy != NULL && w->path->proxy->tls))
		err = prepare(w);
	if (err == 0)
		return multi_add(w->pool->multi, &w->job);
	if (err != -EAGAIN)
		return err;
	w->waits = true;
	w->looked = w->pool->looks;
	w->next_waiting = w->pool->waiting;
	w->pool->waiting = w;
	return 0;
}

int
web_tls_open(struct web_pool *pool, const struct collector_setup *setup)
{
	struct tls_keeper_setup keeper = {.loop = setup->loop,
	    .anchors = setup->anchors,
	    .ca_file = setup->ca_file,
	    .ready = on_files,
	    .arg = pool};

	pool->keeper = tls_keeper_new(&keeper);
	return pool->keeper != NULL ? 0 : -ENOMEM;
}

void
web_tls_close(struct web_pool *pool)
{
	tls_keeper_free(pool->keeper);
	X509_STORE_free(pool->store);
}

/* ---- the session ---- */

static void
read_facts(struct web *w)
{
	const struct ask_tls *ask = asked(w);
	const char *name = ask != NULL ? ask->server_name : NULL;

	tls_facts_read(w->ssl, &w->notes, ask,
	    name != NULL ? name : w->path->host, &w->facts);
	tls_facts_details(w->ssl, w->probe->details);
	if (w->pool->anchors == 0 && w->facts.have_cert) {
		w->facts.verify_error = -1;
		w->facts.chain = 0;
	}
}

/* What is the session's own, before its first message. */
static void
set_up_session(struct web *w, SSL *ssl)
{
	const struct ask_tls *ask = asked(w);
	const struct identity *id;

	w->ssl = ssl;
	tls_facts_watch(ssl, &w->notes);
	SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
	if (ask != NULL && ask->server_name != NULL)
		SSL_set_tlsext_host_name(ssl, ask->server_name);
	if (identity_of(w, &id) == 0 && id != NULL)
		identity_show(id, ssl);
}

/* A handshake that fails leaves nothing to look at: so look meanwhile. */
static void
on_info(const SSL *session, int where, int ret)
{
	SSL *ssl = (SSL *)(uintptr_t)session;
	struct web *w = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (where == SSL_CB_HANDSHAKE_START && w->ssl != ssl)
		set_up_session(w, ssl);
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
	    ret >> 8 == SSL3_AL_FATAL)
		w->end.alert = ret & 0xff;
	if (w->ready != 0 || w->facts.have_cert)
		return;
	/* When all is well web_tls_judge() reads them. */
	if ((where & SSL_CB_ALERT) != 0 ||
	    ((where & SSL_CB_EXIT) != 0 && ret <= 0))
		read_facts(w);
}

/*
 * The record with the request is on its way: nothing else is so close.
 * The signature is OpenSSL's.
 */
static void
on_record(int write, int version, int type, const void *bytes, size_t len,
    SSL *ssl, void *arg)
{
	struct web *w = arg;

	(void)version;
	if (!write)
		tls_facts_bound(ssl, &w->notes, type, bytes, len);
	if (write && type == SSL3_RT_HEADER && w->first == 0)
		w->sent = clock_mono();
}

/* An old server is talked to in its own terms, if that is asked for. */
static void
allow_old(SSL_CTX *ctx, unsigned least)
{
	if (least == 0 || least >= TLS1_2_VERSION)
		return;
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_min_proto_version(ctx, (int)least);
	SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0");
}

static CURLcode
on_context(CURL *easy, void *context, void *arg)
{
	struct web *w = arg;
	SSL_CTX *ctx = context;
	const struct proxy *p = w->path->proxy;

	(void)easy;
	web_socket_note(w);
	tls_offer_limit(ctx);
	if (w->pool->store != NULL)
		SSL_CTX_set1_cert_store(ctx, w->pool->store);
	/* That of the proxy itself is libcurl's to judge. */
	if (p != NULL && p->tls && !w->end.tunnelled) {
		SSL_CTX_set_msg_callback(ctx, on_record);
		SSL_CTX_set_msg_callback_arg(ctx, w);
		return CURLE_OK;
	}
	w->handshake = clock_mono();
	w->ssl = NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	if (asked(w) != NULL)
		allow_old(ctx, asked(w)->least);
	SSL_CTX_set_app_data(ctx, w);
	SSL_CTX_set_info_callback(ctx, on_info);
	return CURLE_OK;
}

void
web_tls_hook(struct web *w)
{
	curl_easy_setopt(w->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
	curl_easy_setopt(w->easy, CURLOPT_SSL_CTX_DATA, w);
}

void
web_tls_judge(struct web *w)
{
	const struct ask_tls *ask = asked(w);
	enum outcome o;
	int code;

	if (w->ssl == NULL)
		return;
	read_facts(w);
	/* The notes are taken; from now on records are looked at. */
	SSL_set_msg_callback(w->ssl, on_record);
	SSL_set_msg_callback_arg(w->ssl, w);
	o = tls_judge(ask, &w->facts, &code);
	if (o == OUTCOME_ANSWERED ||
	    (ask != NULL && ask->verify == ASK_VERIFY_NO))
		return;
	w->end.verdict = o;
	w->end.verify = code;
}
