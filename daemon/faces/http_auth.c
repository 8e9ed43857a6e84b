/* Passwords against bcrypt hashes, and a memory of what they came to. */
#include "build.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "http_auth.h"
#include "target.h"
#include "webconfig.h"

/*
 * What a password is checked against: where there is no such user, the hash of
 * another one, always the same for a name. So it costs what users' cost here,
 * also where some cost more than others.
 */
static const char *
hash_for(const struct webconfig *w, const char *user, bool *known)
{
	const char *hash = webconfig_user(w, user);

	*known = hash != NULL;
	return *known ? hash : w->user[target_hash(user, 0) % w->users].value;
}

static int
make_key(uint8_t key[HTTP_AUTH_KEY], const char *user, const char *password,
    const char *hash)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) &&
	     EVP_DigestUpdate(ctx, user, strlen(user) + 1) &&
	     EVP_DigestUpdate(ctx, password, strlen(password) + 1) &&
	     EVP_DigestUpdate(ctx, hash, strlen(hash)) &&
	     EVP_DigestFinal_ex(ctx, key, NULL);
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}

static bool
remembers(const struct http_auth_ring *r, const uint8_t key[HTTP_AUTH_KEY])
{
	bool found = false;

	/* All of them: how long it takes is to say nothing. */
	for (unsigned i = 0; i < r->used; i++)
		found |= CRYPTO_memcmp(r->key[i], key, HTTP_AUTH_KEY) == 0;
	return found;
}

static void
remember(struct http_auth_ring *r, const uint8_t key[HTTP_AUTH_KEY])
{
	memcpy(r->key[r->next], key, HTTP_AUTH_KEY);
	r->next = (r->next + 1) % HTTP_AUTH_KEPT;
	if (r->used < HTTP_AUTH_KEPT)
		r->used++;
}

int
http_auth_ask(struct http_auth *a, const struct webconfig *w, const char *user,
    const char *password, struct http_auth_check **check)
{
	struct http_auth_check *c = calloc(1, sizeof(*c));
	int err;

	if (c == NULL)
		return -ENOMEM;
	strncpy(c->hash, hash_for(w, user, &c->known), sizeof(c->hash) - 1);
	c->password = strdup(password);
	err = c->password == NULL ? -ENOMEM
				  : make_key(c->key, user, password, c->hash);
	if (err == 0 && remembers(&a->good, c->key))
		err = 1;
	else if (err == 0 && !remembers(&a->bad, c->key))
		err = -EAGAIN;
	if (err == -EAGAIN)
		*check = c;
	else
		http_auth_check_free(c);
	return err;
}

void
http_auth_run(struct http_auth_check *c)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made;

	if (data == NULL)
		return;
	made = crypt_r(c->password, c->hash, data);
	c->right = made != NULL && strlen(made) == strlen(c->hash) &&
		   CRYPTO_memcmp(made, c->hash, strlen(c->hash)) == 0 &&
		   c->known;
	explicit_bzero(data, sizeof(*data));
	free(data);
}

bool
http_auth_learn(struct http_auth *a, struct http_auth_check *c)
{
	bool right = c->right;

	remember(right ? &a->good : &a->bad, c->key);
	http_auth_check_free(c);
	return right;
}

void
http_auth_check_free(struct http_auth_check *c)
{
	if (c == NULL)
		return;
	if (c->password != NULL)
		explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	free(c);
}
