/* What a target asks: defaults, references, and who may ask what. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ask.h"
#include "buf.h"
#include "config.h"
#include "config_ask.h"
#include "config_read.h"
#include "kind.h"

static struct doc_errors errors;

static struct ask *
read_as(const char *yaml, unsigned asks, bool labels)
{
	struct config_reader r = {.directory = "/etc/x", .errors = &errors};
	const struct kind k = {
	    .name = "tried", .transport = TRANSPORT_TLS, .asks = asks};
	struct doc_node *map = doc_parse(yaml, strlen(yaml), &errors);
	struct ask *a = config_ask_read(&r, map, &k, labels);

	doc_free(map);
	return a;
}

static void
expect_error(const char *text)
{
	struct buf b = BUF_INIT;

	config_errors_text(&b, "f", &errors);
	assert_non_null(strstr(buf_str(&b), text));
	buf_free(&b);
	doc_errors_free(&errors);
}

static void
test_defaults(void **state)
{
	struct ask *a = ask_new(1u << ASK_TLS);

	(void)state;
	assert_non_null(a);
	assert_null(a->tls.server_name);
	assert_ptr_equal(ask_ref(a), a);
	ask_unref(a);
	assert_int_equal(a->groups, 1u << ASK_TLS);
	ask_unref(a);
	ask_unref(NULL);
	assert_null(ask_ref(NULL));
}

static void
test_read(void **state)
{
	struct ask *a =
	    read_as("{server_name: a.example.com}", 1u << ASK_TLS, false);

	(void)state;
	assert_int_equal(doc_errors_count(&errors), 0);
	assert_string_equal(a->tls.server_name, "a.example.com");
	assert_string_equal(a->text, "server_name=a.example.com");
	ask_unref(a);
	a = read_as(
	    "{__server_name__: b, server_name: c}", 1u << ASK_TLS, true);
	assert_string_equal(a->tls.server_name, "b");
	ask_unref(a);
}

static void
test_refused(void **state)
{
	struct ask *a;

	(void)state;
	assert_null(read_as("{server_name: a}", 0, false));
	expect_error("'server_name' is no key of a tried probe over tls");
	a = read_as("{server_name: [a]}", 1u << ASK_TLS, false);
	expect_error("must be a text, not a list");
	ask_unref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
