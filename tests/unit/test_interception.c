/* Who intercepts TLS: told once each way, and what all of them come to. */
#include "build.h"

#include "event.h"
#include "fleet.h"
#include "interception.h"

enum { TARGETS = 3, EVENTS = 16, UNASKED = 0, DIRECT = 1, INTERCEPTED = 2 };

static struct store *store;
static struct roster *roster;
static struct interception *interception;
static struct event event[EVENTS];
static unsigned events;
static uint64_t now;

static void
take_event(void *arg, const struct event *e)
{
	if (events < EVENTS)
		event[events++] = *e;
}

static void
adopt(unsigned first)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < TARGETS; i++)
		fleet_add(&inv, &(struct fleet_spec){
				    .number = i, .transport = TRANSPORT_TLS});
	roster_unref(roster);
	roster = store_adopt(store, &inv, fleet_loop);
	assert_non_null(roster);
	fleet_clear(&inv);
}

static int
set_up(void **state)
{
	store = store_new();
	interception = interception_new();
	roster = NULL;
	now = CLOCK_SEC;
	adopt(0);
	return 0;
}

static int
tear_down(void **state)
{
	roster_unref(roster);
	interception_free(interception);
	store_free(store);
	return 0;
}

static void
show(size_t i, uint8_t intercepted, const char *root)
{
	struct tls_facts f = {.have_cert = 1, .intercepted = intercepted};

	snprintf(f.root, sizeof(f.root), "%s", root);
	row_set_tls(roster->entry[i].row, &f);
}

static enum site_verdict
look(void)
{
	events = 0;
	now += 2 * CLOCK_SEC;
	return interception_run(interception, roster, now);
}

static void
expect(unsigned i, enum event_kind kind, size_t target, const char *cause)
{
	assert_true(i < events);
	assert_int_equal(event[i].kind, kind);
	assert_int_equal(event[i].index, roster->entry[target].target->index);
	assert_string_equal(
	    event[i].subject, roster->entry[target].target->name);
	assert_string_equal(event[i].cause, cause);
}

static void
test_each_once(void **state)
{
	assert_int_equal(look(), SITE_NOT_KNOWN);
	show(0, UNASKED, "CN=A");
	assert_int_equal(look(), SITE_NOT_KNOWN);
	show(1, DIRECT, "CN=A");
	assert_int_equal(look(), SITE_NO);
	assert_int_equal(events, 0);
	show(2, INTERCEPTED, "O=Proxy, CN=Corp");
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 1);
	expect(0, EVENT_TLS_INTERCEPTION, 2, "issuer O=Proxy, CN=Corp");
	show(1, INTERCEPTED, "CN=Corp");
	show(2, DIRECT, "CN=A");
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 2);
	expect(0, EVENT_TLS_INTERCEPTION, 1, "issuer CN=Corp");
	expect(1, EVENT_TLS_INTERCEPTION_OVER, 2, "issuer CN=A");
	show(1, DIRECT, "CN=A");
	assert_int_equal(look(), SITE_NO);
	assert_int_equal(events, 1);
	expect(0, EVENT_TLS_INTERCEPTION_OVER, 1, "issuer CN=A");
	assert_int_equal(look(), SITE_NO);
	assert_int_equal(events, 0);
}

/* A handshake that showed nothing neither clears it nor raises it again. */
static void
test_failed_handshakes(void **state)
{
	struct tls_facts none = {0};

	show(0, INTERCEPTED, "CN=Corp");
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 1);
	row_set_tls(roster->entry[0].row, &none);
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 0);
	show(0, INTERCEPTED, "CN=Corp");
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 0);
}

static void
test_over_a_reload(void **state)
{
	show(0, INTERCEPTED, "CN=Corp");
	show(2, INTERCEPTED, "CN=Corp");
	look();
	assert_int_equal(events, 2);
	adopt(1);
	/* The one is gone, of the other it has been told. */
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 0);
	adopt(0);
	show(0, INTERCEPTED, "CN=Corp");
	assert_int_equal(look(), SITE_YES);
	assert_int_equal(events, 1);
}

/* Between two looks of a second nothing is looked at. */
static void
test_not_too_often(void **state)
{
	assert_int_equal(look(), SITE_NOT_KNOWN);
	show(0, INTERCEPTED, "CN=Corp");
	now += CLOCK_SEC / 2;
	assert_int_equal(
	    interception_run(interception, roster, now), SITE_NOT_KNOWN);
	now += CLOCK_SEC / 2;
	assert_int_equal(interception_run(interception, roster, now), SITE_YES);
}

/* Of a long name as much is told as fits. */
static void
test_long_name(void **state)
{
	char name[TLS_TEXT];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	show(0, INTERCEPTED, name);
	look();
	assert_int_equal(events, 1);
	assert_int_equal(strlen(event[0].cause), 7 + 110);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_each_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_failed_handshakes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_over_a_reload, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_not_too_often, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_name, set_up, tear_down),
	};

	event_subscribe(take_event, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
