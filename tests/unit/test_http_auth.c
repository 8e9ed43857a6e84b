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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(right_and_wrong),
	    cmocka_unit_test(floods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
