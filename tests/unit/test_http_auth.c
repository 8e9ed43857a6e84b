/* Passwords: right, wrong, of nobody; what is known is not asked again. */
#include "build.h"

#include <crypt.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "doc.h"
#include "http_auth.h"
#include "webconfig.h"

static struct webconfig *
users(const char *password)
{
	struct crypt_data data = {0};
	struct doc_errors errors = {0};
	struct buf text = BUF_INIT;
	struct webconfig *w;
	const char *hash =
	    crypt_r(password, "$2y$04$abcdefghijklmnopqrstuu", &data);

	assert_non_null(hash);
	buf_printf(&text, "basic_auth_users: {al: %s}", hash);
	w = webconfig_parse("f", buf_str(&text), text.len, &errors);
	assert_non_null(w);
	buf_free(&text);
	return w;
}

/* What comes of it, and whether a job was needed. */
static bool
ask(struct http_auth *a, const struct webconfig *w, const char *user,
    const char *password, bool *job)
{
	struct http_auth_check *c = NULL;
	int rc = http_auth_ask(a, w, user, password, &c);

	*job = rc == -EAGAIN;
	if (rc != -EAGAIN) {
		assert_null(c);
		return rc == 1;
	}
	http_auth_run(c);
	return http_auth_learn(a, c);
}

static void
right_and_wrong(void **state)
{
	struct webconfig *w = users("secret"), *other;
	struct http_auth a = {0};
	bool job;

	(void)state;
	assert_true(ask(&a, w, "al", "secret", &job));
	assert_true(job);
	assert_true(ask(&a, w, "al", "secret", &job));
	assert_false(job);
	assert_false(ask(&a, w, "al", "Secret", &job));
	assert_true(job);
	assert_false(ask(&a, w, "al", "Secret", &job));
	assert_false(job);
	assert_false(ask(&a, w, "al", "", &job));
	/* Nobody by that name: as much work, and the same end. */
	assert_false(ask(&a, w, "bo", "secret", &job));
	assert_true(job);
	assert_false(ask(&a, w, "", "", &job));
	/* Another hash is another question. */
	other = users("changed");
	assert_false(ask(&a, other, "al", "secret", &job));
	assert_true(job);
	assert_true(ask(&a, other, "al", "changed", &job));
	webconfig_free(other);
	webconfig_free(w);
}

/* No number of wrong ones makes a right one forgotten. */
static void
floods(void **state)
{
	struct webconfig *w = users("secret");
	struct http_auth a = {0};
	char text[32];
	bool job;

	(void)state;
	assert_true(ask(&a, w, "al", "secret", &job));
	for (unsigned i = 0; i < HTTP_AUTH_KEPT + 20; i++) {
		snprintf(text, sizeof(text), "wrong %u", i);
		assert_false(ask(&a, w, "al", text, &job));
	}
	assert_true(ask(&a, w, "al", "secret", &job));
	assert_false(job);
	assert_false(ask(&a, w, "al", "wrong 0", &job));
	assert_true(job);
	webconfig_free(w);
}

/*
 * Who is not there costs what those who are cost, also where that differs: each
 * name always the same, and all of the hashes are somebody's.
 */
static void
costs(void **state)
{
	static const char text[] =
	    "basic_auth_users:\n"
	    "  al: "
	    "$2y$04$abcdefghijklmnopqrstuuVYmSR2gUOzC1Cs5OQPVlfPTDiSs8XnG\n"
	    "  bo: "
	    "$2y$12$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n";
	struct doc_errors errors = {0};
	struct webconfig *w =
	    webconfig_parse("f", text, sizeof(text) - 1, &errors);
	unsigned cheap = 0, dear = 0;
	struct http_auth a = {0};

	(void)state;
	assert_non_null(w);
	for (unsigned i = 0; i < 64; i++) {
		struct http_auth_check *c[2] = {NULL, NULL};
		char name[16];

		snprintf(name, sizeof(name), "nobody %u", i);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(
			    http_auth_ask(&a, w, name, "x", &c[k]), -EAGAIN);
		assert_string_equal(c[0]->hash, c[1]->hash);
		assert_false(c[0]->known);
		cheap += strcmp(c[0]->hash, webconfig_user(w, "al")) == 0;
		dear += strcmp(c[0]->hash, webconfig_user(w, "bo")) == 0;
		http_auth_check_free(c[0]);
		http_auth_check_free(c[1]);
	}
	assert_int_equal(cheap + dear, 64);
	assert_in_range(cheap, 16, 48);
	webconfig_free(w);
}

/* Somebody's password is nobody's under another name. */
static void
borrowed(void **state)
{
	struct webconfig *w = users("secret");
	struct http_auth a = {0};
	bool job;

	(void)state;
	assert_false(ask(&a, w, "bo", "secret", &job));
	assert_true(job);
	assert_false(ask(&a, w, "bo", "secret", &job));
	assert_true(ask(&a, w, "al", "secret", &job));
	assert_false(ask(&a, w, "bo", "secret", &job));
	webconfig_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(right_and_wrong),
	    cmocka_unit_test(floods),
	    cmocka_unit_test(costs),
	    cmocka_unit_test(borrowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
